/**
 * A node for tests: simulated time, processes run in an order drawn from a seed, faults at chosen steps. The same
 * seed gives the same run, slot by slot, as long as the tested code takes time, randomness and I/O from what it
 * is given, and not from the machine.
 */
import { setImmediate } from 'node:timers';
import type { EventObject } from 'xstate';
import type { SchedulerHooks } from '../clock.js';
import type { Reason } from '../exit.js';
import { type Logger, silentLogger } from '../logger.js';
import { tagOf } from '../messages.js';
import { createNode } from '../node.js';
import type { Pid } from '../pid.js';
import { Process } from '../process.js';
import type { Node } from '../self.js';
import { type LeakMark, leaksSince, markLeaks } from './leaks.js';
import { type Random, seededRandom } from './random.js';
import { SimulatedClock } from './simulated-clock.js';

/** How a test node is made. */
export interface TestNodeOptions {
  /** Draws the next runnable process. Without a seed processes run in turn, as on a real node. */
  readonly seed?: number;
  /** Shown by `pid.node`. */
  readonly name?: string;
  /** Says nothing by default. */
  readonly logger?: Logger;
  /** What is recorded from the start; default `slots`. See `record`. */
  readonly trace?: TraceLevel;
  /** Slots between two rests after which `settle` gives up on processes that keep each other busy. Default a million. */
  readonly maxSlots?: number;
}

/** What a test node records: nothing, who ran when, or each message and I/O turn too. */
export type TraceLevel = 'off' | 'slots' | 'messages';

/** One thing that happened, in order. `at` is the simulated clock's time, `slot` the scheduler's step. */
export interface TraceEntry {
  readonly at: number;
  readonly slot: number;
  readonly event: string;
}

/** Makes a test node. Call `stop()` on it when the test is over. */
export function createTestNode(options: TestNodeOptions = {}): TestNode {
  return new TestNode(options);
}

/** A node with its simulated clock and seeded scheduler. */
export class TestNode {
  readonly seed: number | undefined;
  readonly clock: SimulatedClock;
  readonly node: Node;
  /** Draws from the seed, for the test's own choices (delays, whom to kill). */
  readonly random: Random;
  /** What happened so far; see `TestNodeOptions.trace`. */
  readonly trace: TraceEntry[] = [];
  #recording: TraceLevel = 'off';
  #inspecting: { unsubscribe(): void } | undefined = undefined;
  readonly #maxSlots: number;
  readonly #faults = new Map<number, (() => void)[]>();
  #slot = 0;
  #slotAtRest = 0;
  #parked: (() => void) | undefined = undefined;

  constructor({ seed, name, logger = silentLogger, trace = 'slots', maxSlots = 1_000_000 }: TestNodeOptions) {
    this.seed = seed;
    this.#maxSlots = maxSlots;
    this.random = seededRandom((seed ?? 0) ^ 0x5eed);
    this.clock = new SimulatedClock(() => this.settle());
    const scheduler = this.#hooks(seed);
    this.node = createNode({ clock: this.clock, logger, scheduler, ...(name === undefined ? {} : { name }) });
    this.record(trace);
  }

  /** Steps of the scheduler so far. In one slot one process runs, until it waits or others have their turn. */
  get slot(): number {
    return this.#slot;
  }

  /**
   * Waits until no process is runnable and no promise is left to run, without moving the clock. Rejects if the
   * processes keep each other busy for ever.
   */
  async settle(): Promise<void> {
    this.clock.driven();
    this.#slotAtRest = this.#slot;
    await new Promise((done) => {
      setImmediate(done);
    });
    const parked = this.#parked;
    if (parked === undefined) return;
    this.#parked = undefined;
    const busy = this.node.processes().filter((pid) => this.node.processInfo(pid)?.status === 'runnable');
    const names = busy.slice(0, 10).map((pid) => labelOfPid(pid));
    throw new Error(`no rest within ${this.#maxSlots} slots; still runnable: ${names.join(', ')}`);
  }

  /** Moves the clock on, one timer at a time, with rest between them; see `SimulatedClock.advance`. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Moves the clock to the next timer and fires it; false if none is set. */
  advanceToNextTimer(): Promise<boolean> {
    return this.clock.advanceToNextTimer();
  }

  /**
   * Moves time on until the promise settles. Rejects when nothing is left that could settle it, or it has not settled
   * within `limit` milliseconds of simulated time (an hour).
   */
  async run<T>(promise: PromiseLike<T>, limit = 3_600_000): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await this.settle();
    const end = this.clock.now() + limit;
    while (!settled) {
      const moved = await this.advanceToNextTimer();
      await this.settle();
      if (!settled && (!moved || this.clock.now() > end)) throw new Error(this.#unsettled(moved, limit));
    }
    return promise;
  }

