/** What a server knows of a client again by a ticket (RFC 8446 §4.6.1), in bytes: sealed, or kept in the store. */
import type { HashName } from '../../values/crypto/engine.js';
import { flag, format, optional, suiteHash, text8, time } from '../../values/ticket-codecs.js';
import {
  type Codec,
  decodeAll,
  encodeAll,
  fixed,
  list24,
  opaque8,
  opaque24,
  struct,
  uint16,
  uint32,
} from '../../values/wire/codec.js';
import { DecodeError } from '../../values/wire/reader.js';

/** What a resumed connection takes over from the one that its ticket came from. */
export interface Origin {
  /** ms since 1970: of the full handshake that all of it goes back to. */
  readonly judged: number;
  /** Whether the client has shown a certificate then. */
  readonly certified: boolean;
  /** ms since 1970: until then its certificates are good. */
  readonly notAfter: number;
  /** The client's certificates, DER; kept by the kinds `…_with_cert` only. */
  readonly chain: readonly Uint8Array[];
}

export interface ServerTicketContent extends Origin {
  readonly format: true;
  readonly psk: Uint8Array;
  readonly hash: HashName;
  /** Number of the suite. */
  readonly suite: number;
  readonly alpn: Uint8Array | undefined;
  /** The name that the client has asked for. */
  readonly serverName: string | undefined;
  /** ms since 1970 */
  readonly issued: number;
  /** seconds */
  readonly lifetime: number;
  /** ticket_age_add */
  readonly ageAdd: number;
  /** bytes; 0: none. */
  readonly maxEarlyData: number;
  /** Under which policy the client was judged. */
  readonly policy: Uint8Array;
}

const content: Codec<ServerTicketContent> = struct<ServerTicketContent>({
  format: format(1),
  psk: opaque8(32, 48),
  hash: suiteHash,
  suite: uint16,
  alpn: optional(opaque8(1, 255)),
  serverName: optional(text8),
  issued: time,
  lifetime: uint32,
  ageAdd: uint32,
  maxEarlyData: uint32,
  policy: fixed(32),
  judged: time,
  certified: flag,
  notAfter: time,
  chain: list24(opaque24(1, 0xff_ffff), 0, 0xff_ffff),
});

export function serverTicketBytes(ticket: ServerTicketContent): Uint8Array {
  return encodeAll(content, ticket);
}

/** `undefined`: of another format, an older server's perhaps. */
export function readServerTicket(bytes: Uint8Array): ServerTicketContent | undefined {
  try {
    return decodeAll(content, bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
