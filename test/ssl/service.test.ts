/** A server in service: its pool of acceptors, its counters, and how it is taken out of service. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import {
  createNode,
  ensureAllStarted,
  type Node,
  type Self,
  silentLogger,
  startApplication,
  startSupervisor,
  stopApplication,
  whichApplications,
} from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { patience } from '../support/patience.js';

const ca = createCa({ key: 'ed25519' });
const leaf = ca.issue({ key: 'ed25519' });
const identity = {
  cert: leaf.chain,
  key: { PrivateKeyInfo: leaf.key },
  ip: 'loopback',
  active: false,
} as const;
const trust = { cacerts: [ca.cert], active: false } as const;

const einval = { error: 'einval' } as const;

let node: Node;
let self: Self;

beforeEach(async () => {
  node = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node, env: { alert_timeout: 100 } }));
  self = node.shell();
});

afterEach(async () => {
  await ssl.stop(node);
  node.stop();
});

async function pool(
  options: Partial<ssl.AcceptorPool> = {},
): Promise<{ listener: ssl.SslListenSocket; port: number }> {
  const spec = ssl.acceptorPool({ name: 'pool', port: 0, options: identity, handler: echo, ...options });
  ssl.unwrap(Object(await startSupervisor(node, { children: [spec] }, { name: 'top' })));
  const listener = await ssl.poolListener(node, 'pool');
  return { listener, port: ssl.unwrap(await ssl.sockname(listener)).port };
}

async function echo(_self: Self<ssl.SslMessage>, socket: ssl.SslSocket): Promise<void> {
  for (;;) {
    const data = await ssl.recv(socket, 0);
    if (!('ok' in data) || !(data.ok instanceof Uint8Array)) return;
    await ssl.send(socket, data.ok);
  }
}

const dial = async (port: number): Promise<ssl.SslSocket> =>
  ssl.unwrap(await ssl.connect(self, 'localhost', port, trust, 5000));

async function serves(socket: ssl.SslSocket): Promise<void> {
  ssl.unwrap(await ssl.send(socket, 'there?'));
  expect(ssl.unwrap(await ssl.recv(socket, 6, 5000))).toEqual(Buffer.from('there?'));
}

const workersOf = (): readonly string[] =>
  node
    .processes()
    .map((pid) => node.processInfo(pid))
    .flatMap((info) => (info?.kind === 'echo' ? [String(info.pid)] : []));

/** Until the assertion holds, on a busy machine too. */
const soon = (assertion: () => unknown): Promise<unknown> => vi.waitFor(assertion, patience);

