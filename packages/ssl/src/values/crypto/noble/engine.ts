/**
 * The engine over @noble/*: portable JavaScript, audited in part, without RSA, DSA, finite-field Diffie-Hellman, CCM and
 * the older curves. The primitives are those of RFC 7748, RFC 8032, SP 800-38D, RFC 8439 and FIPS 203.
 * Its own README says what it promises about timing.
 */
import type {
  Aead,
  AeadName,
  Cipher,
  CipherName,
  CryptoEngine,
  DhGroup,
  DhGroupName,
  HashFunction,
  HashName,
} from '../engine.js';
import { hybridGroup, isHybridGroup } from '../hybrid-groups.js';
import { rc4 } from '../rc4.js';
import { NobleAead } from './aead.js';
import { NobleCbc } from './cipher.js';
import { NobleEcGroup, NobleMontgomeryGroup } from './groups.js';
import { NobleHash } from './hash.js';
import { nobleKem } from './kem.js';
import { importNoblePrivateKey, importNoblePublicKey, supportsNobleKey } from './keys.js';

const hashes: Readonly<Record<HashName, HashFunction>> = {
  md5: new NobleHash('md5'),
  sha: new NobleHash('sha'),
  sha224: new NobleHash('sha224'),
  sha256: new NobleHash('sha256'),
  sha384: new NobleHash('sha384'),
  sha512: new NobleHash('sha512'),
};

const aeads: Readonly<Partial<Record<AeadName, Aead>>> = {
  aes_128_gcm: new NobleAead('aes_128_gcm', 16),
  aes_256_gcm: new NobleAead('aes_256_gcm', 32),
  chacha20_poly1305: new NobleAead('chacha20_poly1305', 32),
};

/** noble has no DES. */
const ciphers: Readonly<Partial<Record<CipherName, Cipher>>> = {
  aes_128_cbc: new NobleCbc('aes_128_cbc', 16),
  aes_256_cbc: new NobleCbc('aes_256_cbc', 32),
  rc4_128: rc4,
};

const groups: Readonly<Partial<Record<DhGroupName, DhGroup>>> = {
  x25519: new NobleMontgomeryGroup('x25519'),
  x448: new NobleMontgomeryGroup('x448'),
  secp256r1: new NobleEcGroup('secp256r1'),
  secp384r1: new NobleEcGroup('secp384r1'),
  secp521r1: new NobleEcGroup('secp521r1'),
  brainpoolP256r1tls13: new NobleEcGroup('brainpoolP256r1tls13'),
  brainpoolP384r1tls13: new NobleEcGroup('brainpoolP384r1tls13'),
  brainpoolP512r1tls13: new NobleEcGroup('brainpoolP512r1tls13'),
};

/** `getRandomValues` fills at most this much per call. */
const QUOTA = 65_536;

export const nobleEngine: CryptoEngine = {
  name: 'noble',
  hash: (name) => hashes[name],
  aead: (name) => aeads[name],
  cipher: (name) => ciphers[name],
  kem: nobleKem,
  finiteField: () => undefined,
  group: (name) => (isHybridGroup(name) ? hybridGroup(name, nobleEngine) : groups[name]),
  supportsKey: supportsNobleKey,
  importPublicKey: (spki) => importNoblePublicKey(hashes, spki),
  importPrivateKey: (pkcs8) => importNoblePrivateKey(hashes, pkcs8),
  equal: (a, b) => {
    if (a.length !== b.length) return false;
    let difference = 0;
    for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
    return difference === 0;
  },
  randomBytes: (length) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += QUOTA) crypto.getRandomValues(bytes.subarray(at, at + QUOTA));
    return bytes;
  },
};
