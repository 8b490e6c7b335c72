/**
 * Connections in simulated schedules: data, hand-overs, kills and a network that splits, delays and breaks, all drawn
 * from the seed. A failing seed is in the test's name and replays.
 */
import type { Pid, Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa, type OwnerWatch, type Simulation, simulateSsl, watchOwners } from '@actor-tls/ssl/testing';
import { describe, expect, it } from 'vitest';

const ca = createCa({ key: 'ed25519' });
const leaf = ca.issue({ key: 'ed25519', serial: 7 });

type WorkerMessage =
  | ssl.SslMessage
  | { readonly type: 'own'; readonly socket: ssl.SslSocket }
  | { readonly type: 'give'; readonly to: Pid<ssl.SslMessage> };

/** Owns one connection at a time, in an active mode of its own, and hands it on when told to. */
function worker(watch: OwnerWatch, mode: true | 'once' | number) {
  return async (self: Self<WorkerMessage>): Promise<void> => {
    let mine: ssl.SslSocket | undefined;
    for (;;) {
      const message = await self.receive();
      switch (message.type) {
        case 'own':
          mine = message.socket;
          await ssl.setopts(mine, { active: mode });
          break;
        case 'give':
          if (mine !== undefined) {
            const socket = mine;
            const given = await ssl.controllingProcess(socket, message.to);
            if ('ok' in given) watch.handedOver(socket, message.to);
            self.send(message.to, { type: 'own', socket } as never);
            mine = undefined;
          }
          break;
        case 'ssl':
          if (mode === 'once') await ssl.setopts(message.socket, { active: 'once' });
          break;
        case 'ssl_passive':
          if (typeof mode === 'number') await ssl.setopts(message.socket, { active: mode });
          break;
        case 'ssl_closed':
        case 'ssl_error':
          break;
      }
    }
  };
}

interface Pair {
  readonly client: ssl.SslSocket;
  readonly server: ssl.SslSocket;
  /** What the client gave to send, in order. */
  readonly sent: Uint8Array[];
  /** Bytes whose send was answered with ok. */
  taken: number;
  owner: Pid<WorkerMessage>;
}

async function openPair(
  simulation: Simulation,
  self: Self,
  listener: ssl.SslListenSocket,
): Promise<Pair | undefined> {
  const { run } = simulation;
  const connecting = ssl.connect(self, 'localhost', 443, { cacerts: [ca.cert], active: false }, 60_000);
  const accepting = ssl.transportAccept(self, listener, 60_000);
  const accepted = await run(accepting);
  if ('error' in accepted) return undefined;
  const served = await run(ssl.handshake(self, accepted.ok, 60_000));
  const client = await run(connecting);
  if ('error' in served || 'error' in client) {
    for (const end of [served, client, accepted]) if ('ok' in end) await run(ssl.close(end.ok));
    return undefined;
  }
  return { client: client.ok, server: served.ok, sent: [], taken: 0, owner: self.pid };
}

async function schedule(seed: number): Promise<void> {
  const draw = seed * 7919;
  const simulation = await simulateSsl({
    seed,
    network: {
      delay: [0, 1 + (draw % 20)],
      split: (seed % 4) / 4,
      cut: seed % 5 === 0 ? 0.02 : 0,
      window: 4096 << (seed % 4),
    },
    env: { alert_timeout: 100 },
  });
  const { test, run } = simulation;
  const { node, random } = test;
  const watch = watchOwners(node);
  const self = node.shell();
  const listener = ssl.unwrap(
    await run(ssl.listen(self, 443, { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key }, active: false })),
  );
  const mark = test.mark();
  const modes: readonly (true | 'once' | number)[] = [true, 'once', 1, 3];
  const workers = modes.map((mode) => node.spawn(worker(watch, mode)));
  const pairs: Pair[] = [];
  for (let i = 0; i < 3; i++) {
    const pair = await openPair(simulation, self, listener);
    if (pair === undefined) continue;
    const owner = random.pick(workers);
    if (owner === undefined) continue;
    const given = await run(ssl.controllingProcess(pair.server, owner as never));
    if ('ok' in given) watch.handedOver(pair.server, owner);
    node.send(owner, { type: 'own', socket: pair.server });
    pair.owner = owner as never;
    pairs.push(pair);
  }
  const killed = new Set<ssl.SslSocket>();
  const closedByOwner = new Set<ssl.SslSocket>();
  const pending: Promise<unknown>[] = [];
  for (let step = 0; step < 40; step++) {
    const pair = random.pick(pairs);
    if (pair === undefined) break;
    switch (random.below(12)) {
      case 0: {
        const to = random.pick(workers);
        if (to !== undefined && to !== pair.owner && node.isAlive(pair.owner)) {
          node.send(pair.owner, { type: 'give', to: to as never });
          pair.owner = to as never;
        }
        break;
      }
      case 1:
        if (step > 25) {
          const victim = random.pick([pair.server.connection, pair.server.sender, pair.client.connection]);
          if (victim !== undefined) test.kill(victim as never, random.pick(['kill', { boom: 1 }]));
          killed.add(pair.server);
        }
        break;
      case 2:
        if (step > 30) pending.push(ssl.close(pair.client));
        break;
      case 3:
        if (step > 35) {
          closedByOwner.add(pair.server);
          pending.push(ssl.close(pair.server));
        }
        break;
      case 4:
        pending.push(ssl.updateKeys(pair.client, random.pick(['write', 'read_write'] as const) ?? 'write'));
        break;
      default: {
        const data = Buffer.alloc(1 + random.below(9000), step);
        pair.sent.push(data);
        pending.push(
          ssl.send(pair.client, data).then((result) => {
            if ('ok' in result) pair.taken += data.length;
          }),
        );
      }
    }
    await test.advance(random.below(30));
  }
  for (const { client } of pairs) pending.push(ssl.close(client));
  await run(Promise.all(pending));
  await test.advance(30_000);
  expect(watch.violations()).toEqual([]);
  for (const { server, sent, taken } of pairs) {
    const got = watch.dataOf(server);
    const all = Buffer.concat(sent);
    expect(Buffer.compare(got, all.subarray(0, got.length)), 'the data is what was sent, in order').toBe(0);
    if (killed.has(server) || closedByOwner.has(server)) continue;
    expect(watch.ending(server), 'a connection that ends by itself says so').toMatch(/ssl_(closed|error)/);
    if (seed % 5 !== 0) expect(got.length, 'what was taken arrived').toBeGreaterThanOrEqual(taken);
  }
  for (const { server } of pairs)
    if (killed.has(server) && !closedByOwner.has(server))
      expect(watch.ending(server)).toMatch(/ssl_(closed|error)/);
  for (const one of workers) test.kill(one as never);
  await run(ssl.close(listener));
  await test.advance(10_000);
  expect(simulation.network.open.size, 'sockets left').toBe(0);
  expect(test.leaks(mark)).toEqual([]);
  await simulation.stop();
}

describe('in any schedule owners hear each byte once, in order, and one ending', () => {
  for (let seed = 1; seed <= Number(process.env['SEEDS'] ?? '60'); seed++)
    it(`seed ${seed}`, () => schedule(seed));
});
