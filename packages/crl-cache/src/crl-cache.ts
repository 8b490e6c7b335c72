/**
 * The CRL cache process, OTP's `ssl_crl_cache`: CRLs that the user put in, and those fetched from distribution
 * points. The two are kept apart, so that what peers' certificates make us fetch never pushes out what the user put
 * in. When the process dies both are gone, and a lookup fetches again or finds nothing.
 */
import { readFile } from 'node:fs/promises';
import {
  type Asker,
  type From,
  type GenServer,
  type Node,
  type Ref,
  type RequestOf,
  requests,
  type Self,
  type ServerRef,
  type StartOptions,
  type StartResult,
  startGenServer,
} from '@actor-tls/runtime';
import type { CrlCacheApi, CrlReader } from './crl-cache-api.js';
import { crlsInFile } from './crl-file.js';
import { CrlTable, type KnownCrl, normalizedUri, type TableLimits } from './crl-table.js';
import {
  type Decision,
  DistributionPoints,
  defaultFetchPolicy,
  type FetchPolicy,
  type PointCounters,
} from './distribution-points.js';
import { bytesOf, posixCode } from './hash-directory.js';
import { type Fetch, type FetchLimits, type FetchResult, httpFetch } from './http-fetch.js';

export interface CrlCacheOptions {
  readonly reader: CrlReader;
  /** default: over node:http */
  readonly fetch?: Fetch;
  readonly policy?: Partial<FetchPolicy>;
  /** Further say on addresses, see `FetchLimits`. */
  readonly allowAddress?: FetchLimits['allowAddress'];
  /** Of each of the two tables; default 1000 entries and 64 MB. */
  readonly limits?: TableLimits;
  /** ms since 1970; default `Date.now` */
  readonly wallClock?: () => number;
}

/** OTP's `crl_src()`, and PEM text. */
export type CrlSource =
  | { readonly file: string }
  | { readonly der: readonly Uint8Array[] }
  | { readonly pem: string };

/** Answers of `insertCrls` and `deleteCrls` in OTP's terms; `error: 'enoent'` and the like for a file. */
export type CrlCacheAnswer =
  | { readonly ok: true }
  | { readonly error: string | { readonly only_http_distribution_points_supported: string } };

export function startCrlCache(
  parent: Self<never> | Self | Node,
  options: CrlCacheOptions,
  start?: StartOptions,
): Promise<StartResult> {
  return startGenServer(parent, crlCache, options, start);
}

/**
 * `ssl_crl_cache:insert/1,2`: with a URI the CRLs stand for its distribution point, without they are found by their
 * issuer. Nothing is entered when one of them is no CRL (`bad_crl`) or the cache is dead (`noproc`).
 */
export async function insertCrls(
  asker: Asker,
  cache: ServerRef,
  source: CrlSource,
  uri?: string,
): Promise<CrlCacheAnswer> {
  const crls = await read(source);
  if ('error' in crls) return crls;
  const request = { type: 'insert_crls', crls: crls.ok, uri } as const;
  return questions.askOr(asker, cache, request, () => ({ error: 'noproc' }));
}

/** `ssl_crl_cache:delete/1`: what stands at a URI, or the very CRLs of a source. */
export async function deleteCrls(
  asker: Asker,
  cache: ServerRef,
  what: CrlSource | string,
): Promise<CrlCacheAnswer> {
  if (typeof what === 'string') {
    return questions.askOr(asker, cache, { type: 'delete_uri', uri: what }, () => okay);
  }
  const crls = await read(what);
  if ('error' in crls) return crls;
  return questions.askOr(asker, cache, { type: 'delete_crls', crls: crls.ok }, () => okay);
}

/** The `db` beside `crlCache`: whose question it is, which cache, and OTP's `[{http, TimeoutMs}]`. */
export interface CrlCacheDb {
  readonly asker: Asker;
  readonly cache: ServerRef;
  /** ms to wait for a fetch; without it nothing is fetched. */
  readonly http?: number;
}

