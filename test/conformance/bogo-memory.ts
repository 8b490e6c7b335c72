/**
 * What a shim keeps from one connection to the next: a client's session, a server's tickets (RFC 8446 §4.6.1); of the versions
 * before TLS 1.3 see `OlderSessions`.
 */
import type {
  ClientResumption,
  Facts,
  FoundPsk,
  PreSharedKey,
  PskOffer,
  PskWish,
  ReceivedTicket,
} from '@actor-tls/ssl/core';
import { leavesNewSession, OlderSessions } from './bogo-sessions.js';
import type { Scheme } from './bogo-terms.js';

/** As BoringSSL allows, bytes. */
export const maxEarlyData = 14_336;
/** As BoringSSL's, seconds. */
const ticketLifetime = 172_800;
/** All that goes back to one full handshake ends with it, ms. */
const sessionLifetime = 7 * 86_400_000;
/** ms between two reports of a ticket's age: more, and early data is refused (§8.3). */
const ageTolerance = 60_000;

/** What was learned of a peer, and is not said again in a handshake under a key. */
export interface Seen {
  readonly scheme: Scheme | undefined;
  readonly staple: Uint8Array | undefined;
}

interface Kept extends Seen {
  readonly psk: PreSharedKey;
  readonly ageAdd: number;
  /** ms */
  readonly since: number;
  /** seconds */
  readonly lifetime: number;
}

interface Session extends Kept {
  readonly identity: Uint8Array;
}

interface Ticket extends Kept {
  /** ms, when the full handshake was. */
  readonly judged: number;
  readonly alpn: Uint8Array | undefined;
  readonly serverName: string | undefined;
}

/** Of a ticket that is to be sent. */
export interface NewTicket {
  readonly ticketLifetime: number;
  readonly ticketAgeAdd: number;
  readonly ticketNonce: Uint8Array;
  readonly ticket: Uint8Array;
  readonly maxEarlyDataSize: number | undefined;
}

/** A ticket that was taken: what its connection takes over, and how far the client's clock is off, seconds. */
export interface Taken extends Seen {
  readonly judged: number;
  readonly ageSkew: number;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export class Memory {
  /** ms; time passes only when BoGo says so. */
  now = 1_234_000;
  /** What the next connection offers. */
  session: Session | undefined = undefined;
  readonly older = new OlderSessions();
  readonly #tickets = new Map<string, Ticket>();
  #count = 0;

  /** A client keeps the last ticket of a connection. */
  keep(received: ReceivedTicket, { cipherSuite, alpn, peer }: Facts, seen: Seen): void {
    const { identity, secret, hash, ageAdd, lifetime, maxEarlyDataSize: maxSize = 0 } = received;
    const chain = peer.kind === 'none' ? [] : peer.chain;
    const earlyData = maxSize > 0 ? { suite: cipherSuite, alpn, maxSize } : undefined;
    const psk: PreSharedKey = { origin: 'resumption', secret, hash, chain, earlyData };
    this.older.forget();
    this.session = { ...seen, identity, psk, ageAdd, lifetime, since: this.now };
  }

  /** The same of the versions before TLS 1.3. */
  keepOlder(learned: Facts, seen: Seen): void {
    if (!leavesNewSession(learned)) return;
    this.session = undefined;
    this.older.keep(learned, seen);
  }

  /** What a client has to be recognized by. */
  resumption(early: boolean): ClientResumption {
    const { session, now } = this;
    if (session === undefined || now - session.since >= session.lifetime * 1000)
      return { psks: [], earlyData: 'none' };
    const obfuscatedTicketAge = (now - session.since + session.ageAdd) % 0x1_0000_0000;
    const offer: PskOffer = { ...session.psk, identity: session.identity, obfuscatedTicketAge };
    return { psks: [offer], earlyData: early && offer.earlyData !== undefined ? 'offered' : 'none' };
  }

  /** A server makes a ticket of a connection. */
  issue(
    { cipherSuite, alpn, serverName, peer }: Facts,
    secretOf: (nonce: Uint8Array) => PreSharedKey['secret'] | undefined,
    taken: Taken | undefined,
    seen: Seen,
    allowsEarly: boolean,
  ): NewTicket | undefined {
    this.#count += 1;
    const nonce = Uint8Array.of(this.#count >> 8, this.#count);
    const secret = secretOf(nonce);
    const judged = taken?.judged ?? this.now;
    const left = Math.floor((judged + sessionLifetime - this.now) / 1000);
    if (secret === undefined || left <= 0) return undefined;
    const ageAdd = 0x1234_5678 + this.#count;
    const chain = peer.kind === 'none' ? [] : peer.chain;
    const maxSize = allowsEarly ? maxEarlyData : 0;
    const psk: PreSharedKey = {
      ...{ origin: 'resumption', secret, hash: cipherSuite.hash, chain },
      earlyData: maxSize > 0 ? { suite: cipherSuite, alpn, maxSize } : undefined,
      allowedEarlyData: maxSize,
    };
    const lifetime = Math.min(ticketLifetime, left);
    const ticket = crypto.getRandomValues(new Uint8Array(32));
    const kept = { ...seen, psk, ageAdd, lifetime, since: this.now, judged, alpn, serverName };
    this.#tickets.set(hex(ticket), kept);
    return {
      ...{ ticketLifetime: lifetime, ticketAgeAdd: ageAdd, ticketNonce: nonce, ticket },
      maxEarlyDataSize: maxSize > 0 ? maxSize : undefined,
    };
  }

  /** The first ticket of ours that will do; early data is read under the first that is offered. */
  find(
    { identities, hashes, serverName, earlyData }: PskWish,
    readsEarly: boolean,
  ): (FoundPsk & Taken) | undefined {
    for (const [index, { identity, obfuscatedTicketAge }] of identities.entries()) {
      const ticket = this.#tickets.get(hex(identity));
      if (ticket === undefined || !hashes.includes(ticket.psk.hash)) continue;
      const age = this.now - ticket.since;
      if (age >= ticket.lifetime * 1000) continue;
      const reported = (obfuscatedTicketAge - ticket.ageAdd) >>> 0;
      const fresh = Math.abs(reported - age) <= ageTolerance && ticket.serverName === serverName;
      const reads = readsEarly && earlyData && index === 0 && fresh;
      const psk = reads ? ticket.psk : { ...ticket.psk, earlyData: undefined };
      const { scheme, staple, judged } = ticket;
      return { index, psk, scheme, staple, judged, ageSkew: Math.trunc((reported - age) / 1000) };
    }
    return undefined;
  }
}
