/** The lives of a connection, each with exactly what exists then. `lifecycle.ts` has the arrows between them. */
import type { Core } from '../../protocol/core.js';
import type { Facts } from '../../protocol/facts.js';
import type { HelloEvent } from '../../protocol/handshake.js';
import type { Explanation } from '../../values/x509/peer-verdict.js';
import type { StandingSession } from '../resumption/client-sessions.js';
import type { Downgrade } from './downgrade.js';
import type { HandshakeCall } from './handshake-call.js';
import type { HandshakeMeans } from './handshake-means.js';
import type { LifecycleEvent, LifecycleState, LifecycleTargets } from './lifecycle.js';

/** Accepted or connected, and nobody has asked for the handshake. */
export interface InitialHello {
  readonly state: 'initialHello';
  /** The host argument of `connect`; for an upgrade the peer's address. */
  readonly host: string | undefined;
}

/** Certificates, keys and trust are read. */
export interface Loading {
  readonly state: 'loading';
  readonly host: string | undefined;
  readonly call: HandshakeCall;
}

export interface Handshaking {
  readonly state: 'handshaking';
  readonly call: HandshakeCall;
  readonly means: HandshakeMeans;
  readonly core: Core;
}

/** Whoever decides with which options to go on looks at the peer's hello. */
export interface UserHello {
  readonly state: 'userHello';
  readonly call: HandshakeCall;
  readonly means: HandshakeMeans;
  readonly core: Core;
  readonly hello: HelloEvent;
  /** For the user's `handshakeContinue` or `handshakeCancel`, or for options that have to be found. */
  readonly waitsFor: 'user' | 'options';
}

export interface Connected {
  readonly state: 'connection';
  readonly core: Core;
  /** Of the last handshake: replaced as a whole when one has run again. */
  readonly facts: Facts;
  /** Of a client of TLS 1.2 or before. */
  readonly session?: StandingSession | undefined;
  /** For a handshake that may run again; `spent` when none may. */
  readonly means: HandshakeMeans | 'spent';
  /** Who waits for the server's word on the certificate that it has asked for (`confirm`). */
  readonly unconfirmed: HandshakeCall | undefined;
}

/** Somebody wants the bare transport back, and gets it when both sides have said close_notify. */
export interface Downgrading {
  readonly state: 'downgrade';
  readonly core: Core;
  /** As before: an answer that is under way is still judged. */
  readonly means: Connected['means'];
  readonly downgrade: Downgrade;
}

/** Over; what may still wait is the peer reading our alert. */
export interface Closed {
  readonly state: 'closed';
}

interface LifeIn {
  initialHello: InitialHello;
  loading: Loading;
  handshaking: Handshaking;
  userHello: UserHello;
  connection: Connected;
  downgrade: Downgrading;
  closed: Closed;
}

export type Life = LifeIn[LifecycleState];
/** The life that an event leads to. */
export type LifeAfter<E extends LifecycleEvent> = LifeIn[LifecycleTargets[E]];
/** The protocol runs. */
export type RunningLife = Handshaking | UserHello | Connected | Downgrading;
/** The handshake is not done. */
export type UnestablishedLife = InitialHello | Loading | Handshaking | UserHello;

export const closed: Closed = { state: 'closed' };

export function isRunning(life: Life): life is RunningLife {
  return 'core' in life;
}

export function isUnestablished(life: Life): life is UnestablishedLife {
  switch (life.state) {
    case 'initialHello':
    case 'loading':
    case 'handshaking':
    case 'userHello':
      return true;
    case 'connection':
    case 'downgrade':
    case 'closed':
      return false;
  }
}

/** The handshake is done; what only a handshake needs is kept when another may run. */
export function connected({ core, means }: Handshaking, facts: Facts): Connected {
  const kept = core.again === 'possible' ? means : 'spent';
  return { state: 'connection', core, facts, means: kept, unconfirmed: undefined };
}

/** Why the peer's certificates were refused, as far as a life knows. */
export function explanationIn(life: Life): Explanation | undefined {
  return 'means' in life && life.means !== 'spent' ? life.means.explanation : undefined;
}
