/**
 * One connection of a client and sessions of TLS 1.2 and before (contract §6.5): the one that it offers, out of the node's
 * table or of the user's hands, and what is kept of the one that it gets, by id or by ticket (RFC 5077 §3.4).
 */
import {
  invalidateSession,
  lookupSession,
  registerSession,
  type SessionKey,
  type StoredSession,
  selectSessions,
} from '@actor-tls/session-store';
import type { ClientConfig } from '../../options/config.js';
import type { Facts } from '../../protocol/facts.js';
import type { HelloEvent } from '../../protocol/handshake.js';
import { speaksOlder } from '../../protocol/hello/version.js';
import type { ClientSessions, OfferedSession, Session12 } from '../../protocol/tls12/session.js';
import { sessionOf } from '../../protocol/tls12/session.js';
import { hex } from '../../values/hex.js';
import { Secret } from '../../values/secret.js';
import { concat } from '../../values/wire/join.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import type { HostReference } from '../../values/x509/peer-verification.js';
import type { Equipment } from '../connection/handshake-means.js';
import type { Environment } from '../environment.js';
import { endOf, isGoodAt } from './chain-end.js';
import type { ClientPurpose } from './client-recognition.js';
import { largestDatagramTicket } from './datagram-ticket.js';
import { policyOf } from './policy.js';
import { type KeptSession, keptBytes, keptSession } from './session-content.js';

/** Registered name of the node's table. */
export const clientSessionCacheName = 'ssl_client_session_cache';
/** Largest session that is kept, bytes, with its ticket and certificates. */
const largestSession = 65_536;

interface Found {
  readonly key: SessionKey;
  readonly kept: KeptSession;
}

/** What a connection that stands knows of its session beside the facts. */
export interface StandingSession extends Pick<KeptSession, 'policy' | 'created' | 'ticket'> {
  readonly key: SessionKey;
}

export class ClientSession {
  readonly #purpose: ClientPurpose;
  readonly #config: ClientConfig;
  #found: Found | undefined;
  #isTaken = false;

  private constructor(purpose: ClientPurpose, config: ClientConfig, found: Found | undefined) {
    this.#purpose = purpose;
    this.#config = config;
    this.#found = found;
  }

  /** Whether a client of these options has anything to do with sessions. */
  static isWanted({ versions }: ClientConfig): boolean {
    return speaksOlder(versions);
  }

  /** Looks for a session before the hello; at once when there can be none. */
  static prepare(purpose: ClientPurpose, config: ClientConfig): ClientSession | Promise<ClientSession> {
    const made = (found: Found | undefined): ClientSession => new ClientSession(purpose, config, found);
    if (!mayFind(purpose, config)) return made(undefined);
    return look(purpose, config).then(made);
  }

