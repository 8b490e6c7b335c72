/**
 * The end of a decrypted CBC record in which the MAC stands under the padding (RFC 5246 §6.2.3.2, RFC 4346 §6.2.3.2).
 *
 * Whether padding or MAC is wrong must show nowhere, time included (Vaudenay 2002, Lucky 13): everything here looks at the
 * same bytes in the same order whatever they say. Masks are -1 for yes and 0 for no.
 */

/** What the last bytes claim; secret until the MAC has been checked. */
export interface CbcEnd {
  /** Bytes in front of the MAC. With wrong padding: as if there were none. */
  readonly contentLength: number;
  /** -1: the padding is right. */
  readonly good: number;
}

/** `record`: at least `macLength` + 1 bytes. `check`: whether all bytes of the padding must be right, or its length only. */
export function readPadding(record: Uint8Array, macLength: number, check: boolean): CbcEnd {
  const { length } = record;
  const padding = record[length - 1] ?? 0;
  let good = isAtLeast(length, macLength + 1 + padding);
  let wrong = 0;
  const looked = check ? Math.min(256, length) : 1;
  for (let i = 0; i < looked; i++) wrong |= isAtLeast(padding, i) & (padding ^ (record[length - 1 - i] ?? 0));
  good &= isZero(wrong);
  return { contentLength: length - macLength - (good & (padding + 1)), good };
}

/**
 * Whether the MAC that stands behind the content is the expected one. It may begin at any of 256 places: all of them are
 * read, into a ring that is turned afterwards.
 */
export function sameMac(record: Uint8Array, contentLength: number, expected: Uint8Array): number {
  const macLength = expected.length;
  const begin = Math.max(0, record.length - macLength - 256);
  const ring = new Uint8Array(macLength);
  let start = 0;
  for (let at = begin, place = 0; at < record.length; at++) {
    const inside = isAtLeast(at, contentLength) & ~isAtLeast(at, contentLength + macLength);
    ring[place] = (ring[place] ?? 0) | (inside & (record[at] ?? 0));
    start |= isZero(at ^ contentLength) & place;
    place = place + 1 === macLength ? 0 : place + 1;
  }
  let difference = 0;
  for (let i = 0; i < macLength; i++) {
    const turned = start + i;
    const place = turned - (macLength & isAtLeast(turned, macLength));
    let byte = 0;
    for (let j = 0; j < macLength; j++) byte |= isZero(j ^ place) & (ring[j] ?? 0);
    difference |= byte ^ (expected[i] ?? 0);
  }
  return isZero(difference);
}

/** -1 when a >= b, for numbers below 2^30. */
function isAtLeast(a: number, b: number): number {
  return ~((a - b) >> 31);
}

/** -1 when a is 0. */
function isZero(a: number): number {
  return ~((a | -a) >> 31);
}
