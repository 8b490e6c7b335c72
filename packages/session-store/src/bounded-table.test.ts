import { array, assert, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedTable } from './bounded-table.js';

describe('a bounded table', () => {
  it('keeps the youngest entries up to its limit, whatever is inserted', () => {
    assert(
      property(
        array(integer({ min: 0, max: 20 }), { maxLength: 100 }),
        integer({ min: 1, max: 10 }),
        (keys, limit) => {
          const table = new BoundedTable<number, number>(limit);
          for (const [now, key] of keys.entries()) table.set(key, key, now);
          const youngest = [...new Set([...keys].reverse())].slice(0, limit).reverse();
          expect([...table.entries()].map(([key]) => key)).toEqual(youngest);
          expect(table.pushedOut).toBeGreaterThanOrEqual(new Set(keys).size - table.size);
        },
      ),
    );
  });

  it('tells which entry made room', () => {
    const table = new BoundedTable<string, number>(1);
    expect(table.set('a', 1, 0)).toEqual([]);
    expect(table.set('a', 2, 1)).toEqual([]);
    expect(table.set('b', 3, 2)).toEqual([{ key: 'a', value: 2 }]);
  });

  it('that is weighed keeps the youngest entries that fit, and knows what they take', () => {
    assert(
      property(
        array(record({ key: integer({ min: 0, max: 9 }), size: integer({ min: 0, max: 12 }) })),
        (puts) => {
          const table = new BoundedTable<number, number>(5, { maxBytes: 10, sizeOf: (size) => size });
          for (const [now, { key, size }] of puts.entries()) {
            const gone = table.set(key, size, now);
            const kept = [...table.entries()];
            expect(table.bytes).toBe(kept.reduce((sum, [, bytes]) => sum + bytes, 0));
            expect(table.bytes).toBeLessThanOrEqual(10);
            expect(table.get(key)).toBe(size > 10 ? undefined : size);
            // Not one more goes than has to.
            const [last] = gone.slice(-1);
            if (last !== undefined && size <= 10)
              expect(table.size >= 5 || table.bytes + last.value > 10).toBe(true);
          }
        },
      ),
    );
  });

  it('what is larger than all may be pushes nobody out', () => {
    const table = new BoundedTable<string, number>(5, { maxBytes: 10, sizeOf: (size) => size });
    table.set('a', 9, 0);
    expect(table.set('b', 11, 1)).toEqual([{ key: 'b', value: 11 }]);
    expect([...table.entries()]).toEqual([['a', 9, 0]]);
    table.delete('a');
    table.delete('a');
    expect(table.bytes).toBe(0);
  });

  it('a limit below one is refused', () => {
    expect(() => new BoundedTable(0)).toThrow(RangeError);
  });
});
