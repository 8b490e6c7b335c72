/**
 * A process's view of the runtime. It is passed as a parameter to every body and callback: a module-level
 * "current process" would be wrong after the first await.
 */

import { inspect } from 'node:util';
import type { AnyActorRef } from 'xstate';
import type { Blueprint } from './blueprint.js';
import { CALL_TIMEOUT, type Call, type Caller } from './call.js';
import type { DelayedEvents } from './delayed-events.js';
import type { Reason } from './exit.js';
import { Exit, exited, RuntimeError } from './exit.js';
import type { Home } from './home.js';
import { DownMessage, ExitMessage } from './messages.js';
import { Monitor } from './monitor.js';
import { listed, Owned, without } from './owned-resource.js';
import {
  isReceiveOptions,
  type Matcher,
  matcherOf,
  type OfType,
  type Pattern,
  type ReceiveOptions,
} from './pattern.js';
import { Pid } from './pid.js';
import type { Body, Process, ProcessStatus } from './process.js';
import { EXITED } from './process.js';
import type { Ref } from './ref.js';
import { checkDuration } from './timers.js';

/** @internal A body that can receive. */
export interface Receiver {
  receive(process: Process, matcher: Matcher | undefined, after: number): unknown;
  flush(process: Process): unknown[];
}

/** What a body or callback works with. Every method throws {@link Exited} once the process has ended. */
export class Self<in out M = unknown> {
  /** @internal */ readonly process: Process;
  readonly #receiver: Receiver | undefined;
  readonly node: Node;

  constructor(process: Process, receiver: Receiver | undefined, node: Node) {
    this.process = process;
    this.#receiver = receiver;
    this.node = node;
  }

  /** The address of this process. */
  get pid(): Pid<M> {
    return this.process;
  }

  /** False once the process has ended. */
  get alive(): boolean {
    return this.process.state !== EXITED;
  }

  /** Aborted with the exit reason when the process ends. Made on first use. */
  get signal(): AbortSignal {
    const rare = this.process.rarely();
    rare.abort ??= new AbortController();
    if (this.process.state === EXITED) rare.abort.abort(this.process.reason);
    return rare.abort.signal;
  }

  /** Messages that wait in the mailbox (`process_info(self(), message_queue_len)`). */
  get messageQueueLength(): number {
    return this.process.queueLength;
  }

  // ── Messages ────────────────────────────────────────────────────────────────────────────────────────

  /**
   * `Dest ! Message`: never waits, never runs the receiver. A dead process swallows the message; a name
   * that nobody bears is `badarg`.
   */
  send<T>(to: Pid<T> | string, message: NoInfer<T>): void {
    const { process } = this;
    if (process.state === EXITED) throw exited(process.reason);
    const { home } = process;
    if (typeof to === 'string') home.sendFrom(process, home.named(to), message);
    else if (home.inspection.on) home.sendFrom(process, to, message);
    else to.deliver(message);
  }

  /** The oldest message: itself when one waits, else a promise. */
  receive(): M | Promise<M>;
  receive(options: ReceiveOptions): M | 'timeout' | Promise<M | 'timeout'>;
  /** The oldest message that the predicate accepts; the others stay, in order. */
  receive<T extends M>(match: (message: M) => message is T): T | Promise<T>;
  receive<T extends M>(
    match: (message: M) => message is T,
    options: ReceiveOptions,
  ): T | 'timeout' | Promise<T | 'timeout'>;
  receive(match: (message: M) => boolean): M | Promise<M>;
  receive(match: (message: M) => boolean, options: ReceiveOptions): M | 'timeout' | Promise<M | 'timeout'>;
  /** The oldest message of this `type`. */
  receive<K extends string>(type: K): OfType<M, K> | Promise<OfType<M, K>>;
  receive<K extends string>(
    type: K,
    options: ReceiveOptions,
  ): OfType<M, K> | 'timeout' | Promise<OfType<M, K> | 'timeout'>;
  /** The oldest message whose fields are these (compared with `===`). */
  receive<K extends string>(
    fields: { readonly type: K } & Readonly<Record<string, unknown>>,
    options?: { readonly after?: undefined },
  ): OfType<M, K> | Promise<OfType<M, K>>;
  receive<K extends string>(
    fields: { readonly type: K } & Readonly<Record<string, unknown>>,
    options: ReceiveOptions,
  ): OfType<M, K> | 'timeout' | Promise<OfType<M, K> | 'timeout'>;
  receive(pattern?: Pattern | ReceiveOptions, options?: { readonly after?: number | undefined }): unknown {
    return this.take(pattern, options);
  }

