/** Upgrades of what is no TCP socket: any Duplex of bytes, Unix domain sockets, however badly the stream behaves. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, type DuplexOptions } from 'node:stream';
import tls from 'node:tls';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws';
import { patience } from '../support/patience.js';

const ca = createCa();
const leaf = ca.issue();
const server: ssl.TlsServerOptions = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
const client: ssl.TlsClientOptions = { cacerts: [ca.cert], serverNameIndication: 'localhost' };

let node: Node;
let self: Self;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  ssl.unwrap(await ssl.start({ node, env: { alert_timeout: 200 } }));
  self = node.shell();
});

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  self.flush();
});

afterAll(async () => {
  await ssl.stop(node);
});

/** One end of a pair in memory: what is written here is pushed there, inside the very call. */
class End extends Duplex {
  other: End | undefined = undefined;
  #resume: (() => void) | undefined = undefined;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const { other } = this;
    if (other === undefined || other.destroyed)
      done(Object.assign(new Error('nobody reads'), { code: 'EPIPE' }));
    else if (other.push(chunk)) done();
    else other.#resume = done;
  }

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
    done(error);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.other?.push(null);
    done();
  }
}

function pairOfStreams(options: DuplexOptions = {}): readonly [near: End, far: End] {
  const near = new End(options);
  const far = new End();
  near.other = far;
  far.other = near;
  ends.push(() => [near, far].map((end) => end.destroy()));
  return [near, far];
}

async function upgraded(near: Duplex, far: Duplex): Promise<readonly [ssl.SslSocket, ssl.SslSocket]> {
  const [dialled, served] = await Promise.all([
    ssl.connect(self, near, client, 10_000),
    ssl.handshake(self, far, server, 10_000),
  ]);
  const both = [ssl.unwrap(dialled), ssl.unwrap(served)] as const;
  ends.unshift(() => Promise.all(both.map((one) => ssl.close(one))));
  return both;
}

async function bytes(socket: ssl.SslSocket, length: number): Promise<Buffer> {
  const data = ssl.unwrap(await ssl.recv(socket, length, 10_000));
  if (!(data instanceof Uint8Array)) throw new Error('no bytes');
  return Buffer.from(data);
}

const carriers: readonly (readonly [name: string, open: () => Promise<readonly [Duplex, Duplex]>])[] = [
  ['a pair that delivers inside the write', async () => pairOfStreams()],
  ['a Unix domain socket', unixSockets],
  ['a connection of node:tls', tlsSockets],
  ['a stream of HTTP/2', http2Streams],
  ['a WebSocket', webSockets],
];

async function unixSockets(): Promise<readonly [Duplex, Duplex]> {
  const folder = mkdtempSync(join(tmpdir(), 'actor-tls-'));
  const listening = net.createServer().listen(join(folder, 'socket'));
  await once(listening, 'listening');
  const near = net.connect(join(folder, 'socket'));
  const [[far]] = await Promise.all([once(listening, 'connection'), once(near, 'connect')]);
  ends.push(() => {
    listening.close();
    rmSync(folder, { recursive: true });
  });
  return [near, far];
}

