import { createHash } from 'node:crypto';
import { assert, integer, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { antiReplayPresets, type ElementHash, RotatingBloomFilter } from './bloom-filter.js';

const hashWith =
  (salt: string): ElementHash =>
  (element) =>
    createHash('sha256').update(salt).update(element).digest().readUIntBE(0, 6);
const hashes = [hashWith('0'), hashWith('1')] as const;
const parameters = antiReplayPresets['10k'];

function numbered(n: number): Uint8Array {
  return new Uint8Array(Buffer.from(`element ${n}`));
}

describe('anti-replay filter', () => {
  it('what was seen within one window is always seen again, whatever the times', () => {
    assert(
      property(
        uint8Array({ minLength: 1, maxLength: 48 }),
        integer({ min: 0, max: 100_000 }),
        integer({ min: 0, max: 9_999 }),
        (element, first, gap) => {
          const filter = new RotatingBloomFilter(parameters, hashes, 0);
          filter.seen(element, first);
          return filter.seen(element, first + gap);
        },
      ),
    );
  });

  it('what was seen is forgotten after two windows without a question', () => {
    assert(
      property(integer({ min: 0, max: 100_000 }), integer({ min: 20_000, max: 10_000_000 }), (first, gap) => {
        const filter = new RotatingBloomFilter(parameters, hashes, 0);
        filter.seen(numbered(1), first);
        return !filter.seen(numbered(1), first + gap);
      }),
    );
  });

  it('the window rotates at multiples of its length after the start', () => {
    const filter = new RotatingBloomFilter({ window: 10, hashes: 5, bits: 72_985 }, hashes, 500);
    expect(filter.seen(numbered(1), 500)).toBe(false);
    // Still in the old filter at the last millisecond of the second window.
    expect(filter.seen(numbered(1), 20_499)).toBe(true);
    expect(filter.seen(numbered(1), 20_500)).toBe(false);
  });

  it.each(['10k', '100k'] as const)(
    '%s keeps false positives at about three in a hundred at its nominal load',
    (name) => {
      const preset = antiReplayPresets[name];
      const filter = new RotatingBloomFilter(preset, hashes, 0);
      const load = name === '10k' ? 10_000 : 100_000;
      let wrong = 0;
      for (let n = 0; n < load; n += 1) if (filter.seen(numbered(n), 0)) wrong += 1;
      // On the way to the full load fewer are wrong than at the end.
      expect(wrong / load).toBeLessThan(0.03);
      let strangers = 0;
      const probes = 5_000;
      const probe = (n: number): boolean => {
        // Only the question counts here: what a probe inserts is a small part of the load.
        return filter.seen(numbered(load + n), 0);
      };
      for (let n = 0; n < probes; n += 1) if (probe(n)) strangers += 1;
      expect(strangers / probes).toBeGreaterThan(0.01);
      expect(strangers / probes).toBeLessThan(name === '10k' ? 0.08 : 0.045);
    },
  );

  it('two filters of ceil(M/8) bytes each', () => {
    expect(new RotatingBloomFilter(parameters, hashes, 0).byteLength).toBe(2 * 9124);
  });
});
