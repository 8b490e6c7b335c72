/**
 * A process whose body is an async function with selective `receive`; also the shell, a process without a
 * body for top-level code.
 */

import type { OutsideWait } from './clock.js';
import type { Reason } from './exit.js';
import { Crash, exited, reasonOf } from './exit.js';
import type { Matcher } from './pattern.js';
import type { Body, Process } from './process.js';
import { EXITED, RUNNING, WAITING } from './process.js';
import { ProcessTimer } from './process-timer.js';
import { type Node, type Receiver, Self } from './self.js';
import { isThenable } from './thenable.js';

/** What has a receive waiting. */
interface ReceiveWait {
  timedOut: boolean;
}

/** The time of a `receive … after` is over. */
class ReceiveTimer extends ProcessTimer {
  readonly #body: ReceiveWait;

  constructor(target: Process, body: ReceiveWait) {
    super(target);
    this.#body = body;
  }

  protected expired(): void {
    this.#body.timedOut = true;
    this.target.wake();
  }
}

/** An async function as a process. */
export class AsyncBody<M> implements Body, Receiver {
  readonly kind: string;
  readonly #node: Node;
  #run: ((self: Self<M>) => unknown) | undefined;
  #matcher: Matcher | undefined = undefined;
  #resolve: ((message: unknown) => void) | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;
  #timer: ReceiveTimer | undefined = undefined;
  /** Messages from the front of the mailbox that the waiting receive has refused. */
  #scanned = 0;
  /** @internal */ timedOut = false;
  /** The message being worked on, for a crash report; forgotten when the next one is asked for. */
  #last: unknown = undefined;

  constructor(node: Node, run: ((self: Self<M>) => unknown) | undefined, kind: string) {
    this.#node = node;
    this.#run = run;
    this.kind = kind;
  }

  context(process: Process): unknown {
    return { messageQueueLength: process.queueLength };
  }

  slot(process: Process): void {
    if (this.#run !== undefined) this.#begin(process, this.#run);
    else this.#resume(process);
  }

  /**
   * A message that matches: itself when it is there, else a promise. `'timeout'` when none came within
   * `after` milliseconds.
   */
  receive(process: Process, matcher: Matcher | undefined, after: number): unknown {
    process.guard();
    if (this.#resolve !== undefined) throw new Error('this process already waits in a receive');
    process.reductions += 1;
    this.#last = undefined;
    // The fast path asks the same budget as everybody: a body that always finds a message would otherwise
    // never leave the microtask queue.
    const spent = process.home.scheduler.chargeBody();
    if (!spent) {
      const index = this.#find(process, matcher, 0);
      if (index >= 0) return this.#take(process, index);
      if (after <= 0) return 'timeout';
    }
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#matcher = matcher;
      this.#scanned = spent ? 0 : process.queueLength;
      this.timedOut = after <= 0;
      process.state = WAITING;
      if (after > 0 && after !== Number.POSITIVE_INFINITY) {
        this.#timer = new ReceiveTimer(process, this);
        this.#timer.begin(after);
      }
      if (spent) process.wake();
    });
  }

  /** Everything in the mailbox, taken out. */
  flush(process: Process): unknown[] {
    process.guard();
    const all = process.mailbox?.toArray() ?? [];
    process.mailbox = undefined;
    this.#scanned = 0;
    return all;
  }

  #begin(process: Process, run: (self: Self<M>) => unknown): void {
    this.#run = undefined;
    let result: unknown;
    try {
      result = run(new Self<M>(process, this, this.#node));
    } catch (error) {
      this.#failed(process, error);
      return;
    }
    if (isThenable(result)) {
      result.then(
        (value) => this.#finished(process, value),
        (error: unknown) => this.#failed(process, error),
      );
    } else this.#finished(process, result);
  }

  #resume(process: Process): void {
    const resolve = this.#resolve;
    if (resolve === undefined) return;
    let index: number;
    try {
      index = this.#find(process, this.#matcher, this.#scanned);
    } catch (error) {
      const reject = this.#reject;
      this.#settle(process);
      reject?.(error);
      return;
    }
    if (index >= 0) {
      const message = this.#take(process, index);
      this.#settle(process);
      resolve(message);
    } else if (this.timedOut) {
      this.#settle(process);
      resolve('timeout');
    } else {
      this.#scanned = process.queueLength;
      process.state = WAITING;
    }
  }

