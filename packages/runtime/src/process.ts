/**
 * A process: mailbox, links, monitors, state. It is the pid that others hold and, in xstate's terms, an
 * actor of the node's actor system. What it does is its {@link Body}'s affair.
 *
 * Monitors, calls and timers stand in lists by fields of their own, so that each is entered and taken out in constant time
 * without an object more. The few lines of such a list stand here three times, and in `process-timer.ts`, `timers.ts` and
 * `node.ts`: most members are in two lists at once, so that no two lists can share their fields.
 */
import type { ActorRef, AnyActorRef, EventObject, Observer, Snapshot, Subscription } from 'xstate';
import type { ProcessSnapshot } from './actor-face.js';
import { ActorFace } from './actor-face.js';
import type { Caller, From } from './call.js';
import type { Reason } from './exit.js';
import { exited } from './exit.js';
import type { Home } from './home.js';
import { Mailbox } from './mailbox.js';
import { ExitMessage } from './messages.js';
import type { Monitor, Watcher } from './monitor.js';
import type { OwnedResource } from './owned-resource.js';
import type { CallHolder, PendingCall, SignalCause, TargetedMonitor } from './pid.js';
import { Pid } from './pid.js';
import type { Runnable } from './scheduler.js';
import type { System } from './xstate-internals.js';

/** In which of its states a process is. */
export type ProcessStatus = 'waiting' | 'runnable' | 'running' | 'suspended' | 'exited';

/** Waits for a message. */
export const WAITING: number = 0;
/** Stands in the run queue. */
export const RUNNABLE = 1;
/** Its code is on the stack, or its async body is on its way. */
export const RUNNING = 2;
/** A callback has returned a promise: no message is taken before it settles. */
export const SUSPENDED = 3;
/** Has ended. */
export const EXITED = 4;

const STATUS: readonly ProcessStatus[] = ['waiting', 'runnable', 'running', 'suspended', 'exited'];

/** What a process does: one of the behaviours. Its methods are called from the scheduler only. */
export interface Body {
  /** For observers: which behaviour, and of what. */
  readonly kind: string;
  /** A slot: take messages until none is left or the budget is spent. Must not throw. */
  slot(process: Process): void;
  /** An I/O callback as a turn of its own; the process waits and its mailbox is empty. Must not throw. */
  turn?<T, A>(process: Process, run: (target: T, argument: A) => unknown, target: T, argument: A): void;
  /** A call as a turn of its own; the process waits and its mailbox is empty. Must not throw. */
  callNow?(process: Process, request: unknown, from: From): void;
  /** The process has ended; stop parts. Runs from the scheduler. */
  ended?(process: Process, reason: Reason): void;
  /** What inspectors see while it lives. */
  context(process: Process): unknown;
  /** The snapshot, for bodies that keep one. */
  snapshot?(): Snapshot<unknown>;
}

/** A timer that dies with its process. */
export interface OwnTimer {
  /** The process's other timers. */
  earlierOfProcess: OwnTimer | undefined;
  laterOfProcess: OwnTimer | undefined;
  /** Cancels it. */
  drop(): void;
}

/** What few processes have. */
export interface RarelyNeeded {
  abort: AbortController | undefined;
  /** The latest of what it owns. */
  owned: OwnedResource | undefined;
  face: ActorFace | undefined;
  /** The actor in a machine that stands for this process, and the process whose machine that is. */
  proxy: AnyActorRef | undefined;
  host: Process | undefined;
}

