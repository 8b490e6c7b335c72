/** Timers of a process, as messages to itself. */
import type { Ref, Self } from '@actor-tls/runtime';

/** A timer's message. One that was cancelled may have been sent already, so each is known by identity. */
export class Alarm<Kind extends string> {
  readonly kind: Kind;
  readonly #self: Self;
  readonly #ref: Ref;

  constructor(self: Self, kind: Kind, ms: number) {
    this.kind = kind;
    this.#self = self;
    this.#ref = self.sendAfter(ms, self.pid, this);
  }

  cancel(): void {
    this.#self.cancelTimer(this.#ref);
  }
}
