/**
 * The key ring of one listener's stateless tickets, and where its keys come from: a store, embedded or shared by a fleet,
 * or a seed that servers share by hand. What is sealed and opened never waits for either.
 */
import type { Clock, Logger } from '@actor-tls/runtime';
import { embeddedTicketKeyStore } from './embedded-key-store.js';
import { MOST_SEEDS, SeededKeys } from './seeded-keys.js';
import type { Secret } from './session-cache-api.js';
import { SharedKeys } from './shared-keys.js';
import { STORE_DEADLINE, StoreGuard, type StoreGuardInfo } from './store-guard.js';
import type { StoreWrapping } from './store-wrapping.js';
import type { TicketKeyStore } from './stores.js';
import type { TicketCrypto } from './ticket-crypto.js';
import { type RingInfo, TicketKeyRing, type TicketPurpose } from './ticket-key-ring.js';

/** A seed gives the same keys wherever it is known; a store hands them round. */
export type TicketKeySource =
  | {
      readonly from: 'seed';
      /** `stateless_tickets_seed`: unpredictable bytes; 32 are enough. */
      readonly seed: Secret;
    }
  | {
      readonly from: 'store';
      readonly store: TicketKeyStore;
      /** Encrypts the keys in the store. The same on all servers, or they do not understand each other. */
      readonly wrapping?: StoreWrapping;
    };

export interface TicketKeysOptions {
  readonly crypto: TicketCrypto;
  /** `server_session_ticket_lifetime`, seconds; the same on all servers of a fleet, as is the next. */
  readonly ticketLifetime: number;
  /** For how many seconds a key seals, before the next one does. */
  readonly ticketKeyLifetime: number;
  /** Default: a store of this listener's own. */
  readonly source?: TicketKeySource;
  /** By how many seconds the clocks of a fleet may differ; default 60. */
  readonly clockTolerance?: number;
  /** ms since 1970; default `Date.now` */
  readonly wallClock?: () => number;
  /** ms that a call to the store may take; default 250 */
  readonly storeDeadline?: number;
  /** Largest number of keys that open tickets; default 10,000: keys of a second and tickets of two hours need 7262. */
  readonly maxKeys?: number;
}

/**
 * `store_unavailable`: this server has rotated, and the others will when the store is back. `ring_full`: so many keys still
 * open tickets that there is no room for another. `seeded`: keys of a seed follow the clock; only another seed changes
 * them. `not_seeded`: a seed was given to keys that come from a store. `no_keys`:
 * nothing here has keys that turn. `closed`: it is gone.
 */
export type RotationResult =
  | 'ok'
  | { readonly error: 'store_unavailable' | 'ring_full' | 'seeded' | 'not_seeded' | 'no_keys' | 'closed' };

export interface TicketKeysInfo extends RingInfo {
  /** How calls to the store went; `undefined` without one. */
  readonly store: StoreGuardInfo | undefined;
}

/** Where the keys of a ring come from. */
export interface KeySource {
  /** ms between two looks at it */
  readonly period: number;
  /** ms since 1970, on all servers about the same */
  now(): number;
  /** Brings the ring up to date. Never rejects. */
  refresh(): Promise<void>;
  rotate(seed: Secret | undefined): Promise<RotationResult>;
  info(): StoreGuardInfo | undefined;
  close(): void;
}

/** What a source needs of its surroundings. */
export interface KeySurroundings {
  readonly clock: Clock;
  readonly logger: Logger;
}

const MOST_KEYS = 10_000;
/** Keys that rotations by hand find room for, beside those that the times make. */
const SPARE_KEYS = 8;
/** ms */
const LONGEST_PERIOD = 10_000;
const SHORTEST_PERIOD = 50;

export class TicketKeys {
  readonly #ring: TicketKeyRing;
  readonly #source: KeySource;

  /** Throws `RangeError` when tickets live so much longer than keys that there would be too many. */
  constructor(options: TicketKeysOptions, surroundings: KeySurroundings) {
    const tolerance = (options.clockTolerance ?? 60) * 1000;
    const interval = options.ticketKeyLifetime * 1000;
    const limit = options.maxKeys ?? MOST_KEYS;
    const keepFor = options.ticketLifetime * 1000 + tolerance;
    const period = Math.min(LONGEST_PERIOD, Math.max(SHORTEST_PERIOD, interval / 4));
    if (!(interval > 0) || (keepFor + tolerance + 2 * period) / interval > limit - SPARE_KEYS)
      throw new RangeError(`ticket keys of ${options.ticketKeyLifetime} s are too short for their tickets`);
    const seeds = options.source?.from === 'seed' ? MOST_SEEDS : 1;
    this.#ring = new TicketKeyRing(options.crypto, { keepFor, limit: limit * seeds });
    this.#source = this.#sourceOf(options, surroundings, { interval, keepFor, period, tolerance, limit });
  }

  /** ms until `refresh` wants to be called again */
  get period(): number {
    return this.#source.period;
  }

  /** Empty when the content is too long for a ticket. */
  seal(content: Secret, purpose: TicketPurpose = 'tls13'): Uint8Array {
    return this.#ring.seal(purpose, content.expose(), this.#source.now()) ?? new Uint8Array(0);
  }

  /** `undefined` for what was not sealed under these keys for this purpose. */
  open(ticket: Uint8Array, purpose: TicketPurpose = 'tls13'): Secret | undefined {
    return this.#ring.open(purpose, ticket);
  }

  refresh(): Promise<void> {
    return this.#source.refresh();
  }

  rotate(seed?: Secret): Promise<RotationResult> {
    return this.#source.rotate(seed);
  }

  info(): TicketKeysInfo {
    return { ...this.#ring.info(), store: this.#source.info() };
  }

  /** Overwrites the keys. */
  close(): void {
    this.#source.close();
    this.#ring.clear();
  }

  #sourceOf(
    options: TicketKeysOptions,
    { clock, logger }: KeySurroundings,
    times: { interval: number; keepFor: number; period: number; tolerance: number; limit: number },
  ): KeySource {
    const { crypto, wallClock = Date.now, storeDeadline = STORE_DEADLINE } = options;
    const source = options.source ?? { from: 'store', store: embeddedTicketKeyStore() };
    const common = { ...times, crypto, wallClock, ring: this.#ring };
    switch (source.from) {
      case 'seed':
        return new SeededKeys(common, source.seed);
      case 'store': {
        const guard = new StoreGuard({ store: 'ticket keys', clock, logger, deadline: storeDeadline });
        const spread = source.store.spread ?? 2 * times.period + storeDeadline;
        return new SharedKeys({ ...common, clock, guard, spread }, source.store, source.wrapping);
      }
    }
  }
}
