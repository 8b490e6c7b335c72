/** How much data may flow before the handshake is complete (RFC 8446 §4.2.10). */
export class EarlyDataAllowance {
  private left: number;

  /** `maxSize`: max_early_data_size of the ticket, bytes of plaintext. */
  constructor(maxSize: number) {
    this.left = maxSize;
  }

  /** Takes `length` bytes of it; false, and nothing taken, when so many are not left. */
  take(length: number): boolean {
    if (length > this.left) return false;
    this.left -= length;
    return true;
  }
}
