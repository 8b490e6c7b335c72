/**
 * Finite-field Diffie-Hellman of node:crypto over the groups of RFC 7919, with the short exponents that its §5.2 allows.
 */
import { createDiffieHellman, randomBytes } from 'node:crypto';
import type { DhGroup, FiniteFieldGroupName, KeyShare } from '../engine.js';
import { exponentLength } from '../exponent-length.js';
import { ffdhePrimes } from './ffdhe-primes.js';
import { type FiniteFieldKey, importFiniteFieldKey, importsFiniteFieldKeys } from './finite-field-keys.js';
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
    const exponent = randomBytes(exponentLength(this.publicKeyLength));
    const share = this.fromPrivateKey(exponent);
    exponent.fill(0);
    return share;
  }

  fromPrivateKey(privateKey: Uint8Array): KeyShare {
    const key = importsFiniteFieldKeys
      ? importFiniteFieldKey(this.prime, privateKey)
      : exchangeOf(this.prime, privateKey);
    return new NodeFiniteFieldShare(this, key);
  }

  /** RFC 8446 §4.2.8.1: 1 < y < p - 1, in as many bytes as the prime has. */
  isPublicValue(value: Uint8Array): boolean {
    return value.length === this.publicKeyLength && Buffer.compare(value, this.last) < 0 && isAboveOne(value);
  }
}

/** OpenSSL before 3.5 knows the primes, and does not check them again. */
function exchangeOf(prime: Uint8Array, exponent: Uint8Array): FiniteFieldKey {
  const exchange = createDiffieHellman(prime, generator);
  exchange.setPrivateKey(exponent);
  // With a private key set this computes its public half.
  exchange.generateKeys();
  return { publicValue: exchange.getPublicKey(), secret: (value) => exchange.computeSecret(value) };
}

function isAboveOne(value: Uint8Array): boolean {
  const top = value.findIndex((byte) => byte !== 0);
  return top !== -1 && (top < value.length - 1 || (value[top] ?? 0) > 1);
}

class NodeFiniteFieldShare implements KeyShare {
  readonly publicKey: Uint8Array;
  private readonly group: NodeFiniteFieldGroup;
  private readonly key: FiniteFieldKey;

  constructor(group: NodeFiniteFieldGroup, key: FiniteFieldKey) {
    this.group = group;
    this.key = key;
    this.publicKey = padded(key.publicValue, group.publicKeyLength);
  }

  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (!this.group.isPublicValue(peerPublicKey)) return undefined;
    try {
      return padded(this.key.secret(peerPublicKey), this.group.publicKeyLength);
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
