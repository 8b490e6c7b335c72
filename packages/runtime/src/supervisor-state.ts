/** What every supervisor's state can be asked, whatever its strategy, and the shapes of the answers. */
import type { ChildId, ChildSpec, Strategy } from './child-spec.js';
import type { Reason } from './exit.js';
import type { Pid } from './pid.js';

/** An answer that tells what was wrong, in OTP's terms: `{ error: 'not_found' }`. */
export interface ErrorAnswer {
  readonly error: Reason;
}

/** A started child; `ok` is undefined if its start function said `'ignore'`. */
export type StartChildResult = { readonly ok: Pid | undefined; readonly info?: unknown } | ErrorAnswer;

/** One line of `whichChildren`. Children of `simple_one_for_one` have no id of their own. */
export interface ChildInfo {
  readonly id: ChildId | undefined;
  /** Its process; undefined if it does not run; `restarting` between two attempts to restart it. */
  readonly child: Pid | undefined | 'restarting';
  readonly type: 'worker' | 'supervisor';
}

/** The answer of `countChildren`: specifications, living processes, and children by type, living or not. */
export interface ChildCounts {
  readonly specs: number;
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

/** What follows from an event: nothing more, the supervisor's end, or another attempt after the next messages. */
export type Turn = 'continue' | 'shutdown' | { readonly tryAgain: unknown };

/** A supervisor's state: one method per event and request of `supervisor(3)`. */
export interface SupervisorState {
  readonly strategy: Strategy;
  /** A process linked to the supervisor has ended. */
  exited(pid: Pid, reason: Reason): Turn | PromiseLike<Turn>;
  /** The turn a failed restart asked for. A child that was stopped or deleted meanwhile stays so. */
  tryAgain(key: unknown): Turn | PromiseLike<Turn>;
  startChild(args: readonly unknown[]): StartChildResult | PromiseLike<StartChildResult>;
  terminateChild(id: unknown): Promise<'ok' | ErrorAnswer>;
  restartChild(id: unknown): StartChildResult | PromiseLike<StartChildResult>;
  deleteChild(id: unknown): 'ok' | ErrorAnswer;
  getChildspec(id: unknown): { readonly ok: ChildSpec<readonly unknown[]> } | ErrorAnswer;
  whichChildren(): ChildInfo[];
  countChildren(): ChildCounts;
  /** Stops all children: the supervisor ends. */
  stopAll(): Promise<void>;
}
