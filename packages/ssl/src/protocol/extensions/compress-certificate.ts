/** compress_certificate, RFC 8879 §3: how the sender can read certificates. */
import { list8, uint16 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

export const compressCertificate: Field<'compressCertificate', readonly number[]> = field(
  27,
  'compressCertificate',
  list8(uint16, 2, 254),
);
