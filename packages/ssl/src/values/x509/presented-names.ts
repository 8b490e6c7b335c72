/**
 * Which names of a certificate count for a host: one answer for the host name check and for name constraints, so that
 * no name can be taken by the one and overlooked by the other.
 */
import type { Certificate } from './certificate.js';
import type { GeneralName } from './extensions/general-name.js';
import { AttributeType } from './name.js';

/** Where the names of a certificate stand. */
export type NamesOf = Pick<Certificate, 'subject' | 'subjectAltName'>;

/** The alternative names, or the common names in their place. */
export type PresentedNames =
  | { readonly type: 'alternative'; readonly names: readonly GeneralName[] }
  | { readonly type: 'common'; readonly names: readonly string[] };

/** RFC 6125 §6.4.4: common names only when there is no alternative name, of whatever kind. */
export function presentedNames({ subject, subjectAltName }: NamesOf): PresentedNames {
  if (subjectAltName !== undefined && subjectAltName.length > 0)
    return { type: 'alternative', names: subjectAltName };
  const common = subject.valuesOf(AttributeType.commonName);
  return { type: 'common', names: common.flatMap(({ text }) => (text === undefined ? [] : [text])) };
}
