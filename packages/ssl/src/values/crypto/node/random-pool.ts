/**
 * Random bytes drawn in advance: a call into the generator costs 2.5 µs for 32 bytes as for 1024, and a handshake
 * wants three times 32.
 */

const poolBytes = 1024;
/** Longer than this is drawn for itself. */
const longestTaken = 64;

export class RandomPool {
  readonly #fill: (bytes: Uint8Array) => unknown;
  readonly #pool: Uint8Array = new Uint8Array(poolBytes);
  #used: number = poolBytes;

  /** `fill` overwrites all of what it is given with random bytes. */
  constructor(fill: (bytes: Uint8Array) => unknown) {
    this.#fill = fill;
  }

  /** `length` bytes that nobody has had and nobody will have; the pool forgets them. */
  take(length: number): Uint8Array {
    if (length > longestTaken) {
      const bytes = new Uint8Array(length);
      this.#fill(bytes);
      return bytes;
    }
    if (this.#used + length > poolBytes) {
      this.#fill(this.#pool);
      this.#used = 0;
    }
    const end = this.#used + length;
    const bytes = this.#pool.slice(this.#used, end);
    this.#pool.fill(0, this.#used, end);
    this.#used = end;
    return bytes;
  }
}
