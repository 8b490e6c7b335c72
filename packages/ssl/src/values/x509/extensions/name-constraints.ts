/** Name Constraints, RFC 5280 §4.2.1.10: decoding. What they permit is `../name-constraints.ts`. */
import { type DerReader, explicit, implicit, Tag } from '../der.js';
import { type GeneralName, readGeneralName } from './general-name.js';

export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

export function readNameConstraints(reader: DerReader): NameConstraints {
  const sequence = reader.open(Tag.sequence);
  const permitted = readSubtrees(sequence.openOptional(explicit(0)));
  const excluded = readSubtrees(sequence.openOptional(explicit(1)));
  sequence.finish();
  if (permitted === undefined && excluded === undefined) reader.fail('name constraints without a subtree');
  return { permitted: permitted ?? [], excluded: excluded ?? [] };
}

function readSubtrees(sequence: DerReader | undefined): GeneralName[] | undefined {
  if (sequence === undefined) return undefined;
  const bases: GeneralName[] = [];
  do {
    const subtree = sequence.open(Tag.sequence);
    bases.push(readGeneralName(subtree));
    // RFC 5280 profile: minimum 0 (the default, absent in DER, but written out by some), no maximum.
    if (subtree.peek() === implicit(0) && subtree.smallInteger(implicit(0)) !== 0) {
      subtree.fail('subtree with a minimum');
    }
    subtree.finish();
  } while (!sequence.done);
  return bases;
}
