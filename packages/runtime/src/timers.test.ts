import { expect, test } from 'vitest';
import { SimulatedClock } from './testing/index.js';
import { Timeout, Timers } from './timers.js';

class Note extends Timeout {
  readonly #log: string[];
  readonly #text: string;

  constructor(log: string[], text: string) {
    super();
    this.#log = log;
    this.#text = text;
  }

  fire(): void {
    this.#log.push(this.#text);
  }
}

function setup(): { clock: SimulatedClock; timers: Timers; log: string[] } {
  const clock = new SimulatedClock();
  return { clock, timers: new Timers(clock, () => undefined), log: [] };
}

test('timeouts of many durations fire in the order in which they are due', async () => {
  const { clock, timers, log } = setup();
  for (const ms of [30, 10, 20, 10]) timers.start(new Note(log, `${ms}`), ms);
  await clock.advance(15);
  expect(log).toEqual(['10', '10']);
  await clock.advance(100);
  expect(log).toEqual(['10', '10', '20', '30']);
  expect(timers.count).toBe(0);
});

test('a cancelled timeout tells what was left and never fires', async () => {
  const { clock, timers, log } = setup();
  const first = new Note(log, 'first');
  const second = new Note(log, 'second');
  timers.start(first, 100);
  await clock.advance(40);
  timers.start(second, 100);
  expect(timers.remaining(first)).toBe(60);
  expect(timers.cancel(first)).toBe(60);
  expect(timers.cancel(first)).toBe(false);
  await clock.advance(99);
  expect(log).toEqual([]);
  await clock.advance(1);
  expect(log).toEqual(['second']);
});

test('one clock timer serves all timeouts of a duration', () => {
  let armed = 0;
  const timers = new Timers(
    {
      now: () => 0,
      setTimeout: () => {
        armed += 1;
        return armed;
      },
      clearTimeout: () => undefined,
    },
    () => undefined,
  );
  for (let i = 0; i < 1000; i += 1) timers.start(new Note([], ''), 5000);
  expect(armed).toBe(1);
});

test('timeouts of a thousand different durations leave no clock timer behind when cancelled', () => {
  const armed = new Set<number>();
  let handle = 0;
  const timers = new Timers(
    {
      now: () => 0,
      setTimeout: () => {
        handle += 1;
        armed.add(handle);
        return handle;
      },
      clearTimeout: (which) => {
        if (typeof which === 'number') armed.delete(which);
      },
    },
    () => undefined,
  );
  const all = Array.from({ length: 1000 }, (_, ms) => {
    const note = new Note([], '');
    timers.start(note, ms);
    return note;
  });
  for (const note of all) timers.forget(note);
  expect(armed.size).toBeLessThanOrEqual(32);
});

test('a wait longer than the event loop can do at once is armed again', async () => {
  const { clock, timers, log } = setup();
  const month = 30 * 24 * 3600 * 1000;
  timers.start(new Note(log, 'a month'), month);
  await clock.advance(month - 1);
  expect(log).toEqual([]);
  await clock.advance(1);
  expect(log).toEqual(['a month']);
});
