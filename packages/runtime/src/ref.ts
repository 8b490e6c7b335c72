/**
 * References: unique values that name a monitor, a timer or a call.
 */
import { inspect } from 'node:util';

let counter = 0;

/**
 * A value unlike any other of this runtime, as `erlang:make_ref/0` gives. Compare by identity; `toString` is
 * for people and logs.
 */
export class Ref {
  /** Counts up over all references of this thread; tells two references apart in a log. */
  readonly serial: number;

  constructor() {
    counter += 1;
    this.serial = counter;
  }

  toString(): string {
    return `#Ref<${this.serial}>`;
  }

  toJSON(): unknown {
    return this.toString();
  }
}

// A computed member would defeat isolated declarations.
Object.defineProperty(Ref.prototype, inspect.custom, {
  value(this: Ref): string {
    return this.toString();
  },
});
