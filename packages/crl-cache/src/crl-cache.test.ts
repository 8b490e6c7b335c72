import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createNode,
  type Node,
  type Pid,
  type Self,
  type StartResult,
  silentLogger,
} from '@actor-tls/runtime';
import { SimulatedClock } from '@actor-tls/runtime/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CrlCacheOptions,
  type CrlReader,
  crlCacheApi,
  crlCacheInfo,
  deleteCrls,
  type Fetch,
  type FetchPolicy,
  type FetchResult,
  hashDirectory,
  insertCrls,
  startCrlCache,
} from './index.js';

/** A CRL of these tests is the text `crl <issuer> <thisUpdate> <nextUpdate> <anything>`. */
const crl = (issuer: string, thisUpdate: number, nextUpdate: number | '-', rest = ''): Uint8Array =>
  new TextEncoder().encode(`crl ${issuer} ${thisUpdate} ${nextUpdate} ${rest}`);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const name = (issuer: string): Uint8Array => new TextEncoder().encode(issuer);
const reader: CrlReader = {
  describe(der) {
    const [word, issuer, thisUpdate, nextUpdate] = text(der).split(' ');
    if (word !== 'crl' || issuer === undefined) return undefined;
    return {
      issuer,
      thisUpdate: Number(thisUpdate),
      nextUpdate: nextUpdate === '-' ? undefined : Number(nextUpdate),
    };
  },
  nameKey: text,
};
const pem = (der: Uint8Array): string =>
  `-----BEGIN X509 CRL-----\n${Buffer.from(der).toString('base64')}\n-----END X509 CRL-----\n`;

let clock: SimulatedClock;
let node: Node;
let shell: Self;
let directory: string;

beforeEach(() => {
  clock = new SimulatedClock();
  node = createNode({ clock, logger: silentLogger });
  shell = node.shell();
  directory = mkdtempSync(join(tmpdir(), 'crl-'));
});

afterEach(() => {
  node.stop();
  rmSync(directory, { recursive: true });
});

function pidOf(answer: StartResult): Pid<never> {
  if (answer === 'ignore' || 'error' in answer) throw new Error('not started');
  return answer.ok;
}

async function start(options: Partial<CrlCacheOptions> = {}): Promise<Pid<never>> {
  return pidOf(await startCrlCache(node, { reader, wallClock: clock.now, fetch: refusing, ...options }));
}

const refusing: Fetch = async () => ({ error: 'unreachable' });
const point = (...uris: string[]) => ({ uris, crlIssuers: [], der: new Uint8Array() });

/** Looks up as a connection does, with a fetch allowed. */
async function lookup(
  cache: Pid<never> | string,
  ...uris: string[]
): Promise<readonly string[] | 'not_available'> {
  const answer = await crlCacheApi.lookup(point(...uris), name('ca'), { asker: shell, cache, http: 5000 });
  if (answer === 'not_available') return answer;
  return ('crls' in answer ? answer.crls : answer).map(text);
}

async function select(cache: Pid<never>, ...issuers: string[]): Promise<readonly string[]> {
  const answer = await crlCacheApi.select(issuers.map(name), { asker: shell, cache });
  return ('crls' in answer ? answer.crls : answer).map(text);
}

