import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../../values/crypto/default-engine.js';
import type { Aead, AeadName } from '../../values/crypto/engine.js';
import { nobleEngine } from '../../values/crypto/noble/engine.js';
import { nodeEngine } from '../../values/crypto/node/engine.js';
import { recordLimit } from '../../values/registry/record-limits.js';
import { Secret } from '../../values/secret.js';
import { TrafficSecret } from '../tls13/key-schedule.js';
import type { ContentType } from './content-type.js';
import { RecordError, type RecordReason } from './errors.js';
import { ReadHalf } from './read-half.js';
import { HandshakeReassembler } from './reassembly.js';
import { Tls13ReadProtection, Tls13WriteProtection } from './tls13-protection.js';
import { TurnBudget } from './turn-budget.js';
import { WriteHalf } from './write-half.js';

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('absent');
  return value;
}

const hash = present(defaultEngine.hash('sha256'));
const aead = present(defaultEngine.aead('aes_128_gcm'));
const secret = (fill = 7): TrafficSecret =>
  new TrafficSecret(hash, new Secret(new Uint8Array(32).fill(fill)));
const aligned = () => new HandshakeReassembler(1000).aligned();
const octets = (text: string): Uint8Array => new TextEncoder().encode(text);
const joined = (pieces: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(pieces));

/** What may leave before anybody looks whether a KeyUpdate is due: 1 MiB in records of 64 bytes, and some alerts. */
const recordsAtOnce = 16_640;

/** Keys with one record left before they are due for an update (RFC 8446 §5.5). */
class UsedKeys extends Tls13WriteProtection {
  override sequence: number = recordLimit(aead.name) - recordsAtOnce - 1;
}

/** A pair of halves with the same keys. */
function halves(keyUpdateAt = 1e9): { write: WriteHalf; read: ReadHalf } {
  const write = new WriteHalf(keyUpdateAt);
  const read = new ReadHalf();
  write.install(new Tls13WriteProtection(aead, secret()));
  read.install(new Tls13ReadProtection(aead, secret()), aligned());
  return { write, read };
}

/** Opens where it is told, into Buffers, as an engine of Node may allocate them. */
const intoBuffers: Aead = {
  name: aead.name,
  keyLength: aead.keyLength,
  nonceLength: aead.nonceLength,
  tagLength: aead.tagLength,
  sealer: (key) => aead.sealer(key),
  recordNumbers: (key) => aead.recordNumbers(key),
  opener: (key) => {
    const opener = aead.opener(key);
    return {
      open: (nonce, aad, pieces, tag) => opener.open(nonce, aad, pieces, tag),
      direct: {
        limit: 16_656,
        allocate: (bytes) => Buffer.alloc(bytes),
        open(nonce, aad, chunk, at, length, out, outAt) {
          const end = at + length - 16;
          const pieces = opener.open(nonce, aad, [chunk.subarray(at, end)], chunk.subarray(end, end + 16));
          if (pieces !== undefined) out.set(joined(pieces), outAt);
          return pieces !== undefined;
        },
      },
    };
  },
};

function record(type: number, fragment: Uint8Array | number[], version = 0x0303): Uint8Array {
  return Uint8Array.of(
    type,
    version >> 8,
    version & 255,
    fragment.length >> 8,
    fragment.length & 255,
    ...fragment,
  );
}

/** A record that `Tls13ReadProtection` opens to `inner`, content type and padding included. */
function sealed(inner: Uint8Array, sequence = 0): Uint8Array {
  const { key, iv } = secret().keys(aead);
  const nonce = iv.slice();
  nonce[11] = present(nonce[11]) ^ sequence;
  const length = inner.length + 16;
  const header = Uint8Array.of(23, 3, 3, length >> 8, length & 255);
  const whole = new Uint8Array(5 + length);
  whole.set(header);
  whole.set(inner, 5);
  aead.sealer(key).sealInPlace(nonce, header, whole, 5, 5 + inner.length);
  return whole;
}

/** Everything that comes out, neighbours of one type joined, and the reason why it ended. */
function drain(read: ReadHalf): { out: [ContentType, string][]; failed: RecordReason | undefined } {
  const out: [ContentType, string][] = [];
  try {
    for (let next = read.next(); next !== undefined; next = read.next()) {
      const last = out[out.length - 1];
      const text = Buffer.from(next.data).toString('latin1');
      if (last?.[0] === next.type) last[1] += text;
      else out.push([next.type, text]);
    }
    return { out, failed: undefined };
  } catch (error) {
    if (error instanceof RecordError) return { out, failed: error.reason };
    throw error;
  }
}

