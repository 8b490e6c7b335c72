/** Keys of finite-field Diffie-Hellman as DER (PKCS #3 §9, in PKCS #8 and SubjectPublicKeyInfo). */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { Tag } from '../../x509/der.js';
import { encodeElement, encodeOid, encodeSmallInteger } from '../../x509/der-writer.js';

const dhKeyAgreement = encodeOid('1.2.840.113549.1.3.1');
const version = encodeSmallInteger(0);
const noUnusedBits = Uint8Array.of(0);

/** AlgorithmIdentifier of a prime, big-endian bytes, with a generator below 128. */
export function encodeDhParams(prime: Uint8Array, generator: number): Uint8Array {
  const params = encodeElement(Tag.sequence, integer(prime), encodeSmallInteger(generator));
  return encodeElement(Tag.sequence, dhKeyAgreement, params);
}

/** What it takes the exponent through is overwritten. Throws what node:crypto throws. */
export function importDhPrivateKey(params: Uint8Array, exponent: Uint8Array): KeyObject {
  const number = integer(exponent);
  const key = encodeElement(Tag.octetString, number);
  const pkcs8 = Buffer.from(encodeElement(Tag.sequence, version, params, key));
  try {
    return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  } finally {
    for (const bytes of [number, key, pkcs8]) bytes.fill(0);
  }
}

export function importDhPublicKey(params: Uint8Array, value: Uint8Array): KeyObject {
  const key = encodeElement(Tag.bitString, noUnusedBits, integer(value));
  const spki = Buffer.from(encodeElement(Tag.sequence, params, key));
  return createPublicKey({ key: spki, format: 'der', type: 'spki' });
}

/** INTEGER of a number that is not negative. */
function integer(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  return (digits[0] ?? 0) < 0x80
    ? encodeElement(Tag.integer, digits)
    : encodeElement(Tag.integer, Uint8Array.of(0), digits);
}
