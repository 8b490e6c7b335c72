/**
 * What was fetched from distribution points, and when to fetch again. Values and decisions only: the process around
 * it (`crl-cache.ts`) starts the fetches and knows the time.
 *
 * A CRL is fetched on first use, by one fetch for all who wait; again in the background before its nextUpdate, if it
 * was used since the last time; a failure is remembered for a while, so that a dead server costs a handshake its
 * timeout once and not every time.
 */
import type { CrlReader } from './crl-cache-api.js';
import { crlsInFile } from './crl-file.js';
import { CrlTable, type KnownCrl, type TableLimits } from './crl-table.js';
import type { FetchError, FetchResult } from './http-fetch.js';

export interface FetchPolicy {
  /** ms for one fetch */
  readonly timeout: number;
  /** bytes of a CRL's file */
  readonly maxBytes: number;
  readonly maxRedirects: number;
  /** Fetches at the same time. */
  readonly parallel: number;
  /** Fetches that may wait for their turn; beyond, a lookup is answered `not_available` at once. */
  readonly queued: number;
  /** ms for which a failure is remembered */
  readonly negative: number;
  /** Part of a CRL's remaining life after which it is fetched again. */
  readonly refetchAfter: number;
  /** ms between two fetches of the same URI, at least */
  readonly minInterval: number;
  /** ms after which a CRL is fetched again, whatever its nextUpdate says; its life when it says nothing */
  readonly maxAge: number;
  /** ms after nextUpdate during which an old CRL is given out when no newer one can be had; 0 for never */
  readonly stale: number;
}

export const defaultFetchPolicy: FetchPolicy = {
  timeout: 5000,
  maxBytes: 16 * 1024 * 1024,
  maxRedirects: 3,
  parallel: 8,
  queued: 256,
  negative: 60_000,
  refetchAfter: 0.8,
  minInterval: 60_000,
  maxAge: 24 * 3_600_000,
  stale: 0,
};

/** Why a distribution point gave nothing useful: the fetch, or what came. */
export type PointError = FetchError | 'no_crl' | 'expired' | 'older';

export interface PointCounters {
  /** Lookups answered from memory. */
  hits: number;
  /** Lookups that joined a fetch under way. */
  joined: number;
  /** Fetches begun. */
  fetches: number;
  /** Those of them that nobody waited for. */
  refetches: number;
  failures: Partial<Record<PointError, number>>;
  /** Lookups answered by a remembered failure. */
  negativeHits: number;
  /** Lookups answered by a CRL past its nextUpdate. */
  staleHits: number;
  /** Lookups refused because too many fetches were waiting. */
  refused: number;
}

/** What to do about a lookup. */
export type Decision =
  | { readonly answer: readonly Uint8Array[]; readonly fetch: 'no' | 'in background' }
  | { readonly answer: 'not_available' }
  | { readonly wait: 'begin' | 'join' };

interface Point {
  /** ms since 1970, as all times here */
  readonly fetchedAt: number;
  readonly thisUpdate: number;
  readonly validUntil: number;
  refetchAt: number;
  used: boolean;
}

export class DistributionPoints {
  readonly counters: PointCounters = {
    hits: 0,
    joined: 0,
    fetches: 0,
    refetches: 0,
    failures: {},
    negativeHits: 0,
    staleHits: 0,
    refused: 0,
  };
  readonly #policy: FetchPolicy;
  readonly #limits: TableLimits;
  readonly #reader: CrlReader;
  readonly #table: CrlTable;
  readonly #points: Map<string, Point> = new Map();
  readonly #failedUntil: Map<string, number> = new Map();
  readonly #underWay: Set<string> = new Set();

  constructor(policy: FetchPolicy, limits: TableLimits, reader: CrlReader) {
    this.#policy = policy;
    this.#limits = limits;
    this.#reader = reader;
    this.#table = new CrlTable(limits);
  }

  get size(): number {
    return this.#table.size;
  }

  get bytes(): number {
    return this.#table.bytes;
  }

  issuedBy(issuer: string): readonly KnownCrl[] {
    return this.#table.issuedBy(issuer);
  }

  /** Somebody wants the CRLs of a URI (normalised). */
  lookup(uri: string, now: number): Decision {
    const point = this.#points.get(uri);
    const held = this.#held(uri);
    if (point !== undefined && held !== undefined && now < point.validUntil) {
      point.used = true;
      this.counters.hits += 1;
      const due = now >= point.refetchAt && !this.#underWay.has(uri);
      return { answer: held, fetch: due ? 'in background' : 'no' };
    }
    return this.#wanted(uri, now);
  }

