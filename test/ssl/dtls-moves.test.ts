/** Connection IDs on real sockets: peers that move, several at one address, and strangers who move others' records. */
import type { Socket } from 'node:dgram';
import { createNode, type Node, type ObservedChild, observe, type Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Nat, openNat, openSocket } from '../support/nat.js';

const ca = createCa({ key: 'ec' });
const leaf = ca.issue({ key: 'ec' });
const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
let node: Node;
let self: Self<ssl.SslMessage>;
const nats: Nat[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  node = createNode();
  ssl.unwrap(await ssl.start({ node }));
  self = node.shell<ssl.SslMessage>();
});
afterEach(async () => {
  for (const nat of nats.splice(0)) nat.stop();
  for (const socket of sockets.splice(0)) socket.close();
  await ssl.stop(node);
});

let version: 'dtlsv1.2' | 'dtlsv1.3' = 'dtlsv1.2';
const common = { protocol: 'dtls', active: false, connectionId: true } as const;

interface Ends {
  readonly client: ssl.SslSocket;
  readonly server: ssl.SslSocket;
}

interface Scene extends Ends {
  readonly listener: ssl.SslListenSocket;
  /** The server's. */
  readonly port: number;
  readonly nat: Nat;
}

async function listen(options: ssl.TlsServerOptions = {}): Promise<[ssl.SslListenSocket, number]> {
  const listener = ssl.unwrap(
    await ssl.listen(self, 0, { ...common, versions: [version], ip: '127.0.0.1', ...identity, ...options }),
  );
  return [listener, ssl.unwrap(await ssl.sockname(listener)).port];
}

async function shake(
  listener: ssl.SslListenSocket,
  port: number,
  options: ssl.TlsClientOptions = {},
): Promise<Ends> {
  const accepted = ssl
    .transportAccept(self, listener, 15_000)
    .then((socket) => ssl.handshake(self, ssl.unwrap(socket), 15_000));
  const client = await ssl.connect(
    self,
    '127.0.0.1',
    port,
    { ...common, versions: [version], cacerts: [ca.cert], serverNameIndication: 'localhost', ...options },
    15_000,
  );
  return { client: ssl.unwrap(client), server: ssl.unwrap(await accepted) };
}

async function scene(server: ssl.TlsServerOptions = {}, client: ssl.TlsClientOptions = {}): Promise<Scene> {
  const [listener, port] = await listen(server);
  const nat = await openNat(port);
  nats.push(nat);
  return { listener, port, nat, ...(await shake(listener, nat.port, client)) };
}

async function stranger(): Promise<{ socket: Socket; port: number; got: Buffer[] }> {
  const socket = await openSocket();
  sockets.push(socket);
  const got: Buffer[] = [];
  socket.on('message', (bytes) => got.push(bytes));
  return { socket, port: socket.address().port, got };
}

async function pass(from: ssl.SslSocket, to: ssl.SslSocket, text: string): Promise<string> {
  ssl.unwrap(await ssl.send(from, text));
  return String(ssl.unwrap(await ssl.recv(to, 0, 5000)));
}

async function peerPortOf(socket: ssl.SslSocket): Promise<number> {
  return ssl.unwrap(await ssl.peername(socket)).port;
}

/** Both ways. */
async function talks({ client, server }: Ends): Promise<void> {
  expect(await pass(client, server, 'ping')).toBe('ping');
  expect(await pass(server, client, 'pong')).toBe('pong');
}

const later = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200 && !(await holds()); tries += 1) await later(20);
  expect(await holds()).toBe(true);
}

/** What the node's demultiplexers count. */
function demultiplexers(): readonly unknown[] {
  const found: unknown[] = [];
  const look = (process: ObservedChild): void => {
    if (!('kind' in process)) return;
    if (process.kind === 'dtls_packet_demux') found.push(process.counts);
    for (const child of process.children) look(child);
  };
  for (const root of observe(node).tree) look(root);
  return found;
}

