/**
 * Signature keys of node:crypto.
 */
import {
  constants,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  getCurves,
  type JsonWebKey,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  sign as signOnce,
  verify as verifyOnce,
} from 'node:crypto';
import type {
  HashName,
  KeyAlgorithm,
  PrivateKey,
  PssRestriction,
  PublicKey,
  SignatureAlgorithm,
} from '../engine.js';
import {
  bitLength,
  decodePkcs8,
  decodeRsaPublicKey,
  decodeSpki,
  type EncodedKey,
  type KeyIdentifier,
} from '../key-encoding.js';
import { signatureFits } from '../signature-fits.js';
import { digestName } from './hash.js';
import { copied, withoutStacks } from './platform.js';

/** OpenSSL knows these two under the names of X9.62 only. */
export function openSslCurve(name: string): string {
  if (name === 'secp256r1') return 'prime256v1';
  if (name === 'secp192r1') return 'prime192v1';
  return name;
}

const curves: ReadonlySet<string> = new Set(getCurves());

/** OpenSSL's name of both, which it signs without an AlgorithmIdentifier. */
const md5Sha1 = 'md5-sha1';

/** Whether this OpenSSL has the curve (OTP's name). */
export function hasCurve(name: string): boolean {
  return curves.has(openSslCurve(name));
}

/** See `CryptoEngine.importPublicKey`. */
export function importNodePublicKey(spki: Uint8Array): PublicKey | undefined {
  const encoded = decodeSpki(spki);
  if (encoded === undefined || !isAvailable(encoded)) return undefined;
  const own = copied(spki);
  return new NodePublicKey(encoded, bitsOf(encoded), own, publicKeyObject(encoded, own));
}

/** See `CryptoEngine.importPrivateKey`. */
export function importNodePrivateKey(pkcs8: Uint8Array): PrivateKey | undefined {
  const encoded = decodePkcs8(pkcs8);
  if (encoded === undefined || !isAvailable(encoded)) return undefined;
  const key = malformed(() => createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }));
  const spki = copied(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  const bits = bitsOf(decodeSpki(spki) ?? encoded);
  return new NodePrivateKey(encoded, bits, spki, key);
}

class NodeKey {
  readonly algorithm: KeyAlgorithm;
  readonly curve: string | undefined;
  readonly bits: number;
  readonly pss: PssRestriction | undefined;
  readonly spki: Uint8Array;
  protected readonly key: KeyObject;

  constructor({ algorithm, curve, pss }: KeyIdentifier, bits: number, spki: Uint8Array, key: KeyObject) {
    this.algorithm = algorithm;
    this.curve = curve?.name;
    this.bits = bits;
    this.pss = pss;
    this.spki = spki;
    this.key = key;
  }
}

class NodePublicKey extends NodeKey implements PublicKey {
  encipher(data: Uint8Array): Uint8Array {
    return copied(publicEncrypt({ key: this.key, padding: constants.RSA_PKCS1_PADDING }, data));
  }

  verify(algorithm: SignatureAlgorithm, data: Uint8Array, signature: Uint8Array): boolean {
    if (!signatureFits(this, algorithm)) return false;
    try {
      switch (algorithm.type) {
        case 'ed25519':
        case 'ed448':
          return verifyOnce(null, data, this.key, signature);
        case 'ecdsa':
        case 'dsa':
          return verifyOnce(digestName(algorithm.hash), data, this.key, signature);
        case 'rsa_pkcs1':
          return withoutStacks(() =>
            verifyOnce(digestName(algorithm.hash), data, pkcs1(this.key), signature),
          );
        case 'rsa_md5_sha1':
          return withoutStacks(() => verifyOnce(md5Sha1, data, pkcs1(this.key), signature));
        case 'rsa_pss':
          if (!hasUniformPssHash(algorithm)) return false;
          return withoutStacks(() =>
            verifyOnce(digestName(algorithm.hash), data, pss(this.key, algorithm.saltLength), signature),
          );
      }
    } catch {
      return false;
    }
  }
}

class NodePrivateKey extends NodeKey implements PrivateKey {
  decipher(ciphertext: Uint8Array): Uint8Array | undefined {
    if (this.algorithm !== 'rsa' || ciphertext.length !== Math.ceil(this.bits / 8)) return undefined;
    try {
      return copied(privateDecrypt({ key: this.key, padding: constants.RSA_NO_PADDING }, ciphertext));
    } catch {
      return undefined;
    }
  }

