/**
 * A connection's process from inside: what stands between its lives and cannot be reached by `ssl`'s functions yet,
 * options after the peer's hello and a write half that comes back for a handshake that runs again.
 */
import type { Pid } from '@actor-tls/runtime';
import { describe, expect, it, vi } from 'vitest';
import { parseServerOptions } from '../../options/parse.js';
import * as ssl from '../../ssl.js';
import { createCa } from '../../testing/certificates.js';
import { type Simulation, simulateSsl } from '../../testing/simulation.js';
import type { Result } from '../../values/terms.js';
import { applicationOf, startConnection } from '../application.js';
import type { Environment } from '../environment.js';
import type { Transport } from '../transport/transport.js';
import { Connection } from './connection.js';
import type { AfterHello, Equipment } from './handshake-means.js';
import type { SslSocket } from './socket.js';

const ca = createCa({ key: 'ed25519' });
const first = ca.issue({ key: 'ed25519', serial: 7 });
const other = ca.issue({ key: 'ed25519', serial: 8 });
const options = { cert: first.chain, key: { PrivateKeyInfo: first.key }, active: false };

type Caller = ReturnType<Simulation['test']['node']['shell']>;

interface World {
  readonly simulation: Simulation;
  readonly environment: Environment;
  readonly self: Caller;
  /** The server's end, accepted and not shaken. */
  readonly server: SslSocket;
  readonly connecting: Promise<Result<SslSocket>>;
}

/** A client that connects, and a server's end that looks at hellos. */
async function world(afterHello: AfterHello, seed = 1): Promise<World> {
  const simulation = await simulateSsl({ seed, network: { delay: [0, 3], split: 0.3 } });
  const { test, run, network } = simulation;
  const self = test.node.shell();
  const application = applicationOf(test.node);
  if (application === undefined) throw new Error('no application');
  const { environment } = application;
  const arrived: Transport[] = [];
  await run(
    network.listen(443, {}, { onAccept: (one) => void arrived.push(one), onListenerClosed: () => {} }),
  );
  const connecting = ssl.connect(self, 'localhost', 443, { cacerts: [ca.cert], active: false }, 60_000);
  while (arrived.length === 0) await test.advance(1);
  const [transport] = arrived;
  const config = configOf(environment, options);
  if (transport === undefined) throw new Error('nobody came');
  const started = await run(
    startConnection(test.node, {
      environment,
      transport,
      config,
      socket: config.socket,
      owner: self.pid,
      host: undefined,
      place: environment.census.place(transport, 'server'),
      afterHello,
    }),
  );
  if ('error' in started) throw new Error('not started');
  return { simulation, environment, self, server: started.ok, connecting };
}

function configOf({ engine }: Environment, given: ssl.TlsServerOptions): Equipment['config'] {
  const config = parseServerOptions(given, { engine, defaultVersions: undefined });
  if ('error' in config) throw new Error(JSON.stringify(config.error));
  return config.ok;
}

async function equipmentOf(
  environment: Environment,
  given: ssl.TlsServerOptions,
): Promise<Result<Equipment>> {
  const config = configOf(environment, given);
  const credentials = await environment.credentials(config);
  return 'error' in credentials ? credentials : { ok: { config, credentials: credentials.ok } };
}

function connectionOf({ environment }: World, socket: SslSocket): Connection {
  for (const { occupant } of environment.census.present())
    if (occupant instanceof Connection && occupant.pid === socket.connection) return occupant;
  throw new Error('no such connection');
}

const asBefore: AfterHello = (_hello, equipment) => ({ ok: equipment });