/** The cache process behind the interface that users can implement. */
export const crlCacheApi: CrlCacheApi<CrlCacheDb> = {
  lookup: (point, _issuer, db) => firstAvailable(point.uris, db),
  async select(issuers, { asker, cache }) {
    return questions.askOr(asker, cache, { type: 'select_crls', issuers }, () => []);
  },
  async freshCrl(point, crl, { asker, cache, http }) {
    if (http === undefined) return [crl];
    for (const uri of point.uris) {
      const found = await questions.askOr(asker, cache, { type: 'renew_crls', uri }, notAvailable, http);
      if (found !== 'not_available') return found;
    }
    return [crl];
  },
};

/** Figures for people; all zero when the cache is dead. */
export interface CrlCacheInfo extends Readonly<PointCounters> {
  readonly inserted: number;
  readonly fetched: number;
  readonly bytes: number;
  readonly underWay: number;
}

export function crlCacheInfo(asker: Asker, cache: ServerRef): Promise<CrlCacheInfo> {
  const dead = {
    inserted: 0,
    fetched: 0,
    bytes: 0,
    underWay: 0,
    hits: 0,
    joined: 0,
    fetches: 0,
    refetches: 0,
    failures: {},
    negativeHits: 0,
    staleHits: 0,
    refused: 0,
  };
  return questions.askOr(asker, cache, { type: 'crl_cache_info' }, () => dead);
}

type FetchedCrls = readonly Uint8Array[] | 'not_available';

interface CrlCacheRequests {
  insert_crls(fields: {
    readonly crls: readonly Uint8Array[];
    readonly uri: string | undefined;
  }): CrlCacheAnswer;
  delete_uri(fields: { readonly uri: string }): CrlCacheAnswer;
  delete_crls(fields: { readonly crls: readonly Uint8Array[] }): CrlCacheAnswer;
  lookup_crls(fields: { readonly uri: string; readonly fetch: 'if needed' | 'never' }): FetchedCrls;
  renew_crls(fields: { readonly uri: string }): FetchedCrls;
  select_crls(fields: { readonly issuers: readonly Uint8Array[] }): readonly Uint8Array[];
  crl_cache_info(): CrlCacheInfo;
}

/** What the cache tells itself. */
interface CrlCacheMessages {
  crl_fetched(fields: { readonly uri: string; readonly attempt: number; readonly result: FetchResult }): void;
  refetch_crls(): void;
}

type Info = RequestOf<CrlCacheMessages>;

// A dead cache knows nothing; its supervisor restarts it, so a name is asked twice.
const questions = requests<CrlCacheRequests>();
const messages = requests<CrlCacheMessages>();
const okay = { ok: true } as const;
const notAvailable = (): FetchedCrls => 'not_available';

async function firstAvailable(
  uris: readonly string[],
  { asker, cache, http }: CrlCacheDb,
): Promise<FetchedCrls> {
  for (const uri of uris) {
    const fetch = http === undefined ? 'never' : 'if needed';
    const request = { type: 'lookup_crls', uri, fetch } as const;
    const found = await questions.askOr(asker, cache, request, notAvailable, http);
    if (found !== 'not_available') return found;
  }
  return 'not_available';
}

async function read(source: CrlSource): Promise<{ ok: readonly Uint8Array[] } | { error: string }> {
  if ('der' in source) return { ok: source.der };
  if ('pem' in source) return { ok: crlsInFile(new TextEncoder().encode(source.pem)) };
  try {
    return { ok: crlsInFile(bytesOf(await readFile(source.file))) };
  } catch (error) {
    return { error: posixCode(error) };
  }
}