  /** Somebody wants a newer CRL than the one that is held. */
  renew(uri: string, now: number): Decision {
    const point = this.#points.get(uri);
    const held = this.#held(uri);
    if (point !== undefined && held !== undefined && now < point.fetchedAt + this.#policy.minInterval) {
      this.counters.hits += 1;
      return { answer: held, fetch: 'no' };
    }
    return this.#wanted(uri, now);
  }

  /** A fetch begins; until `finished`, others join it. */
  begun(uri: string, why: 'wanted' | 'in background'): void {
    this.#underWay.add(uri);
    this.counters.fetches += 1;
    if (why === 'in background') this.counters.refetches += 1;
  }

  /** The fetch has ended; the answer for all who wait. */
  finished(uri: string, result: FetchResult, now: number): readonly Uint8Array[] | 'not_available' {
    this.#underWay.delete(uri);
    const error = 'error' in result ? result.error : this.#take(uri, result.ok, now);
    const point = this.#points.get(uri);
    if (error === undefined) {
      this.#failedUntil.delete(uri);
      return this.#held(uri) ?? 'not_available';
    }
    this.counters.failures[error] = (this.counters.failures[error] ?? 0) + 1;
    remember(this.#failedUntil, uri, now + this.#policy.negative, this.#limits.maxEntries);
    if (point === undefined) return 'not_available';
    point.refetchAt = now + this.#policy.negative;
    return this.#heldUntilStale(uri, now) ?? 'not_available';
  }

  /** URIs that were used and are due before their nextUpdate. What is past use is dropped. */
  due(now: number): readonly string[] {
    const due: string[] = [];
    for (const [uri, point] of this.#points) {
      if (now >= point.validUntil + this.#policy.stale) this.#drop(uri);
      else if (now >= point.refetchAt && point.used && !this.#underWay.has(uri)) due.push(uri);
    }
    for (const [uri, until] of this.#failedUntil) if (until <= now) this.#failedUntil.delete(uri);
    return due;
  }

  /** Forgets a URI, and that it failed. */
  delete(uri: string): boolean {
    this.#failedUntil.delete(uri);
    return this.#drop(uri);
  }

  #wanted(uri: string, now: number): Decision {
    if (this.#underWay.has(uri)) {
      this.counters.joined += 1;
      return { wait: 'join' };
    }
    if (now >= (this.#failedUntil.get(uri) ?? Number.NEGATIVE_INFINITY)) return { wait: 'begin' };
    const stale = this.#heldUntilStale(uri, now);
    if (stale !== undefined) return { answer: stale, fetch: 'no' };
    this.counters.negativeHits += 1;
    return { answer: 'not_available' };
  }

  /** Enters what came, if it is of use. */
  #take(uri: string, bytes: Uint8Array, now: number): PointError | undefined {
    const crls: KnownCrl[] = [];
    for (const der of crlsInFile(bytes)) {
      const description = this.#reader.describe(der);
      if (description !== undefined) crls.push({ der, description });
    }
    if (crls.length === 0) return 'no_crl';
    const nextUpdates = crls.map(({ description }) => description.nextUpdate ?? now + this.#policy.maxAge);
    const validUntil = Math.min(...nextUpdates);
    if (validUntil <= now) return 'expired';
    const thisUpdate = Math.max(...crls.map(({ description }) => description.thisUpdate));
    const before = this.#points.get(uri);
    // Whoever sits in between could give out an old list that does not name his certificate yet.
    if (before !== undefined && thisUpdate < before.thisUpdate) return 'older';
    if (!this.#table.putAt(uri, crls)) return 'too_large';
    const { refetchAfter, minInterval, maxAge } = this.#policy;
    const refetchAt = now + Math.max(minInterval, Math.min((validUntil - now) * refetchAfter, maxAge));
    this.#points.delete(uri);
    this.#points.set(uri, { fetchedAt: now, thisUpdate, validUntil, refetchAt, used: false });
    for (const known of this.#points.keys()) {
      if (this.#points.size <= this.#limits.maxEntries) break;
      this.#drop(known);
    }
    return undefined;
  }

  /** What the table still has: it may have had to make room. */
  #held(uri: string): readonly Uint8Array[] | undefined {
    return this.#table.exactlyAt(uri)?.map(({ der }) => der);
  }

  #heldUntilStale(uri: string, now: number): readonly Uint8Array[] | undefined {
    const point = this.#points.get(uri);
    if (point === undefined || now >= point.validUntil + this.#policy.stale) return undefined;
    const held = this.#held(uri);
    if (held !== undefined && now >= point.validUntil) this.counters.staleHits += 1;
    return held;
  }

  #drop(uri: string): boolean {
    this.#points.delete(uri);
    return this.#table.deleteExactlyAt(uri);
  }
}

/** Adds to a map as its youngest entry and keeps it within its limit. */
function remember(map: Map<string, number>, key: string, value: number, limit: number): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= limit) break;
    map.delete(oldest);
  }
}
