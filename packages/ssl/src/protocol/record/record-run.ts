/**
 * A run of records (RFC 8446 §5) that stand whole in one chunk and are opened one behind the other into the same memory.
 *
 * Short runs are cut from a slab that all connections share, as `Buffer.allocUnsafe` does; what was cut is never written
 * again. Long ones have memory of their own, exactly as long as their data.
 */
import { APPLICATION_DATA, HEADER_LENGTH } from './content-type.js';
import type { ReadProtection } from './protection.js';

/** What keys say of opening records where they are told. */
export type DirectReading = NonNullable<ReadProtection['direct']>;

/** Bytes of data that come out in one piece at most, unless one record has more. */
const LONGEST = 65_536;
/**
 * Records of a run at most, what a turn's budget lets through: measuring more would be done again in every turn, and room
 * for them would be kept alive by the data of a few.
 */
const MOST = 64;
const SHORT = 1024;
const SLAB = 8192;

/** Length of the fragment whose header stands there. */
export function fragmentLength(chunk: Uint8Array, at: number): number {
  return ((chunk[at + 3] ?? 0) << 8) | (chunk[at + 4] ?? 0);
}

export class RecordRun {
  /** Where plaintext goes, and how far it came. */
  out: Uint8Array = new Uint8Array(0);
  end = 0;
  private start = 0;
  private left = 0;
  private slab: Uint8Array = new Uint8Array(0);
  private slabUsed = 0;

  get isEmpty(): boolean {
    return this.end === this.start;
  }

  /** Measures the run that begins at `offset`, where a record stands whole, and makes room for its plaintext. */
  begin(direct: DirectReading, tagLength: number, chunk: Uint8Array, offset: number): void {
    const { limit } = direct;
    let bytes = 0;
    this.left = 0;
    for (let at = offset; at + HEADER_LENGTH <= chunk.length && this.left < MOST; ) {
      const length = fragmentLength(chunk, at);
      const plain = Math.max(0, length - tagLength);
      const next = at + HEADER_LENGTH + length;
      // Whatever else is wrong with a header is found when its record comes first.
      if (next > chunk.length || length > limit) break;
      if (this.left > 0 && (chunk[at] !== APPLICATION_DATA || chunk[at + 1] !== 3 || bytes + plain > LONGEST))
        break;
      bytes += plain;
      this.left += 1;
      at = next;
    }
    if (bytes > SHORT) {
      this.out = direct.allocate(bytes);
      this.start = 0;
    } else {
      if (this.slab.length - this.slabUsed < bytes) {
        this.slab = direct.allocate(SLAB);
        this.slabUsed = 0;
      }
      this.out = this.slab;
      this.start = this.slabUsed;
    }
    this.end = this.start;
  }

  /** One was opened: whether another belongs to the run. */
  hasNext(): boolean {
    this.left -= 1;
    return this.left > 0;
  }

  /** The data, the caller's from now on. */
  take(): Uint8Array {
    const { out, start, end } = this;
    this.out = this.slab;
    if (out === this.slab) this.slabUsed = end;
    return start === 0 && end === out.length ? out : out.subarray(start, end);
  }
}
