/** Early data of DTLS 1.3 over a network in memory and by the simulated clock: what a stranger's early hello may cost. */
import * as ssl from '@actor-tls/ssl';
import { createCa, type Simulation, simulateSsl } from '@actor-tls/ssl/testing';
import { afterEach, describe, expect, it } from 'vitest';

const ca = createCa({ key: 'ed25519' });
const names = ['localhost', ...Array.from({ length: 150 }, (_none, n) => `host-${n}.a-long-name.example`)];
const small = ca.issue({ key: 'ed25519' });
const large = ca.issue({ key: 'ed25519', names });
const port = 5684;
const dtls = { protocol: 'dtls', active: false, versions: ['dtlsv1.3'] } satisfies ssl.TlsClientOptions;
const client = {
  ...dtls,
  cacerts: [ca.cert],
  serverNameIndication: 'localhost',
  sessionTickets: 'auto',
} satisfies ssl.TlsClientOptions;
const early = Buffer.from('early');

let simulation: Simulation;
let listening: ssl.SslListenSocket;
afterEach(() => simulation.stop());

interface Network {
  /** Bytes that came to a port of nobody's, by port. */
  readonly came: Map<number, Uint8Array[]>;
  /** Sends as if from a port. */
  spoof(bytes: Uint8Array, from: number): void;
}

/** Echoes what comes, and says what of it was early; each connection by itself. */
async function serve(options: ssl.TlsServerOptions = {}, leaf = small): Promise<string[]> {
  const { test, run } = simulation;
  const heard: string[] = [];
  const listener = ssl.unwrap(
    await run(
      ssl.listen(test.node.shell(), port, {
        ...{ ...dtls, sessionTickets: 'stateless', antiReplay: '10k', earlyData: 'enabled' },
        ...{ cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } },
        ...options,
      }),
    ),
  );
  listening = listener;
  for (let n = 0; n < 60; n += 1)
    test.node.spawn(async (worker) => {
      for (;;) {
        const accepted = await ssl.transportAccept(worker, listener);
        if ('error' in accepted) return;
        const shaken = await ssl.handshake(worker, accepted.ok, 60_000);
        if ('error' in shaken) continue;
        for (;;) {
          const got = await ssl.recv(shaken.ok, 0);
          if ('error' in got) break;
          heard.push(`${got.earlyData === true ? 'early' : 'late'}: ${String(got.ok)}`);
          await ssl.send(shaken.ok, String(got.ok));
        }
      }
    });
  return heard;
}

async function visit(options: ssl.TlsClientOptions = {}): Promise<ssl.SslSocket> {
  const { test, run } = simulation;
  return ssl.unwrap(
    await run(ssl.connect(test.node.shell(), 'localhost', port, { ...client, ...options }, 60_000)),
  );
}

async function echo(socket: ssl.SslSocket, text: string): Promise<string> {
  const { run } = simulation;
  ssl.unwrap(await run(ssl.send(socket, text)));
  return String(ssl.unwrap(await run(ssl.recv(socket, 0, 2000))));
}

/** A visit that leaves a ticket. */
async function introduce(): Promise<void> {
  const socket = await visit();
  expect(await echo(socket, 'hello')).toBe('hello');
  await simulation.run(ssl.close(socket));
}

function network(): Network {
  const came = new Map<number, Uint8Array[]>();
  const { datagrams } = simulation.network;
  const carry = datagrams.carry.bind(datagrams);
  datagrams.carry = (datagram, from, to) => {
    if (from === port) came.set(to, [...(came.get(to) ?? []), new Uint8Array(datagram)]);
    carry(datagram, from, to);
  };
  return { came, spoof: (bytes, from) => carry(bytes, from, port) };
}

/** What a client with early data sends at first; it gets no answer, and goes. */
async function capture(): Promise<readonly Uint8Array[]> {
  const { test, run, network: world } = simulation;
  const { datagrams } = world;
  const { carry } = datagrams;
  const sent: Uint8Array[] = [];
  datagrams.carry = (datagram) => sent.push(new Uint8Array(datagram));
  const options = { ...client, earlyData: early };
  const answer = await run(ssl.connect(test.node.shell(), 'localhost', port, options, 500));
  expect(answer).toEqual({ error: 'timeout' });
  datagrams.carry = carry;
  return sent.slice(0, 2);
}

const sum = (pieces: readonly Uint8Array[] = []): number =>
  pieces.reduce((bytes, { length }) => bytes + length, 0);

const retryRandom = Buffer.from('cf21ad74e59a6111be1d8c021e65b891', 'hex');
const isRetry = (datagram: Uint8Array): boolean => Buffer.from(datagram).includes(retryRandom);

