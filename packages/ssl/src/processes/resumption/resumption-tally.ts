/** Counts of resumption at one listener (RFC 8446 §2.2), for `listenerCounters`: what was offered, taken, and why it was not. */

/**
 * Why a ticket led to a full handshake: `expired`, its lifetime or that of the client's certificates; `unknown`, no key of
 * ours opens it or it was used up; `replay`, it was used before or may have been; `policy`, it was made under another
 * name, certificate, trust or demand; `suite`, no suite of its hash was offered and taken.
 */
export type TicketRefusal = 'expired' | 'unknown' | 'replay' | 'policy' | 'suite';

/** Of `listenerCounters`: TLS 1.3 only, since the listener began. */
export interface ResumptionCounters {
  /** Handshakes with certificates. */
  readonly full: number;
  /** Handshakes by a ticket. */
  readonly resumed: number;
  /** Handshakes by a key of `userLookupFun`. */
  readonly external: number;
  /** Handshakes that offered tickets of which none was taken, by the first ticket's reason. */
  readonly refused: Readonly<Record<TicketRefusal, number>>;
  /** Tickets sent. */
  readonly issued: number;
  readonly earlyData: {
    readonly accepted: number;
    readonly rejected: number;
    /** Bytes accepted. */
    readonly bytes: number;
  };
}

export class ResumptionTally {
  #full = 0;
  #resumed = 0;
  #external = 0;
  #issued = 0;
  readonly #refused: Record<TicketRefusal, number> = {
    expired: 0,
    unknown: 0,
    replay: 0,
    policy: 0,
    suite: 0,
  };
  #earlyAccepted = 0;
  #earlyRejected = 0;
  #earlyBytes = 0;

  established(how: 'full' | 'resumed' | 'external'): void {
    switch (how) {
      case 'full':
        this.#full += 1;
        return;
      case 'resumed':
        this.#resumed += 1;
        return;
      case 'external':
        this.#external += 1;
        return;
    }
  }

  refused(why: TicketRefusal): void {
    this.#refused[why] += 1;
  }

  issued(tickets: number): void {
    this.#issued += tickets;
  }

  earlyData(outcome: 'accepted' | 'rejected', bytes: number): void {
    if (outcome === 'rejected') {
      this.#earlyRejected += 1;
      return;
    }
    this.#earlyAccepted += 1;
    this.#earlyBytes += bytes;
  }

  counters(): ResumptionCounters {
    return {
      full: this.#full,
      resumed: this.#resumed,
      external: this.#external,
      refused: { ...this.#refused },
      issued: this.#issued,
      earlyData: {
        accepted: this.#earlyAccepted,
        rejected: this.#earlyRejected,
        bytes: this.#earlyBytes,
      },
    };
  }
}
