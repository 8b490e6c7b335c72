/**
 * Records of DTLS 1.2 with a connection ID (RFC 9146 §4, §5): an outer type that says so, the ID in the header, the true
 * type behind the content, under the protection; and what is authenticated besides, which no record without an ID is like.
 */
import { MAX_PLAINTEXT } from './content-type.js';
import { putHeader, putSequence } from './layout.js';

/** ContentType tls12_cid */
export const TLS12_CID = 25;

/** What is under the protection: content, its type's code, zeros. */
export interface InnerPlaintext {
  readonly type: number;
  readonly content: Uint8Array;
}

/** Bytes in front of the ID and behind it: a placeholder, types, version, number; a length. */
const idAt = 21;
const lengthBytes = 2;

/**
 * What a MAC or an AEAD takes in place of number, type, version and length (§5): `seq_num_placeholder + tls12_cid +
 * cid_length + tls12_cid + version + epoch + sequence_number + cid + length`.
 */
export class CidHead {
  private readonly head: Uint8Array;

  constructor(cid: Uint8Array) {
    const head = new Uint8Array(idAt + cid.length + lengthBytes);
    head.fill(0xff, 0, 8);
    head[8] = TLS12_CID;
    head[9] = cid.length;
    head.set(cid, idAt);
    this.head = head;
  }

  /** bytes */
  get length(): number {
    return this.head.length;
  }

  /** `sequence`: epoch and number. Valid until the next call. */
  of(sequence: number, version: number, length: number): Uint8Array {
    const { head } = this;
    // Its length is written over by the number that follows.
    putHeader(head, 10, TLS12_CID, version, 0);
    putSequence(head, 13, sequence);
    head[head.length - 2] = length >> 8;
    head[head.length - 1] = length;
    return head;
  }
}

/** §4: without padding. */
export function innerPlaintext(type: number, content: Uint8Array): Uint8Array {
  const inner = new Uint8Array(content.length + 1);
  inner.set(content);
  inner[content.length] = type;
  return inner;
}

/** `undefined`: too long (§5), or nothing but zeros. */
export function readInnerPlaintext(inner: Uint8Array): InnerPlaintext | undefined {
  if (inner.length > MAX_PLAINTEXT) return undefined;
  let end = inner.length;
  while (end > 0 && inner[end - 1] === 0) end -= 1;
  return end === 0 ? undefined : { type: inner[end - 1] ?? 0, content: inner.subarray(0, end - 1) };
}
