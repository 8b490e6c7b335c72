/** Sessions over datagrams as processes keep and find them: by id and by ticket, in both versions, behind the cookie. */
import { createSocket } from 'node:dgram';
import { createNode, type Node, type Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ca = createCa({ key: 'ec' });
const leaf = ca.issue({ key: 'ec' });
const only12 = ['dtlsv1.2'] as const;
const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
let node: Node;
let self: Self<ssl.SslMessage>;

beforeEach(async () => {
  node = createNode();
  ssl.unwrap(await ssl.start({ node }));
  self = node.shell<ssl.SslMessage>();
});
afterEach(async () => {
  await ssl.stop(node);
});

interface Service {
  readonly listener: ssl.SslListenSocket;
  readonly port: number;
}

async function listen(options: ssl.TlsServerOptions = {}): Promise<Service> {
  const listener = ssl.unwrap(
    await ssl.listen(self, 0, {
      ...{ protocol: 'dtls', versions: only12, ip: '127.0.0.1', active: false },
      ...identity,
      ...options,
    }),
  );
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  return { listener, port };
}

/** One connection with some data on it; whether it was resumed, as both sides tell it. */
async function meet({ listener, port }: Service, options: ssl.TlsClientOptions = {}): Promise<unknown[]> {
  const accepting = ssl
    .transportAccept(self, listener, 5000)
    .then((socket) => ssl.handshake(self, ssl.unwrap(socket), 5000));
  const client = ssl.unwrap(
    await ssl.connect(
      self,
      '127.0.0.1',
      port,
      {
        ...{ protocol: 'dtls', versions: only12, active: false, cacerts: [ca.cert] },
        serverNameIndication: 'localhost',
        ...options,
      },
      5000,
    ),
  );
  const server = ssl.unwrap(await accepting);
  ssl.unwrap(await ssl.send(client, 'here'));
  expect(String(ssl.unwrap(await ssl.recv(server, 0, 2000)))).toBe('here');
  const resumed = await Promise.all(
    [client, server].map(async (socket) =>
      ssl.unwrap(await ssl.connectionInformation(socket, ['sessionResumption'])),
    ),
  );
  await ssl.close(client);
  await ssl.close(server);
  return resumed.map(({ sessionResumption }) => sessionResumption);
}

const versions = ['dtlsv1.2', 'dtlsv1'] as const;

describe.each(versions.flatMap((version) => [true, false].map((tickets) => ({ version, tickets }))))(
  '$version, tickets: $tickets',
  ({ version, tickets }) => {
    it('a client that comes back is known, and so is one that shows a certificate', async () => {
      for (const own of [{}, identity]) {
        const service = await listen({
          versions: [version],
          olderSessionTickets: tickets,
          ...(own === identity ? { verify: 'verify_peer', failIfNoPeerCert: true, cacerts: [ca.cert] } : {}),
        });
        const met: unknown[] = [];
        for (let n = 0; n < 3; n += 1) met.push(await meet(service, { versions: [version], ...own }));
        expect(met).toEqual([
          [false, false],
          [true, true],
          [true, true],
        ]);
        await ssl.close(service.listener);
      }
    });
  },
);

describe('the options of sessions', () => {
  it.each([
    ['a server that keeps none', { reuseSessions: false }, {}],
    ['a client that wants none', {}, { reuseSessions: false }],
    ['a server whose user says no', { reuseSession: () => false }, {}],
  ] as const)('%s: each handshake is a full one', async (_who, server, client) => {
    const service = await listen(server);
    for (let n = 0; n < 3; n += 1) expect(await meet(service, client)).toEqual([false, false]);
  });

  it('a session of DTLS 1.2 is none of DTLS 1.0', async () => {
    const service = await listen({ versions: ['dtlsv1.2', 'dtlsv1'] });
    await meet(service);
    expect(await meet(service)).toEqual([true, true]);
    expect(await meet(service, { versions: ['dtlsv1'] })).toEqual([false, false]);
    expect(await meet(service, { versions: ['dtlsv1'] })).toEqual([true, true]);
  });

  it('what a client keeps by itself is offered with its id and data', async () => {
    const service = await listen({ olderSessionTickets: false });
    const accepting = ssl
      .transportAccept(self, service.listener, 5000)
      .then((socket) => ssl.handshake(self, ssl.unwrap(socket), 5000));
    const options = {
      protocol: 'dtls',
      versions,
      cacerts: [ca.cert],
      serverNameIndication: 'localhost',
    } as const;
    const first = ssl.unwrap(await ssl.connect(self, '127.0.0.1', service.port, options, 5000));
    await accepting;
    const { sessionId, sessionData } = ssl.unwrap(
      await ssl.connectionInformation(first, ['sessionId', 'sessionData']),
    );
    await ssl.close(first);
    if (sessionId === undefined || sessionData === undefined) throw new Error('nothing to keep');
    expect(await meet(service, { reuseSession: [sessionId, sessionData] })).toEqual([true, true]);
  });
});

it('no session is looked for before the cookie is back', async () => {
  const asked: Uint8Array[] = [];
  const service = await listen({
    olderSessionTickets: false,
    reuseSession: (id) => {
      asked.push(id);
      return true;
    },
  });
  await meet(service);
  // A relay that keeps the hello which brings a session.
  const relay = createSocket('udp4');
  await new Promise<void>((done) => relay.bind(0, '127.0.0.1', done));
  const hello = new Promise<Buffer>((heard) => relay.once('message', heard));
  const options = {
    protocol: 'dtls',
    versions,
    cacerts: [ca.cert],
    serverNameIndication: 'localhost',
  } as const;
  await meet(service);
  expect(asked).toHaveLength(1);
  const { port } = relay.address();
  const dead = ssl.connect(self, '127.0.0.1', port, options, 200);
  const bytes = await hello;
  await dead;
  // With the id of the session in place of none.
  const at = 13 + 12 + 2 + 32;
  expect(bytes[at]).toBe(0);
  const [id = new Uint8Array(0)] = asked;
  const forged = Buffer.concat([bytes.subarray(0, at), Buffer.of(id.length), id, bytes.subarray(at + 1)]);
  for (const [place, more] of [
    [11, forged.length - 13],
    [14 + 1, forged.length - 25],
    [22 + 1, forged.length - 25],
  ] as const)
    forged.writeUInt16BE(more, place);
  const answered = new Promise<Buffer>((heard) => relay.once('message', heard));
  for (let n = 0; n < 20; n += 1) relay.send(forged, service.port, '127.0.0.1');
  // HelloVerifyRequest
  expect((await answered)[13]).toBe(3);
  await new Promise((done) => setTimeout(done, 50));
  expect(asked).toHaveLength(1);
  relay.close();
});
