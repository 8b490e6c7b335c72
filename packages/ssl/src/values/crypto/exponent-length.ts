/** RFC 7919 §5.2's 225, 275, 325, 375 and 400 bits at least, for primes up to so many bits. */
const lengths = [
  [2048, 32],
  [3072, 40],
  [4096, 48],
  [6144, 52],
] as const;
const longest = 56;

/** Bytes of a secret exponent for a prime of so many bytes. */
export function exponentLength(prime: number): number {
  const [, length = longest] = lengths.find(([bits]) => prime * 8 <= bits) ?? [];
  return length;
}
