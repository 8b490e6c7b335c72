/**
 * Process identifiers. A pid is the address of a process on some node; everything that reaches a process
 * goes through the methods below, which a local process carries out itself and a pid of another thread
 * would put into its port. That is the one seam for distribution.
 */
import { inspect } from 'node:util';
import type { Reason } from './exit.js';

/** How an exit signal came about: by `exit/2`, or because a linked process ended. */
export type SignalCause = 'exit' | 'link';

/** A monitor as its target keeps it, in a list. */
export interface TargetedMonitor {
  /** Who is told. */
  readonly watcher: unknown;
  earlierOfTarget: TargetedMonitor | undefined;
  laterOfTarget: TargetedMonitor | undefined;
  /** The target has ended. */
  fire(reason: Reason): void;
}

/** A call as the process that owes the answer keeps it, in a list. */
export interface PendingCall {
  /** The process that owes the answer; undefined when settled. */
  holder: CallHolder | undefined;
  earlierCall: PendingCall | undefined;
  laterCall: PendingCall | undefined;
  /** It will not be answered any more. */
  fail(reason: Reason): void;
}

/** What a server keeps of the calls that it has not answered. */
export interface CallHolder {
  hold(call: PendingCall): void;
  forgetCall(call: PendingCall): void;
}

/**
 * The address of a process, typed by the messages it accepts. Pids are compared by identity.
 *
 * `Pid<M>` is contravariant: a process that accepts everything may stand where one for `M` is wanted.
 */
export abstract class Pid<in M = never> {
  /** Exists for the type checker only. */
  declare readonly accepts?: (message: M) => void;

  /** Name of the node on which the process lives. */
  abstract readonly node: string;
  /** Number of the process on its node. */
  abstract readonly serial: number;

  /** The pid's text, `<0.42.0>`. Also the actor's id in xstate's terms. */
  get id(): string {
    return `<0.${this.serial}.0>`;
  }

  toString(): string {
    return this.id;
  }

  toJSON(): unknown {
    return this.id;
  }

  /** @internal Puts a message into the mailbox; a dead process swallows it. Never runs the receiver. */
  abstract deliver(message: unknown): void;
  /** @internal An exit signal from `from`. */
  abstract signal(from: Pid, reason: Reason, cause: SignalCause): void;
  /** @internal The other half of a link. False when there is no such process. */
  abstract acceptLink(from: Pid): boolean;
  /** @internal Takes the other half of a link away. */
  abstract dropLink(from: Pid): void;
  /** @internal Enters a monitor; fires it with `noproc` at once when there is no such process. */
  abstract acceptMonitor(monitor: TargetedMonitor): void;
  /** @internal Takes a monitor away. */
  abstract dropMonitor(monitor: TargetedMonitor): void;
  /** @internal A request that wants an answer; fails with `noproc` when there is no such process. */
  abstract request(call: PendingCall): void;
}

// A computed member would defeat isolated declarations.
Object.defineProperty(Pid.prototype, inspect.custom, {
  value(this: Pid): string {
    return this.toString();
  },
});
