/**
 * `ssl:renegotiate/1` between connections: data of both directions while handshakes run again and again, the controlling
 * process handed over meanwhile, what is asked at the wrong time, peers that are slow or refuse, and the twelve seconds.
 */
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const ca = createCa();
const leaf = ca.issue();
const only12 = { versions: ['tlsv1.2'] } as const;
const base = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key }, ip: 'loopback', active: false } as const;
const trust = { cacerts: [ca.cert], active: false } as const;
const rejected = { error: 'renegotiation_rejected' };

let node: Node;
let self: Self<ssl.SslMessage>;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node, env: { alert_timeout: 100 } }));
  self = node.shell();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  self.flush();
});
afterAll(() => ssl.stop(node));

interface Pair {
  readonly client: ssl.SslSocket;
  readonly server: ssl.SslSocket;
}

async function pair(client: ssl.TlsClientOptions = {}, server: ssl.TlsServerOptions = {}): Promise<Pair> {
  const listener = ssl.unwrap(await ssl.listen(self, 0, { ...base, ...only12, ...server }));
  ends.push(() => ssl.close(listener));
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const dialling = ssl.connect(self, 'localhost', port, { ...trust, ...only12, ...client }, 10_000);
  const accepted = ssl.unwrap(await ssl.transportAccept(self, listener, 10_000));
  const served = ssl.handshake(self, accepted, 10_000);
  const pair = { client: ssl.unwrap(await dialling), server: ssl.unwrap(await served) };
  ends.push(
    () => ssl.close(pair.client),
    () => ssl.close(pair.server),
  );
  return pair;
}

/** Bytes whose place can be told from their value. */
function numbered(length: number, from: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (from + at) % 251;
  return bytes;
}

/** Sends so many bytes in pieces, and reads as many that the other sends; all of them, in order. */
async function flow(from: ssl.SslSocket, to: ssl.SslSocket, total: number, piece: number): Promise<void> {
  const sending = (async () => {
    for (let sent = 0; sent < total; sent += piece) ssl.unwrap(await ssl.send(from, numbered(piece, sent)));
  })();
  for (let read = 0; read < total; read += piece) {
    const data = ssl.unwrap(await ssl.recv(to, piece, 20_000));
    if (!(data instanceof Uint8Array) || !numbered(piece, read).equals(data))
      throw new Error(`not what was sent, at ${read}`);
  }
  await sending;
}

async function randomOf(socket: ssl.SslSocket): Promise<string> {
  const { clientRandom } = ssl.unwrap(await ssl.connectionInformation(socket, ['clientRandom']));
  return Buffer.from(clientRandom).toString('hex');
}