  agree(point: Uint8Array): Uint8Array | undefined {
    const own = decodeSpki(this.spki)?.key;
    if (this.algorithm !== 'ec' || own === undefined || point[0] !== 4 || point.length !== own.length)
      return undefined;
    const spki = Buffer.concat([this.spki.subarray(0, -own.length), point]);
    try {
      const publicKey = withoutStacks(() => createPublicKey({ key: spki, format: 'der', type: 'spki' }));
      return copied(diffieHellman({ privateKey: this.key, publicKey }));
    } catch {
      return undefined;
    }
  }

  sign(algorithm: SignatureAlgorithm, data: Uint8Array): Uint8Array {
    if (!signatureFits(this, algorithm)) {
      throw new TypeError(`a key of kind ${this.algorithm} does not sign ${algorithm.type}`);
    }
    switch (algorithm.type) {
      case 'ed25519':
      case 'ed448':
        return copied(signOnce(null, data, this.key));
      case 'ecdsa':
      case 'dsa':
        return copied(signOnce(digestName(algorithm.hash), data, this.key));
      case 'rsa_pkcs1':
        return copied(signOnce(digestName(algorithm.hash), data, pkcs1(this.key)));
      case 'rsa_md5_sha1':
        return copied(signOnce(md5Sha1, data, pkcs1(this.key)));
      case 'rsa_pss':
        if (!hasUniformPssHash(algorithm)) throw new TypeError('MGF1 with another hash is not supported');
        return copied(signOnce(digestName(algorithm.hash), data, pss(this.key, algorithm.saltLength)));
    }
  }
}

/**
 * From the public key's own numbers as JWK where that is faster, µs on Node 20: RSA 6 (SPKI 140), Ed25519 15 (109),
 * P-256 86 (159). P-384 and P-521 are the other way round, 575 and 1436 for 158.
 */
function publicKeyObject(encoded: EncodedKey, spki: Uint8Array): KeyObject {
  const jwk = jwkOf(encoded);
  return malformed(() =>
    jwk === undefined
      ? createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
      : createPublicKey({ key: jwk, format: 'jwk' }),
  );
}

function jwkOf({ algorithm, curve, key }: EncodedKey): JsonWebKey | undefined {
  switch (algorithm) {
    case 'rsa': {
      const { n, e } = decodeRsaPublicKey(key);
      return { kty: 'RSA', n: base64url(n), e: base64url(e) };
    }
    case 'ed25519':
      return { kty: 'OKP', crv: 'Ed25519', x: base64url(key) };
    case 'ed448':
      return { kty: 'OKP', crv: 'Ed448', x: base64url(key) };
    case 'x25519':
      return { kty: 'OKP', crv: 'X25519', x: base64url(key) };
    case 'x448':
      return { kty: 'OKP', crv: 'X448', x: base64url(key) };
    case 'ec':
      if (curve?.name !== 'secp256r1' || key.length !== 65 || key[0] !== 4) return undefined;
      return {
        kty: 'EC',
        crv: 'P-256',
        x: base64url(key.subarray(1, 33)),
        y: base64url(key.subarray(33)),
      };
    case 'rsa_pss':
    case 'dsa':
      return undefined;
  }
}

function isAvailable({ algorithm, curve }: EncodedKey): boolean {
  return algorithm !== 'ec' || (curve !== undefined && hasCurve(curve.name));
}

function bitsOf({ algorithm, bits, key }: EncodedKey): number {
  return algorithm === 'rsa' || algorithm === 'rsa_pss' ? bitLength(decodeRsaPublicKey(key).n) : bits;
}

/** node:crypto takes one hash for both the message and MGF1. */
function hasUniformPssHash(algorithm: { readonly hash: HashName; readonly mgfHash: HashName }): boolean {
  return algorithm.hash === algorithm.mgfHash;
}

function pkcs1(key: KeyObject): { key: KeyObject; padding: number } {
  return { key, padding: constants.RSA_PKCS1_PADDING };
}

function pss(key: KeyObject, saltLength: number): { key: KeyObject; padding: number; saltLength: number } {
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}

function malformed<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new TypeError('malformed key', { cause });
  }
}