describe('an early hello from where nobody is', () => {
  it('is answered with three times of what came, however long the answer would be and however often it went out', async () => {
    simulation = await simulateSsl({ network: { delay: [5, 5] } });
    await serve({}, large);
    await introduce();
    const [hello = new Uint8Array(0)] = await capture();
    const { came, spoof } = network();
    spoof(hello, 4000);
    await simulation.test.advance(1000);
    // A replay has a full handshake, whose certificate is long.
    spoof(hello, 4001);
    await simulation.test.advance(60_000);
    for (const from of [4000, 4001]) {
      expect(sum(came.get(from))).toBeGreaterThan(0);
      expect(sum(came.get(from))).toBeLessThanOrEqual(3 * hello.length);
    }
    expect(large.cert.length).toBeGreaterThan(3 * hello.length);
  });

  it('has its place for a few seconds, as 32 at once; who comes then is asked for a cookie', async () => {
    simulation = await simulateSsl({ network: { delay: [5, 5] } });
    await serve();
    await introduce();
    const [hello = new Uint8Array(0)] = await capture();
    const { came, spoof } = network();
    for (let n = 0; n < 40; n += 1) spoof(hello, 4000 + n);
    await simulation.test.advance(1000);
    const retried = [...came].filter(([, [first]]) => first !== undefined && isRetry(first));
    expect(came.size).toBe(40);
    expect(retried.map(([from]) => from)).toEqual([4032, 4033, 4034, 4035, 4036, 4037, 4038, 4039]);
    await simulation.test.advance(11_000);
    spoof(hello, 5000);
    await simulation.test.advance(1000);
    expect(came.get(5000)?.some(isRetry)).toBe(false);
  });

  it('has its place as long when it fails at once: made-up addresses are let in at no other rate', async () => {
    simulation = await simulateSsl({ network: { delay: [5, 5] } });
    await serve();
    await introduce();
    const [hello = new Uint8Array(0)] = await capture();
    // The last byte of its binder: the ticket is known, and its key is not.
    const bent = hello.map((byte, at) => (at === hello.length - 1 ? byte ^ 1 : byte));
    const { came, spoof } = network();
    for (let n = 0; n < 40; n += 1) {
      spoof(bent, 4000 + n);
      await simulation.test.advance(50);
    }
    const alerted = [...came.values()].filter(([first]) => first?.[0] === 21);
    expect(alerted).toHaveLength(32);
    expect([...came.values()].filter((sent) => sent.some(isRetry))).toHaveLength(8);
    await simulation.test.advance(11_000);
    spoof(bent, 5000);
    await simulation.test.advance(50);
    expect(came.get(5000)?.some(isRetry)).toBe(false);
  });

  it('ends no connection that is there, nor keeps one from coming', async () => {
    simulation = await simulateSsl({ network: { delay: [5, 5] } });
    const heard = await serve();
    await introduce();
    const [hello = new Uint8Array(0)] = await capture();
    const there = await visit({ sessionTickets: 'disabled' });
    const own = ssl.unwrap(await ssl.sockname(there)).port;
    const { came, spoof } = network();
    spoof(hello, own);
    await simulation.test.advance(100);
    expect(came.get(own)?.some(isRetry)).toBe(true);
    expect(await echo(there, 'still here')).toBe('still here');
    spoof(hello, own + 1);
    await simulation.test.advance(100);
    const next = await visit({ sessionTickets: 'disabled' });
    expect(ssl.unwrap(await ssl.sockname(next)).port).toBe(own + 1);
    expect(await echo(next, 'here too')).toBe('here too');
    expect(heard.filter((text) => text.startsWith('early'))).toEqual([]);
  });

  it('is asked for a cookie by a listener that reads no early data', async () => {
    simulation = await simulateSsl({ network: { delay: [5, 5] } });
    await serve();
    await introduce();
    const [hello = new Uint8Array(0)] = await capture();
    await simulation.stop();
    simulation = await simulateSsl({ network: { delay: [5, 5] } });
    await serve({ earlyData: 'disabled' });
    const { came, spoof } = network();
    spoof(hello, 4000);
    await simulation.test.advance(1000);
    expect(came.get(4000)?.every(isRetry)).toBe(true);
  });

  it('that is replayed with its data, from elsewhere too, is read once', async () => {
    simulation = await simulateSsl({ network: { delay: [5, 5] } });
    const heard = await serve();
    await introduce();
    const { datagrams } = simulation.network;
    const { carry } = datagrams;
    const sent: Uint8Array[] = [];
    datagrams.carry = (datagram, from, to) => {
      if (to === port) sent.push(new Uint8Array(datagram));
      carry.call(datagrams, datagram, from, to);
    };
    const socket = await visit({ earlyData: early });
    expect(String(ssl.unwrap(await simulation.run(ssl.recv(socket, 0, 2000))))).toBe('early');
    datagrams.carry = carry;
    const { spoof } = network();
    const own = ssl.unwrap(await ssl.sockname(socket)).port;
    for (const from of [own, 4000, 4001]) for (const datagram of sent) spoof(datagram, from);
    await simulation.test.advance(30_000);
    expect(heard.filter((text) => text.startsWith('early'))).toEqual(['early: early']);
    expect(await echo(socket, 'still here')).toBe('still here');
  });
});

