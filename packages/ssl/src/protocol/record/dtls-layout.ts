/**
 * How records of DTLS are laid out (RFC 6347 §4.1): type, version, epoch, sequence number, length of the fragment; and what
 * stands in front of the handshake messages in them.
 */
import { putThreeBytes, putWord } from './layout.js';

/** bytes */
export const DTLS_HEADER_LENGTH = 13;
/** The first byte of the versions of DTLS 1.0 and 1.2 on the wire. */
export const DTLS_MAJOR = 0xfe;
/** Sequence numbers have 48 bits. */
export const SEQUENCE_LIMIT: number = 2 ** 48;

/** Epoch and sequence number as the one number of 64 bits that MACs, nonces and additional data are made with (§4.1.2.1). */
export function numberOf(epoch: number, sequence: number): number {
  return epoch * SEQUENCE_LIMIT + sequence;
}

/** Where a connection ID stands in a header that has one (RFC 9146 §4). */
export const CID_AT = 11;

const noId: Uint8Array = new Uint8Array(0);

/** `cid`: stands in front of the length (RFC 9146 §4). */
export function putDtlsHeader(
  into: Uint8Array,
  type: number,
  version: number,
  epoch: number,
  sequence: number,
  length: number,
  cid: Uint8Array = noId,
): void {
  into[0] = type;
  into[1] = version >> 8;
  into[2] = version;
  into[3] = epoch >> 8;
  into[4] = epoch;
  into[5] = sequence / 2 ** 40;
  into[6] = sequence / 2 ** 32;
  putWord(into, 7, sequence | 0);
  into.set(cid, CID_AT);
  into[CID_AT + cid.length] = length >> 8;
  into[CID_AT + cid.length + 1] = length;
}

/**
 * In front of a whole handshake message: type, length, message_seq, fragment_offset, fragment_length (§4.2.2). One fragment
 * of it differs in the last two.
 */
export function putDatagramHeader(
  into: Uint8Array,
  at: number,
  code: number,
  number: number,
  length: number,
): void {
  into[at] = code;
  putThreeBytes(into, at + 1, length);
  into[at + 4] = number >> 8;
  into[at + 5] = number;
  putThreeBytes(into, at + 6, 0);
  putThreeBytes(into, at + 9, length);
}

/** The sequence number in a header that begins at `at`. */
export function sequenceIn(bytes: Uint8Array, at: number): number {
  let sequence = 0;
  for (let i = 5; i < 11; i++) sequence = sequence * 256 + (bytes[at + i] ?? 0);
  return sequence;
}
