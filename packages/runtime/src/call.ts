/**
 * A request that wants an answer. It travels through the server's mailbox, the answer does not come through
 * the caller's: while unanswered, a call hangs on its server, whose end makes it fail. The same guarantees
 * as Erlang's monitor and selective receive, whatever waits in the caller's mailbox.
 */

import type { FailedCall, Reason } from './exit.js';
import { Exit } from './exit.js';
import { tagOf } from './messages.js';
import type { CallHolder, PendingCall, Pid } from './pid.js';
import type { Timers } from './timers.js';
import { Timeout } from './timers.js';

/** What a call needs of its caller: whether it is still there to be answered. */
export interface Caller {
  readonly alive: boolean;
  readonly pid: Pid;
}

/** Milliseconds after which a call fails with `timeout`, unless told otherwise. */
export const CALL_TIMEOUT = 5000;

/** Whom a server answers, with an `R`: keep it and answer later if need be. */
export interface From<in R = unknown> {
  /** The calling process; undefined when the call came from outside of any. */
  readonly pid: Pid | undefined;
  /** Answers. The first answer counts; one that is too late is ignored. */
  readonly reply: (value: R) => void;
}

/** A call on its way. The server gets it as {@link From}. */
export class Call extends Timeout implements From, PendingCall {
  readonly request: unknown;
  readonly #caller: Caller | undefined;
  readonly #to: unknown;
  readonly #timers: Timers;
  readonly #resolve: (value: unknown) => void;
  readonly #failed: (failure: Error) => void;
  /** @internal The server that owes the answer; undefined when settled. */
  holder: CallHolder | undefined = undefined;
  /** @internal */ earlierCall: PendingCall | undefined = undefined;
  /** @internal */ laterCall: PendingCall | undefined = undefined;
  #settled = false;

  constructor(
    caller: Caller | undefined,
    to: unknown,
    request: unknown,
    timers: Timers,
    resolve: (value: unknown) => void,
    failed: (failure: Error) => void,
  ) {
    super();
    this.request = request;
    this.#caller = caller;
    this.#to = to;
    this.#timers = timers;
    this.#resolve = resolve;
    this.#failed = failed;
  }

  get type(): '$gen_call' {
    return '$gen_call';
  }

  get pid(): Pid | undefined {
    return this.#caller?.pid;
  }

  get over(): boolean {
    return this.#settled;
  }

  describe(): string {
    return `a call of ${String(this.#to)}: ${tagOf(this.request)}`;
  }

  reply(value: unknown): void {
    if (this.#settle()) this.#resolve(value);
  }

  /** @internal Ends the wait by an error that is no failure of the server's. */
  abandon(error: Error): void {
    if (this.#settle()) this.#failed(error);
  }

  /** The call cannot be answered any more. */
  fail(reason: Reason): void {
    if (!this.#settle()) return;
    const call: FailedCall = { to: this.#to, request: this.request };
    this.#failed(Exit.of(reason, call));
  }

  fire(): void {
    this.fail('timeout');
  }

  /** True when this is the first end, and somebody still waits for it. */
  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#timers.forget(this);
    this.holder?.forgetCall(this);
    return this.#caller === undefined || this.#caller.alive;
  }
}

/** Whom a server answers that carries a call out at once: its answer is kept, or a call waits for it in its place. */
export class ImmediateCall implements From {
  readonly pid: undefined = undefined;
  readonly #server: CallHolder;
  #answered = false;
  #answer: unknown = undefined;
  #call: Call | undefined = undefined;

  constructor(server: CallHolder) {
    this.#server = server;
  }

  get answered(): boolean {
    return this.#answered;
  }

  get answer(): unknown {
    return this.#answer;
  }

  reply(value: unknown): void {
    if (this.#call !== undefined) this.#call.reply(value);
    else if (!this.#answered) {
      this.#answered = true;
      this.#answer = value;
    }
  }

  /** The answer comes later: `call` waits for it. */
  become(call: Call): void {
    this.#call = call;
    this.#server.hold(call);
  }
}

/**
 * Sends `request` to `target` and promises the answer. Fails with an {@link Exit} whose reason is the
 * server's exit reason, `noproc` or `timeout`; with `otherwise` it does not fail, and answers what that makes of it.
 * `begun`: the server has heard the request already.
 */
export function startCall(
  caller: Caller | undefined,
  target: Pid | undefined,
  to: unknown,
  request: unknown,
  timers: Timers,
  timeout: number,
  otherwise: ((failure: Exit) => unknown) | undefined,
  watch: ((call: Call) => void) | undefined,
  begun?: ImmediateCall,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const failed =
      otherwise === undefined
        ? reject
        : (failure: Error) => {
            try {
              if (!(failure instanceof Exit)) throw failure;
              resolve(otherwise(failure));
            } catch (error) {
              reject(error);
            }
          };
    const call = new Call(caller, to, request, timers, resolve, failed);
    if (timeout !== Number.POSITIVE_INFINITY) timers.start(call, timeout);
    if (target === undefined) call.fail('noproc');
    else if (begun === undefined) target.request(call);
    else begun.become(call);
    watch?.(call);
  });
}
