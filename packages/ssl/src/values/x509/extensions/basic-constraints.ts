/** Basic Constraints, RFC 5280 §4.2.1.9. */
import { type DerReader, Tag } from '../der.js';

export interface BasicConstraints {
  readonly ca: boolean;
  /** Intermediates that may follow below; `undefined`: any number. */
  readonly pathLength: number | undefined;
}

export function readBasicConstraints(reader: DerReader): BasicConstraints {
  const sequence = reader.open(Tag.sequence);
  // FALSE is the default and so not DER when written out, but many real certificates do: OTP takes it too.
  const ca = sequence.peek() === Tag.boolean ? sequence.boolean() : false;
  const pathLength = sequence.peek() === Tag.integer ? sequence.smallInteger() : undefined;
  sequence.finish();
  return { ca, pathLength };
}
