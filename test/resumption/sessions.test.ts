/** Sessions of TLS 1.2, 1.1 and 1.0 over loopback, from `listen` and `connect` to the tables (contract §6.5, RFC 5077). */
import { inspect } from 'node:util';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import {
  type SessionCacheApi,
  type SessionKey,
  type StoredSession,
  sessionCacheInfo,
} from '@actor-tls/session-store';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VerifyFun } from '../../packages/ssl/src/values/x509/verify-fun.js';
import {
  asking,
  ca,
  clientCertificate,
  host,
  known,
  localhost,
  meet,
  part,
  resumes,
  served,
} from './two-ends.js';

let node: Node;
let self: Self;
/** ms that the wall clock is ahead. */
let ahead: number;

async function begin(env: Record<string, unknown> = {}): Promise<void> {
  ahead = 0;
  node = createNode({ logger: silentLogger });
  self = node.shell();
  ssl.unwrap(await ssl.start({ node, env, wallClock: () => Date.now() + ahead }));
}

beforeEach(() => begin());
afterEach(async () => {
  await ssl.stop(node);
  node.stop();
});

async function again(env: Record<string, unknown>): Promise<void> {
  await ssl.stop(node);
  node.stop();
  await begin(env);
}

/** A key as text. */
const sessionKeyText = ({ peer, sessionId }: SessionKey): string =>
  `${Buffer.from(sessionId).toString('hex')}@${peer}`;

const v12 = { versions: ['tlsv1.2'] } as const;
const versions = ['tlsv1.2', 'tlsv1.1', 'tlsv1'] as const;
const weak = { ciphers: ssl.cipherSuites('all', 'tlsv1') } as const;
const kinds = ['id', 'ticket'] as const;
const clientCache = 'ssl_client_session_cache';

/** A server of TLS 1.2 whose clients come back by id or by ticket. */
const by = (kind: 'id' | 'ticket'): ssl.TlsServerOptions => ({
  ...v12,
  olderSessionTickets: kind === 'ticket',
});

/** Another function at each call, all of which do the same. */
function lenient(): VerifyFun {
  return (_certificate, event, state) =>
    event === 'valid' || event === 'valid_peer' ? { valid: state } : { unknown: state };
}

function cacheOfListener(): string {
  const found = node.registered().find((name) => name.startsWith('ssl_server_session_cache_'));
  const names = node.registered().filter((name) => /^ssl_server_session_cache_\d/.test(name));
  return names[0] ?? found ?? '';
}

describe.each(versions)('%s', (version) => {
  const of = version === 'tlsv1.2' ? v12 : { versions: [version], ...weak };

  it.each(kinds)('resumes by %s, again and again', async (kind) => {
    const at = await host(self, { ...of, olderSessionTickets: kind === 'ticket' });
    expect(await resumes(self, at, of)).toBe(false);
    for (let i = 0; i < 3; i += 1) {
      const meeting = await meet(self, at, of);
      expect(meeting.client).toMatchObject({ protocol: version, sessionResumption: true });
      expect(meeting.server).toMatchObject({ sessionResumption: true });
      expect(meeting.client['sessionId']).toEqual(meeting.server['sessionId']);
      expect(await ssl.peercert(meeting.clientSocket)).toEqual({ ok: new Uint8Array(localhost.cert) });
      await part(meeting);
    }
  });
});

