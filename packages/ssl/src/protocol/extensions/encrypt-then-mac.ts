/** encrypt_then_mac, RFC 7366: CBC records are authenticated as they travel. TLS 1.2 and before. */
import { empty } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

/** The same in ClientHello and ServerHello. */
export const encryptThenMac: Field<'encryptThenMac', true> = field(22, 'encryptThenMac', empty);
