/**
 * A fleet as it lives: a real redis-server, three server processes, clients that go to any of them.
 *
 *   npm run fleet [-- --seconds 20] [-- --replays 100000] [-- --clients 4]
 *
 * First half: keys rotate every second, a server is killed every two and started again; of the tickets that were offered
 * in handshakes that came to an end, 99 in 100 have to be taken. Second half: first flights with early data, recorded and
 * held back, are sent again and again to all three; none may be taken twice. Ends with 1 when it is not so.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { fleetEnv, type ServerOrder, type ServerTold } from './fleet-order.js';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    replays: { type: 'string', default: '100000' },
    clients: { type: 'string', default: '4' },
  },
});
const seconds = Number(flags.seconds);
const replays = Number(flags.replays);

/** Seconds of the anti-replay window, and by which clocks may differ. */
const window = 10;
const clockTolerance = 2;
/**
 * Copies of one first flight, and how many are under way at once. All of them within half the window: a ticket that is
 * older is no matter of early data, and may be taken without any.
 */
const copies = 250;
const atOnce = 25;
const longest = (window / 2) * 1000;

const ca = createCa();
const identity = ca.issue({ names: ['localhost'] });
const seed = randomBytes(32).toString('base64');
const serverProgram = fileURLToPath(new URL('fleet-server.js', import.meta.url));

class ServerProcess {
  readonly port: number;
  readonly #order: ServerOrder;
  /** The last word of each process that it was. */
  readonly #told: ServerTold[] = [];
  #child: ChildProcess | undefined = undefined;

  constructor(port: number, redisPort: number) {
    this.port = port;
    const cert = identity.chain.map((der) => Buffer.from(der).toString('base64'));
    const key = Buffer.from(identity.key).toString('base64');
    this.#order = { port, redisPort, cert, key, seed, window, clockTolerance };
  }

