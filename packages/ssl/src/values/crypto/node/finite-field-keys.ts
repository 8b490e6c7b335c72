/**
 * Keys of finite-field Diffie-Hellman as DER (RFC 2631, PKCS #3), for Nodes from 24 on: there `createDiffieHellman` tries
 * anew whether the prime is one, 1.5 s for 2048 bits and minutes for 8192, which a key that is imported is spared.
 * On Node 20 it is the other way round: a secret of imported keys takes a second with 8192 bits, for 26 ms.
 */
import { createPublicKey, diffieHellman } from 'node:crypto';
import { decodeAll, Tag } from '../../x509/der.js';
import { encodeDhParams, importDhPrivateKey, importDhPublicKey } from './finite-field-der.js';
import { copied, withoutStacks } from './platform.js';

export const importsFiniteFieldKeys: boolean = Number.parseInt(process.versions.node, 10) >= 24;

/** Of the groups of RFC 7919. */
const generator = 2;

/** A private key, with the public value as a number without leading zeros. */
export interface FiniteFieldKey {
  readonly publicValue: Uint8Array;
  /** Without leading zeros or with, as OpenSSL has it. The peer's value is checked by the caller. */
  secret(peerValue: Uint8Array): Uint8Array;
}

/** The group's prime as a number of big-endian bytes; `exponent` likewise. */
export function importFiniteFieldKey(prime: Uint8Array, exponent: Uint8Array): FiniteFieldKey {
  const params = encodeDhParams(prime, generator);
  const privateKey = importDhPrivateKey(params, exponent);
  return {
    publicValue: publicValueOf(createPublicKey(privateKey).export({ format: 'der', type: 'spki' })),
    secret: (peerValue) =>
      withoutStacks(() => diffieHellman({ privateKey, publicKey: importDhPublicKey(params, peerValue) })),
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
