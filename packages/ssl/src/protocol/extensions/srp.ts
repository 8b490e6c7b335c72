/** srp, RFC 5054 §2.8.1: the user's name, of 1 to 255 bytes. */
import { opaque8 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

export const srpUser: Field<'srpUser', Uint8Array> = field(12, 'srpUser', opaque8(1, 255));