  /** @internal `receive`, whatever is asked for. */
  protected take(
    pattern?: Pattern | ReceiveOptions,
    options?: { readonly after?: number | undefined },
  ): unknown {
    if (this.#receiver === undefined) throw new Error('only an async body or a shell can receive');
    if (pattern === undefined)
      return this.#receiver.receive(this.process, undefined, Number.POSITIVE_INFINITY);
    if (options === undefined && isReceiveOptions(pattern)) {
      return this.#receiver.receive(this.process, undefined, checkDuration(pattern.after));
    }
    const after = options?.after;
    return this.#receiver.receive(
      this.process,
      matcherOf(pattern),
      after === undefined ? Number.POSITIVE_INFINITY : checkDuration(after),
    );
  }

  /** Takes everything out of the mailbox, as the Erlang shell's `flush()`. */
  flush(): M[];
  flush(): unknown[] {
    return this.takeAll();
  }

  /** @internal `flush`, of whatever type. */
  protected takeAll(): unknown[] {
    if (this.#receiver === undefined) throw new Error('only an async body or a shell can flush');
    return this.#receiver.flush(this.process);
  }

  /**
   * `gen_server:call/3`. Rejects with an {@link Exit} whose reason is `noproc`, `timeout` or the server's
   * exit reason. If this process dies meanwhile the promise stays pending for ever.
   */
  call<R = unknown>(to: Pid<never> | string, request: unknown, timeout: number = CALL_TIMEOUT): Promise<R> {
    const { process } = this;
    process.guard();
    if (to === process || (typeof to === 'string' && to === process.name))
      return Promise.reject(Exit.of('calling_self', { to, request }));
    return process.home.request<R>(process, to, request, timeout);
  }

  /**
   * A call that does not fail: `otherwise` makes an answer of the failure, or a promise of one. Cheaper than to catch it.
   */
  callOr<R = unknown>(
    to: Pid<never> | string,
    request: unknown,
    timeout: number,
    otherwise: (failure: Exit) => R | Promise<R>,
  ): Promise<R> {
    const { process } = this;
    process.guard();
    if (to === process || (typeof to === 'string' && to === process.name))
      return Promise.resolve(otherwise(Exit.of('calling_self', { to, request })));
    return process.home.request<R>(process, to, request, timeout, otherwise);
  }

  /** Runs `go`, outside of any process, when what can run now and I/O that is ready have had their turn. */
  afterIo(go: () => void): void {
    this.process.home.scheduler.afterIo(go);
  }

  /** `gen_server:cast/2`: no answer, no error. */
  cast(to: Pid<never> | string, request: unknown): void {
    const { process } = this;
    if (process.state === EXITED) throw exited(process.reason);
    process.home.castFrom(process, to, request);
  }

  /** `erlang:send_after/3`, `ms` milliseconds from now. The timer dies with its target, not with us. */
  sendAfter<T>(ms: number, to: Pid<T> | string, message: NoInfer<T>): Ref {
    this.process.guard();
    return this.process.home.sendAfterFrom(this.process, ms, to, message);
  }

  /** Milliseconds that were left, or false: it has fired, was cancelled, or its target is dead. */
  cancelTimer(timer: Ref): number | false {
    this.process.guard();
    return this.process.home.cancelTimer(timer);
  }

  /** Milliseconds that are left, or false. */
  readTimer(timer: Ref): number | false {
    this.process.guard();
    return this.process.home.readTimer(timer);
  }

  /**
   * Charges work to the current turn of the event loop (`erlang:bump_reductions/1`): about one reduction per
   * microsecond of a long operation, so that I/O gets its chance in time.
   */
  charge(reductions: number): void {
    this.process.home.scheduler.charge(reductions);
  }

  // ── Processes ───────────────────────────────────────────────────────────────────────────────────────

  spawn<T>(body: Spawnable<T>, options?: SpawnOptions): Pid<T> {
    this.process.guard();
    return this.node.spawnFrom(this.process, body, options);
  }

  /** The link stands before the child's first step. */
  spawnLink<T>(body: Spawnable<T>, options?: SpawnOptions): Pid<T> {
    this.process.guard();
    return this.node.spawnFrom(this.process, body, { ...options, link: true });
  }

  /** The monitor stands before the child's first step. */
  spawnMonitor<T>(body: Spawnable<T>, options?: SpawnOptions): { readonly pid: Pid<T>; readonly ref: Ref } {
    const pid = this.spawn(body, options);
    return { pid, ref: this.monitor(pid) };
  }

  /**
   * Ends this process (`erlang:exit/1`): throws an {@link Exit}. In a shell, which has no body to unwind, the
   * process ends at once.
   */
  exit(reason: Reason): never {
    this.process.guard();
    if (this.process.body.kind === 'shell') this.process.home.terminate(this.process, reason);
    throw Exit.of(reason);
  }

  /** An exit signal (`erlang:exit/2`). To oneself it may end this process: then it throws. */
  exitSignal(to: Pid<never>, reason: Reason): void {
    this.process.guard();
    pidOf(to).signal(this.process, reason, 'exit');
    this.process.guard();
  }

  /** `process_flag(trap_exit, Flag)`; gives the old flag. */
  trapExit(flag: boolean): boolean {
    this.process.guard();
    const old = this.process.trapExit;
    this.process.trapExit = flag;
    return old;
  }

  /** Links both ways. A dead process: `noproc`, thrown, or as an EXIT message to a process that traps. */
  link(to: Pid<never>): void {
    const { process } = this;
    process.guard();
    if (pidOf(to) === process || process.hasLink(to)) return;
    if (to.acceptLink(process)) process.addLink(to);
    else if (process.trapExit) process.hear(to, new ExitMessage(to, 'noproc'));
    else throw new RuntimeError('noproc', `link to ${to}`);
  }

  /** After it no exit signal of that link arrives; an EXIT message that had arrived stays. */
  unlink(to: Pid<never>): void {
    this.process.guard();
    if (this.process.removeLink(to)) to.dropLink(this.process);
  }

  /** Watches a process, or whoever bears a name now: one DOWN message when it ends, at once if it is dead. */
  monitor(to: Pid<never> | string): Ref {
    const { process } = this;
    process.guard();
    const name = typeof to === 'string' ? to : undefined;
    const target = typeof to === 'string' ? process.home.whereis(to) : pidOf(to);
    const monitor = new Monitor(process, target, name);
    if (target === process) {
      // As in Erlang: a reference, and no monitor.
      monitor.active = false;
      return monitor;
    }
    process.keepMonitor(monitor);
    if (target === undefined) monitor.fire('noproc');
    else target.acceptMonitor(monitor);
    return monitor;
  }

  /**
   * Ends a monitor. With `flush` its DOWN is taken out of the mailbox. Gives true; with `info`, whether the
   * monitor was still there.
   */
  demonitor(ref: Ref, options?: { readonly flush?: boolean; readonly info?: boolean }): boolean {
    const { process } = this;
    process.guard();
    const found = ref instanceof Monitor && ref.watcher === process && ref.active;
    if (found) {
      ref.active = false;
      process.forgetMonitor(ref);
      ref.target?.dropMonitor(ref);
    }
    if (options?.flush === true) this.#dropDown(ref);
    return options?.info === true ? found : true;
  }

  #dropDown(ref: Ref): void {
    const { mailbox } = this.process;
    if (mailbox === undefined) return;
    for (let i = 0; i < mailbox.length; i += 1) {
      const message = mailbox.at(i);
      if (message instanceof DownMessage && message.ref === ref) {
        mailbox.removeAt(i);
        return;
      }
    }
  }

