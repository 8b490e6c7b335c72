/** Subject and Issuer Alternative Name, RFC 5280 §4.2.1.6 and §4.2.1.7. */
import { type DerReader, Tag } from '../der.js';
import { type GeneralName, readGeneralNames } from './general-name.js';

/** May be empty: OTP treats such an extension as absent when it looks for a host name. */
export function readAltNames(reader: DerReader): readonly GeneralName[] {
  return readGeneralNames(reader.open(Tag.sequence));
}
