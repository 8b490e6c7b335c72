/** `crl_check` and `crl_cache` on connections: whose lists count, when, and what a CRL server can do to a handshake. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNode, type Node, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { type CertificateAuthority, createCa, type IssuedCertificate } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { openSslNameHash } from '../../packages/ssl/src/values/x509/name-hash.js';
import { patience } from '../support/patience.js';
import { report } from '../support/report.js';
import { brief, handshake, type Outcome, pairOf, serve, shake } from './live.js';

const modes = [true, 'peer', 'best_effort'] as const;
const day = 86_400_000;

let node: Node;
/** ms by which the application's clock is ahead. */
let ahead = 0;
beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  expect(await ssl.start({ node, wallClock: () => Date.now() + ahead })).toEqual({ ok: true });
});
afterAll(async () => {
  await ssl.stop(node);
  node.stop();
});

/** How the client's handshake ends. */
async function judged(
  ca: CertificateAuthority,
  leaf: IssuedCertificate,
  options: ssl.TlsClientOptions,
): Promise<Outcome> {
  const { client } = await handshake(node, { cacerts: [ca.cert], ...options }, pairOf(leaf));
  return client;
}

const textOf = (outcome: Outcome): string => (outcome !== 'ok' && 'text' in outcome ? outcome.text : '');

describe('crl_check with lists that the user put in', () => {
  let ca: CertificateAuthority;
  let leaf: IssuedCertificate;
  beforeEach(() => {
    ca = createCa({ subject: `CA ${Math.random()}` });
    leaf = ca.issue();
  });

  it('false asks for none; true and peer refuse without any; best_effort lets pass', async () => {
    expect(await judged(ca, leaf, { crlCheck: false })).toBe('ok');
    expect(await judged(ca, leaf, { crlCheck: 'best_effort' })).toBe('ok');
    for (const crlCheck of [true, 'peer'] as const) {
      const outcome = await judged(ca, leaf, { crlCheck });
      expect(brief(outcome)).toBe('bad_certificate');
      expect(textOf(outcome)).toContain('no_relevant_crls');
      expect(textOf(outcome)).toContain('revocation status could not be found out');
    }
  });

  it('a list of the issuer decides in every mode, and the next handshake obeys the next list', async () => {
    const clean = ca.crl({ number: 1 });
    expect(await ssl.sslCrlCache.insert({ der: [clean] }, node)).toEqual({ ok: true });
    for (const crlCheck of modes) expect(await judged(ca, leaf, { crlCheck })).toBe('ok');
    const revoking = ca.crl({ number: 2, revoked: [{ serial: leaf.serial, reason: 1 }] });
    await ssl.sslCrlCache.delete({ der: [clean] }, node);
    await ssl.sslCrlCache.insert({ der: [revoking] }, node);
    for (const crlCheck of modes) {
      const outcome = await judged(ca, leaf, { crlCheck });
      expect(brief(outcome)).toBe('certificate_revoked');
      expect(textOf(outcome)).toContain('revoked by its issuer (keyCompromise)');
    }
    await ssl.sslCrlCache.delete({ der: [revoking] }, node);
    expect(brief(await judged(ca, leaf, { crlCheck: 'peer' }))).toBe('bad_certificate');
  });

  it('a list at a URI counts for certificates that name the point', async () => {
    const uri = 'http://crl.invalid/own.crl';
    const pointing = ca.issue({ crlDistributionPoints: [uri] });
    const list = ca.crl({ revoked: [{ serial: pointing.serial }] });
    expect(await ssl.sslCrlCache.insert(uri, { der: [list] }, node)).toEqual({ ok: true });
    expect(brief(await judged(ca, pointing, { crlCheck: true }))).toBe('certificate_revoked');
    expect(await ssl.sslCrlCache.delete(uri, node)).toEqual({ ok: true });
    expect(brief(await judged(ca, pointing, { crlCheck: true }))).toBe('bad_certificate');
  });

  it('wrong sources have terms', async () => {
    const { insert } = ssl.sslCrlCache;
    expect(await insert({ file: '/nowhere' }, node)).toEqual({ error: 'enoent' });
    expect(await insert({ der: [Uint8Array.of(1)] }, node)).toEqual({ error: 'bad_crl' });
    expect(await insert('ldap://x/y', { der: [ca.crl()] }, node)).toEqual({
      error: { only_http_distribution_points_supported: 'ldap://x/y' },
    });
  });

  it('a verdict does not outlive its list: past nextUpdate the answer is no longer clear', async () => {
    await ssl.sslCrlCache.insert({ der: [ca.crl({ nextUpdate: new Date(Date.now() + day) })] }, node);
    expect(await judged(ca, leaf, { crlCheck: 'peer' })).toBe('ok');
    ahead = 2 * day;
    try {
      expect(brief(await judged(ca, leaf, { crlCheck: 'peer' }))).toBe('bad_certificate');
      expect(brief(await judged(ca, leaf, { crlCheck: 'best_effort' }))).toBe('ok');
    } finally {
      ahead = 0;
    }
  });

  it('true asks for the lists of every CA, peer for those of the last', async () => {
    const below = ca.intermediate({ subject: `below ${Math.random()}` });
    const deep = below.issue();
    await ssl.sslCrlCache.insert({ der: [below.crl()] }, node);
    expect(await judged(ca, deep, { crlCheck: 'peer' })).toBe('ok');
    expect(brief(await judged(ca, deep, { crlCheck: true }))).toBe('bad_certificate');
    await ssl.sslCrlCache.insert({ der: [ca.crl({ revoked: [{ serial: below.serial }] })] }, node);
    expect(brief(await judged(ca, deep, { crlCheck: true }))).toBe('certificate_revoked');
  });

  it('verify_fun hears of it in OTP’s terms and may let it pass', async () => {
    await ssl.sslCrlCache.insert({ der: [ca.crl({ revoked: [{ serial: leaf.serial, reason: 4 }] })] }, node);
    const heard: unknown[] = [];
    const outcome = await judged(ca, leaf, {
      crlCheck: 'peer',
      verifyFun: (_certificate, event, state) => {
        if (typeof event === 'object' && 'bad_cert' in event) heard.push(event.bad_cert);
        return typeof event === 'object' && 'extension' in event ? { unknown: state } : { valid: state };
      },
    });
    expect(outcome).toBe('ok');
    expect(heard).toEqual([{ revoked: 'superseded' }]);
  });

  it('a server checks its clients likewise', async () => {
    const own = ca.issue({ names: ['client.example'] });
    await ssl.sslCrlCache.insert({ der: [ca.crl({ revoked: [{ serial: own.serial }] })] }, node);
    const { server } = await handshake(
      node,
      { cacerts: [ca.cert], ...pairOf(own) },
      {
        ...pairOf(leaf),
        verify: 'verify_peer',
        failIfNoPeerCert: true,
        cacerts: [ca.cert],
        crlCheck: 'peer',
      },
    );
    expect(brief(server)).toBe('certificate_revoked');
  });
});