describe('a pool of acceptors', () => {
  it('serves on while more clients than it has acceptors say nothing', async () => {
    const { listener, port } = await pool({ acceptors: 1 });
    const silent = Array.from({ length: 5 }, () => createConnection(port, '127.0.0.1').on('error', () => {}));
    await soon(async () => expect(await ssl.listenerCounters(listener)).toMatchObject({ handshakes: 5 }));
    await serves(await dial(port));
    expect(await ssl.listenerCounters(listener)).toMatchObject({ handshakes: 5, established: 1, waiting: 0 });
    for (const socket of silent) socket.destroy();
  });

  it('a worker’s crash closes its connection and no other', async () => {
    const { port } = await pool();
    const [one, two] = [await dial(port), await dial(port)];
    await serves(one);
    await serves(two);
    const [first] = node.processes().filter((pid) => node.processInfo(pid)?.kind === 'echo');
    if (first === undefined) throw new Error('no worker');
    node.exit(first, 'kill');
    expect(await ssl.recv(one, 0, 5000)).toEqual({ error: 'closed' });
    await serves(two);
    expect(workersOf()).toHaveLength(1);
  });

  it('an acceptor’s crash is mended, and a handler that throws is the worker’s crash', async () => {
    const { port } = await pool({
      acceptors: 1,
      handler: async (worker, socket) => {
        if (String(ssl.unwrap<unknown>(await ssl.recv(socket, 5))) === 'crash') throw new Error('as told');
        await echo(worker, socket);
      },
    });
    const acceptor = node.processes().find((pid) => node.processInfo(pid)?.kind === 'ssl_acceptor');
    if (acceptor === undefined) throw new Error('no acceptor');
    node.exit(acceptor, 'kill');
    const bad = await dial(port);
    await ssl.send(bad, 'crash');
    expect(await ssl.recv(bad, 0, 5000)).toEqual({ error: 'closed' });
    const good = await dial(port);
    await ssl.send(good, 'quiet');
    await serves(good);
  });

  it('opens its port anew when the listener is lost, and connections go on', async () => {
    const { listener, port } = await pool();
    const old = await dial(port);
    await serves(old);
    node.exit(listener.listener, 'kill');
    await soon(async () => expect(await ssl.poolListener(node, 'pool')).not.toBe(listener));
    expect(ssl.unwrap(await ssl.sockname(await ssl.poolListener(node, 'pool'))).port).toBe(port);
    await serves(await dial(port));
    await serves(old);
  });

  it('a connection that was given to another owner outlives its handler', async () => {
    const owner = node.shell<ssl.SslMessage>();
    const { port } = await pool({
      handler: async (_self, socket) => {
        await ssl.controllingProcess(socket, owner.pid);
        await ssl.setopts(socket, { active: true });
      },
    });
    const client = await dial(port);
    await ssl.send(client, 'hello');
    expect(await owner.receive('ssl')).toMatchObject({ data: Buffer.from('hello') });
  });

  it('tells of handshakes that failed, and counts them by reason', async () => {
    const failures: ssl.SslReason[] = [];
    const { listener, port } = await pool({
      onFailedHandshake: (reason) => failures.push(reason),
      handshakeTimeout: 2000,
    });
    expect(
      await ssl.connect(self, 'localhost', port, { ...trust, cacerts: [createCa().cert] }),
    ).toHaveProperty('error');
    await soon(() => expect(failures).toHaveLength(1));
    const silent = createConnection(port, '127.0.0.1');
    await once(silent.resume(), 'close');
    const garbage = createConnection(port, '127.0.0.1').on('error', () => {});
    garbage.end('GET / HTTP/1.1\r\n\r\n');
    await once(garbage.resume(), 'close');
    await soon(() => expect(failures).toHaveLength(3));
    expect(failures).toContain('timeout');
    expect(await ssl.listenerCounters(listener)).toMatchObject({
      established: 0,
      live: 0,
      failed: { peer_unknown_ca: 1, timeout: 1, unknown_content_type: 1 },
    });
  });

  it('does not start when its port is taken, or its options are wrong', async () => {
    const { port } = await pool();
    for (const [name, options, reason] of [
      ['second', { port }, 'eaddrinuse'],
      ['third', { options: { depth: -1 } }, '"depth":-1'],
    ] as const) {
      const spec = ssl.acceptorPool({ name, port: 0, options: identity, handler: echo, ...options });
      expect(JSON.stringify(await startSupervisor(node, { children: [spec] }))).toContain(reason);
    }
    expect(() =>
      ssl.acceptorPool({ name: 'x', port: 0, options: identity, handler: echo, acceptors: 0 }),
    ).toThrow(TypeError);
  });
});

