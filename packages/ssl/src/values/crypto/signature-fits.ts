/**
 * Which signature algorithms a key can be used with (RFC 8446 §4.2.3, RFC 8017 A.2.3, RFC 4055 §3.3).
 */
import type { PublicKey, SignatureAlgorithm } from './engine.js';

/** The part of a key, public or private, that decides. */
export type KeyTraits = Pick<PublicKey, 'algorithm' | 'bits' | 'pss'>;

export function signatureFits(key: KeyTraits, signature: SignatureAlgorithm): boolean {
  const { algorithm } = key;
  switch (signature.type) {
    case 'rsa_pkcs1':
    case 'rsa_md5_sha1':
      return algorithm === 'rsa';
    case 'rsa_pss':
      return (algorithm === 'rsa' || algorithm === 'rsa_pss') && fitsPss(key, signature);
    case 'ecdsa':
      return algorithm === 'ec';
    case 'dsa':
      return algorithm === 'dsa';
    case 'ed25519':
      return algorithm === 'ed25519';
    case 'ed448':
      return algorithm === 'ed448';
  }
}

/**
 * A key's own parameters bind whoever uses it (RFC 4055 §3.3: same hashes, a salt at least as long). RFC 8446 §4.2.3
 * says identical, but OpenSSL writes and takes the salt of a key as a least length, and so do all who read its keys.
 */
function fitsPss(
  { bits, pss }: KeyTraits,
  { hash, mgfHash, saltLength }: Extract<SignatureAlgorithm, { readonly type: 'rsa_pss' }>,
): boolean {
  // RFC 8017 §9.1.1: the modulus has to hold hash, salt and two octets.
  if (bits < (hashLengths[hash] + saltLength + 2) * 8 - 6) return false;
  if (pss === undefined) return true;
  return hash === pss.hash && mgfHash === pss.mgfHash && saltLength >= pss.leastSaltLength;
}

/** bytes */
const hashLengths = { md5: 16, sha: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 } as const;