describe('a client with early data and a ticket that nobody knows', () => {
  it('is let in without a cookie, and gets a certificate that is longer than what may go to who has proved nothing', async () => {
    simulation = await simulateSsl({ network: { delay: [5, 5] } });
    await serve();
    await introduce();
    ssl.unwrap(await simulation.run(ssl.close(listening)));
    await simulation.test.advance(100);
    const heard = await serve({}, large);
    const { came } = network();
    const begun = simulation.test.clock.now();
    const socket = await visit({ earlyData: early });
    expect(simulation.test.clock.now() - begun).toBeLessThan(1000);
    const own = ssl.unwrap(await ssl.sockname(socket)).port;
    expect(came.get(own)?.some(isRetry)).toBe(false);
    expect(sum(came.get(own))).toBeGreaterThan(large.cert.length);
    const { earlyDataStatus } = ssl.unwrap(await ssl.connectionInformation(socket));
    expect(earlyDataStatus).toBe('rejected');
    expect(await echo(socket, 'still here')).toBe('still here');
    await simulation.test.advance(60_000);
    expect(await echo(socket, 'for ever')).toBe('for ever');
    expect(heard).toEqual(['late: still here', 'late: for ever']);
  });
});

describe('a client with early data and a connection ID', () => {
  it('sends it before it has heard of the server’s, and may move afterwards', async () => {
    simulation = await simulateSsl({ network: { delay: [5, 5] } });
    const heard = await serve({ connectionId: true });
    const first = await visit({ connectionId: true });
    expect(await echo(first, 'hello')).toBe('hello');
    await simulation.run(ssl.close(first));
    const socket = await visit({ connectionId: true, earlyData: early });
    const got = ssl.unwrap(await simulation.run(ssl.recv(socket, 0, 2000)));
    expect(String(got)).toBe('early');
    for (let n = 0; n < 5; n += 1) {
      simulation.network.datagrams.move(ssl.unwrap(await ssl.sockname(socket)).port);
      expect(await echo(socket, `from elsewhere ${n}`)).toBe(`from elsewhere ${n}`);
      await simulation.test.advance(2000);
    }
    expect(heard[1]).toBe('early: early');
  });
});

describe('early data over a network that loses a tenth and doubles some', () => {
  it.each([
    ['in order', [50, 50], 0.7],
    // What overtakes the hello of a stranger is lost.
    ['in no order', [20, 80], 0.3],
  ] as const)(
    '%s, 60 schedules: is read once or not at all, and the connection goes on',
    async (_how, delay, share) => {
      const outcomes = { accepted: 0, rejected: 0, read: 0 };
      for (let seed = 1; seed <= 60; seed += 1) {
        simulation = await simulateSsl({ seed, network: { delay, loss: 0.1, doubling: 0.1 } });
        const heard = await serve();
        const first = await visit();
        await simulation.test.advance(5000);
        await simulation.run(ssl.close(first));
        const self = simulation.test.node.shell();
        const options = { ...client, earlyData: early };
        const socket = ssl.unwrap(
          await simulation.run(ssl.connect(self, 'localhost', port, options, 60_000)),
        );
        const told = self.receive({ type: 'early_data' }, { after: 1000 });
        const status: unknown = Object(await simulation.run(Promise.resolve(told))).status;
        if (status !== 'accepted' && status !== 'rejected') throw new Error(`told ${String(status)}`);
        outcomes[status] += 1;
        for (let tries = 0; tries < 20 && !heard.includes('late: later'); tries += 1) {
          ssl.unwrap(await simulation.run(ssl.send(socket, 'later')));
          await simulation.test.advance(500);
        }
        expect([seed, heard.includes('late: later')]).toEqual([seed, true]);
        const read = heard.filter((text) => text === 'early: early').length;
        expect(read).toBeLessThanOrEqual(status === 'accepted' ? 1 : 0);
        outcomes.read += read;
        await simulation.stop();
      }
      simulation = await simulateSsl();
      expect(outcomes.accepted).toBeGreaterThan(50);
      expect(outcomes.read).toBeGreaterThan(60 * share);
    },
    60_000,
  );
});
