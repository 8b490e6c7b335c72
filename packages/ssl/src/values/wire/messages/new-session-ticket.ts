/** NewSessionTicket (RFC 8446 §4.6.1). */
import { type Codec, opaque8, opaque16, struct, uint32 } from '../codec.js';
import { type RawExtension, rawExtensions } from './extension.js';

export interface NewSessionTicket {
  /** seconds */
  readonly ticketLifetime: number;
  readonly ticketAgeAdd: number;
  readonly ticketNonce: Uint8Array;
  readonly ticket: Uint8Array;
  readonly extensions: readonly RawExtension[];
}

export const newSessionTicket: Codec<NewSessionTicket> = struct<NewSessionTicket>({
  ticketLifetime: uint32,
  ticketAgeAdd: uint32,
  ticketNonce: opaque8(0, 255),
  ticket: opaque16(1, 65535),
  extensions: rawExtensions,
});
