/** Authority Information Access, RFC 5280 §4.2.2.1: where the issuer's certificate and its OCSP responder are. */
import { type DerReader, Tag } from '../der.js';
import { type GeneralName, readGeneralName } from './general-name.js';

export interface AccessDescription {
  readonly method: string;
  readonly location: GeneralName;
}

export function readAuthorityInfoAccess(reader: DerReader): readonly AccessDescription[] {
  const sequence = reader.open(Tag.sequence);
  const descriptions: AccessDescription[] = [];
  do {
    const description = sequence.open(Tag.sequence);
    descriptions.push({ method: description.oid(), location: readGeneralName(description) });
    description.finish();
  } while (!sequence.done);
  return descriptions;
}
