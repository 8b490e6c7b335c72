/**
 * Handshake messages and their header (RFC 8446 §4): type, length of three bytes, body.
 * Names are the RFC's HandshakeType names; each body is declared in a file of its own under `messages/`.
 */
import { type Codec, decodeAll } from './codec.js';
import { type Certificate, certificate } from './messages/certificate.js';
import { type CertificateRequest, certificateRequest } from './messages/certificate-request.js';
import { type CertificateVerify, certificateVerify } from './messages/certificate-verify.js';
import { type ClientHello, clientHello } from './messages/client-hello.js';
import { type EncryptedExtensions, encryptedExtensions } from './messages/encrypted-extensions.js';
import { type EndOfEarlyData, endOfEarlyData } from './messages/end-of-early-data.js';
import { type Finished, finished } from './messages/finished.js';
import { type KeyUpdate, keyUpdate } from './messages/key-update.js';
import { type NewSessionTicket, newSessionTicket } from './messages/new-session-ticket.js';
import { type ServerHello, serverHello } from './messages/server-hello.js';
import { Writer } from './writer.js';

/** Bodies of TLS 1.3's messages by HandshakeType name. */
export interface HandshakeBodies {
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
}
export type HandshakeType = keyof HandshakeBodies;

const codecs: { readonly [K in HandshakeType]: Codec<HandshakeBodies[K]> } = {
  client_hello: clientHello,
  server_hello: serverHello,
  new_session_ticket: newSessionTicket,
  end_of_early_data: endOfEarlyData,
  encrypted_extensions: encryptedExtensions,
  certificate,
  certificate_request: certificateRequest,
  certificate_verify: certificateVerify,
  finished,
  key_update: keyUpdate,
};

const codes: Readonly<Record<HandshakeType, number>> = {
  client_hello: 1,
  server_hello: 2,
  new_session_ticket: 4,
  end_of_early_data: 5,
  encrypted_extensions: 8,
  certificate: 11,
  certificate_request: 13,
  certificate_verify: 15,
  finished: 20,
  key_update: 24,
};

export const handshakeTypes: readonly HandshakeType[] = [
  'client_hello',
  'server_hello',
  'new_session_ticket',
  'end_of_early_data',
  'encrypted_extensions',
  'certificate',
  'certificate_request',
  'certificate_verify',
  'finished',
  'key_update',
];

const byCode: readonly (HandshakeType | undefined)[] = Array.from({ length: 256 }, (_, code) =>
  handshakeTypes.find((type) => codes[type] === code),
);

/** One for all, since encoding is synchronous. */
const scratch = new Writer();

/** Bytes of type and length in front of a body. */
export const handshakeHeaderLength = 4;

/** The byte on the wire. */
export function handshakeCode(type: HandshakeType): number {
  return codes[type];
}

/** The type with this byte; `undefined` when TLS 1.3 has none. */
export function handshakeByCode(code: number): HandshakeType | undefined {
  return byCode[code];
}

/** Decodes a whole message, header included; the body must fill it exactly. Throws `DecodeError`. */
export function decodeHandshake<K extends HandshakeType>(type: K, message: Uint8Array): HandshakeBodies[K] {
  return decodeAll<HandshakeBodies[K]>(codecs[type], message.subarray(handshakeHeaderLength));
}

/** A whole message with its header. */
export function encodeHandshake<K extends HandshakeType>(type: K, body: HandshakeBodies[K]): Uint8Array {
  const codec: Codec<HandshakeBodies[K]> = codecs[type];
  scratch.reset();
  scratch.uint8(codes[type]);
  const mark = scratch.open(3);
  codec.encode(scratch, body);
  scratch.close(mark, 3);
  return scratch.finish();
}
