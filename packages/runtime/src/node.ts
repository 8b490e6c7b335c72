/**
 * A node: a genuine xstate root actor with its actor system, the table of processes, their names, timers and
 * scheduler.
 */

import { inspect } from 'node:util';
import type { AnyActorRef } from 'xstate';
import { createActor, fromTransition } from 'xstate';
import { AsyncBody, ShellBody } from './async-body.js';
import { Blueprint } from './blueprint.js';
import type { Call, Caller } from './call.js';
import { CALL_TIMEOUT, ImmediateCall, startCall } from './call.js';
import type { Clock, SchedulerHooks } from './clock.js';
import { systemClock, systemHooks } from './clock.js';
import { DelayedEvents } from './delayed-events.js';
import type { Reason } from './exit.js';
import { type Exit, RuntimeError, reasonOf } from './exit.js';
import { asEvent, Inspection, isActor } from './inspection.js';
import type { Logger } from './logger.js';
import { harmless, stderrLogger } from './logger.js';
import { memoryOf } from './memory.js';
import { Cast, IoTurn, ioEvent } from './messages.js';
import { OutsidePid } from './outside-pid.js';
import { listed } from './owned-resource.js';
import type { Pid } from './pid.js';
import type { Body } from './process.js';
import { EXITED, Process, WAITING } from './process.js';
import { NamedSendTimer, ProcessTimer, SendTimer } from './process-timer.js';
import type { Ref } from './ref.js';
import { crashReport } from './report.js';
import { Scheduler } from './scheduler.js';
import { type Node, type ProcessInfo, type Self, Shell, type Spawnable, type SpawnOptions } from './self.js';
import { checkDuration, Timeout, Timers } from './timers.js';
import type { System } from './xstate-internals.js';
import { SystemDoor } from './xstate-internals.js';

/** How a node is made. */
export interface NodeOptions {
  /** Shown by `pid.node`; `nonode@nohost` by default. */
  readonly name?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly scheduler?: SchedulerHooks;
}

const nodes = new WeakMap<System, Node>();

/** The node of an actor system, if it is one of ours. */
export function nodeOf(system: System): Node | undefined {
  return nodes.get(system);
}

const DEFAULT_NAME = 'nonode@nohost';

class LocalNode implements Node {
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The root actor. */
  readonly root: AnyActorRef;
  /** The actor system of every process, machine and their children. */
  readonly system: System;
  readonly scheduler: Scheduler;
  readonly timers: Timers;
  readonly delayedEvents: DelayedEvents;
  /** Whom exit signals from outside of any process come from: `<0.0.0>`. */
  readonly outside: Pid<never>;
  readonly #door: SystemDoor;
  #oldest: Process | undefined = undefined;
  #youngest: Process | undefined = undefined;
  #population = 0;
  /** Actors inside machines that stand for a process. */
  readonly #proxies = new WeakMap<AnyActorRef, Process>();
  #serial = 0;
  /** @internal */ readonly inspection: Inspection;
  readonly #dying: Process[] = [];
  #burying = false;
  #stopped = false;

