/** Counts of resumption at one listener (RFC 8446 §2.2), for `listenerCounters`: what was offered, taken, and why it was not. */
import type { Facts } from '../../protocol/facts.js';

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

/** By what the peer was recognized. */
export type Recognition = 'full' | 'resumed' | 'external';

export function howOf({ peer, sessionResumption }: Pick<Facts, 'peer' | 'sessionResumption'>): Recognition {
  if (sessionResumption) return 'resumed';
  return peer.kind === 'psk' ? 'external' : 'full';
}

export class ResumptionTally {
  readonly #above: ResumptionTally | undefined;
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

  /** `above`: counts the same once more. */
  constructor(above?: ResumptionTally) {
    this.#above = above;
  }

  established(how: Recognition): void {
    this.#above?.established(how);
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
    this.#above?.refused(why);
  }

  issued(tickets: number): void {
    this.#issued += tickets;
    this.#above?.issued(tickets);
  }

  earlyData(outcome: 'accepted' | 'rejected', bytes: number): void {
    this.#above?.earlyData(outcome, bytes);
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
