/**
 * Exit reasons, and what is thrown around them.
 */

/**
 * Why a process ended: `'normal'`, `'shutdown'`, `{ shutdown: X }`, `'killed'`, `'noproc'`,
 * `'noconnection'`, a {@link Crash}, or any value given to `exit`.
 */
export type Reason = unknown;

/**
 * The reason of a process that threw: Erlang's `{Reason, Stacktrace}`. The stack's text is made when it is
 * read, since making it is a third of a crash's cost.
 */
export class Crash {
  /** What was thrown. */
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }

  /** The stack's text; undefined when something other than an Error was thrown. */
  get stack(): string | undefined {
    return this.error instanceof Error ? this.error.stack : undefined;
  }

  toString(): string {
    return plainText(this.error);
  }

  toJSON(): unknown {
    return this.error instanceof Error
      ? { error: { name: this.error.name, message: this.error.message }, stack: this.stack }
      : { error: this.error };
  }
}

/** An Error whose stack is not captured: exits are control flow and may be frequent. */
function withoutStack<T>(make: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The request of a failed call, for reports. */
export interface FailedCall {
  readonly to: unknown;
  readonly request: unknown;
}

/**
 * Thrown by `self.exit(reason)` and by failed calls: uncaught, the process ends with `reason`
 * (`erlang:exit/1`). It may be caught.
 */
export class Exit extends Error {
  readonly reason: Reason;
  /** Private, so that a printed error does not show what was asked: data to send, a password. */
  readonly #call: FailedCall | undefined;

  constructor(reason: Reason, call?: FailedCall) {
    super(`exit: ${reasonText(reason)}`);
    this.name = 'Exit';
    this.reason = reason;
    this.#call = call;
  }

  /** For a failed call: what was asked of whom. */
  get call(): FailedCall | undefined {
    return this.#call;
  }

  /** An exit without a stack; makes one in a tenth of the time. */
  static of(reason: Reason, call?: FailedCall): Exit {
    return withoutStack(() => new Exit(reason, call));
  }
}

/**
 * Thrown by every runtime call of a process that has ended: its body should unwind. Catching it and going on
 * is pointless, nothing the body sends goes out any more.
 */
export class Exited extends Exit {
  constructor(reason: Reason) {
    super(reason);
    this.name = 'Exited';
  }
}

/** @internal */
export function exited(reason: Reason): Exited {
  return withoutStack(() => new Exited(reason));
}

/** An error of the runtime's own functions, `badarg` or `noproc`, as Erlang's built-in functions raise. */
export class RuntimeError extends Error {
  readonly reason: 'badarg' | 'noproc' | 'system_limit';

  constructor(reason: 'badarg' | 'noproc' | 'system_limit', text: string) {
    super(`${reason}: ${text}`);
    this.name = 'RuntimeError';
    this.reason = reason;
  }
}

/** The exit reason that something thrown stands for. */
export function reasonOf(thrown: unknown): Reason {
  return thrown instanceof Exit ? thrown.reason : new Crash(thrown);
}

/** Whether an end is an orderly one, of which nobody needs a report: normal, shutdown, `{ shutdown: X }`. */
export function isOrderly(reason: Reason): boolean {
  return (
    reason === 'normal' ||
    reason === 'shutdown' ||
    (typeof reason === 'object' && reason !== null && 'shutdown' in reason)
  );
}

/** A reason in a few words. Never throws: it is asked for in the middle of a process's end. */
export function reasonText(reason: Reason): string {
  if (typeof reason === 'string') return reason;
  if (reason instanceof Crash) return reason.toString();
  try {
    return JSON.stringify(reason) ?? plainText(reason);
  } catch {
    return plainText(reason);
  }
}

/** What has no text, such as an object without a prototype, can be thrown like anything else. */
function plainText(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `<${typeof value}>`;
  }
}