  constructor(options: NodeOptions = {}) {
    this.name = options.name ?? DEFAULT_NAME;
    this.clock = options.clock ?? systemClock;
    this.logger = harmless(options.logger ?? stderrLogger);
    this.outside = new OutsidePid(this.name);
    this.scheduler = new Scheduler(options.scheduler ?? systemHooks);
    this.timers = new Timers(this.clock, () => this.scheduler.newTurn());
    const root = createActor(
      fromTransition((state: undefined) => state, undefined),
      { clock: this.clock, logger: (...args: unknown[]) => this.logger.info({ args }, 'log'), id: this.name },
    );
    this.root = root;
    this.system = root.system;
    this.#door = new SystemDoor(this.system);
    this.delayedEvents = new DelayedEvents(this.timers, this.#door);
    this.#door.replaceScheduler(this.delayedEvents.asScheduler());
    this.inspection = new Inspection(this.#door, root.sessionId, this.logger, () => this.#living());
    nodes.set(this.system, this);
    root.start();
  }

  // ── Processes ───────────────────────────────────────────────────────────────────────────────────────

  /** A process without a parent. */
  spawn<M>(body: Spawnable<M>, options?: SpawnOptions): Pid<M> {
    return this.spawnFrom(undefined, body, options);
  }

  /**
   * A process for top-level code: it can send, receive, link and monitor like any other. It takes every message, and
   * with `M` says which; nobody checks what is sent to it, as everywhere.
   */
  shell(options?: SpawnOptions): Shell;
  shell<M>(options?: SpawnOptions): Self<M>;
  shell(options: SpawnOptions = {}): Shell {
    const body = new ShellBody<unknown>(this);
    const process = this.launch(body, undefined, { ...options });
    return new Shell(process, body, this);
  }

  /** An exit signal from outside of any process. */
  exit(pid: Pid<never>, reason: Reason): void {
    pid.signal(this.outside, reason, 'exit');
  }

  isAlive(pid: Pid<never>): boolean {
    return pid instanceof Process && pid.state !== EXITED;
  }

  /** All living processes, oldest first. */
  processes(): Pid<unknown>[] {
    return this.#living();
  }

  /** Number of living processes. */
  get processCount(): number {
    return this.#population;
  }

  /** What there is to know of a living process; undefined for a dead one. */
  processInfo(pid: Pid<never>): ProcessInfo | undefined {
    if (!(pid instanceof Process) || pid.state === EXITED) return undefined;
    return {
      pid,
      name: pid.name,
      kind: pid.body.kind,
      status: pid.status,
      parent: pid.parent,
      messageQueueLength: pid.queueLength,
      links: pid.links(),
      monitors: pid.watching().map((m) => m.name ?? m.target ?? ''),
      monitoredBy: pid
        .watchers()
        .map((m) => m.watcher)
        .filter((watcher): watcher is Process => watcher instanceof Process),
      trapExit: pid.trapExit,
      reductions: pid.reductions,
      memory: memoryOf(pid),
      context: pid.body.context(pid),
    };
  }

  /** The messages that wait, oldest first. */
  mailboxOf(pid: Pid<never>): unknown[] {
    return pid instanceof Process ? (pid.mailbox?.toArray() ?? []) : [];
  }

  // ── Messages from outside of any process ────────────────────────────────────────────────────────────

  send<T>(to: Pid<T> | string, message: NoInfer<T>): void {
    this.sendFrom(undefined, typeof to === 'string' ? this.named(to) : to, message);
  }

  /** A call from code that is no process; fails like `self.call`. */
  call<R = unknown>(to: Pid<never> | string, request: unknown, timeout: number = CALL_TIMEOUT): Promise<R> {
    return this.request<R>(undefined, to, request, timeout);
  }

  /**
   * A call from code that is no process and that does not fail: `otherwise` makes an answer of the failure, or a promise
   * of one. Cheaper than to catch it.
   */
  callOr<R = unknown>(
    to: Pid<never> | string,
    request: unknown,
    timeout: number,
    otherwise: (failure: Exit) => R | Promise<R>,
  ): Promise<R> {
    return this.request<R>(undefined, to, request, timeout, otherwise);
  }

  callNow<R = unknown>(to: Pid<never>, request: unknown, otherwise: (failure: Exit) => R): R | Promise<R> {
    const { scheduler } = this;
    if (
      !(to instanceof Process) ||
      to.body.callNow === undefined ||
      to.turnOfCall === scheduler.turn ||
      this.inspection.on ||
      !this.isIdle(to) ||
      !scheduler.allowsImmediate()
    )
      return this.request<R>(undefined, to, request, Number.POSITIVE_INFINITY, otherwise);
    const from = new ImmediateCall(to);
    scheduler.running = true;
    to.runCall(request, from);
    scheduler.running = false;
    scheduler.charge(1);
    // The answer's type is the caller's claim, as in `request`.
    if (from.answered) return from.answer as R;
    return this.request<R>(undefined, to, request, Number.POSITIVE_INFINITY, otherwise, from);
  }

  cast(to: Pid<never> | string, request: unknown): void {
    this.castFrom(undefined, to, request);
  }

  /**
   * Has an I/O callback run as a turn of its own in a gen-server's process: `run(target, argument)`, at once
   * when nothing else is running and no message waits, else in its order with the messages. What it throws
   * is the process's crash; it may answer as `handleInfo` does. No closure and no message is made on the way.
   * False when the process is dead.
   */
  ioTurn<T, A>(pid: Pid<never>, run: (target: T, argument: A) => unknown, target: T, argument: A): boolean {
    if (!(pid instanceof Process)) throw new RuntimeError('badarg', `${pid} is not on this node`);
    if (pid.state === EXITED) return false;
    const { scheduler } = this;
    if (pid.body.turn === undefined) throw new RuntimeError('badarg', `${pid} is no gen-server`);
    if (!this.isIdle(pid)) {
      if (!scheduler.running) scheduler.newTurn();
      pid.hear(undefined, new IoTurn(run, target, argument));
      return true;
    }
    if (this.inspection.on) this.inspection.sent(undefined, pid, ioEvent(run));
    scheduler.newTurn();
    scheduler.running = true;
    pid.runTurn(run, target, argument);
    scheduler.running = false;
    scheduler.charge(1);
    return true;
  }

  /**
   * An {@link ioTurn} in the next turn of the event loop, when I/O that is ready has had its chance: for a process
   * that has done enough in this one and would only go on.
   */
  ioTurnLater<T, A>(pid: Pid<never>, run: (target: T, argument: A) => unknown, target: T, argument: A): void {
    this.scheduler.afterIo(() => this.ioTurn(pid, run, target, argument));
  }

  /** Runs `go`, outside of any process, when what can run now and I/O that is ready have had their turn. */
  afterIo(go: () => void): void {
    this.scheduler.afterIo(go);
  }

  /** True when an {@link ioTurn} for this process would run at once, and not after what it has to do already. */
  isIdle(pid: Pid<never>): boolean {
    return (
      pid instanceof Process && !this.scheduler.running && pid.state === WAITING && pid.queueLength === 0
    );
  }

  sendAfter<T>(ms: number, to: Pid<T> | string, message: NoInfer<T>): Ref {
    return this.sendAfterFrom(undefined, ms, to, message);
  }

  /** @internal */
  sendAfterFrom(source: Process | undefined, ms: number, to: Pid<never> | string, message: unknown): Ref {
    checkDuration(ms);
    if (typeof to === 'string') {
      const timer = new NamedSendTimer(this, source, to, message);
      this.timers.start(timer, ms);
      return timer;
    }
    if (!(to instanceof Process)) throw new RuntimeError('badarg', `${to} is not on this node`);
    const timer = new SendTimer(source, to, message);
    if (to.state !== EXITED) timer.begin(ms);
    return timer;
  }

  cancelTimer(timer: Ref): number | false {
    if (timer instanceof ProcessTimer) return timer.end();
    return timer instanceof NamedSendTimer ? this.timers.cancel(timer) : false;
  }

  readTimer(timer: Ref): number | false {
    return timer instanceof Timeout ? this.timers.remaining(timer) : false;
  }

  // ── Names: xstate's keyed actors, so that `system.get(name)` finds them ─────────────────────────────

  whereis(name: string): Process | undefined {
    const actor: unknown = this.system.get(name);
    if (actor instanceof Process) return actor;
    return typeof actor === 'object' && actor !== null ? this.standIn(actor) : undefined;
  }

  register(name: string, pid: Pid<never>): void {
    if (!(pid instanceof Process) || pid.state === EXITED || pid.name !== undefined || name === 'undefined') {
      throw new RuntimeError('badarg', `register ${name}`);
    }
    if (this.system.get(name) !== undefined) throw new RuntimeError('badarg', `the name ${name} is taken`);
    this.#door.setKey(name, pid);
    pid.name = name;
  }

  unregister(name: string): void {
    const process = this.whereis(name);
    if (process?.name !== name) throw new RuntimeError('badarg', `nobody is registered as ${name}`);
    this.#door.dropKey(process);
    process.name = undefined;
  }

  /** The names in use. */
  registered(): string[] {
    return Object.keys(this.system.getAll());
  }

  // ── The end ─────────────────────────────────────────────────────────────────────────────────────────

  /** Ends every process (`shutdown`, then `kill`) and the root actor. */
  stop(): void {
    this.#stopped = true;
    for (const reason of ['shutdown', 'kill']) {
      for (const process of this.#living().reverse()) process.signal(this.outside, reason, 'exit');
    }
    this.timers.clear();
    if (this.root.getSnapshot().status === 'active') this.root.stop();
    if (fallback === this) fallback = undefined;
  }

  // ── Inside the runtime ──────────────────────────────────────────────────────────────────────────────

  /** @internal */
  spawnFrom<M>(parent: Process | undefined, body: Spawnable<M>, options: SpawnOptions = {}): Pid<M> {
    if (typeof body !== 'function' && !(body instanceof Blueprint)) {
      throw new RuntimeError('badarg', `${inspect(body)} is no body of a process`);
    }
    const made =
      body instanceof Blueprint ? body.create() : new AsyncBody<M>(this, body, options.label ?? body.name);
    return this.launch(made, parent, options);
  }

  /** @internal A process with this body, in the run queue. */
  launch(body: Body, parent: Process | undefined, options: SpawnOptions): Process {
    if (this.#stopped) throw new RuntimeError('system_limit', 'the node has stopped');
    if (options.name !== undefined && this.system.get(options.name) !== undefined) {
      throw new RuntimeError('badarg', `the name ${options.name} is taken`);
    }
    this.#serial += 1;
    const process = new Process(this, this.#serial, body, parent, options.trapExit === true);
    this.#enter(process);
    if (options.name !== undefined) {
      this.#door.setKey(options.name, process);
      process.name = options.name;
    }
    if (options.link === true && parent !== undefined) {
      process.addLink(parent);
      parent.addLink(process);
    }
    if (this.inspection.on) this.inspection.started(process);
    process.wake();
    return process;
  }

  /** @internal */
  sendFrom(source: Process | undefined, to: Pid<never>, message: unknown): void {
    if (this.inspection.on && to instanceof Process) this.inspection.sent(source, to, message);
    to.deliver(message);
  }

  /** @internal */
  castFrom(source: Process | undefined, to: Pid<never> | string, request: unknown): void {
    const target = typeof to === 'string' ? this.whereis(to) : to;
    if (target === undefined) return;
    if (this.inspection.on) this.sendFrom(source, target, new Cast(request));
    else target.deliver(new Cast(request));
  }

  /** @internal */
  request<R>(
    caller: Caller | undefined,
    to: Pid<never> | string,
    request: unknown,
    timeout: number,
    otherwise?: (failure: Exit) => R | Promise<R>,
    begun?: ImmediateCall,
  ): Promise<R> {
    const target = typeof to === 'string' ? this.whereis(to) : to;
    checkDuration(timeout);
    if (target === undefined && typeof to !== 'string') throw new RuntimeError('badarg', 'a call to nobody');
    if (this.inspection.on && target instanceof Process) {
      const source = caller instanceof Process ? caller : undefined;
      this.inspection.sent(source, target, { type: '$gen_call', request });
    }
    // The answer's type is the caller's claim: nothing at run time could prove it.
    return startCall(
      caller,
      target,
      to,
      request,
      this.timers,
      timeout,
      otherwise,
      this.clock.waits === undefined || isProcess(caller) ? undefined : (call) => this.watch(caller, call),
      begun,
    ) as Promise<R>;
  }

  /** @internal A call waits: should its caller be no process, a simulated clock is told. */
  watch(caller: Caller | undefined, call: Call): void {
    if (isProcess(caller)) return;
    this.clock.waits?.({
      describe: () => call.describe(),
      get over() {
        return call.over;
      },
      fail: (error) => call.abandon(error),
    });
  }

  /** @internal The bearer of a name, or `badarg`. */
  named(name: string): Process {
    const process = this.whereis(name);
    if (process === undefined) throw new RuntimeError('badarg', `nobody is registered as ${name}`);
    return process;
  }

  /**
   * @internal Ends a process. Exits spread over a worklist, not the stack: a chain of 100,000 links would
   * overflow it.
   */
  terminate(process: Process, reason: Reason): void {
    if (process.state === EXITED) return;
    process.markExited(reason);
    if (this.#burying) {
      this.#dying.push(process);
      return;
    }
    this.#burying = true;
    this.#bury(process);
    const dying = this.#dying;
    if (dying.length > 0) {
      for (let i = 0; i < dying.length; i += 1) {
        const next = dying[i];
        if (next !== undefined) this.#bury(next);
      }
      dying.length = 0;
    }
    this.#burying = false;
  }

  #bury(process: Process): void {
    this.#leave(process);
    if (process.name !== undefined) {
      this.#door.dropKey(process);
      process.name = undefined;
    }
    for (let timer = process.timers; timer !== undefined; timer = process.timers) timer.drop();
    this.delayedEvents.cancelAll(process);
    process.notifyAll(process.reason);
    // What is user code runs from the scheduler, never in whoever sent the signal.
    if (process.rare !== undefined || process.body.ended !== undefined || this.inspection.on) {
      this.scheduler.enqueue(process);
    }
  }

  /** @internal After the end, from the scheduler: resources, abort listeners, observers, parts. */
  cleanUp(process: Process): void {
    const { rare, reason, body } = process;
    process.rare = undefined;
    if (process.cleaned) return;
    process.cleaned = true;
    body.ended?.(process, reason);
    if (this.inspection.on) this.inspection.changed(process, { type: 'exit', reason });
    if (rare === undefined) return;
    for (const owned of listed(rare.owned)) this.#safely(process, () => owned.close());
    const { abort, face, proxy } = rare;
    if (abort !== undefined) this.#safely(process, () => abort.abort(reason));
    face?.end(process.getSnapshot());
    if (proxy?.getSnapshot().status === 'active') {
      this.#door.relay(process, proxy, asEvent({ type: PROCESS_EXIT, reason, output: process.output }));
    }
  }

  /** @internal Somebody wants to hear of this process's changes. */
  observing(process: Process): boolean {
    return this.inspection.on || process.rare?.face?.observed === true;
  }

  /** @internal The process has handled `message`: tells inspectors and observers. */
  changed(process: Process, message: unknown): void {
    if (this.inspection.on) this.inspection.changed(process, message);
    if (process.rare?.face?.observed === true) process.rare.face.next(process.getSnapshot());
  }

  /** @internal What a slot or turn threw past its body: it ends its own process, as any crash does. */
  failed(process: Process, error: unknown): void {
    if (process.state === EXITED) return;
    const reason = reasonOf(error);
    this.reportCrash(process, reason, undefined);
    this.terminate(process, reason);
  }

  /** @internal The crash report of a process that failed. */
  reportCrash(process: Process, reason: Reason, lastMessage: unknown): void {
    try {
      crashReport(this.logger, process, reason, lastMessage);
    } catch {
      // A logger that throws must not take a process along.
    }
  }

  /** @internal An actor of a machine stands for this process; the machine's process is `host`. */
  setProxy(process: Process, proxy: AnyActorRef, host: Process | undefined): void {
    const rare = process.rarely();
    rare.proxy = proxy;
    rare.host = host;
    this.#proxies.set(proxy, process);
  }

  #enter(process: Process): void {
    const youngest = this.#youngest;
    process.older = youngest;
    if (youngest === undefined) this.#oldest = process;
    else youngest.younger = process;
    this.#youngest = process;
    this.#population += 1;
  }

  #leave(process: Process): void {
    const { older, younger } = process;
    if (older === undefined) this.#oldest = younger;
    else older.younger = younger;
    if (younger === undefined) this.#youngest = older;
    else younger.older = older;
    process.older = undefined;
    process.younger = undefined;
    this.#population -= 1;
  }

  #living(): Process[] {
    const all: Process[] = [];
    for (let p = this.#oldest; p !== undefined; p = p.younger) all.push(p);
    return all;
  }

  /** @internal The process for which an actor in a machine stands. */
  standIn(actor: object): Process | undefined {
    return isActor(actor) ? this.#proxies.get(actor) : undefined;
  }

  #safely(process: Process, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.logger.error({ process: process.id, err: error }, 'cleaning up after a process threw');
    }
  }
}

/** A process's wait is its own affair: it may wait for ever. A shell is code that is no process. */
function isProcess(caller: Caller | undefined): boolean {
  return caller instanceof Process && caller.body.kind !== 'shell';
}

/** What the actor that stands for a process is told at the end of it. */
export const PROCESS_EXIT = 'process.exit';

let fallback: Node | undefined;

/** Makes a node. */
export function createNode(options?: NodeOptions): Node {
  return new LocalNode(options);
}

/** The node of this thread for those who do not care, made on first use. */
export function defaultNode(): Node {
  fallback ??= new LocalNode();
  return fallback;
}
