/** Rows of what only datagrams have. */
import { asItIs, type CoreOption, integer } from './row.js';

/** Bytes: less holds no record worth sending, more no datagram. */
const leastMtu = 256;
const mostMtu = 65_507;

export class DtlsRows {
  /** Largest datagram that is sent, where the path's is known; DTLS only. */
  readonly mtu: CoreOption<'both', number, number | undefined> = {
    otp: undefined,
    side: 'both',
    default: undefined,
    core: true,
    tell: asItIs,
    note: {
      values: '256..65507, of the payload of UDP; DTLS only',
      default: 'handshakes try 1232, then 548 and 256; data as long as a record',
      unit: 'bytes',
      source: 'RFC 6347 §4.1.1.1',
    },
    parse: integer('mtu', leastMtu, mostMtu),
  };
}