const crlCache: GenServer<CrlCache, CrlCacheOptions> = {
  label: 'crl_cache',
  init: (self, options) => ({ ok: new CrlCache(options, self) }),
  handleCall: questions.handleCall<CrlCache>({
    insert_crls: ({ crls, uri }, from, cache) => from.reply(cache.insert(crls, uri)),
    delete_uri: ({ uri }, from, cache) => from.reply(cache.deleteUri(uri)),
    delete_crls: ({ crls }, from, cache) => from.reply(cache.deleteCrls(crls)),
    lookup_crls: ({ uri, fetch }, from, cache) => cache.lookup(uri, fetch, from),
    renew_crls: ({ uri }, from, cache) => cache.renew(uri, from),
    select_crls: ({ issuers }, from, cache) => from.reply(cache.select(issuers)),
    crl_cache_info: (_request, from, cache) => from.reply(cache.info()),
  }),
  handleInfo: messages.handleInfo<CrlCache>({
    crl_fetched: ({ uri, attempt, result }, cache) => cache.fetched(uri, attempt, result),
    refetch_crls: (_message, cache) => cache.refetch(),
  }),
};

/** A fetch that runs. */
interface UnderWay {
  readonly attempt: number;
  /** Fires when the fetcher broke its promise to settle in time. */
  readonly overdue: Ref;
}

class CrlCache {
  readonly #self: Self;
  readonly #reader: CrlReader;
  readonly #fetch: Fetch;
  readonly #policy: FetchPolicy;
  readonly #limits: FetchLimits;
  readonly #now: () => number;
  readonly #inserted: CrlTable;
  readonly #points: DistributionPoints;
  readonly #waiting: Map<string, From<FetchedCrls>[]> = new Map();
  readonly #queue: string[] = [];
  readonly #underWay: Map<string, UnderWay> = new Map();
  readonly #ended: AbortController = new AbortController();
  #attempts = 0;
  #ticking: 'yes' | 'no' = 'no';

  constructor(options: CrlCacheOptions, self: Self) {
    const tables = options.limits ?? { maxEntries: 1000, maxBytes: 64 * 1024 * 1024 };
    const policy = { ...defaultFetchPolicy, ...options.policy };
    const { timeout, maxBytes, maxRedirects } = policy;
    this.#self = self;
    this.#reader = options.reader;
    this.#fetch = options.fetch ?? httpFetch;
    this.#policy = policy;
    this.#limits = {
      timeout,
      maxBytes,
      maxRedirects,
      ...(options.allowAddress === undefined ? {} : { allowAddress: options.allowAddress }),
    };
    this.#now = options.wallClock ?? Date.now;
    this.#inserted = new CrlTable(tables);
    this.#points = new DistributionPoints(policy, tables, options.reader);
    self.own(this.#ended, (controller) => controller.abort());
  }

  insert(ders: readonly Uint8Array[], uri: string | undefined): CrlCacheAnswer {
    const crls: KnownCrl[] = [];
    for (const der of ders) {
      const description = this.#reader.describe(der);
      if (description === undefined) return { error: 'bad_crl' };
      crls.push({ der, description });
    }
    if (uri === undefined) return this.#inserted.putLoose(crls) ? { ok: true } : { error: 'system_limit' };
    const place = httpUri(uri);
    if (place === undefined) return { error: { only_http_distribution_points_supported: uri } };
    return this.#inserted.putAt(place, crls) ? { ok: true } : { error: 'system_limit' };
  }

  deleteUri(uri: string): CrlCacheAnswer {
    const place = httpUri(uri);
    if (place === undefined) return { error: { only_http_distribution_points_supported: uri } };
    this.#inserted.deleteAt(place);
    this.#points.delete(place);
    return { ok: true };
  }

  deleteCrls(ders: readonly Uint8Array[]): CrlCacheAnswer {
    this.#inserted.deleteLoose(ders);
    return { ok: true };
  }

  lookup(uri: string, fetch: 'if needed' | 'never', from: From<FetchedCrls>): void {
    const place = normalizedUri(uri);
    const inserted = place === undefined ? undefined : this.#inserted.at(place);
    if (inserted !== undefined) from.reply(inserted.map(({ der }) => der));
    else if (place === undefined || fetch === 'never') from.reply('not_available');
    else this.#carryOut(this.#points.lookup(place, this.#now()), place, from);
  }

