import { describe, expect, test } from 'vitest';
import { RandomPool } from './random-pool.js';

/** Counts the bytes it gives, so that each is told from all others. */
function counting(): { fill: (bytes: Uint8Array) => void; calls: () => number } {
  let next = 0;
  let calls = 0;
  return {
    fill: (bytes) => {
      calls += 1;
      for (let i = 0; i < bytes.length; i++) bytes[i] = next++ % 251;
    },
    calls: () => calls,
  };
}

describe('The pool of random bytes', () => {
  test('gives no byte twice, across refills too', () => {
    const { fill, calls } = counting();
    const pool = new RandomPool(fill);
    const given: number[] = [];
    for (let i = 0; i < 64; i++) given.push(...pool.take(32));
    expect(calls()).toBe(2);
    expect(given).toEqual(given.map((_, at) => at % 251));
  });

  test('draws anew when what is left is too short, rather than giving what it gave before', () => {
    const { fill } = counting();
    const pool = new RandomPool(fill);
    for (let i = 0; i < 20; i++) pool.take(50);
    expect([...pool.take(50)].slice(0, 3)).toEqual([1024 % 251, 1025 % 251, 1026 % 251]);
  });

  test('draws long requests for themselves', () => {
    const { fill, calls } = counting();
    const pool = new RandomPool(fill);
    expect(pool.take(100)).toHaveLength(100);
    expect(pool.take(100)).toHaveLength(100);
    expect(calls()).toBe(2);
  });

  test('what it gave belongs to whoever asked', () => {
    const pool = new RandomPool(counting().fill);
    const first = pool.take(16);
    const copy = first.slice();
    for (let i = 0; i < 200; i++) pool.take(16);
    expect(first).toEqual(copy);
  });
});
