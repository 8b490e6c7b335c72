/** What strangers' sockets can do to a server, counted: how many, what they hold, and that others are served meanwhile. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { createNode, type Node, type Self, silentLogger, startSupervisor } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { client as newClient } from '../protocol/two-cores.js';
import { patience } from '../support/patience.js';

const ca = createCa({ key: 'ed25519' });
const leaf = ca.issue({ key: 'ed25519' });
const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
const trust = { cacerts: [ca.cert], active: false } as const;

interface Server {
  readonly node: Node;
  readonly self: Self;
  readonly listener: ssl.SslListenSocket;
  readonly port: number;
}

const nodes: Node[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const node of nodes.splice(0)) {
    await ssl.stop(node);
    node.stop();
  }
});

/** An echo; no deadline ends a handshake, so that whoever goes goes for a newcomer. */
async function serve(
  options: ssl.TlsServerOptions,
  env: Readonly<Record<string, unknown>> = {},
): Promise<Server> {
  const node = createNode({ logger: silentLogger });
  nodes.push(node);
  ssl.unwrap(await ssl.start({ node, env: { alert_timeout: 100, ...env } }));
  const self = node.shell();
  const given = { ...identity, ip: 'any', active: false, handshakeDeadline: 'infinity', ...options } as const;
  const pool = ssl.acceptorPool({ name: 'echo', port: 0, options: given, handler: echo });
  await startSupervisor(self, { children: [pool] });
  const listener = await ssl.poolListener(node, 'echo');
  return { node, self, listener, port: ssl.unwrap(await ssl.sockname(listener)).port };
}

async function echo(_self: Self<ssl.SslMessage>, socket: ssl.SslSocket): Promise<void> {
  for (;;) {
    const data = await ssl.recv(socket, 0);
    if (!('ok' in data) || !(data.ok instanceof Uint8Array)) return;
    await ssl.send(socket, data.ok);
  }
}

/** An honest user, from an address of its own. */
async function isServed({ self, port }: Server): Promise<void> {
  const socket = ssl.unwrap(
    await ssl.connect(self, '127.0.0.1', port, {
      ...trust,
      serverNameIndication: 'localhost',
      ip: '127.9.9.9',
    }),
  );
  ssl.unwrap(await ssl.send(socket, 'honest'));
  expect(ssl.unwrap(await ssl.recv(socket, 6))).toEqual(Buffer.from('honest'));
  await ssl.close(socket);
}

async function stranger({ port }: Server, localAddress: string, bytes?: Uint8Array): Promise<Socket> {
  const socket = createConnection({ port, host: '127.0.0.1', localAddress });
  sockets.push(socket.on('error', () => {}).resume());
  await once(socket, 'connect');
  if (bytes !== undefined) socket.write(bytes);
  return socket;
}

const counted = async ({ listener }: Server): Promise<ssl.ListenerCounters> => {
  const counters = await ssl.listenerCounters(listener);
  if ('error' in counters) throw new Error('the listener is gone');
  return counters;
};

/** All that strangers have sent has been looked at when so many handshakes stand as are expected. */
async function until(
  server: Server,
  holds: (counters: ssl.ListenerCounters) => boolean,
): Promise<ssl.ListenerCounters> {
  return vi.waitFor(
    async () => {
      const counters = await counted(server);
      if (!holds(counters)) throw new Error(JSON.stringify(counters));
      return counters;
    },
    { timeout: patience, interval: 5 },
  );
}

/** `length` bytes of a hello that announces more, in records of 16 KB. */
function giantHello(length: number, announced = 65_000): Uint8Array {
  const message = Buffer.alloc(length);
  message.writeUInt32BE(announced);
  message[0] = 1;
  const records: Buffer[] = [];
  for (let at = 0; at < length; at += 16_384) {
    const piece = message.subarray(at, at + 16_384);
    records.push(Buffer.from([22, 3, 1, piece.length >> 8, piece.length & 255]), piece);
  }
  return Buffer.concat(records);
}

