/**
 * `gen_server`: a process made of callbacks with a state.
 */

import type { From } from './call.js';
import { Call } from './call.js';
import type { Reason } from './exit.js';
import { Exit, isOrderly, reasonOf } from './exit.js';
import { Cast, Envelope, ExitMessage, IoTurn, ioEvent } from './messages.js';
import { outline } from './outline.js';
import type { Pid } from './pid.js';
import type { Body, Process } from './process.js';
import { EXITED, RUNNING, SUSPENDED, WAITING } from './process.js';
import { ProcessTimer } from './process-timer.js';
import { type Node, Self } from './self.js';
import { isThenable } from './thenable.js';

/** Messages that one slot handles before other processes have their turn. */
const MESSAGES_PER_SLOT = 200;

/** Extras of a result: `continue` runs `handleContinue` next; `timeout` ms without a message send `timeout`. */
interface Next {
  readonly continue?: unknown;
  readonly timeout?: number;
}

/** Goes on with a new state. */
export interface NoReply<S> extends Next {
  readonly noreply: S;
}

/** Answers the call and goes on. */
export interface Reply<S, R = unknown> extends Next {
  readonly reply: R;
  readonly state: S;
}

/** Ends the server with a reason, after `terminate`; `reply` answers the call first. */
export interface Stop<S, R = unknown> {
  readonly stop: Reason;
  readonly state: S;
  readonly reply?: R;
}

/** What `init` answers. */
export type InitResult<S> = (Next & { readonly ok: S }) | { readonly stop: Reason } | 'ignore';

/** What `handleCall` answers; nothing means: same state, the reply comes later. */
export type CallResult<S, R = unknown> = Reply<S, R> | NoReply<S> | Stop<S, R> | void;

/** What the other callbacks answer; nothing means: same state. */
export type InfoResult<S> = NoReply<S> | Stop<S> | void;

/** Now, or later. */
export type Eventually<T> = T | PromiseLike<T>;

/**
 * The callbacks. Each may return a promise: the server then takes no further message until it settles. What
 * they throw is the server's crash.
 */
export interface GenServer<S, A = void> {
  /** Name for observers and reports. */
  readonly label?: string;
  init(self: Self, args: A): Eventually<InitResult<S>>;
  handleCall?(request: unknown, from: From, state: S, self: Self): Eventually<CallResult<S>>;
  handleCast?(request: unknown, state: S, self: Self): Eventually<InfoResult<S>>;
  /** Every other message: sends, EXIT, DOWN, `{ type: 'timeout' }`. */
  handleInfo?(message: unknown, state: S, self: Self): Eventually<InfoResult<S>>;
  handleContinue?(argument: unknown, state: S, self: Self): Eventually<InfoResult<S>>;
  /** Called before the end when the server ends itself, or its parent asks a server that traps exits. */
  terminate?(reason: Reason, state: S, self: Self): Eventually<void>;
}

/** How a server is started. */
export interface StartOptions {
  /** Registered before `init` runs. */
  readonly name?: string;
  /** Linked to the starting process; true unless said otherwise when there is one. */
  readonly link?: boolean;
  /** Milliseconds that `init` may take, then it is killed; unlimited by default. */
  readonly timeout?: number;
}

/** What a start answers. */
export type StartResult = { readonly ok: Pid<unknown> } | { readonly error: Reason } | 'ignore';

/**
 * `gen_server:start_link/3,4` (from a process) or `start/3,4` (from a node). Answers when `init` has: a
 * failing `init` leaves neither a process nor a name behind. As in Erlang a linked parent also gets the exit
 * signal of a server that failed.
 */
export function startGenServer<S, A, M = unknown>(
  parent: Self<M> | Self<never> | Self | Node,
  module: GenServer<S, A>,
  args: A,
  options: StartOptions = {},
): Promise<StartResult> {
  const starter = parent instanceof Self ? parent.process : undefined;
  const home = parent instanceof Self ? parent.node : parent;
  const holder = options.name === undefined ? undefined : home.whereis(options.name);
  if (holder !== undefined) return Promise.resolve({ error: { already_started: holder } });
  starter?.guard();
  return new Promise((resolve) => {
    const body = new GenServerBody(module, args, home);
    const process = home.launch(body, starter, {
      link: options.link ?? starter !== undefined,
      ...(options.name === undefined ? {} : { name: options.name }),
    });
    const started = new Call(
      starter,
      process,
      undefined,
      home.timers,
      (answer) => resolve(answer === 'ignore' ? 'ignore' : { ok: process }),
      (error) => {
        const reason = error instanceof Exit ? error.reason : error;
        if (reason === 'timeout') home.terminate(process, 'killed');
        resolve({ error: reason });
      },
    );
    body.started = started;
    process.hold(started);
    home.watch(starter, started);
    if (options.timeout !== undefined && options.timeout !== Number.POSITIVE_INFINITY) {
      home.timers.start(started, options.timeout);
    }
  });
}

/** The `timeout` of a result has passed without a message. */
class IdleTimer extends ProcessTimer {
  protected expired(): void {
    this.target.hear(this.target, new IdleTimeout(this));
  }
}

