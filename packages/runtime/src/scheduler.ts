/**
 * Who runs when. Runnable processes stand in a ring that is drained in a microtask; after a budget of work
 * the rest waits until I/O had its chance. Why the ring is no `Mailbox`: see there.
 */
import type { SchedulerHooks } from './clock.js';

/** Reductions that one turn of the event loop may spend before I/O gets its chance. */
const TURN_REDUCTIONS = 2000;
/** Milliseconds that one turn may spend: by count alone, 20 µs handlers would hold I/O for 40 ms. */
const TURN_MS = 0.5;
/** The clock is read once in so many reductions while handlers are short. */
const STRIDE = 16;
/** Messages that bodies at work may take in a turn whose budget is used up, and milliseconds for all of them. */
const GRACE = 32;
const GRACE_MS = 0.5;

/** What the scheduler runs. `runSlot` must not throw. */
export interface Runnable {
  runSlot(): void;
}

/** The run queue of a node, and the budget of the current turn of the event loop. */
export class Scheduler {
  readonly #hooks: SchedulerHooks;
  readonly #drain: () => void;
  readonly #afterIo: () => void;
  #ring: (Runnable | undefined)[] = new Array(64);
  #head = 0;
  #count = 0;
  /** A drain is on its way, as a microtask or after I/O. */
  #awaited = false;
  #slots = 0;
  #turns = 0;

  /** True while a slot or an I/O turn is on the stack: another one must not start inside it. */
  running = false;
  /** The turn's budget is used up. */
  #spent = false;
  #reductions = 0;
  /** Messages that bodies may still take although the budget is used up. */
  #grace = GRACE;
  #nextCheck = STRIDE;
  #stride = STRIDE;
  /** When the turn must end; 0 until the first look at the clock. Once it has: when the grace ends. */
  #deadline = 0;

  constructor(hooks: SchedulerHooks) {
    this.#hooks = hooks;
    this.#drain = () => this.#run();
    this.#afterIo = () => {
      this.newTurn();
      this.#run();
    };
  }

  /** Nothing runs and nothing waits to run. */
  get idle(): boolean {
    return this.#count === 0 && !this.running;
  }

  /** Slots handed out since the start. */
  get slots(): number {
    return this.#slots;
  }

  /** Number of the present turn of the event loop, as far as I/O and timers of the runtime tell. */
  get turn(): number {
    return this.#turns;
  }

  /**
   * Whether a call of a server that waits may be carried out in the caller's own slot. Where the order of processes is
   * drawn, this is drawn too.
   */
  allowsImmediate(): boolean {
    if (this.running || this.#spent) return false;
    const { pick } = this.#hooks;
    return pick === undefined || pick(2) === 1;
  }

  /** Runs `go` after I/O had its chance, outside of any process. */
  afterIo(go: () => void): void {
    this.#hooks.yieldToIo(go);
  }

  enqueue(runnable: Runnable): void {
    if (this.#count === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#count) & (this.#ring.length - 1)] = runnable;
    this.#count += 1;
    if (!this.#awaited) this.#await();
  }

  /**
   * Charges work to the turn: one reduction is one message or a microsecond or so. True when the budget is
   * used up, and whoever asked should stop and queue up again.
   */
  charge(reductions: number): boolean {
    this.#reductions += reductions;
    return this.#reductions >= this.#nextCheck && this.#check();
  }

  /**
   * Charges a message to a body that asks for the next one in the middle of its work. True when it should queue up
   * again. Others may have used up the turn meanwhile: a body that got one message per turn then, where a gen-server
   * gets a slot full, would never catch up with a sender of long messages.
   */
  chargeBody(): boolean {
    if (!this.charge(1)) return false;
    if (this.#grace === 0 || this.#hooks.now() >= this.#deadline) return true;
    this.#grace -= 1;
    return false;
  }

  /** The event loop has begun a new turn: I/O had its chance. */
  newTurn(): void {
    this.#turns = (this.#turns + 1) & 0x3fff_ffff;
    this.#reductions = 0;
    this.#grace = GRACE;
    this.#nextCheck = this.#stride;
    this.#deadline = 0;
    this.#spent = false;
  }

  #check(): boolean {
    if (this.#spent) return true;
    const now = this.#hooks.now();
    if (this.#deadline === 0) {
      // The first look comes after a stride: the turn began a little earlier, which does not matter.
      this.#deadline = now + TURN_MS;
    }
    if (now >= this.#deadline || this.#reductions >= TURN_REDUCTIONS) {
      this.#stride = now >= this.#deadline + TURN_MS ? 1 : STRIDE;
      this.#spent = true;
      this.#deadline = now + GRACE_MS;
      this.#nextCheck = 0;
      return true;
    }
    this.#nextCheck = this.#reductions + this.#stride;
    return false;
  }

  #await(): void {
    this.#awaited = true;
    if (this.#spent) this.#hooks.yieldToIo(this.#afterIo);
    else this.#hooks.defer(this.#drain);
  }

  /** What throws ends its own slot only: it is the event loop's to report, and the others run on. */
  #run(): void {
    try {
      this.#drainRing();
    } catch (error) {
      this.running = false;
      this.#awaited = false;
      if (this.#count > 0) this.#await();
      throw error;
    }
  }

  #drainRing(): void {
    const { pick, beforeSlot } = this.#hooks;
    while (this.#count > 0) {
      if (this.#spent) {
        this.#hooks.yieldToIo(this.#afterIo);
        return;
      }
      if (pick !== undefined) this.#bringForward(pick(this.#count));
      const next = this.#ring[this.#head];
      this.#ring[this.#head] = undefined;
      this.#head = (this.#head + 1) & (this.#ring.length - 1);
      this.#count -= 1;
      this.#slots += 1;
      if (next === undefined) continue;
      this.running = true;
      if (beforeSlot !== undefined) beforeSlot(next, this.#slots);
      next.runSlot();
      this.running = false;
      this.charge(1);
    }
    this.#awaited = false;
  }

  #bringForward(index: number): void {
    const mask = this.#ring.length - 1;
    const from = (this.#head + index) & mask;
    const chosen = this.#ring[from];
    this.#ring[from] = this.#ring[this.#head];
    this.#ring[this.#head] = chosen;
  }

  #grow(): void {
    const ring = new Array<Runnable | undefined>(this.#ring.length * 2);
    for (let i = 0; i < this.#count; i += 1) {
      ring[i] = this.#ring[(this.#head + i) & (this.#ring.length - 1)];
    }
    this.#ring = ring;
    this.#head = 0;
  }
}
