import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../../values/crypto/default-engine.js';
import { dtls13Engine } from '../../values/crypto/dtls13-engine.js';
import type { AeadName } from '../../values/crypto/engine.js';
import { Secret } from '../../values/secret.js';
import { TrafficSecret } from '../tls13/key-schedule.js';
import { unifiedHeaderAt } from './dtls13-header.js';
import { Dtls13ReadKeys, Dtls13WriteKeys } from './dtls13-keys.js';
import { RecordError } from './errors.js';

const engine = dtls13Engine(defaultEngine);
const names = (
  ['aes_128_gcm', 'aes_256_gcm', 'chacha20_poly1305', 'aes_128_ccm', 'aes_128_ccm_8'] as const
).filter((name) => engine.aead(name) !== undefined);
const none = new Uint8Array(0);
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

function pair(name: AeadName, fill = 7): { write: Dtls13WriteKeys; read: Dtls13ReadKeys } {
  const aead = engine.aead(name);
  const hash = engine.hash('sha256');
  if (aead === undefined || hash === undefined) throw new Error('no engine');
  const source = () => ({
    aead,
    trafficSecret: new TrafficSecret(hash, new Secret(new Uint8Array(32).fill(fill))),
  });
  return { write: new Dtls13WriteKeys(source()), read: new Dtls13ReadKeys(source()) };
}

function open(read: Dtls13ReadKeys, record: Uint8Array): string | undefined {
  const header = unifiedHeaderAt(record, 0, 0);
  const opened = header && read.open(record, 0, header);
  return opened && `${opened.sequence}:${opened.type}:${hex(opened.data)}`;
}

it('a record with a connection ID opens, and not when somebody has changed the ID', () => {
  const id = Uint8Array.of(9, 8, 7);
  for (const name of names) {
    const { write, read } = pair(name);
    const record = write.seal(3, id, 23, bytes('0102030405060708090a'));
    const header = unifiedHeaderAt(record, 0, 3);
    const bent = record.slice();
    bent[2] = 0;
    expect([name, header && read.open(bent, 0, header)]).toEqual([name, undefined]);
    expect([name, header && hex(read.open(record, 0, header)?.data)]).toEqual([name, '0102030405060708090a']);
    expect(record.length).toBe(write.overhead + 10 + 3);
  }
});

describe('the mask of a number (RFC 9147 §4.2.3)', () => {
  // The same construction as QUIC's, with its vectors: RFC 9001 §A.2, §A.5.
  it.each([
    ['aes_128_gcm', '9f50449e04a0e810283a1e9933adedd2', 'd1b1c98dd7689fb8ec11d242b123dc9b', '437b9aec36'],
    [
      ...(['chacha20_poly1305', '25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4'] as const),
      ...(['5e5cd55c41f69080575d7999c25a5bfb', 'aefefe7d03'] as const),
    ],
  ] as const)('%s gives the published bytes', (name, key, sample, mask) => {
    const cipher = engine.aead(name)?.recordNumbers(bytes(key));
    expect(hex(cipher?.mask(bytes(sample)).subarray(0, 5))).toBe(mask);
  });
});

describe.each(names)('records under %s', (name) => {
  it('come out as they went in, whatever their length', () => {
    const { write, read } = pair(name);
    for (const length of [0, 1, 6, 7, 8, 15, 16, 17, 255, 16_384]) {
      const content = new Uint8Array(length).fill(length);
      const record = write.seal(3, none, 23, content);
      expect(record.length).toBeGreaterThanOrEqual(5 + 16);
      expect(open(read, record)).toBe(`${write.records - 1}:23:${hex(content)}`);
    }
  });

  it('hide their numbers, and come once each, in any order', () => {
    const { write, read } = pair(name);
    const records = Array.from({ length: 40 }, (_, n) => write.seal(3, none, 23, Uint8Array.of(n)));
    const numbers = records.map((record) => hex(record.subarray(1, 3)));
    expect(numbers.filter((number, n) => number === n.toString(16).padStart(4, '0')).length).toBeLessThan(3);
    for (const at of [39, 0, 20, 7]) {
      const record = records[at] ?? new Uint8Array();
      expect(open(read, record)).toBe(`${at}:23:${hex(Uint8Array.of(at))}`);
      expect(open(read, record)).toBeUndefined();
    }
  });

  it('go on beyond the bits of the header, after a loss of many too', () => {
    const { write, read } = pair(name);
    for (const next of [0, 30_000, 60_000, 66_000, 98_000, 130_000]) {
      write.records = next;
      expect(open(read, write.seal(4, none, 22, Uint8Array.of(1)))).toBe(`${next}:22:01`);
    }
  });

  it('do not open with any bit changed, be it of header, content or tag', () => {
    const { write, read } = pair(name);
    const record = write.seal(2, none, 22, Uint8Array.of(1, 2, 3));
    for (let bit = 0; bit < record.length * 8; bit += 1) {
      const bent = new Uint8Array(record);
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect([bit, open(pair(name).read, bent)]).toEqual([bit, undefined]);
    }
    expect(open(read, record)).toBe('0:22:010203');
  });

  it('of other keys do not open', () => {
    expect(open(pair(name).read, pair(name, 8).write.seal(3, none, 23, Uint8Array.of(1)))).toBeUndefined();
  });

  it('follow their keys to the next epoch', () => {
    const { write, read } = pair(name);
    write.seal(3, none, 23, Uint8Array.of(1));
    const record = write.next().seal(4, none, 23, Uint8Array.of(2));
    expect(open(pair(name).read, record)).toBeUndefined();
    expect(open(read.next(), record)).toBe('0:23:02');
  });
});

describe('what is wrong with a record that its sender has sealed', () => {
  it('too short a ciphertext, and nothing but zeros inside, are passed over', () => {
    const { read } = pair('aes_128_gcm');
    expect(open(read, new Uint8Array([0x2f, 0, 0, 0, 15, ...new Uint8Array(15)]))).toBeUndefined();
    const { write } = pair('aes_128_gcm');
    expect(open(read, write.seal(3, none, 0, new Uint8Array(20)))).toBeUndefined();
    // Its number is spent, and the next one is none the worse.
    expect(open(read, write.seal(3, none, 23, Uint8Array.of(1)))).toBe('1:23:01');
  });

  it('as many forgeries as the cipher bears end it (§4.5.3)', () => {
    if (engine.aead('aes_128_ccm_8') === undefined) return;
    const { read } = pair('aes_128_ccm_8');
    const forged = new Uint8Array([0x2f, 0, 0, 0, 20, ...new Uint8Array(20)]);
    for (let n = 0; n < 127; n += 1) {
      forged[20] = n;
      expect(open(read, forged)).toBeUndefined();
    }
    expect(() => open(read, forged)).toThrow(new RecordError('too_many_forgeries'));
  });
});
