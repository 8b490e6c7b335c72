/**
 * Any xstate logic as a process: machines, `fromTransition`, `fromPromise`, `fromCallback`. The logic's
 * functions are called with a scope of ours, whose `self` is the process: machine, pid and actor are one.
 */
import type { AnyActorLogic, AnyActorRef, EventObject, Snapshot } from 'xstate';
import { Blueprint } from './blueprint.js';
import type { Call } from './call.js';
import type { Reason } from './exit.js';
import { Crash, Exit, reasonOf } from './exit.js';
import { outline } from './outline.js';
import type { Body, Process } from './process.js';
import { EXITED, RUNNING, WAITING } from './process.js';
import type { System } from './xstate-internals.js';
import { stopActor } from './xstate-internals.js';

const EVENTS_PER_SLOT = 50;
const NO_ERROR = undefined;

type Scope = Parameters<AnyActorLogic['transition']>[2];
type ActionExecutor = Scope['actionExecutor'];

/** How a logic is hosted. */
export interface HostOptions {
  /** The logic's input. */
  readonly input?: unknown;
  /** Name for observers. */
  readonly label?: string;
}

/**
 * A body for `spawn` that runs an xstate logic. Events are messages. A final state ends the process with
 * `normal`, or with the reason of an {@link Exit} that is its output; an error ends it with that error. Its
 * `after` runs on the node's clock; stopping it runs no exit actions (xstate), so cleanup belongs to owned
 * resources.
 */
export function hostLogic<E extends EventObject = EventObject>(
  logic: AnyActorLogic,
  options: HostOptions = {},
): Blueprint<E> {
  return new LogicBlueprint<E>(logic, options);
}

class LogicBlueprint<in E> extends Blueprint<E> {
  readonly #logic: AnyActorLogic;
  readonly #options: HostOptions;

  constructor(logic: AnyActorLogic, options: HostOptions) {
    super();
    this.#logic = logic;
    this.#options = options;
  }

  create(): Body {
    return new LogicBody(this.#logic, this.#options.input, this.#options.label ?? labelOf(this.#logic));
  }
}

function labelOf(logic: AnyActorLogic): string {
  return 'id' in logic && typeof logic.id === 'string' ? logic.id : 'logic';
}

/** The scope that a hosted logic runs in. */
class HostScope {
  readonly self: Process;
  readonly system: System;
  readonly emit: (event: EventObject) => void;
  /** xstate puts its own in its place during a step. */
  actionExecutor: ActionExecutor;
  readonly deferred: (() => void)[] = [];
  /** Initial actions wait until the logic has started. */
  started = false;

  constructor(process: Process) {
    this.self = process;
    this.system = process.home.system;
    this.emit = (event) => process.rare?.face?.emit(event);
    this.actionExecutor = (action) => {
      if (this.started) this.#execute(action);
      else this.deferred.push(() => this.#execute(action));
    };
  }

  get id(): string {
    return this.self.id;
  }

  get sessionId(): string {
    return this.self.id;
  }

  get logger(): (...args: unknown[]) => void {
    const { self } = this;
    return (...args) => self.home.logger.info({ process: self.id, args }, 'log');
  }

  defer(run: () => void): void {
    this.deferred.push(run);
  }

  stopChild(child: AnyActorRef): void {
    if (child._parent !== this.self) throw new Error(`${child.id} is not a child of ${this.self.id}`);
    stopActor(child);
  }

  #execute(action: Parameters<ActionExecutor>[0]): void {
    const { self } = this;
    if (self.home.inspection.on) {
      const { type, params } = action;
      self.home.inspection.tell({ type: '@xstate.action', actorRef: self, action: { type, params } });
    }
    action.exec?.(action.info, action.params);
  }
}

/** An xstate logic as a process's body. */
export class LogicBody implements Body {
  readonly kind: string;
  readonly #logic: AnyActorLogic;
  #input: unknown;
  #scope: HostScope | undefined = undefined;
  #snapshot: Snapshot<unknown> = { status: 'active', output: undefined, error: NO_ERROR };

  constructor(logic: AnyActorLogic, input: unknown, kind: string) {
    this.kind = kind;
    this.#logic = logic;
    this.#input = input;
  }

