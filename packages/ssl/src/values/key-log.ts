/** Lines of a key log as Wireshark and others read it (SSLKEYLOGFILE, draft-ietf-tls-keylogfile). */
import { hex } from './hex.js';

/** `CLIENT_RANDOM` is the master secret of TLS 1.2; the others are those of TLS 1.3. */
export type KeyLogLabel =
  | 'CLIENT_RANDOM'
  | 'CLIENT_EARLY_TRAFFIC_SECRET'
  | 'EARLY_EXPORTER_SECRET'
  | 'CLIENT_HANDSHAKE_TRAFFIC_SECRET'
  | 'SERVER_HANDSHAKE_TRAFFIC_SECRET'
  /** The number is the generation: key updates make the following ones. */
  | `CLIENT_TRAFFIC_SECRET_${number}`
  | `SERVER_TRAFFIC_SECRET_${number}`
  | 'EXPORTER_SECRET';

/** One line without its newline; the client's random bytes stand for the connection. */
export function keyLogLine(label: KeyLogLabel, clientRandom: Uint8Array, secret: Uint8Array): string {
  return `${label} ${hex(clientRandom)} ${hex(secret)}`;
}
