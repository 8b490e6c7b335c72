/** Timers of a process, as messages to itself. */
import type { Ref, Self } from '@actor-tls/runtime';

/** What a connection has timers for. */
export type AlarmKind =
  | 'handshake'
  | 'recv'
  | 'downgrade'
  | 'linger'
  | 'certificate'
  | 'confirm'
  | 'retransmit'
  | 'path'
  | Renegotiation;

/** What renegotiations have timers for: the one that runs, and the next of a client. */
type Renegotiation = 'renegotiation' | 'client_renegotiation';

/** A timer's message. One that was cancelled may have been sent already, and is to be passed over. */
export class Alarm {
  readonly kind: AlarmKind;
  readonly #self: Self;
  readonly #ref: Ref | 'never';
  #cancelled = false;

  /** `infinity` never rings. */
  constructor(self: Self, kind: AlarmKind, ms: number | 'infinity') {
    this.kind = kind;
    this.#self = self;
    this.#ref = ms === 'infinity' ? 'never' : self.sendAfter(ms, self.pid, this);
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  cancel(): void {
    this.#cancelled = true;
    if (this.#ref !== 'never') this.#self.cancelTimer(this.#ref);
  }
}

/** The shorter of two times, ms. */
export function shorter(one: number | 'infinity', other: number | 'infinity'): number | 'infinity' {
  if (one === 'infinity') return other;
  return other === 'infinity' ? one : Math.min(one, other);
}