  context(): unknown {
    return 'context' in this.#snapshot ? this.#snapshot.context : undefined;
  }

  snapshot(): Snapshot<unknown> {
    return this.#snapshot;
  }

  slot(process: Process): void {
    if (this.#scope === undefined) {
      this.#start(process);
      if (process.state === RUNNING) process.rest();
      return;
    }
    for (let left = EVENTS_PER_SLOT; left > 0; left -= 1) {
      const { mailbox } = process;
      if (mailbox === undefined || mailbox.length === 0) {
        process.state = WAITING;
        return;
      }
      process.reductions += 1;
      this.#handle(process, this.#scope, mailbox.shift());
      if (process.state !== RUNNING) return;
      // A transition costs some 2 to 5 µs, as much as many messages of a gen-server.
      if (process.home.scheduler.charge(4)) break;
    }
    process.rest();
  }

  ended(process: Process, reason: Reason): void {
    const scope = this.#scope;
    if (scope === undefined || this.#snapshot.status !== 'active') return;
    try {
      this.#snapshot = this.#logic.transition(this.#snapshot, { type: 'xstate.stop' }, scope);
      for (let run = scope.deferred.shift(); run !== undefined; run = scope.deferred.shift()) run();
    } catch (error) {
      process.home.logger.error({ process: process.id, err: error }, 'stopping a hosted logic threw');
    }
    if (this.#snapshot.status === 'active') {
      this.#snapshot = { ...this.#snapshot, status: 'stopped', output: undefined, error: NO_ERROR };
    }
    void reason;
  }

  #start(process: Process): void {
    const scope = new HostScope(process);
    this.#scope = scope;
    const event = { type: 'xstate.init', input: this.#input };
    try {
      this.#snapshot = this.#logic.getInitialSnapshot(scope, this.#input);
      this.#input = undefined;
      scope.started = true;
      if (this.#snapshot.status === 'active') this.#logic.start?.(this.#snapshot, scope);
    } catch (error) {
      this.#failed(process, error, undefined);
      return;
    }
    this.#update(process, scope, event);
  }

  #handle(process: Process, scope: HostScope, message: unknown): void {
    if (!isEvent(message)) {
      process.home.logger.warn(
        { process: process.id, message: outline(message) },
        'a hosted logic takes only events',
      );
      return;
    }
    try {
      this.#snapshot = this.#logic.transition(this.#snapshot, message, scope);
    } catch (error) {
      this.#failed(process, error, message);
      return;
    }
    this.#update(process, scope, message);
  }

  /** Carries out what a step has deferred, and ends the process with its logic. */
  #update(process: Process, scope: HostScope, event: EventObject): void {
    try {
      for (let run = scope.deferred.shift(); run !== undefined; run = scope.deferred.shift()) run();
    } catch (error) {
      scope.deferred.length = 0;
      this.#failed(process, error, event);
      return;
    }
    if (process.state === EXITED) return;
    const snapshot = this.#snapshot;
    if (process.home.observing(process)) process.home.changed(process, event);
    switch (snapshot.status) {
      case 'active':
        return;
      case 'done':
        process.output = snapshot.output;
        process.home.terminate(process, snapshot.output instanceof Exit ? snapshot.output.reason : 'normal');
        return;
      case 'error':
        this.#failed(process, snapshot.error, event);
        return;
      case 'stopped':
        process.home.terminate(process, 'shutdown');
        return;
    }
  }

  #failed(process: Process, error: unknown, message: unknown): void {
    if (process.state === EXITED) return;
    const reason = error instanceof Crash ? error : reasonOf(error);
    process.home.reportCrash(process, reason, message);
    process.home.terminate(process, reason);
    this.#stopParts(process);
    this.#snapshot = { ...this.#snapshot, status: 'error', output: undefined, error };
  }

  /** A step that threw leaves its children running: stop them, as xstate itself does not. */
  #stopParts(process: Process): void {
    this.ended(process, undefined);
  }
}

function isEvent(message: unknown): message is EventObject | Call {
  return (
    typeof message === 'object' && message !== null && 'type' in message && typeof message.type === 'string'
  );
}
