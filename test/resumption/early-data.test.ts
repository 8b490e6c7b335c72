/** Data that comes before the handshake is complete (RFC 8446 §2.3, §8; contract §13.4), over loopback. */
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SessionTicket } from '../../packages/ssl/src/values/session-ticket.js';
import { sendAgain, tapTo } from './tap.js';
import { type Host, host, type Meeting, meet, part, trusting } from './two-ends.js';

let node: Node;
let self: Self;
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

const early = Buffer.from('GET / HTTP/1.1\r\n\r\n');
const auto = { sessionTickets: 'auto' } as const;
const manual = { sessionTickets: 'manual' } as const;
const stateless = { sessionTickets: 'stateless', antiReplay: '10k', earlyData: 'enabled' } as const;
const stateful = { sessionTickets: 'stateful', earlyData: 'enabled' } as const;

/** What the owner of a client's early data was told. */
async function outcome(): Promise<unknown> {
  return Object(await self.receive({ type: 'early_data' }, { after: 5000 })).status;
}

async function ticket(): Promise<ssl.SessionTicket> {
  const found: unknown = Object(await self.receive({ type: 'session_ticket' }, { after: 5000 })).ticket;
  if (!(found instanceof SessionTicket)) throw new Error('no ticket');
  return found;
}

/** A first meeting, for the ticket; then one with early data. */
async function twice(at: Host, options: ssl.TlsClientOptions = {}): Promise<Meeting> {
  await part(await meet(self, at, { ...auto, ...options }));
  return meet(self, at, { ...auto, ...options, earlyData: early });
}

describe.each([
  ['stateless with anti-replay', stateless],
  ['stateful', stateful],
] as const)('early data under tickets that are %s', (_kind, options) => {
  it('comes first and marked, and both sides can ask which bytes were early', async () => {
    const at = await host(self, options);
    const meeting = await twice(at);
    expect(await outcome()).toBe('accepted');
    const { clientSocket, serverSocket } = meeting;
    ssl.unwrap(await ssl.send(clientSocket, 'later'));
    expect(await ssl.recv(serverSocket, 0, 5000)).toEqual({ ok: early, earlyData: true });
    expect(await ssl.recv(serverSocket, 0, 5000)).toEqual({ ok: Buffer.from('later') });
    expect(meeting.server).toMatchObject({ earlyDataStatus: 'accepted', earlyBytes: early.length });
    expect(meeting.client).toMatchObject({ earlyDataStatus: 'accepted', sessionResumption: true });
    expect(meeting.client).not.toHaveProperty('earlyBytes');
    expect((await at.counters()).earlyData).toEqual({ accepted: 1, rejected: 0, bytes: early.length });
    await part(meeting);
  });

  it('is marked in messages too, and what is cut across is early', async () => {
    const at = await host(self, options);
    const { clientSocket, serverSocket } = await twice(at);
    ssl.unwrap(await ssl.send(clientSocket, 'later'));
    expect(await ssl.recv(serverSocket, early.length - 2, 5000)).toHaveProperty('earlyData', true);
    expect(await ssl.recv(serverSocket, 4, 5000)).toEqual({ ok: Buffer.from('\r\nla'), earlyData: true });
    expect(await ssl.recv(serverSocket, 3, 5000)).toEqual({ ok: Buffer.from('ter') });
    const { serverSocket: active } = await twice(at);
    ssl.unwrap(await ssl.setopts(active, { active: true }));
    const message = await self.receive({ type: 'ssl' }, { after: 5000 });
    expect(message).toEqual({ type: 'ssl', socket: active, data: early, earlyData: true });
  });

  it('is rejected after a HelloRetryRequest, and the connection goes on', async () => {
    const at = await host(self, { ...options, supportedGroups: ['secp256r1'] });
    const meeting = await twice(at, { supportedGroups: ['x25519', 'secp256r1'] });
    expect(await outcome()).toBe('rejected');
    expect(meeting.server).toMatchObject({ earlyDataStatus: 'rejected', sessionResumption: true });
    ssl.unwrap(await ssl.send(meeting.clientSocket, 'later'));
    expect(await ssl.recv(meeting.serverSocket, 0, 5000)).toEqual({ ok: Buffer.from('later') });
  });

  it('is not read when the protocol agreed on is another one', async () => {
    const at = await host(self, { ...options, alpnPreferredProtocols: ['h2', 'http/1.1'] });
    await part(await meet(self, at, { ...auto, alpnAdvertisedProtocols: ['http/1.1'] }));
    const both = { alpnAdvertisedProtocols: ['http/1.1', 'h2'] };
    const meeting = await meet(self, at, { ...auto, ...both, earlyData: early });
    expect(await outcome()).toBe('rejected');
    expect(meeting.server['sessionResumption']).toBe(true);
  });
});

