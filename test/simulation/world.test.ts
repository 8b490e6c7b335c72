/** The simulated world that users test in: its calendar, its broken networks, and waits that nobody ends. */
import * as ssl from '@actor-tls/ssl';
import { createCa, type Simulation, type SimulationOptions, simulateSsl } from '@actor-tls/ssl/testing';
import { afterEach, describe, expect, it } from 'vitest';

const ca = createCa({ key: 'ed25519' });
const leaf = ca.issue({ key: 'ed25519' });
const identity = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key }, active: false } as const;
const trust = { cacerts: [ca.cert], active: false } as const;
const day = 24 * 3_600_000;

let world: Simulation;
afterEach(() => world.stop());

type Shell = ReturnType<Simulation['test']['node']['shell']>;

async function listening(
  options: SimulationOptions = {},
): Promise<{ self: Shell; listener: ssl.SslListenSocket }> {
  world = await simulateSsl(options);
  const self = world.test.node.shell();
  return { self, listener: ssl.unwrap(await world.run(ssl.listen(self, 443, identity))) };
}

async function pair(
  self: Shell,
  listener: ssl.SslListenSocket,
): Promise<readonly [ssl.SslSocket, ssl.SslSocket]> {
  const dialled = ssl.connect(self, 'server.test', 443, { ...trust, serverNameIndication: 'localhost' });
  const accepted = ssl.unwrap(await world.run(ssl.transportAccept(self, listener)));
  const server = ssl.unwrap(await world.run(ssl.handshake(self, accepted)));
  return [ssl.unwrap(await world.run(dialled)), server];
}

async function outcome(self: Shell, listener: ssl.SslListenSocket): Promise<unknown> {
  const dialled = ssl.connect(self, 'localhost', 443, trust);
  const accepted = ssl.unwrap(await world.run(ssl.transportAccept(self, listener)));
  const shaken = ssl.handshake(self, accepted);
  const answer = await world.run(dialled);
  await world.run(shaken);
  return 'ok' in answer ? 'ok' : answer.error;
}

describe('the calendar', () => {
  it('goes by the simulated clock: a certificate of thirty days expires after a month of simulated time', async () => {
    const { self, listener } = await listening();
    expect(await outcome(self, listener)).toBe('ok');
    await world.test.advance(31 * day);
    expect(await outcome(self, listener)).toMatchObject({
      tls_alert: ['certificate_expired', expect.any(String)],
    });
  });

  it('begins when the test says', async () => {
    const { self, listener } = await listening({ startAt: new Date('2001-01-01T00:00:00Z') });
    expect(world.now()).toBe(Date.parse('2001-01-01T00:00:00Z') + world.test.clock.now());
    expect(await outcome(self, listener)).toMatchObject({
      tls_alert: [expect.any(String), expect.any(String)],
    });
  });
});

describe('a partition', () => {
  it('delays what is sent, both ways, until it is mended; nobody is told', async () => {
    const { self, listener } = await listening();
    const [client, server] = await pair(self, listener);
    const mend = world.network.partition('server.test');
    ssl.unwrap(await world.run(ssl.send(client, 'there')));
    ssl.unwrap(await world.run(ssl.send(server, 'back')));
    expect(await world.run(ssl.recv(server, 0, 10_000))).toEqual({ error: 'timeout' });
    expect(await world.run(ssl.recv(client, 0, 10_000))).toEqual({ error: 'timeout' });
    mend();
    expect(String(ssl.unwrap(await world.run(ssl.recv(server, 5, 1000))))).toBe('there');
    expect(String(ssl.unwrap(await world.run(ssl.recv(client, 4, 1000))))).toBe('back');
  });

  it('makes newcomers wait, up to their time-out or until it is mended; other names are reached', async () => {
    const { self, listener } = await listening();
    const mend = world.network.partition('server.test');
    expect(await world.run(ssl.connect(self, 'server.test', 443, trust, 5000))).toEqual({ error: 'timeout' });
    const waiting = ssl.connect(self, 'server.test', 443, { ...trust, serverNameIndication: 'localhost' });
    expect(await outcome(self, listener)).toBe('ok');
    mend();
    const accepted = ssl.unwrap(await world.run(ssl.transportAccept(self, listener)));
    ssl.unwrap(await world.run(ssl.handshake(self, accepted)));
    expect(await world.run(waiting)).toHaveProperty('ok');
    expect(() => world.network.partition('no.such.host')).toThrow('no host of the simulated network');
  });

  it('keeps the news of an end to itself', async () => {
    const { self, listener } = await listening();
    const [client, server] = await pair(self, listener);
    const mend = world.network.partition();
    await world.run(ssl.close(client));
    expect(await world.run(ssl.recv(server, 0, 60_000))).toEqual({ error: 'timeout' });
    mend();
    expect(await world.run(ssl.recv(server, 0, 1000))).toEqual({ error: 'closed' });
  });
});

describe('a black hole', () => {
  it('swallows what one end sends for good, and lets the other way pass', async () => {
    const { self, listener } = await listening();
    const [client, server] = await pair(self, listener);
    world.network.blackHole(ssl.unwrap(await world.run(ssl.sockname(client))), 'client');
    ssl.unwrap(await world.run(ssl.send(client, 'lost')));
    ssl.unwrap(await world.run(ssl.send(server, 'heard')));
    expect(String(ssl.unwrap(await world.run(ssl.recv(client, 5, 1000))))).toBe('heard');
    world.network.partition()();
    expect(await world.run(ssl.recv(server, 0, 600_000))).toEqual({ error: 'timeout' });
  });

  it('that swallows both ways ends a handshake by its time-out only', async () => {
    const { self, listener } = await listening();
    const dialled = ssl.connect(self, 'localhost', 443, trust, 30_000);
    const accepted = ssl.unwrap(await world.run(ssl.transportAccept(self, listener)));
    world.network.blackHole(ssl.unwrap(await world.run(ssl.peername(accepted))));
    const shaking = ssl.handshake(self, accepted, 20_000);
    expect(await world.run(shaking)).toEqual({ error: 'timeout' });
    expect(await world.run(dialled)).toEqual({ error: 'timeout' });
  });
});

it('a call that is awaited without run says that time stands still', async () => {
  const { self, listener } = await listening();
  await expect(ssl.connect(self, 'localhost', 443, trust)).rejects.toThrow(
    'a connection to localhost, port 443 waits, and simulated time stands still: give the promise to run()',
  );
  await expect(ssl.transportAccept(self, listener)).rejects.toThrow(/a call of <0\.\d+\.0>: accept waits/);
});
