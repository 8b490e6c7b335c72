/**
 * Pre-shared keys (RFC 8446 §2.2, §4.2.11): what a side knows of one, the proof that a client has it (its binder), and
 * what a server is told and asked. Who keeps them, and for how long, is nobody's business here.
 */
import type { CryptoEngine, HashFunction, HashName } from '../../values/crypto/engine.js';
import type { CipherSuite } from '../../values/registry/suites.js';
import type { Secret } from '../../values/secret.js';
import type { PskAuthentication } from '../authentication.js';
import type { OfferedPsks, PskIdentity } from '../extensions/pre-shared-key.js';
import { AlertError } from '../reasons.js';
import { EarlySecret } from './key-schedule.js';

/** PskKeyExchangeMode psk_dhe_ke (§4.2.9), the only one that is offered and accepted: it keeps forward secrecy. */
export const pskDheKe = 1;

/** What early data under a key must go with (§4.2.10). */
export interface EarlyDataTerms {
  readonly suite: CipherSuite;
  readonly alpn: Uint8Array | undefined;
  /** bytes */
  readonly maxSize: number;
}

/** A key that both sides had before the handshake. */
export interface PreSharedKey {
  /** Bytes of early data that the client was told it may send; on a server, of what is refused so much is passed over. */
  readonly allowedEarlyData?: number | undefined;
  readonly origin: PskAuthentication['origin'];
  /** Belongs to whoever hands it in; the protocol never overwrites it. */
  readonly secret: Secret;
  /** The hash it is used with, which must be that of the suite. */
  readonly hash: HashName;
  /** What the peer had shown when the key came into being, as far as it was kept. */
  readonly chain: readonly Uint8Array[];
  /** Data may come before the handshake is complete. On a server: because somebody vouches that it is no replay (§8). */
  readonly earlyData: EarlyDataTerms | undefined;
}

/** A key as a client offers it. */
export interface PskOffer extends PreSharedKey {
  /** What names the key to the server: a ticket, for instance. */
  readonly identity: Uint8Array;
  /** §4.2.11.1; 0 of an external key. */
  readonly obfuscatedTicketAge: number;
}

/** What a client brings to be recognized by. */
export interface ClientResumption {
  /** The preferred first; may be empty: the hello then says that tickets are welcome. */
  readonly psks: readonly PskOffer[];
  /** Whether data is to go out before the handshake is complete, under the first of them and if it may. */
  readonly earlyData: 'offered' | 'none';
}

/** What a server's NewSessionTicket gives (§4.6.1). */
export interface ReceivedTicket {
  /** What names the key to the server. */
  readonly identity: Uint8Array;
  /** The key: whoever takes the ticket owns it. */
  readonly secret: Secret;
  readonly hash: HashName;
  /** ticket_lifetime, seconds. */
  readonly lifetime: number;
  /** ticket_age_add */
  readonly ageAdd: number;
  /** max_early_data_size, bytes; `undefined`: no early data. */
  readonly maxEarlyDataSize: number | undefined;
}

/** What a server asks its surroundings: `core.answerPsk`. */
export interface PskWish {
  readonly identities: readonly PskIdentity[];
  /** Only a key of one of these will do; one of the first keeps the suite that was selected. */
  readonly hashes: readonly HashName[];
  readonly serverName: string | undefined;
  /** In the order of the identities. */
  readonly binders: readonly Uint8Array[];
  /** Whether early data is offered; it can be accepted under the first identity only. */
  readonly earlyData: boolean;
  /**
   * Whether the client has shown that it has a key. Ask before you tell anybody that it was used; when it has not, answer
   * with the key all the same, and the handshake fails.
   */
  isProven(found: FoundPsk): boolean;
}

/** The answer: which of the identities, and its key. */
export interface FoundPsk {
  readonly index: number;
  readonly psk: PreSharedKey;
}

/** What a client's hello claims, as long as nothing of it is believed. */
export interface ClaimedPsks {
  readonly offered: OfferedPsks;
  /** The hello, whole. */
  readonly raw: Uint8Array;
  /** Transcript-Hash of the hello up to its binders. */
  readonly binderHash: Uint8Array;
}

/** What a key gives before the key exchange. */
export function earlySecretOf({ secret }: PreSharedKey, hash: HashFunction): EarlySecret {
  return EarlySecret.fromPsk(hash, secret);
}

/** How a handshake under such a key proves who the sides are. */
export function pskAuthentication({ origin, chain }: PreSharedKey): PskAuthentication {
  return { kind: 'psk', origin, chain };
}

/** §4.2.11.2: a ClientHello is hashed without the list of binders, the last thing in it. */
export function beforeBinders(hello: Uint8Array, binders: readonly Uint8Array[]): Uint8Array {
  const length = binders.reduce((sum, binder) => sum + 1 + binder.length, 2);
  return hello.subarray(0, hello.length - length);
}

/** §4.2.11: a binder for each identity. Throws `psk_binder_count`. */
export function checkBinderCount({ identities, binders }: OfferedPsks): void {
  if (identities.length !== binders.length) throw new AlertError('psk_binder_count');
}

/**
 * §4.2.11: whoever made the hello has the key. Until this is known nothing is believed that the key stands for. Throws
 * `bad_psk_binder`; `TypeError` for an answer that was not asked for.
 */
export function checkBinder(
  { offered, binderHash }: ClaimedPsks,
  { index, psk }: FoundPsk,
  early: EarlySecret,
  engine: CryptoEngine,
): void {
  const binder = offered.binders[index];
  if (binder === undefined) throw new TypeError(`a key for identity ${index}, which was not offered`);
  const expected = early.binderKey(psk.origin).mac(binderHash);
  if (binder.length !== expected.length || !engine.equal(expected, binder))
    throw new AlertError('bad_psk_binder');
}
