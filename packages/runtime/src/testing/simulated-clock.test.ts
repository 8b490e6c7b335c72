import { describe, expect, it } from 'vitest';
import { seededRandom } from './random.js';
import { SimulatedClock } from './simulated-clock.js';

describe('the simulated clock', () => {
  it('fires timers by time, those of one millisecond in the order they were set', async () => {
    const clock = new SimulatedClock();
    const random = seededRandom(7);
    const expected: [number, number][] = [];
    const fired: [number, number][] = [];
    for (let order = 0; order < 2000; order++) {
      const at = random.below(300);
      expected.push([at, order]);
      clock.setTimeout(() => fired.push([clock.now(), order]), at);
    }
    await clock.advance(300);
    expect(fired).toEqual(expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]));
    expect(clock.pending).toBe(0);
  });

  it('a cleared timer does not fire', async () => {
    const clock = new SimulatedClock();
    let fired = 0;
    const handles = Array.from({ length: 10 }, () => clock.setTimeout(() => fired++, 5));
    for (const handle of handles.slice(0, 4)) clock.clearTimeout(handle);
    clock.clearTimeout(handles[0]);
    expect(clock.pending).toBe(6);
    await clock.advance(5);
    expect(fired).toBe(6);
  });

  it('what a timer sets off has come to rest before the next one fires', async () => {
    const clock = new SimulatedClock();
    const log: string[] = [];
    clock.setTimeout(() => {
      void (async () => {
        for (let step = 0; step < 50; step++) await null;
        log.push('settled');
      })();
    }, 1);
    clock.setTimeout(() => log.push('second'), 1);
    await clock.advance(1);
    expect(log).toEqual(['settled', 'second']);
  });

  it('a timer set by a timer fires within the same advance if it falls due', async () => {
    const clock = new SimulatedClock();
    const at: number[] = [];
    const again = (): void => {
      at.push(clock.now());
      clock.setTimeout(again, 10);
    };
    clock.setTimeout(again, 10);
    await clock.advance(35);
    expect(at).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(35);
    expect(await clock.advanceToNextTimer()).toBe(true);
    expect(clock.now()).toBe(40);
  });
});
