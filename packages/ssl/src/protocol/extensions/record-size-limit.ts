/** record_size_limit, RFC 8449 §4: bytes that a side is willing to take in one protected record. */
import { uint16 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

export const recordSizeLimit: Field<'recordSizeLimit', number> = field(28, 'recordSizeLimit', uint16);
/** A smaller one is an illegal parameter. */
export const leastRecordSizeLimit = 64;
