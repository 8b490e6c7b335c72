/** What a listener and a node count of sessions of TLS 1.2 and before (RFC 5246 §7.3, RFC 5077). */
import {
  createNode,
  type Node,
  type ObservedChild,
  type ObservedProcess,
  observe,
  type Self,
  silentLogger,
} from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asking, ca, host, meet, part, resumes } from './two-ends.js';

let node: Node;
let self: Self;
/** ms that the wall clock is ahead. */
let ahead: number;
beforeEach(async () => {
  ahead = 0;
  node = createNode({ logger: silentLogger });
  self = node.shell();
  const env = { session_lifetime: 60 };
  ssl.unwrap(await ssl.start({ node, env, wallClock: () => Date.now() + ahead }));
});
afterEach(async () => {
  await ssl.stop(node);
  node.stop();
});

const v12 = { versions: ['tlsv1.2'] } as const;
const all = (child: ObservedChild): readonly ObservedProcess[] =>
  'pid' in child ? [child, ...child.children.flatMap(all)] : [];
const nothing = { expired: 0, unknown: 0, policy: 0, terms: 0, unwanted: 0 };

describe.each(['id', 'ticket'] as const)('sessions found by %s', (kind) => {
  const by = { ...v12, olderSessionTickets: kind === 'ticket' };
  const issued = (count: number): number => (kind === 'ticket' ? count : 0);

  it('are counted: full handshakes, resumed ones, and tickets', async () => {
    const at = await host(self, by);
    expect(await at.sessions()).toEqual({ full: 0, resumed: 0, refused: nothing, issued: 0 });
    for (const resumed of [false, true, true]) expect(await resumes(self, at, v12)).toBe(resumed);
    const counters = { full: 1, resumed: 2, refused: nothing, issued: issued(1) };
    expect(await at.sessions()).toEqual(counters);
    expect(ssl.nodeCounters(node)).toMatchObject({ sessions: counters });
    const counts = observe(node)
      .tree.flatMap(all)
      .flatMap((one) => one.counts ?? []);
    expect(counts).toContainEqual(expect.objectContaining({ sessions: counters }));
  });

  it.each<[ssl.SessionRefusal, ssl.TlsServerOptions]>([
    ['policy', { ...asking, failIfNoPeerCert: false }],
    ['terms', { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }],
    ['unwanted', { reuseSession: () => false }],
  ])('that are not resumed are counted by reason: %s', async (why, later) => {
    const at = await host(self, { ...by, ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' });
    await resumes(self, at, v12);
    at.later = later;
    expect(await resumes(self, at, v12)).toBe(false);
    const counters = { full: 2, resumed: 0, refused: { ...nothing, [why]: 1 }, issued: issued(2) };
    expect(await at.sessions()).toEqual(counters);
  });

  it('that another listener has given are unknown', async () => {
    const [one, two] = [await host(self, by), await host(self, by)];
    const meeting = await meet(self, one, { ...v12, reuseSessions: 'save' });
    const { sessionId: id, sessionData: data } = ssl.unwrap(
      await ssl.connectionInformation(meeting.clientSocket, ['sessionId', 'sessionData']),
    );
    await part(meeting);
    if (id === undefined || data === undefined) throw new Error('nothing to come back with');
    expect(await resumes(self, two, { ...v12, reuseSession: { id, data } })).toBe(false);
    expect(await two.sessions()).toMatchObject({ full: 1, resumed: 0, refused: { ...nothing, unknown: 1 } });
    expect(await one.sessions()).toMatchObject({ full: 1, resumed: 0, refused: nothing });
    expect(ssl.nodeCounters(node)).toMatchObject({
      sessions: { full: 2, resumed: 0, refused: { ...nothing, unknown: 1 } },
    });
  });
});

it('a ticket that has outlived its session is expired', async () => {
  const at = await host(self, v12);
  const meeting = await meet(self, at, { ...v12, reuseSessions: 'save' });
  const { sessionId: id, sessionData: data } = ssl.unwrap(
    await ssl.connectionInformation(meeting.clientSocket, ['sessionId', 'sessionData']),
  );
  await part(meeting);
  if (id === undefined || data === undefined) throw new Error('nothing to come back with');
  // A client whose clock stands still.
  const other = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node: other }));
  ahead = 61_000;
  const serving = ssl
    .transportAccept(self, at.listener, 5000)
    .then((accepted) => ssl.handshake(self, ssl.unwrap(accepted), 5000));
  const options = { ...v12, cacerts: [ca.cert], active: false, reuseSession: { id, data } } as const;
  const client = ssl.unwrap(await ssl.connect(other.shell(), 'localhost', at.port, options, 5000));
  ssl.unwrap(await serving);
  expect(await ssl.connectionInformation(client, ['sessionResumption'])).toEqual({
    ok: { sessionResumption: false },
  });
  expect((await at.sessions()).refused).toEqual({ ...nothing, expired: 1 });
  await ssl.stop(other);
  other.stop();
});

it('handshakes of TLS 1.3 are not counted among them, nor theirs among those of TLS 1.3', async () => {
  const at = await host(self, { sessionTickets: 'stateful' });
  for (const resumed of [false, true])
    expect(await resumes(self, at, { sessionTickets: 'auto' })).toBe(resumed);
  expect(await at.sessions()).toEqual({ full: 0, resumed: 0, refused: nothing, issued: 0 });
  for (const resumed of [false, true]) expect(await resumes(self, at, v12)).toBe(resumed);
  expect(await at.sessions()).toMatchObject({ full: 1, resumed: 1, refused: nothing });
  expect(await at.counters()).toMatchObject({ full: 1, resumed: 1, external: 0 });
});

it('a listener of TLS 1.3 alone has no such counters', async () => {
  const at = await host(self, { versions: ['tlsv1.3'] });
  await expect(at.sessions()).rejects.toThrow('no counters');
});
