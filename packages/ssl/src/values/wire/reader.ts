/** Reads the presentation language of RFC 8446 §3 from a piece of bytes, left to right. */

/** Bytes that do not have the shape they must have: too short, too long, out of bounds. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/**
 * A cursor over bytes that it does not own: what `take` answers are views.
 * Every read checks its bounds first and throws `DecodeError`.
 */
export class Reader {
  readonly bytes: Uint8Array;
  #offset: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.#offset = start;
    this.#end = end;
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#end - this.#offset;
  }

  uint8(): number {
    const at = this.#advance(1);
    return this.bytes[at] ?? 0;
  }

  uint16(): number {
    const at = this.#advance(2);
    return ((this.bytes[at] ?? 0) << 8) | (this.bytes[at + 1] ?? 0);
  }

  uint24(): number {
    const at = this.#advance(3);
    return ((this.bytes[at] ?? 0) << 16) | ((this.bytes[at + 1] ?? 0) << 8) | (this.bytes[at + 2] ?? 0);
  }

  uint32(): number {
    const high = this.uint16();
    return high * 0x10000 + this.uint16();
  }

  /** A view of the next `length` bytes. */
  take(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.bytes.subarray(at, at + length);
  }

  /** A reader of the next `length` bytes, which are then behind this one. */
  within(length: number): Reader {
    const at = this.#advance(length);
    return new Reader(this.bytes, at, at + length);
  }

  /** Throws unless everything was read: trailing bytes are an error (RFC 8446 §3.4, §6.2 decode_error). */
  end(): void {
    if (this.#offset !== this.#end) throw new DecodeError(`${this.remaining} trailing bytes`);
  }

  #advance(length: number): number {
    const at = this.#offset;
    if (length > this.#end - at) {
      throw new DecodeError(`${length} bytes wanted, ${this.#end - at} left`);
    }
    this.#offset = at + length;
    return at;
  }
}
