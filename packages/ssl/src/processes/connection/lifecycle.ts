/**
 * The life of a connection as its process sees it, from accept or connect to `ssl:close/1,2`. The handshake's own states are the core's; from
 * there come only `paused`, `established` and `failed`.
 *
 * The machine is a genuine xstate machine, stepped by its own `transition`. It has neither context nor guards, so
 * each (state, event) has one answer for ever: it is asked once and remembered, since asking costs 7 µs and a
 * connection asks four times.
 */
import { type ActorScope, type AnyActorScope, setup } from 'xstate';

export type LifecycleState =
  /** Accepted, or connected, and nobody has asked for the handshake. */
  | 'initialHello'
  | 'handshaking'
  /** The handshake pauses for its user (option `handshake: 'hello'`). */
  | 'userHello'
  | 'connection'
  /** close_notify sent, waiting for the peer's, to give the bare transport back. */
  | 'downgrade'
  /** Over; what may still wait is the peer reading our alert. */
  | 'closed';

export type LifecycleEvent =
  | { readonly type: 'start' }
  | { readonly type: 'paused' }
  | { readonly type: 'continue' }
  | { readonly type: 'established' }
  | { readonly type: 'downgrade' }
  | { readonly type: 'failed' }
  | { readonly type: 'close' };

const types: { events?: LifecycleEvent } = {};

/** For drawing and walking; `Lifecycle` runs it. */
const machine = setup({ types }).createMachine({
  id: 'connection',
  initial: 'initialHello',
  on: { failed: '.closed', close: '.closed' },
  states: {
    initialHello: { on: { start: 'handshaking' } },
    handshaking: { on: { paused: 'userHello', established: 'connection' } },
    userHello: { on: { continue: 'handshaking' } },
    connection: { on: { downgrade: 'downgrade' } },
    downgrade: {},
    closed: { type: 'final' },
  },
});

type LifecycleSnapshot = ReturnType<typeof machine.getInitialSnapshot>;

/** Nobody listens, nothing is spawned: the scope of a machine without actions. */
const scope = silentScope();
const initial: LifecycleSnapshot = machine.getInitialSnapshot(scope, undefined);
const answers = new Map<LifecycleSnapshot, Map<LifecycleEvent['type'], LifecycleSnapshot>>();

export class Lifecycle {
  #snapshot: LifecycleSnapshot = initial;

  get state(): LifecycleState {
    return this.#snapshot.value;
  }

  /** Moves along the event's arrow; false when there is none from here. */
  go(type: LifecycleEvent['type']): boolean {
    const from = this.#snapshot;
    let known = answers.get(from);
    if (known === undefined) {
      known = new Map();
      answers.set(from, known);
    }
    let to = known.get(type);
    if (to === undefined) {
      to = step(from, type);
      known.set(type, to);
    }
    this.#snapshot = to;
    return to !== from;
  }

  /** As inspectors show it. */
  toJSON(): LifecycleState {
    return this.state;
  }
}

/** One answer of the machine; states of the same name are one snapshot, so that the memory stays finite. */
function step(from: LifecycleSnapshot, type: LifecycleEvent['type']): LifecycleSnapshot {
  if (from.status !== 'active') return from;
  const to = machine.transition(from, { type }, scope);
  if (to === from) return from;
  for (const known of [initial, ...[...answers.values()].flatMap((row) => [...row.values()])])
    if (known.value === to.value) return known;
  return to;
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
