/** How long the records of one direction may be at most, where the hellos have agreed on less than RFC 8446 §5.1 allows. */
import { MAX_PLAINTEXT } from './content-type.js';

export interface RecordLimit {
  /** Bytes of content in a record. */
  readonly content: number;
  /** Bytes of content, type and padding in a protected record of TLS 1.3 (RFC 8449 §4); `undefined`: as many as ever. */
  readonly inner: number | undefined;
  /** RFC 6066 §4 binds all records, RFC 8449 §4 those that are protected. */
  readonly of: 'all' | 'protected';
}

/** What holds for records without protection. */
export function unprotectedLimit({ content, of }: RecordLimit): number {
  return of === 'all' ? Math.min(content, MAX_PLAINTEXT) : MAX_PLAINTEXT;
}
