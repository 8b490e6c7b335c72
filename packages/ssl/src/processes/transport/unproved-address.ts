/**
 * The address of a peer that was let in before anything showed that it is there (RFC 9147 §5.1): three times what came from it
 * may go there, as where a peer may have moved to (RFC 9853 §5). What is more is lost, as datagrams may be.
 */

const factor = 3;

export class UnprovedAddress {
  readonly #answered: () => void;
  readonly #proved: () => void;
  #allowance = 0;
  #isAnswered = false;

  /** `answered`: called when the first goes there; `proved`: when whoever is there has answered. */
  constructor(answered: () => void, proved: () => void) {
    this.#answered = answered;
    this.#proved = proved;
  }

  /** Bytes of a datagram that came from there. */
  came(bytes: number): void {
    this.#allowance += factor * bytes;
  }

  /** Whether a datagram of so many bytes may go there, which then counts. */
  takes(bytes: number): boolean {
    if (bytes > this.#allowance) return false;
    this.#allowance -= bytes;
    if (!this.#isAnswered) {
      this.#isAnswered = true;
      this.#answered();
    }
    return true;
  }

  proved(): void {
    this.#proved();
  }
}
