/**
 * Which signature algorithms a key can be used with (RFC 8446 §4.2.3, RFC 8017 A.2.3).
 */
import type { KeyAlgorithm, SignatureAlgorithm } from './engine.js';

export function fits(key: KeyAlgorithm, signature: SignatureAlgorithm): boolean {
  switch (signature.type) {
    case 'rsa_pkcs1':
      return key === 'rsa';
    case 'rsa_pss':
      return key === 'rsa' || key === 'rsa_pss';
    case 'ecdsa':
      return key === 'ec';
    case 'dsa':
      return key === 'dsa';
    case 'ed25519':
      return key === 'ed25519';
    case 'ed448':
      return key === 'ed448';
  }
}
