/**
 * Time and the event loop, injected: a simulation replaces both.
 */

/** Milliseconds and timers. A superset of xstate's `Clock`. */
export interface Clock {
  /** Milliseconds, monotonic; the origin means nothing. */
  now(): number;
  /**
   * Calls `fn` once, not before `ms` milliseconds have passed, however many they are; never for `Infinity`. Node's own
   * `setTimeout` fires at once for what it cannot count (2^31 ms and more): a clock made of it must see to that.
   */
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  /** Keeps the program alive until `release` is called as often as this was. Time that is simulated needs none. */
  hold?(): void;
  release?(): void;
  /** Told of each wait of code that is no process. Time that is simulated can so tell a wait that nothing will end. */
  waits?(wait: OutsideWait): void;
}

/** A call or a `receive` of code that is no process, such as a test's. */
export interface OutsideWait {
  /** What is waited for, for people. */
  describe(): string;
  readonly over: boolean;
  /** Ends the wait by this error. */
  fail(error: Error): void;
}

/** How the scheduler gets its turns, and in which order processes run. */
export interface SchedulerHooks {
  /** Runs `fn` before control goes back to the event loop (a microtask). */
  readonly defer: (fn: () => void) => void;
  /** Runs `fn` after pending I/O had its chance (`setImmediate`). */
  readonly yieldToIo: (fn: () => void) => void;
  /** Milliseconds for the time budget of a turn. A simulation answers a constant. */
  readonly now: () => number;
  /** Which of the `count` runnable processes (0 = longest waiting) runs next; in turn when absent. */
  readonly pick?: (count: number) => number;
  /** Called before each slot of a process, with the number of slots so far: where a simulation interferes. */
  readonly beforeSlot?: (pid: object, slot: number) => void;
}

const settledPromise = Promise.resolve();

/** The longest wait that Node's timers can do at once; longer ones are armed again. */
export const LONGEST_WAIT: number = 2 ** 31 - 1;

/** A timer of any length. It does not keep Node alive. */
class LongTimer {
  readonly #fire: () => void;
  #left: number;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(fire: () => void, ms: number) {
    this.#fire = fire;
    this.#left = ms;
    this.#arm();
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const step = Math.min(this.#left, LONGEST_WAIT);
    this.#left -= step;
    this.#timer = setTimeout(() => {
      if (this.#left > 0) this.#arm();
      else this.#fire();
    }, step);
    this.#timer.unref();
  }
}

function isTimer(handle: unknown): handle is NodeJS.Timeout {
  return typeof handle === 'object' && handle !== null && 'unref' in handle;
}

/** How many wait at top level, and what keeps Node alive for them. */
let holders = 0;
let anchor: NodeJS.Timeout | undefined;
const LONG = 2 ** 30;

/**
 * The real clock. Its timers are unref'd: waiting processes alone do not keep Node alive, a waiting shell does.
 */
export const systemClock: Clock = {
  hold() {
    holders += 1;
    if (holders > 1) return;
    anchor ??= setInterval(() => undefined, LONG);
    anchor.ref();
  },
  release() {
    holders -= 1;
    if (holders === 0) anchor?.unref();
  },
  now: () => performance.now(),
  setTimeout(fn, ms) {
    if (ms > LONGEST_WAIT) return new LongTimer(fn, ms);
    const timer = setTimeout(fn, ms);
    timer.unref();
    return timer;
  },
  clearTimeout(handle) {
    if (handle instanceof LongTimer) handle.clear();
    else if (isTimer(handle)) clearTimeout(handle);
  },
};

/** The real event loop. A `then` on a settled promise costs a quarter of `queueMicrotask`. */
export const systemHooks: SchedulerHooks = {
  defer: (fn) => {
    settledPromise.then(fn);
  },
  yieldToIo: (fn) => {
    setImmediate(fn);
  },
  now: () => performance.now(),
};
