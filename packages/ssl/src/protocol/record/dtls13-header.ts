/**
 * The header of protected records of DTLS 1.3 (RFC 9147 §4): one byte 001CSLEE, then what its bits say: a connection ID (C), a
 * number of 8 or 16 bits (S), a length (L). Of the epoch it has two bits. What is not there has to be found out.
 */
import { SEQUENCE_LIMIT } from './dtls-layout.js';

/** A header as it was found. */
export interface UnifiedHeader {
  /** The two low bits of the epoch. */
  readonly epochBits: number;
  /** Bytes of the connection ID, which stand behind the first; 0: it bears none. */
  readonly idLength: number;
  /** Bytes of the record's number, which stand behind those. */
  readonly sequenceLength: 1 | 2;
  /** Where the ciphertext begins, and where it ends. */
  readonly begin: number;
  readonly end: number;
}

const fixedMask = 0xe0;
const fixedBits = 0x20;
const connectionId = 0x10;
const longSequence = 0x08;
const withLength = 0x04;
const epochMask = 0x03;

/** Of the headers that we write, but for an ID: number of 16 bits, and a length, so that others can stand behind. */
export const UNIFIED_HEADER_LENGTH = 5;
/** Where a connection ID stands in its record. */
export const UNIFIED_ID_AT = 1;
/** Bytes of a connection ID at most (RFC 9146 §3). */
const longestId = 255;
/** Bytes of a header at most. */
export const MAX_UNIFIED_HEADER: number = UNIFIED_HEADER_LENGTH + longestId;

/** Whether a record begins so (§4.1). */
export function isUnified(first: number | undefined): boolean {
  return first !== undefined && (first & fixedMask) === fixedBits;
}

/** Whether a record begins so that bears a connection ID. */
export function bearsId(first: number | undefined): boolean {
  return isUnified(first) && ((first ?? 0) & connectionId) !== 0;
}

/**
 * The header at `at`, with an ID of so many bytes if it bears one; `undefined` when the record does not stand there whole, and
 * when none was agreed on: where its end is cannot be known then.
 */
export function unifiedHeaderAt(
  datagram: Uint8Array,
  at: number,
  agreedLength: number,
): UnifiedHeader | undefined {
  const first = datagram[at];
  if (first === undefined || !isUnified(first)) return undefined;
  const hasId = (first & connectionId) !== 0;
  if (hasId && agreedLength === 0) return undefined;
  const idLength = hasId ? agreedLength : 0;
  const sequenceLength = (first & longSequence) === 0 ? 1 : 2;
  const behind = at + UNIFIED_ID_AT + idLength + sequenceLength;
  const hasLength = (first & withLength) !== 0;
  const begin = hasLength ? behind + 2 : behind;
  if (begin > datagram.length) return undefined;
  const length = ((datagram[behind] ?? 0) << 8) | (datagram[behind + 1] ?? 0);
  const end = hasLength ? begin + length : datagram.length;
  return end > datagram.length
    ? undefined
    : { epochBits: first & epochMask, idLength, sequenceLength, begin, end };
}

/** `sequence` and `length` by their low 16 bits; an empty `id` is none. */
export function putUnifiedHeader(
  into: Uint8Array,
  epoch: number,
  id: Uint8Array,
  sequence: number,
  length: number,
): void {
  const hasId = id.length === 0 ? 0 : connectionId;
  into[0] = fixedBits | hasId | longSequence | withLength | (epoch & epochMask);
  into.set(id, UNIFIED_ID_AT);
  const at = UNIFIED_ID_AT + id.length;
  into[at] = sequence >> 8;
  into[at + 1] = sequence;
  into[at + 2] = length >> 8;
  into[at + 3] = length;
}

/** The number next to `expected` that ends in `low`, of so many bytes (§4.2.2). */
export function nearestSequence(low: number, bytes: 1 | 2, expected: number): number {
  const span = bytes === 1 ? 0x100 : 0x1_0000;
  const same = expected - (expected % span) + low;
  const other = same > expected ? same - span : same + span;
  const isNearer = Math.abs(other - expected) < Math.abs(same - expected);
  return isNearer && other >= 0 && other < SEQUENCE_LIMIT ? other : same;
}
