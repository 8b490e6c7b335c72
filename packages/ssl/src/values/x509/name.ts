/**
 * Distinguished names: RFC 5280 §4.1.2.4 (form), §7.1 (comparison), RFC 4514 (printing).
 *
 * Two names are the same when their `key`s are: attribute values of the text types are compared without regard
 * to case, to the amount of white space inside and around, and to which of the text types carries them; all
 * else is compared byte by byte. Keys make comparison a string equality and names usable in a Map.
 */

import { hex } from '../hex.js';
import { DerReader, decodeAll, Tag } from './der.js';
import { encodeElement } from './der-writer.js';

export interface Attribute {
  /** dotted decimal */
  readonly type: string;
  /** The identifier octet of the value. */
  readonly tag: number;
  /** The value, decoded if it is text; `undefined` when it is not, or not legal in its type. */
  readonly text: string | undefined;
  /** DER of the value. */
  readonly raw: Uint8Array;
  /** DER of type and value. */
  readonly encoded: Uint8Array;
}

export type Rdn = readonly Attribute[];

/** A whole name is refused beyond this many attributes. */
const MAX_ATTRIBUTES = 256;

export class Name {
  /** DER of the Name. */
  readonly raw: Uint8Array;
  #rdns: readonly Rdn[] | undefined;
  #keys: readonly string[] | undefined;
  #key: string | undefined;

  constructor(raw: Uint8Array) {
    this.raw = raw;
  }

  /** In the order of the encoding: the most general first. Throws `DerError`. */
  get rdns(): readonly Rdn[] {
    this.#rdns ??= decodeAll(this.raw, readRdns);
    return this.#rdns;
  }

  get isEmpty(): boolean {
    return this.rdns.length === 0;
  }

  /** One comparison key per RDN. */
  get rdnKeys(): readonly string[] {
    this.#keys ??= this.rdns.map(rdnKey);
    return this.#keys;
  }

  /** Equal for names that are the same by RFC 5280 §7.1. */
  get key(): string {
    this.#key ??= this.rdnKeys.join('\u0001');
    return this.#key;
  }

  equals(other: Name): boolean {
    return this === other || this.key === other.key;
  }

  /** Whether this name stands at or below `base` in the directory (RFC 5280 §4.2.1.10). */
  isWithin(base: Name): boolean {
    const own = this.rdnKeys;
    return base.rdnKeys.length <= own.length && base.rdnKeys.every((key, i) => key === own[i]);
  }

  /** This name with one more RDN (DER) below. */
  with(rdn: Uint8Array): Name {
    const own = new DerReader(this.raw).open(Tag.sequence);
    return new Name(encodeElement(Tag.sequence, own.bytes.subarray(own.position, own.end), rdn));
  }

  /** All values of an attribute type, in order. */
  valuesOf(type: string): readonly Attribute[] {
    return this.rdns.flatMap((rdn) => rdn.filter((attribute) => attribute.type === type));
  }

