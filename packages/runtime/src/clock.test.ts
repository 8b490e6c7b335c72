import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from './index.js';
import { SimulatedClock } from './testing/index.js';

const month = 30 * 24 * 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What Node does with a wait that it cannot count is to fire at once; the fake timers of the test do the same. */
test('a timer of the system’s clock waits for its time, be it longer than the event loop can', () => {
  const fired: number[] = [];
  for (const ms of [2 ** 31 - 1, 2 ** 31, month, 3 * month]) systemClock.setTimeout(() => fired.push(ms), ms);
  vi.advanceTimersByTime(2 ** 31 - 2);
  expect(fired).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(fired).toEqual([2 ** 31 - 1, 2 ** 31]);
  vi.advanceTimersByTime(month - 2 ** 31);
  expect(fired).toHaveLength(3);
  vi.advanceTimersByTime(2 * month - 1);
  expect(fired).toHaveLength(3);
  vi.advanceTimersByTime(1);
  expect(fired).toHaveLength(4);
  expect(vi.getTimerCount()).toBe(0);
});

test('a long timer that is cleared, in its first stretch or a later one, never fires', () => {
  let fired = 0;
  const first = systemClock.setTimeout(() => fired++, month);
  const second = systemClock.setTimeout(() => fired++, 2 * month);
  systemClock.clearTimeout(first);
  vi.advanceTimersByTime(month);
  systemClock.clearTimeout(second);
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(2 * month);
  expect(fired).toBe(0);
});

test('a simulated clock waits as long; for ever is never', async () => {
  vi.useRealTimers();
  const clock = new SimulatedClock();
  const fired: string[] = [];
  clock.setTimeout(() => fired.push('never'), Number.POSITIVE_INFINITY);
  clock.setTimeout(() => fired.push('a month'), month);
  clock.setTimeout(() => fired.push('no number'), Number.NaN);
  await clock.advance(month - 1);
  expect(fired).toEqual(['no number']);
  await clock.advance(1);
  expect(fired).toEqual(['no number', 'a month']);
  expect(await clock.advanceToNextTimer()).toBe(false);
  expect(clock.now()).toBe(month);
  expect(clock.pending).toBe(1);
});
