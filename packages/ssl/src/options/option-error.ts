/** How a wrong option is told (contract §2.5): thrown by rows, caught by `parse.ts` and nowhere else. */
import type { SslReason } from '../values/terms.js';

/** Carries OTP's error term from the row that finds it to the parser. */
export class OptionError extends Error {
  readonly reason: SslReason;

  constructor(reason: SslReason) {
    super('wrong option');
    this.reason = reason;
  }
}

/** `{options, {Key, Value}}`, the term for a wrong value; the key as the user wrote it. */
export function badValue(key: string, value: unknown): never {
  throw new OptionError({ options: { [key]: value } });
}

/** A tuple `{A, B}`: an object when A is an atom, otherwise a pair. */
export function pair(first: unknown, second: unknown): unknown {
  return typeof first === 'string' ? { [first]: second } : [first, second];
}
