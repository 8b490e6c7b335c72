/** max_fragment_length, RFC 6066 §4. */
import { uint8 } from '../../values/wire/codec.js';
import { AlertError } from '../reasons.js';
import { type Field, field } from './field.js';

/** The code on the wire, from 1 on, is the place in this list, of bytes. */
const lengths = [512, 1024, 2048, 4096] as const;

export type MaxFragmentLength = (typeof lengths)[number];

export const maxFragmentLength: Field<'maxFragmentLength', number> = field(1, 'maxFragmentLength', uint8);

export function codeOfLength(length: MaxFragmentLength): number {
  return lengths.indexOf(length) + 1;
}

/** Throws `wrong_max_fragment_length` for a code that stands for none. */
export function lengthOfCode(code: number): MaxFragmentLength {
  const length = lengths[code - 1];
  if (length === undefined) throw new AlertError('wrong_max_fragment_length');
  return length;
}
