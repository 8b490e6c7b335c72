/** What may fail alone: caches, trackers, one connection, one user's function, peers that say nothing. */
import type { Self } from '@actor-tls/runtime';
import { describeTree, leaksSince } from '@actor-tls/runtime/testing';
import * as ssl from '@actor-tls/ssl';
import { createCa, type Simulation, simulateSsl } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ca = createCa({ key: 'ed25519' });
const issued = ca.issue({ key: 'ed25519' });
const identity = { cert: issued.chain, key: { PrivateKeyInfo: issued.key } };
const trust = { cacerts: [ca.cert], active: false } as const;

let world: Simulation;
let self: Self;
let listener: ssl.SslListenSocket;

beforeEach(async () => {
  world = await simulateSsl({ seed: 5 });
  self = world.test.node.shell();
  listener = ssl.unwrap(
    await world.run(
      ssl.listen(self, 443, { ...identity, active: false, maxHandshakes: 3, handshakeDeadline: 2000 }),
    ),
  );
});
afterEach(async () => {
  await world.stop();
  expect([...world.network.open]).toEqual([]);
});

interface Pair {
  readonly client: ssl.SslSocket;
  readonly server: ssl.SslSocket;
}

async function pair(owner: Self = self): Promise<Pair> {
  const accepting = ssl.transportAccept(owner, listener);
  const connecting = ssl.connect(owner, 'localhost', 443, trust);
  const accepted = ssl.unwrap(await world.run(accepting));
  const server = ssl.unwrap(await world.run(ssl.handshake(owner, accepted)));
  return { client: ssl.unwrap(await world.run(connecting)), server };
}

/** Throws unless bytes come through both ways. */
async function serves({ client, server }: Pair): Promise<void> {
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    const sending = ssl.send(from, 'still here');
    expect(await world.run(ssl.recv(to, 10, 1000))).toEqual({ ok: Buffer.from('still here') });
    expect(await world.run(sending)).toEqual({ ok: true });
  }
}

const singletons = ['ssl_pem_cache', 'ssl_crl_cache', 'ssl_client_session_cache', 'tls_client_ticket_store'];

describe('killing', () => {
  for (const name of singletons)
    it(`${name} restarts it, and every connection serves on, old and new`, async () => {
      const { node } = world.test;
      const old = await pair();
      const before = describeTree(node, 'ssl_sup');
      const first = node.whereis(name);
      const sending = ssl.send(old.client, 'on its way');
      world.test.kill(name);
      expect(await world.run(ssl.recv(old.server, 10, 1000))).toEqual({ ok: Buffer.from('on its way') });
      await world.run(sending);
      await world.test.settle();
      expect(node.whereis(name)).toBeDefined();
      expect(node.whereis(name)).not.toBe(first);
      expect(describeTree(node, 'ssl_sup')).toBe(before);
      await serves(old);
      await serves(await pair());
    });

  it('a cache again and again takes its supervisor along, then the application, which says goodbye to all', async () => {
    const { node } = world.test;
    const { client, server } = await pair();
    await world.run(ssl.setopts(server, { active: true }));
    const admin = node.whereis('ssl_admin_sup');
    for (let kills = 1; kills <= 11; kills++) {
      world.test.kill('tls_client_ticket_store');
      await world.test.settle();
    }
    expect(node.whereis('ssl_admin_sup')).toBeDefined();
    expect(node.whereis('ssl_admin_sup')).not.toBe(admin);
    const sending = ssl.send(client, 'still here');
    await world.test.advance(100);
    expect(await world.run(sending)).toEqual({ ok: true });
    expect(self.flush()).toMatchObject([{ type: 'ssl', socket: server, data: Buffer.from('still here') }]);
    for (let kills = 0; kills < 200 && node.whereis('ssl_sup') !== undefined; kills++) {
      world.test.kill('tls_client_ticket_store');
      await world.test.settle();
    }
    await world.test.advance(10_000);
    expect(node.whereis('ssl_sup')).toBeUndefined();
    expect(self.flush()).toEqual([{ type: 'ssl_closed', socket: server }]);
    expect(await world.run(ssl.recv(client, 0))).toEqual({ error: 'closed' });
    expect(await world.run(ssl.connect(self, 'localhost', 443, trust))).toEqual({ error: 'ssl_not_started' });
  });

  it('a listener’s tracker ends the listener, and every connection serves on', async () => {
    const { node } = world.test;
    const old = await pair();
    const waiting = ssl.transportAccept(self, listener);
    node.exit(listener.listener, 'kill');
    expect(await world.run(waiting)).toEqual({ error: 'closed' });
    await serves(old);
    expect(await world.run(ssl.connect(self, 'localhost', 443, trust))).toEqual({ error: 'econnrefused' });
    listener = ssl.unwrap(await world.run(ssl.listen(self, 443, { ...identity, active: false })));
    await serves(await pair());
  });

  it('the trackers’ supervisor takes the listeners along, and every connection serves on', async () => {
    const old = await pair();
    world.test.kill('ssl_listen_tracker_sup');
    await world.test.settle();
    await serves(old);
    listener = ssl.unwrap(await world.run(ssl.listen(self, 443, { ...identity, active: false })));
    await serves(await pair());
  });

  for (const victim of ['connection', 'sender'] as const)
    it(`a ${victim} tells its owner once, and nobody else notices`, async () => {
      const owner = world.test.node.shell();
      const hit = await pair(owner);
      const other = await pair();
      await world.run(ssl.setopts(hit.server, { active: true }));
      const mark = world.test.mark();
      world.test.node.exit(hit.server[victim], 'kill');
      await world.test.advance(10_000);
      const told = owner.flush();
      expect(told).toMatchObject([
        {
          type: 'ssl_error',
          socket: hit.server,
          reason: { tls_alert: ['internal_error', expect.any(String)] },
        },
      ]);
      expect(self.flush()).toEqual([]);
      expect(await world.run(ssl.send(hit.server, 'x'))).toEqual({ error: 'closed' });
      expect(await world.run(ssl.close(hit.server))).toEqual({ ok: true });
      await world.run(ssl.close(hit.client));
      await world.test.advance(10_000);
      expect(leaksSince(world.test.node, mark)).toEqual([]);
      await serves(other);
    });

  for (const order of [
    ['connection', 'sender'],
    ['sender', 'connection'],
  ] as const)
    it(`the ${order.join(' and the ')} in one instant tells the owner all the same`, async () => {
      const owner = world.test.node.shell();
      const hit = await pair(owner);
      await world.run(ssl.setopts(hit.server, { active: true }));
      for (const victim of order) world.test.node.exit(hit.server[victim], 'kill');
      await world.test.advance(10_000);
      expect(owner.flush()).toMatchObject([
        {
          type: 'ssl_error',
          socket: hit.server,
          reason: { tls_alert: ['internal_error', expect.any(String)] },
        },
      ]);
    });
});