describe('CRLs put in by the user', () => {
  it('are found by URI, by the path on another host, and by issuer', async () => {
    const cache = await start();
    expect(await insertCrls(shell, cache, { der: [crl('ca', 0, 9)] }, 'http://one/ca.crl')).toEqual({
      ok: true,
    });
    expect(await lookup(cache, 'http://one/ca.crl')).toEqual(['crl ca 0 9 ']);
    expect(await lookup(cache, 'http://mirror/ca.crl')).toEqual(['crl ca 0 9 ']);
    expect(await select(cache, 'other', 'ca')).toEqual(['crl ca 0 9 ']);
  });

  it('of two hosts with the same path stand side by side', async () => {
    const cache = await start();
    await insertCrls(shell, cache, { der: [crl('a', 0, 9)] }, 'http://a/ca.crl');
    await insertCrls(shell, cache, { der: [crl('b', 0, 9)] }, 'http://b/ca.crl');
    expect(await lookup(cache, 'http://a/ca.crl')).toEqual(['crl a 0 9 ']);
    expect(await lookup(cache, 'http://b/ca.crl')).toEqual(['crl b 0 9 ']);
  });

  it('without a URI are found by issuer only', async () => {
    const cache = await start();
    await insertCrls(shell, cache, { pem: pem(crl('a', 0, 9)) + pem(crl('b', 0, 9)) });
    expect(await select(cache, 'b')).toEqual(['crl b 0 9 ']);
    expect(await lookup(cache, 'http://b/')).toBe('not_available');
  });

  it('come from files in PEM and DER, and a missing file has its posix code', async () => {
    const cache = await start();
    const file = join(directory, 'x.crl');
    writeFileSync(file, `explanation\n${pem(crl('a', 0, 9))}`);
    expect(await insertCrls(shell, cache, { file })).toEqual({ ok: true });
    writeFileSync(file, crl('b', 0, 9));
    expect(await insertCrls(shell, cache, { file })).toEqual({ ok: true });
    expect(await select(cache, 'a', 'b')).toHaveLength(2);
    expect(await insertCrls(shell, cache, { file: `${file}.absent` })).toEqual({ error: 'enoent' });
    expect(await deleteCrls(shell, cache, { file })).toEqual({ ok: true });
    expect(await select(cache, 'a', 'b')).toEqual(['crl a 0 9 ']);
  });

  it('other schemes and what is no CRL are refused', async () => {
    const cache = await start();
    const uri = 'ldap://host/ca';
    const refusal = { error: { only_http_distribution_points_supported: uri } };
    expect(await insertCrls(shell, cache, { der: [crl('a', 0, 9)] }, uri)).toEqual(refusal);
    expect(await deleteCrls(shell, cache, uri)).toEqual(refusal);
    expect(await insertCrls(shell, cache, { der: [name('garbage')] })).toEqual({ error: 'bad_crl' });
  });

  it('are deleted by URI, and by path on any host', async () => {
    const cache = await start();
    await insertCrls(shell, cache, { der: [crl('a', 0, 9)] }, 'http://a/ca.crl');
    expect(await deleteCrls(shell, cache, 'http://elsewhere/ca.crl')).toEqual({ ok: true });
    expect(await lookup(cache, 'http://a/ca.crl')).toBe('not_available');
    expect(await select(cache, 'a')).toEqual([]);
  });

  it('the oldest goes when entries or bytes are full', async () => {
    const cache = await start({ limits: { maxEntries: 2, maxBytes: 60 } });
    for (const issuer of ['a', 'b', 'c']) await insertCrls(shell, cache, { der: [crl(issuer, 0, 9)] });
    expect(await select(cache, 'a', 'b', 'c')).toEqual(['crl b 0 9 ', 'crl c 0 9 ']);
    await insertCrls(shell, cache, { der: [crl('d', 0, 9, 'x'.repeat(45))] });
    expect(await select(cache, 'b', 'c', 'd')).toHaveLength(1);
    const large = { der: [crl('e', 0, 9, 'x'.repeat(99))] };
    expect(await insertCrls(shell, cache, large)).toEqual({ error: 'system_limit' });
  });
});

