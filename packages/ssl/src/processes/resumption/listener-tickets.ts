/**
 * The tickets of one listener (contract §6.1–6.3, RFC 8446 §4.6.1, §8): what is sent to clients, and what is believed of
 * those that they bring back. Connections ask; the tickets themselves are with the listener's own processes.
 *
 * A ticket is taken when it is alive, its hash goes with a suite, the client has proved to have its key, and it was made
 * under the name, the certificates and the policy that hold now; else the handshake is a full one, and nobody is told
 * why but the counters. Early data is read under it only if somebody vouches that it is no replay: the store, which gives
 * a ticket once, or the anti-replay filter, for tickets of its window.
 */

import type { Node, Pid } from '@actor-tls/runtime';
import {
  type AntiReplayParameters,
  antiReplayInfo,
  checkAntiReplay,
  findTickets,
  openTickets,
  type RotationResult,
  reserveNonces,
  reserveTickets,
  rotateTicketKeys,
  type ServerTicketInfo,
  type Secret as StoredSecret,
  sealTickets,
  serverTicketInfo,
  storeTicket,
  takeTicket,
} from '@actor-tls/session-store';
import type { ServerConfig } from '../../options/config.js';
import { isStateless, keepsCertificates } from '../../options/rows-resumption.js';
import { chainOf } from '../../protocol/authentication.js';
import type { PskIdentity } from '../../protocol/extensions/pre-shared-key.js';
import type { Facts } from '../../protocol/facts.js';
import type { CheckedTicket } from '../../protocol/tls13/post-handshake.js';
import type { EarlyDataTerms, FoundPsk, PreSharedKey, PskWish } from '../../protocol/tls13/psk.js';
import { suiteById } from '../../values/registry/suites.js';
import { Secret } from '../../values/secret.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import type { Equipment } from '../connection/handshake-means.js';
import type { Environment } from '../environment.js';
import { endOf, isGoodAt, isTooLong } from './chain-end.js';
import { largestDatagramTicket } from './datagram-ticket.js';
import { policyOf } from './policy.js';
import { type ResumptionCounters, ResumptionTally, type TicketRefusal } from './resumption-tally.js';
import {
  type Origin,
  readServerTicket,
  type ServerTicketContent,
  serverTicketBytes,
} from './server-ticket.js';

/** RFC 8446 §4.6.1: all that goes back to one full handshake ends after seven days, however often it was resumed. */
const longestLife = 604_800_000;
/** ms between a ticket's age as we know it and as the client tells it: more, and a hello may have been held back (§8.3). */
const ageTolerance = 10_000;
/** Tickets of one hello that are looked at: honest clients bring one or two. */
const mostTickets = 8;

/** What `listenerCounters` tells of tickets besides. */
export interface TicketStoreCounters {
  /** Tickets that the server keeps (`stateful`), and what they take. */
  readonly kept: ServerTicketInfo;
  /** Of the anti-replay filter: bytes, and how often a ticket was new, or was or may have been seen. */
  readonly antiReplay: { readonly bytes: number; readonly fresh: number; readonly seen: number };
}

/** A ticket that is taken, and what a connection under it takes over. */
export interface TakenTicket {
  readonly found: FoundPsk;
  readonly origin: Origin;
}

/** A ticket that was read and may be taken. */
interface Candidate {
  readonly index: number;
  readonly identity: Uint8Array;
  readonly ticket: ServerTicketContent;
}

type Judged = { readonly take: Candidate } | { readonly refuse: TicketRefusal };

export class ListenerTickets {
  readonly tally: ResumptionTally;
  readonly #environment: Environment;
  readonly #store: string;
  readonly #filter: string;
  readonly #antiReplay: AntiReplayParameters | undefined;
  readonly #isStateless: boolean;
  /** The key of the listener's filter, once there is a listener. */
  #listener: Pid<never> | undefined = undefined;

  /** `store` and `filter` are the names of the listener's processes. */
  constructor(environment: Environment, store: string, filter: string, config: ServerConfig) {
    const { antiReplay, sessionTickets } = config;
    this.#isStateless = isStateless(sessionTickets);
    this.#environment = environment;
    this.tally = new ResumptionTally(environment.census.resumption.server);
    this.#store = store;
    this.#filter = filter;
    this.#antiReplay = antiReplay;
  }

