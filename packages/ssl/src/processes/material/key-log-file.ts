/**
 * A file that key logs are appended to, as browsers and OpenSSL do it for `SSLKEYLOGFILE`. One per name in a process: all
 * connections write through it, one after the other, while the connections go on.
 */
import { appendFile } from 'node:fs/promises';

/** Characters that wait for a slow disk at most; what comes on top is lost. */
const maxWaiting = 1 << 20;
/** Nobody but its owner reads secrets. */
const mode = 0o600;

export class KeyLogFile {
  readonly #name: string;
  #waiting = '';
  #writing = false;
  /** An error is told once, until something was written again. */
  #broken = false;

  constructor(name: string) {
    this.#name = name;
  }

  /** Answers at once. `failed` hears of an error, unless one was told before. */
  append(lines: readonly string[], failed: (error: unknown) => void): void {
    if (this.#waiting.length > maxWaiting) {
      this.#tell(new Error('the key log is slower than the connections'), failed);
      return;
    }
    this.#waiting += `${lines.join('\n')}\n`;
    if (!this.#writing) void this.#write(failed);
  }

  async #write(failed: (error: unknown) => void): Promise<void> {
    this.#writing = true;
    while (this.#waiting !== '') {
      const text = this.#waiting;
      this.#waiting = '';
      try {
        await appendFile(this.#name, text, { mode });
        this.#broken = false;
      } catch (error) {
        this.#tell(error, failed);
      }
    }
    this.#writing = false;
  }

  #tell(error: unknown, failed: (error: unknown) => void): void {
    if (this.#broken) return;
    this.#broken = true;
    failed(error);
  }
}

const files = new Map<string, KeyLogFile>();

/** The file of that name, if there is one. */
export function namedKeyLogFile(name: string | undefined): KeyLogFile | undefined {
  if (name === undefined || name === '') return undefined;
  const known = files.get(name) ?? new KeyLogFile(name);
  files.set(name, known);
  return known;
}