describe('CRLs from distribution points', () => {
  const hour = 3_600_000;
  let requests: string[];
  let pending: ((result: FetchResult) => void)[];
  /** Answers by hand. */
  const byHand: Fetch = (uri) => {
    requests.push(uri);
    return new Promise((resolve) => pending.push(resolve));
  };
  const answering =
    (...answers: FetchResult[]): Fetch =>
    async (uri) => {
      requests.push(uri);
      return answers[Math.min(requests.length, answers.length) - 1] ?? { error: 'unreachable' };
    };
  const list = (nextUpdate: number | '-', thisUpdate = 0): FetchResult => ({
    ok: crl('ca', thisUpdate, nextUpdate),
  });
  const policy = (changes: Partial<FetchPolicy>) => ({ policy: changes });

  beforeEach(() => {
    requests = [];
    pending = [];
  });

  it('are fetched once and then kept until their nextUpdate', async () => {
    const cache = await start({ fetch: answering(list(hour), list(2 * hour, 1)) });
    expect(await lookup(cache, 'http://h/c')).toEqual([`crl ca 0 ${hour} `]);
    expect(await lookup(cache, 'http://h/c')).toEqual([`crl ca 0 ${hour} `]);
    expect(requests).toEqual(['http://h/c']);
    await clock.advance(hour);
    expect(await lookup(cache, 'http://h/c')).toEqual([`crl ca 1 ${2 * hour} `]);
    expect(await select(cache, 'ca')).toEqual([`crl ca 1 ${2 * hour} `]);
  });

  it('are never fetched when the option does not say so', async () => {
    const cache = await start({ fetch: answering(list(hour)) });
    expect(await crlCacheApi.lookup(point('http://h/c'), name('ca'), { asker: shell, cache })).toBe(
      'not_available',
    );
    expect(requests).toEqual([]);
  });

  it('one fetch serves all who wait', async () => {
    const cache = await start({ fetch: byHand });
    const lookups = [1, 2, 3].map(() => lookup(cache, 'http://h/c'));
    await clock.advance(0);
    expect(requests).toHaveLength(1);
    pending[0]?.(list(hour));
    expect(await Promise.all(lookups)).toEqual(Array(3).fill([`crl ca 0 ${hour} `]));
    expect(await crlCacheInfo(shell, cache)).toMatchObject({ fetches: 1, joined: 2, fetched: 1 });
  });

  it('a second URI of the point is tried when the first gives nothing', async () => {
    const cache = await start({ fetch: answering({ error: 'bad_status' }, list(hour)) });
    expect(await lookup(cache, 'ldap://h/c', 'http://h/c', 'http://i/c')).toHaveLength(1);
    expect(requests).toEqual(['http://h/c', 'http://i/c']);
  });

  it('a failure is remembered for a while', async () => {
    const cache = await start({
      fetch: answering({ error: 'timeout' }, list(hour)),
      ...policy({ negative: 1000 }),
    });
    expect(await lookup(cache, 'http://h/c')).toBe('not_available');
    expect(await lookup(cache, 'http://h/c')).toBe('not_available');
    expect(requests).toHaveLength(1);
    expect(await crlCacheInfo(shell, cache)).toMatchObject({ negativeHits: 1, failures: { timeout: 1 } });
    await clock.advance(1000);
    expect(await lookup(cache, 'http://h/c')).toHaveLength(1);
  });

  it('a list in use is fetched again before its nextUpdate, one that nobody wants is not', async () => {
    const cache = await start({ fetch: answering(list(hour), list(hour), list(2 * hour, 1)) });
    await lookup(cache, 'http://h/used');
    await lookup(cache, 'http://h/idle');
    await lookup(cache, 'http://h/used');
    await clock.advance(0.8 * hour + 60_000);
    expect(requests).toEqual(['http://h/used', 'http://h/idle', 'http://h/used']);
    expect(await lookup(cache, 'http://h/used')).toEqual([`crl ca 1 ${2 * hour} `]);
    expect(await crlCacheInfo(shell, cache)).toMatchObject({ refetches: 1 });
  });

  it('a refetch that fails leaves the list that still holds', async () => {
    const cache = await start({ fetch: answering(list(hour), { error: 'timeout' }) });
    await lookup(cache, 'http://h/c');
    await lookup(cache, 'http://h/c');
    await clock.advance(0.9 * hour);
    expect(requests.length).toBeGreaterThan(1);
    expect(await lookup(cache, 'http://h/c')).toEqual([`crl ca 0 ${hour} `]);
  });

  it('a list past its nextUpdate is given out only if the policy says so', async () => {
    for (const [stale, expected] of [
      [0, 'not_available'],
      [1000, [`crl ca 0 ${hour} `]],
    ] as const) {
      requests = [];
      const cache = await start({
        fetch: answering(list(clock.now() + hour), { error: 'timeout' }),
        ...policy({ stale }),
      });
      const first = await lookup(cache, 'http://h/c');
      await clock.advance(hour);
      const second = await lookup(cache, 'http://h/c');
      expect(second === 'not_available' ? second : second.length).toBe(
        expected === 'not_available' ? expected : first.length,
      );
      await clock.advance(hour);
      expect(await lookup(cache, 'http://h/c')).toBe('not_available');
    }
  });

  it('a lying server gets nothing in: garbage, an expired list, an older one', async () => {
    const garbage = { ok: name('<html>') };
    const cache = await start({
      fetch: answering(garbage, list(0), list(hour, 5), list(2 * hour, 4)),
      ...policy({ negative: 0 }),
    });
    expect(await lookup(cache, 'http://h/c')).toBe('not_available');
    expect(await lookup(cache, 'http://h/c')).toBe('not_available');
    expect(await lookup(cache, 'http://h/c')).toEqual([`crl ca 5 ${hour} `]);
    await clock.advance(60_000);
    const fresh = await crlCacheApi.freshCrl(point('http://h/c'), crl('ca', 0, 0), {
      asker: shell,
      cache,
      http: 5000,
    });
    expect(fresh).toEqual([crl('ca', 5, hour)]);
    expect((await crlCacheInfo(shell, cache)).failures).toEqual({ no_crl: 1, expired: 1, older: 1 });
  });

  it('fetches wait for their turn, and too many are refused', async () => {
    const cache = await start({ fetch: byHand, ...policy({ parallel: 1, queued: 1 }) });
    const [one, two, three] = ['1', '2', '3'].map((n) => lookup(cache, `http://h/${n}`));
    expect(await three).toBe('not_available');
    expect(requests).toEqual(['http://h/1']);
    pending[0]?.(list(hour));
    expect(await one).toHaveLength(1);
    await clock.advance(0);
    pending[1]?.(list(hour));
    expect(await two).toHaveLength(1);
    expect(await crlCacheInfo(shell, cache)).toMatchObject({ refused: 1, underWay: 0 });
  });

  it('a fetcher that throws, or never settles, is a failed fetch', async () => {
    const throwing = await start({
      fetch: () => {
        throw new Error('broken');
      },
    });
    expect(await lookup(throwing, 'http://h/c')).toBe('not_available');
    const cache = await start({ fetch: byHand, ...policy({ timeout: 1000, parallel: 1 }) });
    const waiting = lookup(cache, 'http://h/c');
    await clock.advance(2000);
    expect(await waiting).toBe('not_available');
    pending[0]?.(list(hour));
    await clock.advance(0);
    expect(await crlCacheInfo(shell, cache)).toMatchObject({
      fetched: 0,
      underWay: 0,
      failures: { timeout: 1 },
    });
  });

  it('a lookup does not wait longer than its own time', async () => {
    const cache = await start({ fetch: byHand, ...policy({ timeout: 60_000 }) });
    const waiting = lookup(cache, 'http://h/c');
    await clock.advance(5000);
    expect(await waiting).toBe('not_available');
  });

  it('a fresh CRL is fetched for one that has expired, but not twice within a minute', async () => {
    const old = crl('ca', 0, 0);
    const cache = await start({ fetch: answering(list(hour), list(hour, 1)) });
    const db = { asker: shell, cache, http: 5000 };
    expect(await crlCacheApi.freshCrl(point('http://h/c'), old, db)).toEqual([crl('ca', 0, hour)]);
    expect(await crlCacheApi.freshCrl(point('http://h/c'), old, db)).toEqual([crl('ca', 0, hour)]);
    await clock.advance(60_000);
    expect(await crlCacheApi.freshCrl(point('http://h/c'), old, db)).toEqual([crl('ca', 1, hour)]);
    expect(await crlCacheApi.freshCrl(point(), old, db)).toEqual([old]);
  });

  it('never push out what the user put in, whatever their number', async () => {
    const cache = await start({ fetch: answering(list(hour)), limits: { maxEntries: 2, maxBytes: 1000 } });
    await insertCrls(shell, cache, { der: [crl('mine', 0, 9)] });
    for (let n = 0; n < 5; n += 1) await lookup(cache, `http://h/${n}`);
    expect(await select(cache, 'mine')).toHaveLength(1);
    expect(await crlCacheInfo(shell, cache)).toMatchObject({ inserted: 1, fetched: 2 });
  });

  it('a cache that dies over a fetch aborts it, and whoever waited finds nothing', async () => {
    let aborted: AbortSignal | undefined;
    const cache = await start({
      fetch: (_uri, _limits, signal) => {
        aborted = signal;
        return new Promise(() => {});
      },
    });
    const waiting = lookup(cache, 'http://h/c');
    await clock.advance(0);
    node.exit(cache, 'kill');
    expect(await waiting).toBe('not_available');
    await clock.advance(0);
    expect(aborted?.aborted).toBe(true);
    expect(await lookup('nobody', 'http://h/c')).toBe('not_available');
  });
});

