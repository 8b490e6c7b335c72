/**
 * Keys that are too weak to believe in what they sign. Ours: OTP has no lower limit.
 *
 * One number rules: the least size of an RSA or DSA modulus. Curves are held to the strength of such a modulus, by
 * the table of NIST SP 800-57 part 1 §5.6.1.1.
 */
import type { PublicKey } from '../crypto/engine.js';
import { bitLength, decodeRsaPublicKey, decodeSpki } from '../crypto/key-encoding.js';

/** bits of a modulus; the Baseline Requirements §6.1.5 and every browser ask for the same. */
export const defaultMinKeySize = 2048;

/** bits; nothing below is ever allowed: anybody can break it. */
export const leastMinKeySize = 1024;

/** What makes a key weak, in words that name its kind and size and the option; `undefined`: nothing. */
export function weaknessOf(key: PublicKey, minKeySize: number): string | undefined {
  const { algorithm, bits, curve } = key;
  const least = Math.max(minKeySize, leastMinKeySize);
  switch (algorithm) {
    case 'rsa':
    case 'rsa_pss':
      return exponentWeakness(key) ?? tooShort('RSA', bits, least, least);
    case 'dsa':
      return tooShort('DSA', bits, least, least);
    case 'ec':
      return tooShort(curve ?? 'EC', bits, 2 * strengthOf(least), least);
    case 'ed25519':
    case 'x25519':
      return tooShort(algorithm, 256, 2 * strengthOf(least), least);
    case 'ed448':
    case 'x448':
      return tooShort(algorithm, bits, 2 * strengthOf(least), least);
  }
}

function tooShort(kind: string, bits: number, needed: number, minKeySize: number): string | undefined {
  return bits >= needed ? undefined : `${kind} key of ${bits} bits, minKeySize is ${minKeySize}`;
}

/** RFC 8017 §3.1: the exponent is odd and at least 3; with 1 a signature is its own message. */
function exponentWeakness({ spki }: PublicKey): string | undefined {
  const encoded = decodeSpki(spki);
  if (encoded === undefined) return undefined;
  const { e } = decodeRsaPublicKey(encoded.key);
  const last = e[e.length - 1] ?? 0;
  if (last % 2 === 1 && bitLength(e) > 1) return undefined;
  return last % 2 === 0 ? 'RSA key with an even exponent' : 'RSA key with the exponent 1';
}

/** Bits of security of a modulus of that size. */
function strengthOf(modulus: number): number {
  if (modulus >= 15_360) return 256;
  if (modulus >= 7680) return 192;
  if (modulus >= 3072) return 128;
  return modulus >= 2048 ? 112 : 80;
}