  // ── Names and resources ─────────────────────────────────────────────────────────────────────────────

  /** Gives a process a name. `badarg` when the name is taken, or the process dead or named already. */
  register(name: string, pid: Pid<never> = this.process): void {
    this.process.guard();
    this.process.home.register(name, pid);
  }

  /** Frees a name; `badarg` when nobody bears it. */
  unregister(name: string): void {
    this.process.guard();
    this.process.home.unregister(name);
  }

  whereis(name: string): Pid<unknown> | undefined {
    return this.process.home.whereis(name);
  }

  /** Has `close` called when this process ends, however it ends. Gives the resource back. */
  own<T>(resource: T, close: (resource: T) => void): T {
    this.process.guard();
    const rare = this.process.rarely();
    rare.owned = new Owned(resource, close, without(rare.owned, resource));
    return resource;
  }

  /** Ends the ownership without closing. */
  disown(resource: unknown): boolean {
    const { rare } = this.process;
    if (rare === undefined) return false;
    const owns = listed(rare.owned).some((owned) => owned.resource === resource);
    rare.owned = without(rare.owned, resource);
    return owns;
  }
}

/** What stands in tables of links and monitors is a pid: anything else would break the death of a process. */
function pidOf(to: Pid<never>): Pid<never> {
  if (!(to instanceof Pid)) throw new RuntimeError('badarg', `${inspect(to)} is no pid`);
  return to;
}

