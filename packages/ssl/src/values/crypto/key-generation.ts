/**
 * Fresh key pairs in transportable form. TLS itself generates only ephemeral shares (`Group.generate`); lasting
 * keys are made for throw-away certificates, so this stands apart from `CryptoEngine`.
 */
import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  sign as signWith,
} from 'node:crypto';
import type { SignatureAlgorithm } from './engine.js';

/** What to generate; a bare `ec` is on secp256r1, a bare `rsa` has 2048 bits. */
export type KeyKind =
  | 'ec'
  | 'rsa'
  | 'rsa_pss'
  | 'dsa'
  | 'ed25519'
  | 'ed448'
  | { readonly ec: string }
  | { readonly rsa: number }
  | { readonly rsa_pss: number }
  | { readonly dsa: number };

/** A key pair that has no other home. */
export interface GeneratedKey {
  readonly algorithm: 'ec' | 'rsa' | 'rsa_pss' | 'dsa' | 'ed25519' | 'ed448';
  /** OTP's curve name (`secp256r1`) of an `ec` key. */
  readonly curve: string | undefined;
  /** DER PrivateKeyInfo (RFC 5208). */
  readonly pkcs8: Uint8Array;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  sign(algorithm: SignatureAlgorithm, data: Uint8Array): Uint8Array;
}

export function generateKey(kind: KeyKind): GeneratedKey {
  if (typeof kind === 'string') {
    switch (kind) {
      case 'ec':
        return ecKey('secp256r1');
      case 'rsa':
        return generated('rsa', generateKeyPairSync('rsa', { modulusLength: 2048 }));
      case 'rsa_pss':
        return generated('rsa_pss', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }));
      case 'dsa':
        return dsaKey(2048);
      case 'ed25519':
        return generated('ed25519', generateKeyPairSync('ed25519'));
      case 'ed448':
        return generated('ed448', generateKeyPairSync('ed448'));
    }
  }
  if ('ec' in kind) return ecKey(kind.ec);
  if ('rsa' in kind) return generated('rsa', generateKeyPairSync('rsa', { modulusLength: kind.rsa }));
  if ('rsa_pss' in kind) {
    return generated('rsa_pss', generateKeyPairSync('rsa-pss', { modulusLength: kind.rsa_pss }));
  }
  return dsaKey(kind.dsa);
}

function ecKey(curve: string): GeneratedKey {
  // OpenSSL knows secp256r1 under X9.62's name only.
  const namedCurve = curve === 'secp256r1' ? 'prime256v1' : curve;
  return generated('ec', generateKeyPairSync('ec', { namedCurve }), curve);
}

function dsaKey(bits: number): GeneratedKey {
  return generated(
    'dsa',
    generateKeyPairSync('dsa', { modulusLength: bits, divisorLength: bits > 1024 ? 256 : 160 }),
  );
}

function generated(
  algorithm: GeneratedKey['algorithm'],
  pair: KeyPairKeyObjectResult,
  curve?: string,
): GeneratedKey {
  return {
    algorithm,
    curve,
    pkcs8: bytes(pair.privateKey.export({ format: 'der', type: 'pkcs8' })),
    spki: bytes(pair.publicKey.export({ format: 'der', type: 'spki' })),
    sign: (signature, data) => signData(pair.privateKey, signature, data),
  };
}

/** A plain `Uint8Array`: a `Buffer` from the pool would share its memory with strangers. */
const bytes = (buffer: Buffer): Uint8Array => new Uint8Array(buffer);

function signData(key: KeyObject, algorithm: SignatureAlgorithm, data: Uint8Array): Uint8Array {
  switch (algorithm.type) {
    case 'rsa_pkcs1':
      return bytes(signWith(digestName(algorithm.hash), data, { key, padding: constants.RSA_PKCS1_PADDING }));
    case 'rsa_md5_sha1':
      return bytes(signWith('md5-sha1', data, { key, padding: constants.RSA_PKCS1_PADDING }));
    case 'rsa_pss':
      return bytes(
        signWith(digestName(algorithm.hash), data, {
          key,
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: algorithm.saltLength,
        }),
      );
    case 'ecdsa':
    case 'dsa':
      return bytes(signWith(digestName(algorithm.hash), data, key));
    case 'ed25519':
    case 'ed448':
      return bytes(signWith(null, data, key));
  }
}

const digestName = (hash: string): string => (hash === 'sha' ? 'sha1' : hash);