  /** For the core. */
  get sessions(): ClientSessions {
    const { olderSessionTickets, reuseSessions } = this.#config;
    const tickets = olderSessionTickets && reuseSessions !== false && this.#keeps;
    return { offered: this.#found && offered(this.#found), tickets: tickets ? 'welcome' : 'unwanted' };
  }

  /** The server's hello is here: whether it takes what was offered. */
  heard(hello: HelloEvent): void {
    const found = this.#found;
    this.#isTaken =
      hello.type === 'server_hello' &&
      found !== undefined &&
      sameBytes(hello.body.legacySessionIdEcho, found.key.sessionId);
  }

  /** Whether the session was made under what holds now, should options have changed after the hello. */
  standsUnder(equipment: Equipment, reference: HostReference | undefined): boolean {
    const { environment } = this.#purpose;
    const found = this.#found;
    return (
      !this.#isTaken ||
      found === undefined ||
      sameBytes(found.kept.policy, policyOf(equipment, reference, environment.engine))
    );
  }

  /** The connection stands: what it leaves is kept. `undefined` in TLS 1.3. */
  established(facts: Facts, equipment: Equipment): StandingSession | undefined {
    const found = this.#found;
    this.#found = undefined;
    if (facts.session === undefined) return undefined;
    const { sessionResumption, session } = facts;
    // A server that does not take it knows it no more.
    if (found !== undefined && !sessionResumption) this.#forget(found.key);
    const standing = this.#standing(facts, equipment, sessionResumption ? found?.kept : undefined);
    if (!sessionResumption || session.ticket !== undefined) this.#keep(facts, standing);
    return standing;
  }

  /** The peer has ended the handshake with an alert (contract §6.5). */
  failed(): void {
    if (this.#found !== undefined) this.#forget(this.#found.key);
  }

  #forget(key: SessionKey): void {
    invalidateSession(this.#purpose.environment.node, clientSessionCacheName, key);
  }

  get #keeps(): boolean {
    return this.#config.reuseSessions !== false && this.#config.verify === 'verify_peer';
  }

  /** `before`: what has led to it, whose life it does not make longer. */
  #standing(facts: Facts, equipment: Equipment, before: KeptSession | undefined): StandingSession {
    const { environment, reference } = this.#purpose;
    return {
      key: { peer: peerOf(this.#purpose), sessionId: facts.sessionId },
      policy: policyOf(equipment, reference, environment.engine),
      created: before?.created ?? environment.wallClock(),
      ticket: ticketOf(facts, environment) ?? before?.ticket,
    };
  }

  #keep(facts: Facts, standing: StandingSession): void {
    const { environment } = this.#purpose;
    const { key, created } = standing;
    const kept = keptOf(facts, standing);
    if (kept === undefined || facts.sessionId.length === 0 || !this.#keeps) return;
    const content = keptBytes(kept);
    if (content.length > largestSession) return;
    const stored: StoredSession = {
      sessionId: key.sessionId,
      createdAt: created,
      likeness: likenessOf(kept, environment),
      content: new Secret(content),
    };
    const always = this.#config.reuseSessions === 'save' || facts.sessionResumption;
    registerSession(environment.node, clientSessionCacheName, key.peer, stored, always ? 'always' : 'unique');
    remember(environment, key.peer);
  }
}

function ticketOf({ session }: Facts, { settings, wallClock }: Environment): KeptSession['ticket'] {
  const given = session?.ticket;
  if (given === undefined) return undefined;
  // RFC 5077 §5.6: 0 leaves it to us.
  const lifetime = given.lifetimeHint === 0 ? settings.sessionLifetime : given.lifetimeHint;
  return { ticket: given.ticket, until: wallClock() + lifetime * 1000 };
}

/** Of a handshake that has run again: a ticket of the one before holds another secret. The table keeps what it has. */
export function renewedSession(
  standing: StandingSession,
  facts: Facts,
  environment: Environment,
): StandingSession {
  return { ...standing, created: environment.wallClock(), ticket: ticketOf(facts, environment) };
}

/** The session of a connection as the user may keep it (`session_data`); as secret as its master secret. */
export function sessionData(facts: Facts, standing: StandingSession | undefined): Uint8Array | undefined {
  const kept = standing && keptOf(facts, standing);
  return kept && keptBytes(kept);
}

/** The peer has ended the connection with an alert (contract §6.5, RFC 5246 §7.2.2). */
export function forgetSession({ node }: Environment, { key }: StandingSession): void {
  invalidateSession(node, clientSessionCacheName, key);
}

function keptOf(facts: Facts, { policy, created, ticket }: StandingSession): KeptSession | undefined {
  const session = sessionOf(facts);
  return session && { session, policy, created, notAfter: endOf(session.chain), ticket };
}

function offered({ key: { sessionId: id }, kept: { session, ticket } }: Found): OfferedSession {
  return { id, ticket: ticket?.ticket, session };
}

function peerOf({ serverName, host, port }: ClientPurpose): string {
  return `${serverName ?? host}:${port}`;
}

/** Equal for two sessions of which one is enough (contract §6.5). The policy has the own certificate. */
function likenessOf({ session, policy }: KeptSession, { engine }: Environment): string {
  const { version, suite, user, group, chain, derivation } = session;
  const peer = engine.hash('sha256')?.digest(concat(chain.slice(0, 1))) ?? new Uint8Array(0);
  const name = user && hex(user.name);
  return JSON.stringify([hex(policy), hex(peer), version, suite, name, group, derivation]);
}

// ── Whether to ask at all ───────────────────────────────────────────────────────────────────────────────────

/** Peers with whom there was a session, so that a client of none need not ask. The table knows better, and is asked then. */
const peersWithSessions = new WeakMap<Environment, Set<string>>();

function remember(environment: Environment, peer: string): void {
  const peers = peersWithSessions.get(environment) ?? new Set();
  peersWithSessions.set(environment, peers);
  if (!peers.has(peer) && peers.size >= environment.settings.sessionCacheClientMax) peers.clear();
  peers.add(peer);
}

function mayFind(purpose: ClientPurpose, { reuseSession, reuseSessions }: ClientConfig): boolean {
  if (reuseSession.kind === 'id' || reuseSession.kind === 'data') return true;
  if (reuseSessions !== true) return false;
  const { environment } = purpose;
  // Others may have put sessions into a backend of the user's.
  return (
    environment.settings.clientSessionBackend !== undefined ||
    peersWithSessions.get(environment)?.has(peerOf(purpose)) === true
  );
}

async function look(purpose: ClientPurpose, config: ClientConfig): Promise<Found | undefined> {
  const { node } = purpose.environment;
  const peer = peerOf(purpose);
  const { reuseSession: choice } = config;
  const fit = (id: Uint8Array, content: Uint8Array): Found | undefined => {
    const kept = keptSession(content);
    const key = { peer, sessionId: id };
    return kept !== undefined && id.length > 0 && id.length <= 32 && fits(kept, purpose, config)
      ? { key, kept }
      : undefined;
  };
  switch (choice.kind) {
    case 'data':
      return fit(choice.id, choice.data);
    case 'id': {
      const stored = await lookupSession(node, clientSessionCacheName, { peer, sessionId: choice.id });
      return stored && fit(stored.sessionId, stored.content.expose());
    }
    default:
      for (const { sessionId, content } of await selectSessions(node, clientSessionCacheName, peer)) {
        const found = fit(sessionId, content.expose());
        if (found !== undefined) return found;
      }
      return undefined;
  }
}

/** The server knows us on it by a name: it must be the one that we go by now. */
function isOurs({ user }: Session12, { pskIdentity, srpIdentity }: ClientConfig): boolean {
  if (user === undefined) return true;
  const psk = pskIdentity === undefined ? undefined : new TextEncoder().encode(pskIdentity);
  const name = user.kind === 'srp' ? srpIdentity?.username : psk;
  return name !== undefined && sameBytes(name, user.name);
}

/** Over datagrams a hello stands whole in one, for the server keeps nothing of it before it has its cookie. */
function mayShow({ length }: Uint8Array, { olderSessionTickets, protocol }: ClientConfig): boolean {
  return olderSessionTickets && (protocol === 'tls' || length <= largestDatagramTicket);
}

/** Whether it may be offered: made under what holds now, alive, of a version and suite that go into the hello. */
function fits(
  { session, policy, created, notAfter, ticket }: KeptSession,
  { environment, equipment, reference, serverName }: ClientPurpose,
  config: ClientConfig,
): boolean {
  const { engine, settings } = environment;
  const now = environment.wallClock();
  return (
    session.serverName === serverName &&
    isOurs(session, config) &&
    config.versions.includes(session.version) &&
    config.ciphers.some(({ id }) => id === session.suite) &&
    now < created + settings.sessionLifetime * 1000 &&
    isGoodAt(notAfter, now) &&
    (ticket === undefined || (now < ticket.until && mayShow(ticket.ticket, config))) &&
    sameBytes(policy, policyOf(equipment, reference, engine))
  );
}
