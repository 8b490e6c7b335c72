/**
 * Supervisors, `supervisor(3)`: a gen-server that starts its children in order, restarts them by its strategy,
 * gives up when they fail too often, and stops them in reverse order. This file holds the functions that users
 * call and the process; the rules are in `supervisor-static.ts` and `supervisor-simple.ts`.
 */
import {
  type ChildId,
  type ChildSpec,
  checkFlags,
  checkStartSpecs,
  type FullSupervisorFlags,
  type SupervisorFlags,
} from './child-spec.js';
import {
  type Eventually,
  type GenServer,
  type InfoResult,
  type InitResult,
  type Reply,
  type StartResult,
  startGenServer,
} from './gen-server.js';
import { ExitMessage } from './messages.js';
import { outline } from './outline.js';
import type { Pid } from './pid.js';
import { requests } from './requests.js';
import type { Node, Self } from './self.js';
import { SimpleSupervisor } from './supervisor-simple.js';
import type {
  ChildCounts,
  ChildInfo,
  ErrorAnswer,
  StartChildResult,
  SupervisorState,
  Turn,
} from './supervisor-state.js';
import { StaticSupervisor } from './supervisor-static.js';
import { isThenable } from './thenable.js';

/** What a supervisor is made of: OTP's `{SupFlags, ChildSpecs}`. */
export interface SupervisorSpec extends SupervisorFlags {
  /** In start order; for `simple_one_for_one` exactly one, the template of all children. */
  readonly children: readonly ChildSpec<readonly unknown[]>[];
}

/** The specification itself, or a function that gives it anew whenever the supervisor is started. */
export type SupervisorInit =
  | SupervisorSpec
  | (() => SupervisorSpec | 'ignore' | Promise<SupervisorSpec | 'ignore'>);

/** Who asks: a process's `self`, or the node for code outside any process. */
export interface Asking {
  call<R>(to: Pid | string, request: unknown, timeout?: number): Promise<R>;
}

/** A supervisor: its pid or its registered name. */
export type SupervisorRef = Pid | string;

/**
 * Starts a supervisor linked to `parent`, with all its children; with `name` it is registered. If a child fails to
 * start, those before it are stopped, and the answer is
 * `{ error: { shutdown: { failed_to_start_child: { id, reason } } } }`; flags and specifications that are none are
 * refused with `supervisor_data`, `start_spec` or `bad_start_spec`. `supervisor:start_link/2,3`.
 */
export function startSupervisor<M = unknown>(
  parent: Self<M> | Self<never> | Self | Node,
  init: SupervisorInit,
  options: { readonly name?: string } = {},
): Promise<StartResult> {
  return startGenServer(parent, supervisorServer, { init, name: options.name }, options);
}

/**
 * Adds a child and starts it: given a specification, or for `simple_one_for_one` the arguments of the template's
 * start function. Errors: `already_present`, `{ already_started: pid }`, a fault of the specification, or what
 * the start function failed with, `{ reason, child }` (for `simple_one_for_one` the bare reason).
 * `supervisor:start_child/2`.
 */
export function startChild(
  asking: Asking,
  supervisor: SupervisorRef,
  ...child: readonly [ChildSpec<readonly unknown[]>] | readonly unknown[]
): Promise<StartChildResult> {
  return supervisorRequests.ask(asking, supervisor, { type: 'start_child', args: child }, forEver);
}

/**
 * Stops a child as its specification says and leaves it stopped; a temporary child is forgotten. For
 * `simple_one_for_one` the child is named by its pid. Errors: `not_found`, `simple_one_for_one` (an id was
 * given). `supervisor:terminate_child/2`.
 */
export function terminateChild(
  asking: Asking,
  supervisor: SupervisorRef,
  child: ChildId | Pid,
): Promise<'ok' | ErrorAnswer> {
  return supervisorRequests.ask(asking, supervisor, { type: 'terminate_child', child }, forEver);
}

/**
 * Starts a stopped child again. Errors: `running`, `restarting`, `not_found`, `simple_one_for_one`, or why it
 * did not start. `supervisor:restart_child/2`.
 */
export function restartChild(
  asking: Asking,
  supervisor: SupervisorRef,
  id: ChildId,
): Promise<StartChildResult> {
  return supervisorRequests.ask(asking, supervisor, { type: 'restart_child', child: id }, forEver);
}

/**
 * Forgets a stopped child. Errors: `running`, `restarting`, `not_found`, `simple_one_for_one`.
 * `supervisor:delete_child/2`.
 */
export function deleteChild(
  asking: Asking,
  supervisor: SupervisorRef,
  id: ChildId,
): Promise<'ok' | ErrorAnswer> {
  return supervisorRequests.ask(asking, supervisor, { type: 'delete_child', child: id }, forEver);
}

/** A child's specification with all defaults filled in. Error: `not_found`. `supervisor:get_childspec/2`. */
export function getChildspec(
  asking: Asking,
  supervisor: SupervisorRef,
  child: ChildId | Pid,
): Promise<{ readonly ok: ChildSpec<readonly unknown[]> } | ErrorAnswer> {
  return supervisorRequests.ask(asking, supervisor, { type: 'get_childspec', child }, forEver);
}

