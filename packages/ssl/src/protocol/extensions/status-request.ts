/** status_request, RFC 6066 §8, RFC 8446 §4.4.2.1: its place is kept, its content not looked at yet. */
import { rest } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

const code = 5;

/** In ClientHello and CertificateRequest. */
export const statusRequest: Field<'statusRequest', Uint8Array> = field(code, 'statusRequest', rest);
/** In a CertificateEntry. */
export const certificateStatus: Field<'certificateStatus', Uint8Array> = field(
  code,
  'certificateStatus',
  rest,
);