describe.each(['dtlsv1.2', 'dtlsv1.3'] as const)('a client behind a NAT, %s', (spoken) => {
  beforeEach(() => {
    version = spoken;
  });

  it.each([
    ['enhanced', 1000],
    ['basic', 200],
    ['none', 200],
  ] as const)(
    'check %s: changes its port %i times, no reconnect, no lost message, none twice',
    async (check, times) => {
      const connectionId = { check };
      const ends = await scene({ connectionId }, { connectionId });
      for (let n = 0; n < times; n += 1) {
        await ends.nat.move();
        expect(await pass(ends.client, ends.server, `${n}`)).toBe(`${n}`);
        expect(await pass(ends.server, ends.client, `re ${n}`)).toBe(`re ${n}`);
      }
      expect(await ssl.recv(ends.server, 0, 50)).toEqual({ error: 'timeout' });
      expect(await ssl.recv(ends.client, 0, 50)).toEqual({ error: 'timeout' });
      // Nothing is left of the addresses that it had.
      expect(demultiplexers()).toEqual([expect.objectContaining({ peers: 1, places: 1, ids: 1 })]);
    },
    60_000,
  );

  it('is found at its new port by peername, once it has answered there', async () => {
    const ends = await scene({ flightTimeout: 100 });
    const before = ends.nat.outside;
    await ends.nat.move();
    expect(await pass(ends.client, ends.server, 'here')).toBe('here');
    expect(await peerPortOf(ends.server)).toBe(before);
    await until(async () => (await peerPortOf(ends.server)) === ends.nat.outside);
    await talks(ends);
    const to = ends.nat.came.at(-1)?.to;
    expect(to).toBe(ends.nat.outside);
  });

  it('shares its port with others, of which each keeps its connection', async () => {
    const { listener, nat, ...first } = await scene();
    const second = await shake(listener, nat.port);
    const third = await shake(listener, nat.port);
    for (const ends of [first, second, third, first]) await talks(ends);
    await nat.move();
    for (const ends of [third, first, second]) await talks(ends);
    await ssl.close(second.client);
    expect(await ssl.recv(second.server, 0, 5000)).toEqual({ error: 'closed' });
    for (const ends of [first, third]) await talks(ends);
  });

  it('leaves a port that somebody else takes: both keep their connections', async () => {
    const { listener, port, nat, ...mover } = await scene({ flightTimeout: 100 });
    const left = nat.outside;
    await nat.move();
    // The server does not know yet that it has moved.
    const next = await openNat(port, left);
    nats.push(next);
    const other = await shake(listener, next.port);
    expect(await peerPortOf(other.server)).toBe(left);
    for (const ends of [mover, other]) await talks(ends);
    await until(async () => (await peerPortOf(mover.server)) === nat.outside);
    for (const ends of [mover, other]) await talks(ends);
  });

  it('is forgotten with all its IDs when its connection ends, and so is the socket in the end', async () => {
    const { listener, client, server } = await scene();
    expect(demultiplexers()).toEqual([expect.objectContaining({ peers: 1, ids: 1 })]);
    await ssl.close(client);
    expect(await ssl.recv(server, 0, 5000)).toEqual({ error: 'closed' });
    await ssl.close(server);
    await until(async () => Object(demultiplexers()[0]).peers === 0);
    expect(demultiplexers()).toEqual([expect.objectContaining({ peers: 0, places: 0, ids: 0 })]);
    await ssl.close(listener);
    await until(async () => demultiplexers().length === 0);
  });

  it('keeps its connection when the listener closes and another, with longer IDs, has the socket', async () => {
    const { listener, port, nat, ...old } = await scene();
    await ssl.close(listener);
    const again = ssl.unwrap(
      await ssl.listen(self, port, {
        ...common,
        ...{ versions: [version], ip: '127.0.0.1', ...identity, connectionId: 20 },
      }),
    );
    const fresh = await shake(again, nat.port);
    await nat.move();
    await talks(old);
    await talks(fresh);
  });
});

