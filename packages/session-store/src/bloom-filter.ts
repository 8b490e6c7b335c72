/**
 * Three Bloom filters that take turns, for anti-replay of 0-RTT and resumption (RFC 8446 §8.2; OTP's
 * `tls_bloom_filter`, which has two). Every window the current filter becomes the old one and an empty one takes its
 * place, so an element is remembered for at least two windows and at most three: a hello may come a window too early and,
 * again, a window too late.
 *
 * The two hash functions are passed in: they must be independent, keyed or at least unknown to an attacker, or
 * else he can choose elements that fill the filter.
 */

/** OTP's `{WindowSize, K, M}`, the values of `anti_replay`. */
export interface AntiReplayParameters {
  /** seconds */
  readonly window: number;
  /** positions per element */
  readonly hashes: number;
  /** bits per filter */
  readonly bits: number;
}

/**
 * `anti_replay: '10k'` and `'100k'`: less than 3 % false positives with that many elements in each of three windows. OTP's
 * 72985 and 729845 bits give 3 % in one filter, and six in its two. Primes, so that no step through a filter is short.
 */
export const antiReplayPresets: Readonly<Record<'10k' | '100k', AntiReplayParameters>> = {
  '10k': { window: 10, hashes: 5, bits: 105_019 },
  '100k': { window: 10, hashes: 5, bits: 1_050_011 },
};

/** For how many windows an element is remembered for certain. */
export const WINDOWS_REMEMBERED = 2;

/** A hash of an element as a non-negative safe integer; reduced modulo the filter's size here. */
export type ElementHash = (element: Uint8Array) => number;

export class RotatingBloomFilter {
  readonly #parameters: AntiReplayParameters;
  readonly #hash0: ElementHash;
  readonly #hash1: ElementHash;
  /** Of the present window, the last one, the one before it. */
  #filters: Uint8Array[];
  /** ms: when the present window began */
  #windowStart: number;

  /** @param now ms, when the first window begins */
  constructor(parameters: AntiReplayParameters, hashes: readonly [ElementHash, ElementHash], now: number) {
    this.#parameters = parameters;
    [this.#hash0, this.#hash1] = hashes;
    const bytes = Math.ceil(parameters.bits / 8);
    this.#filters = Array.from({ length: WINDOWS_REMEMBERED + 1 }, () => new Uint8Array(bytes));
    this.#windowStart = now;
  }

  /** Whether the element may have been here; if not, it now has been. */
  seen(element: Uint8Array, now: number): boolean {
    this.#rotate(now);
    const positions = this.#positions(element);
    if (this.#filters.some((filter) => allSet(filter, positions))) return true;
    const [current] = this.#filters;
    if (current !== undefined) for (const position of positions) setBit(current, position);
    return false;
  }

  /** Bytes of all filters. */
  get byteLength(): number {
    return this.#filters.reduce((bytes, filter) => bytes + filter.length, 0);
  }

  /** Windows end at multiples of their length after the start, whether or not anybody asked in between. */
  #rotate(now: number): void {
    const length = this.#parameters.window * 1000;
    const passed = Math.floor((now - this.#windowStart) / length);
    if (passed < 1) return;
    this.#windowStart += passed * length;
    for (let turn = 0; turn < passed && turn < this.#filters.length; turn += 1) {
      const [oldest] = this.#filters.splice(-1);
      if (oldest !== undefined) this.#filters.unshift(oldest.fill(0));
    }
  }

  /** Kirsch and Mitzenmacher: `h0 + i·h1` for i below K serve as K hashes. */
  #positions(element: Uint8Array): number[] {
    const { bits, hashes } = this.#parameters;
    const h0 = this.#hash0(element) % bits;
    const h1 = this.#hash1(element) % bits;
    const positions: number[] = [];
    for (let i = 0; i < hashes; i += 1) positions.push((h0 + i * h1) % bits);
    return positions;
  }
}

function allSet(field: Uint8Array, positions: readonly number[]): boolean {
  return positions.every((position) => ((field[position >> 3] ?? 0) & (1 << (position & 7))) !== 0);
}

function setBit(field: Uint8Array, position: number): void {
  field[position >> 3] = (field[position >> 3] ?? 0) | (1 << (position & 7));
}
