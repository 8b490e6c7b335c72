/** node:tls as its manual shows it, with one secure context for all connections of a side. */
import { readFileSync } from 'node:fs';
import { setTimeout as rest } from 'node:timers/promises';
import { connect, createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { nodeResumption } from './node-resumption.js';
import {
  askEvery,
  besideHostile,
  costOfEach,
  cpu,
  type Dialect,
  type Material,
  rate,
  type Side,
  slowPause,
  slowSize,
} from './side.js';

interface Echoing {
  readonly ours: TLSSocket;
  readonly theirs: TLSSocket;
  /** One message there and back. */
  readonly trip: () => Promise<void>;
}

export async function nodeSide(files: Material, { version, openssl }: Dialect): Promise<Side> {
  const waiting: ((socket: TLSSocket) => void)[] = [];
  const ecdhCurve = version === 'tlsv1.3' ? 'X25519' : 'X25519:P-256';
  const only = version === 'tlsv1.3' ? 'TLSv1.3' : 'TLSv1.2';
  const secure = { minVersion: only, maxVersion: only, ciphers: openssl, ecdhCurve } as const;
  const server = createServer(
    { ...secure, cert: readFileSync(files.certfile), key: readFileSync(files.keyfile) },
    (socket) => {
      socket.on('error', () => {});
      waiting.shift()?.(socket);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 512, resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const secureContext = createSecureContext({ ...secure, ca: readFileSync(files.cafile) });

  const pair = (): Promise<readonly [TLSSocket, TLSSocket]> => {
    const served = new Promise<TLSSocket>((resolve) => waiting.push(resolve));
    const connected = new Promise<TLSSocket>((resolve, reject) => {
      const socket = connect(
        { port, host: '127.0.0.1', servername: 'localhost', secureContext, ecdhCurve },
        () => resolve(socket),
      );
      socket.on('error', reject);
    });
    return Promise.all([connected, served]);
  };
  const end = (sockets: readonly TLSSocket[]): Promise<unknown> =>
    Promise.all(
      sockets.map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.once('close', () => resolve());
            socket.resume();
            socket.end();
          }),
      ),
    );

  // OpenSSL keeps no verdicts, so that every leaf is new to it; the context with its parsed root is kept in all rows.
  const handshakes = (ms: number): Promise<number> =>
    rate(ms, async () => {
      await end(await pair());
    });

  /** Sends as fast as the stream takes it. */
  const flood = async (socket: TLSSocket, chunk: Uint8Array, running: () => boolean): Promise<void> => {
    while (running() && !socket.destroyed)
      if (!socket.write(chunk))
        await new Promise<void>((resolve) => {
          const go = (): void => {
            socket.off('drain', go).off('close', go);
            resolve();
          };
          socket.on('drain', go).on('close', go);
        });
  };

  const bulk = async (ms: number, size: number): Promise<number> => {
    const [ours, theirs] = await pair();
    const chunk = Buffer.alloc(size, 1);
    let running = true;
    const sending = flood(theirs, chunk, () => running).then(() => theirs.end());
    const begin = cpu();
    let received = 0;
    let next = askEvery;
    const done = new Promise<number>((resolve) => {
      ours.on('data', (data: Buffer) => {
        received += data.length;
        if (!running || received < next) return;
        next = received + askEvery;
        if (cpu() - begin < ms) return;
        running = false;
        resolve(received / 1e3 / (cpu() - begin));
      });
    });
    const result = await done;
    await sending;
    await end([ours]);
    return result;
  };

  /** A new connection whose server sends back what it gets. */
  const echoing = async (size: number): Promise<Echoing> => {
    const [ours, theirs] = await pair();
    theirs.on('data', (data: Buffer) => theirs.write(data));
    const message = Buffer.alloc(size, 2);
    let left = 0;
    let back: () => void = () => {};
    ours.on('data', (data: Buffer) => {
      left -= data.length;
      if (left <= 0) back();
    });
    const trip = (): Promise<void> => {
      left = size;
      const answered = new Promise<void>((resolve) => {
        back = resolve;
      });
      ours.write(message);
      return answered;
    };
    return { ours, theirs, trip };
  };
  const talkers: Echoing[] = [];

  return {
    handshakes,
    unseenHandshakes: handshakes,
    coldHandshakes: handshakes,
    ...nodeResumption(files, { version, openssl, suite: '' }),
    bulk,
    // A write is never waited for while the stream has room.
    stream: bulk,
    async bulkBesideSlow(ms, size) {
      const [slow, flooding] = await pair();
      let running = true;
      const flooded = flood(flooding, Buffer.alloc(size, 1), () => running);
      const reading = (async () => {
        while (running) {
          slow.read(slowSize);
          await rest(slowPause);
        }
      })();
      const result = await bulk(ms, size);
      running = false;
      slow.destroy();
      flooding.destroy();
      await Promise.all([flooded, reading]);
      return result;
    },
    async trips(ms, size) {
      const { ours, theirs, trip } = await echoing(size);
      const result = await rate(ms, trip);
      await end([ours, theirs]);
      return result;
    },
    async crowd(ms, size, open, talking) {
      if (talkers.length === 0) {
        for (let i = talking; i < open; i++) await pair();
        for (let i = 0; i < talking; i++) talkers.push(await echoing(size));
      }
      let next = 0;
      return rate(ms, async () => talkers[next++ % talkers.length]?.trip());
    },
    async slowestEcho(kind, records) {
      const { ours, theirs, trip } = await echoing(64);
      const slowest = await besideHostile(
        port,
        kind,
        records,
        async () => {
          const socket = await new Promise<TLSSocket>((resolve) => waiting.push(resolve));
          const drained = new Promise<void>((resolve) => socket.once('end', () => resolve()));
          socket.resume();
          return { drained };
        },
        trip,
      );
      await end([ours, theirs]);
      return slowest;
    },
    open: (count) => costOfEach(count, pair),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