  async start(): Promise<void> {
    const child = fork(serverProgram, [JSON.stringify(this.#order)]);
    this.#child = child;
    const life = this.#told.length;
    child.on('message', (message: ServerTold | 'listening') => {
      if (message !== 'listening') this.#told[life] = message;
    });
    this.#told[life] = { resumed: 0, refused: {} };
    await Promise.race([once(child, 'message'), once(child, 'exit').then(gone)]);
  }

  /** Reasons why tickets were refused, and how often. */
  refusals(): Record<string, number> {
    const sum: Record<string, number> = {};
    for (const { refused } of this.#told)
      for (const [reason, count] of Object.entries(refused)) sum[reason] = (sum[reason] ?? 0) + count;
    return sum;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

function gone(): never {
  throw new Error('a server has ended before it listened');
}

interface Score {
  offered: number;
  resumed: number;
  /** Connections to a server that was just killed. */
  broken: number;
}

/** Tickets in the order they came; each is used once, by whichever client. */
class Tickets {
  readonly #tickets: ssl.SessionTicket[] = [];

  add(ticket: ssl.SessionTicket): void {
    this.#tickets.push(ticket);
    if (this.#tickets.length > 200) this.#tickets.shift();
  }

  takeAny(): ssl.SessionTicket | undefined {
    const [ticket] = this.#tickets.splice(Math.floor(Math.random() * this.#tickets.length), 1);
    return ticket;
  }

  takeNewest(): ssl.SessionTicket | undefined {
    return this.#tickets.pop();
  }
}

const trusting = {
  cacerts: [ca.cert],
  serverNameIndication: 'localhost',
  sessionTickets: 'manual',
  active: false,
} as const;

async function visit(self: Self, port: number, tickets: Tickets, score: Score): Promise<void> {
  const ticket = tickets.takeAny();
  const offer = ticket === undefined ? {} : { useTicket: [ticket] };
  const connected = await ssl.connect(self, '127.0.0.1', port, { ...trusting, ...offer }, 5000);
  if ('error' in connected) {
    score.broken += 1;
    await wait(20);
    return;
  }
  const socket = connected.ok;
  const information = await ssl.connectionInformation(socket);
  // What comes behind the tickets: then they are here.
  await ssl.recv(socket, 6, 5000);
  if (ticket !== undefined && 'ok' in information) {
    score.offered += 1;
    if (information.ok.sessionResumption === true) score.resumed += 1;
  }
  for (;;) {
    const told: unknown = await self.receive({ after: 0 });
    if (told === 'timeout') break;
    const found: unknown = Object(told).ticket;
    if (found instanceof ssl.SessionTicket) tickets.add(found);
  }
  await ssl.close(socket);
}

async function visitAll(node: Node, servers: readonly ServerProcess[], tickets: Tickets): Promise<Score> {
  const score: Score = { offered: 0, resumed: 0, broken: 0 };
  const until = performance.now() + seconds * 1000;
  const isOn = (): boolean => performance.now() < until;
  const clients = Array.from({ length: Number(flags.clients) }, async () => {
    const done = deferred();
    node.spawn(async (self: Self) => {
      while (isOn()) await visit(self, anyOf(servers).port, tickets, score);
      done.resolve();
    });
    await done.promise;
  });
  const killing = (async () => {
    for (let n = 0; isOn(); n += 1) {
      await wait(2000);
      const server = servers[n % servers.length];
      await server?.kill();
      await server?.start();
    }
  })();
  await Promise.all([...clients, killing]);
  return score;
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function anyOf(servers: readonly ServerProcess[]): ServerProcess {
  const server = servers[Math.floor(Math.random() * servers.length)];
  if (server === undefined) throw new Error('no servers');
  return server;
}

/** The first flight of a client with early data, which nobody answers. */
async function firstFlight(node: Node, trap: Trap, ticket: ssl.SessionTicket): Promise<Buffer> {
  const options = { ...trusting, useTicket: [ticket], earlyData: Buffer.from('once only') };
  const flight = trap.next();
  void ssl.connect(node.shell(), '127.0.0.1', trap.port, options, 2000);
  return flight;
}

/** A port that hears and says nothing. */
class Trap {
  readonly port: number;
  readonly #server: Server;
  #caught: (flight: Buffer) => void = () => undefined;

  constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('connection', (socket) => void this.#hear(socket));
  }

  next(): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#caught = resolve;
    });
  }

  close(): void {
    this.#server.close();
  }

  async #hear(socket: Socket): Promise<void> {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => undefined);
    await once(socket, 'data');
    await wait(50);
    this.#caught(Buffer.concat(chunks));
    socket.destroy();
  }
}

/** Sends a flight and says whether the server went on under its ticket: ServerHello has pre_shared_key (RFC 8446 §4.2.11). */
function replay(port: number, flight: Buffer): Promise<'taken' | 'refused' | 'no answer'> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    const answer = (what: 'taken' | 'refused' | 'no answer'): void => {
      resolve(what);
      socket.destroy();
    };
    socket.setTimeout(5000, () => answer('no answer'));
    socket.on('error', () => answer('no answer'));
    socket.on('close', () => answer('no answer'));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const said = Buffer.concat(chunks);
      if (said.length < 5 || said.length < 5 + said.readUInt16BE(3)) return;
      answer(said[0] === 22 && said[5] === 2 && namesKey(said.subarray(9)) ? 'taken' : 'refused');
    });
    socket.write(flight);
  });
}

/** Whether a ServerHello has extension 41. */
function namesKey(hello: Buffer): boolean {
  const sessionId = hello[34] ?? 0;
  const list = 35 + sessionId + 3;
  const end = list + 2 + hello.readUInt16BE(list);
  for (let at = list + 2; at + 4 <= end; at += 4 + hello.readUInt16BE(at + 2))
    if (hello.readUInt16BE(at) === 41) return true;
  return false;
}

interface Replayed {
  sent: number;
  unanswered: number;
  /** Taken when the ticket was older than the window: without its early data, which is not what is counted. */
  late: number;
  flights: number;
  /** Flights that were taken once, and more often. */
  once: number;
  twice: number;
}