  /**
   * RFC 4514 for people: most specific first, `CN=www.example.org,O=Example,C=SE`. Short whatever a peer has made of
   * its name: long values and long lists are cut, with `…` in their place.
   */
  toString(): string {
    const { rdns } = this;
    const shown = rdns.slice(-MOST_PRINTED).map(printRdn).reverse();
    const text = [...shown, ...(rdns.length > MOST_PRINTED ? ['…'] : [])].join(',');
    return text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME)}…` : text;
  }
}

export const AttributeType = { commonName: '2.5.4.3', emailAddress: '1.2.840.113549.1.9.1' } as const;

const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.17': 'postalCode',
  '2.5.4.42': 'GN',
  '2.5.4.43': 'initials',
  '2.5.4.44': 'generationQualifier',
  '2.5.4.46': 'dnQualifier',
  '2.5.4.65': 'pseudonym',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

/** Reads the RDNSequence under the reader. */
export function readRdns(reader: DerReader): Rdn[] {
  const sequence = reader.open(Tag.sequence);
  const rdns: Rdn[] = [];
  let count = 0;
  while (!sequence.done) {
    const rdn = readRdn(sequence.open(Tag.set));
    count += rdn.length;
    if (count > MAX_ATTRIBUTES) sequence.fail('name too long');
    rdns.push(rdn);
  }
  return rdns;
}

/** Reads the content of one RelativeDistinguishedName, as it also stands in CRL distribution points. */
export function readRdn(set: DerReader): Rdn {
  const rdn: Attribute[] = [];
  do {
    const start = set.position;
    const pair = set.open(Tag.sequence);
    const encoded = set.bytes.subarray(start, set.position);
    const type = pair.oid();
    const tag = pair.peek();
    const raw = pair.element();
    pair.finish();
    rdn.push({ type, tag, raw, encoded, text: textOf(tag, raw) });
    if (rdn.length > MAX_ATTRIBUTES) set.fail('name too long');
  } while (!set.done);
  return rdn;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const latin1 = new TextDecoder('latin1');

/** The text of a directory string, or `undefined`. */
function textOf(tag: number, raw: Uint8Array): string | undefined {
  // The header was checked when the element was read: a short length is one octet, a long one names its size.
  const lengthOctet = raw[1] ?? 0;
  const content = raw.subarray(lengthOctet < 0x80 ? 2 : 2 + (lengthOctet & 0x7f));
  switch (tag) {
    case Tag.utf8String:
      try {
        return utf8.decode(content);
      } catch {
        return undefined;
      }
    case Tag.printableString:
    case Tag.numericString:
    case Tag.ia5String:
    case Tag.visibleString:
      return content.every((octet) => octet < 0x80) ? latin1.decode(content) : undefined;
    case Tag.teletexString:
      // In practice Latin-1, whatever T.61 says.
      return latin1.decode(content);
    case Tag.bmpString:
      return content.length % 2 === 0 ? wideText(content, 2) : undefined;
    case Tag.universalString:
      return content.length % 4 === 0 ? wideText(content, 4) : undefined;
    default:
      return undefined;
  }
}

function wideText(content: Uint8Array, width: 2 | 4): string | undefined {
  let text = '';
  for (let at = 0; at < content.length; at += width) {
    let code = 0;
    for (let i = 0; i < width; i++) code = code * 256 + (content[at + i] ?? 0);
    if (code > 0x10ffff) return undefined;
    text += width === 2 ? String.fromCharCode(code) : String.fromCodePoint(code);
  }
  return text;
}

/** Case, white space and compatibility forms folded away: what RFC 4518 asks for, as far as names use it. */
export function foldText(text: string): string {
  let plain = true;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7e || code < 0x20) {
      plain = false;
      break;
    }
  }
  if (plain) {
    const lower = text.toLowerCase();
    return lower.includes('  ') || lower.startsWith(' ') || lower.endsWith(' ')
      ? lower.replace(/ +/g, ' ').trim()
      : lower;
  }
  // Soft hyphen and zero-width characters map to nothing (RFC 4518 §2.2).
  const visible = text.replace(/\u00ad|[\u200b-\u200d]|\u2060|\ufeff/g, '');
  // Spaces are what case and normalisation leave of them.
  return fold(visible).replace(/\s+/g, ' ').trim();
}

/**
 * Normalising sorts the combining marks behind a letter, in a time that grows with the square of their number: 60,000 of
 * them take 9 s. More than 30 (UAX #15 §13, the Stream-Safe Text Format) are no text, and equal only themselves.
 */
function fold(text: string): string {
  return MANY_MARKS.test(text) ? text : text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/** Marks, and the two characters that normalise to a mark without being one: halfwidth katakana voice marks. */
const MANY_MARKS = /[\p{M}\uff9e\uff9f]{31}/u;

function rdnKey(rdn: Rdn): string {
  const [only] = rdn;
  if (rdn.length === 1 && only !== undefined) return attributeKey(only);
  // A set: DER sorts it by encoding, which case and string types change.
  return rdn.map(attributeKey).sort().join('\u0002');
}

function attributeKey(attribute: Attribute): string {
  const { type, text, raw } = attribute;
  return text === undefined ? `${type}#${hex(raw)}` : `${type}=${guard(foldText(text))}`;
}

/** Keeps the separators of keys out of values: else one name could be written to have the key of another. */
function guard(text: string): string {
  return text.replaceAll('\u0000', '\u00000').replaceAll('\u0001', '\u00001').replaceAll('\u0002', '\u00002');
}

/** RDNs of a name, attributes of an RDN, characters and octets of a value that are printed; RFC 5280 allows 64 characters. */
const MOST_PRINTED = 32;
const LONGEST_PRINTED = 100;
/** Characters of a whole name; the longest that anybody has in earnest has 400. */
const LONGEST_NAME = 2000;

function printRdn(rdn: Rdn): string {
  const shown = rdn.slice(0, MOST_PRINTED).map(printAttribute);
  return [...shown, ...(rdn.length > MOST_PRINTED ? ['…'] : [])].join('+');
}

function printAttribute({ type, text, raw }: Attribute): string {
  const name = shortNames[type] ?? type.slice(0, LONGEST_PRINTED);
  const whole = text ?? raw;
  const more = whole.length > LONGEST_PRINTED ? '…' : '';
  const value = whole.slice(0, LONGEST_PRINTED);
  return `${name}=${typeof value === 'string' ? escaped(value) : `#${hex(value)}`}${more}`;
}

/** Of a text that was cut: what escaping makes of it is up to nine times as long. */
function escaped(text: string): string {
  return (
    text
      .replace(/[,+"\\<>;]/g, '\\$&')
      .replace(/^[ #]/, '\\$&')
      .replace(/ $/, '\\ ')
      // Control characters of a hostile name must not reach a terminal or a log line raw.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (c) =>
        Array.from(new TextEncoder().encode(c), (octet) => `\\${hex(Uint8Array.of(octet))}`).join(''),
      )
  );
}
