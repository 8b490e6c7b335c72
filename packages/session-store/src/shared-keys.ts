/**
 * Keys of a ring that stand in a store. Each server reads it from time to time; who finds that a key is due swaps one in,
 * and the others find it. When the store is gone the ring goes on with the keys that it has, and when it has lost them
 * they are put back from here.
 */
import type { Clock } from '@actor-tls/runtime';
import type { Secret } from './session-cache-api.js';
import { Nonsense, type StoreGuard, type StoreGuardInfo } from './store-guard.js';
import type { StoreWrapping } from './store-wrapping.js';
import type { KeysAnswer, TicketKeyStore } from './stores.js';
import type { TicketCrypto } from './ticket-crypto.js';
import { freshKey, lifetimeOf, type Plan, plannedKeys, rotatedKeys } from './ticket-key-plan.js';
import { decodeKeys, encodeKeys } from './ticket-key-record.js';
import type { TicketKey, TicketKeyRing } from './ticket-key-ring.js';
import type { KeySource, RotationResult } from './ticket-keys.js';

export interface SharedOptions extends Plan {
  readonly crypto: TicketCrypto;
  readonly ring: TicketKeyRing;
  readonly clock: Clock;
  readonly wallClock: () => number;
  readonly guard: StoreGuard;
  readonly period: number;
}

/** What the store has answered, its keys read. */
interface Understood {
  readonly keys: { readonly read: readonly TicketKey[]; readonly tag: string } | 'unchanged' | undefined;
  readonly now: number | undefined;
}

type Wish = 'keep' | 'rotate';

/** Swaps that others may win before this server waits for its next look. */
const MOST_SWAPS = 4;

export class SharedKeys implements KeySource {
  readonly period: number;
  readonly #options: SharedOptions;
  readonly #store: TicketKeyStore;
  readonly #wrapping: StoreWrapping | undefined;
  /** ms to add to the clock's time for that of the store */
  #offset: number;
  #tag: string | undefined = undefined;
  /** What stands in the store, with the ring's own secrets. */
  #standing: readonly TicketKey[] = [];
  /** The work on the store that is under way; one after the other. */
  #work: Promise<unknown> = Promise.resolve();
  #isRefreshing = false;
  #closed = false;

  constructor(options: SharedOptions, store: TicketKeyStore, wrapping: StoreWrapping | undefined) {
    this.#options = options;
    this.period = options.period;
    this.#store = store;
    this.#wrapping = wrapping;
    this.#offset = options.wallClock() - options.clock.now();
  }

  now(): number {
    return this.#options.clock.now() + this.#offset;
  }

  async refresh(): Promise<void> {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    await this.#after(() => this.#sync('keep'));
    this.#isRefreshing = false;
    this.#bridge();
  }

  async rotate(seed: Secret | undefined): Promise<RotationResult> {
    if (seed !== undefined) return { error: 'not_seeded' };
    if (this.#options.ring.size >= this.#options.limit) return { error: 'ring_full' };
    if (await this.#after(() => this.#sync('rotate'))) return 'ok';
    this.#rotateAlone();
    return { error: 'store_unavailable' };
  }

  info(): StoreGuardInfo {
    return this.#options.guard.info();
  }

  close(): void {
    this.#closed = true;
  }

  #after<T>(go: () => Promise<T>): Promise<T> {
    const done = this.#work.then(go);
    this.#work = done;
    return done;
  }

  /** Whether the store has been read, and holds what it should. */
  async #sync(wish: Wish): Promise<boolean> {
    const { guard } = this.#options;
    const read = await guard.ask((call) => this.#understood(this.#tag, this.#store.read(this.#tag, call)));
    let answer = read?.answer;
    for (let swaps = 0; swaps < MOST_SWAPS; swaps += 1) {
      if (this.#closed || answer === undefined) return false;
      this.#learn(answer);
      const keys = this.#planned(wish);
      if (keys === this.#standing) return true;
      answer = await this.#swap(keys);
      if (answer?.keys === 'unchanged') return true;
    }
    return false;
  }

  #planned(wish: Wish): readonly TicketKey[] {
    const { crypto, ring } = this.#options;
    const now = this.now();
    const planned = plannedKeys(crypto, this.#options, this.#standing, ring.sealingKeys(), now);
    if (wish === 'keep') return planned;
    return plannedKeys(crypto, this.#options, rotatedKeys(crypto, this.#options, planned, now), [], now);
  }

  async #swap(keys: readonly TicketKey[]): Promise<Understood | undefined> {
    const { crypto, guard } = this.#options;
    const tag = Buffer.from(crypto.randomBytes(12)).toString('base64url');
    const stored = { tag, bytes: encodeKeys(keys, this.#wrapping) };
    const lifetime = lifetimeOf(keys, this.#options, this.now());
    const swapped = await guard.ask((call) =>
      this.#understood(tag, this.#store.replace(this.#tag, stored, lifetime, call)),
    );
    if (this.#closed) return undefined;
    if (swapped?.answer.keys === 'unchanged') this.#adopt(keys, tag);
    return swapped?.answer;
  }

  /** Throws at an answer that is none of this fleet's: it is left as it stands. */
  async #understood(known: string | undefined, answer: Promise<KeysAnswer>): Promise<Understood> {
    const { keys, now } = await checked(known, answer);
    if (keys === undefined || keys === 'unchanged') return { keys, now };
    const read = decodeKeys(keys.bytes, this.#wrapping, this.#options.limit);
    if (read === undefined) throw new Nonsense('it holds what this fleet did not write');
    return { keys: { read, tag: keys.tag }, now };
  }

  #learn({ keys, now }: Understood): void {
    const { clock, wallClock } = this.#options;
    this.#offset = (now ?? wallClock()) - clock.now();
    if (keys === 'unchanged') this.#stand(this.#standing);
    else this.#adopt(keys?.read ?? [], keys?.tag);
  }

  #adopt(keys: readonly TicketKey[], tag: string | undefined): void {
    this.#options.ring.put(keys);
    this.#tag = tag;
    this.#stand(keys);
  }

  /** Without the dead: their secrets are wiped, and zeros must be no key. */
  #stand(keys: readonly TicketKey[]): void {
    const { ring } = this.#options;
    ring.sweep(this.now());
    this.#standing = keys.flatMap((key) => {
      const secret = ring.secretOf(key.name);
      return secret === undefined ? [] : [{ ...key, secret }];
    });
  }

  /** A server that has never seen the store seals with a key of its own; the others hear of it once it is there. */
  #bridge(): void {
    const { crypto, ring } = this.#options;
    if (ring.size === 0 && !this.#closed) ring.put([freshKey(crypto, this.now())]);
  }

  /** The next key is known to all servers: it may seal at once. */
  #rotateAlone(): void {
    const { crypto, ring } = this.#options;
    if (this.#closed) return;
    const now = this.now();
    const next = ring.sealingKeys().find(({ sealsFrom }) => sealsFrom > now);
    ring.put([next === undefined ? freshKey(crypto, now) : { ...next, sealsFrom: now }]);
  }
}

/** An answer as its type says; users write stores. */
async function checked(known: string | undefined, answer: Promise<KeysAnswer>): Promise<KeysAnswer> {
  const { keys, now } = await answer;
  const isRight =
    keys === undefined ||
    (keys === 'unchanged' && known !== undefined) ||
    (typeof keys === 'object' && keys.bytes instanceof Uint8Array && typeof keys.tag === 'string');
  if (!isRight || (now !== undefined && !Number.isFinite(now))) throw new Nonsense('an answer of no shape');
  return { keys, now };
}
