/**
 * Writes DER (X.690 §10) for the throw-away certificates of tests and of the main job. It trusts its caller:
 * whoever builds a broken certificate on purpose must be able to.
 */

import { encodeOid as oid, encodeElement as tlv } from '../values/x509/der-writer.js';

export { oid, tlv };

export const sequence = (...elements: readonly Uint8Array[]): Uint8Array => tlv(0x30, ...elements);
export const bool = (value: boolean): Uint8Array => tlv(0x01, Uint8Array.of(value ? 0xff : 0));
export const nullValue: Uint8Array = Uint8Array.of(0x05, 0);
export const octetString = (value: Uint8Array): Uint8Array => tlv(0x04, value);
export const utf8String = (text: string): Uint8Array => tlv(0x0c, encoder.encode(text));
export const printableString = (text: string): Uint8Array => tlv(0x13, encoder.encode(text));
export const ia5String = (text: string): Uint8Array => tlv(0x16, encoder.encode(text));
/** Constructed, context-specific `[number]`. */
export const explicit = (number: number, ...contents: readonly Uint8Array[]): Uint8Array =>
  tlv(0xa0 | number, ...contents);
/** Primitive, context-specific `[number]`. */
export const implicit = (number: number, content: Uint8Array): Uint8Array => tlv(0x80 | number, content);

/** SET OF: DER sorts the encodings (X.690 §11.6). */
export function setOf(...elements: readonly Uint8Array[]): Uint8Array {
  return tlv(0x31, ...[...elements].sort(compareBytes));
}

export function integer(value: bigint | number): Uint8Array {
  return tlv(0x02, integerBytes(BigInt(value)));
}

export function enumerated(value: number): Uint8Array {
  return tlv(0x0a, integerBytes(BigInt(value)));
}

/** BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return tlv(0x03, Uint8Array.of(0), bytes);
}

/** A named-bit list: bit 0 is the first; trailing zero bits are dropped (X.690 §11.2.2). */
export function namedBits(bits: readonly number[]): Uint8Array {
  const last = Math.max(-1, ...bits);
  if (last < 0) return tlv(0x03, Uint8Array.of(0));
  const bytes = new Uint8Array((last >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return tlv(0x03, Uint8Array.of(7 - (last & 7)), bytes);
}

/** UTCTime through 2049, GeneralizedTime from 2050 on and before 1950 (RFC 5280 §4.1.2.5). */
export function time(date: Date): Uint8Array {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(0, 14);
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050
    ? tlv(0x17, encoder.encode(`${digits.slice(2)}Z`))
    : tlv(0x18, encoder.encode(`${digits}Z`));
}

/** RFC 7468 §2: base64 in lines of 64. */
export function pem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

const encoder = new TextEncoder();

/** Two's complement in the fewest bytes. */
function integerBytes(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.unshift(Number(rest & 0xffn));
    rest >>= 8n;
  } while (!(rest === 0n && (bytes[0] ?? 0) < 0x80) && !(rest === -1n && (bytes[0] ?? 0) >= 0x80));
  return Uint8Array.from(bytes);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}