/** A message, or a promise of it when none waits. */
type NowOrLater<T> = T | Promise<T>;

/**
 * A shell takes every message, and so stands wherever a `Self` of some messages is asked for; who receives from it says
 * what it waits for.
 */
export class Shell extends Self<unknown> {
  /** The oldest message, or the oldest that the pattern fits; see {@link Self.receive}. */
  override receive<T = unknown>(): NowOrLater<T>;
  override receive<T = unknown>(options: ReceiveOptions): NowOrLater<T | 'timeout'>;
  override receive<T>(match: (message: unknown) => message is T): NowOrLater<T>;
  override receive<T>(
    match: (message: unknown) => message is T,
    options: ReceiveOptions,
  ): NowOrLater<T | 'timeout'>;
  override receive<K extends string>(
    match: K | ({ readonly type: K } & Readonly<Record<string, unknown>>),
  ): NowOrLater<OfType<unknown, K>>;
  override receive<K extends string>(
    match: K | ({ readonly type: K } & Readonly<Record<string, unknown>>),
    options: ReceiveOptions,
  ): NowOrLater<OfType<unknown, K> | 'timeout'>;
  override receive<T = unknown>(match: Pattern): NowOrLater<T>;
  override receive<T = unknown>(match: Pattern, options: ReceiveOptions): NowOrLater<T | 'timeout'>;
  override receive(
    pattern?: Pattern | ReceiveOptions,
    options?: { readonly after?: number | undefined },
  ): unknown {
    return this.take(pattern, options);
  }

  /** Takes everything out of the mailbox, as the Erlang shell's `flush()`. */
  override flush<T = unknown>(): T[];
  override flush(): unknown[] {
    return this.takeAll();
  }
}

/** What `spawn` takes: a function of the process's {@link Self}, or a blueprint such as a hosted machine. */
export type Spawnable<M> = ((self: Self<M>) => unknown) | Blueprint<M>;

/** How a process is spawned. */
export interface SpawnOptions {
  /** Registered before its first step; throws `badarg` when taken. */
  readonly name?: string;
  /** Linked to its parent, before its first step. */
  readonly link?: boolean;
  readonly trapExit?: boolean;
  /** Name for observers; the function's name by default. */
  readonly label?: string;
}

/** What `processInfo` tells. */
export interface ProcessInfo {
  readonly pid: Pid<unknown>;
  readonly name: string | undefined;
  /** Behaviour or function name. */
  readonly kind: string;
  readonly status: ProcessStatus;
  readonly parent: Pid<unknown> | undefined;
  readonly messageQueueLength: number;
  readonly links: readonly Pid[];
  /** Pids, and names that were monitored as such. */
  readonly monitors: readonly (Pid | string)[];
  readonly monitoredBy: readonly Pid[];
  readonly trapExit: boolean;
  /** Messages handled. */
  readonly reductions: number;
  /** Bytes, estimated: the process, its mailbox with what the messages carry, what its state says that it holds. */
  readonly memory: number;
  /** A gen-server's state, a machine's context. */
  readonly context: unknown;
}