describe('a connection that pauses after the hello', () => {
  it('goes on with the certificate that a look-up has brought', async () => {
    let name = '';
    const it = await world(async (hello) => {
      name = hello.type;
      return equipmentOf(it.environment, {
        ...options,
        cert: other.chain,
        key: { PrivateKeyInfo: other.key },
      });
    });
    const { run } = it.simulation;
    const shaking = ssl.handshake(it.self, it.server, 60_000);
    const [client, served] = await run(Promise.all([it.connecting, shaking]));
    expect(name).toBe('client_hello');
    expect('ok' in served).toBe(true);
    const shown = ssl.unwrap(await run(ssl.peercert(ssl.unwrap(client))));
    expect(Buffer.from(shown).equals(other.chain[0] ?? Buffer.of())).toBe(true);
    await it.simulation.stop();
  });

  it('is in the life userHello, reads nothing, and keeps calls for later', async () => {
    let decide: (answer: Result<Equipment>) => void = () => {};
    let offered: Equipment | undefined;
    const it = await world((_hello, equipment) => {
      offered = equipment;
      return new Promise((resolve) => {
        decide = resolve;
      });
    });
    const { test, run } = it.simulation;
    const shaking = ssl.handshake(it.self, it.server, 60_000);
    await test.advance(1000);
    expect(connectionOf(it, it.server).state).toBe('userHello');
    const information = ssl.connectionInformation(it.server, ['protocol']);
    await test.advance(1000);
    if (offered !== undefined) decide({ ok: offered });
    const [client, served] = await run(Promise.all([it.connecting, shaking]));
    expect(['ok' in client, 'ok' in served]).toEqual([true, true]);
    expect(await run(information)).toEqual({ ok: { protocol: 'tlsv1.3' } });
    await it.simulation.stop();
  });

  it('tells peer and caller when the look-up brings nothing', async () => {
    const it = await world(async () => ({ error: 'no_such_host' }));
    const { run } = it.simulation;
    const shaking = ssl.handshake(it.self, it.server, 60_000);
    const [client, served] = await run(Promise.all([it.connecting, shaking]));
    expect(client).toMatchObject({ error: { tls_alert: ['internal_error', expect.any(String)] } });
    expect(served).toMatchObject({ error: { tls_alert: ['internal_error', expect.any(String)] } });
    await it.simulation.stop();
  });

  it('has an answer at once when the peer has left meanwhile', async () => {
    let decide: () => void = () => {};
    const it = await world(
      (_hello, equipment) =>
        new Promise((resolve) => {
          decide = () => resolve({ ok: equipment });
        }),
    );
    const { test, run } = it.simulation;
    const shaking = ssl.handshake(it.self, it.server, 60_000);
    await test.advance(1000);
    inside(it, connectionOf(it, it.server), (one) => one.transportEnds({ type: 'ended' }));
    await test.advance(1000);
    const before = it.simulation.now();
    decide();
    expect(await run(shaking)).toEqual({ error: 'closed' });
    expect(it.simulation.now() - before).toBeLessThan(1000);
    await run(it.connecting);
    await it.simulation.stop();
  });

  it.each([
    ['its time', 'timeout'],
    ['a close', 'closed'],
  ])('ends with %s, and the look-up comes too late', async (what, reason) => {
    let decide: (answer: Result<Equipment>) => void = () => {};
    const it = await world(
      () =>
        new Promise((resolve) => {
          decide = resolve;
        }),
    );
    const { test, run } = it.simulation;
    const shaking = ssl.handshake(it.self, it.server, 5000);
    await test.advance(1000);
    const recv = ssl.recv(it.server, 0);
    if (what === 'a close') expect(await run(ssl.close(it.server))).toEqual({ ok: true });
    expect(await run(shaking)).toEqual({ error: reason });
    expect(await run(recv)).toEqual({ error: 'closed' });
    expect('error' in (await run(it.connecting))).toBe(true);
    decide({ error: 'too_late' });
    await test.advance(60_000);
    expect(it.environment.census.present()).toEqual([]);
    await it.simulation.stop();
  });
});