  /** Options of one connection may turn tickets off, or be of a kind that this listener has no process for. */
  #keeps({ sessionTickets: kind }: ServerConfig): boolean {
    return kind !== 'disabled' && isStateless(kind) === this.#isStateless;
  }

  belongTo(listener: Pid<never>): void {
    this.#listener = listener;
  }

  /** Has the next key of stateless tickets seal; see `rotateTicketKeys`. */
  rotateKeys(seed: Secret | undefined): Promise<RotationResult> {
    return rotateTicketKeys(this.#node, this.#store, seed);
  }

  /** Sizes of what the listener's processes keep. */
  async sizes(): Promise<TicketStoreCounters> {
    const [kept, { bytes, fresh, seen }] = await Promise.all([
      serverTicketInfo(this.#node, this.#store),
      antiReplayInfo(this.#node, this.#filter),
    ]);
    return { kept, antiReplay: { bytes, fresh, seen } };
  }

  // ── What a client brings ────────────────────────────────────────────────────────────────────────────

  /**
   * The ticket that the handshake goes on with, or why none of them. One whose key the client has not proved to have is answered too, and
   * nobody was told that it was used: the handshake then fails.
   */
  async find(wish: PskWish, equipment: Equipment): Promise<TakenTicket | TicketRefusal | undefined> {
    const { config } = equipment;
    if (config.role !== 'server' || !this.#keeps(config)) return undefined;
    const refusals: TicketRefusal[] = [];
    for (const candidate of await this.#candidates(wish, config)) {
      const judged = candidate === undefined ? unknown : this.#judge(candidate, wish, equipment);
      if ('refuse' in judged) refusals.push(judged.refuse);
      else {
        const taken = await this.#take(judged.take, wish, config);
        if (typeof taken !== 'string') return taken;
        refusals.push(taken);
        // What may be a replay is not tried again with the next ticket.
        break;
      }
    }
    return refusals[0];
  }

  /** The tickets that can be read, in the client's order; `undefined` for one that cannot. */
  async #candidates(
    { identities }: PskWish,
    config: ServerConfig,
  ): Promise<readonly (Candidate | undefined)[]> {
    const offered = identities.slice(0, mostTickets).map(({ identity }) => new Uint8Array(identity));
    if (isStateless(config.sessionTickets)) {
      const opened = await openTickets(this.#node, this.#store, offered);
      return offered.map((identity, index) => candidateOf(index, identity, opened[index]));
    }
    const found = await findTickets(this.#node, this.#store, offered);
    const known = offered.flatMap((identity, index) => candidateOf(index, identity, found[index]) ?? []);
    return [...known, undefined];
  }

  #judge(candidate: Candidate, { hashes, serverName, identities }: PskWish, equipment: Equipment): Judged {
    const { ticket, index } = candidate;
    const { config } = equipment;
    const now = this.#environment.wallClock();
    if (!isAlive(ticket, identities[index], now)) return { refuse: 'expired' };
    if (!hashes.includes(ticket.hash)) return { refuse: 'suite' };
    if (ticket.serverName !== serverName) return { refuse: 'policy' };
    if (!sameBytes(ticket.policy, policyOf(equipment, undefined, this.#environment.engine)))
      return { refuse: 'policy' };
    const demands = config.role === 'server' && config.failIfNoPeerCert;
    return demands && !ticket.certified ? { refuse: 'policy' } : { take: candidate };
  }

  /** Uses a ticket up, as far as it can be. */
  async #take(
    { index, identity, ticket }: Candidate,
    wish: PskWish,
    config: ServerConfig,
  ): Promise<TakenTicket | TicketRefusal> {
    const psk: PreSharedKey = {
      origin: 'resumption',
      secret: new Secret(ticket.psk),
      hash: ticket.hash,
      chain: ticket.chain,
      earlyData: undefined,
      allowedEarlyData: ticket.maxEarlyData,
    };
    const found = { index, psk };
    const origin: Origin = ticket;
    if (!wish.isProven(found)) return { found, origin };
    const binder = wish.binders[index] ?? new Uint8Array();
    const vouched = await this.#vouch(identity, binder, ticket, config);
    if (vouched === 'replay') return 'replay';
    const reads = vouched === 'once' && this.#readsEarly(wish, found.index, ticket, config);
    return reads
      ? { found: { index, psk: { ...psk, earlyData: termsOf(ticket) } }, origin }
      : { found, origin };
  }

  /** Whether this is the first use: `once`, `replay` when it is not or may not be, `unknown` when nobody keeps count. */
  async #vouch(
    identity: Uint8Array,
    binder: Uint8Array,
    { issued }: ServerTicketContent,
    { sessionTickets }: ServerConfig,
  ): Promise<'once' | 'replay' | 'unknown'> {
    if (!isStateless(sessionTickets))
      return (await takeTicket(this.#node, this.#store, identity)) ? 'once' : 'replay';
    const parameters = this.#antiReplay;
    const listener = this.#listener;
    if (parameters === undefined || listener === undefined) return 'unknown';
    // The filter forgets what is older than its window: of such tickets it can say nothing, and early data is refused.
    if (this.#environment.wallClock() - issued > parameters.window * 1000) return 'unknown';
    const element = new Uint8Array(binder);
    const answer = await checkAntiReplay(this.#node, this.#filter, listener, parameters, element);
    return answer === 'new' ? 'once' : 'replay';
  }

  /** §4.2.10, §8.3: the first ticket, fresh from the client, where the options allow it now. */
  #readsEarly(
    { earlyData, identities }: PskWish,
    index: number,
    ticket: ServerTicketContent,
    config: ServerConfig,
  ): boolean {
    if (!earlyData || index !== 0 || config.earlyData !== 'enabled' || ticket.maxEarlyData === 0)
      return false;
    const [first] = identities;
    const age = this.#environment.wallClock() - ticket.issued;
    return first !== undefined && Math.abs(age - reportedAge(first, ticket)) <= ageTolerance;
  }

  // ── What a client gets ──────────────────────────────────────────────────────────────────────────────

  /**
   * Tickets for a connection that stands. `pskOf`: the key that goes with a nonce. `origin`: of the ticket that the
   * connection was resumed by. None when there is no use for them, or their processes are gone.
   */
  async issue(
    facts: Facts,
    equipment: Equipment,
    origin: Origin | undefined,
    pskOf: (nonce: Uint8Array) => Secret | undefined,
  ): Promise<readonly CheckedTicket[]> {
    const { config } = equipment;
    if (config.role !== 'server' || !this.#keeps(config)) return [];
    const kept = origin ?? originOf(facts, config, this.#environment.wallClock());
    const lifetime = kept === undefined ? 0 : this.#lifetimeOf(kept, config);
    if (kept === undefined || lifetime <= 0 || isTooLong(kept.chain)) return [];
    const { serverTicketsAmount: amount } = this.#environment.settings;
    const content = (psk: Secret): ServerTicketContent =>
      this.#contentOf(psk, facts, equipment, kept, lifetime);
    const tickets = isStateless(config.sessionTickets)
      ? await this.#sealed(amount, pskOf, content)
      : await this.#stored(amount, pskOf, content);
    const usable =
      config.protocol === 'tls'
        ? tickets
        : tickets.filter(({ ticket }) => ticket.length <= largestDatagramTicket);
    this.tally.issued(usable.length);
    return usable;
  }

  /** Reserved, made and kept; the client gets names that mean nothing. */
  async #stored(
    amount: number,
    pskOf: (nonce: Uint8Array) => Secret | undefined,
    contentOf: (psk: Secret) => ServerTicketContent,
  ): Promise<readonly CheckedTicket[]> {
    const reserved = await reserveTickets(this.#node, this.#store, amount);
    return reserved.flatMap(({ identity, nonce }) => {
      const psk = pskOf(nonce);
      if (psk === undefined) return [];
      const content = contentOf(psk);
      const bytes = new Secret(serverTicketBytes(content));
      storeTicket(this.#node, this.#store, identity, bytes);
      return [newSessionTicket(content, nonce, identity)];
    });
  }

  /** Made and sealed; the client keeps them. */
  async #sealed(
    amount: number,
    pskOf: (nonce: Uint8Array) => Secret | undefined,
    contentOf: (psk: Secret) => ServerTicketContent,
  ): Promise<readonly CheckedTicket[]> {
    const nonces = await reserveNonces(this.#node, this.#store, amount);
    const made = nonces.flatMap((nonce) => {
      const psk = pskOf(nonce);
      return psk === undefined ? [] : [{ nonce, content: contentOf(psk) }];
    });
    const secrets = made.map(({ content }) => new Secret(serverTicketBytes(content)));
    const sealed = await sealTickets(this.#node, this.#store, secrets);
    for (const secret of secrets) secret.zero();
    return made.flatMap(({ nonce, content }, at) => {
      const ticket = sealed[at];
      return ticket === undefined || ticket.length === 0 ? [] : [newSessionTicket(content, nonce, ticket)];
    });
  }

  #contentOf(
    psk: Secret,
    { cipherSuite, alpn, serverName }: Facts,
    equipment: Equipment,
    { judged, certified, notAfter, chain }: Origin,
    lifetime: number,
  ): ServerTicketContent {
    const { engine, wallClock } = this.#environment;
    // Field by field: three of these are made for a connection, and a spread of so many takes V8 40 µs.
    return {
      format: true,
      psk: psk.expose(),
      hash: cipherSuite.hash,
      suite: cipherSuite.id,
      alpn,
      serverName,
      issued: wallClock(),
      lifetime,
      ageAdd: ageAdd(engine.randomBytes(4)),
      maxEarlyData: this.#allowedEarlyData(equipment),
      policy: policyOf(equipment, undefined, engine),
      judged,
      certified,
      notAfter,
      chain,
    };
  }

  /** Nothing is promised that would be refused. */
  #allowedEarlyData({ config }: Equipment): number {
    const vouches =
      config.role === 'server' && (!isStateless(config.sessionTickets) || this.#antiReplay !== undefined);
    return vouches && config.earlyData === 'enabled' ? this.#environment.settings.serverMaxEarlyData : 0;
  }

  /** seconds: what is left of all that the ticket hangs on. */
  #lifetimeOf({ judged, notAfter }: Origin, { crlCheck, verify }: ServerConfig): number {
    const { wallClock, settings } = this.#environment;
    const own = settings.serverTicketLifetime;
    // Revocation is looked up when certificates are judged: where it counts, no chain of tickets may stretch that time.
    const sinceJudged = crlCheck !== false && verify === 'verify_peer' ? own * 1000 : longestLife;
    const left = Math.min(judged + sinceJudged, notAfter) - wallClock();
    return Math.min(own, Math.floor(left / 1000));
  }

  get #node(): Node {
    return this.#environment.node;
  }
}

const unknown: Judged = { refuse: 'unknown' };

function candidateOf(
  index: number,
  identity: Uint8Array,
  content: StoredSecret | undefined,
): Candidate | undefined {
  const ticket = content && readServerTicket(content.expose());
  return ticket && { index, identity, ticket };
}

/** §4.6.1, §8.3: by our clock, and by what the client tells. */
function isAlive(ticket: ServerTicketContent, identity: PskIdentity | undefined, now: number): boolean {
  const { issued, lifetime, judged, notAfter } = ticket;
  const age = now - issued;
  // A clock that was set back, or another server's, may be behind by a little.
  if (age < -ageTolerance || age > lifetime * 1000) return false;
  if (identity === undefined || reportedAge(identity, ticket) > lifetime * 1000 + ageTolerance) return false;
  return now < judged + longestLife && isGoodAt(notAfter, now);
}

/** §4.2.11.1, ms */
function reportedAge({ obfuscatedTicketAge }: PskIdentity, { ageAdd: added }: ServerTicketContent): number {
  return (obfuscatedTicketAge - added + 0x1_0000_0000) % 0x1_0000_0000;
}

function termsOf({ suite, alpn, maxEarlyData: maxSize }: ServerTicketContent): EarlyDataTerms | undefined {
  const row = suiteById(suite);
  return row && { suite: row, alpn, maxSize };
}

/** What a full handshake has found out; `undefined`: of a client that is known in another way there are no tickets. */
function originOf({ peer }: Facts, { sessionTickets }: ServerConfig, now: number): Origin | undefined {
  if (peer.kind === 'psk') return undefined;
  const chain = chainOf(peer);
  return {
    judged: now,
    certified: chain.length > 0,
    notAfter: endOf(chain),
    chain: keepsCertificates(sessionTickets) ? chain : [],
  };
}

function newSessionTicket(
  { lifetime, ageAdd: ticketAgeAdd, maxEarlyData }: ServerTicketContent,
  ticketNonce: Uint8Array,
  ticket: Uint8Array,
): CheckedTicket {
  const maxEarlyDataSize = maxEarlyData === 0 ? undefined : maxEarlyData;
  return { ticketLifetime: lifetime, ticketAgeAdd, ticketNonce, ticket, maxEarlyDataSize };
}

/** 32 random bits; lowered by 7 days when an age on top of it would not fit (contract §6.1). */
function ageAdd(random: Uint8Array): number {
  const value = new DataView(random.buffer, random.byteOffset, 4).getUint32(0);
  return value + longestLife > 0xffff_ffff ? value - longestLife : value;
}

export type { ResumptionCounters };
