/**
 * What an engine through FFI must do before anybody gets it: as node:crypto does, on every path that bytes can take.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { concat } from '../../wire/join.js';
import type { Aead, AeadName, CryptoEngine, GroupName, HashName, SignatureAlgorithm } from '../engine.js';
import { FfiUnavailable } from './foreign.js';

/** On both sides of where bytes are copied or not. */
const lengths: readonly number[] = [0, 1, 16, 511, 512, 513, 16_384];

/** Throws `FfiUnavailable` at the first difference. Takes some milliseconds. */
export function selfTest(engine: CryptoEngine, judge: CryptoEngine): void {
  for (const name of ['aes_128_gcm', 'aes_256_gcm', 'chacha20_poly1305'] as const)
    testAead(engine, judge, name);
  for (const name of ['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'] as const) {
    testHash(engine, judge, name);
  }
  for (const name of ['x25519', 'secp256r1', 'secp384r1'] as const) testGroup(engine, judge, name);
  testEcdsa(engine);
  testRsa(engine);
  testEd25519(engine);
}

function testAead(engine: CryptoEngine, judge: CryptoEngine, name: AeadName): void {
  const aead = engine.aead(name);
  const right = judge.aead(name);
  if (aead === undefined || right === undefined) return;
  const key = judge.randomBytes(aead.keyLength);
  const nonce = judge.randomBytes(aead.nonceLength);
  const aad = judge.randomBytes(5);
  for (const length of lengths) {
    const plaintext = judge.randomBytes(length);
    const expected = sealedBy(right, key, nonce, aad, plaintext);
    demand(same(sealedBy(aead, key, nonce, aad, plaintext), expected), name);
    const direct = aead.sealer(key).direct;
    const out = new Uint8Array(expected.length + 2);
    const end = direct?.seal(nonce, aad, plaintext, TRAILER, out, 1, 0);
    demand(end === expected.length + 1 && same(out.subarray(1, end), expected), name);
    const opener = aead.opener(key);
    const opened = new Uint8Array(length + 1);
    const open = (): boolean =>
      opener.direct?.open(nonce, aad, out, 1, expected.length, opened, 0, 0) ?? false;
    demand(open() && same(opened.subarray(0, length), plaintext) && opened[length] === TRAILER, name);
    out[1 + (length >> 1)] = (out[1 + (length >> 1)] ?? 0) ^ 1;
    demand(!open() && opened.every((byte) => byte === 0), name);
  }
}

const TRAILER = 23;

function sealedBy(
  aead: Aead,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const tail = new Uint8Array(1 + aead.tagLength);
  tail[0] = TRAILER;
  const body = aead.sealer(key).seal(nonce, aad, plaintext, tail, 1);
  return concat([body, tail]);
}

function testHash(engine: CryptoEngine, judge: CryptoEngine, name: HashName): void {
  const hash = engine.hash(name);
  const right = judge.hash(name);
  if (hash === undefined || right === undefined) return;
  const data = judge.randomBytes(20_000);
  for (const length of [0, 1, 64, 8192, 8193]) {
    const part = data.subarray(0, length);
    const key = data.subarray(0, Math.min(length, 200));
    demand(same(hash.digest(part), right.digest(part)), name);
    demand(same(hash.hmac(key, part), right.hmac(key, part)), `HMAC of ${name}`);
    const [labels, rightLabels] = [hash.labels(key), right.labels(key)];
    for (const label of ['key', 'iv']) {
      const expected = rightLabels.expandLabel(label, key, 12);
      demand(same(labels.expandLabel(label, key, 12), expected), `HKDF of ${name}`);
    }
  }
}

function testGroup(engine: CryptoEngine, judge: CryptoEngine, name: GroupName): void {
  const [ours, right] = [engine.group(name), judge.group(name)];
  if (ours === undefined || right === undefined) return;
  const [a, b] = [ours.generate(), right.generate()];
  const expected = b.sharedSecret(a.publicKey);
  const secret = a.sharedSecret(b.publicKey);
  demand(secret !== undefined && expected !== undefined && same(secret, expected), name);
  const given = new Uint8Array(name === 'secp384r1' ? 48 : 32).fill(7);
  const [c, d] = [ours.fromPrivateKey(given), right.fromPrivateKey(given)];
  const [ofOurs, ofRight] = [c.sharedSecret(b.publicKey), d.sharedSecret(b.publicKey)];
  demand(same(c.publicKey, d.publicKey), name);
  demand(ofOurs !== undefined && ofRight !== undefined && same(ofOurs, ofRight), name);
  // All zeros, or no point of the curve.
  const bad = b.publicKey.slice().fill(0, 1);
  if (name === 'x25519') bad[0] = 0;
  demand(a.sharedSecret(bad) === undefined, name);
}

