/**
 * One connection of a client on its way to be recognized (contract §6.4): by a ticket out of the node's store, by those
 * that the user gives, or by a key agreed upon beforehand; and what becomes of the tickets that it gets.
 */
import type { Pid } from '@actor-tls/runtime';
import {
  dropTicket,
  type LockedTicket,
  lockTicket,
  releaseTicket,
  storeClientTicket,
  type TicketPeer,
  type TicketWish,
} from '@actor-tls/session-store';
import type { ClientConfig } from '../../options/config.js';
import { chainOf } from '../../protocol/authentication.js';
import type { Facts } from '../../protocol/facts.js';
import { speaksTls13 } from '../../protocol/hello/version.js';
import { longestEarlyData } from '../../protocol/record/early-epoch.js';
import type { ClientResumption, PskOffer, ReceivedTicket } from '../../protocol/tls13/psk.js';
import { hex } from '../../values/hex.js';
import { isTls13Suite, suiteById } from '../../values/registry/suites.js';
import { Secret } from '../../values/secret.js';
import { SessionTicket, type TicketContent, ticketContent } from '../../values/session-ticket.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import type { HostReference } from '../../values/x509/peer-verification.js';
import type { Equipment } from '../connection/handshake-means.js';
import type { Environment } from '../environment.js';
import { endOf, isGoodAt, lengthOf } from './chain-end.js';
import { largestDatagramTicket } from './datagram-ticket.js';
import { offeredExternalPsks } from './external-psk.js';
import { policyOf } from './policy.js';

/** Registered name of the node's store. */
export const clientTicketStoreName = 'tls_client_ticket_store';
/** Tickets of `useTicket` that are offered. */
const mostOffered = 8;
/** Tickets that are taken from one connection: a server may send any number. */
const mostTaken = 16;
/** Largest ticket that is kept, bytes, with the certificates that go with it. */
const largestTicket = 65_536;

/** With whom, and by what it is judged. */
export interface ClientPurpose {
  readonly environment: Environment;
  readonly equipment: Equipment;
  /** Host and port that were asked for. */
  readonly host: string;
  readonly port: number;
  /** The name that is sent. */
  readonly serverName: string | undefined;
  /** The name or address that is checked. */
  readonly reference: HostReference | undefined;
}

/** What a hello says of all this; `undefined`: nothing. */
interface Offer {
  readonly resumption: ClientResumption;
  readonly loan: LockedTicket | undefined;
  /** Goes out with the hello. */
  readonly earlyData: Uint8Array | undefined;
  /** The user's own ticket allows less than is to be sent. */
  readonly tooMuch: boolean;
}

const nothing: Offer = {
  resumption: { psks: [], earlyData: 'none' },
  loan: undefined,
  earlyData: undefined,
  tooMuch: false,
};

export class ClientRecognition {
  readonly #purpose: ClientPurpose;
  readonly #config: ClientConfig;
  readonly #policy: Uint8Array;
  #offer: Offer;
  #taken = 0;

  private constructor(purpose: ClientPurpose, config: ClientConfig, policy: Uint8Array, offer: Offer) {
    this.#purpose = purpose;
    this.#config = config;
    this.#policy = policy;
    this.#offer = offer;
  }

  /** Whether a client of these options has or takes anything to be recognized by. */
  static isWanted({ sessionTickets, pskIdentity, userLookupFun, versions, ciphers }: ClientConfig): boolean {
    const tickets = sessionTickets !== 'disabled' && ciphers.some(isTls13Suite);
    const external = pskIdentity !== undefined && userLookupFun !== undefined;
    return tickets || (external && speaksTls13(versions));
  }

