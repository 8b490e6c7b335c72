/** GeneralName (RFC 5280 §4.2, §4.2.1.6): alternative names, constraints, distribution points and key identifiers use it. */
import { type DerReader, explicit, implicit, Tag } from '../der.js';
import { Name } from '../name.js';

/** Field names are OTP's, `iPAddress` as in the hostname check. */
export type GeneralName =
  | { readonly type: 'otherName'; readonly oid: string; readonly value: Uint8Array }
  | { readonly type: 'rfc822Name' | 'dNSName' | 'uniformResourceIdentifier'; readonly text: string }
  | { readonly type: 'directoryName'; readonly name: Name }
  | { readonly type: 'iPAddress'; readonly address: Uint8Array }
  | { readonly type: 'registeredID'; readonly oid: string }
  | { readonly type: 'x400Address' | 'ediPartyName'; readonly raw: Uint8Array };

export function readGeneralName(reader: DerReader): GeneralName {
  switch (reader.peek()) {
    case explicit(0): {
      const other = reader.open(explicit(0));
      const oid = other.oid();
      const wrapped = other.open(explicit(0));
      const value = wrapped.element();
      wrapped.finish();
      other.finish();
      return { type: 'otherName', oid, value };
    }
    case implicit(1):
      return { type: 'rfc822Name', text: ia5(reader, implicit(1)) };
    case implicit(2):
      return { type: 'dNSName', text: ia5(reader, implicit(2)) };
    case explicit(3):
      return { type: 'x400Address', raw: reader.element() };
    case explicit(4): {
      const wrapped = reader.open(explicit(4));
      const name = new Name(wrapped.elementOf(Tag.sequence));
      wrapped.finish();
      return { type: 'directoryName', name };
    }
    case explicit(5):
      return { type: 'ediPartyName', raw: reader.element() };
    case implicit(6):
      return { type: 'uniformResourceIdentifier', text: ia5(reader, implicit(6)) };
    case implicit(7):
      return { type: 'iPAddress', address: reader.content(implicit(7)) };
    case implicit(8):
      return { type: 'registeredID', oid: reader.oid(implicit(8)) };
    default:
      return reader.fail('general name expected');
  }
}

/** The content of a GeneralNames; empty lists are accepted here and judged by who reads them. */
export function readGeneralNames(sequence: DerReader): GeneralName[] {
  const names: GeneralName[] = [];
  while (!sequence.done) names.push(readGeneralName(sequence));
  return names;
}

/**
 * An IA5String under an implicit tag. Octets above 127 have no place in one, but certificates with them are in use
 * (host names in UTF-8), and OTP and OpenSSL read them: each is the character of its number, which equals no host
 * name asked for and is permitted by no name constraint.
 */
export function ia5(reader: DerReader, tag: number): string {
  let text = '';
  for (const octet of reader.content(tag)) text += String.fromCharCode(octet);
  return text;
}
