/** The pseudorandom functions: of TLS 1.2 HMAC with the hash of the suite, chained (RFC 5246 §5), before it two of them. */
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

/** `P_MD5(S1, label + seed) XOR P_SHA-1(S2, label + seed)`: each of a half of the secret (RFC 4346 §5). */
export function tls10Prf(md5: HashFunction, sha: HashFunction): Prf {
  return {
    expand(secret, label, seed, length) {
      const half = Math.ceil(secret.length / 2);
      const labelled = concat([ascii.encode(label), seed]);
      const output = pHash(md5, secret.subarray(0, half), labelled, length);
      const other = pHash(sha, secret.subarray(secret.length - half), labelled, length);
      for (let i = 0; i < length; i++) output[i] = (output[i] ?? 0) ^ (other[i] ?? 0);
      return output;
    },
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