/** All children, the youngest first. `supervisor:which_children/1`. */
export function whichChildren(asking: Asking, supervisor: SupervisorRef): Promise<ChildInfo[]> {
  return supervisorRequests.ask(asking, supervisor, { type: 'which_children' }, forEver);
}

/** How many children there are, by state and type. `supervisor:count_children/1`. */
export function countChildren(asking: Asking, supervisor: SupervisorRef): Promise<ChildCounts> {
  return supervisorRequests.ask(asking, supervisor, { type: 'count_children' }, forEver);
}

/** What a supervisor can be asked. */
interface SupervisorRequests {
  start_child(fields: { readonly args: readonly unknown[] }): StartChildResult;
  terminate_child(fields: { readonly child: ChildId | Pid }): 'ok' | ErrorAnswer;
  restart_child(fields: { readonly child: ChildId }): StartChildResult;
  delete_child(fields: { readonly child: ChildId }): 'ok' | ErrorAnswer;
  get_childspec(fields: {
    readonly child: ChildId | Pid;
  }): { readonly ok: ChildSpec<readonly unknown[]> } | ErrorAnswer;
  which_children(): ChildInfo[];
  count_children(): ChildCounts;
}

const supervisorRequests = requests<SupervisorRequests>();

/** All requests may take as long as a child takes to start or stop: no timeout, as in OTP. */
const forEver = Number.POSITIVE_INFINITY;

/** A failed restart's cast to oneself: other messages have their turn before the next attempt. */
class TryAgain {
  readonly key: unknown;

  constructor(key: unknown) {
    this.key = key;
  }
}

interface SupervisorArgs {
  readonly init: SupervisorInit;
  readonly name: string | undefined;
}

const supervisorServer: GenServer<SupervisorState, SupervisorArgs> = {
  label: 'supervisor',

  init(self, { init, name }) {
    self.trapExit(true);
    const spec = typeof init === 'function' ? init() : init;
    return isThenable(spec) ? spec.then((given) => begin(self, name, given)) : begin(self, name, spec);
  },

  handleCall: supervisorRequests.handleCall<SupervisorState>({
    start_child: ({ args }, _from, state) => answer(state.startChild(args), state),
    terminate_child: ({ child }, _from, state) => answer(state.terminateChild(child), state),
    restart_child: ({ child }, _from, state) => answer(state.restartChild(child), state),
    delete_child: ({ child }, _from, state) => answer(state.deleteChild(child), state),
    get_childspec: ({ child }, _from, state) => answer(state.getChildspec(child), state),
    which_children: (_request, _from, state) => answer(state.whichChildren(), state),
    count_children: (_request, _from, state) => answer(state.countChildren(), state),
  }),

  handleCast(request, state, self) {
    if (!(request instanceof TryAgain)) return undefined;
    return after(state.tryAgain(request.key), state, self);
  },

  handleInfo(message, state, self) {
    if (message instanceof ExitMessage) return after(state.exited(message.from, message.reason), state, self);
    self.node.logger.error(
      { supervisor: String(self.pid), message: outline(message) },
      'a supervisor received an unexpected message',
    );
    return undefined;
  },

  terminate(_reason, state) {
    return state.stopAll();
  },
};

function begin(
  self: Self,
  name: string | undefined,
  spec: SupervisorSpec | 'ignore',
): Eventually<InitResult<SupervisorState>> {
  if (spec === 'ignore') return 'ignore';
  const flags = checkFlags(spec);
  if ('error' in flags) return { stop: { supervisor_data: flags.error } };
  return startChildren(self, name ?? String(self.pid), flags.ok, spec.children);
}

function startChildren(
  self: Self,
  name: string,
  flags: FullSupervisorFlags,
  children: SupervisorSpec['children'],
): Eventually<InitResult<SupervisorState>> {
  const isSimple = flags.strategy === 'simple_one_for_one';
  if (isSimple && children.length !== 1) return { stop: { bad_start_spec: children } };
  const specs = checkStartSpecs(children, flags.autoShutdown);
  if ('error' in specs) return { stop: { start_spec: specs.error } };
  const [template] = specs.ok;
  if (isSimple && template !== undefined) return { ok: new SimpleSupervisor(self, name, flags, template) };
  const supervisor = new StaticSupervisor(self, name, flags);
  return supervisor
    .init(specs.ok)
    .then((failure) => (failure === undefined ? { ok: supervisor } : { stop: failure.error }));
}

/** What a child's start or end takes a while for is answered then; the supervisor does nothing else meanwhile, as in OTP. */
function answer<R>(reply: R | PromiseLike<R>, state: SupervisorState): Eventually<Reply<SupervisorState, R>> {
  return isThenable(reply) ? reply.then((settled) => ({ reply: settled, state })) : { reply, state };
}

/** A turn as a gen-server's result. */
function after(
  turn: Turn | PromiseLike<Turn>,
  state: SupervisorState,
  self: Self,
): InfoResult<SupervisorState> | PromiseLike<InfoResult<SupervisorState>> {
  if (isThenable(turn)) return turn.then((settled) => resultOf(settled, state, self));
  return resultOf(turn, state, self);
}

function resultOf(turn: Turn, state: SupervisorState, self: Self): InfoResult<SupervisorState> {
  if (turn === 'continue') return undefined;
  if (turn === 'shutdown') return { stop: 'shutdown', state };
  self.cast(self.pid, new TryAgain(turn.tryAgain));
  return undefined;
}
