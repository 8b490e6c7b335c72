/** How much data may flow before the handshake is complete (RFC 8446 §4.2.10). */
export class EarlyDataAllowance {
  private left: number;
  /** Bytes taken. */
  taken = 0;

  /** `maxSize`: max_early_data_size of the ticket, bytes of plaintext. */
  constructor(maxSize: number) {
    this.left = maxSize;
  }

  /** Takes `length` bytes of it; false, and nothing taken, when so many are not left. */
  take(length: number): boolean {
    if (length > this.left) return false;
    this.left -= length;
    this.taken += length;
    return true;
  }
}

/** What tickets allow unless their server says otherwise: OTP's figure and OpenSSL's. */
export const defaultMaxEarlyData = 16_384;
/** Header, content type and tag of a record: what max_early_data_size does not count. */
const recordOverhead = 5 + 1 + 16;
/** A client that writes in small pieces may be so wasteful: then the overhead is a third of what it sends. */
const leastRecord = 64;
/** However little may be sent, so many records may hold it. */
const leastRecords = 16;

/**
 * How many bytes of the wire are thrown away when a client's early data was refused: as much as an honest client can
 * have sent under a ticket that allowed `maxSize`, since refused data cannot be read and so counts with its records.
 * Whoever sends more has no ticket of ours, or does not keep to it (§4.2.10: the server then ends the connection).
 */
export function skippableEarlyData(maxSize: number): number {
  return maxSize + recordOverhead * (leastRecords + Math.ceil(maxSize / leastRecord));
}