describe.each(['dtlsv1.2', 'dtlsv1.3'] as const)('strangers who move records, %s', (spoken) => {
  beforeEach(() => {
    version = spoken;
  });

  it('replays from elsewhere move nobody, and are answered by nothing', async () => {
    const ends = await scene({ flightTimeout: 100 });
    const seen: Uint8Array[] = [];
    ends.nat.watch = (bytes) => seen.push(bytes) > 0;
    for (let n = 0; n < 20; n += 1) await pass(ends.client, ends.server, `${n}`);
    const { socket, got } = await stranger();
    for (const bytes of seen) socket.send(bytes, ends.port, '127.0.0.1');
    await later(300);
    expect(await peerPortOf(ends.server)).toBe(ends.nat.outside);
    expect(await ssl.recv(ends.server, 0, 50)).toEqual({ error: 'timeout' });
    expect(got).toEqual([]);
    await talks(ends);
  });

  it('a copy that wins the race: the old address answers, so nobody moves, and no message is lost', async () => {
    const ends = await scene({ flightTimeout: 100 });
    const { socket, port, got } = await stranger();
    let copied = 0;
    for (let n = 0; n < 20; n += 1) {
      ends.nat.watch = (bytes) => {
        // The copy first, and then, as one that has come before, the record itself.
        socket.send(bytes, ends.port, '127.0.0.1');
        copied += bytes.length;
        return true;
      };
      expect(await pass(ends.client, ends.server, `${n}`)).toBe(`${n}`);
      expect(await pass(ends.server, ends.client, `re ${n}`)).toBe(`re ${n}`);
      await later(20);
      expect([n, await peerPortOf(ends.server)]).toEqual([n, ends.nat.outside]);
    }
    expect(port).not.toBe(ends.nat.outside);
    const received = got.reduce((sum, { length }) => sum + length, 0);
    expect(received).toBeLessThanOrEqual(3 * copied);
    await talks(ends);
  });

  it('whoever is said to be the new address is sent at most three times what came from it', async () => {
    const ends = await scene({ flightTimeout: 100 });
    const { socket, got } = await stranger();
    let copied = 0;
    ends.nat.watch = (bytes) => {
      socket.send(bytes, ends.port, '127.0.0.1');
      copied += bytes.length;
      return false;
    };
    expect(await pass(ends.client, ends.server, 'x'.repeat(100))).toBe('x'.repeat(100));
    for (let n = 0; n < 100; n += 1) ssl.unwrap(await ssl.send(ends.server, new Uint8Array(100)));
    ssl.unwrap(await ssl.send(ends.server, new Uint8Array(1000)));
    ends.nat.watch = () => false;
    await later(600);
    const received = got.reduce((sum, { length }) => sum + length, 0);
    expect(received).toBeGreaterThan(0);
    expect(received).toBeLessThanOrEqual(3 * copied);
    for (let n = 0; n < 100; n += 1)
      expect(ssl.unwrap(await ssl.recv(ends.client, 0, 5000))).toHaveLength(100);
  });

  it('without checks the path is taken away by a copy, and comes back with the next record of the peer', async () => {
    const ends = await scene({ connectionId: { check: 'none' } });
    const { socket, port } = await stranger();
    ends.nat.watch = (bytes) => {
      socket.send(bytes, ends.port, '127.0.0.1');
      return false;
    };
    expect(await pass(ends.client, ends.server, 'copied')).toBe('copied');
    expect(await peerPortOf(ends.server)).toBe(port);
    ends.nat.watch = () => true;
    await talks(ends);
    expect(await peerPortOf(ends.server)).toBe(ends.nat.outside);
  });

  it('guessed IDs are dropped, and records under a known one that do not open cost nobody anything', async () => {
    const ends = await scene();
    let known = new Uint8Array(0);
    ends.nat.watch = (bytes) => {
      known = Uint8Array.from(bytes);
      return true;
    };
    await pass(ends.client, ends.server, 'seen');
    const { socket, got } = await stranger();
    for (let n = 0; n < 500; n += 1) {
      const guessed = Uint8Array.from(known);
      const at = version === 'dtlsv1.2' ? { id: 12, number: 9 } : { id: 2, number: 9 };
      if (n % 2 === 0) guessed[at.id] = (guessed[at.id] ?? 0) ^ (1 + (n >> 1));
      else {
        // Newer than all, and from elsewhere, but not the peer's.
        guessed[at.number] = 0xff;
        guessed[guessed.length - 1] = n;
      }
      socket.send(guessed, ends.port, '127.0.0.1');
    }
    await later(100);
    await talks(ends);
    expect(await peerPortOf(ends.server)).toBe(ends.nat.outside);
    expect(got).toEqual([]);
  });

  it('a hello from a connection’s address, with its cookie, ends the connection that has no ID and no other', async () => {
    for (const connectionId of [true, false]) {
      const { listener, nat, ...ends } = await scene({ connectionId });
      const second = await shake(listener, nat.port);
      if (connectionId) await talks(ends);
      else expect(await ssl.recv(ends.server, 0, 5000)).toEqual({ error: 'closed' });
      await talks(second);
    }
  });
});

describe('connectionId', () => {
  it.each([true, 0, 4, 32, { length: 0 }, { check: 'basic' }, { length: 7, check: 'none' }, {}] as const)(
    'takes %j',
    async (connectionId) => {
      const [listener] = await listen({ connectionId });
      await ssl.close(listener);
    },
  );

  it.each([1, 3, 33, 1.5, 'yes', null, [], { length: 3 }, { check: 'maybe' }, { other: 1 }])(
    'does not take %j',
    async (connectionId) => {
      const options = { ...common, ...identity, connectionId };
      expect(await Reflect.apply(ssl.listen, undefined, [self, 0, options])).toEqual({
        error: { options: { connectionId } },
      });
    },
  );

  it('means nothing without datagrams', async () => {
    const told = { error: { options: ['incompatible', { protocol: 'tls' }, 'connectionId'] } };
    expect(await ssl.listen(self, 0, { ...identity, connectionId: true })).toEqual(told);
    expect(await ssl.connect(self, '127.0.0.1', 1, { connectionId: 8 })).toEqual(told);
  });
});
