/** NewSessionTicket of TLS 1.2 (RFC 5077 §3.3): between the peer's Finished and our change_cipher_spec. */
import { type Codec, opaque16, struct, uint32 } from '../../codec.js';

export interface NewSessionTicket12 {
  /** seconds; 0: until the server says otherwise */
  readonly ticketLifetimeHint: number;
  /** Empty: the server has thought better of it. */
  readonly ticket: Uint8Array;
}

export const newSessionTicket12: Codec<NewSessionTicket12> = struct<NewSessionTicket12>({
  ticketLifetimeHint: uint32,
  ticket: opaque16(0, 65535),
});
