/**
 * Records of TLS 1.2 beside ciphers used directly as RFC 5246 §6.2.3.3, RFC 5288 §3 and RFC 7905 §2 have it: `ciphertext`
 * and `record` below are written from the RFCs and share nothing with the code under test.
 */
import { createCipheriv } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Aead, AeadName, CryptoEngine } from '../../values/crypto/engine.js';
import { nobleEngine } from '../../values/crypto/noble/engine.js';
import { nodeEngine } from '../../values/crypto/node/engine.js';
import type { ContentType } from './content-type.js';
import { RecordError, type RecordReason } from './errors.js';
import { ReadHalf } from './read-half.js';
import { HandshakeReassembler } from './reassembly.js';
import {
  fixedIvLength,
  type NonceForm,
  Tls12ReadProtection,
  Tls12WriteProtection,
} from './tls12-protection.js';
import { WriteHalf } from './write-half.js';
import type { WriteKey } from './write-key.js';

interface Cipher {
  readonly name: AeadName;
  readonly form: NonceForm;
  readonly keyLength: number;
  readonly openssl: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';
}

const ciphers: readonly Cipher[] = [
  { name: 'aes_128_gcm', form: 'explicit', keyLength: 16, openssl: 'aes-128-gcm' },
  { name: 'aes_256_gcm', form: 'explicit', keyLength: 32, openssl: 'aes-256-gcm' },
  { name: 'chacha20_poly1305', form: 'xor', keyLength: 32, openssl: 'chacha20-poly1305' },
];
const engines: readonly [string, CryptoEngine][] = [
  ['node', nodeEngine],
  ['noble', nobleEngine],
];
const cases = ciphers.flatMap((cipher) =>
  engines.map(([name, engine]) => [cipher.name, name, cipher, engine] as const),
);

function aeadOf(engine: CryptoEngine, name: AeadName): Aead {
  const aead = engine.aead(name);
  if (aead === undefined) throw new Error(`no ${name}`);
  return aead;
}

function writeKey({ keyLength, form }: Cipher): Pick<WriteKey, 'key' | 'iv'> {
  return {
    key: Uint8Array.from({ length: keyLength }, (_, index) => index * 3 + 1),
    iv: Uint8Array.from({ length: fixedIvLength(form) }, (_, index) => 0xf0 - index),
  };
}

/** struct { uint64 seq_num; uint8 type; uint16 version; uint16 length; } */
function aadOf(sequence: bigint, type: number, length: number, version = 0x0303): Uint8Array {
  const aad = Buffer.alloc(13);
  aad.writeBigUInt64BE(sequence, 0);
  aad.writeUInt8(type, 8);
  aad.writeUInt16BE(version, 9);
  aad.writeUInt16BE(length, 11);
  return aad;
}

interface Forgery {
  /** GCM: the explicit part; ChaCha20: the number that is mixed into the IV. */
  readonly nonce?: bigint;
  readonly aad?: Uint8Array;
  readonly headerVersion?: number;
}

/** A record as the RFCs make it, or one that is wrong in a way of its own. */
function record(
  cipher: Cipher,
  sequence: bigint,
  type: number,
  content: Uint8Array,
  { nonce = sequence, aad = aadOf(sequence, type, content.length), headerVersion = 0x0303 }: Forgery = {},
): Uint8Array {
  const { key, iv } = writeKey(cipher);
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(nonce);
  const whole =
    cipher.form === 'explicit'
      ? Buffer.concat([iv, number])
      : Buffer.from(iv).map((byte, index) => byte ^ (index < 4 ? 0 : (number[index - 4] ?? 0)));
  const options = { authTagLength: 16 };
  // Three names of one signature each: the types of node:crypto know no union of them.
  const sealer =
    cipher.openssl === 'chacha20-poly1305'
      ? createCipheriv(cipher.openssl, key, whole, options)
      : createCipheriv(cipher.openssl, key, whole, options);
  sealer.setAAD(aad, { plaintextLength: content.length });
  const sealed = Buffer.concat([sealer.update(content), sealer.final(), sealer.getAuthTag()]);
  const fragment = cipher.form === 'explicit' ? Buffer.concat([number, sealed]) : sealed;
  const header = Buffer.from([
    type,
    headerVersion >> 8,
    headerVersion & 255,
    fragment.length >> 8,
    fragment.length & 255,
  ]);
  return new Uint8Array(Buffer.concat([header, fragment]));
}

const aligned = () => new HandshakeReassembler(1000).aligned();

function reader(cipher: Cipher, engine: CryptoEngine): ReadHalf {
  const read = new ReadHalf();
  read.expectVersion(0x0303);
  read.install(
    new Tls12ReadProtection(aeadOf(engine, cipher.name), cipher.form, writeKey(cipher)),
    aligned(),
  );
  return read;
}

function writer(cipher: Cipher, engine: CryptoEngine): WriteHalf {
  const write = new WriteHalf(1e9);
  write.install(new Tls12WriteProtection(aeadOf(engine, cipher.name), cipher.form, writeKey(cipher)));
  return write;
}