/** Both ends, connected: the client's, the server's. */
async function bothEnds(it: World): Promise<readonly [SslSocket, SslSocket]> {
  const shaking = ssl.handshake(it.self, it.server, 60_000);
  const [client, served] = await it.simulation.run(Promise.all([it.connecting, shaking]));
  return [ssl.unwrap(client), ssl.unwrap(served)];
}

/** Everything that comes until the end, and how it ends. */
async function receiveAll(socket: SslSocket): Promise<{ readonly data: Buffer; readonly end: unknown }> {
  const pieces: Buffer[] = [];
  for (;;) {
    const got = await ssl.recv(socket, 0);
    if ('error' in got) return { data: Buffer.concat(pieces), end: got.error };
    if (Buffer.isBuffer(got.ok)) pieces.push(got.ok);
  }
}

/** In a turn of the connection's process. */
function inside({ simulation }: World, connection: Connection, work: (connection: Connection) => void): void {
  simulation.test.node.ioTurn(connection.pid as Pid<never>, work, connection, undefined);
}

describe('a write half that comes back for a handshake that runs again', () => {
  it.each([1, 2, 3, 4, 5, 6])('loses no byte either way, seed %i', async (seed) => {
    const established = vi.spyOn(Connection.prototype, 'established');
    const it = await world(asBefore, seed);
    const { test, run } = it.simulation;
    const [client, server] = await bothEnds(it);
    const facts = established.mock.calls.map(([found]) => found).find(({ role }) => role === 'server');
    if (facts === undefined) throw new Error('no facts');
    const connection = connectionOf(it, server);
    const heard = Promise.all([receiveAll(client), receiveAll(server)]);
    const sent: Buffer[] = [];
    const sends: Promise<unknown>[] = [];
    const send = (round: number): void => {
      const data = Buffer.alloc(1 + test.random.below(30_000), round);
      sent.push(data);
      sends.push(ssl.send(client, data), ssl.send(server, data));
    };
    for (let round = 0; round < 30; round += 1) {
      send(round);
      inside(it, connection, (one) => one.askWriteHalf('self'));
      await test.advance(0);
      send(round);
      await test.advance(test.random.below(20));
      inside(it, connection, (one) => one.established({ ...facts, sessionId: Uint8Array.of(round) }));
      await test.advance(test.random.below(2) * 5);
    }
    expect(await run(Promise.all(sends))).toEqual(sends.map(() => ({ ok: true })));
    const { sessionId } = ssl.unwrap(await run(ssl.connectionInformation(server, ['sessionId'])));
    expect(sessionId).toEqual(Uint8Array.of(29));
    await test.advance(1000);
    await run(ssl.close(client));
    const [atClient, atServer] = await run(heard);
    expect(Buffer.concat(sent).equals(atServer.data)).toBe(true);
    expect(Buffer.concat(sent).equals(atClient.data)).toBe(true);
    expect(atServer.end).toBe('closed');
    established.mockRestore();
    await it.simulation.stop();
  });

  it.each(['on its way', 'here'])(
    'when the connection closes while it is %s: both ends end in order',
    async (where) => {
      const { it, client, server, heard } = await withHalf(where);
      const { run } = it.simulation;
      expect(await run(ssl.close(server))).toEqual({ ok: true });
      expect(await run(heard)).toMatchObject({ end: 'closed' });
      await run(ssl.close(client));
      await expectAllGone(it);
    },
  );

  it.each(['on its way', 'here'])(
    'when the peer breaks the protocol while it is %s: the peer gets the alert',
    async (where) => {
      const { it, client, server, connection, heard } = await withHalf(where);
      const { run } = it.simulation;
      inside(it, connection, (one) => one.chunk(Uint8Array.of(99, 3, 3, 0, 1, 0), false));
      expect(await run(heard)).toMatchObject({
        end: { tls_alert: ['unexpected_message', expect.any(String)] },
      });
      for (const end of [client, server]) await run(ssl.close(end));
      await expectAllGone(it);
    },
  );

  /** The server's half is asked for, and on its way or here; what the client hears until its end. */
  async function withHalf(where: string) {
    const it = await world(asBefore);
    const [client, server] = await bothEnds(it);
    const connection = connectionOf(it, server);
    const heard = receiveAll(client);
    inside(it, connection, (one) => one.askWriteHalf('self'));
    if (where === 'here') await it.simulation.test.advance(10);
    return { it, client, server, connection, heard };
  }

  async function expectAllGone({ simulation, environment }: World): Promise<void> {
    await simulation.test.advance(60_000);
    expect(environment.census.present()).toEqual([]);
    await simulation.stop();
  }
});

