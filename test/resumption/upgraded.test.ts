/** Tickets of streams that are upgraded, on either side: they come by no listener of ours and know no host (§4.6.1). */
import net from 'node:net';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import { sessionCacheInfo } from '@actor-tls/session-store';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { host, served, trusting } from './two-ends.js';

let node: Node;
let self: Self;
let plain: net.Server;
let arriving: ((socket: net.Socket) => void)[];

beforeEach(async () => {
  node = createNode({ logger: silentLogger });
  self = node.shell();
  ssl.unwrap(await ssl.start({ node }));
  arriving = [];
  plain = net.createServer((socket) => arriving.shift()?.(socket));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  plain.close();
  await ssl.stop(node);
});

function port(): number {
  return Number(Object(plain.address()).port);
}

async function dial(to: number): Promise<net.Socket> {
  const socket = net.connect(to, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

/** Both ends of a TCP connection become TLS; whether it was resumed, as both say, and what came early. */
async function upgrade(
  serverOptions: ssl.TlsServerOptions,
  clientOptions: ssl.TlsClientOptions = {},
): Promise<{ resumed: boolean; early: number }> {
  const arrived = new Promise<net.Socket>((resolve) => arriving.push(resolve));
  const mine = await dial(port());
  const serving = ssl.handshake(self, await arrived, { ...served, active: false, ...serverOptions }, 5000);
  const wish = { ...trusting, sessionTickets: 'auto', active: false, ...clientOptions } as const;
  const client = ssl.unwrap(await ssl.connect(self, mine, wish, 5000));
  const server = ssl.unwrap(await serving);
  ssl.unwrap(await ssl.send(server, 'x'));
  ssl.unwrap(await ssl.recv(client, 1, 5000));
  const [ours, theirs] = await Promise.all(
    [client, server].map(async (socket) => ssl.unwrap(await ssl.connectionInformation(socket))),
  );
  expect(theirs?.sessionResumption).toBe(ours?.sessionResumption);
  await ssl.close(client);
  await ssl.close(server);
  return { resumed: ours?.sessionResumption === true, early: Number(theirs?.earlyBytes ?? 0) };
}

const kinds: readonly ssl.TlsServerOptions[] = [
  { sessionTickets: 'stateless', antiReplay: '10k', earlyData: 'enabled' },
  { sessionTickets: 'stateful', earlyData: 'enabled' },
];

describe('upgraded on both sides', () => {
  it.each(kinds)('come back, with early data too: %j', async (options) => {
    expect(await upgrade(options)).toEqual({ resumed: false, early: 0 });
    expect(await upgrade(options)).toEqual({ resumed: true, early: 0 });
    const earlyData = Buffer.from('early');
    expect(await upgrade(options, { earlyData })).toEqual({ resumed: true, early: 5 });
  });

  it('are counted with the node’s, on both sides', async () => {
    const options = { sessionTickets: 'stateful' } as const;
    await upgrade(options);
    await upgrade(options);
    expect(ssl.nodeCounters(node)).toMatchObject({
      resumption: {
        client: { full: 1, resumed: 1, refused: 0, taken: 6 },
        server: { full: 1, resumed: 1, issued: 6 },
      },
    });
  });

  it('resume nothing under another policy, and other kinds keep tickets of their own', async () => {
    await upgrade({ sessionTickets: 'stateless' });
    const other = createCa();
    const stricter = { sessionTickets: 'stateless', verify: 'verify_peer', cacerts: [other.cert] } as const;
    expect(await upgrade(stricter)).toMatchObject({ resumed: false });
    expect(await upgrade({ sessionTickets: 'stateful' })).toMatchObject({ resumed: false });
    expect(ssl.nodeCounters(node)).toMatchObject({
      resumption: { client: { refused: 2 }, server: { refused: { policy: 1, unknown: 1 } } },
    });
  });

  it('have no more processes than a program has use for, however many options it makes', async () => {
    for (let n = 1; n <= 12; n += 1) {
      const options = { sessionTickets: 'stateless', ticketKeyLifetime: 3600 + n } as const;
      expect(await upgrade(options)).toMatchObject({ resumed: false });
    }
    const stores = node.processes().filter((pid) => node.processInfo(pid)?.kind === 'ticket_tracker');
    expect(stores.length).toBe(8);
  });

  it('share a table of sessions, whose supervisor hears of the first of them alone', async () => {
    const server = { versions: ['tlsv1.2'], olderSessionTickets: false } as const;
    const reductions = (): number => {
      const supervisor = node.whereis('ssl_upgrade_server_session_cache_sup');
      return supervisor === undefined ? 0 : (node.processInfo(supervisor)?.reductions ?? 0);
    };
    await upgrade(server, { reuseSessions: false });
    await expect.poll(() => node.whereis('ssl_unknown_listener')).not.toBe(undefined);
    const before = reductions();
    for (let n = 0; n < 3; n += 1) await upgrade(server, { reuseSessions: false });
    expect(before).toBeGreaterThan(0);
    expect(reductions()).toBe(before);
    const table = node.whereis('ssl_unknown_listener');
    if (table === undefined) throw new Error('no table');
    expect((await sessionCacheInfo(node, table)).size).toBe(4);
  });

  it('wait for what keeps their tickets within their own time, and are lost in it without harm', async () => {
    const silent = () => new Promise<never>(() => {});
    const slow = { ticketKeyStore: { read: silent, replace: silent }, storeDeadline: 700 };
    const serve = async (ticketKeyLifetime: number): Promise<[net.Socket, Promise<unknown>]> => {
      const arrived = new Promise<net.Socket>((resolve) => arriving.push(resolve));
      const mine = await dial(port());
      const options = { ...served, sessionTickets: 'stateless', ticketKeyLifetime, fleet: slow } as const;
      return [mine, ssl.handshake(self, await arrived, options, 600)];
    };
    const began = performance.now();
    const [mute, answer] = await serve(3600);
    expect(await answer).toEqual({ error: 'timeout' });
    expect(performance.now() - began).toBeLessThan(1200);
    mute.destroy();
    const [gone, lost] = await serve(3601);
    gone.resetAndDestroy();
    expect(await lost).toMatchObject({ error: expect.anything() });
    expect(ssl.nodeCounters(node)).toMatchObject({
      server: { live: 0, handshakes: 0, failed: { timeout: 1 } },
    });
  });

  it('have tickets again after their processes were lost', async () => {
    const options = { sessionTickets: 'stateless' } as const;
    await upgrade(options);
    const supervisor = node.whereis('tls_server_sup');
    if (supervisor === undefined) throw new Error('no supervisor');
    node.exit(supervisor, 'kill');
    await expect.poll(() => node.whereis('tls_server_sup')).not.toBe(undefined);
    await expect.poll(() => node.whereis('tls_server_session_ticket_sup')).not.toBe(undefined);
    expect(await upgrade(options)).toMatchObject({ resumed: false });
    expect(await upgrade(options)).toMatchObject({ resumed: true });
  });
});

it('a client that upgrades its own socket comes back to a listener', async () => {
  const at = await host(self, { sessionTickets: 'stateless' });
  const once = async (): Promise<boolean> => {
    const serving = ssl
      .transportAccept(self, at.listener, 5000)
      .then((accepted) => ssl.handshake(self, ssl.unwrap(accepted), 5000));
    const wish = { ...trusting, sessionTickets: 'auto', active: false } as const;
    const client = ssl.unwrap(await ssl.connect(self, await dial(at.port), wish, 5000));
    const server = ssl.unwrap(await serving);
    ssl.unwrap(await ssl.send(server, 'x'));
    ssl.unwrap(await ssl.recv(client, 1, 5000));
    const { sessionResumption } = ssl.unwrap(await ssl.connectionInformation(client));
    await ssl.close(client);
    await ssl.close(server);
    return sessionResumption;
  };
  expect([await once(), await once()]).toEqual([false, true]);
  await at.close();
});
