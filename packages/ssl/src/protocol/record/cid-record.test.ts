import { expect, it } from 'vitest';
import { defaultEngine } from '../../values/crypto/default-engine.js';
import { CidHead, innerPlaintext, readInnerPlaintext, TLS12_CID } from './cid-record.js';
import { putDtlsHeader } from './dtls-layout.js';
import { DtlsReadHalf } from './dtls-read-half.js';
import { Tls12ReadProtection, Tls12WriteProtection } from './tls12-protection.js';

const cid = Uint8Array.of(0xca, 0xfe, 1, 2);
const path = { address: '192.0.2.1', port: 1 };
const aead = defaultEngine.aead('aes_128_gcm');
if (aead === undefined) throw new Error('no AES');
const keys = { key: new Uint8Array(16).fill(1), iv: new Uint8Array(4).fill(2) };
const epoch = 2 ** 48;

/** A record of epoch 1. */
function record(sequence: number, inner: Uint8Array, id: Uint8Array = cid): Uint8Array {
  if (aead === undefined) throw new Error('no AES');
  const protection = new Tls12WriteProtection(aead, 'explicit', keys, 0xfefd, id.length > 0 ? id : undefined);
  protection.seek(epoch + sequence);
  const type = id.length > 0 ? TLS12_CID : 23;
  const fragment = protection.sealShort(type, inner).subarray(5);
  const whole = new Uint8Array(13 + id.length + fragment.length);
  putDtlsHeader(whole, type, 0xfefd, 1, sequence, fragment.length, id);
  whole.set(fragment, 13 + id.length);
  return whole;
}

/** One that has come to keys with an ID. */
function reader(ids: 'with' | 'without' = 'with'): DtlsReadHalf {
  if (aead === undefined) throw new Error('no AES');
  const half = new DtlsReadHalf();
  half.expectIds(cid.length);
  half.install(new Tls12ReadProtection(aead, 'explicit', keys, ids === 'with' ? cid : undefined));
  return half;
}

function read(half: DtlsReadHalf, ...datagrams: readonly Uint8Array[]): readonly string[] {
  const got: string[] = [];
  for (const datagram of datagrams) {
    half.feed(datagram, path);
    for (let one = half.next(); one !== undefined; one = half.next())
      got.push(`${one.type} ${Buffer.from(one.data)}${one.newest ? '' : ', late'}`);
  }
  return got;
}

const text = (said: string, type = 23): Uint8Array => innerPlaintext(type, Buffer.from(said));

it('what is authenticated besides is RFC 9146 §5’s', () => {
  expect(Buffer.from(new CidHead(cid).of(epoch * 3 + 5, 0xfefd, 0x0102)).toString('hex')).toBe(
    `ffffffffffffffff${'19'}${'04'}${'19'}${'fefd'}${'0003'}${'000000000005'}${'cafe0102'}${'0102'}`,
  );
});

it('the type stands behind the content, and zeros behind the type', () => {
  expect(readInnerPlaintext(text('hi'))).toEqual({ type: 23, content: new Uint8Array(Buffer.from('hi')) });
  expect(readInnerPlaintext(Uint8Array.of(0, 0, 22, 0, 0, 0))).toEqual({
    type: 22,
    content: Uint8Array.of(0, 0),
  });
  expect(readInnerPlaintext(Uint8Array.of(23))).toEqual({ type: 23, content: new Uint8Array(0) });
});

it.each([0, 1, 100])('nothing but %i zeros is no record', (length) => {
  expect(readInnerPlaintext(new Uint8Array(length))).toBeUndefined();
});

it('content, type and zeros are 2^14 bytes at most', () => {
  expect(readInnerPlaintext(innerPlaintext(23, new Uint8Array(16_383)))?.content).toHaveLength(16_383);
  expect(readInnerPlaintext(innerPlaintext(23, new Uint8Array(16_384)))).toBeUndefined();
});

it('records with the ID are read, padded or not, whatever true type they have', () => {
  const padded = Uint8Array.of(...text('padded'), 0, 0, 0, 0);
  const half = reader();
  expect(read(half, record(0, text('one')), record(1, padded), record(2, text('!', 27)))).toEqual([
    'application_data one',
    'application_data padded',
    'return_routability_check !',
  ]);
  expect(half.discarded).toBe(0);
});

it.each([
  ['another ID', record(1, text('x'), Uint8Array.of(0xca, 0xfe, 1, 3))],
  ['another ID in its header alone', record(1, text('x')).map((byte, index) => (index === 14 ? 3 : byte))],
  ['no ID, though its keys are the right ones', record(1, Buffer.from('x'), new Uint8Array(0))],
  ['a true type that is none', record(1, text('x', 25))],
  ['zeros alone', record(1, new Uint8Array(9))],
])('%s: passed over, and counted', (_what, bytes) => {
  const half = reader();
  expect(read(half, bytes, record(2, text('on')))).toEqual(['application_data on']);
  expect(half.discarded).toBe(1);
});

it('under keys without an ID a record with one is passed over', () => {
  const half = reader('without');
  expect(read(half, record(0, text('x')), record(1, Buffer.from('on'), new Uint8Array(0)))).toEqual([
    'application_data on',
  ]);
  expect(half.discarded).toBe(1);
});

it('a record says whether it is newer than all before, and comes once', () => {
  const half = reader();
  const said = [3, 1, 4, 4, 2].map((n) => record(n, text(`${n}`)));
  expect(read(half, ...said)).toEqual([
    'application_data 3',
    'application_data 1, late',
    'application_data 4',
    'application_data 2, late',
  ]);
});

it('a datagram of records under a guessed ID costs one try', () => {
  const forged = Array.from({ length: 50 }, (_none, n) => {
    const bytes = record(n, text('x'));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    return bytes;
  });
  const half = reader();
  expect(read(half, Buffer.concat(forged), record(60, text('on')))).toEqual(['application_data on']);
  expect(half.discarded).toBe(1);
  expect(half.held).toBe(0);
});

it('records of the epoch to come wait with their ID, and tell where they came from', () => {
  if (aead === undefined) throw new Error('no AES');
  const half = new DtlsReadHalf();
  half.expectIds(cid.length);
  expect(read(half, record(0, text('early')))).toEqual([]);
  half.install(new Tls12ReadProtection(aead, 'explicit', keys, cid));
  expect(half.next()).toMatchObject({ type: 'application_data', path, newest: true });
});

it.each([0, 1, 12, 13, 14, 16, 17, 20])('a record cut to %i bytes is none', (length) => {
  const half = reader();
  expect(read(half, record(0, text('cut')).subarray(0, length), record(1, text('on')))).toEqual([
    'application_data on',
  ]);
});

it('no record with any bit of it turned is read, and none stops those behind it', () => {
  const whole = record(1, text('the one'));
  for (let bit = 0; bit < whole.length * 8; bit += 1) {
    const bent = whole.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    const half = reader();
    expect([bit, read(half, bent, record(2, text('on')))]).toEqual([bit, ['application_data on']]);
  }
});
