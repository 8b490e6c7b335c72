/** Authority and Subject Key Identifier, RFC 5280 §4.2.1.1 and §4.2.1.2. */
import { type DerReader, explicit, implicit, Tag } from '../der.js';
import { type GeneralName, readGeneralNames } from './general-name.js';

export interface AuthorityKeyIdentifier {
  readonly keyIdentifier: Uint8Array | undefined;
  readonly issuer: readonly GeneralName[] | undefined;
  /** Content octets of the INTEGER. */
  readonly serial: Uint8Array | undefined;
}

export function readAuthorityKeyIdentifier(reader: DerReader): AuthorityKeyIdentifier {
  const sequence = reader.open(Tag.sequence);
  const keyIdentifier = sequence.peek() === implicit(0) ? sequence.content(implicit(0)) : undefined;
  const names = sequence.openOptional(explicit(1));
  const issuer = names === undefined ? undefined : readGeneralNames(names);
  const serial = sequence.peek() === implicit(2) ? sequence.integerBytes(implicit(2)) : undefined;
  sequence.finish();
  return { keyIdentifier, issuer, serial };
}

export function readSubjectKeyIdentifier(reader: DerReader): Uint8Array {
  return reader.content(Tag.octetString);
}
