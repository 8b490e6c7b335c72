/** Early data of DTLS 1.3 (RFC 9147 §5.6, §6.1, RFC 8446 §8) by the public functions on real UDP sockets. */
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Host, host, type Meeting, meet, part } from '../resumption/two-ends.js';

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
});
