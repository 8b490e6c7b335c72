/**
 * Data that came before the handshake was complete (RFC 8446 §2.3), which nobody can have yet. Over datagrams a record is a
 * message, and stays one.
 */
import { Writer } from '../../values/wire/writer.js';

export class EarlyData {
  readonly #bytes: Writer = new Writer();
  /** Where each record ends; `undefined`: nobody asks. */
  readonly #ends: number[] | undefined;

  constructor(records: 'joined' | 'apart') {
    this.#ends = records === 'apart' ? [] : undefined;
  }

  get length(): number {
    return this.#bytes.length;
  }

  add(data: Uint8Array): void {
    this.#bytes.bytes(data);
    this.#ends?.push(this.#bytes.length);
  }

  /** All of it, as it is to be delivered. */
  finish(): Uint8Array[] {
    const bytes = this.#bytes.finish();
    const ends = this.#ends ?? [bytes.length];
    return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
  }
}
