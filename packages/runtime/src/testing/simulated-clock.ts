/**
 * A clock that moves only when it is told to. Timers lie in a heap, so that ten thousand of them cost what one
 * costs; between two timers everything that the first set off comes to rest, as if time stood still meanwhile.
 */

import { setImmediate, setTimeout } from 'node:timers';
import type { OutsideWait } from '../clock.js';
import { checkDuration } from '../timers.js';

interface Timer {
  readonly at: number;
  /** Timers of the same millisecond fire in the order in which they were set. */
  readonly order: number;
  /** Gone once fired or cleared; a cleared timer leaves the heap when it comes to the top. */
  fire: (() => void) | undefined;
}

/** Looks at waits that nobody ends, and real milliseconds between two looks. */
const LOOKS = 20;
const LOOK_MS = 100;

/** Waits until nothing is runnable; the default lets every queued microtask, and what those queue, run. */
export type Settle = () => Promise<void>;

/** A clock for `createNode({ clock })`; `createTestNode` makes one by itself. */
export class SimulatedClock {
  readonly #settle: Settle;
  readonly #heap: Timer[] = [];
  #now = 0;
  #order = 0;
  #live = 0;
  readonly #waits = new Set<OutsideWait>();
  /** Looks since somebody has moved the clock; `undefined` while nobody looks. */
  #looks: number | undefined = undefined;

  constructor(settle: Settle = microtasksDone) {
    this.#settle = settle;
  }

  /** Milliseconds since the clock was made. */
  readonly now = (): number => this.#now;

  /** Timers that are set and have neither fired nor been cleared. */
  get pending(): number {
    return this.#live;
  }

  /** Like every `Clock`: any length, and what is `Infinity` never fires. */
  readonly setTimeout = (fire: () => void, ms: number): unknown => {
    // biome-ignore lint/complexity/useMathMinMax: NaN counts as 0, and would spoil the heap's order
    const timer: Timer = { at: this.#now + (ms > 0 ? ms : 0), order: this.#order++, fire };
    this.#live += 1;
    if (timer.at < Infinity) push(this.#heap, timer);
    return timer;
  };

  /** Clearing a timer twice, or one that has fired, does nothing. */
  readonly clearTimeout = (handle: unknown): void => {
    if (!isTimer(handle) || handle.fire === undefined) return;
    handle.fire = undefined;
    this.#live -= 1;
  };

  /**
   * Moves the clock on by `ms`, firing what falls due in between one at a time and at its own time; after each,
   * waits for quiet. Timers that those set are fired too if they fall due within the span.
   */
  async advance(ms: number): Promise<void> {
    this.driven();
    const until = this.#now + checkDuration(ms);
    await this.#settle();
    for (let timer = this.#due(until); timer !== undefined; timer = this.#due(until)) {
      this.#fire(timer);
      await this.#settle();
    }
    this.#now = until;
  }

  /** Moves the clock to the next timer, fires it and waits for quiet. False if no timer is set. */
  async advanceToNextTimer(): Promise<boolean> {
    this.driven();
    await this.#settle();
    const timer = this.#due(Infinity);
    if (timer === undefined) return false;
    this.#fire(timer);
    await this.#settle();
    return true;
  }

  /**
   * A call or a `receive` of the test itself. When nobody moves the clock for two seconds of real time, it can never end:
   * its promise rejects and says so.
   */
  readonly waits = (wait: OutsideWait): void => {
    this.#waits.add(wait);
    if (this.#looks === undefined) this.#lookLater();
    this.#looks = 0;
  };

  /** What the test waits for, for people. */
  waiting(): string[] {
    return [...this.#waits].filter(({ over }) => !over).map((wait) => wait.describe());
  }

  /** @internal Somebody drives the simulation. */
  driven(): void {
    if (this.#looks !== undefined) this.#looks = 0;
  }

  /** The timer keeps Node alive: a script must not end without a word. */
  #lookLater(): void {
    setTimeout(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    for (const wait of this.#waits) if (wait.over) this.#waits.delete(wait);
    if (this.#waits.size === 0) {
      this.#looks = undefined;
      return;
    }
    this.#looks = (this.#looks ?? 0) + 1;
    if (this.#looks < LOOKS) this.#lookLater();
    else this.#standstill();
  }

  #standstill(): void {
    const waits = [...this.#waits];
    this.#waits.clear();
    this.#looks = undefined;
    for (const wait of waits)
      wait.fail(
        new Error(
          `${wait.describe()} waits, and simulated time stands still: give the promise to run(), or move the clock by advance()`,
        ),
      );
  }

  #due(until: number): Timer | undefined {
    for (let top = this.#heap[0]; top !== undefined && top.at <= until; top = this.#heap[0]) {
      if (top.fire !== undefined) return top;
      pop(this.#heap);
    }
    return undefined;
  }

  #fire(timer: Timer): void {
    this.driven();
    pop(this.#heap);
    this.#live -= 1;
    this.#now = timer.at;
    const { fire } = timer;
    timer.fire = undefined;
    fire?.();
  }
}

/** `setImmediate` comes after every microtask, however many of them queue further ones. */
function microtasksDone(): Promise<void> {
  return new Promise((done) => {
    setImmediate(done);
  });
}

function isTimer(handle: unknown): handle is Timer {
  return typeof handle === 'object' && handle !== null && 'fire' in handle && 'order' in handle;
}

function earlier(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Timer[], timer: Timer): void {
  let index = heap.length;
  heap.push(timer);
  while (index > 0) {
    const above = (index - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || earlier(parent, timer)) break;
    heap[index] = parent;
    index = above;
  }
  heap[index] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let below = 2 * index + 1;
    let child = heap[below];
    const right = heap[below + 1];
    if (child !== undefined && right !== undefined && earlier(right, child)) {
      below += 1;
      child = right;
    }
    if (child === undefined || earlier(last, child)) break;
    heap[index] = child;
    index = below;
  }
  heap[index] = last;
}