describe('crl_cache', () => {
  const ca = createCa({ subject: 'CA of caches' });
  const leaf = ca.issue();

  it('ssl_crl_hash_dir reads a directory as openssl rehash leaves it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'crls-'));
    try {
      const crlCache = { api: 'ssl_crl_hash_dir', db: { dir } } as const;
      expect(brief(await judged(ca, leaf, { crlCheck: 'peer', crlCache }))).toBe('bad_certificate');
      const file = (n: number) => join(dir, `${openSslNameHash(ca.subject, defaultEngine)}.r${n}`);
      // Another issuer's list under this hash, as collisions bring it about, falls out.
      writeFileSync(file(0), createCa({ subject: 'another' }).crl());
      expect(brief(await judged(ca, leaf, { crlCheck: 'peer', crlCache }))).toBe('bad_certificate');
      writeFileSync(file(1), ca.crl());
      expect(await judged(ca, leaf, { crlCheck: 'peer', crlCache })).toBe('ok');
      writeFileSync(file(1), ca.crl({ revoked: [{ serial: leaf.serial }] }));
      expect(brief(await judged(ca, leaf, { crlCheck: 'peer', crlCache }))).toBe('certificate_revoked');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  const none: ssl.CrlCacheApi = {
    lookup: () => 'not_available',
    select: () => [],
    freshCrl: (_point, crl) => [crl],
  };

  it("an implementation of the user's is asked with its db, and may answer later", async () => {
    const asked: unknown[] = [];
    const api: ssl.CrlCacheApi = {
      ...none,
      async select(_issuers, db) {
        asked.push(db);
        return [ca.crl({ revoked: [{ serial: leaf.serial }] })];
      },
    };
    const crlCache = [api, ['handle', { table: 7 }]] as const;
    expect(brief(await judged(ca, leaf, { crlCheck: 'peer', crlCache }))).toBe('certificate_revoked');
    expect(asked).toEqual([['handle', { table: 7 }]]);
  });

  it('one that throws or rejects hurts its own connection only', async () => {
    for (const select of [
      () => Promise.reject(new Error('down')),
      () => {
        throw new Error('down');
      },
    ]) {
      const outcome = await judged(ca, leaf, { crlCheck: 'peer', crlCache: { api: { ...none, select } } });
      expect(brief(outcome)).toBe('internal_error');
    }
    expect(await judged(ca, leaf, {})).toBe('ok');
  });

  it('one that does not answer holds up its own connection only, until its deadline', async () => {
    let answer = (_lists: readonly Uint8Array[]): void => {};
    const asked = new Promise<void>((tell) => {
      const select = (): Promise<readonly Uint8Array[]> => {
        tell();
        return new Promise((resolve) => {
          answer = resolve;
        });
      };
      slow = judged(ca, leaf, { crlCheck: 'peer', crlCache: { api: { ...none, select } } });
    });
    await asked;
    for (let n = 0; n < 5; n += 1) expect(await judged(ca, leaf, {})).toBe('ok');
    answer([ca.crl()]);
    expect(await slow).toBe('ok');
    const never = { ...none, select: () => new Promise<readonly Uint8Array[]>(() => {}) };
    const limited = { crlCheck: 'peer', crlCache: { api: never }, handshakeDeadline: 200 } as const;
    expect(await judged(ca, leaf, limited)).toEqual({ reason: 'timeout' });
  });
  let slow: Promise<Outcome> | undefined;
});

describe('a CRL server', () => {
  // One per test: a list that came from one point counts for the whole CA.
  let ca: CertificateAuthority;
  let namesake: string;
  beforeEach(() => {
    namesake = `CA with points ${Math.random()}`;
    ca = createCa({ subject: namesake });
  });
  type Answer = (request: IncomingMessage, response: ServerResponse) => void;
  const answers = new Map<string, Answer>();
  const requests: string[] = [];
  let web: Server;
  let origin: string;
  beforeAll(async () => {
    web = createServer((request, response) => {
      const path = request.url ?? '';
      requests.push(path);
      const answer = answers.get(path);
      if (answer === undefined) response.writeHead(404).end();
      else answer(request, response);
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const address = web.address();
    origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  afterAll(() => {
    web.closeAllConnections();
    web.close();
  });

  const fetching = (http = patience): ssl.TlsClientOptions => ({
    crlCache: { api: 'ssl_crl_cache', db: { http } },
  });
  const leafAt = (uri: string): IssuedCertificate => ca.issue({ crlDistributionPoints: [uri] });
  const sends =
    (body: Uint8Array): Answer =>
    (_request, response) => {
      response.end(body);
    };
  let places = 0;
  /** A fresh place at the server, since failures are remembered. */
  function place(answer: Answer): string {
    places += 1;
    answers.set(`/${places}.crl`, answer);
    return `${origin}/${places}.crl`;
  }
  const asked = (uri: string): number => requests.filter((path) => uri.endsWith(path)).length;

  it('is not asked unless the user says how long it may take', async () => {
    const uri = place(sends(ca.crl()));
    expect(brief(await judged(ca, leafAt(uri), { crlCheck: 'peer' }))).toBe('bad_certificate');
    expect(asked(uri)).toBe(0);
    expect(await judged(ca, leafAt(uri), { crlCheck: 'peer', ...fetching() })).toBe('ok');
    expect(asked(uri)).toBe(1);
  });

  it('that answers is asked once, also when the list is PEM, and its word counts in every mode', async () => {
    const leaf = leafAt(`${origin}/revoking.crl`);
    const der = ca.crl({ revoked: [{ serial: leaf.serial }] });
    const base64 = Buffer.from(der)
      .toString('base64')
      .replace(/(.{64})/g, '$1\n');
    const pem = `-----BEGIN X509 CRL-----\n${base64}\n-----END X509 CRL-----\n`;
    answers.set('/revoking.crl', sends(new TextEncoder().encode(pem)));
    for (const crlCheck of modes)
      expect(brief(await judged(ca, leaf, { crlCheck, ...fetching() }))).toBe('certificate_revoked');
    expect(asked('/revoking.crl')).toBe(1);
  });

  const endless: Answer = (_request, response) => {
    const chunk = new Uint8Array(1 << 20);
    const pour = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', pour);
    pour();
  };
  const redirectsTo =
    (location: string): Answer =>
    (_request, response) => {
      response.writeHead(302, { location }).end();
    };
  const bad: Readonly<Record<string, () => string>> = {
    'is slow': () => {
      // Made now: `ca` is another test's by the time it is sent.
      const list = ca.crl();
      return place((_request, response) => {
        const late = setTimeout(() => response.end(list), 3000);
        response.on('close', () => clearTimeout(late));
      });
    },
    'never answers': () => place(() => {}),
    'is dead': () => 'http://127.0.0.1:1/dead.crl',
    'has no such name': () => 'http://crl.invalid/x.crl',
    'says no': () => `${origin}/nosuch.crl`,
    'breaks off': () =>
      place((_request, response) => {
        response.writeHead(200, { 'content-length': '5000' });
        response.write(ca.crl().subarray(0, 50));
        setImmediate(() => response.destroy());
      }),
    'announces a gigabyte': () =>
      place((_request, response) => {
        response.writeHead(200, { 'content-length': String(2 ** 30) });
        response.write(new Uint8Array(10));
      }),
    'pours without end': () => place(endless),
    'redirects in a circle': () => {
      const uri = place(() => {});
      answers.set(new URL(uri).pathname, redirectsTo(uri));
      return uri;
    },
    'redirects to the metadata of a cloud': () => place(redirectsTo('http://169.254.169.254/latest')),
    'redirects to a file': () => place(redirectsTo('file:///etc/passwd')),
    'sends garbage': () => place(sends(new Uint8Array(3000).fill(0x30))),
    'sends the list of another CA': () => place(sends(createCa({ subject: 'a stranger' }).crl())),
    'sends a list that another key signed': () => place(sends(createCa({ subject: namesake }).crl())),
    'sends a list of tomorrow': () => place(sends(ca.crl({ thisUpdate: new Date(Date.now() + day) }))),
    'sends an expired list': () =>
      place(
        sends(ca.crl({ thisUpdate: new Date(Date.now() - 3 * day), nextUpdate: new Date(Date.now() - day) })),
      ),
  };

  it.each(Object.entries(bad))(
    'that %s makes no handshake hang: unclear, as each mode takes it',
    async (_what, make) => {
      const uri = make();
      const leaf = leafAt(uri);
      expect(brief(await judged(ca, leaf, { crlCheck: 'peer', ...fetching(700) }))).toBe('bad_certificate');
      expect(await judged(ca, leaf, { crlCheck: 'best_effort', ...fetching(700) })).toBe('ok');
      // A second handshake does not knock again at once.
      if (uri.startsWith(origin) && !uri.includes('nosuch')) expect(asked(uri)).toBeLessThanOrEqual(4);
      report('crl server', { 'kinds of mischief': 1 });
    },
  );

  it('may send a hundred thousand entries: the one that counts is found, and looked for once', async () => {
    const uri = place((_request, response) => response.end(long));
    const [good, bad] = [leafAt(uri), leafAt(uri)];
    const revoked = Array.from({ length: 100_000 }, (_, n) => ({ serial: n + 1 }));
    const long = ca.crl({ revoked: [...revoked, { serial: bad.serial, reason: 5 }] });
    expect(await judged(ca, good, { crlCheck: 'peer', ...fetching() })).toBe('ok');
    const outcome = await judged(ca, bad, { crlCheck: 'peer', ...fetching() });
    expect(textOf(outcome)).toContain('cessationOfOperation');
    expect(asked(uri)).toBe(1);
    report('crl server', { 'bytes of the longest list': long.length });
  });

  it('that moved is followed', async () => {
    const uri = place(redirectsTo(place(sends(ca.crl()))));
    expect(await judged(ca, leafAt(uri), { crlCheck: 'peer', ...fetching() })).toBe('ok');
  });

  it('is asked by one fetch for all who wait, and counted', async () => {
    const held: ServerResponse[] = [];
    const uri = place((_request, response) => held.push(response));
    const before = await ssl.sslCrlCache.info(node);
    const server = await serve(node, pairOf(leafAt(uri)), 20);
    const options = { cacerts: [ca.cert], crlCheck: 'peer', ...fetching() } as const;
    const all = Promise.all(Array.from({ length: 20 }, () => shake(node, server.port, options)));
    while ((await ssl.sslCrlCache.info(node)).joined < before.joined + 19)
      await new Promise((resolve) => setTimeout(resolve, 5));
    for (const response of held) response.end(ca.crl());
    expect(new Set((await all).map(brief))).toEqual(new Set(['ok']));
    const after = await ssl.sslCrlCache.info(node);
    expect(asked(uri)).toBe(1);
    expect(after.fetches - before.fetches).toBe(1);
    expect(after.joined - before.joined).toBe(19);
    await server.stop();
    report('crl server', { 'waiters of one fetch': 20 });
  });

  it('that is dead costs its timeout once: the failure is remembered', async () => {
    const uri = place(() => {});
    const leaf = leafAt(uri);
    await judged(ca, leaf, { crlCheck: 'best_effort', ...fetching(6000) });
    const { negativeHits } = await ssl.sslCrlCache.info(node);
    for (let n = 0; n < 5; n += 1)
      expect(await judged(ca, leaf, { crlCheck: 'best_effort', ...fetching(6000) })).toBe('ok');
    expect(asked(uri)).toBe(1);
    expect((await ssl.sslCrlCache.info(node)).negativeHits).toBe(negativeHits + 5);
  });
});