  #unsettled(moved: boolean, limit: number): string {
    const why = moved ? `${limit} ms have passed` : 'no process is runnable and no timer is set';
    const waits = this.clock.waiting();
    return `nothing settles this promise: ${why}${waits.length === 0 ? '' : `; still waiting: ${waits.join(', ')}`}`;
  }

  /** An exit signal from outside, now, to a pid or a registered name. False if nobody is there. */
  kill(target: Pid | string, reason: Reason = 'kill'): boolean {
    const pid = typeof target === 'string' ? this.node.whereis(target) : target;
    const isAlive = pid !== undefined && this.node.isAlive(pid);
    this.#record(`kill ${String(target)}${isAlive ? '' : ': nobody there'}`);
    if (isAlive) this.node.exit(pid, reason);
    return isAlive;
  }

  /** The same just before the given slot, counted from the node's start; who is meant is looked up then. */
  killAt(slot: number, target: Pid | string, reason: Reason = 'kill'): void {
    this.atSlot(slot, () => this.kill(target, reason));
  }

  /**
   * Runs `fault` just before the given slot. It may send signals and messages, not wait. Throws for a slot that will
   * not come again: a test whose fault never happens shows nothing.
   */
  atSlot(slot: number, fault: () => void): void {
    if (!Number.isInteger(slot) || slot <= this.#slot)
      throw new RangeError(`slot ${slot} does not come: the last one was ${this.#slot}`);
    const faults = this.#faults.get(slot) ?? [];
    faults.push(fault);
    this.#faults.set(slot, faults);
  }

  /** What exists now, for `leaks` and `expectNoLeaks` to compare with. */
  mark(): LeakMark {
    return markLeaks(this.node);
  }

  /** What exists now and did not at the mark: a line for each process, name, timer, resource and handle. */
  leaks(mark: LeakMark): string[] {
    return leaksSince(this.node, mark);
  }

  /** The trace as text, a line an entry. */
  traceText(): string {
    return this.trace.map(({ at, slot, event }) => `${at} ms, slot ${slot}: ${event}`).join('\n');
  }

  /** Ends all processes and lets them come to rest. */
  async stop(): Promise<void> {
    this.node.stop();
    await this.settle();
  }

  #hooks(seed: number | undefined): SchedulerHooks {
    const order = seededRandom(seed ?? 0);
    const hooks: SchedulerHooks = {
      defer: (run) => queueMicrotask(run),
      // Only microtasks: real I/O has no part in a simulation. Who never rests is parked for `settle` to report.
      yieldToIo: (run) => {
        if (this.#slot - this.#slotAtRest > this.#maxSlots) this.#parked = run;
        else queueMicrotask(run);
      },
      now: () => 0,
      beforeSlot: (process, slot) => this.#beforeSlot(process, slot),
    };
    return seed === undefined ? hooks : { ...hooks, pick: (count) => (count === 1 ? 0 : order.below(count)) };
  }

  #beforeSlot(process: object, slot: number): void {
    this.#slot = slot;
    if (this.#recording !== 'off' && process instanceof Process) this.#record(`run ${labelOfPid(process)}`);
    const faults = this.#faults.get(slot);
    if (faults === undefined) return;
    this.#faults.delete(slot);
    for (const fault of faults) fault();
  }

  /** Switches the trace on, off, or to another level from here on; what was recorded stays. */
  record(level: TraceLevel): void {
    this.#recording = level;
    if (level === 'messages') this.#inspecting ??= this.#inspect();
    else {
      this.#inspecting?.unsubscribe();
      this.#inspecting = undefined;
    }
  }

  #inspect(): { unsubscribe(): void } {
    return this.node.system.inspect((event) => {
      if (event.type !== '@xstate.event') return;
      const from = event.sourceRef instanceof Process ? labelOfPid(event.sourceRef) : 'outside';
      const to = event.actorRef instanceof Process ? labelOfPid(event.actorRef) : 'an actor';
      this.#record(`${from} ${deed(event.event, to)}`);
    });
  }

  #record(event: string): void {
    if (this.#recording !== 'off') this.trace.push({ at: this.clock.now(), slot: this.#slot, event });
  }
}

/** What was done to `to`: `calls <0.7.0> cache: lookup`. */
function deed(event: EventObject, to: string): string {
  const request = 'request' in event ? tagOf(event['request']) : event.type;
  switch (event.type) {
    case '$gen_call':
      return `calls ${to}: ${request}`;
    case '$gen_cast':
      return `casts ${to}: ${request}`;
    case '$io':
      return `has ${to} do an I/O turn: ${'turn' in event ? String(event['turn']) : ''}`;
    case 'message':
      return `sends ${to} ${'message' in event ? tagOf(event['message']) : ''}`;
    default:
      return `sends ${to} ${event.type}`;
  }
}

/** `<0.7.0> cache`: a pid with its name, or with what it is. */
function labelOfPid(pid: Pid): string {
  if (!(pid instanceof Process)) return String(pid);
  return `${pid.id} ${pid.name ?? pid.body.kind}`;
}
