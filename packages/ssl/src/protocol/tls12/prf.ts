/** The pseudorandom function of TLS 1.2 (RFC 5246 §5): HMAC with the hash of the suite, chained. */
import type { HashFunction } from '../../values/crypto/engine.js';
import { concat } from '../../values/wire/join.js';

/** A PRF of one version and suite. */
export interface Prf {
  /** `length` bytes from a secret, an ASCII label and a seed. */
  expand(secret: Uint8Array, label: string, seed: Uint8Array, length: number): Uint8Array;
}

const ascii = new TextEncoder();

/** `P_<hash>(secret, label + seed)`. */
export function tls12Prf(hash: HashFunction): Prf {
  return {
    expand: (secret, label, seed, length) => pHash(hash, secret, concat([ascii.encode(label), seed]), length),
  };
}

/** §5: HMAC(secret, A(1) + seed) + HMAC(secret, A(2) + seed) + …, where A(0) is the seed and A(i) = HMAC(secret, A(i-1)). */
function pHash(hash: HashFunction, secret: Uint8Array, seed: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  let chained = hash.hmac(secret, seed);
  for (let at = 0; at < length; at += hash.outputLength) {
    const block = hash.hmac(secret, concat([chained, seed]));
    output.set(block.length > length - at ? block.subarray(0, length - at) : block, at);
    if (at + hash.outputLength < length) chained = hash.hmac(secret, chained);
  }
  return output;
}
