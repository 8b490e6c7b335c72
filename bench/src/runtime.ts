/**
 * The process runtime beside Erlang's, in one run: the two take turns, the median of the rounds counts. Rates are per
 * second of processor time, so that a busy neighbour does not count. Run: `node bench/dist/runtime.js`.
 */
import { execFileSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { GenServer, Node, Pid, Self, StartResult } from '@actor-tls/runtime';
import {
  createNode,
  hostLogic,
  silentLogger,
  startChild,
  startGenServer,
  startSupervisor,
} from '@actor-tls/runtime';
import { createMachine } from 'xstate';

/** One figure: ours, Erlang's where there is one, and the least (a rate) or most (the rest) that we promise. */
export interface RuntimeRow {
  readonly name: string;
  readonly unit: '/s' | 'bytes' | 'ms';
  readonly ours: number;
  readonly erlang: number | undefined;
  readonly target: number;
}

const ROUNDS = 3;
const BATCH = 1000;

const counter: GenServer<number> = {
  init: () => ({ ok: 0 }),
  handleCall: (_request, _from, state) => ({ reply: state, state }),
  handleCast: (_request, state) => ({ noreply: state + 1 }),
  handleInfo: (_message, state) => ({ noreply: state + 1 }),
};

function pidOf(started: StartResult): Pid<unknown> {
  if (started === 'ignore' || 'error' in started) throw new Error('the server did not start');
  return started.ok;
}

/** What is repeated `count` times, on a node of its own. */
type Work = (shell: Self, count: number) => Promise<void>;

/** Runs `step` once for each batch, and waits for what it promises. */
async function batches(count: number, step: () => Promise<unknown>): Promise<void> {
  for (let left = count; left > 0; left -= BATCH) await step();
}

async function sends(shell: Self, count: number): Promise<void> {
  const server = pidOf(await startGenServer(shell, counter, undefined));
  const message = { type: 'm' };
  await batches(count, () => {
    for (let i = 0; i < BATCH; i += 1) shell.send(server, message);
    return shell.call(server, 'get');
  });
}

async function casts(shell: Self, count: number): Promise<void> {
  const server = pidOf(await startGenServer(shell, counter, undefined));
  await batches(count, () => {
    for (let i = 0; i < BATCH; i += 1) shell.cast(server, 'inc');
    return shell.call(server, 'get');
  });
}

async function receives(shell: Self, count: number): Promise<void> {
  const body = async (self: Self): Promise<void> => {
    for (;;) {
      const message = await self.receive();
      if (message === 'sync') self.send(shell.pid, 'synced');
    }
  };
  const pid = shell.spawnLink(body);
  const message = { type: 'm' };
  await batches(count, async () => {
    for (let i = 0; i < BATCH; i += 1) shell.send(pid, message);
    shell.send(pid, 'sync');
    await shell.receive();
  });
}

async function calls(shell: Self, count: number): Promise<void> {
  const server = pidOf(await startGenServer(shell, counter, undefined));
  for (let i = 0; i < count; i += 1) await shell.call(server, 'get');
}

async function spawns(shell: Self, count: number): Promise<void> {
  const body = async (self: Self): Promise<void> => self.send(shell.pid, 'gone');
  await batches(count, async () => {
    for (let i = 0; i < BATCH; i += 1) shell.spawn(body);
    await gone(shell, BATCH);
  });
}

async function gone(shell: Self, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await shell.receive();
}

async function supervised(shell: Self, count: number): Promise<void> {
  const body = async (self: Self): Promise<void> => self.send(shell.pid, 'gone');
  const supervisor = pidOf(
    await startSupervisor(shell, {
      strategy: 'simple_one_for_one',
      children: [{ id: 'child', restart: 'temporary', start: (self) => ({ ok: self.spawnLink(body) }) }],
    }),
  );
  await batches(count, async () => {
    for (let i = 0; i < BATCH; i += 1) await startChild(shell, supervisor);
    await gone(shell, BATCH);
  });
}

async function crashes(shell: Self, count: number): Promise<void> {
  const body = async (self: Self): Promise<void> => {
    self.send(shell.pid, self.pid);
    await self.receive();
    throw new Error('crash');
  };
  await startSupervisor(shell, {
    intensity: 1_000_000,
    period: 1,
    children: [{ id: 'child', start: (self) => ({ ok: self.spawnLink(body) }) }],
  });
  for (let i = 0; i < count; i += 1) {
    const up = await shell.receive();
    if (!isPid(up)) throw new Error('a pid was expected');
    shell.send(up, 'crash');
  }
  await shell.receive();
}

function isPid(value: unknown): value is Pid<unknown> {
  return typeof value === 'object' && value !== null && 'serial' in value;
}

interface Rate {
  readonly name: string;
  readonly erlang: string;
  readonly count: number;
  readonly target: number;
  readonly work: Work;
}

const rates: readonly Rate[] = [
  { name: 'send to a gen-server', erlang: 'send_gen_server', count: 1_000_000, target: 8e6, work: sends },
  { name: 'cast to a gen-server', erlang: 'cast_gen_server', count: 1_000_000, target: 8e6, work: casts },
  { name: 'send to an async body', erlang: 'send_receive', count: 1_000_000, target: 4e6, work: receives },
  { name: 'call', erlang: 'call', count: 300_000, target: 1.5e6, work: calls },
  { name: 'spawn and exit', erlang: 'spawn_exit', count: 200_000, target: 0.6e6, work: spawns },
  {
    name: 'supervised spawn and exit',
    erlang: 'supervised',
    count: 100_000,
    target: 0.25e6,
    work: supervised,
  },
  { name: 'crash and restart', erlang: 'crash_restart', count: 20_000, target: 40e3, work: crashes },
];

/** ms of processor time, the collector's threads included. */
function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function rateOf({ work, count }: Rate): Promise<number> {
  const node = createNode({ logger: silentLogger });
  const start = spent();
  await work(node.shell(), count);
  const took = spent() - start;
  node.stop();
  return (count / took) * 1000;
}

/** Bytes of heap per idle process, after all of them have run once. */
async function idleBytes(start: (node: Node) => unknown): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('no gc');
  const node = createNode({ logger: silentLogger });
  const count = 20_000;
  // What an earlier node left must be gone before we begin to count.
  for (let i = 0; i < 3; i += 1) {
    await turn();
    collect();
  }
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < count; i += 1) {
    start(node);
    if (i % BATCH === 0) await turn();
  }
  await turn();
  collect();
  await turn();
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / count;
  node.stop();
  // The ends of hosted machines take turns of their own.
  while (!node.scheduler.idle) await turn();
  return bytes;
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** The 99th percentile in ms, by the clock, of a loopback round trip while gen-servers keep each other busy. */
async function roundTripUnderStorm(): Promise<number> {
  const node = createNode({ logger: silentLogger });
  const ring: Pid<unknown>[] = [];
  for (let i = 0; i < 100; i += 1) {
    const started = await startGenServer(
      node,
      {
        init: () => ({ ok: 0 }),
        handleInfo: (message: unknown, state: number, self: Self) => {
          const next = ring[(i + 1) % ring.length];
          if (next !== undefined) self.send(next, message);
          return { noreply: state + 1 };
        },
      },
      undefined,
    );
    ring.push(pidOf(started));
  }
  const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  const client = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise((resolve) => client.once('connect', resolve));
  for (const pid of ring) for (let i = 0; i < 50; i += 1) node.send(pid, { type: 'storm' });
  // The first series are those of code that is not optimised yet.
  const tails: number[] = [];
  for (let series = 0; series < 7; series += 1) {
    const trips: number[] = [];
    for (let i = 0; i < 2000; i += 1) {
      const start = performance.now();
      client.write('x'.repeat(64));
      await new Promise((resolve) => client.once('data', resolve));
      trips.push(performance.now() - start);
    }
    if (series >= 2) tails.push(percentile99(trips));
  }
  client.destroy();
  server.close();
  node.stop();
  return median(tails) ?? Number.NaN;
}