  #settle(process: Process): void {
    this.#resolve = undefined;
    this.#reject = undefined;
    this.#matcher = undefined;
    this.#timer?.drop();
    this.#timer = undefined;
    process.state = RUNNING;
  }

  #find(process: Process, matcher: Matcher | undefined, from: number): number {
    const mailbox = process.mailbox;
    if (mailbox === undefined || mailbox.length <= from) return -1;
    if (matcher === undefined) return from;
    for (let i = from; i < mailbox.length; i += 1) if (matcher(mailbox.at(i))) return i;
    return -1;
  }

  #take(process: Process, index: number): unknown {
    this.#last = process.mailbox?.removeAt(index);
    return this.#last;
  }

  #finished(process: Process, value: unknown): void {
    if (process.state === EXITED) return;
    process.output = value;
    process.home.terminate(process, 'normal');
  }

  #failed(process: Process, error: unknown): void {
    // What a process throws that was killed meanwhile is nobody's business.
    if (process.state === EXITED) return;
    const reason = reasonOf(error);
    // As in Erlang, `exit(reason)` in a plain process is nothing to report; an error is.
    if (reason instanceof Crash) process.home.reportCrash(process, reason, this.#last);
    process.home.terminate(process, reason);
  }

  /** Ends a receive that waits by this error. */
  protected failReceive(process: Process, error: Error): void {
    const reject = this.#reject;
    this.#settle(process);
    reject?.(error);
  }

  /** A receive waits for its message. */
  protected get pending(): boolean {
    return this.#resolve !== undefined;
  }

  /** @internal For the shell: code that waits in a receive must learn of the end. */
  abandon(reason: Reason): void {
    this.#reject?.(exited(reason));
    this.#resolve = undefined;
    this.#reject = undefined;
  }
}

/** A shell's `receive` that waits. */
class ShellWait implements OutsideWait {
  readonly #process: Process;
  readonly fail: (error: Error) => void;
  over = false;

  constructor(process: Process, fail: (error: Error) => void) {
    this.#process = process;
    this.fail = fail;
  }

  describe(): string {
    return `a receive of ${this.#process.id} ${this.#process.name ?? 'shell'}`;
  }
}

/**
 * The body of a shell: none. Top-level code works with the process's {@link Self}. While it waits for a message Node
 * stays alive: a script that awaits what a timer will send must not end before.
 */
export class ShellBody<M> extends AsyncBody<M> {
  #wait: ShellWait | undefined = undefined;

  constructor(node: Node) {
    super(node, undefined, 'shell');
  }

  override receive(process: Process, matcher: Matcher | undefined, after: number): unknown {
    const message = super.receive(process, matcher, after);
    this.#hold(process, this.pending);
    return message;
  }

  override slot(process: Process): void {
    super.slot(process);
    this.#hold(process, this.pending);
  }

  ended(process: Process, reason: Reason): void {
    this.#hold(process, false);
    this.abandon(reason);
  }

  #hold(process: Process, waits: boolean): void {
    const { clock } = process.home;
    if (waits === (this.#wait !== undefined)) return;
    if (waits) {
      this.#wait = new ShellWait(process, (error) => {
        this.failReceive(process, error);
        this.#hold(process, false);
      });
      clock.hold?.();
      clock.waits?.(this.#wait);
      return;
    }
    if (this.#wait !== undefined) this.#wait.over = true;
    this.#wait = undefined;
    clock.release?.();
  }
}