function reasonOf(read: ReadHalf, ...chunks: Uint8Array[]): RecordReason | undefined {
  for (const chunk of chunks) read.feed(chunk);
  return drain(read).failed;
}

describe('a stream of records', () => {
  const messages = fc.array(
    fc.record({
      type: fc.constantFrom('handshake' as const, 'application_data' as const, 'alert' as const),
      length: fc.oneof(
        fc.nat(100),
        fc.integer({ min: 4000, max: 4200 }),
        fc.integer({ min: 16300, max: 50_000 }),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  );

  it.each<AeadName>(['aes_128_gcm', 'aes_256_gcm', 'chacha20_poly1305'])(
    'comes out of %s as it went in, however it was cut into chunks',
    (name) => {
      fc.assert(
        fc.property(messages, fc.infiniteStream(fc.oneof(fc.nat(8), fc.nat(20_000))), (list, cuts) => {
          const cipher = present(defaultEngine.aead(name));
          const write = new WriteHalf(1e9);
          const read = new ReadHalf();
          write.install(new Tls13WriteProtection(cipher, secret()));
          read.install(new Tls13ReadProtection(cipher, secret()), aligned());
          const expected: [ContentType, string][] = [];
          const pieces: Uint8Array[] = [];
          for (const [index, { type, length }] of list.entries()) {
            const content =
              type === 'alert' ? Uint8Array.of(1, index) : new Uint8Array(length).fill(index + 1);
            if (type === 'handshake') pieces.push(...write.sealHandshake(content));
            else if (type === 'alert') pieces.push(...write.sealAlert(1, index));
            else pieces.push(...write.sealApplicationData(content));
            const last = expected[expected.length - 1];
            const text = Buffer.from(content).toString('latin1');
            if (content.length === 0) continue;
            if (last?.[0] === type) last[1] += text;
            else expected.push([type, text]);
          }
          const stream = joined(pieces);
          const got: [ContentType, string][] = [];
          for (let at = 0; at < stream.length; ) {
            const end = at + 1 + present(cuts.next().value);
            const chunk = stream.slice(at, end);
            read.feed(chunk);
            const { out, failed } = drain(read);
            expect(failed).toBeUndefined();
            for (const [type, text] of out) {
              const last = got[got.length - 1];
              if (last?.[0] === type) last[1] += text;
              else got.push([type, text]);
            }
            read.detach();
            chunk.fill(0);
            at = end;
          }
          expect(got).toEqual(expected);
          expect(read.buffered).toBe(0);
        }),
        { numRuns: 40 },
      );
    },
  );

  it('passes between the engines', () => {
    for (const [from, to] of [[nodeEngine, nobleEngine] as const, [nobleEngine, nodeEngine] as const]) {
      const write = new WriteHalf(1e9);
      const read = new ReadHalf();
      write.install(new Tls13WriteProtection(present(from.aead('aes_256_gcm')), secret()));
      read.install(new Tls13ReadProtection(present(to.aead('aes_256_gcm')), secret()), aligned());
      const data = new Uint8Array(40_000).fill(3);
      for (const piece of write.sealApplicationData(data)) read.feed(piece);
      expect(drain(read).out).toEqual([['application_data', Buffer.from(data).toString('latin1')]]);
    }
  });

  it('is cut into full records, each with one header and one tag', () => {
    const { write } = halves();
    const pieces = write.sealApplicationData(new Uint8Array(2 * 16_384 + 1));
    expect(pieces).toHaveLength(7);
    expect(joined(pieces)).toHaveLength(2 * 16_384 + 1 + 3 * (5 + 1 + 16));
    const input = new Uint8Array(20_000);
    for (const piece of write.sealApplicationData(input)) expect(piece.buffer).not.toBe(input.buffer);
  });

  it('before keys is framed with the version of the hello it belongs to', () => {
    const write = new WriteHalf(1e9, 0x0301);
    expect(joined(write.sealHandshake(Uint8Array.of(1, 0, 0, 0)))).toEqual(record(22, [1, 0, 0, 0], 0x0301));
    write.setRecordVersion(0x0303);
    expect(joined(write.sealAlert(2, 40))).toEqual(record(21, [2, 40]));
    expect(joined(write.changeCipherSpec())).toEqual(record(20, [1]));
    expect(() => write.sealApplicationData(Uint8Array.of(1))).toThrow(TypeError);
    const long = write.sealHandshake(new Uint8Array(20_000));
    expect(long.map((piece) => piece.length)).toEqual([5, 16_384, 5, 3616]);
  });
});

describe('what a reader refuses', () => {
  const inner = (type: number, content: string, padding = 0): Uint8Array =>
    Uint8Array.from([...octets(content), type, ...new Uint8Array(padding)]);

  it.each<[string, RecordReason, Uint8Array]>([
    ['a type that no record has', 'unknown_content_type', record(24, [1])],
    ['an SSLv2 hello', 'unknown_content_type', Uint8Array.of(0x80, 0x2e, 1, 3, 1)],
    ['a foreign major version', 'wrong_record_version', record(22, [1], 0x0203)],
    ['an overlong fragment, before its bytes came', 'record_overflow', Uint8Array.of(22, 3, 3, 0x40, 1)],
    ['application data before keys', 'unexpected_record_type', record(23, [1])],
    ['an empty handshake fragment', 'empty_fragment', record(22, [])],
    ['an empty alert', 'empty_fragment', record(21, [])],
    ['an empty change_cipher_spec', 'empty_fragment', record(20, [])],
    ['half an alert', 'malformed_alert', record(21, [2])],
    ['two alerts in a record', 'malformed_alert', record(21, [1, 0, 2, 40])],
  ])('before keys: %s', (_what, reason, bytes) => {
    expect(reasonOf(new ReadHalf(), bytes)).toBe(reason);
  });

  it.each<[string, RecordReason, Uint8Array]>([
    ['an unprotected handshake record', 'unexpected_record_type', record(22, [1, 0, 0, 0])],
    ['a record that is too short for a tag', 'bad_record_mac', record(23, new Uint8Array(15))],
    ['a record under other keys', 'bad_record_mac', record(23, new Uint8Array(17))],
    ['an overlong ciphertext, before its bytes came', 'record_overflow', Uint8Array.of(23, 3, 3, 0x41, 1)],
    ['nothing at all inside', 'no_inner_content_type', sealed(new Uint8Array(0))],
    ['zeros only', 'no_inner_content_type', sealed(new Uint8Array(100))],
    ['an inner type that no record has', 'unknown_content_type', sealed(inner(24, 'x'))],
    ['a protected change_cipher_spec', 'unexpected_record_type', sealed(inner(20, '\x01'))],
    ['an empty protected handshake record', 'empty_fragment', sealed(inner(22, ''))],
    ['an empty protected alert', 'empty_fragment', sealed(inner(21, '', 9))],
    ['a protected alert of three bytes', 'malformed_alert', sealed(inner(21, 'abc'))],
    [
      'more plaintext than 2^14',
      'record_overflow',
      sealed(Uint8Array.of(...new Uint8Array(16_385).fill(1), 23)),
    ],
    ['plaintext and padding beyond 2^14', 'record_overflow', sealed(inner(23, 'x', 16_384))],
  ])('after keys: %s', (_what, reason, bytes) => {
    const { read } = halves();
    expect(reasonOf(read, bytes)).toBe(reason);
  });

  it('accepts the largest fragment and the largest padding', () => {
    const { read } = halves();
    read.feed(sealed(Uint8Array.of(...new Uint8Array(16_384).fill(1), 23)));
    read.feed(sealed(inner(23, 'x', 16_383), 1));
    read.feed(sealed(inner(22, 'hello', 100), 2));
    const { out, failed } = drain(read);
    expect(failed).toBeUndefined();
    expect(out.map(([type, text]) => [type, text.length])).toEqual([
      ['application_data', 16_385],
      ['handshake', 5],
    ]);
  });

  it('finds any flipped bit of a record', () => {
    fc.assert(
      fc.property(fc.nat(), (position) => {
        const { write, read } = halves();
        const stream = joined(write.sealApplicationData(octets('some data')));
        // Behind the header: there other reasons come first.
        const bit = 40 + (position % ((stream.length - 5) * 8));
        stream[bit >> 3] = present(stream[bit >> 3]) ^ (1 << (bit & 7));
        expect(reasonOf(read, stream)).toBe('bad_record_mac');
      }),
      { numRuns: 100 },
    );
  });

  it('refuses a repeated, a dropped and a swapped record', () => {
    const sealedThree = (): Uint8Array[] => {
      const { write } = halves();
      return ['a', 'b', 'c'].map((text) => joined(write.sealApplicationData(octets(text))));
    };
    for (const order of [
      [0, 0],
      [1, 2],
      [1, 0],
    ]) {
      const { read } = halves();
      expect(reasonOf(read, ...order.map((index) => present(sealedThree()[index])))).toBe('bad_record_mac');
    }
  });

  it('takes some empty application data, and no flood of it', () => {
    const { read } = halves();
    for (let i = 0; i < 32; i++) read.feed(sealed(inner(23, ''), i));
    expect(drain(read)).toEqual({ out: [['application_data', '']], failed: undefined });
    read.feed(sealed(inner(23, 'x'), 32));
    for (let i = 33; i < 65; i++) read.feed(sealed(inner(23, ''), i));
    expect(drain(read).failed).toBeUndefined();
    expect(reasonOf(read, sealed(inner(23, ''), 65))).toBe('too_many_empty_records');
  });
});

describe('around key changes', () => {
  it('surfaces change_cipher_spec before and after keys', () => {
    const plain = new ReadHalf();
    plain.feed(record(20, [1]));
    expect(drain(plain).out).toEqual([['change_cipher_spec', '\x01']]);
    const { read } = halves();
    read.feed(record(20, [1]));
    expect(drain(read).out).toEqual([['change_cipher_spec', '\x01']]);
  });

  it('hears an unprotected alert until the peer has used its keys', () => {
    const { write, read } = halves();
    read.feed(record(21, [2, 40]));
    expect(drain(read).out).toEqual([['alert', '\x02(']]);
    const later = halves();
    later.read.feed(joined(later.write.sealApplicationData(octets('x'))));
    expect(reasonOf(later.read, record(21, [2, 40]))).toBe('unexpected_record_type');
    expect(write.keyUpdateDue).toBe(false);
  });

  it('follows KeyUpdates for as many generations as come', () => {
    const { write, read } = halves();
    for (let generation = 0; generation < 5; generation++) {
      read.feed(joined(write.sealApplicationData(octets(`generation ${generation}`))));
      expect(drain(read)).toEqual({
        out: [['application_data', `generation ${generation}`]],
        failed: undefined,
      });
      write.rekey();
      read.rekey(aligned());
    }
  });

  it('says that a KeyUpdate is due by the number of records too, however short', () => {
    const write = new WriteHalf(1e9);
    write.install(new UsedKeys(aead, secret()));
    expect(write.keyUpdateDue).toBe(false);
    write.sealApplicationData(Uint8Array.of(1));
    expect(write.keyUpdateDue).toBe(true);
  });

  it('says that a KeyUpdate is due by the bytes under the present keys', () => {
    const { write } = halves(20_000);
    write.sealApplicationData(new Uint8Array(19_999));
    expect(write.keyUpdateDue).toBe(false);
    write.sealApplicationData(new Uint8Array(1));
    expect(write.keyUpdateDue).toBe(true);
    write.rekey();
    expect(write.keyUpdateDue).toBe(false);
  });

  it('refuses keys while a part of the last record is still inside', () => {
    const read = new ReadHalf();
    const hello = record(22, [1, 0, 0, 1, 9]);
    read.feed(hello.subarray(0, 8));
    read.feed(hello.subarray(8));
    expect(present(read.next()).data).toHaveLength(3);
    const install = (): void => read.install(new Tls13ReadProtection(aead, secret()), aligned());
    expect(install).toThrow('excess_handshake_data');
    expect(present(read.next()).data).toHaveLength(2);
    install();
  });

  it('throws rejected early data away, as much as was allowed', () => {
    const other = new WriteHalf(1e9);
    other.install(new Tls13WriteProtection(aead, secret(8)));
    const early = joined(other.sealApplicationData(new Uint8Array(100)));
    const { write, read } = halves();
    read.skipEarlyData(300);
    read.feed(early);
    read.feed(early);
    read.feed(joined(write.sealHandshake(octets('finished'))));
    expect(drain(read)).toEqual({ out: [['handshake', 'finished']], failed: undefined });
    // Once something opened, nothing is forgiven any more.
    expect(reasonOf(read, early)).toBe('bad_record_mac');

    const retried = new ReadHalf();
    retried.skipEarlyData(300);
    retried.feed(early);
    retried.feed(early);
    expect(drain(retried)).toEqual({ out: [], failed: undefined });
    expect(reasonOf(retried, early)).toBe('too_much_skipped_early_data');
  });

  it('throws no early data away between the pieces of the second hello or behind it', () => {
    const retried = new ReadHalf();
    retried.skipEarlyData(300);
    retried.feed(record(23, new Uint8Array(20)));
    retried.feed(record(22, [1]));
    expect(drain(retried)).toEqual({ out: [['handshake', '\x01']], failed: undefined });
    expect(reasonOf(retried, record(23, new Uint8Array(20)))).toBe('unexpected_record_type');
    const keyed = new ReadHalf();
    keyed.skipEarlyData(300);
    keyed.feed(record(22, [1]));
    drain(keyed);
    keyed.install(new Tls13ReadProtection(aead, secret()), aligned());
    expect(reasonOf(keyed, record(23, new Uint8Array(20)))).toBe('bad_record_mac');
  });

  it('counts empty records among what may be thrown away', () => {
    const retried = new ReadHalf();
    retried.skipEarlyData(300);
    for (let count = 0; count < 60; count += 1) retried.feed(record(23, []));
    expect(drain(retried)).toEqual({ out: [], failed: undefined });
    expect(reasonOf(retried, record(23, []))).toBe('too_much_skipped_early_data');
    const { read } = halves();
    read.skipEarlyData(300);
    for (let count = 0; count < 60; count += 1) read.feed(record(23, []));
    expect(drain(read)).toEqual({ out: [], failed: undefined });
    expect(reasonOf(read, record(23, []))).toBe('too_much_skipped_early_data');
  });

  it('honours a lowered plaintext limit in both directions', () => {
    const { write, read } = halves();
    write.limitRecords({ content: 512, inner: undefined, of: 'all' });
    const stream = joined(write.sealApplicationData(new Uint8Array(1025)));
    expect(stream).toHaveLength(1025 + 3 * 22);
    read.limitRecords({ content: 511, inner: undefined, of: 'all' });
    expect(reasonOf(read, stream)).toBe('record_overflow');
  });
});

describe('a budget of a turn', () => {
  it('ends the reading after so many records, thrown away ones too, or so many bytes', () => {
    const budget = new TurnBudget(5, 100);
    const read = new ReadHalf(budget);
    for (let count = 0; count < 4; count += 1) read.feed(record(22, [count]));
    read.feed(record(22, new Uint8Array(95)));
    read.feed(record(22, [9]));
    expect(drain(read).out).toEqual([['handshake', `\0\x01\x02\x03${'\0'.repeat(95)}`]]);
    expect(read.buffered).toBe(6);
    budget.refill();
    expect(drain(read).out).toEqual([['handshake', '\x09']]);

    const skipping = new ReadHalf(new TurnBudget(5, 100));
    skipping.skipEarlyData(300);
    for (let count = 0; count < 8; count += 1) skipping.feed(record(23, []));
    expect(drain(skipping)).toEqual({ out: [], failed: undefined });
    expect(skipping.buffered).toBe(3 * 5);
  });
});

describe('memory of a reader', () => {
  it('is not kept by the data of tiny records for all the others that a chunk holds', () => {
    const { write } = halves();
    const budget = new TurnBudget(64, 1e9);
    const read = new ReadHalf(budget);
    read.install(new Tls13ReadProtection(intoBuffers, secret()), aligned());
    read.feed(joined(Array.from({ length: 6000 }, () => write.sealApplicationData(octets('x'))).flat()));
    let bytes = 0;
    for (; bytes < 6000; budget.refill())
      for (let record = read.next(); record !== undefined; record = read.next()) {
        bytes += record.data.length;
        expect(record.data.length).toBeLessThanOrEqual(64);
        expect(record.data.buffer.byteLength).toBeLessThanOrEqual(8192);
      }
    expect(bytes).toBe(6000);
  });

  it('leaves messages as they were given out when later records are opened', () => {
    const { write } = halves();
    const read = new ReadHalf();
    read.install(new Tls13ReadProtection(intoBuffers, secret()), aligned());
    const given: Uint8Array[] = [];
    for (const word of ['first', 'second', 'third']) {
      read.feed(joined(write.sealHandshake(octets(word))));
      given.push(present(read.next()).data);
      read.feed(joined(write.sealApplicationData(octets(word.toUpperCase()))));
      given.push(present(read.next()).data);
    }
    const words = given.map((data) => Buffer.from(data).toString());
    expect(words).toEqual(['first', 'FIRST', 'second', 'SECOND', 'third', 'THIRD']);
  });

  it('does not keep a large chunk for the few bytes that wait', () => {
    const { write, read } = halves();
    const stream = joined([
      ...write.sealApplicationData(octets('first')),
      ...write.sealApplicationData(octets('second')),
    ]);
    const chunk = new Uint8Array(65_536);
    chunk.set(stream);
    read.feed(chunk.subarray(0, stream.length - 3));
    expect(drain(read).out).toEqual([['application_data', 'first']]);
    chunk.fill(0);
    read.feed(stream.subarray(stream.length - 3));
    expect(drain(read).out).toEqual([['application_data', 'second']]);
  });
});
