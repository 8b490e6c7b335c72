/** rrc, RFC 9853 §3: both sides answer when they are asked whether they are where their records come from. DTLS only. */
import { empty } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

/** The same in both hellos. */
export const returnRoutability: Field<'returnRoutability', true> = field(61, 'returnRoutability', empty);
