/** Powers in finite fields: what they are, and what they cost where a stranger chooses the field. */
import { getDiffieHellman } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nodeEngine } from '../../packages/ssl/src/values/crypto/node/engine.js';

const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

function powerOf(base: bigint, exponent: bigint, prime: bigint): bigint {
  let power = 1n;
  let square = base % prime;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) power = (power * square) % prime;
    square = (square * square) % prime;
  }
  return power;
}

const bytesOf = (value: bigint, length: number): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex'));

/** Groups that OpenSSL knows (RFC 3526). */
const known = ['modp14', 'modp15', 'modp16', 'modp17', 'modp18'] as const;
const primeOf = (name: string): Uint8Array => Uint8Array.from(getDiffieHellman(name).getPrime());

describe('a power in a field whose prime OpenSSL knows', () => {
  it.each(known)('%s: is one of every number, in the subgroup of the generator or not', (name) => {
    const prime = primeOf(name);
    const field = nodeEngine.finiteField(prime, Uint8Array.of(2));
    const p = number(prime);
    // 2 is a square in these fields; p - 2 and the smallest numbers that are none are outside of its subgroup.
    for (const base of [2n, 3n, 5n, 7n, 11n, 13n, p - 2n, p / 3n]) {
      const power = field?.power(bytesOf(base, prime.length), Uint8Array.of(1, 0xff, 0x03));
      expect(power && number(power)).toBe(powerOf(base, 0x1ff03n, p));
    }
  });

  /** CPU time of this process, the least of several: others may be at work. */
  const cost = (work: () => void): number =>
    Math.min(
      ...Array.from({ length: 6 }, () => {
        const before = process.cpuUsage();
        work();
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1000;
      }),
    );

  it('costs no more than in one that it does not know', () => {
    const prime = primeOf('modp17');
    const unknown = prime.slice();
    unknown[unknown.length - 3] = (unknown.at(-3) ?? 0) ^ 0x55;
    const exponent = Uint8Array.from({ length: 48 }, (_, at) => at + 1);
    const base = Uint8Array.of(9);
    const two = Uint8Array.of(2);
    const dear = cost(() => nodeEngine.finiteField(prime, two)?.power(base, exponent));
    const cheap = cost(() => nodeEngine.finiteField(unknown, two)?.power(base, exponent));
    expect(dear).toBeLessThan(3 * cheap + 1);
  });
});