describe('early data that was sent before', () => {
  it.each([
    ['stateless', stateless],
    ['stateful', stateful],
  ] as const)('is read once, however often it comes (%s)', async (_kind, options) => {
    const at = await host(self, options);
    const tap = await tapTo(at.port);
    await part(await meet(self, { ...at, port: tap.port }, auto));
    await part(await meet(self, { ...at, port: tap.port }, { ...auto, earlyData: early }));
    const flight = tap.sent[1] ?? Buffer.alloc(0);
    const accepting = Array.from({ length: 20 }, async () => {
      const accepted = ssl.unwrap(await ssl.transportAccept(self, at.listener, 5000));
      return ssl.handshake(self, accepted, 2000);
    });
    await Promise.all(accepting.map(() => sendAgain(at.port, flight)));
    for (const answer of await Promise.all(accepting)) expect(answer).toHaveProperty('error');
    const counters = await at.counters();
    expect(counters.earlyData).toEqual({ accepted: 1, rejected: 0, bytes: early.length });
    expect(counters.resumed).toBe(1);
    await tap.close();
  });

  it('is not read after the filter was lost, for as long as its tickets could be replayed', async () => {
    const at = await host(self, stateless);
    await part(await meet(self, at, auto));
    const [filter] = node
      .processes()
      .filter((pid) => /^tls_anti_replay_\d+$/.test(node.processInfo(pid)?.name ?? ''));
    if (filter === undefined) throw new Error('no filter');
    node.exit(filter, 'kill');
    const meeting = await meet(self, at, { ...auto, earlyData: early });
    expect(await outcome()).toBe('rejected');
    expect(meeting.server['sessionResumption']).toBe(false);
    expect((await at.counters()).refused.replay).toBe(1);
  });

  it('is not read by a server that begins with a seed, until the window of its filter is over', async () => {
    const seed = { ...stateless, statelessTicketsSeed: new Uint8Array(32) };
    const one = await host(self, seed);
    await part(await meet(self, one, manual));
    const useTicket = [await ticket()];
    const two = await host(self, seed);
    const meeting = await meet(self, two, { ...manual, useTicket, earlyData: early });
    expect(await outcome()).toBe('rejected');
    expect(meeting.server['sessionResumption']).toBe(false);
  });
});

