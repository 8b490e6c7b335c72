/**
 * The sessions of one listener (contract §6.5, RFC 5246 §7.3, RFC 5077), or of all upgraded sockets together: by id in a
 * table, by ticket with the client. Connections ask.
 *
 * A session is resumed when it is alive, its certificates are good still, it was made under the policy that holds now and
 * fits the hello; else the handshake is a full one, and nobody is told why but the counters.
 */
import {
  invalidateSession,
  lookupSession,
  openTickets,
  registerSession,
  type SessionKey,
  sealTickets,
} from '@actor-tls/session-store';
import type { ServerConfig } from '../../options/config.js';
import type { Facts } from '../../protocol/facts.js';
import type { GivenTicket, Session12, SessionWish } from '../../protocol/tls12/session.js';
import { sessionOf } from '../../protocol/tls12/session.js';
import { suiteMap } from '../../values/cipher-suites.js';
import { suiteById } from '../../values/registry/suites.js';
import { Secret } from '../../values/secret.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import type { Equipment } from '../connection/handshake-means.js';
import type { Environment } from '../environment.js';
import { endOf, isGoodAt, isTooLong } from './chain-end.js';
import { policyOf } from './policy.js';
import { type KeptSession, keptBytes, keptSession } from './session-content.js';
import { type SessionRefusal, SessionTally } from './session-tally.js';

/** Who seals tickets: the name of a process, and what starts it unless it runs. False: it does not start. */
export interface Sealer {
  readonly name: string;
  start(config: ServerConfig): Promise<boolean>;
}

export class ListenerSessions {
  readonly tally: SessionTally;
  readonly #environment: Environment;
  readonly #cache: string;
  readonly #sealer: Sealer;
  readonly #startCache: (() => Promise<void>) | undefined;
  #sealing: Promise<boolean> | undefined = undefined;

  /** `cache`: name of the process; `startCache`: called before a session is kept, it starts what does not run. */
  constructor(environment: Environment, cache: string, sealer: Sealer, startCache?: () => Promise<void>) {
    this.#environment = environment;
    this.tally = new SessionTally(environment.census.sessions);
    this.#cache = cache;
    this.#sealer = sealer;
    this.#startCache = startCache;
  }

  /** Whether sessions are kept and found under these options. */
  keeps({ reuseSessions }: ServerConfig): boolean {
    return reuseSessions !== false;
  }

  /** Not over datagrams to clients that show certificates: with those in it no hello would stand whole in a datagram. */
  givesTickets(config: ServerConfig): boolean {
    const areShort = config.protocol === 'tls' || config.verify === 'verify_none';
    return this.keeps(config) && config.olderSessionTickets && areShort;
  }

  /** The session that the handshake goes on with. */
  async find(wish: SessionWish, equipment: Equipment): Promise<Session12 | undefined> {
    const { config } = equipment;
    if (config.role !== 'server' || !this.keeps(config)) return undefined;
    // RFC 5077 §3.4: beside a ticket an id is not looked for.
    const found =
      wish.ticket === undefined ? await this.#lookUp(wish.id) : await this.#open(wish.ticket, config);
    const why = found === undefined ? 'unknown' : await this.#refusal(found, wish, config, equipment);
    if (why === undefined) return found?.session;
    this.tally.refused(why);
    return undefined;
  }

  async #refusal(
    found: KeptSession,
    wish: SessionWish,
    config: ServerConfig,
    equipment: Equipment,
  ): Promise<SessionRefusal | undefined> {
    if (!this.#isAlive(found)) return 'expired';
    if (!sameBytes(found.policy, policyOf(equipment, undefined, this.#environment.engine))) return 'policy';
    if (!wish.fits(found.session)) return 'terms';
    return (await isWanted(wish, found.session, config)) ? undefined : 'unwanted';
  }

  async #lookUp(id: Uint8Array): Promise<KeptSession | undefined> {
    const stored = await lookupSession(this.#environment.node, this.#cache, keyOf(id));
    return stored && keptSession(stored.content.expose());
  }

  async #open(ticket: Uint8Array, config: ServerConfig): Promise<KeptSession | undefined> {
    if (!config.olderSessionTickets || !(await this.#seals(config))) return undefined;
    const [opened] = await openTickets(this.#environment.node, this.#sealer.name, [ticket], 'tls12');
    return opened && keptSession(opened.expose());
  }

  /** Who seals starts when there is something to seal: most listeners never hear of such a client. */
  async #seals(config: ServerConfig): Promise<boolean> {
    this.#sealing ??= this.#sealer.start(config);
    const started = await this.#sealing;
    if (!started) this.#sealing = undefined;
    return started;
  }

  #isAlive({ created, notAfter }: KeptSession): boolean {
    const now = this.#environment.wallClock();
    return now < created + this.#lifetime * 1000 && isGoodAt(notAfter, now);
  }

  /** seconds */
  get #lifetime(): number {
    return this.#environment.settings.sessionLifetime;
  }

  /** A ticket for the session of a full handshake; `undefined` when nobody can seal, or it would be too long. */
  async seal(session: Session12, equipment: Equipment): Promise<GivenTicket | undefined> {
    const { node, settings } = this.#environment;
    const kept = this.#keep(session, equipment);
    const { config } = equipment;
    if (config.role !== 'server' || kept === undefined || !(await this.#seals(config))) return undefined;
    const contents = [new Secret(keptBytes(kept))];
    const [ticket] = await sealTickets(node, this.#sealer.name, contents, 'tls12');
    if (ticket === undefined || ticket.length === 0) return undefined;
    this.tally.issued();
    return { ticket, lifetimeHint: Math.min(this.#lifetime, settings.serverTicketLifetime) };
  }

  /** A handshake has ended well: it is counted, and what has an id of a full one is kept. */
  register(facts: Facts, equipment: Equipment): void {
    const { sessionId, sessionResumption } = facts;
    this.tally.established(sessionResumption ? 'resumed' : 'full');
    if (sessionId.length === 0 || sessionResumption) return;
    const session = sessionOf(facts);
    const kept = session && this.#keep(session, equipment);
    if (kept === undefined) return;
    const content = new Secret(keptBytes(kept));
    const stored = { sessionId, createdAt: kept.created, likeness: '', content };
    const register = (): void => registerSession(this.#environment.node, this.#cache, '', stored, 'always');
    if (this.#startCache === undefined) register();
    else void this.#startCache().then(register);
  }

  /** RFC 5246 §7.2.2: a fatal alert ends the session too. */
  forget(id: Uint8Array): void {
    invalidateSession(this.#environment.node, this.#cache, keyOf(id));
  }

  #keep(session: Session12, equipment: Equipment): KeptSession | undefined {
    const { wallClock, engine } = this.#environment;
    if (isTooLong(session.chain)) return undefined;
    return {
      session,
      policy: policyOf(equipment, undefined, engine),
      created: wallClock(),
      notAfter: endOf(session.chain),
      ticket: undefined,
    };
  }
}

function keyOf(sessionId: Uint8Array): SessionKey {
  return { peer: '', sessionId };
}

/** The user's word; what throws says no. */
async function isWanted(
  { id }: SessionWish,
  { chain: [peer], suite }: Session12,
  { reuseSession: choice }: ServerConfig,
): Promise<boolean> {
  if (choice.kind !== 'policy') return true;
  const row = suiteById(suite);
  if (row === undefined) return false;
  try {
    return (await choice.fun(id, peer, 0, suiteMap(row))) === true;
  } catch {
    return false;
  }
}
