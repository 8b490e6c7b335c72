/**
 * A strict reader of DER (ITU-T X.690), for what comes from a peer or a file.
 *
 * It walks over the bytes it was given and never copies, recurses or allocates by an announced length: a
 * value's nesting is bounded by the code that reads it. BER freedoms (indefinite or padded lengths, padded
 * integers, odd booleans) are errors: two encodings of one certificate would be two certificates to a cache.
 */
import { hex } from '../hex.js';

/** The bytes are not the DER that was expected. `offset` counts from the start of the outermost value. */
export class DerError extends Error {
  readonly code = 'asn1';
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(`${message} (byte ${offset})`);
    this.name = 'DerError';
    this.offset = offset;
  }
}

/** Identifier octets of the types that X.509 uses. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Identifier octet of `[n] IMPLICIT` over a primitive type. */
export function implicit(n: number): number {
  return 0x80 | n;
}

/** Identifier octet of `[n] EXPLICIT`, or IMPLICIT over a constructed type. */
export function explicit(n: number): number {
  return 0xa0 | n;
}

/** Two's complement integers longer than this (bytes) are refused: no X.509 number but RSA's is near it. */
const MAX_INTEGER = 2050;

export class DerReader {
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;

  constructor(bytes: Uint8Array, position = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  /** The next identifier octet, or -1 at the end. */
  peek(): number {
    return this.position < this.end ? (this.bytes[this.position] ?? -1) : -1;
  }

  fail(message: string): never {
    throw new DerError(message, this.position);
  }

  /**
   * Steps over the next element's header and answers where its content ends; `position` is then at its start.
   * High tag numbers (≥ 31) are stepped over as one identifier: nothing in X.509 bears one, but a foreign
   * attribute value may.
   */
  private header(): number {
    const { bytes, end } = this;
    let at = this.position;
    if (at >= end) this.fail('element expected');
    const identifier = bytes[at++] ?? 0;
    if ((identifier & 0x1f) === 0x1f) {
      let octets = 0;
      for (;;) {
        const octet = at < end ? (bytes[at++] ?? 0) : this.fail('truncated tag');
        if (++octets > 4) this.fail('tag number too large');
        if ((octet & 0x80) === 0) break;
      }
    }
    if (at >= end) this.fail('truncated length');
    let length = bytes[at++] ?? 0;
    if (length > 0x7f) {
      const octets = length & 0x7f;
      if (octets === 0) this.fail('indefinite length is not DER');
      if (octets > 4 || at + octets > end) this.fail('length out of bounds');
      length = 0;
      for (let i = 0; i < octets; i++) length = length * 256 + (bytes[at++] ?? 0);
      if (length < 0x80 || (octets > 1 && length < 2 ** (8 * (octets - 1))))
        this.fail('length is not minimal');
    }
    if (length > end - at) this.fail('length out of bounds');
    this.position = at;
    return at + length;
  }

  private expect(tag: number): void {
    if (this.peek() !== tag) {
      const found = this.peek();
      this.fail(`tag ${tag.toString(16)} expected, ${found < 0 ? 'end' : found.toString(16)} found`);
    }
  }

  /** A reader over the content of the next element, which must bear `tag`. */
  open(tag: number): DerReader {
    this.expect(tag);
    const end = this.header();
    const inner = new DerReader(this.bytes, this.position, end);
    this.position = end;
    return inner;
  }

  /** Like `open`, or `undefined` when the next element bears another tag. */
  openOptional(tag: number): DerReader | undefined {
    return this.peek() === tag ? this.open(tag) : undefined;
  }

  /** The content octets of the next element, a view. */
  content(tag: number): Uint8Array {
    this.expect(tag);
    const end = this.header();
    const view = this.bytes.subarray(this.position, end);
    this.position = end;
    return view;
  }

  /** The whole next element with its header, a view, whatever its tag. */
  element(): Uint8Array {
    const start = this.position;
    const end = this.header();
    this.position = end;
    return this.bytes.subarray(start, end);
  }

  /** Like `element`, for one that must bear `tag`. */
  elementOf(tag: number): Uint8Array {
    this.expect(tag);
    return this.element();
  }

  skip(): void {
    this.position = this.header();
  }

  /** Nothing may follow. */
  finish(): void {
    if (this.position !== this.end) this.fail('trailing bytes');
  }

  boolean(tag: number = Tag.boolean): boolean {
    const content = this.content(tag);
    const value = content[0];
    if (content.length !== 1 || (value !== 0 && value !== 0xff)) this.fail('boolean is not DER');
    return value === 0xff;
  }

  /** The content octets of an INTEGER, checked to be minimal; two's complement. */
  integerBytes(tag: number = Tag.integer): Uint8Array {
    const content = this.content(tag);
    const first = content[0] ?? this.fail('empty integer');
    if (content.length > MAX_INTEGER) this.fail('integer too long');
    const second = content[1];
    if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      this.fail('integer is not minimal');
    }
    return content;
  }

  integer(tag: number = Tag.integer): bigint {
    return bigintOf(this.integerBytes(tag));
  }