function percentile99(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length * 0.99)] ?? Number.NaN;
}

/** ms in which a chain of 100,000 linked processes dies. */
async function chainMs(): Promise<number> {
  const node = createNode({ logger: silentLogger });
  let left = 100_000;
  const next = async (self: Self): Promise<void> => {
    left -= 1;
    if (left > 0) self.spawnLink(next);
    await self.receive();
  };
  const first = node.spawn(next);
  while (node.processCount < 100_000) await turn();
  const start = performance.now();
  node.exit(first, 'chain');
  if (node.processCount !== 0) throw new Error('the chain did not die');
  return performance.now() - start;
}

const SCRIPT = fileURLToPath(new URL('../erlang/runtime_bench.escript', import.meta.url));

/** One round in Erlang: its figures by name; empty where Erlang is not installed. */
function erlangRound(): Map<string, number> {
  try {
    const output = execFileSync('escript', [SCRIPT], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 25_000,
    });
    return new Map(
      output
        .trim()
        .split('\n')
        .map((line) => line.split(' '))
        .map(([name = '', value = '']) => [name, Number(value)]),
    );
  } catch {
    return new Map();
  }
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known[known.length >> 1];
}

/** Runs the whole bench: under a minute. */
export async function runtimeBench(): Promise<RuntimeRow[]> {
  for (const rate of rates) await rateOf({ ...rate, count: Math.ceil(rate.count / 5) });
  const ours = new Map<string, number[]>();
  const erlang: Map<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const rate of rates) {
      const values = ours.get(rate.name) ?? [];
      values.push(await rateOf(rate));
      ours.set(rate.name, values);
    }
    erlang.push(erlangRound());
  }
  const theirs = (name: string): number | undefined => median(erlang.map((round) => round.get(name)));
  const rows: RuntimeRow[] = rates.map(({ name, erlang: key, target }) => ({
    name,
    unit: '/s',
    ours: median(ours.get(name) ?? []) ?? Number.NaN,
    erlang: theirs(key),
    target,
  }));
  const idle = async (self: Self): Promise<void> => {
    await self.receive();
  };
  const machine = createMachine({
    initial: 'a',
    context: { n: 0 },
    states: { a: { on: { go: 'b' } }, b: { on: { go: 'a' } } },
  });
  const bytes = async (
    name: string,
    target: number,
    key: string | undefined,
    start: (node: Node) => unknown,
  ): Promise<void> => {
    rows.push({
      name,
      unit: 'bytes',
      ours: median([await idleBytes(start), await idleBytes(start), await idleBytes(start)]) ?? Number.NaN,
      erlang: key === undefined ? undefined : theirs(key),
      target,
    });
  };
  await bytes('idle gen-server', 1536, 'idle_gen_server', (node) => startGenServer(node, counter, undefined));
  await bytes('idle async body', 2048, 'idle_async', (node) => node.spawn(idle));
  await bytes('idle machine', 2560, undefined, (node) => node.spawn(hostLogic(machine)));
  rows.push({
    name: 'round trip under a storm, p99',
    unit: 'ms',
    ours: await roundTripUnderStorm(),
    erlang: undefined,
    target: 1,
  });
  rows.push({
    name: 'chain of 100,000 links dies',
    unit: 'ms',
    ours: await chainMs(),
    erlang: theirs('chain_ms'),
    target: 1000,
  });
  return rows;
}

/** A line of the table. */
function line({ name, unit, ours, erlang, target }: RuntimeRow): string {
  const figure = (value: number | undefined): string => {
    if (value === undefined) return '–';
    if (unit === '/s') return `${(value / 1e6).toFixed(3)} M/s`;
    return unit === 'bytes' ? `${Math.round(value)} B` : `${value.toFixed(2)} ms`;
  };
  const isMet = unit === '/s' ? ours >= target : ours <= target;
  return [
    name.padEnd(40),
    figure(ours).padStart(12),
    figure(erlang).padStart(12),
    figure(target).padStart(12),
    isMet ? '' : '  MISSED',
  ].join(' ');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await runtimeBench();
  console.log(
    `Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}; rates per second of processor time`,
  );
  console.log([''.padEnd(40), 'ours'.padStart(12), 'Erlang'.padStart(12), 'target'.padStart(12)].join(' '));
  for (const row of rows) console.log(line(row));
}