describe('a connection that TLS is taken off', () => {
  it('keeps nothing of what its peer sends meanwhile, when its owner is passive', async () => {
    const it = await world(asBefore);
    const { test, run } = it.simulation;
    const [client, server] = await bothEnds(it);
    const closing = ssl.close(server, { downgrade: 'infinity' });
    await test.advance(100);
    expect(ssl.unwrap(await run(ssl.send(client, Buffer.alloc(2_000_000))))).toBe(true);
    await test.advance(1000);
    expect(connectionOf(it, server).memoryUse()).toBeLessThan(100_000);
    await run(ssl.close(client, { downgrade: 'infinity' }));
    expect(await run(closing)).toMatchObject({ ok: expect.anything() });
    await it.simulation.stop();
  });

  it('reads on at once, since its peer may have to send before it takes what is queued here', async () => {
    const it = await world(asBefore);
    const { run } = it.simulation;
    const [client, server] = await bothEnds(it);
    const long = Buffer.alloc(4_000_000);
    const sending = ssl.send(client, long);
    const queued = ssl.send(server, long);
    await it.simulation.test.advance(5000);
    const closing = ssl.close(server, { downgrade: 60_000 });
    expect(await run(sending)).toEqual({ ok: true });
    const { data, end } = await run(receiveAll(client));
    expect([data.length, end, await queued]).toEqual([long.length, 'closed', { ok: true }]);
    expect(await run(closing)).toMatchObject({ ok: expect.anything() });
    await it.simulation.stop();
  });

  it('hands over what followed close_notify in chunks that waited for its turn', async () => {
    const it = await world(asBefore);
    const { test, run } = it.simulation;
    const [client, server] = await bothEnds(it);
    const connection = connectionOf(it, server);
    const chunks: Uint8Array[] = [];
    const late = vi.spyOn(connection, 'chunk').mockImplementation((chunk) => {
      chunks.push(new Uint8Array(chunk));
      return undefined;
    });
    const own = ssl.close(server, { downgrade: 60_000 });
    const peer = ssl.close(client, { downgrade: 60_000 });
    await test.advance(1000);
    late.mockRestore();
    inside(it, connection, (one) => {
      for (const chunk of [...chunks, Buffer.from('plain '), Buffer.from('text')]) one.chunk(chunk, true);
    });
    expect(await run(own)).toMatchObject({ data: Buffer.from('plain text') });
    expect(await run(peer)).toMatchObject({ ok: expect.anything() });
    await it.simulation.stop();
  });

  it('and whose sender crashes tells it to the one who waits, and nothing to its owner', async () => {
    const it = await world(asBefore);
    const { run, test } = it.simulation;
    const [client, server] = await bothEnds(it);
    expect(await run(ssl.setopts(server, { active: true }))).toEqual({ ok: true });
    const closing = ssl.close(server, { downgrade: 'infinity' });
    await test.advance(100);
    test.node.exit(server.sender, 'kill');
    expect(await run(closing)).toMatchObject({
      error: { tls_alert: ['internal_error', expect.any(String)] },
    });
    await run(ssl.close(client));
    await test.advance(1000);
    expect(it.self.flush()).toEqual([]);
    await it.simulation.stop();
  });
});
