/**
 * A process's view of the runtime. It is passed as a parameter to every body and callback: a module-level
 * "current process" would be wrong after the first await.
 */

import { inspect } from 'node:util';
import { CALL_TIMEOUT } from './call.js';
import type { Reason } from './exit.js';
import { Exit, exited, RuntimeError } from './exit.js';
import type { Message } from './messages.js';
import { DownMessage, ExitMessage } from './messages.js';
import { Monitor } from './monitor.js';
import type { Node, Spawnable, SpawnOptions } from './node.js';
import { Pid } from './pid.js';
import type { Process } from './process.js';
import { EXITED } from './process.js';
import type { Ref } from './ref.js';
import { checkDuration } from './timers.js';

/** For `receive`: give up after so many milliseconds; 0 takes only what is there. */
export interface ReceiveOptions {
  readonly after: number;
}

/** The messages of `M` whose `type` is `K`. */
export type OfType<M, K extends string> = unknown extends M ? Message<K> : Extract<M, { readonly type: K }>;

/** A selective pattern: the message's `type`, a predicate, or fields that must be the same. */
export type Pattern = string | ((message: never) => boolean) | Readonly<Record<string, unknown>>;

/** @internal Says whether a message is the one that is waited for. */
export type Matcher = (message: unknown) => boolean;

/** @internal A body that can receive. */
export interface Receiver {
  receive(process: Process, matcher: Matcher | undefined, after: number): unknown;
  flush(process: Process): unknown[];
}

/** What a body or callback works with. Every method throws {@link Exited} once the process has ended. */
export class Self<in out M = unknown> {
  /** @internal */ readonly process: Process;
  readonly #receiver: Receiver | undefined;

  constructor(process: Process, receiver: Receiver | undefined) {
    this.process = process;
    this.#receiver = receiver;
  }

  /** The address of this process. */
  get pid(): Pid<M> {
    return this.process;
  }

  get node(): Node {
    return this.process.home;
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
    return this.process.home.spawnFrom(this.process, body, options);
  }

  /** The link stands before the child's first step. */
  spawnLink<T>(body: Spawnable<T>, options?: SpawnOptions): Pid<T> {
    this.process.guard();
    return this.process.home.spawnFrom(this.process, body, { ...options, link: true });
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
    rare.owned ??= new Map();
    rare.owned.set(resource, { resource, close: () => close(resource) });
    return resource;
  }

  /** Ends the ownership without closing. */
  disown(resource: unknown): boolean {
    return this.process.rare?.owned?.delete(resource) ?? false;
  }
}

/** What stands in tables of links and monitors is a pid: anything else would break the death of a process. */
function pidOf(to: Pid<never>): Pid<never> {
  if (!(to instanceof Pid)) throw new RuntimeError('badarg', `${inspect(to)} is no pid`);
  return to;
}

function isReceiveOptions(pattern: Pattern | ReceiveOptions): pattern is ReceiveOptions {
  return typeof pattern === 'object' && !('type' in pattern) && 'after' in pattern;
}

function isPredicate(pattern: object): pattern is Matcher {
  return typeof pattern === 'function';
}

function matcherOf(pattern: Pattern | ReceiveOptions): Matcher {
  if (typeof pattern === 'string') {
    return (message) =>
      typeof message === 'object' && message !== null && 'type' in message && message.type === pattern;
  }
  if (isPredicate(pattern)) return pattern;
  const fields = Object.entries(pattern);
  return (message) =>
    typeof message === 'object' &&
    message !== null &&
    fields.every(([field, value]) => Reflect.get(message, field) === value);
}
