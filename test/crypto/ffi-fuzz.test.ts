/**
 * The engine through FFI under random records and whole handshakes, each checked by node:crypto. A run of the suite does
 * 20,000 records; a change to the engine, to koffi or to Node wants millions:
 *
 *     ACTOR_TLS_FFI_RECORDS=10000000 npx vitest run --config test/vitest.config.ts test/crypto/ffi-fuzz.test.ts
 */
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { AeadName, CryptoEngine, Opener, Sealer } from '../../packages/ssl/src/values/crypto/engine.js';
import { nodeEngine } from '../../packages/ssl/src/values/crypto/node/engine.js';
import { client, exchange, identityOf, server, tls12 } from '../protocol/two-cores.js';
import { noFfi, presentFfi } from '../support/ffi.js';
import { patience } from '../support/patience.js';
import { describeUnless, report } from '../support/report.js';

const records = Number(process.env['ACTOR_TLS_FFI_RECORDS'] ?? 20_000);
const handshakes = Math.ceil(records / 200);
/** ms */
const timeout = patience + records;

/** Bytes and numbers nobody chose, drawn in bulk. */
class Chance {
  private readonly pool = Buffer.alloc(1 << 20);
  private used = this.pool.length;

  bytes(length: number): Buffer {
    if (this.used + length > this.pool.length) {
      randomFillSync(this.pool);
      this.used = 0;
    }
    this.used += length;
    return this.pool.subarray(this.used - length, this.used);
  }

  below(bound: number): number {
    return this.bytes(4).readUInt32LE() % bound;
  }

  /** Short ones, long ones, and those where the paths part. */
  length(): number {
    switch (this.below(4)) {
      case 0:
        return this.below(64);
      case 1:
        return this.below(1024);
      case 2:
        return 505 + this.below(20);
      default:
        return this.below(16_386);
    }
  }
}

const ciphers = [
  ['aes_128_gcm', 'aes-128-gcm', 16],
  ['aes_256_gcm', 'aes-256-gcm', 32],
  ['chacha20_poly1305', 'chacha20-poly1305', 32],
] as const;

interface User {
  readonly name: AeadName;
  readonly key: Uint8Array;
  readonly sealer: Sealer;
  readonly opener: Opener;
  readonly seal: (nonce: Uint8Array, aad: Uint8Array, text: Uint8Array) => Buffer;
  readonly opens: (nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array) => boolean;
}