describe('renegotiate', () => {
  it.each(['client', 'server'] as const)('of the %s answers when new keys are in use', async (side) => {
    const both = await pair();
    const before = await randomOf(both.client);
    expect(await ssl.renegotiate(both[side])).toEqual({ ok: true });
    await flow(both.client, both.server, 100_000, 10_000);
    await flow(both.server, both.client, 100_000, 10_000);
    expect(await randomOf(both.client)).not.toBe(before);
    expect(await randomOf(both.server)).toBe(await randomOf(both.client));
  });

  it('of the server, many times while data flows both ways, loses nothing and keeps the order', async () => {
    const { client, server } = await pair();
    let done = 0;
    let flowing = true;
    const asking = (async () => {
      while (flowing) {
        ssl.unwrap(await ssl.renegotiate(server));
        done += 1;
      }
    })();
    const total = 8_000_000;
    await Promise.all([flow(client, server, total, 20_000), flow(server, client, total, 50_000)]);
    flowing = false;
    await asking;
    expect(done).toBeGreaterThan(3);
  });

  it('leaves messages to whoever is the owner, while the owner changes', async () => {
    const { client, server } = await pair();
    const total = 2_000_000;
    let read = 0;
    let finish: () => void = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const reader = async (worker: Self<ssl.SslMessage>): Promise<void> => {
      for (;;) {
        const message = await worker.receive();
        if (message.type !== 'ssl' || !(message.data instanceof Uint8Array)) return;
        if (!numbered(message.data.length, read).equals(message.data)) throw new Error(`wrong at ${read}`);
        read += message.data.length;
        if (read === total) finish();
      }
    };
    const first = node.spawn(reader);
    ssl.unwrap(await ssl.controllingProcess(client, first));
    ssl.unwrap(await ssl.setopts(client, { active: true }));
    const sending = (async () => {
      for (let sent = 0; sent < total; sent += 10_000)
        ssl.unwrap(await ssl.send(server, numbered(10_000, sent)));
    })();
    const asking = ssl.renegotiate(server);
    ssl.unwrap(await ssl.setopts(client, { nodelay: true }));
    expect(await asking).toEqual({ ok: true });
    await Promise.all([sending, finished]);
    expect(read).toBe(total);
  });

  it('is notsup in TLS 1.3, and closed on a connection that is', async () => {
    const newer = { versions: ['tlsv1.3'] } as const;
    const { client, server } = await pair(newer, newer);
    expect(await ssl.renegotiate(client)).toEqual({ error: 'notsup' });
    expect(await ssl.renegotiate(server)).toEqual({ error: 'notsup' });
    await ssl.close(client);
    expect(await ssl.renegotiate(client)).toEqual({ error: 'closed' });
  });

  it('asked twice at once says already_renegotiating', async () => {
    const { client } = await pair();
    const answers = await Promise.all([ssl.renegotiate(client), ssl.renegotiate(client)]);
    expect(answers).toEqual([{ ok: true }, { error: 'already_renegotiating' }]);
  });

  it('of a client is rejected by a server without client_renegotiation, and the connection goes on', async () => {
    const { client, server } = await pair({}, { clientRenegotiation: false });
    const [answer] = await Promise.all([ssl.renegotiate(client), flow(server, client, 100_000, 10_000)]);
    expect(answer).toEqual(rejected);
    await flow(client, server, 100_000, 10_000);
    expect(await ssl.renegotiate(server)).toEqual({ ok: true });
    await flow(client, server, 100_000, 10_000);
  });

  it('of a client is rejected the second time within twelve seconds', async () => {
    const { client, server } = await pair();
    expect(await ssl.renegotiate(client)).toEqual({ ok: true });
    expect(await ssl.renegotiate(client)).toEqual(rejected);
    expect(await ssl.renegotiate(server)).toEqual({ ok: true });
    await flow(client, server, 1000, 100);
  });

  it('meanwhile getopts and setopts are served, and what is sent then comes after it', async () => {
    const { client, server } = await pair();
    const asking = ssl.renegotiate(client);
    const sending = ssl.send(client, 'after');
    expect(await ssl.getopts(client, ['active'])).toEqual({ ok: { active: false } });
    expect(await ssl.setopts(client, { mode: 'binary' })).toHaveProperty('ok');
    expect([await asking, await sending]).toEqual([{ ok: true }, { ok: true }]);
    expect(String(ssl.unwrap(await ssl.recv(server, 5, 5000)))).toBe('after');
  });

  it('after shutdown(write) cannot begin, and what the peer sends still comes', async () => {
    const { client, server } = await pair();
    ssl.unwrap(await ssl.shutdown(client, 'write'));
    expect(await ssl.renegotiate(client)).toEqual({ error: 'closed' });
    ssl.unwrap(await ssl.send(server, 'still'));
    expect(String(ssl.unwrap(await ssl.recv(client, 5, 5000)))).toBe('still');
  });

  it('of a server after shutdown(write) is closed at once', async () => {
    const { client, server } = await pair();
    ssl.unwrap(await ssl.shutdown(server, 'write'));
    expect(await ssl.renegotiate(server)).toEqual({ error: 'closed' });
    ssl.unwrap(await ssl.send(client, 'still'));
    expect(String(ssl.unwrap(await ssl.recv(server, 5, 5000)))).toBe('still');
  });

  it('that the other side closes in the middle of answers closed', async () => {
    const { client, server } = await pair();
    const [answer] = await Promise.all([ssl.renegotiate(server), ssl.close(client)]);
    expect(['ok' in answer || answer.error === 'closed', answer]).toEqual([true, answer]);
  });

  it('and a close at once, from the same side, end in order', async () => {
    const { client, server } = await pair();
    const asking = ssl.renegotiate(client);
    await ssl.close(client);
    expect(await asking).toEqual({ error: 'closed' });
    expect(await ssl.recv(server, 0, 5000)).toEqual({ error: 'closed' });
  });
});

describe('renegotiateAt', () => {
  it.each([
    ['client', 5],
    ['server', 5],
    ['server', 1],
  ] as const)(
    'of the %s, %i records: handshakes run by themselves, in order with the data',
    async (side, at) => {
      const options = { renegotiateAt: at };
      const { client, server } = await pair(
        side === 'client' ? options : {},
        side === 'server' ? options : {},
      );
      const randoms = new Set([await randomOf(client)]);
      for (let round = 0; round < 10; round += 1) {
        await Promise.all([flow(client, server, 100_000, 10_000), flow(server, client, 100_000, 10_000)]);
        randoms.add(await randomOf(client));
      }
      // A server refuses the second of a client within twelve seconds; its own it may have as often as it likes.
      expect(randoms.size).toBeGreaterThan(side === 'client' ? 1 : 3);
    },
  );
});