describe.each(kinds)('a session found by %s', (kind) => {
  const server = by(kind);

  it('is found among the versions of a client that speaks TLS 1.3 too', async () => {
    const at = await host(self, server);
    expect(await resumes(self, at)).toBe(false);
    expect(await resumes(self, at)).toBe(true);
  });

  it('brings a client back that had shown a certificate, which stays known', async () => {
    const at = await host(self, { ...server, ...asking, failIfNoPeerCert: true });
    expect(await resumes(self, at, known)).toBe(false);
    const meeting = await meet(self, at, known);
    expect(meeting.server['sessionResumption']).toBe(true);
    expect(await ssl.peercert(meeting.serverSocket)).toEqual({ ok: new Uint8Array(clientCertificate) });
    await part(meeting);
  });

  it('ends with its lifetime', async () => {
    await again({ session_lifetime: 60 });
    const at = await host(self, server);
    await resumes(self, at, v12);
    ahead = 59_000;
    expect(await resumes(self, at, v12)).toBe(true);
    ahead = 61_000;
    expect(await resumes(self, at, v12)).toBe(false);
  });

  it('is not made longer by being resumed', async () => {
    await again({ session_lifetime: 60 });
    const at = await host(self, server);
    await resumes(self, at, v12);
    for (const seconds of [20, 40, 58]) {
      ahead = seconds * 1000;
      expect(await resumes(self, at, v12)).toBe(true);
    }
    ahead = 62_000;
    expect(await resumes(self, at, v12)).toBe(false);
  });

  const other = createCa();
  it.each<[string, ssl.TlsClientOptions]>([
    ['another name', { serverNameIndication: 'other.example' }],
    ['other trust', { cacerts: [ca.cert, other.cert] }],
    ['a verify_fun that is not the very same', { verifyFun: [lenient(), undefined] }],
    ['a certificate of its own', known],
    ['another depth', { depth: 3 }],
    ['no look at certificates', { verify: 'verify_none' }],
    ['other suites', { ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' }],
    ['reuseSessions: false', { reuseSessions: false }],
    ['reuseSessions: save, which only stores', { reuseSessions: 'save' }],
  ])('is not offered under %s', async (_what, options) => {
    const at = await host(self, server);
    await resumes(self, at, v12);
    expect(await resumes(self, at, { ...v12, ...options })).toBe(false);
    expect(await resumes(self, at, v12)).toBe(true);
  });

  it.each<[string, ssl.TlsServerOptions]>([
    ['another demand', { ...asking, failIfNoPeerCert: false }],
    [
      'another certificate',
      { cert: other.issue({ names: ['localhost'] }).chain, key: { PrivateKeyInfo: new Uint8Array(0) } },
    ],
    ['reuseSessions: false', { reuseSessions: false }],
    ['a policy that says no', { reuseSession: () => false }],
    [
      'a policy that throws',
      {
        reuseSession: () => {
          throw new Error('no');
        },
      },
    ],
    ['a policy that says neither', { reuseSession: () => Promise.resolve(Object('yes')) }],
  ])('is not resumed by a server with %s', async (what, options) => {
    const at = await host(self, server);
    await resumes(self, at, v12);
    if (what === 'another certificate') {
      const fresh = ca.issue({ names: ['localhost'] });
      at.later = { cert: fresh.chain, key: { PrivateKeyInfo: fresh.key } };
    } else at.later = options;
    expect(await resumes(self, at, v12)).toBe(false);
  });

  it('is resumed when the policy says so, which hears id, certificate and suite', async () => {
    const heard: unknown[] = [];
    const at = await host(self, {
      ...server,
      ...asking,
      reuseSession: (...all) => {
        heard.push(all);
        return Promise.resolve(true);
      },
    });
    await resumes(self, at, { ...v12, ...known });
    const meeting = await meet(self, at, { ...v12, ...known });
    await part(meeting);
    expect(meeting.client['sessionResumption']).toBe(true);
    expect(heard).toEqual([
      [
        new Uint8Array(Object(meeting.client['sessionId'])),
        new Uint8Array(clientCertificate),
        0,
        meeting.client['selectedCipherSuite'],
      ],
    ]);
  });

  it('is kept of each connection by save, and named by its id; one that nobody knows costs nothing', async () => {
    const at = await host(self, server);
    const one = await meet(self, at, { ...v12, reuseSessions: 'save' });
    const two = await meet(self, at, { ...v12, reuseSessions: 'save' });
    await part(one);
    await part(two);
    expect((await sessionCacheInfo(node, clientCache)).size).toBe(2);
    for (const { client } of [one, two]) {
      const id = client['sessionId'];
      if (!(id instanceof Uint8Array)) throw new Error('no id');
      const back = await meet(self, at, { ...v12, reuseSessions: 'save', reuseSession: id });
      expect(back.client).toMatchObject({ sessionResumption: true, sessionId: id });
      await part(back);
    }
    expect(await resumes(self, at, { ...v12, reuseSession: new Uint8Array(32) })).toBe(false);
  });

  it('travels as data in the hands of its user, to another node too', async () => {
    const at = await host(self, server);
    const meeting = await meet(self, at, { ...v12, reuseSessions: false });
    const { sessionId: id, sessionData: data } = ssl.unwrap(
      await ssl.connectionInformation(meeting.clientSocket, ['sessionId', 'sessionData']),
    );
    await part(meeting);
    if (data === undefined) throw new Error('no data');
    expect(await resumes(self, at, { ...v12, reuseSession: { id, data } })).toBe(true);
    const spoilt: readonly [Uint8Array, Uint8Array] = [new Uint8Array(32), data.subarray(1)];
    expect(await resumes(self, at, { ...v12, reuseSession: spoilt })).toBe(false);
  });

  it('is told to nobody who does not ask for it', async () => {
    const at = await host(self, server);
    const meeting = await meet(self, at, v12);
    expect(meeting.client).not.toHaveProperty('sessionData');
    expect(meeting.server).not.toHaveProperty('sessionData');
    await part(meeting);
  });

  it('that a stranger tries is still its owner’s', async () => {
    const at = await host(self, server);
    const meeting = await meet(self, at, v12);
    const { sessionId: id, sessionData } = ssl.unwrap(
      await ssl.connectionInformation(meeting.clientSocket, ['sessionId', 'sessionData']),
    );
    await part(meeting);
    if (sessionData === undefined) throw new Error('no data');
    const data = new Uint8Array(sessionData);
    // A bit of the master secret, behind format, version and suite.
    data[10] = (data[10] ?? 0) ^ 1;
    const stranger = { ...v12, reuseSessions: false, reuseSession: { id, data } } as const;
    await expect(meet(self, at, stranger)).rejects.toThrow('Bad Record MAC');
    expect(await resumes(self, at, v12)).toBe(true);
  });

  it('goes with a fatal alert of the peer', async () => {
    const at = await host(self, server);
    const meeting = await meet(self, at, v12);
    expect((await sessionCacheInfo(node, clientCache)).size).toBe(1);
    node.exit(meeting.serverSocket.connection, 'kill');
    expect(await ssl.recv(meeting.clientSocket, 1, 2000)).toMatchObject({
      error: { tls_alert: ['internal_error', expect.any(String)] },
    });
    await expect.poll(async () => (await sessionCacheInfo(node, clientCache)).size).toBe(0);
    expect(await resumes(self, at, v12)).toBe(false);
  });

  it.runIf(kind === 'ticket')(
    'that a user keeps after a renegotiation is none whose ticket holds another secret',
    async () => {
      const at = await host(self, server);
      const meeting = await meet(self, at, v12);
      const { clientSocket } = meeting;
      const { sessionId: id } = ssl.unwrap(await ssl.connectionInformation(clientSocket, ['sessionId']));
      ssl.unwrap(await ssl.renegotiate(clientSocket));
      const { sessionData: data } = ssl.unwrap(
        await ssl.connectionInformation(clientSocket, ['sessionData']),
      );
      await part(meeting);
      if (data === undefined) throw new Error('no data');
      const keeping = { ...v12, reuseSessions: false, reuseSession: { id, data } } as const;
      expect(await resumes(self, at, keeping)).toBe(false);
    },
  );

  it('that the server knows no more is forgotten, and the next one is resumed', async () => {
    const at = await host(self, server);
    await resumes(self, at, v12);
    await at.close();
    const listening = { ...served, ...server, ip: 'loopback', active: false } as const;
    const listener = ssl.unwrap(await ssl.listen(self, at.port, listening));
    const after = { ...at, listener };
    expect(await resumes(self, after, v12)).toBe(false);
    expect(await resumes(self, after, v12)).toBe(true);
  });
});

it('of one user is not offered by a client that has become another', async () => {
  const common = { ...v12, ciphers: 'TLS_PSK_WITH_AES_128_GCM_SHA256' } as const;
  const lookup: ssl.UserLookupFun = () => ({ ok: Buffer.alloc(32, 9) });
  const at = await host(self, { ...common, cert: undefined, key: undefined, userLookupFun: [lookup, 0] });
  const as = (pskIdentity: string): ssl.TlsClientOptions => ({
    ...{ ...common, pskIdentity, userLookupFun: [lookup, 0], verify: 'verify_peer' },
  });
  expect(await resumes(self, at, as('alice'))).toBe(false);
  expect(await resumes(self, at, as('alice'))).toBe(true);
  const meeting = await meet(self, at, as('bob'));
  expect(meeting.server).toMatchObject({ sessionResumption: false, pskIdentity: 'bob' });
  await part(meeting);
});

it('is not lost to its owner by whoever names it beside a ticket of his own, and fails', async () => {
  const at = await host(self, by('ticket'));
  const victim = { ...v12, olderSessionTickets: false } as const;
  const owned = await meet(self, at, victim);
  const { sessionId: id } = ssl.unwrap(await ssl.connectionInformation(owned.clientSocket, ['sessionId']));
  await part(owned);
  const own = await meet(self, at, { ...v12, reuseSessions: 'save' });
  const { sessionData: data } = ssl.unwrap(
    await ssl.connectionInformation(own.clientSocket, ['sessionData']),
  );
  await part(own);
  if (data === undefined) throw new Error('no data');
  const thief = await meet(self, at, { ...v12, reuseSession: { id, data } });
  expect(thief.server).toMatchObject({ sessionResumption: true, sessionId: id });
  node.exit(thief.clientSocket.connection, 'kill');
  expect(await ssl.recv(thief.serverSocket, 1, 2000)).toMatchObject({
    error: { tls_alert: ['internal_error', expect.any(String)] },
  });
  expect(await resumes(self, at, victim)).toBe(true);
});

describe('tables', () => {
  it('hold so many, and the oldest goes', async () => {
    await again({ session_cache_server_max: 3, session_cache_client_max: 2 });
    const at = await host(self, by('id'));
    for (let i = 0; i < 8; i += 1) await part(await meet(self, at, { ...v12, reuseSessions: 'save' }));
    expect(await sessionCacheInfo(node, clientCache)).toMatchObject({ size: 2, pushedOut: 6 });
    expect(await sessionCacheInfo(node, cacheOfListener())).toMatchObject({ size: 3, pushedOut: 5 });
  });

  it('that are full forget no server since another is met again', async () => {
    await again({ session_cache_client_max: 2 });
    const [one, other] = [await host(self, by('id')), await host(self, by('id'))];
    const cache = cacheOfListener();
    expect([await resumes(self, one, v12), await resumes(self, other, v12)]).toEqual([false, false]);
    const lost = node.whereis(cache);
    if (lost === undefined) throw new Error('no table');
    node.exit(lost, 'kill');
    await expect.poll(() => node.whereis(cache)).not.toBe(lost);
    await expect.poll(() => node.whereis(cache)).not.toBe(undefined);
    expect([await resumes(self, one, v12), await resumes(self, other, v12)]).toEqual([false, true]);
  });

  it('that die come back empty, and nobody is hurt', async () => {
    const at = await host(self, by('id'));
    const standing = await meet(self, at, v12);
    for (const name of [clientCache, cacheOfListener()]) {
      const cache = node.whereis(name);
      if (cache === undefined) throw new Error(name);
      node.exit(cache, 'kill');
      await expect.poll(() => node.whereis(name) ?? cache).not.toBe(cache);
    }
    expect(await resumes(self, at, v12)).toBe(false);
    expect(await resumes(self, at, v12)).toBe(true);
    ssl.unwrap(await ssl.send(standing.clientSocket, 'still here'));
    expect(ssl.unwrap(await ssl.recv(standing.serverSocket, 10, 5000))).toEqual(Buffer.from('still here'));
    await part(standing);
  });

  it('end with their listener', async () => {
    const at = await host(self, by('id'));
    const name = cacheOfListener();
    expect(node.whereis(name)).toBeDefined();
    await at.close();
    await expect.poll(() => node.whereis(name)).toBeUndefined();
  });

  it('show no session to whoever looks at them', async () => {
    const at = await host(self, by('id'));
    const meeting = await meet(self, at, v12);
    const { masterSecret } = ssl.unwrap(
      await ssl.connectionInformation(meeting.clientSocket, ['masterSecret']),
    );
    await part(meeting);
    const shown = inspect(node, { depth: 20, showHidden: true });
    expect(shown).not.toContain(Buffer.from(masterSecret ?? []).toString('hex'));
  });
});

describe('session_cb', () => {
  interface Table {
    readonly rows: Map<string, StoredSession>;
    readonly role: string;
    readonly args: unknown;
  }
  const tables: Table[] = [];
  const shared: SessionCacheApi<Table> = {
    init(role, args) {
      const table = { rows: new Map<string, StoredSession>(), role, args };
      tables.push(table);
      return table;
    },
    terminate: () => true,
    lookup: ({ rows }, key: SessionKey) => rows.get(sessionKeyText(key)),
    update: ({ rows }, key, session) => Promise.resolve(rows.set(sessionKeyText(key), session)),
    delete: ({ rows }, key) => rows.delete(sessionKeyText(key)),
    size: ({ rows }) => rows.size,
  };

  it('is where sessions are kept, with its arguments, for both sides', async () => {
    tables.length = 0;
    await again({ session_cb: shared, session_cb_init_args: ['a', 'b'] });
    const at = await host(self, by('id'));
    expect(await resumes(self, at, v12)).toBe(false);
    expect(await resumes(self, at, v12)).toBe(true);
    expect(tables.map(({ role, args, rows }) => [role, args, rows.size])).toEqual([
      ['client', ['a', 'b'], 1],
      ['server', ['a', 'b'], 1],
    ]);
  });

  it('that throws or never answers costs a full handshake, and what was put there by others is none', async () => {
    const broken: SessionCacheApi = {
      init: () => ({}),
      terminate: () => true,
      lookup: () => {
        throw new Error('gone');
      },
      update: () => Promise.reject(new Error('gone')),
      delete: () => true,
      size: () => 0,
    };
    await again({ server_session_cb: broken });
    const at = await host(self, by('id'));
    expect(await resumes(self, at, v12)).toBe(false);
    expect(await resumes(self, at, v12)).toBe(false);
    expect((await sessionCacheInfo(node, cacheOfListener())).backendFailures).toBeGreaterThan(1);
    const strange: SessionCacheApi = {
      ...broken,
      lookup: () => ({
        sessionId: new Uint8Array(32),
        createdAt: Date.now(),
        likeness: '',
        content: { expose: () => new Uint8Array(300).fill(12) },
      }),
    };
    await again({ server_session_cb: strange });
    const there = await host(self, by('id'));
    expect(await resumes(self, there, v12)).toBe(false);
    expect(await resumes(self, there, v12)).toBe(false);
  });

  it('of a thief who changes what is written there resumes under no other policy', async () => {
    const rows = new Map<string, StoredSession>();
    const stolen: SessionCacheApi = {
      init: () => ({}),
      terminate: () => true,
      // Whatever is asked for: the session of the listener that asks nobody for a certificate.
      lookup: () => [...rows.values()][0],
      update: (_handle, key, session) => rows.set(sessionKeyText(key), session),
      delete: () => true,
      size: () => 0,
    };
    await again({ server_session_cb: stolen });
    const open = await host(self, by('id'));
    const guarded = await host(self, { ...by('id'), ...asking, failIfNoPeerCert: true });
    const meeting = await meet(self, open, { ...v12, reuseSessions: 'save' });
    await part(meeting);
    const id = meeting.client['sessionId'];
    if (!(id instanceof Uint8Array)) throw new Error('no id');
    const { data } = await dataOf(open);
    const tried = meet(self, guarded, { ...v12, reuseSession: { id, data } });
    await expect(tried).rejects.toThrow();
  });

  async function dataOf(at: Awaited<ReturnType<typeof host>>): Promise<{ readonly data: Uint8Array }> {
    const meeting = await meet(self, at, v12);
    const { sessionData } = ssl.unwrap(
      await ssl.connectionInformation(meeting.clientSocket, ['sessionData']),
    );
    await part(meeting);
    if (sessionData === undefined) throw new Error('no data');
    return { data: sessionData };
  }
});

describe('several listeners', () => {
  it('do not know each other’s sessions and tickets', async () => {
    for (const kind of kinds) {
      const here = await host(self, by(kind));
      const there = await host(self, by(kind));
      const meeting = await meet(self, here, v12);
      const { sessionData: data } = ssl.unwrap(
        await ssl.connectionInformation(meeting.clientSocket, ['sessionData']),
      );
      await part(meeting);
      const id = meeting.client['sessionId'];
      if (!(id instanceof Uint8Array) || data === undefined) throw new Error('no session');
      expect(await resumes(self, here, { ...v12, reuseSession: { id, data } })).toBe(true);
      expect(await resumes(self, there, { ...v12, reuseSession: { id, data } })).toBe(false);
    }
  });

  it('with stateless tickets of TLS 1.3 seal those of all versions under one ring of keys, for one purpose each', async () => {
    const at = await host(self, { sessionTickets: 'stateless' });
    expect(await resumes(self, at, v12)).toBe(false);
    expect(await resumes(self, at, v12)).toBe(true);
    expect(await resumes(self, at, { sessionTickets: 'auto' })).toBe(false);
    expect(await resumes(self, at, { sessionTickets: 'auto' })).toBe(true);
    expect(node.registered().filter((name) => name.startsWith('tls_older_session_ticket_')).length).toBe(1);
  });
});