  renew(uri: string, from: From<FetchedCrls>): void {
    const place = normalizedUri(uri);
    if (place === undefined) from.reply('not_available');
    else this.#carryOut(this.#points.renew(place, this.#now()), place, from);
  }

  select(issuers: readonly Uint8Array[]): readonly Uint8Array[] {
    const found = issuers.flatMap((name) => {
      const issuer = this.#reader.nameKey(name);
      return [...this.#inserted.issuedBy(issuer), ...this.#points.issuedBy(issuer)];
    });
    return found.map(({ der }) => der);
  }

  fetched(uri: string, attempt: number, result: FetchResult): void {
    const running = this.#underWay.get(uri);
    if (running?.attempt !== attempt) return;
    this.#underWay.delete(uri);
    this.#self.cancelTimer(running.overdue);
    const answer = this.#points.finished(uri, result, this.#now());
    for (const from of this.#waiting.get(uri) ?? []) from.reply(answer);
    this.#waiting.delete(uri);
    this.#startNext();
    this.#tick();
  }

  refetch(): void {
    this.#ticking = 'no';
    for (const uri of this.#points.due(this.#now())) this.#begin(uri, 'in background');
    this.#tick();
  }

  info(): CrlCacheInfo {
    return {
      ...this.#points.counters,
      inserted: this.#inserted.size,
      fetched: this.#points.size,
      bytes: this.#inserted.bytes + this.#points.bytes,
      underWay: this.#underWay.size,
    };
  }

  #carryOut(decision: Decision, uri: string, from: From<FetchedCrls>): void {
    if ('answer' in decision) {
      from.reply(decision.answer);
      if ('fetch' in decision && decision.fetch === 'in background') this.#begin(uri, 'in background');
      return;
    }
    if (decision.wait === 'begin' && !this.#begin(uri, 'wanted')) {
      from.reply('not_available');
      return;
    }
    const waiting = this.#waiting.get(uri);
    if (waiting === undefined) this.#waiting.set(uri, [from]);
    else waiting.push(from);
  }

  /** False when too many wait already. */
  #begin(uri: string, why: 'wanted' | 'in background'): boolean {
    if (this.#queue.length >= this.#policy.queued) {
      this.#points.counters.refused += 1;
      return false;
    }
    this.#points.begun(uri, why);
    this.#queue.push(uri);
    this.#startNext();
    return true;
  }

  #startNext(): void {
    while (this.#underWay.size < this.#policy.parallel) {
      const uri = this.#queue.shift();
      if (uri === undefined) return;
      this.#attempts += 1;
      const attempt = this.#attempts;
      const { node, pid } = this.#self;
      const tell = (result: FetchResult): void => {
        node.send<Info>(pid, { type: 'crl_fetched', uri, attempt, result });
      };
      const overdue = this.#self.sendAfter<Info>(this.#policy.timeout + 1000, pid, {
        type: 'crl_fetched',
        uri,
        attempt,
        result: { error: 'timeout' },
      });
      this.#underWay.set(uri, { attempt, overdue });
      void this.#run(uri).then(tell);
    }
  }

  /** An injected fetcher may throw; that is its failure and not the cache's. */
  async #run(uri: string): Promise<FetchResult> {
    try {
      return await this.#fetch(uri, this.#limits, this.#ended.signal);
    } catch (error) {
      return { error: 'unreachable', detail: String(error) };
    }
  }

  /** One timer, and only while there is something to refetch. */
  #tick(): void {
    if (this.#ticking === 'yes' || this.#points.size === 0) return;
    this.#ticking = 'yes';
    this.#self.sendAfter<Info>(this.#policy.minInterval, this.#self.pid, { type: 'refetch_crls' });
  }
}

/** The contract: places are http URIs. */
function httpUri(uri: string): string | undefined {
  const place = normalizedUri(uri);
  return place?.startsWith('http:') === true ? place : undefined;
}
