/** The `self` of a shell: a process without a body, for scripts, tests and the REPL. */
import { type OfType, type Pattern, type ReceiveOptions, Self } from './self.js';

/** A message, or a promise of it when none waits. */
type Received<T> = T | Promise<T>;

/**
 * A shell takes every message, and so stands wherever a `Self` of some messages is asked for; who receives from it says
 * what it waits for.
 */
export class Shell extends Self<unknown> {
  /** The oldest message, or the oldest that the pattern fits; see {@link Self.receive}. */
  override receive<T = unknown>(): Received<T>;
  override receive<T = unknown>(options: ReceiveOptions): Received<T | 'timeout'>;
  override receive<T>(match: (message: unknown) => message is T): Received<T>;
  override receive<T>(
    match: (message: unknown) => message is T,
    options: ReceiveOptions,
  ): Received<T | 'timeout'>;
  override receive<K extends string>(
    match: K | ({ readonly type: K } & Readonly<Record<string, unknown>>),
  ): Received<OfType<unknown, K>>;
  override receive<K extends string>(
    match: K | ({ readonly type: K } & Readonly<Record<string, unknown>>),
    options: ReceiveOptions,
  ): Received<OfType<unknown, K> | 'timeout'>;
  override receive<T = unknown>(match: Pattern): Received<T>;
  override receive<T = unknown>(match: Pattern, options: ReceiveOptions): Received<T | 'timeout'>;
  override receive(
    pattern?: Pattern | ReceiveOptions,
    options?: { readonly after?: number | undefined },
  ): unknown {
    return this.take(pattern, options);
  }

  /** Takes everything out of the mailbox, as the Erlang shell's `flush()`. */
  override flush<T = unknown>(): T[];
  override flush(): unknown[] {
    return this.takeAll();
  }
}
