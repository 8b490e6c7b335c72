/** session_ticket, RFC 5077 §3.2: a session that the client keeps, sealed by the server. TLS 1.2 and before. */
import { empty, rest } from '../../values/wire/codec.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { type Field, field } from './field.js';

const code = 35;

/** In ClientHello: the ticket; empty for who has none and would like one. */
export const sessionTicketOffer: Field<'sessionTicket', Uint8Array> = field(code, 'sessionTicket', rest);

/** In ServerHello: a NewSessionTicket will come. */
export const sessionTicketPromise: Field<'sessionTicketPromised', true> = field(
  code,
  'sessionTicketPromised',
  empty,
);

/** Whether a hello has it, whatever is in it. */
export function namesTickets(extensions: readonly RawExtension[]): boolean {
  return extensions.some(({ extensionType }) => extensionType === code);
}

/** Whether a client's hello brings a ticket. */
export function bringsTicket(extensions: readonly RawExtension[]): boolean {
  return extensions.some(
    ({ extensionType, extensionData }) => extensionType === code && extensionData.length > 0,
  );
}
