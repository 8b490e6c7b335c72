/**
 * A ticket of TLS 1.3 (RFC 8446 §4.6.1) as a client keeps it: what names the key to the server, the key, and what was
 * known of the server when it came. With `sessionTickets: 'manual'` it is handed to the owner, as OTP does.
 */
import type { HashName } from './crypto/engine.js';
import { suiteById } from './registry/suites.js';
import { Secret } from './secret.js';
import { format, optional, suiteHash, text8, time } from './ticket-codecs.js';
import {
  type Codec,
  decodeAll,
  encodeAll,
  fixed,
  list24,
  opaque8,
  opaque16,
  opaque24,
  struct,
  uint16,
  uint32,
} from './wire/codec.js';
import { DecodeError } from './wire/reader.js';

/** What is in a ticket; all of it is as secret as its key. */
export interface TicketContent {
  readonly format: true;
  readonly identity: Uint8Array;
  readonly psk: Uint8Array;
  readonly hash: HashName;
  /** Number of the suite that the key came into being with. */
  readonly suite: number;
  /** The protocol that was agreed by ALPN. */
  readonly alpn: Uint8Array | undefined;
  /** The name that was sent. */
  readonly sni: string | undefined;
  /** ms since 1970, when it came. */
  readonly received: number;
  /** seconds */
  readonly lifetime: number;
  /** ticket_age_add */
  readonly ageAdd: number;
  /** bytes; 0: none. */
  readonly maxEarlyData: number;
  /** Of what the server was judged by (`processes/resumption/policy.ts`). */
  readonly policy: Uint8Array;
  /** ms since 1970: until then its certificates are good. */
  readonly notAfter: number;
  /** The server's certificates, DER. */
  readonly chain: readonly Uint8Array[];
}

const content: Codec<TicketContent> = struct<TicketContent>({
  format: format(1),
  identity: opaque16(1, 0xffff),
  psk: opaque8(32, 48),
  hash: suiteHash,
  suite: uint16,
  alpn: optional(opaque8(1, 255)),
  sni: optional(text8),
  received: time,
  lifetime: uint32,
  ageAdd: uint32,
  maxEarlyData: uint32,
  policy: fixed(32),
  notAfter: time,
  chain: list24(opaque24(1, 0xff_ffff), 0, 0xff_ffff),
});

/** The content of a ticket's bytes; `undefined` for what is none. The bytes are its own. */
export function ticketContent(bytes: Uint8Array): TicketContent | undefined {
  try {
    return decodeAll(content, bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

export function ticketBytes(value: TicketContent): Uint8Array {
  return encodeAll(content, value);
}

/**
 * A ticket in the hands of a user (`sessionTickets: 'manual'`), for `useTicket`. OTP's map is `cipher_suite`, `sni`,
 * `timestamp` and the secrets; here those print nowhere. Offer it once: two connections with the same one can be linked
 * (RFC 8446 appendix C.4).
 */
export class SessionTicket {
  /** Cipher and hash of the suite. */
  readonly cipherSuite: { readonly cipher: string; readonly hash: string };
  /** The name that was sent to the server. */
  readonly sni: string | undefined;
  /** ms since 1970, when it came. */
  readonly timestamp: number;
  readonly #bytes: Secret;

  constructor(value: TicketContent) {
    const { hash, sni, received, suite } = value;
    this.#bytes = new Secret(ticketBytes(value));
    this.cipherSuite = { cipher: suiteById(suite)?.cipher ?? '', hash };
    this.sni = sni;
    this.timestamp = received;
  }

  /** A ticket again, of the bytes of one; `undefined` for anything else. */
  static from(value: unknown): SessionTicket | undefined {
    if (value instanceof SessionTicket) return value;
    if (!(value instanceof Uint8Array)) return undefined;
    const known = ticketContent(new Uint8Array(value));
    return known && new SessionTicket(known);
  }

  /** What is in it, in memory of its own. */
  content(): TicketContent | undefined {
    return ticketContent(this.toBytes());
  }

  /** Its bytes in their box. */
  get secret(): Secret {
    return this.#bytes;
  }

  /** All of it, to be kept as safely as a private key; `SessionTicket.from` reads it again. */
  toBytes(): Uint8Array {
    return new Uint8Array(this.#bytes.expose());
  }
}
