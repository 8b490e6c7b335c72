/**
 * Key material that must not reach a log, a crash report or a JSON dump.
 */

/** Bytes that print as `[secret]` wherever an object is shown. */
export class Secret {
  readonly #bytes: Uint8Array;

  static {
    // Not a declared member: isolated declarations know no computed names.
    Object.defineProperty(Secret.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value: () => '[secret]',
    });
  }

  /** Keeps `bytes` itself, not a copy: the caller gives them up. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The bytes themselves. Named so that a reviewer can find every place where a secret leaves its box. */
  expose(): Uint8Array {
    return this.#bytes;
  }

  /** bytes */
  get length(): number {
    return this.#bytes.length;
  }

  /**
   * Overwrites the bytes. An effort, not a promise: engines and the JavaScript heap may hold copies.
   */
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
