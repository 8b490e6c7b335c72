/** A whole handshake message in the two forms of DTLS: numbered, and as it enters the transcript of DTLS 1.3 (RFC 9147 §5.2). */
import { datagramHeaderLength, handshakeHeaderLength } from '../../values/wire/message-table.js';
import { putDatagramHeader } from './dtls-layout.js';

/** From TLS's form. `number`: message_seq. */
export function numberedForm(raw: Uint8Array, number: number): Uint8Array {
  const body = raw.subarray(handshakeHeaderLength);
  const message = new Uint8Array(datagramHeaderLength + body.length);
  putDatagramHeader(message, 0, raw[0] ?? 0, number, body.length);
  message.set(body, datagramHeaderLength);
  return message;
}

/** To TLS's form. */
export function streamForm(message: Uint8Array): Uint8Array {
  const body = message.subarray(datagramHeaderLength);
  const raw = new Uint8Array(handshakeHeaderLength + body.length);
  raw.set(message.subarray(0, handshakeHeaderLength));
  raw.set(body, handshakeHeaderLength);
  return raw;
}
