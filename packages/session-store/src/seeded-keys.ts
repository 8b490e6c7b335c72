/**
 * Keys of a ring that follow from a seed and the time (OTP 28's `stateless_tickets_seed`): time is cut into periods of a
 * key's lifetime, counted from 1970, and each has a key. Servers with the same seed and roughly the same clock have the
 * same keys; whose clock is ahead seals with one that the others have already.
 */
import { copied, joined, labelBytes } from './sealed-box.js';
import { SecretBytes } from './secret-bytes.js';
import type { Secret } from './session-cache-api.js';
import type { TicketCrypto } from './ticket-crypto.js';
import { KEY_LENGTH, KEY_NAME_LENGTH, type TicketKey, type TicketKeyRing } from './ticket-key-ring.js';
import type { KeySource, RotationResult } from './ticket-keys.js';

export interface SeededOptions {
  readonly crypto: TicketCrypto;
  readonly ring: TicketKeyRing;
  readonly wallClock: () => number;
  /** All in ms. */
  readonly interval: number;
  readonly keepFor: number;
  readonly tolerance: number;
  readonly period: number;
}

/** A seed with the numbers of the periods in which it seals. */
interface Generation {
  readonly prk: SecretBytes;
  readonly from: number;
  to: number;
}

/** Seeds that may be known while tickets of theirs live. */
export const MOST_SEEDS = 8;
const ALWAYS_BEFORE = Number.NEGATIVE_INFINITY;
const ALWAYS = Number.POSITIVE_INFINITY;
/** Periods after its last for which keys of a seed are known: for servers that are told of the next seed later. */
const AFTERGLOW = 2;

export class SeededKeys implements KeySource {
  readonly period: number;
  readonly #options: SeededOptions;
  #generations: Generation[];
  /** First and last period whose keys are in the ring; none yet while the last is before the first. */
  #first = 0;
  #last = -1;

  constructor(options: SeededOptions, seed: Secret) {
    this.#options = options;
    this.period = options.period;
    this.#generations = [this.#generation(seed, ALWAYS_BEFORE, ALWAYS)];
    this.#derive();
  }

  now(): number {
    return this.#options.wallClock();
  }

  refresh(): Promise<void> {
    this.#options.ring.sweep(this.now());
    this.#derive();
    return Promise.resolve();
  }

  /** The new seed opens from now on, and seals from the first period for which no key of the old one was made. */
  async rotate(seed: Secret | undefined): Promise<RotationResult> {
    if (seed === undefined) return { error: 'seeded' };
    await this.refresh();
    this.#forgetOld();
    if (this.#generations.length >= MOST_SEEDS) return { error: 'ring_full' };
    const from = this.#last + 1;
    for (const generation of this.#generations) generation.to = Math.min(generation.to, from);
    const generation = this.#generation(seed, from, ALWAYS);
    this.#generations.push(generation);
    // Servers that were told a little earlier may seal with it before this one does.
    const { interval, tolerance } = this.#options;
    const since = Math.floor((this.now() - tolerance) / interval);
    for (let period = since; period <= this.#last; period += 1) this.#put(generation, period);
    return 'ok';
  }

  info(): undefined {
    return undefined;
  }

  close(): void {
    for (const { prk } of this.#generations) prk.zero();
    this.#generations = [];
  }

  #generation(seed: Secret, from: number, to: number): Generation {
    if (seed.expose().length === 0) throw new RangeError('an empty seed');
    const { crypto } = this.#options;
    return { prk: new SecretBytes(crypto.extract(labelBytes('ticket seed'), seed.expose())), from, to };
  }

  /** Keys of all periods in which a ticket that lives may have been sealed, or will be soon. */
  #derive(): void {
    const { interval, keepFor, tolerance, period } = this.#options;
    const now = this.now();
    const first = Math.floor((now - keepFor) / interval);
    const last = Math.floor((now + tolerance + 2 * period) / interval) + 1;
    // A clock that was set back, or far ahead: all anew.
    if (first < this.#first || first > this.#last + 1) {
      this.#options.ring.clear();
      this.#last = first - 1;
    }
    this.#first = first;
    for (; this.#last < last; this.#last += 1)
      for (const generation of this.#generations) this.#put(generation, this.#last + 1);
  }

  #put(generation: Generation, period: number): void {
    const isSealing = period >= generation.from && period < generation.to;
    if (!isSealing && period >= generation.to + AFTERGLOW) return;
    this.#options.ring.put([this.#keyOf(generation, period, isSealing ? 'seals' : 'opens')]);
  }

  #keyOf({ prk }: Generation, period: number, use: 'seals' | 'opens'): TicketKey {
    const { crypto, interval, keepFor } = this.#options;
    const number = new Uint8Array(16);
    new DataView(number.buffer).setFloat64(0, period);
    // Servers with another length of the period have other keys, not these for another time.
    new DataView(number.buffer).setFloat64(8, interval);
    const info = joined(labelBytes('ticket key'), number);
    const material = crypto.expand(prk.expose(), info, KEY_NAME_LENGTH + KEY_LENGTH);
    const key = {
      name: copied(material, 0, KEY_NAME_LENGTH),
      secret: new SecretBytes(copied(material, KEY_NAME_LENGTH)),
      sealsFrom: period * interval,
    };
    material.fill(0);
    return use === 'seals' ? key : { ...key, opensUntil: (period + 1) * interval + keepFor };
  }

  #forgetOld(): void {
    const { interval, keepFor } = this.#options;
    const isAlive = ({ to }: Generation): boolean => (to + AFTERGLOW) * interval + keepFor > this.now();
    for (const generation of this.#generations) if (!isAlive(generation)) generation.prk.zero();
    this.#generations = this.#generations.filter(isAlive);
  }
}
