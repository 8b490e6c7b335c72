/**
 * Keys of finite-field Diffie-Hellman as DER (RFC 2631, PKCS #3), for Nodes from 24 on: there `createDiffieHellman` tries
 * anew whether the prime is one, 1.5 s for 2048 bits and minutes for 8192, which a key that is imported is spared.
 * On Node 20 it is the other way round: a secret of imported keys takes a second with 8192 bits, for 26 ms.
 */
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { decodeAll, Tag } from '../../x509/der.js';
import { encodeElement, encodeOid, encodeSmallInteger } from '../../x509/der-writer.js';
import { copied, withoutStacks } from './platform.js';

export const importsFiniteFieldKeys: boolean = Number.parseInt(process.versions.node, 10) >= 24;

/** PKCS #3 §9 */
const dhKeyAgreement = encodeOid('1.2.840.113549.1.3.1');

/** A private key, with the public value as a number without leading zeros. */
export interface FiniteFieldKey {
  readonly publicValue: Uint8Array;
  /** Without leading zeros or with, as OpenSSL has it. The peer's value is checked by the caller. */
  secret(peerValue: Uint8Array): Uint8Array;
}

/** The group's prime as a number of big-endian bytes; `exponent` likewise. */
export function importFiniteFieldKey(prime: Uint8Array, exponent: Uint8Array): FiniteFieldKey {
  const identifier = encodeElement(
    Tag.sequence,
    dhKeyAgreement,
    encodeElement(Tag.sequence, integer(prime), encodeSmallInteger(2)),
  );
  const pkcs8 = Buffer.from(
    encodeElement(
      Tag.sequence,
      encodeSmallInteger(0),
      identifier,
      encodeElement(Tag.octetString, integer(exponent)),
    ),
  );
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  pkcs8.fill(0);
  return {
    publicValue: publicValueOf(createPublicKey(privateKey).export({ format: 'der', type: 'spki' })),
    secret: (peerValue) => {
      const value = encodeElement(Tag.bitString, Uint8Array.of(0), integer(peerValue));
      const key = Buffer.from(encodeElement(Tag.sequence, identifier, value));
      return withoutStacks(() =>
        diffieHellman({ privateKey, publicKey: createPublicKey({ key, format: 'der', type: 'spki' }) }),
      );
    },
  };
}

function publicValueOf(spki: Uint8Array): Uint8Array {
  const encoded = decodeAll(copied(spki), (outer) => {
    const info = outer.open(Tag.sequence);
    info.skip();
    const key = info.octetsOfBitString();
    info.finish();
    return key;
  });
  const value = decodeAll(encoded, (reader) => reader.content(Tag.integer));
  return value[0] === 0 ? value.subarray(1) : value;
}

/** INTEGER of a number above zero. */
function integer(number: Uint8Array): Uint8Array {
  const start = number.findIndex((byte) => byte !== 0);
  const minimal = number.subarray(start);
  return (minimal[0] ?? 0) < 0x80
    ? encodeElement(Tag.integer, minimal)
    : encodeElement(Tag.integer, Uint8Array.of(0), minimal);
}
