/** post_handshake_auth, RFC 8446 §4.2.6: the client answers a CertificateRequest after the handshake too. */
import { empty } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

export const postHandshakeAuth: Field<'postHandshakeAuth', true> = field(49, 'postHandshakeAuth', empty);
