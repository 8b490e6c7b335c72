/**
 * A node as its processes need it. `P` is the process: this file knows nothing of either, so that a process does not
 * depend on the node that it lives on.
 */
import type { AnyActorRef } from 'xstate';
import type { Caller } from './call.js';
import type { Clock } from './clock.js';
import type { Exit, Reason } from './exit.js';
import type { Logger } from './logger.js';
import type { Pid } from './pid.js';
import type { Ref } from './ref.js';
import type { Scheduler } from './scheduler.js';
import type { Timers } from './timers.js';
import type { RootlessInspectionEvent, System } from './xstate-internals.js';

/** Whom the node's inspectors hear from. */
export interface Inspectors<P> {
  /** Somebody looks on. Ask before making an event. */
  readonly on: boolean;
  tell(event: RootlessInspectionEvent): void;
  /** A message, before it is delivered. */
  sent(source: P | undefined, to: P, message: unknown): void;
}

/** The node of a process `P`. */
export interface Home<P> {
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The root actor. */
  readonly root: AnyActorRef;
  /** The actor system of every process, machine and their children. */
  readonly system: System;
  readonly scheduler: Scheduler;
  readonly timers: Timers;
  /** Whom exit signals from outside of any process come from: `<0.0.0>`. */
  readonly outside: Pid<never>;
  /** @internal */ readonly inspection: Inspectors<P>;

  /** @internal */ sendFrom(source: P | undefined, to: Pid<never>, message: unknown): void;
  /** @internal */ castFrom(source: P | undefined, to: Pid<never> | string, request: unknown): void;
  /** @internal */ sendAfterFrom(
    source: P | undefined,
    ms: number,
    to: Pid<never> | string,
    message: unknown,
  ): Ref;
  /** @internal */ request<R>(
    caller: Caller | undefined,
    to: Pid<never> | string,
    request: unknown,
    timeout: number,
    otherwise?: (failure: Exit) => R | Promise<R>,
  ): Promise<R>;
  cancelTimer(timer: Ref): number | false;
  readTimer(timer: Ref): number | false;

  whereis(name: string): P | undefined;
  register(name: string, pid: Pid<never>): void;
  unregister(name: string): void;
  /** @internal The bearer of a name, or `badarg`. */
  named(name: string): P;

  /** @internal Ends a process. */
  terminate(process: P, reason: Reason): void;
  /** @internal After the end, from the scheduler: resources, abort listeners, observers, parts. */
  cleanUp(process: P): void;
  /** @internal What a slot or turn threw past its body: it ends its own process, as any crash does. */
  failed(process: P, error: unknown): void;
  /** @internal The crash report of a process that failed. */
  reportCrash(process: P, reason: Reason, lastMessage: unknown): void;
  /** @internal Somebody wants to hear of this process's changes. */
  observing(process: P): boolean;
  /** @internal The process has handled `message`: tells inspectors and observers. */
  changed(process: P, message: unknown): void;
}
