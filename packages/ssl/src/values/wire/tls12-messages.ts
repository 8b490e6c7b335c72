/** The handshake messages of TLS 1.2 and before (RFC 5246 §7.4, RFC 6066 §8, RFC 5077 §3.3, draft-agl-tls-nextprotoneg). */
import { empty } from './codec.js';
import { type MessageRows, type MessageTable, messageTable } from './message-table.js';
import { type ClientHello, clientHello, dtlsClientHello } from './messages/client-hello.js';
import { type Finished, finished } from './messages/finished.js';
import { type ServerHello, serverHello } from './messages/server-hello.js';
import { type Certificate12, certificate12 } from './messages/tls12/certificate.js';
import {
  type CertificateRequest12,
  certificateRequest10,
  certificateRequest12,
} from './messages/tls12/certificate-request.js';
import { type CertificateStatus, certificateStatus12 } from './messages/tls12/certificate-status.js';
import {
  type DigitallySigned,
  digitallySigned,
  type KeyExchangeBytes,
  keyExchangeBytes,
  signedByKey,
} from './messages/tls12/key-exchange.js';
import { type NewSessionTicket12, newSessionTicket12 } from './messages/tls12/new-session-ticket.js';
import { type NextProtocol, nextProtocol12 } from './messages/tls12/next-protocol.js';

/** Bodies by HandshakeType name. */
export interface Tls12Bodies {
  hello_request: true;
  client_hello: ClientHello;
  server_hello: ServerHello;
  new_session_ticket: NewSessionTicket12;
  certificate: Certificate12;
  server_key_exchange: KeyExchangeBytes;
  certificate_request: CertificateRequest12;
  server_hello_done: true;
  certificate_verify: DigitallySigned;
  client_key_exchange: KeyExchangeBytes;
  finished: Finished;
  certificate_status: CertificateStatus;
  next_protocol: NextProtocol;
}
export type Tls12MessageType = keyof Tls12Bodies;

const rows: MessageRows<Tls12Bodies> = {
  hello_request: { code: 0, body: empty },
  client_hello: { code: 1, body: clientHello },
  server_hello: { code: 2, body: serverHello },
  new_session_ticket: { code: 4, body: newSessionTicket12 },
  certificate: { code: 11, body: certificate12 },
  server_key_exchange: { code: 12, body: keyExchangeBytes },
  certificate_request: { code: 13, body: certificateRequest12 },
  server_hello_done: { code: 14, body: empty },
  certificate_verify: { code: 15, body: digitallySigned },
  client_key_exchange: { code: 16, body: keyExchangeBytes },
  finished: { code: 20, body: finished },
  certificate_status: { code: 22, body: certificateStatus12 },
  next_protocol: { code: 67, body: nextProtocol12 },
};

export const tls12Messages: MessageTable<Tls12Bodies> = messageTable<Tls12Bodies>(rows);

/** TLS 1.1 and 1.0 (RFC 4346 §7.4): signatures and requests name no algorithms. */
const rows10: MessageRows<Tls12Bodies> = {
  ...rows,
  certificate_request: { code: 13, body: certificateRequest10 },
  certificate_verify: { code: 15, body: signedByKey },
};

export const tls10Messages: MessageTable<Tls12Bodies> = messageTable<Tls12Bodies>(rows10);

/** DTLS 1.2 and 1.0 (RFC 6347 §4.2.2, RFC 4347 §4.2.2): with the number of each message, and a cookie in the hello. */
const dtlsHello = { code: 1, body: dtlsClientHello };
export const dtls12Messages: MessageTable<Tls12Bodies> = messageTable<Tls12Bodies>(
  { ...rows, client_hello: dtlsHello },
  'datagrams',
);
export const dtls10Messages: MessageTable<Tls12Bodies> = messageTable<Tls12Bodies>(
  { ...rows10, client_hello: dtlsHello },
  'datagrams',
);
