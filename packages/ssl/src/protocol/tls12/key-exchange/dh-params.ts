/** Groups of finite-field Diffie-Hellman (PKCS #3): what a server offers, and what a client lets itself in for. */
import type { DhParams } from '../../../values/crypto/dh-parameter.js';
import type { CryptoEngine, FiniteField } from '../../../values/crypto/engine.js';
import { bitLength } from '../../../values/crypto/key-encoding.js';
import { fromHex } from '../../../values/hex.js';
import { AlertError } from '../../reasons.js';

/** What a server offers that says nothing (`dh`, `dhfile`): group 14 of RFC 3526, with 2048 bits, as OTP. */
export const defaultDhParams: DhParams = {
  generator: Uint8Array.of(2),
  prime: fromHex(
    'ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd' +
      'ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed' +
      'ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f' +
      '83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b' +
      'e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510' +
      '15728e5a8aacaa68ffffffffffffffff',
  ),
};

/** bits. Two powers of larger numbers take longer than a turn may (50 ms with 8192); OpenSSL stops at 10000. */
const mostBits = 8192;

/**
 * A group that a server has chosen, by its size: below `minKeySize` it is broken (Logjam), an even number is no prime. Whether
 * the number is one is not looked at, as OpenSSL's clients do not: the server has signed it, and may as well give away
 * what it is told; to find out takes seconds. Throws `weak_dh`.
 */
export function acceptField(
  { prime, generator }: DhParams,
  minKeySize: number,
  engine: CryptoEngine,
): FiniteField {
  const bits = bitLength(prime);
  const odd = ((prime.at(-1) ?? 0) & 1) === 1;
  if (bits < minKeySize || bits > mostBits || !odd || !isBetween(generator, prime))
    throw new AlertError('weak_dh', { bits });
  const field = engine.finiteField(prime, generator);
  if (field === undefined) throw new AlertError('weak_dh', { bits });
  return field;
}

/** Whether 1 < value < prime - 1 (RFC 7919 §5.1). */
export function isBetween(value: Uint8Array, prime: Uint8Array): boolean {
  const number = withoutZeros(value);
  if (number.length === 0 || (number.length === 1 && number[0] === 1)) return false;
  const last = Uint8Array.from(prime);
  last[last.length - 1] = (last.at(-1) ?? 0) & 0xfe;
  return isBelow(number, withoutZeros(last));
}

function isBelow(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return a.length < b.length;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** RFC 5246 §8.1.2: leading zeros are no part of the secret. */
export function withoutZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? new Uint8Array(0) : bytes.subarray(first);
}
