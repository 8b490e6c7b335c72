/** What schedules found wrong once, each in its shortest form. */
import type { Pid, Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa, type Simulation, simulateSsl } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';

const ca = createCa({ key: 'ed25519' });
const issued = ca.issue({ key: 'ed25519' });
const serving = { cert: issued.chain, key: { PrivateKeyInfo: issued.key }, active: false } as const;
const trust = { cacerts: [ca.cert], active: false } as const;

let world: Simulation;
let self: Self;

beforeEach(async () => {
  world = await simulateSsl({ seed: 3, network: { window: 10_000 } });
  self = world.test.node.shell();
});
afterEach(async () => {
  await world.stop();
  expect([...world.network.open]).toEqual([]);
});

async function pair(): Promise<readonly [client: ssl.SslSocket, server: ssl.SslSocket]> {
  const listener = ssl.unwrap(await world.run(ssl.listen(self, 443, serving)));
  const connecting = ssl.connect(self, 'localhost', 443, trust);
  const accepted = ssl.unwrap(await world.run(ssl.transportAccept(self, listener)));
  const server = ssl.unwrap(await world.run(ssl.handshake(self, accepted)));
  return [ssl.unwrap(await world.run(connecting)), server];
}

function listenerProcess(): Pid<unknown> | undefined {
  const { node } = world.test;
  return node.processes().find((pid) => node.processInfo(pid)?.kind === 'ssl_listener');
}

it('shutdown waits for what was sent before, however slow the peer', async () => {
  const [client, server] = await pair();
  const data = Buffer.alloc(2 << 20, 'slow');
  const sending = ssl.send(client, data);
  const shutting = ssl.shutdown(client, 'write');
  await world.test.advance(60_000);
  const got = ssl.unwrap(await world.run(ssl.recv(server, data.length)));
  expect(data.equals(Buffer.from(got as Uint8Array))).toBe(true);
  expect(await world.run(sending)).toEqual({ ok: true });
  expect(await world.run(shutting)).toEqual({ ok: true });
  expect(await world.run(ssl.recv(server, 0))).toEqual({ error: 'closed' });
});

it('close after shutdown waits behind it, and acknowledges nothing that is lost', async () => {
  const [client, server] = await pair();
  const sending = ssl.send(client, Buffer.alloc(2 << 20));
  const shutting = ssl.shutdown(client, 'write');
  const closing = ssl.close(client);
  await world.test.advance(1000);
  expect(await world.run(closing)).toEqual({ ok: true });
  expect(await world.run(sending)).toEqual({ error: 'closed' });
  expect(await world.run(shutting)).toEqual({ error: 'closed' });
  await world.test.advance(60_000);
  await world.run(ssl.close(server));
});

it('a connect whose supervisor is killed meanwhile is answered', async () => {
  const { node } = world.test;
  ssl.unwrap(await world.run(ssl.listen(self, 443, serving)));
  const connecting = ssl.connect(self, 'localhost', 443, trust, 5000);
  const killWhenAsked = (): void => {
    const supervisor = node.whereis('tls_connection_sup');
    const waiting = supervisor === undefined ? 0 : node.processInfo(supervisor)?.messageQueueLength;
    if (supervisor !== undefined && waiting === 1) node.exit(supervisor, 'kill');
    else world.test.atSlot(world.test.slot + 1, killWhenAsked);
  };
  killWhenAsked();
  expect(await world.run(connecting)).toEqual({ error: 'closed' });
  await world.test.advance(10_000);
  expect(self.flush()).toEqual([]);
});

it('a connect in its handshake when the application stops is answered, and its owner gets no message', async () => {
  ssl.unwrap(await world.run(ssl.listen(self, 443, serving)));
  const connecting = ssl.connect(self, 'localhost', 443, { ...trust, active: true });
  await world.test.advance(10);
  await world.run(ssl.stop(world.test.node));
  expect(await world.run(connecting)).toEqual({ error: 'closed' });
  expect(self.flush()).toEqual([]);
});

it('a listener that is killed closes those who wait for an acceptor', async () => {
  const listener = ssl.unwrap(await world.run(ssl.listen(self, 443, serving)));
  const connecting = ssl.connect(self, 'localhost', 443, trust);
  await world.test.advance(20);
  expect(await world.run(ssl.listenerCounters(listener))).toMatchObject({ waiting: 1 });
  world.test.node.exit(listener.listener, 'kill');
  expect(await world.run(connecting)).toEqual({ error: 'closed' });
});

it('a listener that is killed while it opens its socket leaves the port free', async () => {
  const listening = ssl.listen(self, 443, serving);
  for (let i = 0; i < 50 && listenerProcess() === undefined; i++) await Promise.resolve();
  const opening = listenerProcess();
  if (opening === undefined) throw new Error('no listener process yet');
  world.test.node.exit(opening, 'kill');
  expect(await world.run(listening)).toEqual({ error: 'killed' });
  expect(await world.run(ssl.listen(self, 443, serving))).toHaveProperty('ok');
});

it('a connection that starts when its listener is killed is closed again', async () => {
  const { node } = world.test;
  const before = node.processCount;
  const listener = ssl.unwrap(await world.run(ssl.listen(self, 443, serving)));
  const accepting = ssl.transportAccept(self, listener);
  const peer = ssl.unwrap(await world.run(world.network.connect('localhost', 443, {}, 'infinity')));
  const killWhenStarting = (): void => {
    if (node.processes().some((pid) => node.processInfo(pid)?.kind === 'tls_sender'))
      node.exit(listener.listener, 'kill');
    else world.test.atSlot(world.test.slot + 1, killWhenStarting);
  };
  killWhenStarting();
  expect(await world.run(accepting)).toEqual({ error: 'closed' });
  await world.test.advance(10_000);
  expect(node.processCount).toBe(before);
  peer.destroy();
  await world.test.advance(100);
});

it('a connection that is reset as it renegotiates, at whatever step, leaves nobody waiting', async () => {
  const older = { versions: ['tlsv1.2'] } as const;
  const listener = ssl.unwrap(await world.run(ssl.listen(self, 443, { ...serving, ...older })));
  // By the clock a reset comes when all processes are at rest: this one comes in between.
  let resetClient = (): void => {};
  const connect = world.network.connect.bind(world.network);
  world.network.connect = async (...to) => {
    const connected = await connect(...to);
    if ('error' in connected) return connected;
    const { ok: transport } = connected;
    const start = transport.start.bind(transport);
    transport.start = (receiver) => {
      resetClient = () => receiver.onClosed('econnreset');
      start(receiver);
    };
    return connected;
  };
  for (let step = 1; step <= 6; step += 1) {
    const connecting = ssl.connect(self, 'localhost', 443, { ...trust, ...older });
    const accepted = ssl.unwrap(await world.run(ssl.transportAccept(self, listener)));
    const server = ssl.unwrap(await world.run(ssl.handshake(self, accepted)));
    const client = ssl.unwrap(await world.run(connecting));
    const reading = ssl.recv(client, 0);
    await world.test.advance(10);
    const asking = ssl.renegotiate(client);
    world.test.atSlot(world.test.slot + step, () => resetClient());
    expect([step, await world.run(reading)]).toEqual([step, { error: 'closed' }]);
    expect([step, await world.run(asking)]).toEqual([step, { error: 'closed' }]);
    await world.run(Promise.all([ssl.close(client), ssl.close(server)]));
  }
});
