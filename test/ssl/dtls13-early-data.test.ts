/** Early data of DTLS 1.3 (RFC 9147 §5.6, §6.1, RFC 8446 §8) by the public functions on real UDP sockets. */
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Host, host, type Meeting, meet, part, trusting } from '../resumption/two-ends.js';

let node: Node;
let self: Self;

beforeEach(async () => {
  node = createNode({ logger: silentLogger });
  self = node.shell();
  ssl.unwrap(await ssl.start({ node }));
});
afterEach(async () => {
  await ssl.stop(node);
  node.stop();
});

const dtls = { protocol: 'dtls', versions: ['dtlsv1.3'] } satisfies ssl.TlsClientOptions;
const auto = { ...dtls, sessionTickets: 'auto' } satisfies ssl.TlsClientOptions;
const stateless = { ...dtls, sessionTickets: 'stateless', antiReplay: '10k', earlyData: 'enabled' } as const;
const stateful = { ...dtls, sessionTickets: 'stateful', earlyData: 'enabled' } as const;
const early = Buffer.from('a reading of a sensor');

async function outcome(): Promise<unknown> {
  return Object(await self.receive({ type: 'early_data' }, { after: 5000 })).status;
}

async function twice(
  at: Host,
  options: ssl.TlsClientOptions = {},
  data: Uint8Array = early,
): Promise<Meeting> {
  await part(await meet(self, at, { ...auto, ...options }));
  return meet(self, at, { ...auto, ...options, earlyData: data });
}

describe.each([
  ['stateless with anti-replay', stateless],
  ['stateful', stateful],
] as const)('early data over datagrams, under tickets that are %s', (_kind, options) => {
  it('comes first and marked, without a round trip for a cookie', async () => {
    const at = await host(self, options);
    const { clientSocket, serverSocket, client, server } = await twice(at);
    expect(await outcome()).toBe('accepted');
    ssl.unwrap(await ssl.send(clientSocket, 'later'));
    expect(await ssl.recv(serverSocket, 0, 5000)).toEqual({ ok: early, earlyData: true });
    expect(await ssl.recv(serverSocket, 0, 5000)).toEqual({ ok: Buffer.from('later') });
    expect(server).toMatchObject({
      protocol: 'dtlsv1.3',
      earlyDataStatus: 'accepted',
      earlyBytes: early.length,
      sessionResumption: true,
    });
    expect(client).toMatchObject({ earlyDataStatus: 'accepted', sessionResumption: true });
    expect((await at.counters()).earlyData).toEqual({ accepted: 1, rejected: 0, bytes: early.length });
  });

  it('is a message, and its early secrets are the same on both sides', async () => {
    const at = await host(self, options);
    const { clientSocket, serverSocket } = await twice(at);
    ssl.unwrap(await ssl.setopts(serverSocket, { active: true }));
    const message = await self.receive({ type: 'ssl' }, { after: 5000 });
    expect(message).toEqual({ type: 'ssl', socket: serverSocket, data: early, earlyData: true });
    const [ours, theirs] = await Promise.all(
      [clientSocket, serverSocket].map((socket) =>
        ssl.exportEarlyKeyMaterials(socket, ['EXPORTER-early'], ['no_context'], [32], false),
      ),
    );
    expect(ours).toMatchObject({ ok: [expect.any(Uint8Array)] });
    expect(ours).toEqual(theirs);
  });

  it('is rejected after a HelloRetryRequest for another share, and the connection goes on', async () => {
    const at = await host(self, { ...options, supportedGroups: ['secp256r1'] });
    const { clientSocket, serverSocket, client, server } = await twice(at, {
      supportedGroups: ['x25519', 'secp256r1'],
    });
    expect(await outcome()).toBe('rejected');
    expect(client).toMatchObject({ earlyDataStatus: 'rejected', sessionResumption: true });
    expect(server).toMatchObject({ sessionResumption: true });
    ssl.unwrap(await ssl.send(clientSocket, 'later'));
    expect(await ssl.recv(serverSocket, 0, 5000)).toEqual({ ok: Buffer.from('later') });
    expect((await at.counters()).earlyData.accepted).toBe(0);
  });

  it('is rejected by a server that reads none any more, and the connection goes on', async () => {
    const at = await host(self, options);
    await part(await meet(self, at, auto));
    at.later = { earlyData: 'disabled' };
    const { clientSocket, serverSocket } = await meet(self, at, { ...auto, earlyData: early });
    expect(await outcome()).toBe('rejected');
    ssl.unwrap(await ssl.send(clientSocket, 'later'));
    expect(await ssl.recv(serverSocket, 0, 5000)).toEqual({ ok: Buffer.from('later') });
  });

  it('fills a datagram, and what is longer is not offered', async () => {
    const at = await host(self, options);
    const most = Buffer.alloc(1400 - 22, 7);
    const accepted = await twice(at, { mtu: 1400 }, most);
    expect(await outcome()).toBe('accepted');
    expect(await ssl.recv(accepted.serverSocket, 0, 5000)).toEqual({ ok: most, earlyData: true });
    const longer = await twice(at, { mtu: 1400 }, Buffer.alloc(most.length + 1));
    expect(await outcome()).toBe('rejected');
    expect(longer.client).not.toHaveProperty('earlyDataStatus');
    expect(longer.client['sessionResumption']).toBe(true);
  });
});

describe('a client of DTLS 1.3', () => {
  it('that gives a ticket of its own for more than a datagram holds has made a mistake', async () => {
    const at = await host(self, stateful);
    const manual = { ...trusting, ...dtls, sessionTickets: 'manual', mtu: 1200 } as const;
    await part(await meet(self, at, manual));
    const { ticket } = Object(await self.receive({ type: 'session_ticket' }, { after: 5000 }));
    const more = { useTicket: [ticket], earlyData: Buffer.alloc(1200) };
    const answer = await ssl.connect(self, 'localhost', at.port, { ...manual, ...more }, 5000);
    expect(answer).toMatchObject({ error: { tls_alert: ['illegal_parameter', expect.any(String)] } });
  });

  it('is told that it was rejected when it has no ticket', async () => {
    const at = await host(self, stateful);
    await meet(self, at, { ...auto, earlyData: early });
    expect(await outcome()).toBe('rejected');
  });
});
