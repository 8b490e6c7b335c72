/**
 * OpenSSL's hash of a name (`X509_NAME_hash`, `openssl x509 -hash`), by which CA and CRL directories are indexed:
 * SHA-1 over the name in a canonical form, the first four bytes as a little-endian number.
 */
import type { CryptoEngine } from '../crypto/engine.js';
import { hex } from '../hex.js';
import { Tag } from './der.js';
import { encodeElement, encodeOid } from './der-writer.js';
import { type Attribute, Name } from './name.js';

/** 8 lower-case hex digits of a DER Name. Throws `DerError`; `TypeError` for an engine without SHA-1. */
export function openSslNameHash(name: Uint8Array, engine: CryptoEngine): string {
  const sha1 = engine.hash('sha');
  if (sha1 === undefined) throw new TypeError('the engine has no SHA-1');
  const sets = new Name(name).rdns.map((rdn) => {
    const attributes = rdn.map(canonical).sort(compare);
    return encodeElement(Tag.set, ...attributes);
  });
  let length = 0;
  for (const set of sets) length += set.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const set of sets) {
    joined.set(set, at);
    at += set.length;
  }
  return hex(sha1.digest(joined).slice(0, 4).reverse());
}

/** Text becomes UTF-8, trimmed, with single spaces, ASCII letters small; other values stand as they are. */
function canonical({ raw, tag, text, type }: Attribute): Uint8Array {
  const isText = text !== undefined && tag !== Tag.numericString;
  const value = isText ? encodeElement(Tag.utf8String, new TextEncoder().encode(fold(text))) : raw;
  return encodeElement(Tag.sequence, encodeOid(type), value);
}

function fold(text: string): string {
  return text
    .replace(/[ \t\n\v\f\r]+/g, ' ')
    .replace(/^ | $/g, '')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** DER's order of a SET OF (X.690 §11.6). */
function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
