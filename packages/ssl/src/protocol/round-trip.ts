/**
 * How long the path takes, by a hello of ours and what answers it (RFC 9147 §5.8.2, RFC 6298 §3): by the number of its record,
 * which the answer bears (RFC 6347 §4.2.1), or by there being one hello alone, so that nobody asks which was answered.
 */

/** Records of one sending. */
interface Sent {
  readonly from: number;
  readonly end: number;
  /** ms */
  readonly at: number;
}

/** Sendings that may be answered. */
const mostKept = 16;

export class RoundTrip {
  private readonly now: () => number;
  private sent: readonly Sent[] = [];

  /** `now`: ms of a clock that only goes forwards. */
  constructor(now: () => number) {
    this.now = now;
  }

  /** A hello leaves in the records `from` to `end`. */
  left(from: number, end: number): void {
    if (end > from) this.sent = [...this.sent, { from, end, at: this.now() }].slice(-mostKept);
  }

  /** ms; `undefined`: nobody knows which of several hellos the record answers. */
  answeredBy(sequence: number): number | undefined {
    const [only, another] = this.sent;
    const asked =
      another === undefined ? only : this.sent.find(({ from, end }) => sequence >= from && sequence < end);
    return asked && this.now() - asked.at;
  }
}