describe('a server', () => {
  it('promises none and reads none where nobody vouches for it', async () => {
    for (const options of [
      { sessionTickets: 'stateless', earlyData: 'enabled' },
      { sessionTickets: 'stateful' },
      { sessionTickets: 'stateless', antiReplay: '10k' },
    ] as const) {
      const at = await host(self, options);
      await part(await meet(self, at, manual));
      const mine = await ticket();
      expect(mine.content()?.maxEarlyData).toBe(0);
      await part(await meet(self, at, auto));
      const meeting = await meet(self, at, { ...auto, earlyData: early });
      expect(await outcome()).toBe('rejected');
      expect(meeting.server).toMatchObject({ sessionResumption: true });
      expect(meeting.server).not.toHaveProperty('earlyDataStatus');
      await part(meeting);
      await at.close();
    }
  });

  it('reads none under a ticket older than the window, and resumes', async () => {
    const at = await host(self, stateless);
    await part(await meet(self, at, manual));
    const useTicket = [await ticket()];
    ahead = 11_000;
    const meeting = await meet(self, at, { ...manual, useTicket, earlyData: early });
    expect(await outcome()).toBe('rejected');
    expect(meeting.server).toMatchObject({ sessionResumption: true, earlyDataStatus: 'rejected' });
  });

  it('reads none of a hello that says another age than the ticket has (§8.3)', async () => {
    const at = await host(self, stateful);
    await part(await meet(self, at, manual));
    const mine = await ticket();
    const content = mine.content();
    if (content === undefined) throw new Error('no ticket');
    // Twenty seconds on its way.
    const held = new SessionTicket({ ...content, received: content.received - 20_000 });
    const meeting = await meet(self, at, { ...manual, useTicket: [held], earlyData: early });
    expect(await outcome()).toBe('rejected');
    expect(meeting.server['sessionResumption']).toBe(true);
  });

  it('allows as much as it is told to, and passes over what an old ticket allowed', async () => {
    await ssl.stop(node);
    node.stop();
    await begin({ server_session_ticket_max_early_data: 100_000 });
    const at = await host(self, stateful);
    await part(await meet(self, at, manual));
    const mine = await ticket();
    expect(mine.content()?.maxEarlyData).toBe(100_000);
    const much = Buffer.alloc(100_000, 7);
    const accepted = await meet(self, at, { ...manual, useTicket: [mine], earlyData: much });
    expect(await outcome()).toBe('accepted');
    expect(await ssl.recv(accepted.serverSocket, much.length, 5000)).toEqual({ ok: much, earlyData: true });
    // One that takes none: it has to get past all that it was sent.
    at.later = { earlyData: 'disabled' };
    const next = await ticket();
    const rejected = await meet(self, at, { ...manual, useTicket: [next], earlyData: much });
    expect(await outcome()).toBe('rejected');
    ssl.unwrap(await ssl.send(rejected.clientSocket, 'later'));
    expect(await ssl.recv(rejected.serverSocket, 0, 5000)).toEqual({ ok: Buffer.from('later') });
  });
});

describe('a client', () => {
  it('without a ticket that allows it sends none, and says so', async () => {
    const at = await host(self, stateful);
    const first = await meet(self, at, { ...auto, earlyData: early });
    expect(await outcome()).toBe('rejected');
    expect(first.client['sessionResumption']).toBe(false);
    const more = await meet(self, at, { ...auto, earlyData: Buffer.alloc(16_385) });
    expect(await outcome()).toBe('rejected');
    expect(more.client['sessionResumption']).toBe(true);
    expect(await ssl.recv(more.serverSocket, 0, 100)).toEqual({ error: 'timeout' });
  });

  it('that gives a ticket of its own for more than it allows has made a mistake', async () => {
    const at = await host(self, stateful);
    await part(await meet(self, at, manual));
    const useTicket = [await ticket()];
    const answer = await ssl.connect(
      self,
      'localhost',
      at.port,
      { ...trusting, ...manual, useTicket, earlyData: Buffer.alloc(16_385) },
      5000,
    );
    expect(answer).toMatchObject({ error: { tls_alert: ['illegal_parameter', expect.any(String)] } });
  });

  it('is told nothing when it has sent nothing early', async () => {
    const at = await host(self, stateful);
    const meeting = await twice(at);
    expect(await outcome()).toBe('accepted');
    await part(meeting);
    await part(await meet(self, at, { ...auto, earlyData: new Uint8Array() }));
    expect(await self.receive({ type: 'early_data' }, { after: 50 })).toBe('timeout');
  });
});