  /** Looks for keys, before the hello. Rejects with what the user's function throws. `owner`: who borrows a ticket. */
  static async prepare(
    purpose: ClientPurpose,
    config: ClientConfig,
    owner: Pid<never>,
  ): Promise<ClientRecognition> {
    const { environment, equipment, reference } = purpose;
    const policy = policyOf(equipment, reference, environment.engine);
    const external = await offeredExternalPsks(config, environment.engine);
    const { tickets, loan } = await ticketsFor(purpose, config, policy, owner);
    const wished = earlyDataOf(config);
    const [first] = tickets;
    const allowed = first?.earlyData && Math.min(first.earlyData.maxSize, longestEarly(config));
    const fits = wished !== undefined && wished.length <= (allowed ?? 0);
    const offer: Offer = {
      resumption: { psks: [...tickets, ...external], earlyData: fits ? 'offered' : 'none' },
      loan,
      earlyData: fits ? wished : undefined,
      tooMuch: config.sessionTickets === 'manual' && wished !== undefined && allowed !== undefined && !fits,
    };
    return new ClientRecognition(purpose, config, policy, offer);
  }

  get resumption(): ClientResumption {
    return this.#offer.resumption;
  }

  /** Goes out right after the hello. */
  get earlyData(): Uint8Array | undefined {
    return this.#offer.earlyData;
  }

  /** More early data than the user's own ticket allows is an error of the user's (contract §6.4). */
  get tooMuchEarlyData(): boolean {
    return this.#offer.tooMuch;
  }

  /** Whether tickets that come are of use. */
  get takesTickets(): boolean {
    return this.#config.sessionTickets !== 'disabled';
  }

