/**
 * Powers modulo a prime by node:crypto (OpenSSL's own exponentiation, constant in time). Keys go in as DER: `createDiffieHellman`
 * would first find out whether the prime is one, which takes a second with 2048 bits, and a peer may choose it.
 *
 * The generator in those keys is none of the field's, and no power is made with it: OpenSSL before 3.5 knows the groups of
 * RFC 3526 and RFC 7919 by prime and generator, and has every value prove that it is in the subgroup, at 0.2 s with 8192 bits
 * where the power itself takes 30 ms.
 */
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { Tag } from '../../x509/der.js';
import { encodeElement, encodeOid, encodeSmallInteger } from '../../x509/der-writer.js';
import type { FiniteField } from '../engine.js';
import { withoutStacks } from './platform.js';

/** dhKeyAgreement (PKCS #3) */
const dhKeyAgreement = encodeOid('1.2.840.113549.1.3.1');
const version = encodeSmallInteger(0);
/** Of none of the groups that OpenSSL knows. */
const anyGenerator = encodeSmallInteger(3);
const noUnusedBits = Uint8Array.of(0);

export class NodeFiniteField implements FiniteField {
  readonly length: number;
  private readonly identifier: Uint8Array;

  constructor(prime: Uint8Array) {
    this.length = prime.length;
    const params = encodeElement(Tag.sequence, integer(prime), anyGenerator);
    this.identifier = encodeElement(Tag.sequence, dhKeyAgreement, params);
  }

  power(base: Uint8Array, exponent: Uint8Array): Uint8Array | undefined {
    const { identifier } = this;
    const key = encodeElement(
      Tag.sequence,
      ...[version, identifier, encodeElement(Tag.octetString, integer(exponent))],
    );
    const spki = encodeElement(
      Tag.sequence,
      ...[identifier, encodeElement(Tag.bitString, noUnusedBits, integer(base))],
    );
    try {
      const power = withoutStacks(() =>
        diffieHellman({
          privateKey: createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' }),
          publicKey: createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }),
        }),
      );
      const padded = new Uint8Array(this.length);
      padded.set(power, this.length - power.length);
      power.fill(0);
      return padded;
    } catch {
      return undefined;
    } finally {
      key.fill(0);
    }
  }
}

/** INTEGER of a number that is not negative. */
function integer(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  return (digits[0] ?? 0) < 0x80
    ? encodeElement(Tag.integer, digits)
    : encodeElement(Tag.integer, Uint8Array.of(0), digits);
}
