/** cookie, RFC 8446 §4.2.2: the client gives back what the HelloRetryRequest brought. */
import { opaque16 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

export const cookieCode = 44;
export const cookie: Field<'cookie', Uint8Array> = field(cookieCode, 'cookie', opaque16(1, 65535));