interface Drained {
  readonly out: readonly (readonly [ContentType, number])[];
  readonly bytes: Uint8Array;
  readonly failed: RecordReason | undefined;
}

/** Everything that comes out, as type and length, and the reason why it ended. */
function drain(read: ReadHalf): Drained {
  const out: [ContentType, number][] = [];
  const pieces: Uint8Array[] = [];
  let failed: RecordReason | undefined;
  try {
    for (let next = read.next(); next !== undefined; next = read.next()) {
      const last = out[out.length - 1];
      if (last?.[0] === next.type) last[1] += next.data.length;
      else out.push([next.type, next.data.length]);
      pieces.push(next.data);
    }
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    failed = error.reason;
  }
  return { out, bytes: new Uint8Array(Buffer.concat(pieces)), failed };
}

function reasonOf(read: ReadHalf, ...records: readonly Uint8Array[]): RecordReason | undefined {
  for (const bytes of records) read.feed(bytes);
  return drain(read).failed;
}

const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index * 31 + 7);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
/** Around blocks, nonces, tags, and the largest fragment. */
const lengths = [1, 2, 7, 8, 9, 11, 12, 13, 15, 16, 17, 23, 24, 25, 31, 32, 33, 255, 256, 4095, 4096, 4097];
const longLengths = [16_383, 16_384, 16_385, 32_767, 32_768, 32_769];