describe('a user’s verifyFun', () => {
  const tooSlow = (): Promise<{ valid: unknown }> => new Promise(() => {});
  const crooked = {
    'that never answers': [tooSlow, 'timeout'],
    'that throws': [
      () => {
        throw new Error('not today');
      },
      { tls_alert: ['internal_error', expect.any(String)] },
    ],
    'whose promise fails': [
      () => Promise.reject(new Error('not today')),
      { tls_alert: ['internal_error', expect.any(String)] },
    ],
  } as const;
  for (const [what, [fun, reason]] of Object.entries(crooked))
    it(`${what} ends its own handshake and no other`, async () => {
      const old = await pair();
      const accepting = ssl.transportAccept(self, listener);
      const connecting = ssl.connect(self, 'localhost', 443, {
        ...trust,
        verifyFun: [fun, 0],
        handshakeDeadline: 1500,
      });
      const accepted = ssl.unwrap(await world.run(accepting));
      const shaking = ssl.handshake(self, accepted);
      await world.test.advance(20);
      // While it waits, others come and go.
      await serves(await pair());
      expect(await world.run(connecting)).toEqual({ error: reason });
      await world.run(shaking);
      await serves(old);
      await world.test.advance(10_000);
      expect(self.flush()).toEqual([]);
    });
});

describe('peers that say nothing', () => {
  const silent = async () =>
    ssl.unwrap(await world.run(world.network.connect('localhost', 443, {}, 'infinity')));

  it('are let go at the handshake deadline, and count until then', async () => {
    const accepting = ssl.transportAccept(self, listener);
    const peer = await silent();
    const accepted = ssl.unwrap(await world.run(accepting));
    const shaking = ssl.handshake(self, accepted);
    await world.test.advance(1000);
    expect(await world.run(ssl.listenerCounters(listener))).toMatchObject({ handshakes: 1 });
    expect(await world.run(shaking)).toEqual({ error: 'timeout' });
    await world.test.advance(10_000);
    expect(await world.run(ssl.listenerCounters(listener))).toMatchObject({ handshakes: 0, accepted: 1 });
    peer.destroy();
    await world.test.advance(1000);
  });

  it('take up maxHandshakes places, beyond which newcomers are sent away and counted', async () => {
    const peers = [await silent(), await silent(), await silent()];
    await world.test.advance(10);
    const refused = ssl.connect(self, 'localhost', 443, trust, 1000);
    expect(await world.run(refused)).toEqual({ error: 'closed' });
    expect(await world.run(ssl.listenerCounters(listener))).toMatchObject({
      waiting: 3,
      refusedHandshakes: 1,
    });
    for (const peer of peers) {
      const accepted = ssl.unwrap(await world.run(ssl.transportAccept(self, listener)));
      expect(await world.run(ssl.handshake(self, accepted))).toEqual({ error: 'timeout' });
      peer.destroy();
    }
    await world.test.advance(10_000);
    await serves(await pair());
  });
});

it('a passive owner that reads nothing keeps little, and its peer’s send waits', async () => {
  const { client, server } = await pair();
  let done = false;
  const sending = ssl.send(client, Buffer.alloc(64 << 20)).then((result) => {
    done = true;
    return result;
  });
  await world.test.advance(60_000);
  expect(done).toBe(false);
  const context = world.test.node.processInfo(server.connection)?.context;
  const { buffered } = JSON.parse(JSON.stringify(context));
  expect(buffered).toBeGreaterThan(0);
  expect(buffered).toBeLessThan(3 << 20);
  expect(ssl.unwrap(await world.run(ssl.recv(server, 64 << 20)))).toHaveLength(64 << 20);
  expect(await world.run(sending)).toEqual({ ok: true });
});
