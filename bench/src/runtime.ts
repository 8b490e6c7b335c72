/**
 * The process runtime beside Erlang's, in one run: the two take turns, the median of the rounds counts. Rates are per
 * second of processor time, so that a busy neighbour does not count.
 */
import { execFileSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
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
import { ours, type Row } from './row.js';

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

/** One round in Erlang: its figures by name; empty where this Erlang is not installed. */
function erlangRound(escript: string, less: number): Map<string, number> {
  try {
    const output = execFileSync(escript, [SCRIPT, String(less)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 120_000,
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

/**
 * Runs the whole bench: two minutes when nothing is left out. `less`: by how much less of each is to be done;
 * `escripts`: the programs that run a script on an Erlang.
 */
export async function runtimeBench(
  rounds: number,
  less: number,
  escripts: readonly string[],
): Promise<Row[]> {
  const counted = (rate: Rate, divisor: number): Promise<number> =>
    rateOf({ ...rate, count: Math.ceil(rate.count / divisor) });
  for (const rate of rates) await counted(rate, 5 * less);
  const own = new Map<string, number[]>();
  const erlang = new Map<string, Map<string, number>[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const rate of rates) own.set(rate.name, [...(own.get(rate.name) ?? []), await counted(rate, less)]);
    for (const escript of escripts) {
      const figures = erlangRound(escript, less);
      const release = figures.get('release');
      if (release === undefined) continue;
      erlang.set(`OTP ${release}`, [...(erlang.get(`OTP ${release}`) ?? []), figures]);
    }
  }
  const row = (
    name: string,
    unit: Row['unit'],
    figure: number | undefined,
    aim: number,
    key?: string,
  ): Row => {
    const figures: Record<string, number> = { [ours]: figure ?? Number.NaN };
    const ratios: Record<string, number> = {};
    for (const [side, taken] of erlang) {
      const theirs = median(taken.map((values) => values.get(key ?? '')));
      if (theirs === undefined) continue;
      figures[side] = theirs;
      ratios[side] = (figure ?? Number.NaN) / theirs;
    }
    return { name, unit, figures, ratios, targets: {}, aim, better: unit === '/s' ? 'more' : 'less' };
  };
  const rows = rates.map(({ name, erlang: key, target }) =>
    row(name, '/s', median(own.get(name) ?? []), target, key),
  );
  const idle = async (self: Self): Promise<void> => {
    await self.receive();
  };
  const machine = createMachine({
    initial: 'a',
    context: { n: 0 },
    states: { a: { on: { go: 'b' } }, b: { on: { go: 'a' } } },
  });
  const bytes = async (start: (node: Node) => unknown): Promise<number | undefined> =>
    median([await idleBytes(start), await idleBytes(start), await idleBytes(start)]);
  rows.push(
    row(
      'idle gen-server',
      'bytes',
      await bytes((node) => startGenServer(node, counter, undefined)),
      1536,
      'idle_gen_server',
    ),
    row('idle async body', 'bytes', await bytes((node) => node.spawn(idle)), 2048, 'idle_async'),
    row('idle machine', 'bytes', await bytes((node) => node.spawn(hostLogic(machine))), 2560),
    row('round trip under a storm, p99', 'ms', await roundTripUnderStorm(), 1),
    row('chain of 100,000 links dies', 'ms', await chainMs(), 1000, 'chain_ms'),
  );
  return rows;
}