function testEcdsa(engine: CryptoEngine): void {
  const data = engine.randomBytes(100);
  const changed = engine.randomBytes(100);
  for (const namedCurve of ['P-256', 'P-384']) {
    // Two of them: the curve's one key has to change between them.
    const made = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve }));
    const keys = made.map(({ publicKey }) =>
      engine.importPublicKey(publicKey.export({ format: 'der', type: 'spki' })),
    );
    for (const [index, { privateKey }] of made.entries()) {
      const signature = sign('sha256', data, privateKey);
      for (const [other, key] of keys.entries()) {
        const verified = (of: Uint8Array): boolean | undefined =>
          key?.verify({ type: 'ecdsa', hash: 'sha256' }, of, signature);
        demand(verified(data) === (index === other) && verified(changed) === false, `ECDSA on ${namedCurve}`);
      }
    }
  }
}

/** To generate a key would take longer than all else. What signs is tried as it is imported, `private-keys.ts`. */
function testRsa(engine: CryptoEngine): void {
  const key = engine.importPublicKey(Buffer.from(RSA_SPKI, 'base64'));
  const pss = { type: 'rsa_pss', hash: 'sha256', mgfHash: 'sha256', saltLength: 32 } as const;
  const pkcs1 = { type: 'rsa_pkcs1', hash: 'sha256' } as const;
  for (const [algorithm, text] of [[pkcs1, RSA_PKCS1] as const, [pss, RSA_PSS] as const]) {
    const signature = Buffer.from(text, 'base64');
    const verified = (by: SignatureAlgorithm, message: Uint8Array): boolean | undefined =>
      key?.verify(by, message, signature);
    demand(verified(algorithm, RSA_MESSAGE) === true, 'RSA');
    demand(verified(algorithm, RSA_MESSAGE.subarray(1)) === false, 'RSA');
    demand(verified({ ...pkcs1, hash: 'sha384' }, RSA_MESSAGE) === false, 'RSA');
    demand(verified({ ...pss, saltLength: 31 }, RSA_MESSAGE) === false, 'RSA');
    demand(verified(algorithm, RSA_MESSAGE) === true, 'RSA');
  }
}

function testEd25519(engine: CryptoEngine): void {
  const data = engine.randomBytes(100);
  for (const { privateKey, publicKey } of [0, 1].map(() => generateKeyPairSync('ed25519'))) {
    const key = engine.importPublicKey(publicKey.export({ format: 'der', type: 'spki' }));
    const signature = sign(null, data, privateKey);
    const verified = (message: Uint8Array): boolean | undefined =>
      key?.verify({ type: 'ed25519' }, message, signature);
    for (const message of [data, data.subarray(1), data])
      demand(verified(message) === (message === data), 'Ed25519');
  }
}

/** RSA of 1024 bits over `RSA_MESSAGE`, SHA-256, made by node:crypto; PSS with a salt of 32. */
const RSA_MESSAGE: Uint8Array = Buffer.from('actor-tls');
const RSA_SPKI: string =
  'MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQD1M7T0bw58vpCtKj0SubGE4hqgNA5rmsvDvKIAjChdas9kSCdSBs1/kRqyaBch' +
  'Qy+fe3cWjHE597eL9nwR2o1UtW28vwmnwA0NO7ivJ+wcdP6AAN67de6Vro3BblR096kM+nNc758ssGFrO+/iUVvxOD2ftchxIqvW' +
  '9G+EmnR8iQIDAQAB';
const RSA_PKCS1: string =
  'Dp0FugXad7auXgcRVxWICq3brDB6UQWJ9HTkXYmDHPmEuqgV0l+Bgndl8hpVVADN4YVJsJeqxcwblLhzeqsYDGzxzWj3e+PqL7o7' +
  'rnO5GTVkp29eX8UL6x+4p50j0eXS5AiSWxPs61tECiW4e13lYZ74+k/02gedf/B39LAM7oA=';
const RSA_PSS: string =
  'eMfLg7o4Xer6g7DRqTNVN5BklEeoM1Zzb09f/UqmIJFY0EVYIfv4mkRbz40WzBJ6I/39f8FFxUgh5y88HIrP8ce/2tyKoW96STsQ' +
  '5h1tH+932UdrKB6WKYmDesfsyTBo1y4m9UgQMuAMa7dX1AaEvtyth8eSvIzJJoZG9SE4o4Q=';

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function demand(good: boolean, what: string): void {
  if (!good) {
    throw new FfiUnavailable(
      `${what} of the process's libcrypto is not that of node:crypto: leave the engine out`,
    );
  }
}
