/** `ssl:renegotiate/1` over datagrams, by the simulated clock: calls, data all the while, limits, and links that lose. */
import * as ssl from '@actor-tls/ssl';
import { createCa, type Simulation, simulateSsl } from '@actor-tls/ssl/testing';
import { afterEach, expect, it } from 'vitest';

const ca = createCa({ key: 'ec' });
const leaf = ca.issue({ key: 'ec' });
const rejected = { error: 'renegotiation_rejected' };
type Network = NonNullable<NonNullable<Parameters<typeof simulateSsl>[0]>['network']>;
let simulation: Simulation | undefined;
afterEach(async () => {
  await simulation?.stop();
  simulation = undefined;
});

interface Ends extends Simulation {
  readonly client: ssl.SslSocket;
  readonly server: ssl.SslSocket;
}

async function ends(
  serverOptions: ssl.TlsServerOptions = {},
  clientOptions: ssl.TlsClientOptions = {},
  { seed = 1, ...network }: Network & { readonly seed?: number } = {},
): Promise<Ends> {
  simulation = await simulateSsl({ seed, network: { delay: [5, 5], ...network } });
  const { test, run } = simulation;
  const self = test.node.shell();
  const common = { protocol: 'dtls', versions: ['dtlsv1.2'], active: false } as const;
  const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
  const listener = ssl.unwrap(
    await run(ssl.listen(self, 5684, { ...common, ...identity, ...serverOptions })),
  );
  const connecting = ssl.connect(self, 'localhost', 5684, {
    ...common,
    cacerts: [ca.cert],
    ...clientOptions,
  });
  const accepted = ssl.unwrap(await run(ssl.transportAccept(self, listener)));
  const server = ssl.unwrap(await run(ssl.handshake(self, accepted)));
  return { ...simulation, client: ssl.unwrap(await run(connecting)), server };
}

async function echo({ client, server, run }: Ends, text: string): Promise<void> {
  ssl.unwrap(await run(ssl.send(client, text)));
  expect(String(ssl.unwrap(await run(ssl.recv(server, 0, 5000))))).toBe(text);
  ssl.unwrap(await run(ssl.send(server, text)));
  expect(String(ssl.unwrap(await run(ssl.recv(client, 0, 5000))))).toBe(text);
}

const randomOf = async ({ run }: Ends, socket: ssl.SslSocket): Promise<unknown> =>
  ssl.unwrap(await run(ssl.connectionInformation(socket, ['clientRandom']))).clientRandom;

it.each(['client', 'server'] as const)(
  'the %s renegotiates, and both send before and after it',
  async (side) => {
    const both = await ends();
    await echo(both, 'before');
    for (let n = 0; n < 3; n += 1) {
      await both.test.advance(13_000);
      const before = await randomOf(both, both.client);
      expect(await both.run(ssl.renegotiate(both[side]))).toEqual({ ok: true });
      await echo(both, `after ${n}`);
      expect(await randomOf(both, both.client)).not.toEqual(before);
      expect(await randomOf(both, both.server)).toEqual(await randomOf(both, both.client));
    }
  },
);

it('a client may begin again after twelve seconds, and not before', async () => {
  const both = await ends();
  const { run, test, client, server } = both;
  expect(await run(ssl.renegotiate(client))).toEqual({ ok: true });
  await test.advance(5000);
  expect(await run(ssl.renegotiate(client))).toEqual(rejected);
  expect(await run(ssl.renegotiate(server))).toEqual({ ok: true });
  await test.advance(13_000);
  expect(await run(ssl.renegotiate(client))).toEqual({ ok: true });
  await echo(both, 'on we go');
});

it('a server without client_renegotiation rejects it, and renegotiates itself', async () => {
  const both = await ends({ clientRenegotiation: false });
  expect(await both.run(ssl.renegotiate(both.client))).toEqual(rejected);
  await echo(both, 'on we go');
  expect(await both.run(ssl.renegotiate(both.server))).toEqual({ ok: true });
  await echo(both, 'and on');
});

it('asked twice at once says already_renegotiating', async () => {
  const { run, client, server } = await ends();
  const answers = await run(Promise.all([ssl.renegotiate(client), ssl.renegotiate(client)]));
  expect(answers).toEqual([{ ok: true }, { error: 'already_renegotiating' }]);
  const again = await run(Promise.all([ssl.renegotiate(server), ssl.renegotiate(server)]));
  expect(again).toEqual([{ ok: true }, { error: 'already_renegotiating' }]);
});

it.each(['client', 'server'] as const)(
  'renegotiateAt of the %s counts records: data goes on, none of it twice',
  async (side) => {
    const options = { renegotiateAt: 20 };
    const both = await ends(side === 'server' ? options : {}, side === 'client' ? options : {});
    const randoms = new Set<unknown>();
    for (let n = 0; n < 120; n += 1) {
      await echo(both, `message ${n}`);
      randoms.add(String(await randomOf(both, both.client)));
      // A client that comes too often is refused for a while.
      await both.test.advance(300);
    }
    expect(randoms.size).toBeGreaterThan(2);
  },
);

it('a peer that does not go on with it loses the connection at the deadline', async () => {
  let stalls = false;
  const verifyFun: ssl.TlsClientOptions['verifyFun'] = [
    (_certificate, event, state) =>
      stalls ? new Promise(() => {}) : typeof event === 'object' ? { unknown: state } : { valid: state },
    undefined,
  ];
  const { test, run, server } = await ends({ handshakeDeadline: 5000 }, { verifyFun });
  stalls = true;
  const asking = ssl.renegotiate(server);
  await test.advance(6000);
  expect(await run(asking)).toEqual({ error: 'closed' });
});

it('a client that is gone: the wish is given up at the deadline, and repeated until then', async () => {
  const both = await ends({ handshakeDeadline: 10_000, flightTimeout: 1000 });
  const { test, run, server, network } = both;
  for (const port of network.datagrams.sockets.keys())
    if (port !== 5684) network.datagrams.sockets.delete(port);
  const sent = async (): Promise<number> =>
    Number(ssl.unwrap(await run(ssl.getstat(server, ['sendCnt']))).sendCnt);
  const before = await sent();
  const asking = ssl.renegotiate(server);
  await test.advance(11_000);
  expect(await run(asking)).toEqual(rejected);
  // At once, and after 1, 3 and 7 seconds.
  expect((await sent()) - before).toBe(4);
  await test.advance(60_000);
  expect((await sent()) - before).toBe(4);
});

it.each(['client', 'server'] as const)(
  'a tenth lost, some doubled, all late: 30 schedules that the %s begins',
  async (side) => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const both = await ends({}, {}, { seed, delay: [20, 80], loss: 0.1, doubling: 0.1 });
      const { run, test, client, server } = both;
      const answer = run(ssl.renegotiate(both[side]));
      const got: string[] = [];
      for (let n = 0; n < 10; n += 1) void ssl.send(side === 'client' ? client : server, `${n}`);
      expect([seed, await answer]).toEqual([seed, { ok: true }]);
      await test.advance(5000);
      for (;;) {
        const one = await run(ssl.recv(side === 'client' ? server : client, 0, 100));
        if ('error' in one) break;
        got.push(String(one.ok));
      }
      expect(new Set(got).size).toBe(got.length);
      expect(got.length).toBeGreaterThan(0);
      await simulation?.stop();
      simulation = undefined;
    }
  },
);
