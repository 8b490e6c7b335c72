/**
 * The handshake messages of TLS 1.3 (RFC 8446 §4). Names are the RFC's HandshakeType names; each body is declared in a
 * file of its own under `messages/`.
 */
import { type MessageRows, type MessageTable, messageTable } from './message-table.js';
import { type Certificate, certificate } from './messages/certificate.js';
import { type CertificateRequest, certificateRequest } from './messages/certificate-request.js';
import { type CertificateVerify, certificateVerify } from './messages/certificate-verify.js';
import { type ClientHello, clientHello, dtlsClientHello } from './messages/client-hello.js';
import { type CompressedCertificate, compressedCertificate } from './messages/compressed-certificate.js';
import { type EncryptedExtensions, encryptedExtensions } from './messages/encrypted-extensions.js';
import { type EndOfEarlyData, endOfEarlyData } from './messages/end-of-early-data.js';
import { type Finished, finished } from './messages/finished.js';
import { type KeyUpdate, keyUpdate } from './messages/key-update.js';
import { type NewSessionTicket, newSessionTicket } from './messages/new-session-ticket.js';
import { type ServerHello, serverHello } from './messages/server-hello.js';

/** Bodies of TLS 1.3's messages by HandshakeType name. */
export interface Tls13Bodies {
  client_hello: ClientHello;
  server_hello: ServerHello;
  new_session_ticket: NewSessionTicket;
  end_of_early_data: EndOfEarlyData;
  encrypted_extensions: EncryptedExtensions;
  certificate: Certificate;
  certificate_request: CertificateRequest;
  certificate_verify: CertificateVerify;
  finished: Finished;
  key_update: KeyUpdate;
  compressed_certificate: CompressedCertificate;
}
export type HandshakeType = keyof Tls13Bodies;

const rows: MessageRows<Tls13Bodies> = {
  client_hello: { code: 1, body: clientHello },
  server_hello: { code: 2, body: serverHello },
  new_session_ticket: { code: 4, body: newSessionTicket },
  end_of_early_data: { code: 5, body: endOfEarlyData },
  encrypted_extensions: { code: 8, body: encryptedExtensions },
  certificate: { code: 11, body: certificate },
  certificate_request: { code: 13, body: certificateRequest },
  certificate_verify: { code: 15, body: certificateVerify },
  finished: { code: 20, body: finished },
  key_update: { code: 24, body: keyUpdate },
  compressed_certificate: { code: 25, body: compressedCertificate },
};

export const tls13Messages: MessageTable<Tls13Bodies> = messageTable<Tls13Bodies>(rows);

/**
 * DTLS 1.3 (RFC 9147 §5.2, §5.3): as they enter the transcript, without the numbers and places of fragments, which the channel
 * puts around them. A hello has the cookie of DTLS 1.2, which is empty.
 */
export const dtls13Messages: MessageTable<Tls13Bodies> = messageTable<Tls13Bodies>({
  ...rows,
  client_hello: { code: 1, body: dtlsClientHello },
});

export const handshakeTypes: readonly HandshakeType[] = tls13Messages.types;

/** The type with this byte; `undefined` when TLS 1.3 has none. */
export function handshakeByCode(code: number): HandshakeType | undefined {
  return tls13Messages.byCode(code);
}

/** Decodes a whole message, header included; the body must fill it exactly. Throws `DecodeError`. */
export function decodeHandshake<K extends HandshakeType>(type: K, message: Uint8Array): Tls13Bodies[K] {
  return tls13Messages.decode(type, message);
}

/** A whole message with its header. */
export function encodeHandshake<K extends HandshakeType>(type: K, body: Tls13Bodies[K]): Uint8Array {
  return tls13Messages.encode(type, body);
}
