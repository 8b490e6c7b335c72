/** certificate_authorities, RFC 8446 §4.2.4: DER distinguished names. */
import { list16, opaque16 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

export const certificateAuthorities: Field<'certificateAuthorities', readonly Uint8Array[]> = field(
  47,
  'certificateAuthorities',
  list16(opaque16(1, 65535), 3, 65535),
);
