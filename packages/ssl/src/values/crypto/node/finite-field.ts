/**
 * Powers modulo a prime by node:crypto (OpenSSL's own exponentiation, constant in time). Keys go in as DER: `createDiffieHellman`
 * would first find out whether the prime is one, which takes a second with 2048 bits, and a peer may choose it.
 *
 * The generator in those keys is none of the field's, and no power is made with it: OpenSSL before 3.5 knows the groups of
 * RFC 3526 and RFC 7919 by prime and generator, and has every value prove that it is in the subgroup, at 0.2 s with 8192 bits
 * where the power itself takes 30 ms.
 */
import { diffieHellman } from 'node:crypto';
import type { FiniteField } from '../engine.js';
import { encodeDhParams, importDhPrivateKey, importDhPublicKey } from './finite-field-der.js';
import { withoutStacks } from './platform.js';

/** Of none of the groups that OpenSSL knows. */
const anyGenerator = 3;

export class NodeFiniteField implements FiniteField {
  readonly length: number;
  private readonly params: Uint8Array;

  constructor(prime: Uint8Array) {
    this.length = prime.length;
    this.params = encodeDhParams(prime, anyGenerator);
  }

  power(base: Uint8Array, exponent: Uint8Array): Uint8Array | undefined {
    const { params } = this;
    try {
      const power = withoutStacks(() =>
        diffieHellman({
          privateKey: importDhPrivateKey(params, exponent),
          publicKey: importDhPublicKey(params, base),
        }),
      );
      const padded = new Uint8Array(this.length);
      padded.set(power, this.length - power.length);
      power.fill(0);
      return padded;
    } catch {
      return undefined;
    }
  }
}
