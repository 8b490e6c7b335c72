/** Counts of resumption of a node's clients (RFC 8446 §2.2, §4.6.1), for `nodeCounters` and observers: TLS 1.3 only. */
import type { Facts } from '../../protocol/facts.js';
import { isTls13Suite } from '../../values/registry/suites.js';
import { howOf } from './resumption-tally.js';

/** Of `nodeCounters`. */
export interface ClientResumptionCounters {
  /** Handshakes with certificates. */
  readonly full: number;
  /** Handshakes by a ticket. */
  readonly resumed: number;
  /** Handshakes by a key of `userLookupFun`. */
  readonly external: number;
  /** Handshakes that had offered a ticket and were full ones. */
  readonly refused: number;
  /** Tickets that were kept, or handed to their owner. */
  readonly taken: number;
  readonly earlyData: {
    readonly accepted: number;
    /** Not read by the server, or not sent for want of a ticket that allows it. */
    readonly rejected: number;
    /** Bytes accepted. */
    readonly bytes: number;
  };
}

export class ClientResumptionTally {
  readonly #hows: Record<ReturnType<typeof howOf>, number> = { full: 0, resumed: 0, external: 0 };
  #refused = 0;
  #taken = 0;
  readonly #early: { accepted: number; rejected: number; bytes: number } = {
    accepted: 0,
    rejected: 0,
    bytes: 0,
  };

  /** `offered`: whether a ticket went out with the hello. */
  established(facts: Facts, offered: boolean): void {
    if (!isTls13Suite(facts.cipherSuite)) return;
    this.#hows[howOf(facts)] += 1;
    if (offered && !facts.sessionResumption) this.#refused += 1;
  }

  taken(): void {
    this.#taken += 1;
  }

  earlyData(outcome: 'accepted' | 'rejected', bytes: number): void {
    this.#early[outcome] += 1;
    if (outcome === 'accepted') this.#early.bytes += bytes;
  }

  counters(): ClientResumptionCounters {
    return { ...this.#hows, refused: this.#refused, taken: this.#taken, earlyData: { ...this.#early } };
  }

  /** For observers, who take numbers. */
  flat(): Readonly<Record<string, number>> {
    const { earlyData, ...counters } = this.counters();
    return { ...counters, earlyAccepted: earlyData.accepted, earlyRejected: earlyData.rejected };
  }
}
