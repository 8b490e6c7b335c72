/** What one turn has decrypted, on its way to delivery: in raw mode one batch is one message (contract §2.7). */
import { join } from '../../values/wire/join.js';

/**
 * Small records of one chunk are joined to one message; from here on a batch goes out as it is, since joining full
 * records would copy the bulk of the data once more.
 */
const full = 8192;

export class Batch {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** Adds a piece, which is kept; true when the batch is to go out now. */
  add(piece: Uint8Array): boolean {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    return this.#bytes >= full;
  }

  /** The batch in one piece, and a new one begins; `undefined` when nothing is in it. */
  take(): Uint8Array | undefined {
    const pieces = this.#pieces;
    const [first] = pieces;
    if (first === undefined) return undefined;
    const bytes = this.#bytes;
    this.#bytes = 0;
    if (pieces.length === 1) {
      pieces.length = 0;
      return first;
    }
    this.#pieces = [];
    return join(pieces, Buffer.allocUnsafeSlow(bytes));
  }
}
