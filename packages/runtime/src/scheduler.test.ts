import { expect, test } from 'vitest';
import type { SchedulerHooks } from './clock.js';
import { Scheduler } from './scheduler.js';

interface Bench {
  readonly hooks: SchedulerHooks;
  readonly deferred: (() => void)[];
  readonly afterIo: (() => void)[];
  time: number;
}

function bench(): Bench {
  const deferred: (() => void)[] = [];
  const afterIo: (() => void)[] = [];
  const made: Bench = {
    hooks: {
      defer: (fn) => deferred.push(fn),
      yieldToIo: (fn) => afterIo.push(fn),
      now: () => made.time,
    },
    deferred,
    afterIo,
    time: 1,
  };
  return made;
}

test('what is queued runs in one microtask, in turn', () => {
  const { hooks, deferred, afterIo } = bench();
  const scheduler = new Scheduler(hooks);
  const log: number[] = [];
  for (const n of [1, 2, 3]) scheduler.enqueue({ runSlot: () => log.push(n) });
  expect(deferred).toHaveLength(1);
  deferred[0]?.();
  expect(log).toEqual([1, 2, 3]);
  expect(afterIo).toEqual([]);
  expect(scheduler.idle).toBe(true);
});

test('a process that always has work lets I/O run after 2000 reductions at most', () => {
  const { hooks, deferred, afterIo } = bench();
  const scheduler = new Scheduler(hooks);
  let slots = 0;
  const busy = {
    runSlot: (): void => {
      slots += 1;
      scheduler.enqueue(busy);
    },
  };
  scheduler.enqueue(busy);
  deferred[0]?.();
  expect(slots).toBeLessThanOrEqual(2000);
  expect(afterIo).toHaveLength(1);
  const before = slots;
  afterIo[0]?.();
  expect(slots).toBeGreaterThan(before);
});

test('slow slots use the turn up by time, and the next turn looks at the clock after each', () => {
  const made = bench();
  const scheduler = new Scheduler(made.hooks);
  let slots = 0;
  const slow = {
    runSlot: (): void => {
      slots += 1;
      made.time += 0.4;
      scheduler.enqueue(slow);
    },
  };
  scheduler.enqueue(slow);
  made.deferred[0]?.();
  const first = slots;
  made.afterIo.shift()?.();
  expect(first).toBeLessThanOrEqual(32);
  expect(slots - first).toBeLessThanOrEqual(3);
});

test('charged work counts, whoever did it', () => {
  const { hooks } = bench();
  const scheduler = new Scheduler(hooks);
  expect(scheduler.charge(10)).toBe(false);
  expect(scheduler.charge(5000)).toBe(true);
  scheduler.newTurn();
  expect(scheduler.charge(1)).toBe(false);
});

test('an injected choice decides who runs next', () => {
  const { hooks, deferred } = bench();
  const scheduler = new Scheduler({ ...hooks, pick: (count) => count - 1 });
  const log: number[] = [];
  for (const n of [1, 2, 3]) scheduler.enqueue({ runSlot: () => log.push(n) });
  deferred[0]?.();
  expect(log[0]).toBe(3);
  expect([...log].sort()).toEqual([1, 2, 3]);
});

test('more processes than the ring holds keep their order', () => {
  const { hooks, deferred } = bench();
  const scheduler = new Scheduler(hooks);
  const log: number[] = [];
  for (let n = 0; n < 1000; n += 1) scheduler.enqueue({ runSlot: () => log.push(n) });
  deferred[0]?.();
  expect(log).toEqual(Array.from({ length: 1000 }, (_, n) => n));
});

test('a body at work may take some messages more in a turn that others have used up, for a short while', () => {
  const made = bench();
  const scheduler = new Scheduler(made.hooks);
  const taken = (each: number): number => {
    scheduler.newTurn();
    scheduler.charge(5000);
    let count = 0;
    while (count < 1000 && !scheduler.chargeBody()) {
      count += 1;
      made.time += each;
    }
    return count;
  };
  expect(taken(0)).toBe(32);
  expect(taken(0)).toBe(32);
  expect(taken(0.3)).toBe(2);
  expect(scheduler.charge(1)).toBe(true);
});

test('a slot that throws ends nothing but itself: who waits behind it runs, and the scheduler is not stuck', () => {
  const { hooks, deferred } = bench();
  const scheduler = new Scheduler(hooks);
  const log: number[] = [];
  scheduler.enqueue({
    runSlot: () => {
      throw new Error('a slot of a foreign kind');
    },
  });
  scheduler.enqueue({ runSlot: () => log.push(1) });
  expect(() => deferred.shift()?.()).toThrow('a slot of a foreign kind');
  expect(scheduler.running).toBe(false);
  deferred.shift()?.();
  scheduler.enqueue({ runSlot: () => log.push(2) });
  deferred.shift()?.();
  expect(log).toEqual([1, 2]);
  expect(scheduler.idle).toBe(true);
});

test('a hook that throws before a slot stops nobody either', () => {
  const { hooks, deferred } = bench();
  const pick = (): number => {
    throw new Error('no choice');
  };
  const scheduler = new Scheduler({ ...hooks, pick });
  scheduler.enqueue({ runSlot: () => undefined });
  expect(() => deferred.shift()?.()).toThrow('no choice');
  expect(scheduler.running).toBe(false);
  expect(deferred).toHaveLength(1);
});