function honestHello(): Uint8Array {
  const { core, sink } = newClient();
  core.start();
  return sink.take();
}

const address = (n: number): string => `127.1.${n >> 8}.${n & 255 || 1}`;

/** Until the assertion holds, on a busy machine too. */
const soon = (assertion: () => unknown): Promise<unknown> => vi.waitFor(assertion, patience);

describe('silent sockets', () => {
  it('of one address get its share, the oldest goes for the next, and others are served', async () => {
    const server = await serve({ maxHandshakes: 64, maxHandshakesPerAddress: 16 });
    for (let n = 0; n < 100; n += 1) await stranger(server, '127.1.1.1');
    const full = await until(server, ({ displacedShare }) => displacedShare === 84);
    expect(full).toMatchObject({ accepted: 100, handshakes: 16, displacedFull: 0, refusedAddress: 0 });
    expect(full.failed).toEqual({ displaced_share: 84 });
    await isServed(server);
    expect(await counted(server)).toMatchObject({ established: 1, displacedShare: 84 });
  });

  it('of many addresses fill the house, and every newcomer is let in all the same', async () => {
    const server = await serve({ maxHandshakes: 32 });
    for (let n = 0; n < 100; n += 1) {
      await stranger(server, address(n));
      if (n % 10 === 9) await isServed(server);
    }
    const counters = await until(server, ({ displacedFull }) => displacedFull >= 68);
    expect(counters).toMatchObject({ established: 10, refusedHandshakes: 0, refusedAddress: 0 });
    expect(counters.handshakes).toBeLessThanOrEqual(32);
  });

  it('go oldest first', async () => {
    const server = await serve({ maxHandshakes: 3 });
    const early = [
      await stranger(server, address(1)),
      await stranger(server, address(2)),
      await stranger(server, address(3)),
    ];
    await until(server, ({ handshakes }) => handshakes === 3);
    const ended: number[] = [];
    for (const [n, socket] of early.entries()) socket.once('close', () => ended.push(n));
    for (const n of [4, 5]) await stranger(server, address(n));
    await soon(() => expect(ended).toEqual([0, 1]));
  });

  it('that drip a byte now and then are silent as long as their hello is not whole', async () => {
    const server = await serve({ maxHandshakes: 8 });
    const hello = honestHello();
    const dripping = [];
    for (let n = 0; n < 8; n += 1) dripping.push(await stranger(server, address(n), hello.subarray(0, 40)));
    await until(server, ({ heldBytes }) => heldBytes >= 8 * 40);
    for (let round = 0; round < 5; round += 1) {
      for (const socket of dripping)
        if (!socket.destroyed) socket.write(hello.subarray(40 + round, 41 + round));
      await isServed(server);
    }
    expect(await counted(server)).toMatchObject({ established: 5, refusedHandshakes: 0 });
  });

  it('go before those that have said hello, which go before a newcomer is sent away', async () => {
    const server = await serve({ maxHandshakes: 4 });
    const greeted = [];
    for (let n = 0; n < 3; n += 1) greeted.push(await stranger(server, address(n), honestHello()));
    const silent = await stranger(server, address(10));
    await until(server, ({ handshakes, bytesOut }) => handshakes === 4 && bytesOut > 3 * 400);
    const gone = once(silent, 'close');
    await isServed(server);
    await gone;
    expect(greeted.map(({ destroyed }) => destroyed)).toEqual([false, false, false]);
    greeted.push(await stranger(server, address(11), honestHello()));
    await until(server, ({ handshakes, bytesOut }) => handshakes === 4 && bytesOut > 4 * 400);
    await isServed(server);
    expect(await counted(server)).toMatchObject({ established: 2, refusedHandshakes: 0 });
  });
});

