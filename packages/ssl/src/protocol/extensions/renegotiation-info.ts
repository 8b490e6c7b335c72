/**
 * renegotiation_info, RFC 5746: what binds a renegotiation to the handshake before it. In a first handshake it is empty,
 * and a client may say the same by a signalling cipher suite.
 */
import { opaque8 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

/** The same in ClientHello and ServerHello: the verify_data of the handshake before, empty in the first. */
export const renegotiationInfo: Field<'renegotiationInfo', Uint8Array> = field(
  0xff01,
  'renegotiationInfo',
  opaque8(0, 255),
);