/** @internal */
export class Process
  extends Pid<unknown>
  implements ActorRef<ProcessSnapshot, EventObject>, Runnable, Watcher, CallHolder, Caller
{
  readonly home: Home<Process>;
  readonly serial: number;
  readonly body: Body;
  parent: Process | undefined;
  trapExit: boolean;
  state: number = WAITING;
  reductions = 0;
  mailbox: Mailbox | undefined = undefined;
  name: string | undefined = undefined;
  reason: Reason = undefined;
  output: unknown = undefined;
  /** The first link; most processes have one only. */
  #link: Pid | undefined = undefined;
  #links: Set<Pid> | undefined = undefined;
  #watching: Monitor | undefined = undefined;
  #watchers: TargetedMonitor | undefined = undefined;
  #calls: PendingCall | undefined = undefined;
  /** The scheduler's turn in which a call was last carried out at once. */
  turnOfCall = -1;
  /** Timers whose message would come here. */
  timers: OwnTimer | undefined = undefined;
  rare: RarelyNeeded | undefined = undefined;
  /** Its resources are closed and its observers told. */
  cleaned = false;
  /** @internal The node's list of living processes. A Map costs five times as much per spawn and exit. */
  older: Process | undefined = undefined;
  /** @internal */ younger: Process | undefined = undefined;

  constructor(
    home: Home<Process>,
    serial: number,
    body: Body,
    parent: Process | undefined,
    trapExit: boolean,
  ) {
    super();
    this.home = home;
    this.serial = serial;
    this.body = body;
    this.parent = parent;
    this.trapExit = trapExit;
  }

  get node(): string {
    return this.home.name;
  }

  get pid(): Pid<unknown> {
    return this;
  }

  get alive(): boolean {
    return this.state !== EXITED;
  }

  get status(): ProcessStatus {
    return STATUS[this.state] ?? 'exited';
  }

  get queueLength(): number {
    return this.mailbox === undefined ? 0 : this.mailbox.length;
  }

  rarely(): RarelyNeeded {
    this.rare ??= { abort: undefined, owned: undefined, face: undefined, proxy: undefined, host: undefined };
    return this.rare;
  }

  // ── Messages ────────────────────────────────────────────────────────────────────────────────────────

  deliver(message: unknown): void {
    if (this.state === EXITED) return;
    if (this.mailbox === undefined) this.mailbox = new Mailbox();
    this.mailbox.push(message);
    if (this.state === WAITING) this.wake();
  }

  /** Delivers what a process (or nobody that can be named) has sent, and tells inspectors. */
  hear(source: Pid | undefined, message: unknown): void {
    if (this.home.inspection.on)
      this.home.inspection.sent(source instanceof Process ? source : undefined, this, message);
    this.deliver(message);
  }

  /** Puts a waiting process into the run queue. */
  wake(): void {
    if (this.state !== WAITING) return;
    this.state = RUNNABLE;
    this.home.scheduler.enqueue(this);
  }

  /** After a slot or a turn: back into the queue if messages wait, else to sleep. */
  rest(): void {
    this.state = WAITING;
    if (this.mailbox !== undefined && this.mailbox.length > 0) this.wake();
  }

  runSlot(): void {
    if (this.state === EXITED) {
      this.home.cleanUp(this);
      return;
    }
    this.state = RUNNING;
    try {
      this.body.slot(this);
    } catch (error) {
      this.home.failed(this, error);
    }
  }

  /** An I/O turn: see `Node.ioTurn`. */
  runTurn<T, A>(run: (target: T, argument: A) => unknown, target: T, argument: A): void {
    try {
      this.body.turn?.(this, run, target, argument);
    } catch (error) {
      this.home.failed(this, error);
    }
  }

  /** A call carried out at once. */
  runCall(request: unknown, from: From): void {
    this.turnOfCall = this.home.scheduler.turn;
    try {
      this.body.callNow?.(this, request, from);
    } catch (error) {
      this.home.failed(this, error);
    }
  }

  /** Every runtime call of a process begins here: one that has ended must unwind. */
  guard(): void {
    if (this.state === EXITED) throw exited(this.reason);
  }

  // ── Signals ─────────────────────────────────────────────────────────────────────────────────────────

  signal(from: Pid, reason: Reason, cause: SignalCause): void {
    if (this.state === EXITED) return;
    if (cause === 'link') {
      if (!this.removeLink(from)) return;
      // The machine of a process learns of what it invoked through the actor that stands for it.
      if (from instanceof Process && from.rare?.host === this) return;
    } else if (reason === 'kill') {
      this.home.terminate(this, 'killed');
      return;
    }
    if (this.trapExit) this.hear(from, new ExitMessage(from, reason));
    else if (reason !== 'normal' || (from === this && cause === 'exit')) this.home.terminate(this, reason);
  }

  acceptLink(from: Pid): boolean {
    if (this.state === EXITED) return false;
    this.addLink(from);
    return true;
  }

  dropLink(from: Pid): void {
    this.removeLink(from);
  }

  addLink(to: Pid): void {
    if (this.#link === to) return;
    if (this.#link === undefined && this.#links === undefined) this.#link = to;
    else {
      this.#links ??= new Set();
      this.#links.add(to);
    }
  }

  removeLink(to: Pid): boolean {
    if (this.#link === to) {
      this.#link = undefined;
      return true;
    }
    return this.#links?.delete(to) ?? false;
  }

  hasLink(to: Pid): boolean {
    return this.#link === to || (this.#links?.has(to) ?? false);
  }

  links(): Pid[] {
    const links = this.#links === undefined ? [] : [...this.#links];
    if (this.#link !== undefined) links.unshift(this.#link);
    return links;
  }

  acceptMonitor(monitor: TargetedMonitor): void {
    if (this.state === EXITED) {
      monitor.fire('noproc');
      return;
    }
    const head = this.#watchers;
    monitor.laterOfTarget = head;
    if (head !== undefined) head.earlierOfTarget = monitor;
    this.#watchers = monitor;
  }

  dropMonitor(monitor: TargetedMonitor): void {
    const { earlierOfTarget: earlier, laterOfTarget: later } = monitor;
    if (earlier !== undefined) earlier.laterOfTarget = later;
    else if (this.#watchers === monitor) this.#watchers = later;
    if (later !== undefined) later.earlierOfTarget = earlier;
    monitor.earlierOfTarget = undefined;
    monitor.laterOfTarget = undefined;
  }

  /** Enters a monitor that this process has made. */
  keepMonitor(monitor: Monitor): void {
    const head = this.#watching;
    monitor.laterOfWatcher = head;
    if (head !== undefined) head.earlierOfWatcher = monitor;
    this.#watching = monitor;
  }

  forgetMonitor(monitor: Monitor): void {
    const { earlierOfWatcher: earlier, laterOfWatcher: later } = monitor;
    if (earlier !== undefined) earlier.laterOfWatcher = later;
    else if (this.#watching === monitor) this.#watching = later;
    if (later !== undefined) later.earlierOfWatcher = earlier;
    monitor.earlierOfWatcher = undefined;
    monitor.laterOfWatcher = undefined;
  }

  /** The monitors that this process holds. */
  watching(): Monitor[] {
    const all: Monitor[] = [];
    for (let m = this.#watching; m !== undefined; m = m.laterOfWatcher) all.push(m);
    return all;
  }

  /** The monitors that others hold on this process, oldest first. */
  watchers(): TargetedMonitor[] {
    const all: TargetedMonitor[] = [];
    for (let m = this.#watchers; m !== undefined; m = m.laterOfTarget) all.push(m);
    return all.reverse();
  }

  // ── Calls ───────────────────────────────────────────────────────────────────────────────────────────

  request(call: PendingCall): void {
    if (this.state === EXITED) {
      call.fail('noproc');
      return;
    }
    this.hold(call);
    this.deliver(call);
  }

  /** Enters a call that fails when this process ends, or has ended. */
  hold(call: PendingCall): void {
    if (this.state === EXITED) {
      call.fail(this.reason);
      return;
    }
    const head = this.#calls;
    call.holder = this;
    call.laterCall = head;
    if (head !== undefined) head.earlierCall = call;
    this.#calls = call;
  }

  forgetCall(call: PendingCall): void {
    const { earlierCall: earlier, laterCall: later } = call;
    if (earlier !== undefined) earlier.laterCall = later;
    else if (this.#calls === call) this.#calls = later;
    if (later !== undefined) later.earlierCall = earlier;
    call.holder = undefined;
    call.earlierCall = undefined;
    call.laterCall = undefined;
  }

  // ── The end ─────────────────────────────────────────────────────────────────────────────────────────

  /** Marks the process as ended: from here on it takes no message and its runtime calls throw. */
  markExited(reason: Reason): void {
    this.state = EXITED;
    this.reason = reason;
    this.mailbox = undefined;
  }

  /** Tells links, monitors and callers. Called once, by the node's exit worklist. */
  notifyAll(reason: Reason): void {
    for (let m = this.#watching; m !== undefined; m = this.#watching) {
      m.active = false;
      m.target?.dropMonitor(m);
      this.forgetMonitor(m);
    }
    const link = this.#link;
    const links = this.#links;
    this.#link = undefined;
    this.#links = undefined;
    if (link !== undefined) link.signal(this, reason, 'link');
    if (links !== undefined) for (const other of links) other.signal(this, reason, 'link');
    if (this.#watchers !== undefined) {
      const watchers = this.watchers();
      this.#watchers = undefined;
      for (const monitor of watchers) monitor.fire(reason);
    }
    for (let call = this.#calls; call !== undefined; call = this.#calls) {
      this.forgetCall(call);
      call.fail(reason);
    }
    this.parent = undefined;
  }

  // ── xstate's ActorRef ───────────────────────────────────────────────────────────────────────────────

  get sessionId(): string {
    return this.id;
  }

  get system(): System {
    return this.home.system;
  }

  get src(): string {
    return this.body.kind;
  }

  get _parent(): AnyActorRef {
    return this.parent ?? this.home.root;
  }

  get _processingStatus(): 1 | 2 {
    return this.state === EXITED ? 2 : 1;
  }

  send(event: EventObject): void {
    this.home.sendFrom(undefined, this, event);
  }

  /** xstate's own way to deliver, after the inspectors were told. */
  _send(event: EventObject): void {
    if (event.type === 'xstate.stop') this._stop();
    else this.deliver(event);
  }

  _stop(): void {
    this.signal(this, 'shutdown', 'exit');
  }

  start(): void {}

  stop(): void {
    this._stop();
  }

  getSnapshot(): ProcessSnapshot {
    if (this.body.snapshot !== undefined) return this.body.snapshot();
    const context = this.body.context(this);
    if (this.state !== EXITED) return { status: 'active', output: undefined, error: undefined, context };
    if (this.reason === 'normal') {
      return { status: 'done', output: this.output, error: undefined, context: undefined };
    }
    return { status: 'error', output: undefined, error: this.reason, context: undefined };
  }

  getPersistedSnapshot(): Snapshot<unknown> {
    return this.getSnapshot();
  }

  /** The observers of this process, made at the first of them. */
  face(): ActorFace {
    const rare = this.rarely();
    rare.face ??= new ActorFace(this.home.logger);
    return rare.face;
  }

  subscribe(
    next: Observer<ProcessSnapshot> | ((snapshot: ProcessSnapshot) => void) | undefined,
    error?: (error: unknown) => void,
    complete?: () => void,
  ): Subscription {
    const face = this.face();
    const subscription = face.subscribe(next, error, complete);
    if (this.state === EXITED) face.end(this.getSnapshot());
    return subscription;
  }

  on<T extends string>(type: T, handler: (emitted: EmittedEvent<T>) => void): Subscription {
    return this.face().on(type, (event) => {
      if (isEmitted(event, type)) handler(event);
    });
  }

  select<T>(
    selector: (snapshot: ProcessSnapshot) => T,
    equal: (a: T, b: T) => boolean = Object.is,
  ): { subscribe(observer: Observer<T> | ((value: T) => void)): Subscription; get(): T } {
    return {
      get: () => selector(this.getSnapshot()),
      subscribe: (observer) => {
        let previous = selector(this.getSnapshot());
        return this.subscribe((snapshot) => {
          const value = selector(snapshot);
          if (equal(previous, value)) return;
          previous = value;
          if (typeof observer === 'function') observer(value);
          else observer.next?.(value);
        });
      },
    };
  }

  [Symbol.observable](): this {
    return this;
  }
}

type EmittedEvent<T extends string> = EventObject & (T extends '*' ? unknown : { type: T });

function isEmitted<T extends string>(event: EventObject, type: T): event is EmittedEvent<T> {
  return type === '*' || event.type === type;
}
