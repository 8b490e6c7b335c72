/**
 * Sessions of TLS 1.2, 1.1 and 1.0 (RFC 5246 §7.3, §F.1.4): what a handshake leaves for another to resume. It stays bound to
 * version, suite, name, master secret (RFC 7627 §5.3) and encrypt-then-MAC (RFC 7366 §3.1). Who keeps it, and by what it
 * is found, is a matter of whoever answers the core's questions.
 */
import type { GroupName } from '../../values/crypto/engine.js';
import { Secret } from '../../values/secret.js';
import { type Authentication, chainOf } from '../authentication.js';
import type { Facts } from '../facts.js';
import type { OlderVersion } from './older-version.js';
import type { ProvedUser } from './user.js';

export interface Session12 {
  readonly version: OlderVersion['name'];
  /** Number of the cipher suite. */
  readonly suite: number;
  /** 48 bytes */
  readonly masterSecret: Secret;
  /** How it was derived (RFC 7627). */
  readonly derivation: 'extended' | 'plain';
  /** RFC 7366 */
  readonly encryptThenMac: boolean;
  /** The name in the hello. */
  readonly serverName: string | undefined;
  /** Of the key exchange. */
  readonly group: GroupName | undefined;
  /** Who the client had proved to be. */
  readonly user: ProvedUser | undefined;
  /** What the peer had shown, DER, its own certificate first. */
  readonly chain: readonly Uint8Array[];
}

/** What is kept beside the master secret as long as a connection may be asked for its session. */
export interface SessionTerms {
  readonly version: Session12['version'];
  readonly derivation: Session12['derivation'];
  readonly encryptThenMac: boolean;
  /** What the server gave a client for next time. */
  readonly ticket: GivenTicket | undefined;
}

/** A ticket (RFC 5077 §3.3). */
export interface GivenTicket {
  /** Never empty. */
  readonly ticket: Uint8Array;
  /** seconds; 0: the server does not say */
  readonly lifetimeHint: number;
}

/** What a client's hello brings to be recognized by. */
export interface SessionWish {
  /** 0 to 32 bytes. Beside a ticket it only says by its echo that the ticket was taken (RFC 5077 §3.4). */
  readonly id: Uint8Array;
  /** Never empty. */
  readonly ticket: Uint8Array | undefined;
  /** Whether this handshake may be one of the session. */
  fits(session: Session12): boolean;
}

/** What a client offers. */
export interface OfferedSession {
  /** 1 to 32 bytes; beside a ticket random ones. */
  readonly id: Uint8Array;
  readonly ticket: Uint8Array | undefined;
  readonly session: Session12;
}

/** A client and sessions of TLS 1.2 and before. */
export interface ClientSessions {
  readonly offered: OfferedSession | undefined;
  /** Whether the server may give tickets. */
  readonly tickets: 'welcome' | 'unwanted';
}

/** The session of a connection that stands; `undefined` in TLS 1.3. Its secret is a copy. */
export function sessionOf(facts: Facts): Session12 | undefined {
  const { secrets, session, cipherSuite, serverName, group, user, peer } = facts;
  if (session === undefined || secrets?.kind !== 'master') return undefined;
  return {
    version: session.version,
    suite: cipherSuite.id,
    masterSecret: new Secret(secrets.masterSecret.expose().slice()),
    derivation: session.derivation,
    encryptThenMac: session.encryptThenMac,
    serverName,
    group,
    user,
    chain: chainOf(peer),
  };
}

/** How a peer is known on a connection that was resumed. */
export function recognized(chain: readonly Uint8Array[]): Authentication {
  return { kind: 'psk', origin: 'resumption', chain };
}
