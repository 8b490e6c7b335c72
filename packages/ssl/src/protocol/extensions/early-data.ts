/** early_data, RFC 8446 §4.2.10. */
import { empty, uint32 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

const code = 42;

export const earlyDataOffer: Field<'earlyData', true> = field(code, 'earlyData', empty);
export const earlyDataAcceptance: Field<'earlyData', true> = field(code, 'earlyData', empty);
/** max_early_data_size, bytes, in NewSessionTicket. */
export const maxEarlyDataSize: Field<'maxEarlyDataSize', number> = field(code, 'maxEarlyDataSize', uint32);
