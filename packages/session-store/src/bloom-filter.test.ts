import { createHash } from 'node:crypto';
import { assert, integer, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { antiReplayPresets, type ElementHash, RotatingBloomFilter } from './bloom-filter.js';

/** Both from one digest, which is made once for the two. */
function hashesWith(salt: string): readonly [ElementHash, ElementHash] {
  let last: Uint8Array | undefined;
  let digest = Buffer.alloc(32);
  const at =
    (offset: number): ElementHash =>
    (element) => {
      if (element !== last) digest = createHash('sha256').update(salt).update(element).digest();
      last = element;
      return digest.readUIntBE(offset, 6);
    };
  return [at(0), at(6)];
}
const hashes = hashesWith('');
const parameters = antiReplayPresets['10k'];

function numbered(n: number): Uint8Array {
  return new Uint8Array(Buffer.from(`element ${n}`));
}

describe('anti-replay filter', () => {
  it('what was seen within two windows is always seen again, whatever the times', () => {
    assert(
      property(
        uint8Array({ minLength: 1, maxLength: 48 }),
        integer({ min: 0, max: 100_000 }),
        integer({ min: 0, max: 20_000 }),
        (element, first, gap) => {
          const filter = new RotatingBloomFilter(parameters, hashes, 0);
          filter.seen(element, first);
          return filter.seen(element, first + gap);
        },
      ),
    );
  });

  it('none of a whole load is missed within two windows, with as many strangers in each', () => {
    const filter = new RotatingBloomFilter(parameters, hashes, 0);
    for (let n = 0; n < 10_000; n += 1) filter.seen(numbered(n), 9_999);
    for (let n = 0; n < 10_000; n += 1) filter.seen(numbered(100_000 + n), 19_999);
    let missed = 0;
    for (let n = 0; n < 10_000; n += 1) if (!filter.seen(numbered(n), 29_999)) missed += 1;
    expect(missed).toBe(0);
  });

  it('what was seen is forgotten after three windows without a question', () => {
    assert(
      property(integer({ min: 0, max: 100_000 }), integer({ min: 30_000, max: 10_000_000 }), (first, gap) => {
        const filter = new RotatingBloomFilter(parameters, hashes, 0);
        filter.seen(numbered(1), first);
        return !filter.seen(numbered(1), first + gap);
      }),
    );
  });

  it('the window rotates at multiples of its length after the start', () => {
    const filter = new RotatingBloomFilter({ window: 10, hashes: 5, bits: 72_985 }, hashes, 500);
    expect(filter.seen(numbered(1), 500)).toBe(false);
    // Still in the oldest filter at the last millisecond of the third window.
    expect(filter.seen(numbered(1), 30_499)).toBe(true);
    expect(filter.seen(numbered(1), 30_500)).toBe(false);
  });

  it.each([
    ['10k', 10_000, 4],
    ['100k', 100_000, 1],
  ] as const)(
    '%s takes at most three in a hundred strangers for known, with %i elements in each window',
    (name, load, rounds) => {
      let strangers = 0;
      // What the probes themselves insert is a small part of the load.
      const probes = load / 20;
      for (let round = 0; round < rounds; round += 1) {
        const filter = new RotatingBloomFilter(antiReplayPresets[name], hashesWith(`${round}`), 0);
        for (let n = 0; n < 3 * load; n += 1) filter.seen(numbered(n), Math.floor(n / load) * 10_000);
        for (let n = 0; n < probes; n += 1) if (filter.seen(numbered(3 * load + n), 29_999)) strangers += 1;
      }
      expect(strangers / (rounds * probes)).toBeGreaterThan(0.01);
      expect(strangers / (rounds * probes)).toBeLessThanOrEqual(0.03);
    },
  );

  it('three filters of ceil(M/8) bytes each', () => {
    expect(new RotatingBloomFilter(parameters, hashes, 0).byteLength).toBe(3 * 13_128);
  });
});