function userOf(engine: CryptoEngine, chance: Chance): User {
  const [name, cipher, keyLength] = ciphers[chance.below(3)] ?? ciphers[0];
  const key = new Uint8Array(chance.bytes(keyLength));
  const aead = engine.aead(name);
  if (aead === undefined) throw new Error(`no ${name}`);
  const options = { authTagLength: 16 } as const;
  // The types know each cipher by its name only.
  const sealing = (nonce: Uint8Array) =>
    cipher === 'chacha20-poly1305'
      ? createCipheriv(cipher, key, nonce, options)
      : createCipheriv(cipher, key, nonce, options);
  const opening = (nonce: Uint8Array) =>
    cipher === 'chacha20-poly1305'
      ? createDecipheriv(cipher, key, nonce, options)
      : createDecipheriv(cipher, key, nonce, options);
  return {
    name,
    key,
    sealer: aead.sealer(key),
    opener: aead.opener(key),
    seal: (nonce, aad, text) => {
      const by = sealing(nonce);
      by.setAAD(aad, { plaintextLength: text.length });
      return Buffer.concat([by.update(text), by.final(), by.getAuthTag()]);
    },
    opens: (nonce, aad, sealed) => {
      const by = opening(nonce);
      by.setAAD(aad, { plaintextLength: sealed.length - 16 });
      by.setAuthTag(sealed.subarray(-16));
      by.update(sealed.subarray(0, -16));
      try {
        by.final();
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** One record: sealed in one of three ways, compared, opened in one of two, once changed and once as it was. */
function tryRecord(user: User, chance: Chance, sequence: number): void {
  const nonce = new Uint8Array(chance.bytes(12));
  const aad = new Uint8Array(chance.bytes([5, 13, chance.below(600)][chance.below(3)] ?? 5));
  const text = Buffer.from(chance.bytes(chance.length()));
  const expected = user.seal(nonce, aad, text);
  const [before, after] = [chance.below(40), chance.below(40)];
  const out = Buffer.from(chance.bytes(before + expected.length + after));
  const untouched = Buffer.from(out);
  seal(user, chance, nonce, aad, text, out, before, sequence);
  expected.copy(untouched, before);
  if (!out.equals(untouched)) throw new Error(`${user.name}: ${text.length} bytes are sealed otherwise`);
  const bit = chance.below(expected.length * 8);
  const byte = before + (bit >> 3);
  out[byte] = (out[byte] ?? 0) ^ (1 << (bit & 7));
  if (open(user, chance, nonce, aad, out, before, expected.length, sequence) !== undefined) {
    throw new Error(`${user.name}: ${text.length} bytes are opened with bit ${bit} changed`);
  }
  out[byte] = (out[byte] ?? 0) ^ (1 << (bit & 7));
  const opened = open(user, chance, nonce, aad, out, before, expected.length, sequence);
  if (opened === undefined || !opened.equals(text)) {
    throw new Error(`${user.name}: ${text.length} bytes are not opened`);
  }
}

function seal(
  { sealer }: User,
  chance: Chance,
  nonce: Uint8Array,
  aad: Uint8Array,
  text: Buffer,
  out: Buffer,
  at: number,
  sequence: number,
): void {
  const { direct } = sealer;
  const trailing = Math.min(text.length, chance.below(2) === 0 ? 1 : chance.below(700));
  switch (chance.below(3)) {
    case 0: {
      if (direct === undefined) throw new Error('not direct');
      const trailer = text.length === 0 || chance.below(2) === 0 ? -1 : (text.at(-1) ?? 0);
      const content = trailer < 0 ? text : text.subarray(0, -1);
      direct.seal(nonce, aad, content, trailer, out, at, sequence);
      return;
    }
    case 1:
      out.set(text, at);
      sealer.sealInPlace(nonce, aad, out, at, at + text.length);
      return;
    default: {
      const tail = Buffer.alloc(trailing + 16);
      tail.set(text.subarray(text.length - trailing));
      const content = text.subarray(0, text.length - trailing);
      out.set(sealer.seal(nonce, aad, content, tail, trailing), at);
      out.set(tail, at + content.length);
    }
  }
}

function open(
  { opener }: User,
  chance: Chance,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Buffer,
  at: number,
  length: number,
  sequence: number,
): Buffer | undefined {
  const { direct } = opener;
  if (direct !== undefined && chance.below(2) === 0) {
    const plain = direct.allocate(length - 16 + 9);
    const opened = direct.open(nonce, aad, sealed, at, length, plain, 4, sequence);
    const content = Buffer.from(plain.subarray(4, 4 + length - 16));
    if (!opened && content.some((byte) => byte !== 0)) throw new Error('plaintext that is not authentic');
    return opened ? content : undefined;
  }
  const pieces: Uint8Array[] = [];
  const end = at + length - 16;
  for (let from = at; from < end; ) {
    const to = Math.min(end, from + 1 + chance.below(chance.below(2) === 0 ? 50 : 9000));
    pieces.push(sealed.subarray(from, to));
    from = to;
  }
  const opened = opener.open(nonce, aad, pieces, sealed.subarray(end, end + 16));
  return opened && Buffer.concat(opened);
}

describeUnless('The engine through FFI, at random', noFfi, () => {
  describe(`${records} records`, () => {
    it('are sealed and opened as node:crypto does it, by a hundred users that come and go', {
      timeout,
    }, () => {
      const engine = presentFfi();
      const chance = new Chance();
      const users = Array.from({ length: 100 }, () => userOf(engine, chance));
      let refused = 0;
      for (let i = 0; i < records; i++) {
        const index = chance.below(100);
        const user = users[index];
        if (user !== undefined) tryRecord(user, chance, i);
        if (chance.below(20) === 0) users[index] = userOf(engine, chance);
        if (chance.below(2000) === 0) engine.forget();
        if (chance.below(50) === 0 && user !== undefined) refused += tryWrongRoom(user, chance);
      }
      expect(refused).toBeGreaterThan(records / 100);
      report('FFI', { 'records compared with node:crypto': records });
    });
  });

  it(`${handshakes} handshakes with node:crypto at one end or neither, in turn TLS 1.3 and 1.2`, {
    timeout,
  }, () => {
    const engine = presentFfi();
    const { identity } = identityOf('ec');
    const key = engine.importPublicKey(identity.key.spki);
    if (key === undefined) throw new Error('no key');
    for (let i = 0; i < handshakes; i++) {
      const [ours, theirs] = [i % 3 === 1 ? nodeEngine : engine, i % 3 === 2 ? nodeEngine : engine];
      const config = i % 2 === 0 ? {} : tls12;
      const a = client({ config, dependencies: { engine: ours } }, (_chain, core) =>
        core.answerVerdict({ ok: key }),
      );
      const b = server({ config, dependencies: { engine: theirs } });
      a.core.start();
      exchange(a, b);
      const sent = Buffer.alloc((i * 997) % 40_000, 'x');
      a.core.send(sent);
      b.core.send(sent);
      exchange(a, b);
      if (a.sink.failures.length + b.sink.failures.length > 0) expect([a.sink, b.sink]).toEqual([]);
      expect(Buffer.concat(a.sink.delivered).equals(sent)).toBe(true);
      expect(Buffer.concat(b.sink.delivered).equals(sent)).toBe(true);
    }
    report('FFI', { handshakes });
  });
});

/** 1 if a record without room for it is refused as it must be. */
function tryWrongRoom({ sealer, opener }: User, chance: Chance): number {
  const nonce = new Uint8Array(12);
  const text = new Uint8Array(chance.length());
  const out = new Uint8Array(text.length + 16);
  const at = 1 + chance.below(2 ** 31);
  const sealing = (): unknown => sealer.direct?.seal(nonce, nonce, text, -1, out, at, 0);
  const opening = (): unknown => opener.direct?.open(nonce, nonce, out, 0, out.length, text, at, 0);
  for (const call of [sealing, opening]) {
    try {
      call();
    } catch (error) {
      if (error instanceof RangeError) continue;
      throw error;
    }
    throw new Error('what has no room was taken');
  }
  return 1;
}
