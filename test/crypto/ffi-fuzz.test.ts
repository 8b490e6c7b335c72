/**
 * The engine through FFI under random records, signatures, key exchanges and whole handshakes, each checked by
 * node:crypto. A run of the suite does 20,000 records; a change to the engine, to koffi or to Node wants millions:
 *
 *     ACTOR_TLS_FFI_RECORDS=10000000 npx vitest run --config test/vitest.config.ts test/crypto/ffi-fuzz.test.ts
 */
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import type { OwnIdentity } from '@actor-tls/ssl/core';
import { generateKey, type KeyKind, selfSigned } from '@actor-tls/ssl/testing';
import { describe, expect, it } from 'vitest';
import type {
  AeadName,
  CryptoEngine,
  Opener,
  PrivateKey,
  PublicKey,
  Sealer,
  SignatureAlgorithm,
} from '../../packages/ssl/src/values/crypto/engine.js';
import { nodeEngine } from '../../packages/ssl/src/values/crypto/node/engine.js';
import { signatureSchemes } from '../../packages/ssl/src/values/registry/schemes.js';
import { client, exchange, server, tls12 } from '../protocol/two-cores.js';
import { noFfi, presentFfi } from '../support/ffi.js';
import { patience } from '../support/patience.js';
import { describeUnless, report } from '../support/report.js';

const records = Number(process.env['ACTOR_TLS_FFI_RECORDS'] ?? 20_000);
const handshakes = Math.ceil(records / 200);
const rounds = Math.ceil(records / 200);
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
  /** Its nonces are TLS's: these bytes, and the record's number XORed in. Others are random. */
  readonly iv: Uint8Array | undefined;
  records: number;
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
    iv: chance.below(2) === 0 ? new Uint8Array(chance.bytes(12)) : undefined,
    records: 0,
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
function tryRecord(user: User, chance: Chance): void {
  const sequence = user.records++;
  const nonce = user.iv === undefined ? new Uint8Array(chance.bytes(12)) : numbered(user.iv, sequence);
  const aad = new Uint8Array(chance.bytes([5, 13, chance.below(600)][chance.below(3)] ?? 5));
  const text = Buffer.from(chance.bytes(chance.length()));
  const expected = user.seal(nonce, aad, text);
  const [before, after] = [chance.below(40), chance.below(40)];
  const out = Buffer.from(chance.bytes(before + expected.length + after));
  const untouched = Buffer.from(out);
  seal(user, chance, nonce, aad, text, out, before, sequence);
  expected.copy(untouched, before);
  if (!out.equals(untouched)) throw new Error(`${user.name}: ${text.length} bytes are sealed otherwise`);
  // What was made ahead is lost with a record that does not open: some have to follow each other.
  if (user.iv === undefined || chance.below(8) === 0) {
    const bit = chance.below(expected.length * 8);
    const byte = before + (bit >> 3);
    out[byte] = (out[byte] ?? 0) ^ (1 << (bit & 7));
    if (open(user, chance, nonce, aad, out, before, expected.length, sequence) !== undefined) {
      throw new Error(`${user.name}: ${text.length} bytes are opened with bit ${bit} changed`);
    }
    out[byte] = (out[byte] ?? 0) ^ (1 << (bit & 7));
  }
  const opened = open(user, chance, nonce, aad, out, before, expected.length, sequence);
  if (opened === undefined || !opened.equals(text)) {
    throw new Error(`${user.name}: ${text.length} bytes are not opened`);
  }
}

