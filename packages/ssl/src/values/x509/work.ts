/**
 * What judging one chain may cost. A chain can be made so that a search through it would take days; each costly
 * step is paid for here, and an empty purse ends the search with a reason that says so.
 */

/** A search or check was given up; `kind` names what there was too much of. */
export class WorkLimitError extends Error {
  readonly code = 'work_limit';
  readonly kind: keyof WorkLimits;
  constructor(kind: keyof WorkLimits) {
    super(`certificate chain needs too many ${kind}`);
    this.name = 'WorkLimitError';
    this.kind = kind;
  }
}

export interface WorkLimits {
  /** Signature verifications that were not cached. */
  readonly signatures: number;
  /** Certificates considered as issuers while building paths. */
  readonly candidates: number;
  /** Comparisons of a name with a name constraint. */
  readonly comparisons: number;
}

/**
 * A few milliseconds of signatures. Everything in BetterTLS, PKITS and limbo, and random PKIs of six CAs with 14
 * cross-certificates, can be judged with 20.
 */
export const defaultLimits: WorkLimits = { signatures: 48, candidates: 5_000, comparisons: 250_000 };

export class Work {
  signatures: number;
  candidates: number;
  comparisons: number;

  constructor(limits: WorkLimits = defaultLimits) {
    this.signatures = limits.signatures;
    this.candidates = limits.candidates;
    this.comparisons = limits.comparisons;
  }

  spend(kind: keyof WorkLimits, amount = 1): void {
    this[kind] -= amount;
    if (this[kind] < 0) throw new WorkLimitError(kind);
  }
}
