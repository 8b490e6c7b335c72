import { expect, it } from 'vitest';
import { EarlyData } from './early-data.js';

const texts = (data: EarlyData): string[] => data.finish().map((bytes) => Buffer.from(bytes).toString());

it('over a stream all is one, and over datagrams each record is a message', () => {
  for (const [kept, found] of [
    ['joined', ['onetwothree']],
    ['apart', ['one', 'two', 'three']],
  ] as const) {
    const data = new EarlyData(kept);
    for (const text of ['one', 'two', 'three']) data.add(Buffer.from(text));
    expect(data.length).toBe(11);
    expect(texts(data)).toEqual(found);
  }
});

it('of many short records no more is kept than their bytes and where they end', () => {
  const data = new EarlyData('apart');
  for (let n = 0; n < 16_384; n += 1) data.add(Uint8Array.of(n));
  const pieces = data.finish();
  expect(pieces).toHaveLength(16_384);
  expect(new Set(pieces.map(({ buffer }) => buffer)).size).toBe(1);
});
