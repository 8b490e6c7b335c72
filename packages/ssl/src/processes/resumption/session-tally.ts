/** Counts of sessions of TLS 1.2 and before at one listener (RFC 5246 §7.3, RFC 5077), for `listenerCounters`. */

/**
 * Why a session that a client brought led to a full handshake: `expired`, its lifetime or that of the client's certificates;
 * `unknown`, it is not in the table, or no key of ours opens its ticket; `policy`, it was made under other certificates, trust
 * or demands; `terms`, the hello is of another version, name, user, suite, master secret or MAC, or the server has no such
 * suite any more; `unwanted`, `reuseSession` did not say true.
 */
export type SessionRefusal = 'expired' | 'unknown' | 'policy' | 'terms' | 'unwanted';

/** Of `listenerCounters`: TLS 1.2 and before, since the listener began. Handshakes that run again are not counted. */
export interface SessionCounters {
  readonly full: number;
  /** By id or by ticket. */
  readonly resumed: number;
  /** Handshakes that brought a session which was not resumed. */
  readonly refused: Readonly<Record<SessionRefusal, number>>;
  /** Tickets sent. */
  readonly issued: number;
}

export class SessionTally {
  readonly #above: SessionTally | undefined;
  #full = 0;
  #resumed = 0;
  #issued = 0;
  readonly #refused: Record<SessionRefusal, number> = {
    expired: 0,
    unknown: 0,
    policy: 0,
    terms: 0,
    unwanted: 0,
  };

  /** `above`: counts the same once more. */
  constructor(above?: SessionTally) {
    this.#above = above;
  }

  established(how: 'full' | 'resumed'): void {
    this.#above?.established(how);
    if (how === 'full') this.#full += 1;
    else this.#resumed += 1;
  }

  refused(why: SessionRefusal): void {
    this.#refused[why] += 1;
    this.#above?.refused(why);
  }

  issued(): void {
    this.#issued += 1;
    this.#above?.issued();
  }

  counters(): SessionCounters {
    return {
      full: this.#full,
      resumed: this.#resumed,
      refused: { ...this.#refused },
      issued: this.#issued,
    };
  }
}