/**
 * A node: its processes, their names, timers and scheduler, in the actor system of one root actor. It stands in this file
 * since a process's view of the runtime leads to the node, and the node's `spawn` to such a view.
 */
export interface Node extends Home<Process> {
  /** @internal */ readonly delayedEvents: DelayedEvents;

  /** A process without a parent. */
  spawn<M>(body: Spawnable<M>, options?: SpawnOptions): Pid<M>;

  /**
   * A process for top-level code: it can send, receive, link and monitor like any other. It takes every message, and
   * with `M` says which; nobody checks what is sent to it, as everywhere.
   */
  shell(options?: SpawnOptions): Shell;
  shell<M>(options?: SpawnOptions): Self<M>;

  /** An exit signal from outside of any process. */
  exit(pid: Pid<never>, reason: Reason): void;

  isAlive(pid: Pid<never>): boolean;
  /** All living processes, oldest first. */
  processes(): Pid<unknown>[];

  /** Number of living processes. */
  readonly processCount: number;

  /** What there is to know of a living process; undefined for a dead one. */
  processInfo(pid: Pid<never>): ProcessInfo | undefined;

  /** The messages that wait, oldest first. */
  mailboxOf(pid: Pid<never>): unknown[];

  send<T>(to: Pid<T> | string, message: NoInfer<T>): void;
  /** A call from code that is no process; fails like `self.call`. */
  call<R = unknown>(to: Pid<never> | string, request: unknown, timeout?: number): Promise<R>;

  /**
   * A call from code that is no process and that does not fail: `otherwise` makes an answer of the failure, or a promise
   * of one. Cheaper than to catch it.
   */
  callOr<R = unknown>(
    to: Pid<never> | string,
    request: unknown,
    timeout: number,
    otherwise: (failure: Exit) => R | Promise<R>,
  ): Promise<R>;

  /**
   * As {@link callOr} without a time-out, but carried out at once if the gen-server waits, its mailbox is empty, and this
   * is its first such call in this turn of the event loop: then an answer that it gives at once is the result itself, and
   * no promise is made. Further ones of the turn stand in the mailbox together, so that the server may take them as one.
   */
  callNow<R = unknown>(to: Pid<never>, request: unknown, otherwise: (failure: Exit) => R): R | Promise<R>;

  cast(to: Pid<never> | string, request: unknown): void;
  /**
   * Has an I/O callback run as a turn of its own in a gen-server's process: `run(target, argument)`, at once
   * when nothing else is running and no message waits, else in its order with the messages. What it throws
   * is the process's crash; it may answer as `handleInfo` does. No closure and no message is made on the way.
   * False when the process is dead.
   */
  ioTurn<T, A>(pid: Pid<never>, run: (target: T, argument: A) => unknown, target: T, argument: A): boolean;

  /**
   * An {@link ioTurn} in the next turn of the event loop, when I/O that is ready has had its chance: for a process
   * that has done enough in this one and would only go on.
   */
  ioTurnLater<T, A>(pid: Pid<never>, run: (target: T, argument: A) => unknown, target: T, argument: A): void;

  /** Runs `go`, outside of any process, when what can run now and I/O that is ready have had their turn. */
  afterIo(go: () => void): void;

  /** True when an {@link ioTurn} for this process would run at once, and not after what it has to do already. */
  isIdle(pid: Pid<never>): boolean;

  sendAfter<T>(ms: number, to: Pid<T> | string, message: NoInfer<T>): Ref;
  /** The names in use. */
  registered(): string[];

  /** Ends every process (`shutdown`, then `kill`) and the root actor. */
  stop(): void;

  /** @internal */
  spawnFrom<M>(parent: Process | undefined, body: Spawnable<M>, options?: SpawnOptions): Pid<M>;

  /** @internal A process with this body, in the run queue. */
  launch(body: Body, parent: Process | undefined, options: SpawnOptions): Process;

  /** @internal A call waits: should its caller be no process, a simulated clock is told. */
  watch(caller: Caller | undefined, call: Call): void;

  /** @internal An actor of a machine stands for this process; the machine's process is `host`. */
  setProxy(process: Process, proxy: AnyActorRef, host: Process | undefined): void;

  /** @internal The process for which an actor in a machine stands. */
  standIn(actor: object): Process | undefined;
}