class IdleTimeout extends Envelope {
  readonly type: 'timeout';
  readonly timer: ProcessTimer;

  constructor(timer: ProcessTimer) {
    super();
    this.type = 'timeout';
    this.timer = timer;
  }
}

/** A gen-server as a process's body. */
export class GenServerBody implements Body {
  readonly kind: string;
  readonly #module: GenServer<unknown, unknown>;
  readonly #node: Node;
  #args: unknown;
  #state: unknown = undefined;
  #self: Self | undefined = undefined;
  #idle: IdleTimer | undefined = undefined;
  /** Who waits for `init`; undefined once it has answered. */
  started: Call | undefined = undefined;

  constructor(module: GenServer<unknown, unknown>, args: unknown, node: Node) {
    this.#node = node;
    this.kind = module.label ?? 'gen_server';
    this.#module = module;
    this.#args = args;
  }

  context(): unknown {
    return this.#state;
  }

  slot(process: Process): void {
    if (this.#self === undefined) {
      this.#init(process, new Self(process, undefined, this.#node));
      if (process.state === RUNNING) process.rest();
      return;
    }
    const { scheduler } = process.home;
    for (let left = MESSAGES_PER_SLOT; left > 0; left -= 1) {
      const { mailbox } = process;
      if (mailbox === undefined || mailbox.length === 0) {
        process.state = WAITING;
        return;
      }
      process.reductions += 1;
      this.#handle(process, this.#self, mailbox.shift());
      if (process.state !== RUNNING) return;
      if (scheduler.charge(1)) break;
    }
    process.rest();
  }

  /** An I/O callback as a turn of its own. The process waits and its mailbox is empty. */
  turn<T, A>(process: Process, run: (target: T, argument: A) => unknown, target: T, argument: A): void {
    const self = this.#self;
    if (self === undefined) return;
    process.state = RUNNING;
    process.reductions += 1;
    this.#notIdle();
    let result: unknown;
    try {
      result = run(target, argument);
    } catch (error) {
      this.#crash(process, self, error, undefined);
      return;
    }
    if (result !== undefined) this.#apply(process, self, result, undefined, undefined);
    if (process.home.observing(process)) process.home.changed(process, ioEvent(run));
    if (process.state === RUNNING) process.rest();
  }

  callNow(process: Process, request: unknown, from: From): void {
    const self = this.#self;
    if (self === undefined) return;
    process.state = RUNNING;
    process.reductions += 1;
    this.#notIdle();
    let result: unknown;
    try {
      if (this.#module.handleCall === undefined) throw new Error('no handleCall for this request');
      result = this.#module.handleCall(request, from, this.#state, self);
    } catch (error) {
      this.#crash(process, self, error, request);
      return;
    }
    if (result !== undefined) this.#apply(process, self, result, request, from);
    if (process.home.observing(process)) process.home.changed(process, request);
    if (process.state === RUNNING) process.rest();
  }

  #init(process: Process, self: Self): void {
    this.#self = self;
    let result: unknown;
    try {
      result = this.#module.init(self, this.#args);
    } catch (error) {
      this.#initFailed(process, reasonOf(error));
      return;
    }
    this.#args = undefined;
    if (process.state === EXITED) return;
    if (!isThenable(result)) {
      this.#initialised(process, self, result);
      return;
    }
    process.state = SUSPENDED;
    result.then(
      (value) => {
        resumed(process, () => this.#initialised(process, self, value));
      },
      (error: unknown) => {
        resumed(process, () => this.#initFailed(process, reasonOf(error)));
      },
    );
  }

  #initialised(process: Process, self: Self, result: unknown): void {
    const { started } = this;
    if (result === 'ignore') {
      this.started = undefined;
      started?.reply('ignore');
      process.home.terminate(process, 'normal');
    } else if (typeof result === 'object' && result !== null && 'ok' in result) {
      this.started = undefined;
      this.#state = result.ok;
      started?.reply('ok');
      process.home.changed(process, undefined);
      this.#next(process, self, result, undefined);
    } else if (typeof result === 'object' && result !== null && 'stop' in result) {
      started?.fail(result.stop);
      process.home.terminate(process, result.stop);
    } else this.#initFailed(process, { bad_return_value: result });
  }

  #initFailed(process: Process, reason: Reason): void {
    this.started?.fail(reason);
    process.home.reportCrash(process, reason, undefined);
    process.home.terminate(process, reason);
  }

