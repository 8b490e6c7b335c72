/**
 * Restart intensity, `supervisor(3)`: more than `intensity` restarts within `period` seconds, and the
 * supervisor gives up. As in OTP, time counts in whole seconds and a restart exactly `period` seconds ago
 * still counts.
 */

/**
 * The restarts of one supervisor. Since seconds are all that matters, restarts of one second share an entry:
 * memory is bounded by the period, however high the intensity.
 */
export class RestartIntensity {
  readonly intensity: number;
  readonly period: number;
  #seconds: number[] = [];
  #counts: number[] = [];
  #total = 0;

  /** `intensity` restarts are allowed in `period` seconds. */
  constructor(intensity: number, period: number) {
    this.intensity = intensity;
    this.period = period;
  }

  /** Notes a restart at `nowMs` of a clock that does not go back; tells whether it may be made. */
  add(nowMs: number): 'restart' | 'give_up' {
    const now = Math.floor(nowMs / 1000);
    this.#forgetBefore(now - this.period);
    const last = this.#seconds.length - 1;
    if (last >= 0 && this.#seconds[last] === now) {
      this.#counts[last] = (this.#counts[last] ?? 0) + 1;
    } else {
      this.#seconds.push(now);
      this.#counts.push(1);
    }
    this.#total += 1;
    return this.#total <= this.intensity ? 'restart' : 'give_up';
  }

  #forgetBefore(second: number): void {
    let old = 0;
    while ((this.#seconds[old] ?? Infinity) < second) {
      this.#total -= this.#counts[old] ?? 0;
      old += 1;
    }
    if (old > 0) {
      this.#seconds.splice(0, old);
      this.#counts.splice(0, old);
    }
  }
}