describe.each(cases)('TLS 1.2 records of %s by %s', (_cipher, _engine, cipher, engine) => {
  it('are those that the RFCs describe, at every length', () => {
    const write = writer(cipher, engine);
    let sequence = 0n;
    for (const length of [...lengths, ...longLengths]) {
      const content = counting(length);
      const expected: Uint8Array[] = [];
      for (let at = 0; at < length; at += 16_384) {
        expected.push(record(cipher, sequence, 23, content.slice(at, at + 16_384)));
        sequence += 1n;
      }
      const made = Buffer.concat(write.sealApplicationData(content));
      // Not toEqual: a difference of 32 KB is printed for minutes.
      expect(made.equals(Buffer.concat(expected)), `${length} B`).toBe(true);
    }
    expect(Buffer.concat(write.sealAlert(1, 0))).toEqual(
      Buffer.from(record(cipher, sequence, 21, Uint8Array.of(1, 0))),
    );
    const message = counting(20);
    expect(Buffer.concat(write.sealHandshake(message))).toEqual(
      Buffer.from(record(cipher, sequence + 1n, 22, message)),
    );
  });

  it('are read again, at every length and however they are cut', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.oneof(fc.nat(8), fc.nat(20_000))), (cuts) => {
        const read = reader(cipher, engine);
        const content = counting(16_384);
        const all = [...lengths, 16_383, 16_384];
        const stream = Buffer.concat(
          all.map((length, index) => record(cipher, BigInt(index), 23, content.subarray(0, length))),
        );
        const got: Uint8Array[] = [];
        for (let at = 0; at < stream.length; ) {
          const end = at + 1 + Number(cuts.next().value);
          const chunk = new Uint8Array(stream.subarray(at, end));
          read.feed(chunk);
          const { bytes, failed } = drain(read);
          expect(failed).toBeUndefined();
          got.push(bytes);
          read.detach();
          chunk.fill(0);
          at = end;
        }
        const expected = Buffer.concat(all.map((length) => content.subarray(0, length)));
        expect(Buffer.concat(got).equals(expected)).toBe(true);
        expect(read.buffered).toBe(0);
      }),
      { numRuns: 10 },
    );
  });

  it('count on beyond 32 bits', () => {
    const at = 0x1_0000_0000 - 1;
    class OldWriteKeys extends Tls12WriteProtection {
      override sequence = at;
    }
    class OldReadKeys extends Tls12ReadProtection {
      override sequence = at;
    }
    const write = new OldWriteKeys(aeadOf(engine, cipher.name), cipher.form, writeKey(cipher));
    const read = new OldReadKeys(aeadOf(engine, cipher.name), cipher.form, writeKey(cipher));
    const half = new WriteHalf(1e9);
    half.install(write);
    const stream = Buffer.concat(
      [text('a'), text('b'), text('c')].flatMap((data) => half.sealApplicationData(data)),
    );
    const expected = ['a', 'b', 'c'].map((data, index) => record(cipher, BigInt(at + index), 23, text(data)));
    expect(stream).toEqual(Buffer.concat(expected));
    const reading = new ReadHalf();
    reading.install(read, aligned());
    reading.feed(stream);
    expect(drain(reading)).toMatchObject({ out: [['application_data', 3]], failed: undefined });
  });

  it('are refused when nonce, sequence number, type, version or length is another', () => {
    const content = text('some data');
    const length = content.length;
    const fails = (sequence: bigint, forgery: Forgery): void => {
      expect(reasonOf(reader(cipher, engine), record(cipher, sequence, 23, content, forgery))).toBe(
        'bad_record_mac',
      );
    };
    fails(1n, {});
    fails(0n, { aad: aadOf(1n, 23, length) });
    fails(0n, { aad: aadOf(1n << 32n, 23, length) });
    fails(0n, { aad: aadOf(0n, 22, length) });
    fails(0n, { aad: aadOf(0n, 23, length, 0x0302) });
    fails(0n, { aad: aadOf(0n, 23, length + 1) });
    // What TLS 1.3 authenticates: the header with the ciphertext's length.
    fails(0n, { aad: Uint8Array.of(23, 3, 3, 0, length + 16) });
    expect(reasonOf(reader(cipher, engine), record(cipher, 0n, 23, content, { headerVersion: 0x0302 }))).toBe(
      'wrong_record_version',
    );
  });

  it('may have any explicit nonce, since it is the sender who chooses it, and no other implicit one', () => {
    for (const nonce of [1n, 0xffff_ffff_ffff_ffffn]) {
      const forged = record(cipher, 0n, 23, text('x'), { nonce });
      expect(reasonOf(reader(cipher, engine), forged)).toBe(
        cipher.form === 'explicit' ? undefined : 'bad_record_mac',
      );
    }
  });

  it('are refused with any bit flipped behind the header, the explicit nonce included', () => {
    const whole = record(cipher, 0n, 23, text('some data'));
    for (let bit = 40; bit < whole.length * 8; bit += 1) {
      const flipped = new Uint8Array(whole);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(reasonOf(reader(cipher, engine), flipped), `bit ${bit}`).toBe('bad_record_mac');
    }
  });

  it('are refused with another type in the header', () => {
    for (const type of [20, 21, 22]) {
      const whole = record(cipher, 0n, 23, Uint8Array.of(1, 0));
      whole[0] = type;
      expect(reasonOf(reader(cipher, engine), whole)).toBe('bad_record_mac');
    }
  });

  it('are refused when they are too short for nonce and tag, and may hold nothing but these', () => {
    const overhead = cipher.form === 'explicit' ? 24 : 16;
    for (let length = 0; length < overhead; length += 1) {
      const short = Uint8Array.of(23, 3, 3, 0, length, ...new Uint8Array(length));
      expect(reasonOf(reader(cipher, engine), short), `${length} B`).toBe('bad_record_mac');
    }
    const empty = record(cipher, 0n, 23, new Uint8Array(0));
    expect(empty).toHaveLength(5 + overhead);
    const read = reader(cipher, engine);
    read.feed(empty);
    expect(drain(read)).toMatchObject({ out: [['application_data', 0]], failed: undefined });
    for (const [type, reason] of [
      [22, 'empty_fragment'],
      [21, 'empty_fragment'],
      [20, 'empty_fragment'],
    ] as const)
      expect(reasonOf(reader(cipher, engine), record(cipher, 0n, type, new Uint8Array(0)))).toBe(reason);
  });

  it('are refused when they hold more than 2^14 bytes, or announce more than 2048 above that', () => {
    const most = record(cipher, 0n, 23, new Uint8Array(16_384));
    expect(reasonOf(reader(cipher, engine), most)).toBeUndefined();
    const more = record(cipher, 0n, 23, new Uint8Array(16_385));
    expect(reasonOf(reader(cipher, engine), more)).toBe('record_overflow');
    const announced = 16_384 + 2048 + 1;
    expect(reasonOf(reader(cipher, engine), Uint8Array.of(23, 3, 3, announced >> 8, announced & 255))).toBe(
      'record_overflow',
    );
  });

  it('are refused when they come twice, fail to come, or come in another order', () => {
    const three = ['a', 'b', 'c'].map((data, index) => record(cipher, BigInt(index), 23, text(data)));
    const pick = (...order: readonly number[]): readonly Uint8Array[] =>
      order.flatMap((index) => three.slice(index, index + 1));
    expect(reasonOf(reader(cipher, engine), ...pick(0, 1, 2))).toBeUndefined();
    for (const order of [pick(0, 0), pick(1, 2), pick(1, 0), pick(0, 2)])
      expect(reasonOf(reader(cipher, engine), ...order)).toBe('bad_record_mac');
  });

  it('carry no flood of emptiness', () => {
    const read = reader(cipher, engine);
    const empties = (from: number, count: number): Uint8Array[] =>
      Array.from({ length: count }, (_, index) =>
        record(cipher, BigInt(from + index), 23, new Uint8Array(0)),
      );
    expect(
      reasonOf(read, ...empties(0, 32), record(cipher, 32n, 23, text('x')), ...empties(33, 32)),
    ).toBeUndefined();
    expect(reasonOf(read, ...empties(65, 1))).toBe('too_many_empty_records');
  });

  it('leave nothing in the clear behind them: alerts and change_cipher_spec neither', () => {
    for (const plain of [
      [21, 3, 3, 0, 2, 2, 40],
      [20, 3, 3, 0, 1, 1],
      [22, 3, 3, 0, 4, 0, 0, 0, 0],
      [23, 3, 3, 0, 1, 65],
    ])
      expect(reasonOf(reader(cipher, engine), Uint8Array.from(plain))).toBe('bad_record_mac');
    const sealed = Buffer.concat(writer(cipher, engine).changeCipherSpec());
    expect(sealed).toEqual(Buffer.from(record(cipher, 0n, 20, Uint8Array.of(1))));
  });
});