  /** The hello is out: whatever comes of it, a ticket is offered once (RFC 8446 appendix C.4). */
  offered(): void {
    const { loan } = this.#offer;
    if (loan !== undefined) dropTicket(this.#purpose.environment.node, clientTicketStoreName, loan.id);
  }

  /** There is no hello: somebody else may have the ticket. */
  release(): void {
    const { loan } = this.#offer;
    if (loan !== undefined) releaseTicket(this.#purpose.environment.node, clientTicketStoreName, loan.id);
  }

  /**
   * Whether the tickets offered were made under what holds now, should options have changed after the hello: by which
   * the server would be judged, and the name or address that would be checked.
   */
  standsUnder(equipment: Equipment, reference: HostReference | undefined): boolean {
    const { environment, equipment: before } = this.#purpose;
    return (
      equipment === before ||
      !this.offersTicket ||
      sameBytes(this.#policy, policyOf(equipment, reference, environment.engine))
    );
  }

  /** Whether a ticket goes out with the hello. */
  get offersTicket(): boolean {
    return this.#offer.resumption.psks.some(({ origin }) => origin === 'resumption');
  }

  /** The handshake is over: its keys are kept no longer. */
  done(): void {
    this.#offer = nothing;
  }

  /** What the owner of early data is told; `undefined`: there was none to send. */
  earlyOutcome({ earlyData }: Facts): 'accepted' | 'rejected' | undefined {
    if (earlyDataOf(this.#config) === undefined) return undefined;
    return earlyData === 'accepted' ? 'accepted' : 'rejected';
  }

  /** A ticket has come: it goes into the store, or is answered for its owner (`manual`). */
  take(received: ReceivedTicket, facts: Facts): SessionTicket | undefined {
    this.#taken += 1;
    const content = this.#taken > mostTaken ? undefined : this.#contentOf(received, facts);
    received.secret.zero();
    if (content === undefined) return undefined;
    this.#purpose.environment.census.resumption.client.taken();
    if (this.#config.sessionTickets === 'manual') return new SessionTicket(content);
    const { environment } = this.#purpose;
    storeClientTicket(environment.node, clientTicketStoreName, this.#peer, {
      cipher: facts.cipherSuite.cipher,
      prf: content.hash,
      lifetime: content.lifetime,
      maxEarlyData: content.maxEarlyData,
      content: new SessionTicket(content).secret,
    });
    return undefined;
  }

  /** What is kept of it; `undefined`: of a server that is known by a key of the user's, or too large. */
  #contentOf(received: ReceivedTicket, { peer, cipherSuite, alpn }: Facts): TicketContent | undefined {
    if (peer.kind === 'psk' && peer.origin !== 'resumption') return undefined;
    const chain = chainOf(peer);
    const size = lengthOf(chain) + received.identity.length;
    if (size > largestTicket || received.lifetime === 0) return undefined;
    return {
      format: true,
      identity: received.identity,
      psk: new Uint8Array(received.secret.expose()),
      hash: received.hash,
      suite: cipherSuite.id,
      alpn,
      sni: this.#purpose.serverName,
      received: this.#purpose.environment.wallClock(),
      lifetime: received.lifetime,
      ageAdd: received.ageAdd,
      maxEarlyData: received.maxEarlyDataSize ?? 0,
      policy: this.#policy,
      notAfter: endOf(chain),
      chain,
    };
  }

  get #peer(): TicketPeer {
    return peerOf(this.#purpose, this.#policy);
  }
}

function earlyDataOf({ earlyData }: ClientConfig): Uint8Array | undefined {
  return typeof earlyData === 'string' || earlyData.length === 0 ? undefined : earlyData;
}

/** Over datagrams it is one record. */
function longestEarly({ protocol, mtu }: ClientConfig): number {
  return protocol === 'dtls' ? longestEarlyData(mtu) : Number.POSITIVE_INFINITY;
}

function peerOf({ host, port, serverName }: ClientPurpose, policy: Uint8Array): TicketPeer {
  return { host, port, sni: serverName, policy: hex(policy) };
}

interface Found {
  readonly tickets: readonly PskOffer[];
  readonly loan: LockedTicket | undefined;
}

async function ticketsFor(
  purpose: ClientPurpose,
  config: ClientConfig,
  policy: Uint8Array,
  owner: Pid<never>,
): Promise<Found> {
  const { environment, serverName } = purpose;
  const now = environment.wallClock();
  switch (config.sessionTickets) {
    case 'manual': {
      const usable = config.useTicket.flatMap((ticket) => {
        const content = ticket.content();
        const fits = content?.sni === serverName && sameBytes(content?.policy ?? new Uint8Array(), policy);
        return content === undefined || !fits
          ? []
          : (offerOf(content, now - content.received, now, config) ?? []);
      });
      return { tickets: usable.slice(0, mostOffered), loan: undefined };
    }
    case 'auto': {
      const loan = await borrow(purpose, config, policy, owner);
      const content = loan && ticketContent(loan.content.expose().slice());
      const offer = content && loan && offerOf(content, loan.age, now, config);
      return { tickets: offer === undefined ? [] : [offer], loan };
    }
    default:
      return { tickets: [], loan: undefined };
  }
}

/** One that takes the early data; else one that does not. */
async function borrow(
  purpose: ClientPurpose,
  config: ClientConfig,
  policy: Uint8Array,
  owner: Pid<never>,
): Promise<LockedTicket | undefined> {
  const { node } = purpose.environment;
  const suites = config.ciphers.filter(isTls13Suite);
  const wish: TicketWish = { peer: peerOf(purpose, policy), prfs: suites.map(({ hash }) => hash) };
  const early = earlyDataOf(config);
  if (early !== undefined) {
    const earlyData = { ciphers: suites.map(({ cipher }) => cipher), size: early.length };
    const fitting = await lockTicket(node, clientTicketStoreName, owner, { ...wish, earlyData });
    if (fitting !== undefined) return fitting;
  }
  return lockTicket(node, clientTicketStoreName, owner, wish);
}

/** `age`: ms since it came. `undefined`: it, or the certificates that the server has shown, are good no more. */
function offerOf(
  content: TicketContent,
  age: number,
  now: number,
  { protocol }: ClientConfig,
): PskOffer | undefined {
  const { identity, psk, hash, suite, alpn, lifetime, ageAdd, maxEarlyData, chain, notAfter } = content;
  if (protocol === 'dtls' && identity.length > largestDatagramTicket) return undefined;
  if (age < 0 || age >= lifetime * 1000 || !isGoodAt(notAfter, now)) return undefined;
  const row = suiteById(suite);
  const earlyData = row && maxEarlyData > 0 ? { suite: row, alpn, maxSize: maxEarlyData } : undefined;
  return {
    origin: 'resumption',
    secret: new Secret(psk),
    hash,
    chain,
    earlyData,
    identity,
    obfuscatedTicketAge: (Math.floor(age) + ageAdd) % 0x1_0000_0000,
  };
}
