/** ACK (RFC 9147 §7): the numbers of records that came and held handshake messages which were taken. */
import { RecordError } from './errors.js';
import { putSequence, word } from './layout.js';

/** ContentType */
export const ACK = 26;

export interface RecordNumber {
  readonly epoch: number;
  readonly sequence: number;
}

/** Two of 64 bits each. */
const numberLength = 16;
/** Numbers of one ACK of ours; what came last counts most. */
export const mostNumbers = 32;

/** How many numbers an ACK of so many bytes has. */
export function numbersIn(bytes: number): number {
  return Math.floor((bytes - 2) / numberLength);
}

/** In increasing order, as §7 has it. */
export function encodeAck(numbers: readonly RecordNumber[]): Uint8Array {
  const sorted = [...numbers].sort((a, b) => a.epoch - b.epoch || a.sequence - b.sequence);
  const bytes = new Uint8Array(2 + sorted.length * numberLength);
  bytes[0] = (sorted.length * numberLength) >> 8;
  bytes[1] = sorted.length * numberLength;
  sorted.forEach(({ epoch, sequence }, index) => {
    putSequence(bytes, 2 + index * numberLength, epoch);
    putSequence(bytes, 2 + index * numberLength + 8, sequence);
  });
  return bytes;
}

/** Throws `malformed_ack`. A number beyond the safe integers is not exact: no record of ours has one. */
export function decodeAck(bytes: Uint8Array): readonly RecordNumber[] {
  const length = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  if (bytes.length < 2 || bytes.length !== 2 + length || length % numberLength !== 0)
    throw new RecordError('malformed_ack');
  return Array.from({ length: length / numberLength }, (_, index) => {
    const at = 2 + index * numberLength;
    return { epoch: longAt(bytes, at), sequence: longAt(bytes, at + 8) };
  });
}

function longAt(bytes: Uint8Array, at: number): number {
  return (word(bytes, at) >>> 0) * 0x1_0000_0000 + (word(bytes, at + 4) >>> 0);
}