function numbered(iv: Uint8Array, sequence: number): Uint8Array {
  const nonce = Buffer.from(iv);
  nonce.writeInt32BE(nonce.readInt32BE(8) ^ sequence, 8);
  return nonce;
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
        if (user !== undefined) tryRecord(user, chance);
        if (chance.below(50) === 0) users[index] = userOf(engine, chance);
        if (chance.below(2000) === 0) engine.forget();
        if (chance.below(50) === 0 && user !== undefined) refused += tryWrongRoom(user, chance);
      }
      expect(refused).toBeGreaterThan(records / 100);
      report('FFI', { 'records compared with node:crypto': records });
    });
  });

  it(`${rounds} signatures are verified by node:crypto, and its own here, by keys that come and go`, {
    timeout,
  }, () => {
    const engine = presentFfi();
    const chance = new Chance();
    const pairs = signers.map(([kind, algorithms]) => ({ generated: generateKey(kind), algorithms }));
    const make = (): Signing => {
      const { generated, algorithms } = pairs[chance.below(pairs.length)] ?? fail();
      const [ours, theirs] = [engine, nodeEngine].map((by) => ({
        key: by.importPrivateKey(generated.pkcs8) ?? fail(),
        peer: by.importPublicKey(generated.spki) ?? fail(),
      }));
      return { ours: ours ?? fail(), theirs: theirs ?? fail(), algorithms };
    };
    const users = Array.from({ length: 150 }, make);
    for (let i = 0; i < rounds; i++) {
      const index = chance.below(users.length);
      trySignature(users[index] ?? fail(), chance);
      if (chance.below(20) === 0) users[index] = make();
      if (chance.below(500) === 0) engine.forget();
    }
    report('FFI', { signatures: rounds });
  });

  it(`${rounds} secrets are those of node:crypto, and none comes of what is no key`, { timeout }, () => {
    const chance = new Chance();
    for (let i = 0; i < rounds; i++) {
      const name = i % 50 === 0 ? 'secp384r1' : i % 2 === 0 ? 'secp256r1' : 'x25519';
      const [ours, theirs] = [presentFfi(), nodeEngine].map((by) => by.group(name) ?? fail());
      const [a, b] = [(ours ?? fail()).generate(), (theirs ?? fail()).generate()];
      const [one, other] = [a.sharedSecret(b.publicKey), b.sharedSecret(a.publicKey)];
      if (one === undefined || other === undefined) throw new Error(`${name}: no secret`);
      if (Buffer.compare(one, other) !== 0) throw new Error(`${name}: another secret`);
      if (name === 'x25519') continue;
      const bad = Buffer.from(b.publicKey);
      const at = chance.below(bad.length);
      bad[at] = (bad[at] ?? 0) ^ (1 + chance.below(255));
      const length = chance.below(4) === 0 ? chance.below(bad.length) : bad.length;
      if (a.sharedSecret(bad.subarray(0, length)) !== undefined) throw new Error(`${name}: off the curve`);
    }
    report('FFI', { 'key exchanges': rounds });
  });

  it(`${handshakes} handshakes with node:crypto at one end or neither, in turn TLS 1.3 and 1.2`, {
    timeout,
  }, () => {
    const engine = presentFfi();
    const kinds = ['ec', { rsa: 2048 }, 'ed25519', { ec: 'secp384r1' }] as const;
    const identities = kinds.map((kind) => shownBy(engine, kind));
    for (let i = 0; i < handshakes; i++) {
      const [ours, theirs] = [i % 3 === 1 ? nodeEngine : engine, i % 3 === 2 ? nodeEngine : engine];
      const group = i % 50 === 0 ? 'secp384r1' : i % 2 === 0 ? 'x25519' : 'secp256r1';
      const { identity, key } = identities[i % identities.length] ?? fail();
      const config = {
        ...(i % 4 < 2 ? {} : tls12),
        supportedGroups: [group],
        // TLS 1.2 wants the certificate's curve in here too.
        eccs: [group, 'secp256r1', 'secp384r1'],
      } as const;
      const a = client({ config, dependencies: { engine: ours } }, (_chain, core) =>
        core.answerVerdict({ ok: key }),
      );
      const b = server({ config, dependencies: { engine: theirs }, identities: [identity] });
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

function fail(): never {
  throw new Error('absent');
}

const pkcs1 = { type: 'rsa_pkcs1', hash: 'sha256' } as const;
const pss = { type: 'rsa_pss', hash: 'sha384', mgfHash: 'sha384', saltLength: 48 } as const;
/** Kinds of keys, and what they sign in TLS. The last are node:crypto's where they sign. */
const signers: readonly (readonly [KeyKind, readonly SignatureAlgorithm[]])[] = [
  ['ec', [{ type: 'ecdsa', hash: 'sha256' }]],
  [{ rsa: 2048 }, [pkcs1, pss, { ...pss, hash: 'sha256', mgfHash: 'sha256', saltLength: 32 }]],
  ['ed25519', [{ type: 'ed25519' }]],
  [{ rsa: 1025 }, [pkcs1, { ...pkcs1, hash: 'sha512' }, { ...pss, saltLength: 20 }]],
  [{ ec: 'secp384r1' }, [{ type: 'ecdsa', hash: 'sha384' }]],
];

interface Signing {
  readonly ours: { readonly key: PrivateKey; readonly peer: PublicKey };
  readonly theirs: { readonly key: PrivateKey; readonly peer: PublicKey };
  readonly algorithms: readonly SignatureAlgorithm[];
}

function trySignature({ ours, theirs, algorithms }: Signing, chance: Chance): void {
  const algorithm = algorithms[chance.below(algorithms.length)] ?? fail();
  const data = Buffer.from(chance.bytes(chance.length()));
  const signature = Buffer.from((chance.below(2) === 0 ? ours : theirs).key.sign(algorithm, data));
  if (!ours.peer.verify(algorithm, data, signature) || !theirs.peer.verify(algorithm, data, signature)) {
    throw new Error(`${algorithm.type}: not verified`);
  }
  const at = chance.below(signature.length);
  signature[at] = (signature[at] ?? 0) ^ (1 << chance.below(8));
  const shown = chance.below(8) === 0 ? signature.subarray(0, at) : signature;
  if (ours.peer.verify(algorithm, data, shown))
    throw new Error(`${algorithm.type}: verified with a bit changed`);
}

/** An identity whose key is the engine's. */
function shownBy(engine: CryptoEngine, kind: KeyKind): Shown {
  const pair = generateKey(kind);
  const key = engine.importPrivateKey(pair.pkcs8) ?? fail();
  const schemes = signatureSchemes.filter(
    ({ keyAlgorithm, curve }) =>
      keyAlgorithm === key.algorithm && (curve === undefined || curve === key.curve),
  );
  const chain = [selfSigned({ key: pair }).cert];
  const identity = { chain, key, schemes: schemes.map(({ name }) => name) };
  return { identity, key: engine.importPublicKey(pair.spki) ?? fail() };
}

interface Shown {
  readonly identity: OwnIdentity;
  readonly key: PublicKey;
}

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