describe('a hash directory', () => {
  const api = hashDirectory({
    nameHash: (issuer) => text(issuer).padEnd(8, '0'),
    isCrl: (der) => reader.describe(der) !== undefined,
    coversPoint: (der) => text(der).includes('covers'),
  });
  const put = (file: string, content: Uint8Array | string): void =>
    writeFileSync(join(directory, file), content);

  it('gives all files of a name up to the first gap, in PEM and DER', async () => {
    put('ca000000.r0', crl('ca', 0, 9));
    put('ca000000.r1', pem(crl('ca', 1, 9)));
    put('ca000000.r3', crl('ca', 3, 9));
    const answer = await api.lookup(point(), name('ca'), { dir: directory });
    expect(answer).toEqual([crl('ca', 0, 9), crl('ca', 1, 9)]);
  });

  it('reports and skips what cannot be read', async () => {
    put('ca000000.r0', 'garbage');
    put('ca000000.r1', crl('ca', 1, 9));
    const filename = join(directory, 'ca000000.r0');
    expect(await api.select([name('ca')], { dir: directory })).toEqual({
      logger: {
        level: 'notice',
        report: {
          description: 'CRL file traversal',
          reason: [[{ crl_parse_error: 'badmatch' }, { filename }]],
        },
      },
      crls: [crl('ca', 1, 9)],
    });
  });

  it('a missing directory is an error that is told', async () => {
    expect(await api.select([name('ca')], { dir: join(directory, 'absent') })).toMatchObject({
      logger: { level: 'error' },
      crls: [],
    });
  });

  it('a named CRL issuer is looked for instead, and its lists must cover the point', async () => {
    put('ca000000.r0', crl('ca', 0, 9));
    put('other000.r0', crl('other', 0, 9));
    put('other000.r1', crl('other', 0, 9, 'covers'));
    const named = { ...point(), crlIssuers: [name('other')] };
    expect(await api.lookup(named, name('ca'), { dir: directory })).toEqual([crl('other', 0, 9, 'covers')]);
    expect(await api.freshCrl(named, crl('ca', 0, 9), { dir: directory })).toEqual([crl('ca', 0, 9)]);
  });
});