async function tlsSockets(): Promise<readonly [Duplex, Duplex]> {
  const listening = tls.createServer({ cert: leaf.chainPem, key: leaf.keyPem }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const near = tls.connect({
    host: '127.0.0.1',
    port: portOf(listening),
    ca: ca.certPem,
    servername: 'localhost',
  });
  const [[far]] = await Promise.all([once(listening, 'secureConnection'), once(near, 'secureConnect')]);
  ends.push(() => listening.close());
  return [near, far];
}

async function http2Streams(): Promise<readonly [Duplex, Duplex]> {
  const listening = http2.createServer().listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const session = http2.connect(`http://127.0.0.1:${portOf(listening)}`);
  const near = session.request({ ':method': 'CONNECT', ':authority': 'localhost' });
  const [far] = await once(listening, 'stream');
  far.respond({ ':status': 200 });
  ends.push(() => {
    session.destroy();
    listening.close();
  });
  return [near, far];
}

async function webSockets(): Promise<readonly [Duplex, Duplex]> {
  const listening = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(listening, 'listening');
  const dialling = new WebSocket(`ws://127.0.0.1:${portOf(listening)}`);
  const [[accepted]] = await Promise.all([once(listening, 'connection'), once(dialling, 'open')]);
  ends.push(() => listening.close());
  return [createWebSocketStream(dialling), createWebSocketStream(accepted)];
}

function portOf(listening: { address(): net.AddressInfo | string | null }): number {
  const address = listening.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('an upgrade', () => {
  it.each(carriers)('of %s carries a megabyte each way, whole, and ends in order', async (_name, open) => {
    const [near, far] = await upgraded(...(await open()));
    const data = Buffer.alloc(1_000_000, 'there and back ');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      const sending = ssl.send(from, data);
      expect((await bytes(to, data.length)).equals(data)).toBe(true);
      expect(await sending).toEqual({ ok: true });
    }
    expect(ssl.unwrap(await ssl.getstat(near)).recvOct).toBeGreaterThan(data.length);
    await ssl.close(near);
    expect(await ssl.recv(far, 0, 10_000)).toEqual({ error: 'closed' });
  });

  it('of a stream or Unix socket has no addresses to tell, and takes no socket options', async () => {
    for (const [one] of [await upgraded(...pairOfStreams()), await upgraded(...(await unixSockets()))])
      expect(await Promise.all([ssl.peername(one), ssl.sockname(one)])).toEqual([
        { error: 'einval' },
        { error: 'einval' },
      ]);
    const [one] = await upgraded(...pairOfStreams());
    expect(await ssl.setopts(one, { nodelay: true })).toEqual({
      error: { options: { socket_options: [{ nodelay: true }, 'einval'] } },
    });
  });

  it.each([
    ['a stream', async () => pairOfStreams({ allowHalfOpen: false })],
    ['a Unix socket', unixSockets],
  ] as const)('of %s is taken back by a downgrade, and can be done anew', async (_name, open) => {
    const [near, far] = await open();
    const halfOpen = [near.allowHalfOpen, far.allowHalfOpen];
    for (const word of ['once', 'more']) {
      const [one, two] = await upgraded(near, far);
      await ssl.send(one, word);
      expect(String(await bytes(two, 4))).toBe(word);
      const down = await Promise.all([one, two].map((end) => ssl.close(end, { downgrade: 5000 })));
      expect(down.map((end) => 'ok' in end && end.ok)).toEqual([near, far]);
      expect([near.allowHalfOpen, far.allowHalfOpen]).toEqual(halfOpen);
      expect(near.listenerCount('data') + far.listenerCount('error')).toBe(0);
      near.write('plain');
      far.resume();
      expect(String((await once(far, 'data'))[0])).toBe('plain');
      far.pause();
    }
  });

  it('loses nothing that a flowing stream has in its buffer', async () => {
    const [near, far] = pairOfStreams();
    const preface = once(far, 'data');
    const dialling = new Promise<unknown>((resolve) => {
      near.write('STARTTLS\n', () => resolve(ssl.connect(self, near, client, 5000)));
    });
    expect(String((await preface)[0])).toBe('STARTTLS\n');
    expect(far.readableFlowing).toBe(true);
    const served = await ssl.handshake(self, far, server, 5000);
    expect(Object.keys(served)).toEqual(['ok']);
    expect(await dialling).toHaveProperty('ok');
    // A stream that rests, with the whole ClientHello and more in its buffer.
    const [here, there] = pairOfStreams();
    const early = ssl.connect(self, here, client, 5000);
    await vi.waitFor(() => expect(there.readableLength).toBeGreaterThan(100), patience);
    expect(await ssl.handshake(self, there, server, 5000)).toHaveProperty('ok');
    expect(await early).toHaveProperty('ok');
  });

  it('reads no faster than its owner takes, and sends no faster than its peer reads', async () => {
    const [near, far] = pairOfStreams();
    const [one, two] = await upgraded(near, far);
    const data = Buffer.alloc(30_000_000);
    let sent = false;
    const sending = ssl.send(one, data).then(() => {
      sent = true;
    });
    await vi.waitFor(
      async () => expect(ssl.unwrap(await ssl.getstat(one)).sendPend).toBeGreaterThan(0),
      patience,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(sent).toBe(false);
    expect(near.writableLength + far.readableLength).toBeLessThan(1_000_000);
    expect(ssl.unwrap(await ssl.getstat(two)).recvOct).toBeLessThan(8_000_000);
    expect((await bytes(two, data.length)).equals(data)).toBe(true);
    await sending;
  });

  it('ends one side alone: what the other still sends is read', async () => {
    const [one, two] = await upgraded(...pairOfStreams({ allowHalfOpen: false }));
    expect(await ssl.shutdown(one, 'write')).toEqual({ ok: true });
    expect(await ssl.recv(two, 0, 5000)).toEqual({ error: 'closed' });
    expect(await ssl.recv(one, 0, 5000)).toEqual({ error: 'closed' });
  });

  it('hears of a stream that simply ends, or is destroyed by somebody else', async () => {
    for (const end of [(far: End) => far.push(null), (far: End) => far.destroy()]) {
      const [near, far] = pairOfStreams();
      const [, two] = await upgraded(near, far);
      end(far);
      expect(await ssl.recv(two, 0, 5000)).toEqual({ error: 'closed' });
      expect(await ssl.send(two, 'x')).toEqual({ error: 'closed' });
    }
  });
});

describe('a stream that has no address', () => {
  const nameless = { cacerts: [ca.cert] };

  it.each([
    ['a stream', async () => pairOfStreams()],
    ['a Unix socket', unixSockets],
  ] as const)('%s needs a name to check, and stays as it was without', async (_name, open) => {
    const [near, far] = await open();
    expect(await ssl.connect(self, near, nameless)).toEqual({
      error: { options: ['dependency', { verify: 'serverNameIndication' }] },
    });
    expect(await ssl.connect(self, near, { ...client, depth: -1 })).toEqual({
      error: { options: { depth: -1 } },
    });
    expect(near.listenerCount('error')).toBe(0);
    expect(near.destroyed).toBe(false);
    await upgraded(near, far);
  });

  it.each([
    ['no name', { ...nameless, serverNameIndication: 'disable' }],
    ['no verification', { verify: 'verify_none' }],
  ] as const)('does without where the user wants %s', async (_what, options) => {
    const [near, far] = pairOfStreams();
    const dialled = ssl.connect(self, near, options, 5000);
    expect(await ssl.handshake(self, far, server, 5000)).toHaveProperty('ok');
    expect(await dialled).toHaveProperty('ok');
  });

  it('is refused when the name is not the one of the certificate', async () => {
    const [near, far] = pairOfStreams();
    const served = ssl.handshake(self, far, server, 5000);
    const dialled = await ssl.connect(self, near, { ...client, serverNameIndication: 'other.example' }, 5000);
    expect(JSON.stringify(dialled)).toContain('hostname_check_failed');
    expect(await served).toHaveProperty('error');
  });
});

describe('einval', () => {
  const wrong: readonly (readonly [name: string, make: () => unknown])[] = [
    ['destroyed', () => new End().destroy()],
    ['that has ended its own side', () => new End().end()],
    ['in object mode', () => new End({ objectMode: true })],
    ['whose readable side is in object mode', () => new End({ readableObjectMode: true })],
    ['with an encoding', () => new End().setEncoding('utf8')],
    ['with a `readable` listener', () => new End().on('readable', () => {})],
    ['of node:net with an encoding', () => new net.Socket().setEncoding('utf8')],
    ['of node:net that is not connected', () => new net.Socket()],
    ['that is none', () => ({ write() {}, on() {} })],
  ];

  it.each(wrong)('is the answer to a stream %s', async (_name, make) => {
    const stream = make() as Duplex;
    expect(await ssl.connect(self, stream, client, 1000)).toEqual({ error: 'einval' });
    expect(await ssl.handshake(self, stream, server, 1000)).toEqual({ error: 'einval' });
  });

  it('is the answer to a stream that the peer has ended', async () => {
    const [near, far] = pairOfStreams();
    far.end();
    near.resume();
    await once(near, 'end');
    expect(await ssl.connect(self, near, client, 1000)).toEqual({ error: 'einval' });
  });

  it.each([
    ['a stream', async () => pairOfStreams()],
    ['a Unix socket', unixSockets],
  ] as const)('is the answer to %s that carries a connection already, which goes on', async (_name, open) => {
    const [near, far] = await open();
    const [one, two] = await upgraded(near, far);
    expect(await ssl.connect(self, near, client, 1000)).toEqual({ error: 'einval' });
    expect(await ssl.handshake(self, far, server, 1000)).toEqual({ error: 'einval' });
    await ssl.send(one, 'as before');
    expect(String(await bytes(two, 9))).toBe('as before');
  });
});

describe('a stream that misbehaves', () => {
  /** Behaves until it is told otherwise. */
  class Fickle extends End {
    mood: 'well' | 'never drains' | 'fails' | 'throws' | 'tells no end' = 'well';

    override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
      if (this.mood === 'throws') throw new Error('a bug in _write');
      if (this.mood === 'fails') done(new Error('a cable was cut'));
      else if (this.mood !== 'never drains') super._write(chunk, encoding, done);
    }

    override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
      if (this.mood !== 'tells no end') super._destroy(error, done);
    }
  }

  async function fickle(
    options: DuplexOptions = {},
  ): Promise<readonly [Fickle, ssl.SslSocket, ssl.SslSocket]> {
    const near = new Fickle(options);
    const far = new End();
    near.other = far;
    far.other = near;
    ends.push(() => far.destroy());
    return [near, ...(await upgraded(near, far))];
  }

  const goneFrom = (socket: ssl.SslSocket): Promise<void> =>
    vi.waitFor(() => expect(node.isAlive(socket.connection)).toBe(false), patience);

  it('by never draining holds up who sends, not who reads, closes or has a time-out', async () => {
    const [near, one, two] = await fickle();
    near.mood = 'never drains';
    const stuck = ssl.send(one, 'into the void');
    await ssl.send(two, 'still read');
    expect(String(await bytes(one, 10))).toBe('still read');
    const closing = ssl.close(one);
    expect(await stuck).toEqual({ error: 'closed' });
    expect(await closing).toEqual({ ok: true });
    expect(near.destroyed).toBe(true);
    await goneFrom(one);
  }, 15_000);

  it('by never draining from the start ends with the time-out of the handshake', async () => {
    const near = new Fickle();
    near.mood = 'never drains';
    expect(await ssl.connect(self, near, client, 100)).toEqual({ error: 'timeout' });
    expect(near.destroyed).toBe(true);
  });

  it.each([
    ['fails', {}],
    ['fails', { autoDestroy: false, emitClose: false }],
    ['throws', {}],
    ['throws', { autoDestroy: false, emitClose: false }],
  ] as const)(
    'and %s in the middle of a write (%j) ends its connection, and nothing else',
    async (mood, options) => {
      const [near, one] = await fickle(options);
      ssl.unwrap(await ssl.setopts(one, { active: true }));
      near.mood = mood;
      expect(await ssl.send(one, 'half of')).toEqual({ error: 'closed' });
      expect(await self.receive({ after: 5000 })).toEqual({ type: 'ssl_closed', socket: one });
      await goneFrom(one);
      expect(near.destroyed).toBe(true);
    },
  );

  it('and fails from the start is told as closed', async () => {
    for (const mood of ['fails', 'throws'] as const) {
      const near = new Fickle();
      near.mood = mood;
      expect(await ssl.connect(self, near, client, 5000)).toEqual({ error: 'closed' });
    }
  });

  it('and never says that it is destroyed keeps no process alive', async () => {
    const [near, one] = await fickle();
    near.mood = 'tells no end';
    expect(await ssl.close(one)).toEqual({ ok: true });
    await goneFrom(one);
  });

  it('and fails after all is over disturbs nobody', async () => {
    const [near, one] = await fickle({ emitClose: false });
    await ssl.close(one);
    await goneFrom(one);
    near.emit('error', new Error('too late'));
    near.emit('data', Buffer.from('too late'));
    near.emit('end');
    near.emit('close');
  });

  it('and emits after its end is not listened to', async () => {
    const [near, one, two] = await fickle();
    ssl.unwrap(await ssl.setopts(one, { active: true }));
    await ssl.send(two, 'last words');
    expect(await self.receive({ after: 5000 })).toMatchObject({
      type: 'ssl',
      data: Buffer.from('last words'),
    });
    near.emit('end');
    near.emit('data', Buffer.from('ghosts'));
    near.emit('end');
    expect(await self.receive({ after: 5000 })).toEqual({ type: 'ssl_closed', socket: one });
    expect(await self.receive({ after: 300 })).toBe('timeout');
  });

  it.each([
    ['text', (near: Fickle) => near.setEncoding('utf8')],
    ['an object', (near: Fickle) => Object.assign(near, { read: () => ({ an: 'object' }) })],
  ] as const)('and gives %s for bytes ends its connection', async (_what, spoil) => {
    const [near, one, two] = await fickle();
    spoil(near);
    await ssl.send(two, 'x');
    expect(await ssl.recv(one, 0, 5000)).toEqual({ error: 'closed' });
    await goneFrom(one);
  });

  it('and throws when it is read ends its connection', async () => {
    const [near, one, two] = await fickle();
    near.read = (size?: number): unknown => {
      if (size === 0) return null;
      throw new Error('a bug in read');
    };
    await ssl.send(two, 'x');
    expect(await ssl.recv(one, 0, 5000)).toEqual({ error: 'closed' });
    await goneFrom(one);
  });

  it('and uses the buffer of a chunk again changes nothing of what was received', async () => {
    const [near, one, two] = await fickle();
    const read = near.read.bind(near);
    let lent = Buffer.alloc(0);
    near.read = (size?: number): unknown => {
      // The stream asks itself for nothing to get things going.
      if (size === 0) return read(0);
      lent.fill(0);
      const chunk: unknown = read();
      if (!(chunk instanceof Uint8Array)) return chunk;
      // Only parts of records have to be kept.
      if (chunk.length > 7) near.unshift(chunk.subarray(7));
      lent = Buffer.from(chunk.subarray(0, 7));
      return lent;
    };
    await ssl.send(two, Buffer.alloc(10_000, 'whole '));
    expect((await bytes(one, 10_000)).equals(Buffer.alloc(10_000, 'whole '))).toBe(true);
  });
});