async function replayAll(node: Node, servers: readonly ServerProcess[], tickets: Tickets): Promise<Replayed> {
  const total: Replayed = { sent: 0, unanswered: 0, late: 0, flights: 0, once: 0, twice: 0 };
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const trap = new Trap(server, typeof address === 'object' && address !== null ? address.port : 0);
  while (total.sent < replays) {
    const issued = performance.now();
    await visitOnce(node, anyOf(servers).port, tickets, { offered: 0, resumed: 0, broken: 0 });
    const ticket = tickets.takeNewest();
    if (ticket === undefined) continue;
    const flight = await firstFlight(node, trap, ticket);
    let taken = 0;
    for (let sent = 0; sent < copies && performance.now() - issued < longest; sent += atOnce) {
      const answers = await Promise.all(
        Array.from({ length: atOnce }, async (_, n) => {
          const answer = await replay(servers[n % servers.length]?.port ?? 0, flight);
          return answer === 'taken' && performance.now() - issued > window * 1000 ? 'late' : answer;
        }),
      );
      taken += answers.filter((answer) => answer === 'taken').length;
      total.late += answers.filter((answer) => answer === 'late').length;
      total.unanswered += answers.filter((answer) => answer === 'no answer').length;
      total.sent += atOnce;
    }
    total.flights += 1;
    if (total.flights % 40 === 0) console.log(`… ${total.sent} sent, ${total.twice} flights taken twice`);
    if (taken === 1) total.once += 1;
    if (taken > 1) total.twice += 1;
  }
  trap.close();
  return total;
}

function visitOnce(node: Node, port: number, tickets: Tickets, score: Score): Promise<void> {
  const done = deferred();
  node.spawn(async (self: Self) => {
    await visit(self, port, tickets, score);
    done.resolve();
  });
  return done.promise;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const redisPort = await freePort();
const quiet = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--port', String(redisPort)];
const redis = spawn('redis-server', quiet, { stdio: 'ignore' });
await wait(500);
const servers: ServerProcess[] = [];
const node = createNode({ logger: silentLogger });
let isWell = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    redis.kill();
    // Its servers end when they hear nothing of it any more.
    process.exit(1);
  });
try {
  ssl.unwrap(await ssl.start({ node, env: fleetEnv }));
  for (let n = 0; n < 3; n += 1) servers.push(new ServerProcess(await freePort(), redisPort));
  for (const server of servers) await server.start();
  const tickets = new Tickets();
  // Redis begins to remember with the first ticket that is offered; until two windows are over all may have been seen.
  const first: Score = { offered: 0, resumed: 0, broken: 0 };
  while (first.offered === 0) await visitOnce(node, anyOf(servers).port, tickets, first);
  const blind = (2 * window + clockTolerance + 1) * 1000;
  await wait(blind);
  const score = await visitAll(node, servers, tickets);
  const share = score.resumed / score.offered;
  for (const server of servers)
    console.log(`refused by ${server.port}: ${JSON.stringify(server.refusals())}`);
  console.log(
    `offered ${score.offered} tickets, resumed ${score.resumed} (${(share * 100).toFixed(2)} %); ` +
      `${score.broken} connections broken by killed servers`,
  );
  const replayed = await replayAll(node, servers, tickets);
  console.log(
    `${replayed.flights} first flights with early data sent ${replayed.sent} times: taken once ${replayed.once}, ` +
      `taken twice ${replayed.twice}; ${replayed.late} too late for early data, ${replayed.unanswered} not answered`,
  );
  isWell = share >= 0.99 && replayed.twice === 0 && replayed.once >= replayed.flights * 0.9;
} finally {
  for (const server of servers) await server.kill();
  redis.kill();
  await ssl.stop(node);
  node.stop();
}
console.log(isWell ? 'the fleet is well' : 'the fleet is NOT well');
process.exitCode = isWell ? 0 : 1;