  #handle(process: Process, self: Self, message: unknown): void {
    let call: Call | undefined;
    let result: unknown;
    try {
      if (message instanceof Cast) {
        this.#notIdle();
        if (this.#module.handleCast === undefined) throw new Error('no handleCast for this request');
        result = this.#module.handleCast(message.request, this.#state, self);
      } else if (message instanceof Call) {
        this.#notIdle();
        call = message;
        if (this.#module.handleCall === undefined) throw new Error('no handleCall for this request');
        result = this.#module.handleCall(call.request, call, this.#state, self);
      } else if (message instanceof Envelope) {
        if (message instanceof IdleTimeout) {
          if (message.timer !== this.#idle) return;
          this.#idle = undefined;
          result = this.#module.handleInfo?.(TIMEOUT, this.#state, self);
        } else if (message instanceof IoTurn) {
          this.#notIdle();
          result = message.go();
        }
      } else {
        this.#notIdle();
        if (process.trapExit && message instanceof ExitMessage && message.from === process.parent) {
          this.#stop(process, self, message.reason, message, undefined);
          return;
        }
        if (this.#module.handleInfo !== undefined) {
          result = this.#module.handleInfo(message, this.#state, self);
        } else {
          process.home.logger.debug(
            { process: process.id, message: outline(message) },
            'a gen-server has no handleInfo',
          );
        }
      }
    } catch (error) {
      this.#crash(process, self, error, message);
      return;
    }
    if (result !== undefined) this.#apply(process, self, result, message, call);
    if (process.home.observing(process)) process.home.changed(process, message);
  }

  /** Carries a callback's result out. */
  #apply(process: Process, self: Self, result: unknown, message: unknown, call: From | undefined): void {
    if (process.state === EXITED) return;
    if (typeof result !== 'object' || result === null) {
      if (result !== undefined) this.#badReturn(process, self, result, message);
    } else if ('noreply' in result) {
      this.#state = result.noreply;
      this.#next(process, self, result, message);
    } else if ('stop' in result) {
      if ('state' in result) this.#state = result.state;
      const answer = call !== undefined && 'reply' in result ? () => call.reply(result.reply) : undefined;
      this.#stop(process, self, result.stop, message, answer);
    } else if ('reply' in result && 'state' in result) {
      this.#state = result.state;
      call?.reply(result.reply);
      this.#next(process, self, result, message);
    } else if (isThenable(result)) this.#suspend(process, self, result, message, call);
    else this.#badReturn(process, self, result, message);
  }

  /** The extras of a result: `continue` and `timeout`. */
  #next(process: Process, self: Self, result: object, message: unknown): void {
    if (
      'timeout' in result &&
      typeof result.timeout === 'number' &&
      result.timeout !== Number.POSITIVE_INFINITY
    ) {
      this.#idle = new IdleTimer(process);
      this.#idle.begin(result.timeout);
    }
    if (!('continue' in result) || result.continue === undefined) return;
    this.#notIdle();
    let next: unknown;
    try {
      if (this.#module.handleContinue === undefined) throw new Error('no handleContinue');
      next = this.#module.handleContinue(result.continue, this.#state, self);
    } catch (error) {
      this.#crash(process, self, error, message);
      return;
    }
    if (next !== undefined) this.#apply(process, self, next, message, undefined);
  }

  #suspend(
    process: Process,
    self: Self,
    promise: PromiseLike<unknown>,
    message: unknown,
    call: From | undefined,
  ): void {
    process.state = SUSPENDED;
    promise.then(
      (result) => {
        resumed(process, () => this.#apply(process, self, result, message, call));
        if (process.home.observing(process)) process.home.changed(process, message);
      },
      (error: unknown) => {
        resumed(process, () => this.#crash(process, self, error, message));
      },
    );
  }

  #badReturn(process: Process, self: Self, result: unknown, message: unknown): void {
    this.#stop(process, self, { bad_return_value: result }, message, undefined);
  }

  #crash(process: Process, self: Self, error: unknown, message: unknown): void {
    if (process.state === EXITED) return;
    this.#stop(process, self, reasonOf(error), message, undefined);
  }

  /** Calls `terminate`, answers a waiting call, and ends. */
  #stop(
    process: Process,
    self: Self,
    reason: Reason,
    message: unknown,
    answer: (() => void) | undefined,
  ): void {
    const end = (final: Reason): void => {
      if (process.state === EXITED) return;
      answer?.();
      if (!isOrderly(final)) process.home.reportCrash(process, final, message);
      process.home.terminate(process, final);
    };
    let pending: unknown;
    try {
      pending = this.#module.terminate?.(reason, this.#state, self);
    } catch (error) {
      end(reasonOf(error));
      return;
    }
    if (!isThenable(pending)) {
      end(reason);
      return;
    }
    process.state = SUSPENDED;
    pending.then(
      () => end(reason),
      (error: unknown) => end(reasonOf(error)),
    );
  }

  #notIdle(): void {
    if (this.#idle === undefined) return;
    this.#idle.drop();
    this.#idle = undefined;
  }
}

const TIMEOUT = { type: 'timeout' } as const;

/** What follows a promise is a turn like any other: no I/O turn starts inside it, and messages go on after it. */
function resumed(process: Process, turn: () => void): void {
  if (process.state === EXITED) return;
  const { scheduler } = process.home;
  // A foreign thenable may answer at once, inside the slot that asked it.
  const outer = scheduler.running;
  process.state = RUNNING;
  scheduler.running = true;
  try {
    turn();
  } catch (error) {
    process.home.failed(process, error);
  } finally {
    scheduler.running = outer;
  }
  if (process.state === RUNNING) process.rest();
}
