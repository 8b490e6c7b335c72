/** Writes the presentation language of RFC 8446 §3 into one growing buffer. */

const initialSize = 512;
/** What a length of so many bytes cannot say any more. */
const limits: Readonly<Record<1 | 2 | 3, number>> = { 1: 0x100, 2: 0x10000, 3: 0x1000000 };
/** A writer that is used again keeps at most this many bytes. */
const keptSize = 65536;

/** Bytes that end up in one array; lengths are written afterwards, in front of what they measure. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(size: number = initialSize) {
    this.#bytes = new Uint8Array(size);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  uint8(value: number): void {
    const at = this.#advance(1);
    this.#bytes[at] = value;
  }

  uint16(value: number): void {
    const at = this.#advance(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  uint24(value: number): void {
    const at = this.#advance(3);
    this.#bytes[at] = value >>> 16;
    this.#bytes[at + 1] = value >>> 8;
    this.#bytes[at + 2] = value;
  }

  uint32(value: number): void {
    this.uint16(Math.floor(value / 0x10000));
    this.uint16(value % 0x10000);
  }

  bytes(value: Uint8Array): void {
    const at = this.#advance(value.length);
    this.#bytes.set(value, at);
  }

  /** Leaves room for a length of `width` bytes; answers the place for `close`. */
  open(width: 1 | 2 | 3): number {
    return this.#advance(width) + width;
  }

  /** Writes the number of bytes since `open` into the room left there, and answers it. */
  close(mark: number, width: 1 | 2 | 3): number {
    const length = this.#length - mark;
    if (length >= limits[width])
      throw new RangeError(`${length} bytes do not fit a length of ${width} bytes`);
    for (let i = 1, rest = length; i <= width; i += 1, rest >>>= 8) this.#bytes[mark - i] = rest;
    return length;
  }

  /** Forgets everything written; the buffer stays unless it has grown large. */
  reset(): void {
    this.#length = 0;
    if (this.#bytes.length > keptSize) this.#bytes = new Uint8Array(initialSize);
  }

  /** Everything written, as a copy of its own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #advance(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    this.#length = needed;
    return at;
  }
}
