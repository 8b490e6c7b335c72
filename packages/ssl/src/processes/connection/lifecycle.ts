/**
 * The arrows between the lives of a connection (`lives.ts`), as OTP's `ssl_gen_statem` has them. The handshake's own
 * states are the core's.
 *
 * The machine is a genuine xstate machine, stepped by its own `transition`. It has neither context nor guards, so
 * each (state, event) has one answer for ever: it is asked once and remembered, since asking costs 7 µs and a
 * connection asks five times.
 */
import { type ActorScope, type AnyActorScope, setup } from 'xstate';

export type LifecycleState =
  /** Accepted, or connected, and nobody has asked for the handshake. */
  | 'initialHello'
  /** The handshake was asked for, and certificates, keys and trust are read. */
  | 'loading'
  | 'handshaking'
  /** The peer's first hello is here, and with which options to go on is not known yet. */
  | 'userHello'
  | 'connection'
  /** close_notify sent, waiting for the peer's, to give the bare transport back. */
  | 'downgrade'
  /** Over; what may still wait is the peer reading our alert. */
  | 'closed';

/** Where an event leads. */
export interface LifecycleTargets {
  start: 'loading';
  loaded: 'handshaking';
  paused: 'userHello';
  continue: 'handshaking';
  established: 'connection';
  downgrade: 'downgrade';
  /** Of what is not established, or not any more: nothing is left to deliver. */
  failed: 'closed';
  close: 'closed';
}

export type LifecycleEvent = keyof LifecycleTargets;

const types: { events?: { readonly type: LifecycleEvent } } = {};

/** For drawing and walking; `arrow` runs it. */
const machine = setup({ types }).createMachine({
  id: 'connection',
  initial: 'initialHello',
  on: { close: '.closed' },
  states: {
    initialHello: { on: { start: 'loading', failed: 'closed' } },
    loading: { on: { loaded: 'handshaking', failed: 'closed' } },
    handshaking: { on: { paused: 'userHello', established: 'connection', failed: 'closed' } },
    userHello: { on: { continue: 'handshaking', failed: 'closed' } },
    // One that fails goes on until its owner has what came before.
    connection: { on: { downgrade: 'downgrade' } },
    downgrade: { on: { failed: 'closed' } },
    closed: { type: 'final' },
  },
});

/** Nobody listens, nothing is spawned: the scope of a machine without actions. */
const scope = silentScope();
const answers = new Map<LifecycleState, Map<LifecycleEvent, LifecycleState | undefined>>();

/** Where an event leads from a state; `undefined` when there is no arrow for it. */
export function arrow(from: LifecycleState, event: LifecycleEvent): LifecycleState | undefined {
  let known = answers.get(from);
  if (known === undefined) {
    known = new Map();
    answers.set(from, known);
  }
  if (!known.has(event)) known.set(event, step(from, event));
  return known.get(event);
}

/** One answer of the machine. */
function step(from: LifecycleState, type: LifecycleEvent): LifecycleState | undefined {
  const snapshot = machine.resolveState({ value: from });
  if (snapshot.status !== 'active') return undefined;
  const next = machine.transition(snapshot, { type }, scope);
  return next === snapshot ? undefined : next.value;
}

function silentScope(): AnyActorScope {
  const nothing = (): void => {};
  const self = { sessionId: 'x:lifecycle', id: 'lifecycle' };
  const system = { _sendInspectionEvent: nothing };
  const silent: Partial<Record<keyof ActorScope<never, never>, unknown>> = {
    self,
    id: 'lifecycle',
    sessionId: 'x:lifecycle',
    logger: nothing,
    defer: nothing,
    emit: nothing,
    system,
    stopChild: nothing,
    actionExecutor: nothing,
  };
  if (!isScope(silent)) throw new TypeError('xstate asks for more than it did');
  return silent;
}

function isScope(scope: object): scope is AnyActorScope {
  return 'self' in scope && 'system' in scope && 'actionExecutor' in scope;
}
