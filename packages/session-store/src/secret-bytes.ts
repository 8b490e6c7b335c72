/** A secret that this package makes itself: a key, or what was sealed. */
import type { Secret } from './session-cache-api.js';

/** Bytes that print as nothing; the same box as `Secret` of `ssl`, which is above this package. */
export class SecretBytes implements Secret {
  readonly #bytes: Uint8Array;

  static {
    // Not a declared member: isolated declarations know no computed names.
    Object.defineProperty(SecretBytes.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value: () => '[secret]',
    });
  }

  /** Keeps `bytes` itself, not a copy: the caller gives them up. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  expose(): Uint8Array {
    return this.#bytes;
  }

  /** Overwrites the bytes. An effort, not a promise: engines and the heap may hold copies. */
  zero(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }
}
