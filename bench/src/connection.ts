/**
 * Connections over loopback, client and server in this process: full handshakes, bulk, round trips, idle memory;
 * actor-tls and node:tls in turn, round by round, medians and their ratio. TLS 1.3, AES-128-GCM, x25519, ECDSA P-256.
 *
 * Rates are by the process's own cpu time, since both ends live here and the machine may have other work.
 *
 *   node bench/dist/connection.js [seconds per side and measure] [handshakes|bulk16|bulk64|trips|idle …]
 */
import { createServer, type Server, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { createNode, type Node, type Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';

const seconds = Number(process.argv[2] ?? '2');
const wanted = process.argv.slice(3);
const rounds = 5;
const ca = createCa();
const leaf = ca.issue();

/** One side of the comparison: each measure runs for `ms` and gives a rate. */
interface Side {
  readonly name: string;
  handshakes(ms: number): Promise<number>;
  /** Megabytes per second from client to server in messages of `size`. */
  bulk(ms: number, size: number): Promise<number>;
  trips(ms: number, size: number): Promise<number>;
  /** Bytes of memory per open connection, both ends. */
  idle(count: number): Promise<number>;
  close(): Promise<void>;
}

async function actorSide(): Promise<Side> {
  const node: Node = createNode({ name: 'bench' });
  ssl.unwrap(await ssl.start({ node }));
  const suites = ssl.cipherSuites('exclusive', 'tlsv1.3').filter((suite) => suite.cipher === 'aes_128_gcm');
  const common = { ciphers: suites, supportedGroups: ['x25519'] } as const;
  const acceptor = node.shell();
  const listener = ssl.unwrap(
    await ssl.listen(acceptor, 0, {
      ...common,
      cert: leaf.chain,
      key: { PrivateKeyInfo: leaf.key },
      ip: 'loopback',
      active: false,
    }),
  );
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const trust = [ca.cert];
  const open = async (self: Self): Promise<readonly [ssl.SslSocket, ssl.SslSocket]> => {
    const connecting = ssl.connect(self, '127.0.0.1', port, {
      ...common,
      cacerts: trust,
      active: false,
      serverNameIndication: 'localhost',
    });
    const accepted = ssl.unwrap(await ssl.transportAccept(acceptor, listener));
    const served = ssl.unwrap(await ssl.handshake(acceptor, accepted));
    return [ssl.unwrap(await connecting), served];
  };
  const end = async (sockets: readonly ssl.SslSocket[]): Promise<void> => {
    for (const socket of sockets) await ssl.close(socket);
  };
  return {
    name: 'actor-tls',
    async handshakes(ms) {
      const self = node.shell();
      return rate(ms, async () => {
        await end(await open(self));
      });
    },
    async bulk(ms, size) {
      const self = node.shell();
      const [client, server] = await open(self);
      const sink = node.shell();
      await ssl.controllingProcess(server, sink.pid);
      await ssl.setopts(server, { active: true });
      const chunk = Buffer.alloc(size, 1);
      let received = 0;
      let running = true;
      const reading = (async () => {
        for (;;) {
          const message = (await sink.receive()) as ssl.SslMessage;
          if (message.type !== 'ssl') return;
          received += (message.data as Uint8Array).length;
        }
      })();
      const begin = cpu();
      const timer = setTimeout(() => {
        running = false;
      }, ms);
      while (running) ssl.unwrap(await ssl.send(client, chunk));
      clearTimeout(timer);
      await ssl.close(client);
      await reading;
      return received / 1e3 / (cpu() - begin);
    },
    async trips(ms, size) {
      const self = node.shell();
      const [client, server] = await open(self);
      const echo = node.spawn(async (owner: Self<ssl.SslMessage>) => {
        for (;;) {
          const message = await owner.receive();
          if (message.type !== 'ssl') return;
          await ssl.send(server, message.data as Uint8Array);
        }
      });
      await ssl.controllingProcess(server, echo);
      await ssl.setopts(server, { active: true });
      await ssl.setopts(client, { active: true });
      const message = Buffer.alloc(size, 2);
      const result = await rate(ms, async () => {
        await ssl.send(client, message);
        await self.receive();
      });
      await ssl.close(client);
      return result;
    },
    async idle(count) {
      const self = node.shell();
      const sockets: ssl.SslSocket[] = [];
      await end(await open(self));
      const before = memory();
      for (let i = 0; i < count; i++) sockets.push(...(await open(self)));
      await new Promise((resolve) => setTimeout(resolve, 300));
      const used = memory() - before;
      await end(sockets);
      return used / count;
    },
    async close() {
      ssl.unwrap(await ssl.stop(node));
    },
  };
}

async function nodeSide(): Promise<Side> {
  let serve: (socket: TLSSocket) => void = () => {};
  const server: Server = createServer(
    {
      cert: leaf.certPem,
      key: leaf.keyPem,
      minVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256',
      ecdhCurve: 'X25519',
    },
    (socket) => {
      socket.on('error', () => {});
      serve(socket);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const open = (): Promise<readonly [TLSSocket, TLSSocket]> =>
    new Promise((resolve, reject) => {
      let served: TLSSocket | undefined;
      let ready = false;
      serve = (socket) => {
        served = socket;
        if (ready) resolve([client, socket]);
      };
      const client = tlsConnect(
        {
          port,
          host: '127.0.0.1',
          servername: 'localhost',
          ca: ca.certPem,
          minVersion: 'TLSv1.3',
          ecdhCurve: 'X25519',
        },
        () => {
          ready = true;
          if (served !== undefined) resolve([client, served]);
        },
      );
      client.on('error', reject);
    });
  const end = (sockets: readonly TLSSocket[]): Promise<void> =>
    new Promise((resolve) => {
      let left = sockets.length;
      for (const socket of sockets) {
        socket.once('close', () => {
          left -= 1;
          if (left === 0) resolve();
        });
        socket.resume();
        socket.end();
      }
    });
  return {
    name: 'node:tls',
    async handshakes(ms) {
      return rate(ms, async () => {
        await end(await open());
      });
    },
    async bulk(ms, size) {
      const [client, served] = await open();
      const chunk = Buffer.alloc(size, 1);
      let received = 0;
      let running = true;
      served.on('data', (data: Buffer) => {
        received += data.length;
      });
      const ended = new Promise<void>((resolve) => served.once('end', () => resolve()));
      const begin = cpu();
      setTimeout(() => {
        running = false;
      }, ms);
      while (running) {
        await new Promise<void>((resolve) => {
          client.write(chunk, () => resolve());
        });
      }
      client.end();
      await ended;
      served.end();
      return received / 1e3 / (cpu() - begin);
    },
    async trips(ms, size) {
      const [client, served] = await open();
      served.on('data', (data: Buffer) => served.write(data));
      const message = Buffer.alloc(size, 2);
      const result = await rate(ms, () => {
        client.write(message);
        return new Promise<void>((resolve) => client.once('data', () => resolve()));
      });
      await end([client, served]);
      return result;
    },
    async idle(count) {
      await end(await open());
      const before = memory();
      const sockets: TLSSocket[] = [];
      for (let i = 0; i < count; i++) sockets.push(...(await open()));
      await new Promise((resolve) => setTimeout(resolve, 300));
      const used = memory() - before;
      await end(sockets);
      return used / count;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Operations per second of cpu time. */
async function rate(ms: number, operation: () => Promise<void>): Promise<number> {
  for (let i = 0; i < 20; i++) await operation();
  const begin = cpu();
  let count = 0;
  // Asking for the time costs a system call.
  while (cpu() - begin < ms)
    for (let i = 0; i < 20; i++) {
      await operation();
      count += 1;
    }
  return (count * 1000) / (cpu() - begin);
}

/** ms of cpu time that this process has used. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function memory(): number {
  const collect: unknown = Reflect.get(globalThis, 'gc');
  if (typeof collect === 'function') for (let i = 0; i < 3; i++) collect();
  return process.memoryUsage().rss;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const measures: readonly (readonly [name: string, unit: string, run: (side: Side) => Promise<number>])[] = [
  ['handshakes', '/s', (side) => side.handshakes((seconds * 1000) / rounds)],
  ['bulk16', 'MB/s', (side) => side.bulk((seconds * 1000) / rounds, 16_384)],
  ['bulk64', 'MB/s', (side) => side.bulk((seconds * 1000) / rounds, 65_536)],
  ['trips', '/s', (side) => side.trips((seconds * 1000) / rounds, 64)],
];

const sides = [await actorSide(), await nodeSide()];
for (const [name, unit, run] of measures) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const results = sides.map((): number[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [index, side] of sides.entries()) results[index]?.push(await run(side));
  const [ours = 0, theirs = 0] = results.map(median);
  console.log(
    `${name.padEnd(12)} actor-tls ${ours.toFixed(1).padStart(9)} ${unit}   node:tls ${theirs.toFixed(1).padStart(9)} ${unit}   ratio ${(ours / theirs).toFixed(2)}`,
  );
}
if (wanted.includes('idle')) {
  // Memory that one side has used stays with the process: measure one side per process.
  const side = sides[process.env['SIDE'] === 'node' ? 1 : 0];
  if (side !== undefined)
    console.log(
      `idle ${side.name} ${((await side.idle(2000)) / 1024).toFixed(1)} KB per connection, both ends`,
    );
}
for (const side of sides) await side.close();
process.exit(0);
