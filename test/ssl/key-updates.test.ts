/** Key updates of TLS 1.3 under load: in both directions at once, asked for without end, and by a peer that does not read. */
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const ca = createCa();
const leaf = ca.issue();
const base = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key }, ip: 'loopback', active: false } as const;
const trust = { cacerts: [ca.cert], active: false } as const;

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
  const listener = ssl.unwrap(await ssl.listen(self, 0, { ...base, ...server }));
  ends.push(() => ssl.close(listener));
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const dialling = ssl.connect(self, 'localhost', port, { ...trust, ...client }, 10_000);
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

/** Generations of each side's secrets that a key log has heard of. */
function generations(lines: readonly string[], side: 'CLIENT' | 'SERVER'): number {
  const found = lines.flatMap((line) => new RegExp(`^${side}_TRAFFIC_SECRET_(\\d+) `).exec(line)?.[1] ?? []);
  return Math.max(...found.map(Number));
}

describe('keyUpdateAt', () => {
  it.each([
    [1, 1 << 18, 4096],
    [10_000, 1 << 22, 16_384],
    [1 << 20, 1 << 24, 100_000 * 2],
  ])(
    '%i bytes on both sides: data of both directions at once comes whole and in order',
    async (keyUpdateAt, size, piece) => {
      const lines: string[] = [];
      const keylog = ({ items }: ssl.KeyLogInfo): number => lines.push(...items);
      const { client, server } = await pair({ keyUpdateAt, keepSecrets: { keylog } }, { keyUpdateAt });
      const total = Math.floor(size / piece) * piece;
      await Promise.all([flow(client, server, total, piece), flow(server, client, total, piece)]);
      const least = Math.min(total / piece, total / (keyUpdateAt + piece)) / 2;
      expect(generations(lines, 'CLIENT')).toBeGreaterThan(least);
      expect(generations(lines, 'SERVER')).toBeGreaterThan(least);
    },
  );

  it('of one side alone has the other change its keys too, which sends nothing', async () => {
    const lines: string[] = [];
    const keylog = ({ items }: ssl.KeyLogInfo): number => lines.push(...items);
    const { client, server } = await pair({ keyUpdateAt: 50_000, keepSecrets: { keylog } });
    await flow(client, server, 1_000_000, 10_000);
    ssl.unwrap(await ssl.send(server, 'end'));
    ssl.unwrap(await ssl.recv(client, 3, 5000));
    expect(generations(lines, 'CLIENT')).toBeGreaterThan(10);
    expect(generations(lines, 'SERVER')).toBeGreaterThan(0);
    expect(generations(lines, 'SERVER')).toBeLessThanOrEqual(generations(lines, 'CLIENT'));
  });
});

it('a flood of wishes for new keys holds up neither others nor the data of the one that floods', async () => {
  const flooding = await pair();
  const other = await pair();
  let flooded = 0;
  const flood = (async () => {
    for (; flooded < 20_000; flooded += 1) {
      if ('error' in (await ssl.updateKeys(flooding.client, 'read_write'))) return;
    }
  })();
  let slowest = 0;
  for (let round = 0; round < 50; round += 1) {
    const before = performance.now();
    await flow(other.client, other.server, 1000, 1000);
    slowest = Math.max(slowest, performance.now() - before);
  }
  await flood;
  await flow(flooding.client, flooding.server, 100_000, 10_000);
  await flow(flooding.server, flooding.client, 100_000, 10_000);
  expect(flooded).toBe(20_000);
  // A turn of the flood is some ms of work; what is far above that is somebody who had to wait for all of it.
  expect(slowest).toBeLessThan(2000);
});
