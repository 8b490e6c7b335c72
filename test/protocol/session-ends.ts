/** Two cores that meet again: a server that keeps sessions in a map and in tickets, and a client that offers one. */
import { Core } from '@actor-tls/ssl/core';
import {
  type ClientSessions,
  type OfferedSession,
  type Session12,
  type SessionWish,
  sessionOf,
} from '../../packages/ssl/src/protocol/tls12/session.js';
import { type Bend, bent } from './bend.js';
import {
  acceptKnown,
  type ClientOverrides,
  client,
  type End,
  exchange,
  Recorder,
  type ServerOverrides,
  serverOptions,
  suites12,
  tls12,
} from './two-cores.js';

/** A server's sink with sessions by id and, unless told otherwise, tickets. */
export class SessionKeeper extends Recorder {
  readonly kept: Map<string, Session12> = new Map();
  readonly wishes: SessionWish[] = [];
  askTicket: ((session: Session12) => void) | undefined = (session) => {
    const ticket = Buffer.from(`ticket ${this.kept.size}`);
    this.kept.set(ticket.toString('hex'), session);
    this.core?.answerTicket(this.seals ? { ticket, lifetimeHint: 300 } : undefined);
  };
  /** Whether tickets come of it. */
  seals = true;
  /** What is answered in place of what is known. */
  instead: ((session: Session12 | undefined, wish: SessionWish) => Session12 | undefined) | undefined;

  askSession(wish: SessionWish): void {
    this.wishes.push(wish);
    const known = this.kept.get(Buffer.from(wish.ticket ?? wish.id).toString('hex'));
    const found = known !== undefined && wish.fits(known) ? known : undefined;
    this.core?.answerSession(this.instead === undefined ? found : this.instead(known, wish));
  }
  keep(): void {
    const session = this.facts && sessionOf(this.facts);
    if (session !== undefined && this.facts !== undefined)
      this.kept.set(Buffer.from(this.facts.sessionId).toString('hex'), session);
  }
}

export interface SessionEnds {
  readonly client: End;
  readonly server: { readonly core: Core; readonly sink: SessionKeeper };
}

export interface SessionScene {
  readonly client?: ClientOverrides;
  readonly server?: ServerOverrides;
  readonly by: 'id' | 'ticket';
  /** False: nobody seals tickets. */
  readonly seals?: boolean;
  /** What the second server answers in place of what it knows. */
  readonly instead?: SessionKeeper['instead'];
  /** Changes what the second meeting's client or server sends. */
  readonly bend?: { readonly from: 'client' | 'server'; readonly bend: Bend };
  /** Options of the second meeting, where they differ. */
  readonly then?: { readonly client?: ClientOverrides; readonly server?: ServerOverrides };
  /** Before the second meeting the offer may be changed. */
  readonly offer?: (offered: OfferedSession) => OfferedSession;
}

function sessions(
  { by }: Pick<SessionScene, 'by'>,
  offered: OfferedSession | undefined,
): { readonly sessions: ClientSessions } {
  return { sessions: { offered, tickets: by === 'ticket' ? 'welcome' : 'unwanted' } };
}

const old = { config: { ...tls12, ciphers: suites12 } };

export function keeper(overrides: ServerOverrides = {}): SessionEnds['server'] {
  const sink = new SessionKeeper(acceptKnown);
  const core = Core.server(serverOptions({ ...old, ...overrides }), sink);
  sink.core = core;
  return { core, sink };
}

export function first(scene: SessionScene): SessionEnds {
  const ends = {
    client: client({ ...old, ...scene.client, ...sessions(scene, undefined) }),
    server: keeper(scene.server),
  };
  ends.server.sink.seals = scene.seals ?? true;
  ends.client.core.start();
  exchange(ends.client, ends.server);
  ends.server.sink.keep();
  return ends;
}

/** What a client would offer after a connection. */
export function offerOf({ sink: { facts } }: End): OfferedSession {
  const session = facts && sessionOf(facts);
  if (facts === undefined || session === undefined) throw new Error('no session');
  return { id: facts.sessionId, ticket: facts.session?.ticket?.ticket, session };
}

export function second(scene: SessionScene, before: SessionEnds): SessionEnds {
  const offer = offerOf(before.client);
  const { bend } = scene;
  const bending = (side: 'client' | 'server'): object => (bend?.from === side ? bent(bend.bend) : {});
  const ends = {
    client: client({
      ...old,
      ...(scene.then?.client ?? scene.client),
      ...sessions(scene, scene.offer?.(offer) ?? offer),
      ...bending('client'),
    }),
    server: keeper({ ...(scene.then?.server ?? scene.server), ...bending('server') }),
  };
  for (const [key, session] of before.server.sink.kept) ends.server.sink.kept.set(key, session);
  ends.server.sink.instead = scene.instead;
  ends.client.core.start();
  exchange(ends.client, ends.server);
  return ends;
}

/** Both meetings. */
export function twice(scene: SessionScene): SessionEnds {
  return second(scene, first(scene));
}
