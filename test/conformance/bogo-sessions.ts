/**
 * Sessions of TLS 1.2, 1.1 and 1.0 between the connections of a test: a client's last one, a server's by id (RFC 5246 §7.3)
 * and by ticket (RFC 5077). No test lets them grow old.
 */
import {
  type ClientSessions,
  type Facts,
  type GivenTicket,
  type OfferedSession,
  type Session12,
  type SessionWish,
  sessionOf,
} from '@actor-tls/ssl/core';
import type { Seen } from './bogo-memory.js';

/** seconds, as OTP's sessions live */
const lifetime = 86_400;

/** What a client must speak, and have said, to offer a session. */
export interface SessionTerms {
  readonly versions: readonly string[];
  readonly suites: readonly number[];
  readonly serverName: string | undefined;
  readonly tickets: 'welcome' | 'unwanted';
}

interface Standing extends Seen {
  readonly session: Session12;
}

interface Offered extends Standing {
  readonly offered: OfferedSession;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Whether a connection leaves a client a session that it did not have: a new one, or a new ticket of an old one. */
export function leavesNewSession({ session, sessionResumption, sessionId }: Facts): boolean {
  if (session === undefined) return false;
  return session.ticket !== undefined || (!sessionResumption && sessionId.length > 0);
}

export class OlderSessions {
  #last: Offered | undefined = undefined;
  readonly #byId = new Map<string, Standing>();
  readonly #byTicket = new Map<string, Standing>();

  // A client.

  /** What of the peer is known from the connection that was resumed. */
  get seen(): Seen | undefined {
    return this.#last;
  }

  forget(): void {
    this.#last = undefined;
  }

  /** A client keeps the session of its last connection. */
  keep(learned: Facts, seen: Seen): void {
    const session = sessionOf(learned);
    if (session === undefined || !leavesNewSession(learned)) return;
    const ticket = learned.session?.ticket?.ticket;
    this.#last = { ...seen, session, offered: { id: learned.sessionId, ticket, session } };
  }

  /** What the next connection of a client has to do with sessions. */
  offer({ versions, suites, serverName, tickets }: SessionTerms): ClientSessions {
    const offered = this.#last?.offered;
    const fits =
      offered !== undefined &&
      versions.includes(offered.session.version) &&
      suites.includes(offered.session.suite) &&
      offered.session.serverName === serverName &&
      (offered.ticket === undefined || tickets === 'welcome');
    return { offered: fits ? offered : undefined, tickets };
  }

  // A server.

  /** RFC 5077 §3.4: beside a ticket an id is not looked for. */
  find(wish: SessionWish, opensTickets: boolean): Standing | undefined {
    const { id, ticket } = wish;
    const opened = ticket && opensTickets ? this.#byTicket.get(hex(ticket)) : undefined;
    const found = ticket === undefined ? this.#byId.get(hex(id)) : opened;
    return found !== undefined && wish.fits(found.session) ? found : undefined;
  }

  /** A handshake is complete: what others can resume of it, by its id or by the ticket that it has given. */
  register(learned: Facts, seen: Seen, ticket: Uint8Array | undefined): void {
    const session = sessionOf(learned);
    if (session === undefined || learned.sessionResumption) return;
    if (ticket !== undefined) this.#byTicket.set(hex(ticket), { ...seen, session });
    if (learned.sessionId.length > 0) this.#byId.set(hex(learned.sessionId), { ...seen, session });
  }
}

/** A ticket that says nothing to anybody else. */
export function newTicket(): GivenTicket {
  return { ticket: crypto.getRandomValues(new Uint8Array(32)), lifetimeHint: lifetime };
}
