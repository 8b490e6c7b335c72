/**
 * The engine over node:crypto (OpenSSL): fast, and the only one with RSA, DSA and the older curves. The primitives are
 * those of RFC 7748 (x25519, x448), RFC 8032 (EdDSA), SP 800-38C and D (CCM, GCM), RFC 8439 (ChaCha20-Poly1305), RFC 8017 (RSA), RFC 7919
 * (finite-field Diffie-Hellman) and, from Node 24.7 on, FIPS 203 (ML-KEM).
 */
import { randomFillSync, timingSafeEqual } from 'node:crypto';
import type {
  Aead,
  AeadName,
  BrainpoolGroupName,
  Cipher,
  CipherName,
  CryptoEngine,
  DhGroup,
  DhGroupName,
  HashFunction,
  HashName,
  OlderCurveName,
} from '../engine.js';
import { hybridGroup, isHybridGroup } from '../hybrid-groups.js';
import { rc4 } from '../rc4.js';
import { NodeAead } from './aead.js';
import { NodeCcm } from './ccm.js';
import { NodeCbc, thrice } from './cipher.js';
import { NodeFiniteField } from './finite-field.js';
import { NodeFiniteFieldGroup } from './finite-field-groups.js';
import { NodeEcGroup, NodeMontgomeryGroup } from './groups.js';
import { NodeHash } from './hash.js';
import { nodeKem } from './kem.js';
import { hasCurve, importNodePrivateKey, importNodePublicKey, openSslCurve } from './keys.js';
import { RandomPool } from './random-pool.js';

const hashes: Readonly<Record<HashName, HashFunction>> = {
  md5: new NodeHash('md5', 16, 64),
  sha: new NodeHash('sha', 20, 64),
  sha224: new NodeHash('sha224', 28, 64),
  sha256: new NodeHash('sha256', 32, 64),
  sha384: new NodeHash('sha384', 48, 128),
  sha512: new NodeHash('sha512', 64, 128),
};

const aeads: Readonly<Record<AeadName, Aead>> = {
  aes_128_gcm: new NodeAead('aes_128_gcm', 'aes-128-gcm', 16),
  aes_256_gcm: new NodeAead('aes_256_gcm', 'aes-256-gcm', 32),
  chacha20_poly1305: new NodeAead('chacha20_poly1305', 'chacha20-poly1305', 32),
  aes_128_ccm: new NodeCcm('aes_128_ccm', 'aes-128-ccm', 16, 16),
  aes_256_ccm: new NodeCcm('aes_256_ccm', 'aes-256-ccm', 32, 16),
  aes_128_ccm_8: new NodeCcm('aes_128_ccm_8', 'aes-128-ccm', 16, 8),
  aes_256_ccm_8: new NodeCcm('aes_256_ccm_8', 'aes-256-ccm', 32, 8),
};

const ciphers: Readonly<Record<CipherName, Cipher>> = {
  aes_128_cbc: new NodeCbc('aes_128_cbc', 'aes-128-cbc', 16, 16),
  aes_256_cbc: new NodeCbc('aes_256_cbc', 'aes-256-cbc', 32, 16),
  '3des_ede_cbc': new NodeCbc('3des_ede_cbc', 'des-ede3-cbc', 24, 8),
  des_cbc: new NodeCbc('des_cbc', 'des-ede3-cbc', 8, 8, thrice),
  rc4_128: rc4,
};

const groups: Readonly<Record<DhGroupName, DhGroup | undefined>> = {
  x25519: new NodeMontgomeryGroup('x25519', 'X25519', 32),
  x448: new NodeMontgomeryGroup('x448', 'X448', 56),
  secp256r1: new NodeEcGroup('secp256r1', 'prime256v1', 65),
  secp384r1: new NodeEcGroup('secp384r1', 'secp384r1', 97),
  secp521r1: new NodeEcGroup('secp521r1', 'secp521r1', 133),
  brainpoolP256r1tls13: brainpool('brainpoolP256r1tls13', 'brainpoolP256r1', 65),
  brainpoolP384r1tls13: brainpool('brainpoolP384r1tls13', 'brainpoolP384r1', 97),
  brainpoolP512r1tls13: brainpool('brainpoolP512r1tls13', 'brainpoolP512r1', 129),
  sect571r1: older('sect571r1', 571),
  sect571k1: older('sect571k1', 571),
  brainpoolP512r1: older('brainpoolP512r1', 512),
  sect409k1: older('sect409k1', 409),
  sect409r1: older('sect409r1', 409),
  brainpoolP384r1: older('brainpoolP384r1', 384),
  sect283k1: older('sect283k1', 283),
  sect283r1: older('sect283r1', 283),
  brainpoolP256r1: older('brainpoolP256r1', 256),
  secp256k1: older('secp256k1', 256),
  sect239k1: older('sect239k1', 239),
  sect233k1: older('sect233k1', 233),
  sect233r1: older('sect233r1', 233),
  secp224k1: older('secp224k1', 224),
  secp224r1: older('secp224r1', 224),
  sect193r1: older('sect193r1', 193),
  sect193r2: older('sect193r2', 193),
  secp192k1: older('secp192k1', 192),
  secp192r1: older('secp192r1', 192),
  sect163k1: older('sect163k1', 163),
  sect163r1: older('sect163r1', 163),
  sect163r2: older('sect163r2', 163),
  secp160k1: older('secp160k1', 160),
  secp160r1: older('secp160r1', 160),
  secp160r2: older('secp160r2', 160),
  ffdhe2048: new NodeFiniteFieldGroup('ffdhe2048'),
  ffdhe3072: new NodeFiniteFieldGroup('ffdhe3072'),
  ffdhe4096: new NodeFiniteFieldGroup('ffdhe4096'),
  ffdhe6144: new NodeFiniteFieldGroup('ffdhe6144'),
  ffdhe8192: new NodeFiniteFieldGroup('ffdhe8192'),
};

/** Not every OpenSSL is built with them. */
function brainpool(name: BrainpoolGroupName, curve: string, publicKeyLength: number): DhGroup | undefined {
  return hasCurve(curve) ? new NodeEcGroup(name, curve, publicKeyLength) : undefined;
}

/** Likewise. `bits`: of the field, of which points have two elements (RFC 8422 §5.4.1). */
function older(name: OlderCurveName, bits: number): DhGroup | undefined {
  return hasCurve(name) ? new NodeEcGroup(name, openSslCurve(name), 1 + 2 * Math.ceil(bits / 8)) : undefined;
}

const random = new RandomPool(randomFillSync);

export const nodeEngine: CryptoEngine = {
  name: 'node',
  hash: (name) => hashes[name],
  aead: (name) => aeads[name],
  cipher: (name) => ciphers[name],
  kem: nodeKem,
  finiteField: (prime) => new NodeFiniteField(prime),
  group: (name) => (isHybridGroup(name) ? hybridGroup(name, nodeEngine) : groups[name]),
  supportsKey: (algorithm, curve) => algorithm !== 'ec' || curve === undefined || hasCurve(curve),
  importPublicKey: importNodePublicKey,
  importPrivateKey: importNodePrivateKey,
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  randomBytes: (length) => random.take(length),
};