describe('hellos without an end', () => {
  const budget = 1_000_000;

  it('of 60 KB each hold no more than the listener’s budget together, and others are served', async () => {
    const server = await serve({ maxHandshakeBytes: budget });
    for (let n = 0; n < 60; n += 1) {
      await stranger(server, address(n), giantHello(60_000));
      if (n % 20 === 19) await isServed(server);
      expect((await counted(server)).heldBytes).toBeLessThanOrEqual(budget);
    }
    const counters = await until(server, ({ displacedMemory }) => displacedMemory >= 60 - budget / 60_000);
    expect(counters).toMatchObject({
      established: 3,
      failed: { displaced_memory: counters.displacedMemory },
    });
    expect(counters.heldBytes).toBeGreaterThan(0);
  });

  it('leave alone whoever holds less: an honest hello that came half', async () => {
    const server = await serve({ maxHandshakeBytes: budget });
    const hello = honestHello();
    const honest = await stranger(server, '127.8.8.8', hello.subarray(0, 100));
    for (let n = 0; n < 60; n += 1) await stranger(server, address(n), giantHello(60_000));
    await until(server, ({ displacedMemory }) => displacedMemory >= 60 - budget / 60_000);
    const answered = once(honest, 'data');
    honest.write(hello.subarray(100));
    await answered;
    expect(honest.destroyed).toBe(false);
  });

  it('are bounded over all listeners of a node', async () => {
    const server = await serve({}, { max_handshake_bytes: budget });
    const second = ssl.acceptorPool({
      name: 'second',
      port: 0,
      options: { ...identity, active: false, handshakeDeadline: 'infinity' },
      handler: echo,
    });
    await startSupervisor(server.self, { children: [second] });
    const listener = await ssl.poolListener(server.node, 'second');
    const other = { ...server, listener, port: ssl.unwrap(await ssl.sockname(listener)).port };
    for (let n = 0; n < 30; n += 1) {
      await stranger(server, address(n), giantHello(60_000));
      await stranger(other, address(n), giantHello(60_000));
    }
    await soon(() => {
      const { heldBytes, displacedMemory, server: side } = Object(ssl.nodeCounters(server.node));
      expect(displacedMemory).toBeGreaterThanOrEqual(60 - budget / 60_000);
      expect(side.failed).toEqual({ displaced_memory: displacedMemory });
      expect(heldBytes).toBeLessThanOrEqual(budget);
    });
    await isServed(server);
    await isServed(other);
  });

  it('longer than any can be are refused by their header', async () => {
    const server = await serve({});
    const socket = await stranger(server, address(1), giantHello(100, 131_397));
    await once(socket, 'close');
    expect((await counted(server)).failed).toEqual({ handshake_message_too_large: 1 });
    await stranger(server, address(1), giantHello(100, 131_396));
    await until(server, ({ heldBytes }) => heldBytes > 0);
  });
});

describe('strangers whose handshakes have failed', () => {
  it('and who do not leave are as many as may be in their handshakes, the longest there go', async () => {
    const server = await serve({ maxHandshakes: 8 }, { alert_timeout: 600_000 });
    const garbage = Uint8Array.of(99, 3, 3, 0, 1, 0);
    const staying: Socket[] = [];
    for (let n = 0; n < 30; n += 1) {
      const socket = createConnection({
        port: server.port,
        host: '127.0.0.1',
        localAddress: address(n),
        allowHalfOpen: true,
      });
      sockets.push(socket.on('error', () => {}).resume());
      socket.write(garbage);
      await once(socket, 'end');
      staying.push(socket);
    }
    expect((await counted(server)).failed).toEqual({ unknown_content_type: 30 });
    await soon(() => {
      // Whoever is gone answers with a reset.
      for (const socket of staying) if (!socket.destroyed) socket.write('x');
      expect(staying.filter(({ destroyed }) => destroyed)).toEqual(staying.slice(0, 22));
    });
    await isServed(server);
    expect(staying.slice(22).map(({ destroyed }) => destroyed)).toEqual(Array(8).fill(false));
  });
});