describe('draining', () => {
  it('lets nobody in, lets those there finish, and answers when the last has gone', async () => {
    const { listener, port } = await pool();
    const [one, two] = [await dial(port), await dial(port)];
    let drained: unknown;
    const draining = ssl.drain(listener, 'infinity').then((result) => {
      drained = result;
    });
    await soon(async () =>
      expect(await ssl.connect(self, 'localhost', port, trust)).toEqual({ error: 'econnrefused' }),
    );
    await serves(one);
    await ssl.close(one);
    await serves(two);
    expect(drained).toBeUndefined();
    await ssl.close(two);
    await draining;
    expect(drained).toEqual({ ok: { finished: 2, closed: 0 } });
    expect(await ssl.listenerCounters(listener)).toEqual({ error: 'closed' });
  });

  it('says close_notify at the deadline to those who are still there', async () => {
    const { listener, port } = await pool();
    const socket = tlsConnect({ port, host: '127.0.0.1', servername: 'localhost', ca: [ca.certPem] });
    await once(socket, 'secureConnect');
    const stays = await dial(port);
    await serves(stays);
    const ended = once(socket.resume(), 'end');
    expect(await ssl.drain(listener, 50)).toEqual({ ok: { finished: 0, closed: 2 } });
    await ended;
    expect(await ssl.recv(stays, 0, 5000)).toEqual({ error: 'closed' });
  });

  it('lets a handshake finish that has begun, and tells acceptors and drains of a closed listener so', async () => {
    const listener = ssl.unwrap(await ssl.listen(self, 0, identity));
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const connecting = ssl.connect(self, 'localhost', port, trust);
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
    const waiting = ssl.transportAccept(self, listener);
    const draining = ssl.drain(listener, 5000);
    expect(await waiting).toEqual({ error: 'closed' });
    expect(await ssl.transportAccept(self, listener)).toEqual({ error: 'closed' });
    const server = ssl.unwrap(await ssl.handshake(self, accepted));
    const client = ssl.unwrap(await connecting);
    await ssl.send(client, 'late');
    expect(ssl.unwrap(await ssl.recv(server, 4))).toEqual(Buffer.from('late'));
    await ssl.close(server);
    expect(await draining).toEqual({ ok: { finished: 1, closed: 0 } });
    expect(await ssl.drain(listener, 0)).toEqual({ error: 'closed' });
  });

  it('is answered at once when nobody is there, and the shorter deadline of two counts', async () => {
    const first = await pool();
    expect(await ssl.drain(first.listener, 'infinity')).toEqual({ ok: { finished: 0, closed: 0 } });
    const listener = ssl.unwrap(await ssl.listen(self, 0, identity));
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const connecting = ssl.connect(self, 'localhost', port, trust);
    ssl.unwrap(await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener))));
    await connecting;
    const both = [ssl.drain(listener, 'infinity'), ssl.drain(listener, 10)];
    expect(await Promise.all(both)).toEqual(Array(2).fill({ ok: { finished: 0, closed: 1 } }));
  });

  it('sends away at once whoever the network still brings', async () => {
    let bring = (_stream: Duplex): void => undefined;
    const network: NonNullable<ssl.StartOptions['network']> = {
      name: 'by hand',
      connect: async () => einval,
      adopt: ssl.duplexTransport,
      listen: async (_port, _options, receiver) => {
        bring = (stream) => receiver.onAccept(ssl.unwrap(ssl.duplexTransport(stream)));
        return {
          ok: { sockname: () => ({ ok: { address: '127.0.0.1', port: 1 } }), close: () => undefined },
        };
      },
    };
    const other = createNode({ logger: silentLogger });
    ssl.unwrap(await ssl.start({ node: other, network }));
    const owner = other.shell();
    const listener = ssl.unwrap(await ssl.listen(owner, 1, identity));
    const stream = (): Duplex =>
      new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    const [there, late] = [stream(), stream()];
    bring(there);
    ssl.unwrap(await ssl.transportAccept(owner, listener));
    const draining = ssl.drain(listener, 'infinity');
    expect(await ssl.transportAccept(owner, listener)).toEqual({ error: 'closed' });
    bring(late);
    await vi.waitFor(() => expect(late.destroyed).toBe(true), patience);
    expect(there.destroyed).toBe(false);
    await ssl.stop(other);
    await draining;
    other.stop();
  });

  it('is what a pool does when it is stopped, if it is told how long', async () => {
    const spec = ssl.acceptorPool({ name: 'pool', port: 0, options: identity, handler: echo, drain: 5000 });
    const start = (starter: Self) => startSupervisor(starter, { children: [spec] });
    await startApplication(node, { name: 'drained', start });
    const listener = await ssl.poolListener(node, 'pool');
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const client = await dial(port);
    const stopping = stopApplication(node, 'drained');
    await soon(async () =>
      expect(await ssl.connect(self, 'localhost', port, trust)).toEqual({ error: 'econnrefused' }),
    );
    await serves(client);
    await ssl.close(client);
    expect(await stopping).toBe('ok');
    expect(await ssl.listenerCounters(listener)).toEqual({ error: 'closed' });
  });
});

