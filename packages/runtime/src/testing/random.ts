/** Seeded pseudo-random numbers: the same seed gives the same sequence on every machine. Not for secrets. */
export interface Random {
  /** A whole number from 0 up to, not including, `bound`. */
  below(bound: number): number;
  /** One of the items; `undefined` if there are none. */
  pick<T>(items: readonly T[]): T | undefined;
}

/** A generator for this seed (any number; its 32 low bits count). Algorithm: mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  const below = (bound: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000) * bound);
  };
  return { below, pick: (items) => items[below(items.length)] };
}
