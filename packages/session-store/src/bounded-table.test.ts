import { array, assert, integer, property } from 'fast-check';
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
    expect(table.set('a', 1, 0)).toBeUndefined();
    expect(table.set('a', 2, 1)).toBeUndefined();
    expect(table.set('b', 3, 2)).toMatchObject({ key: 'a', value: 2 });
  });

  it('drops what is older than a time, but for what is held', () => {
    const table = new BoundedTable<string, string>(9);
    for (const [now, key] of ['a', 'b', 'c', 'd'].entries()) table.set(key, key, now);
    expect(table.dropInsertedBefore(3, (value) => value === 'b')).toBe(2);
    expect([...table.entries()].map(([key]) => key)).toEqual(['b', 'd']);
  });

  it('a limit below one is refused', () => {
    expect(() => new BoundedTable(0)).toThrow(RangeError);
  });
});
