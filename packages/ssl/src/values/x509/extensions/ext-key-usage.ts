/** Extended Key Usage, RFC 5280 §4.2.1.12. */
import { type DerReader, Tag } from '../der.js';

/** Purposes as dotted OIDs; at least one. */
export function readExtKeyUsage(reader: DerReader): readonly string[] {
  const sequence = reader.open(Tag.sequence);
  const purposes: string[] = [];
  do purposes.push(sequence.oid());
  while (!sequence.done);
  return purposes;
}
