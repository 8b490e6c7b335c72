/** extended_master_secret, RFC 7627 §5.1: the master secret is bound to the whole handshake. TLS 1.2 and before. */
import { empty } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

/** The same in ClientHello and ServerHello. */
export const extendedMasterSecret: Field<'extendedMasterSecret', true> = field(
  23,
  'extendedMasterSecret',
  empty,
);
