/**
 * Finite-field Diffie-Hellman of node:crypto over the groups of RFC 7919. OpenSSL knows the primes, takes the short
 * exponents that RFC 7919 §5.2 allows and checks neither prime nor generator again.
 */
import { createDiffieHellman, type DiffieHellman } from 'node:crypto';
import type { DhGroup, FiniteFieldGroupName, KeyShare } from '../engine.js';
import { ffdhePrimes } from './ffdhe-primes.js';
import { copied } from './platform.js';

const generator = 2;

export class NodeFiniteFieldGroup implements DhGroup {
  readonly kind = 'dh';
  readonly name: FiniteFieldGroupName;
  readonly publicKeyLength: number;
  private readonly prime: Buffer;
  /** p - 1: as a public value the largest that is refused. */
  private readonly last: Buffer;

  constructor(name: FiniteFieldGroupName) {
    this.name = name;
    this.prime = Buffer.from(ffdhePrimes[name], 'hex');
    this.publicKeyLength = this.prime.length;
    this.last = Buffer.from(this.prime);
    this.last[this.last.length - 1] = 0xfe;
  }

  generate(): KeyShare {
    const exchange = createDiffieHellman(this.prime, generator);
    exchange.generateKeys();
    return new NodeFiniteFieldShare(this, exchange);
  }

  fromPrivateKey(privateKey: Uint8Array): KeyShare {
    const exchange = createDiffieHellman(this.prime, generator);
    exchange.setPrivateKey(privateKey);
    // With a private key set this computes its public half.
    exchange.generateKeys();
    return new NodeFiniteFieldShare(this, exchange);
  }

  /** RFC 8446 §4.2.8.1: 1 < y < p - 1, in as many bytes as the prime has. */
  isPublicValue(value: Uint8Array): boolean {
    return value.length === this.publicKeyLength && Buffer.compare(value, this.last) < 0 && isAboveOne(value);
  }
}

function isAboveOne(value: Uint8Array): boolean {
  const top = value.findIndex((byte) => byte !== 0);
  return top !== -1 && (top < value.length - 1 || (value[top] ?? 0) > 1);
}

class NodeFiniteFieldShare implements KeyShare {
  readonly publicKey: Uint8Array;
  private readonly group: NodeFiniteFieldGroup;
  private readonly exchange: DiffieHellman;

  constructor(group: NodeFiniteFieldGroup, exchange: DiffieHellman) {
    this.group = group;
    this.exchange = exchange;
    this.publicKey = padded(exchange.getPublicKey(), group.publicKeyLength);
  }

  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (!this.group.isPublicValue(peerPublicKey)) return undefined;
    try {
      return padded(this.exchange.computeSecret(peerPublicKey), this.group.publicKeyLength);
    } catch {
      return undefined;
    }
  }
}

/** RFC 8446 §4.2.8.1, §7.4.1: padded to the left to the length of the prime, public values and secrets both. */
function padded(number: Uint8Array, length: number): Uint8Array {
  if (number.length === length) return copied(number);
  const bytes = new Uint8Array(length);
  bytes.set(number, length - number.length);
  return bytes;
}
