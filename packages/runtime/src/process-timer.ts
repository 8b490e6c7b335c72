/**
 * Timers whose effect is a message or a wake-up of one process: they die with it.
 */
import type { Home } from './home.js';
import type { OwnTimer, Process } from './process.js';
import { Timeout } from './timers.js';

/** A timer that belongs to its target. */
export abstract class ProcessTimer extends Timeout implements OwnTimer {
  readonly target: Process;
  /** @internal */ earlierOfProcess: OwnTimer | undefined = undefined;
  /** @internal */ laterOfProcess: OwnTimer | undefined = undefined;

  constructor(target: Process) {
    super();
    this.target = target;
  }

  /** Starts it. */
  begin(ms: number): void {
    const head = this.target.timers;
    this.laterOfProcess = head;
    if (head !== undefined) head.earlierOfProcess = this;
    this.target.timers = this;
    this.target.home.timers.start(this, ms);
  }

  /** Milliseconds left, or false when it is over. */
  end(): number | false {
    const left = this.target.home.timers.remaining(this);
    this.drop();
    return left;
  }

  /** Cancels without looking at the clock. */
  drop(): void {
    this.target.home.timers.forget(this);
    this.#leave();
  }

  fire(): void {
    this.#leave();
    this.expired();
  }

  /** What happens: enqueue only. */
  protected abstract expired(): void;

  #leave(): void {
    const { earlierOfProcess: earlier, laterOfProcess: later } = this;
    if (earlier !== undefined) earlier.laterOfProcess = later;
    else if (this.target.timers === this) this.target.timers = later;
    if (later !== undefined) later.earlierOfProcess = earlier;
    this.earlierOfProcess = undefined;
    this.laterOfProcess = undefined;
  }
}

/** `erlang:send_after/3`. */
export class SendTimer extends ProcessTimer {
  readonly #source: Process | undefined;
  readonly #message: unknown;

  /** `source`: who set it, for inspectors. */
  constructor(source: Process | undefined, target: Process, message: unknown) {
    super(target);
    this.#source = source;
    this.#message = message;
  }

  protected expired(): void {
    this.target.hear(this.#source, this.#message);
  }
}

/** `erlang:send_after/3` to a name, which is looked up when the time has come. */
export class NamedSendTimer extends Timeout {
  readonly #home: Home<Process>;
  readonly #source: Process | undefined;
  readonly #name: string;
  readonly #message: unknown;

  constructor(home: Home<Process>, source: Process | undefined, name: string, message: unknown) {
    super();
    this.#home = home;
    this.#source = source;
    this.#name = name;
    this.#message = message;
  }

  fire(): void {
    this.#home.whereis(this.#name)?.hear(this.#source, this.#message);
  }
}
