/** Peers that move (RFC 9146 §6, RFC 9853), over a network in memory and by the simulated clock. */
import * as ssl from '@actor-tls/ssl';
import { createCa, type Simulation, simulateSsl } from '@actor-tls/ssl/testing';
import { afterEach, describe, expect, it } from 'vitest';

const ca = createCa({ key: 'ed25519' });
const leaf = ca.issue({ key: 'ed25519' });
const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
let simulation: Simulation | undefined;
afterEach(async () => {
  await simulation?.stop();
  simulation = undefined;
});

interface Talk {
  readonly client: ssl.SslSocket;
  readonly server: ssl.SslSocket;
  readonly listener: ssl.SslListenSocket;
}

async function talk(
  { test, run }: Simulation,
  server: ssl.TlsServerOptions,
  client: ssl.TlsClientOptions,
): Promise<Talk> {
  const self = test.node.shell();
  const common = { protocol: 'dtls', active: false } as const;
  const listener = ssl.unwrap(await run(ssl.listen(self, 5684, { ...common, ...identity, ...server })));
  const accepted = ssl
    .transportAccept(self, listener)
    .then((socket) => ssl.handshake(self, ssl.unwrap(socket), 60_000));
  const options = { ...common, cacerts: [ca.cert], ...client };
  const connected = ssl.unwrap(await run(ssl.connect(self, 'localhost', 5684, options, 60_000)));
  return { client: connected, server: ssl.unwrap(await run(accepted)), listener };
}

async function portOf(socket: ssl.SslSocket): Promise<number> {
  return ssl.unwrap(await ssl.sockname(socket)).port;
}

async function peerPortOf(socket: ssl.SslSocket): Promise<number> {
  return ssl.unwrap(await ssl.peername(socket)).port;
}

/** One asks, the other answers. */
async function ask({ run }: Simulation, { client, server }: Talk, text: string): Promise<readonly string[]> {
  ssl.unwrap(await run(ssl.send(client, text)));
  const asked = String(ssl.unwrap(await run(ssl.recv(server, 0, 1000))));
  ssl.unwrap(await run(ssl.send(server, `re: ${text}`)));
  return [asked, String(ssl.unwrap(await run(ssl.recv(client, 0, 1000))))];
}

describe.each(['dtlsv1.2', 'dtlsv1.3'] as const)('a client whose address changes, %s', (version) => {
  const versions = [version];

  it.each([
    ['enhanced', 1000, 1],
    ['enhanced', 200, 5000],
    ['basic', 200, 20],
    ['none', 200, 1],
  ] as const)(
    'check %s: %i times with %i ms between, without a reconnect or a lost message',
    async (check, times, pause) => {
      simulation = await simulateSsl({ network: { delay: [5, 5] } });
      const connectionId = { check };
      const ends = await talk(simulation, { versions, connectionId }, { versions, connectionId });
      for (let n = 0; n < times; n += 1) {
        simulation.network.datagrams.move(await portOf(ends.client));
        expect(await ask(simulation, ends, String(n))).toEqual([String(n), `re: ${n}`]);
        await simulation.test.advance(pause);
        if (pause > 1 || check === 'none')
          expect([n, await peerPortOf(ends.server)]).toEqual([n, await portOf(ends.client)]);
      }
    },
    60_000,
  );

  it('a tenth lost, some doubled, all late by chance: what is sent again arrives, once', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      simulation = await simulateSsl({ seed, network: { delay: [20, 80], loss: 0.1, doubling: 0.1 } });
      const { run } = simulation;
      const ends = await talk(simulation, { versions, connectionId: true }, { versions, connectionId: true });
      const got: string[] = [];
      for (let n = 0; n < 20; n += 1) {
        simulation.network.datagrams.move(await portOf(ends.client));
        for (let tries = 0; tries < 30 && got.at(-1) !== String(n); tries += 1) {
          await run(ssl.send(ends.client, String(n)));
          const asked = await run(ssl.recv(ends.server, 0, 300));
          if ('ok' in asked && asked.ok instanceof Uint8Array) await run(ssl.send(ends.server, asked.ok));
          const answer = await run(ssl.recv(ends.client, 0, 300));
          if ('ok' in answer && String(answer.ok) === String(n)) got.push(String(answer.ok));
        }
      }
      expect([seed, got.length]).toEqual([seed, 20]);
      await simulation.stop();
      simulation = undefined;
    }
  }, 60_000);

  it('without IDs on either side it is a stranger, and its connection hears nothing more', async () => {
    simulation = await simulateSsl({ network: { delay: [5, 5] } });
    const { run } = simulation;
    for (const [server, client] of [
      [{}, { connectionId: true }],
      [{ connectionId: true }, {}],
      [{ connectionId: 0 }, { connectionId: true }],
    ]) {
      const ends = await talk(simulation, { versions, ...server }, { versions, ...client });
      expect(await ask(simulation, ends, 'before')).toEqual(['before', 're: before']);
      simulation.network.datagrams.move(await portOf(ends.client));
      ssl.unwrap(await run(ssl.send(ends.client, 'after')));
      expect(await run(ssl.recv(ends.server, 0, 1000))).toEqual({ error: 'timeout' });
      await run(ssl.close(ends.listener));
      await run(ssl.close(ends.client));
      await run(ssl.close(ends.server));
    }
  });
});