  /** An INTEGER in 0 … 2^31 - 1, for versions, lengths and counts. */
  smallInteger(tag: number = Tag.integer): number {
    const content = this.integerBytes(tag);
    if (content.length > 4 || (content[0] ?? 0) > 0x7f) this.fail('integer out of range');
    let value = 0;
    for (const octet of content) value = value * 256 + octet;
    return value;
  }

  /** Dotted decimal. */
  oid(tag: number = Tag.oid): string {
    return oidOf(this.content(tag), this);
  }

  null(): void {
    if (this.content(Tag.null).length !== 0) this.fail('null with content');
  }

  /** A BIT STRING of whole octets (keys, signatures). */
  octetsOfBitString(tag: number = Tag.bitString): Uint8Array {
    const content = this.content(tag);
    if (content[0] !== 0) this.fail('bit string of whole octets expected');
    return content.subarray(1);
  }

  /**
   * A named BIT STRING as a number whose bit n is the string's bit n (n < 31). DER wants trailing zero bits
   * cut off (X.690 §11.2.2).
   */
  namedBits(tag: number = Tag.bitString): number {
    const content = this.content(tag);
    const unused = content[0] ?? this.fail('empty bit string');
    if (unused > 7 || (content.length === 1 && unused !== 0)) this.fail('bit string is not DER');
    const last = content[content.length - 1] ?? 0;
    if (content.length > 1 && (last & ((1 << unused) - 1)) !== 0)
      this.fail('bit string with padding bits set');
    let value = 0;
    for (let bit = 0; bit < Math.min(31, (content.length - 1) * 8); bit++) {
      if (((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0) value |= 1 << bit;
    }
    return value;
  }

  /** UTCTime or GeneralizedTime as milliseconds since 1970 (RFC 5280 §4.1.2.5). */
  time(): number {
    const tag = this.peek();
    if (tag !== Tag.utcTime && tag !== Tag.generalizedTime) this.fail('time expected');
    return timeOf(this.content(tag), tag, this);
  }
}

/** Reads one value that must fill `bytes`. */
export function decodeAll<T>(bytes: Uint8Array, read: (reader: DerReader) => T): T {
  const reader = new DerReader(bytes);
  const value = read(reader);
  reader.finish();
  return value;
}

function bigintOf(content: Uint8Array): bigint {
  const value = BigInt(`0x0${hex(content)}`);
  return (content[0] ?? 0) >= 0x80 ? value - (1n << BigInt(content.length * 8)) : value;
}

/** Object identifiers seen before, by content: there are few and spelling them out costs a microsecond each. */
const oids = new Map<string, string>();

function oidOf(content: Uint8Array, reader: DerReader): string {
  if (content.length === 0 || content.length > 64) reader.fail('object identifier of bad length');
  let key = '';
  for (const octet of content) key += String.fromCharCode(octet);
  const known = oids.get(key);
  if (known !== undefined) return known;
  const text = spellOid(content, reader);
  if (oids.size < 512) oids.set(key, text);
  return text;
}

function spellOid(content: Uint8Array, reader: DerReader): string {
  const arcs: string[] = [];
  let at = 0;
  while (at < content.length) {
    if (content[at] === 0x80) reader.fail('object identifier is not minimal');
    let small = 0;
    let big = 0n;
    let octets = 0;
    for (;;) {
      const octet = content[at++] ?? reader.fail('truncated object identifier');
      octets++;
      if (octets <= 4) small = small * 128 + (octet & 0x7f);
      else big = (octets === 5 ? BigInt(small) : big) * 128n + BigInt(octet & 0x7f);
      if ((octet & 0x80) === 0) break;
    }
    if (arcs.length > 0) {
      arcs.push(octets <= 4 ? String(small) : String(big));
      continue;
    }
    const value = octets <= 4 ? BigInt(small) : big;
    const root = value < 40n ? 0n : value < 80n ? 1n : 2n;
    arcs.push(String(root), String(value - root * 40n));
  }
  return arcs.join('.');
}

function timeOf(content: Uint8Array, tag: number, reader: DerReader): number {
  const yearDigits = tag === Tag.utcTime ? 2 : 4;
  // RFC 5280 §4.1.2.5: with seconds, in Z, without fractions.
  if (content.length !== yearDigits + 11 || content[content.length - 1] !== 0x5a)
    reader.fail('time is not DER');
  const pair = (at: number): number => {
    const tens = (content[at] ?? 0) - 0x30;
    const ones = (content[at + 1] ?? 0) - 0x30;
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9) reader.fail('time with a non-digit');
    return tens * 10 + ones;
  };
  let year = pair(0);
  if (yearDigits === 4) year = year * 100 + pair(2);
  else year += year >= 50 ? 1900 : 2000;
  const month = pair(yearDigits);
  const day = pair(yearDigits + 2);
  const hour = pair(yearDigits + 4);
  const minute = pair(yearDigits + 6);
  const second = pair(yearDigits + 8);
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59)
    reader.fail('no such time');
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1) reader.fail('no such day');
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
}