describe('counters', () => {
  it('of a listener and of the node count bytes and connections, those that have ended too', async () => {
    const { listener, port } = await pool();
    const client = await dial(port);
    await serves(client);
    const { recvOct, sendOct } = ssl.unwrap(await ssl.getstat(client));
    expect(await ssl.listenerCounters(listener)).toMatchObject({
      accepted: 1,
      handshakes: 0,
      established: 1,
      failed: {},
      live: 1,
      bytesIn: sendOct,
      bytesOut: recvOct,
    });
    const side = { handshakes: 0, established: 1, failed: {}, live: 1 };
    expect(ssl.nodeCounters(node)).toEqual({
      client: { ...side, bytesIn: recvOct, bytesOut: sendOct },
      server: { ...side, bytesIn: sendOct, bytesOut: recvOct },
      heldBytes: 0,
      displacedMemory: 0,
      resumption: expect.anything(),
      sessions: expect.anything(),
    });
    await ssl.close(client);
    await soon(() =>
      expect(ssl.nodeCounters(node)).toMatchObject({
        client: { live: 0 },
        server: { live: 0, established: 1 },
      }),
    );
    const { bytesIn } = Object(ssl.nodeCounters(node)).server;
    expect(bytesIn).toBeGreaterThan(sendOct ?? 0);
    node.exit(listener.listener, 'kill');
    expect(ssl.nodeCounters(node)).toMatchObject({ server: { established: 1, bytesIn } });
    expect(ssl.nodeCounters(createNode())).toEqual({ error: 'ssl_not_started' });
  });

  it('count a connection that is killed as ended, and one killed in its handshake as crashed', async () => {
    const listener = ssl.unwrap(await ssl.listen(self, 0, identity));
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const connecting = ssl.connect(self, 'localhost', port, trust);
    const server = ssl.unwrap(
      await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener))),
    );
    ssl.unwrap(await connecting);
    node.exit(server.connection, 'kill');
    await soon(async () =>
      expect(await ssl.listenerCounters(listener)).toMatchObject({ live: 0, established: 1 }),
    );
    const silent = createConnection(port, '127.0.0.1').on('error', () => {});
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
    const shaking = ssl.handshake(self, accepted);
    node.exit(accepted.connection, 'kill');
    await shaking;
    await soon(async () =>
      expect(await ssl.listenerCounters(listener)).toMatchObject({ handshakes: 0, failed: { crashed: 1 } }),
    );
    silent.destroy();
  });
});

describe('stopping', () => {
  /** A peer that has read nothing yet of what is sent to it. */
  async function slowPeer(bytes: number) {
    const listener = ssl.unwrap(await ssl.listen(self, 0, identity));
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const peer = tlsConnect({ port, host: '127.0.0.1', servername: 'localhost', ca: [ca.certPem] });
    peer.on('error', () => {});
    const server = ssl.unwrap(
      await ssl.handshake(self, ssl.unwrap(await ssl.transportAccept(self, listener))),
    );
    const sending = ssl.send(server, Buffer.alloc(bytes, 'x'));
    await soon(() =>
      expect(JSON.stringify(node.processInfo(server.sender)?.context)).toContain('"blocked":true'),
    );
    return { peer, sending };
  }

  it('lets pending sends out first, then close_notify', async () => {
    const { peer, sending } = await slowPeer(20_000_000);
    const stopping = ssl.stop(node);
    let received = 0;
    peer.on('data', (data) => {
      received += data.length;
    });
    await once(peer, 'end');
    expect(received).toBe(20_000_000);
    expect(await sending).toEqual({ ok: true });
    expect(await stopping).toEqual({ ok: true });
  });

  it('does not wait for ever for a peer that never reads', async () => {
    const { peer, sending } = await slowPeer(20_000_000);
    expect(await ssl.stop(node)).toEqual({ ok: true });
    expect(await sending).toEqual({ error: 'closed' });
    peer.destroy();
  });
});

describe('an application of one’s own', () => {
  it('names ssl among those it needs, and it is started before', async () => {
    const own = createNode({ logger: silentLogger });
    const spec = ssl.acceptorPool({ name: 'mine', port: 0, options: identity, handler: echo });
    const mine = {
      name: 'mine',
      applications: [ssl.application],
      start: (starter: Self) => startSupervisor(starter, { children: [spec] }),
    };
    expect(await ensureAllStarted(own, mine)).toEqual({ ok: ['ssl', 'mine'] });
    expect((await whichApplications(own)).map(({ name }) => name)).toEqual(['mine', 'ssl']);
    const shell = own.shell();
    const { port } = ssl.unwrap(await ssl.sockname(await ssl.poolListener(own, 'mine')));
    const socket = ssl.unwrap(await ssl.connect(shell, 'localhost', port, trust));
    await serves(socket);
    expect(await ssl.start({ node: own })).toEqual({ ok: true });
    expect(await stopApplication(own, 'mine')).toBe('ok');
    expect(await ssl.stop(own)).toEqual({ ok: true });
    own.stop();
  });
});
