/**
 * TLS 1.3 and 1.2 side by side: actor-tls on both engines, node:tls and OTP, in turn, round by round. Rates are medians,
 * per second of processor time of the process that runs both ends; a ratio is the median of the rounds' ratios, since a
 * shared machine is slower at one time than at another, but within a round hardly.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCa } from '@actor-tls/ssl/testing';
import { allowed, type Measures, type Program, remoteSide } from './remote-side.js';
import { ours, type Row } from './row.js';
import { type Dialect, dialects, group, type Hostility, type Material, median, pipelined } from './side.js';

/** How much is measured. */
interface Amount {
  /** Processor time per side, measure and round. */
  readonly ms: number;
  readonly rounds: number;
  /** The same per side and measure before the first round, in so many turns. */
  readonly warmMs: number;
  /** The same for handshakes, which run through ten times as much code: V8 compiles it for 10 s alone. */
  readonly warmHandshakesMs: number;
  readonly warmSlices: number;
  /** Connections whose memory is measured. */
  readonly idle: number;
  /** Peers of one UDP socket whose memory is measured. */
  readonly idlePeers: number;
  /** Records of a hostile peer's burst: more than any turn takes, less than a second's work. */
  readonly burst: number;
  readonly crowd: { readonly open: number; readonly talking: number };
  /** How many are open when the cost of further ones is measured, rising. */
  readonly grown: readonly number[];
  /** Over how many of these that cost is taken. */
  readonly grownBy: number;
}

export const full: Amount = {
  ms: 250,
  rounds: 30,
  warmMs: 12_000,
  warmHandshakesMs: 30_000,
  warmSlices: 12,
  idle: 5000,
  idlePeers: 10_000,
  burst: 40_000,
  crowd: { open: 1000, talking: 100 },
  grown: [100, 1000, 10_000],
  grownBy: 200,
};

export const quick: Amount = {
  ms: 40,
  rounds: 1,
  warmMs: 0,
  warmHandshakesMs: 0,
  warmSlices: 0,
  idle: 200,
  idlePeers: 200,
  burst: 4000,
  crowd: { open: 30, talking: 10 },
  grown: [20, 100],
  grownBy: 30,
};

interface Surroundings {
  /** Rows whose names it fits. */
  readonly only: RegExp;
  /** Programs that run a script on an OTP. */
  readonly escripts: readonly string[];
  /** Another Node beside the one that runs this. */
  readonly otherNode: string | undefined;
  /** A folder whose `node_modules` hold werift-dtls. */
  readonly werift: string | undefined;
  /** Hears what is missing. */
  readonly say: (line: string) => void;
}

/** One of the columns. */
interface Column {
  readonly name: string;
  /** The column that it is compared with: ours, on the same Node if it is on one. */
  readonly beside: string | undefined;
  /** `undefined` where it does not speak that. */
  readonly program: (dialect: Dialect) => Program | undefined;
}

interface Live extends Column {
  readonly side: Measures;
}

/** A row before it is measured. */
interface Plan {
  readonly name: string;
  readonly unit: string;
  readonly better: Row['better'];
  readonly targets?: Row['targets'];
  readonly headline?: true;
  /** `undefined` where a side cannot. */
  readonly run: (side: Measures, ms: number) => Promise<number> | undefined;
  /** A third of the rounds, and none before: for what is measured by the clock. */
  readonly cold?: true;
  /** Each turn is a handshake. */
  readonly handshakes?: true;
}

const noble = `${ours}, noble alone`;
const ffi = `${ours}, through FFI`;
const sideProcess = fileURLToPath(new URL('./side-process.js', import.meta.url));
/** A node of its own with one scheduler. */
const weriftScript = fileURLToPath(new URL('../peers/werift_side.mjs', import.meta.url));
const otpScript = fileURLToPath(new URL('../erlang/tls_bench.escript', import.meta.url));

/** Throw-away files, removed by `remove`. */
function createMaterial(): Material & { remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'actor-tls-bench-'));
  const ca = createCa();
  const leaf = ca.issue({ names: ['localhost'] });
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    certfile: file('cert.pem', leaf.certPem),
    keyfile: file('key.pem', leaf.keyPem),
    cafile: file('ca.pem', ca.certPem),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

export async function tlsBench(amount: Amount, surroundings: Surroundings): Promise<Row[]> {
  const material = createMaterial();
  const columns = await columnsThatComeUp(material, surroundings);
  const { only } = surroundings;
  const rows = [
    ...(await rowsOf(tls13Plans(amount), dialects['tlsv1.3'], columns, amount, only)),
    ...(await rowsOf(tls12Plans, dialects['tlsv1.2'], columns, amount, only)),
    ...(await rowsOf(dtls12Plans, dialects['dtlsv1.2'], columns, amount, only)),
    ...(only.test(growthName(1)) ? await growth(columns, amount) : []),
    ...(['tlsv1.3', 'tlsv1.2'] as const).flatMap((version) =>
      only.test(idleName(amount, version)) ? [idle(columns, material, amount, version)] : [],
    ),
    ...(only.test(idlePeersName(amount)) ? [idlePeers(columns, material, amount)] : []),
  ];
  material.remove();
  return rows;
}

/** The sides that this machine has, by the names that they give themselves; what does not come up is said. */
async function columnsThatComeUp(
  material: Material,
  { escripts, otherNode, werift, say }: Surroundings,
): Promise<readonly Column[]> {
  const columns: Column[] = [];
  const onNode =
    (node: string, which: string): Column['program'] =>
    (dialect) =>
      which === 'node' && dialect.version === 'dtlsv1.2'
        ? undefined
        : nodeProgram(node, which, material, dialect);
  const add = (name: string, beside: string | undefined, program: Column['program']): void => {
    if (columns.every((column) => column.name !== name)) columns.push({ name, beside, program });
    else say(`there is another ${name}: left out`);
  };
  add(ours, undefined, onNode(process.execPath, 'actor'));
  add('node:tls', ours, onNode(process.execPath, 'node'));
  for (const escript of escripts) {
    const program = (dialect: Dialect): Program => otpProgram(escript, material, dialect);
    const release = await releaseOf(program(dialects['tlsv1.3']));
    if (release === undefined) say(`${escript} does not run OTP's ssl: left out`);
    else add(release, ours, program);
  }
  if (otherNode !== undefined) {
    const release = nodeRelease(otherNode);
    if (release === undefined) say(`${otherNode} does not run: left out`);
    else {
      add(`${ours} on ${release}`, undefined, onNode(otherNode, 'actor'));
      add(`node:tls on ${release}`, `${ours} on ${release}`, onNode(otherNode, 'node'));
    }
  }
  if (werift === undefined) say('no werift-dtls: ACTOR_TLS_WERIFT names no folder');
  else
    add('werift-dtls', ours, ({ version }) =>
      version === 'dtlsv1.2' ? weriftProgram(werift, material) : undefined,
    );
  add(ffi, ours, onNode(process.execPath, 'ffi'));
  add(noble, ours, onNode(process.execPath, 'noble'));
  return columns;
}

function nodeRelease(node: string): string | undefined {
  try {
    const version = execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' });
    return `Node ${version.split('.').slice(0, 2).join('.')}`;
  } catch {
    return undefined;
  }
}

async function releaseOf(program: Program): Promise<string | undefined> {
  const side = await remoteSide(program);
  await side?.close();
  return side?.release;
}

function nodeProgram(node: string, which: string, material: Material, { version }: Dialect): Program {
  const { certfile, keyfile, cafile } = material;
  return { on: 'node', program: node, args: [sideProcess, which, certfile, keyfile, cafile, version] };
}

function otpProgram(escript: string, material: Material, { version, suite }: Dialect): Program {
  const { certfile, keyfile, cafile } = material;
  const args = [otpScript, certfile, keyfile, cafile, suite, group, version];
  return { on: 'otp', program: escript, args };
}

function weriftProgram(folder: string, { certfile, keyfile }: Material): Program {
  return { on: 'node', program: process.execPath, args: [weriftScript, folder, certfile, keyfile] };
}

/** Each side in a process of its own, which lasts for all rows. */
async function rowsOf(
  plans: readonly Plan[],
  dialect: Dialect,
  columns: readonly Column[],
  amount: Amount,
  only: RegExp,
): Promise<Row[]> {
  const chosen = plans.filter(({ name }) => only.test(name));
  if (chosen.length === 0) return [];
  const live: Live[] = [];
  for (const column of columns) {
    const program = column.program(dialect);
    const side = program && (await remoteSide(program));
    if (side !== undefined) live.push({ ...column, side });
  }
  const rows: Row[] = [];
  for (const plan of chosen) rows.push(await measured(plan, live, amount));
  for (const { side } of live) await side.close();
  return rows;
}

async function measured(plan: Plan, live: readonly Live[], amount: Amount): Promise<Row> {
  const { ms } = amount;
  const warmMs = plan.handshakes ? amount.warmHandshakesMs : amount.warmMs;
  const warmSlices = plan.cold ? 0 : amount.warmSlices;
  const rounds = plan.cold ? Math.ceil(amount.rounds / 3) : amount.rounds;
  // Code that is not optimised yet would count against whoever runs more JavaScript, and no server is in that state.
  // In turn as well: who has warmed up and then rests for a minute finds its caches cold.
  for (let slice = 0; slice < warmSlices; slice++)
    for (const { side } of live) await plan.run(side, Math.ceil(warmMs / warmSlices));
  const taken = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++)
    for (const { name, side } of live) {
      const figure = await plan.run(side, ms);
      if (figure !== undefined && !Number.isNaN(figure))
        taken.set(name, [...(taken.get(name) ?? []), figure]);
    }
  return rowFrom(plan, live, taken);
}

/** Medians, and the medians of the rounds' ratios. */
function rowFrom(
  { name, unit, better, targets = {}, headline }: Omit<Plan, 'run'>,
  columns: readonly Column[],
  taken: ReadonlyMap<string, readonly number[]>,
): Row {
  const figures: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  for (const { name: column, beside } of columns) {
    const values = taken.get(column);
    if (values === undefined) continue;
    figures[column] = median(values);
    const own = beside === undefined ? undefined : taken.get(beside);
    if (own === undefined) continue;
    ratios[column] = median(values.map((value, round) => (own[round] ?? Number.NaN) / value));
  }
  return { name, unit, figures, ratios, targets, better, ...(headline && { headline }) };
}

function rate(name: string, run: (side: Measures, ms: number) => Promise<number>): Plan {
  return { name, unit: '/s', better: 'more', run };
}

function handshakes(name: string, run: (side: Measures, ms: number) => Promise<number>): Plan {
  return { ...rate(name, run), handshakes: true };
}

function bulk(name: string, run: (side: Measures, ms: number) => Promise<number>): Plan {
  return { name, unit: 'MB/s', better: 'more', run };
}

const firstBytes = [
  ['resumed', 'first byte of an answer, after a resumed handshake'],
  ['early', 'first byte of an answer, to early data'],
] as const;

function tls13Plans({ burst, crowd: { open, talking } }: Amount): readonly Plan[] {
  return [
    {
      ...handshakes('full handshakes', (side, ms) => side.handshakes(ms)),
      targets: { 'node:tls': 1.7, 'OTP 25': 2, 'OTP 29': 1 },
      headline: true,
    },
    {
      ...handshakes('full handshakes, unseen leaf', (side, ms) => side.unseenHandshakes(ms)),
      targets: { 'node:tls': 1.1 },
    },
    handshakes('full handshakes, all anew', (side, ms) => side.coldHandshakes(ms)),
    {
      ...handshakes('resumed handshakes', (side, ms) => side.resumedHandshakes(ms, 'ticket')),
      targets: { 'node:tls': 1.35, 'OTP 25': 2 },
    },
    handshakes('full handshakes, X25519MLKEM768', (side, ms) => side.hybridHandshakes(ms)),
    ...firstBytes.map(
      ([how, name]): Plan => ({
        name,
        unit: 'ms',
        better: 'less',
        run: (side, ms) => side.firstByte(ms, how),
        cold: true,
      }),
    ),
    {
      ...bulk('bulk, sends of 16 KB', (side, ms) => side.bulk(ms, 16_384)),
      targets: { 'node:tls': 0.7, 'OTP 25': 1, 'OTP 29': 1 },
      headline: true,
    },
    {
      ...bulk('bulk, sends of 64 KB', (side, ms) => side.bulk(ms, 65_536)),
      targets: { 'node:tls': 0.6, 'OTP 25': 1, 'OTP 29': 1 },
      headline: true,
    },
    bulk('bulk, sends of 16 KB, beside a slow reader', (side, ms) => side.bulkBesideSlow(ms, 16_384)),
    ...shortSends(),
    {
      ...rate('round trips of 64 bytes', (side, ms) => side.trips(ms, 64)),
      targets: { 'node:tls': 1, 'OTP 25': 1, 'OTP 29': 1 },
      headline: true,
    },
    ...hostilities.map(
      ([kind, what]): Plan => ({
        name: `slowest echo beside a burst of ${burst.toLocaleString('en-US')} ${what}`,
        unit: 'ms',
        better: 'less',
        targets: { 'node:tls': 1 },
        run: ({ slowestEcho }) => slowestEcho?.(kind, burst),
        cold: true,
      }),
    ),
    // Last: the crowd stays.
    rate(
      `round trips of 64 bytes, ${open.toLocaleString('en-US')} connections open, through ${talking} in turn`,
      (side, ms) => side.crowd(ms, 64, open, talking),
    ),
  ];
}

/** Where node:tls, which joins what is written in one turn, is furthest ahead. */
function shortSends(): readonly Plan[] {
  const sizes: readonly [number, string, number | undefined][] = [
    [256, '256 bytes', 0.5],
    [1024, '1 KB', 0.6],
    [4096, '4 KB', undefined],
  ];
  return sizes.flatMap(([size, what, aim]) => [
    bulk(`sends of ${what}, each awaited`, (side, ms) => side.bulk(ms, size)),
    {
      ...bulk(`sends of ${what}, ${pipelined} at a time`, (side, ms) => side.stream(ms, size)),
      ...(aim !== undefined && { targets: { 'node:tls': aim } }),
    },
  ]);
}

const tls12Plans: readonly Plan[] = [
  {
    ...handshakes('TLS 1.2, full handshakes', (side, ms) => side.handshakes(ms)),
    targets: { 'node:tls': 1.2 },
  },
  ...(['ticket', 'id'] as const).map((by) => ({
    ...handshakes(`TLS 1.2, handshakes resumed by ${by}`, (side, ms) => side.resumedHandshakes(ms, by)),
    targets: { 'node:tls': 1 },
  })),
  bulk('TLS 1.2, bulk, sends of 16 KB', (side, ms) => side.bulk(ms, 16_384)),
  bulk('TLS 1.2, bulk, sends of 64 KB', (side, ms) => side.bulk(ms, 65_536)),
  rate('TLS 1.2, round trips of 64 bytes', (side, ms) => side.trips(ms, 64)),
];

const dtls12Plans: readonly Plan[] = [
  {
    ...handshakes('DTLS 1.2, full handshakes', (side, ms) => side.handshakes(ms)),
    targets: { 'OTP 25': 2, 'OTP 29': 2 },
  },
  {
    ...rate('DTLS 1.2, round trips of 64 bytes', (side, ms) => side.trips(ms, 64)),
    targets: { 'OTP 25': 1, 'OTP 29': 1, 'werift-dtls': 1 },
  },
];

/** How long one peer can keep another waiting: by the clock, since waiting is no work. */
const hostilities: readonly [Hostility, string][] = [
  ['records', 'records of one byte'],
  ['keyUpdates', 'key updates and bytes'],
];

const growthName = (open: number): string =>
  `processor time per connection opened, ${open.toLocaleString('en-US')} open`;
/** Open files of a process with so many connections, both ends of which it holds, and some for itself. */
const descriptorsFor = (connections: number): number => 2 * connections + 100;

/** Each side in a fresh process, once: what it costs to open one more. Noble alone would take minutes, and FFI changes nothing here. */
async function growth(
  columns: readonly Column[],
  { grown, grownBy, warmHandshakesMs }: Amount,
): Promise<Row[]> {
  const wish = descriptorsFor((grown.at(-1) ?? 0) + grownBy);
  const most = (descriptorsAllowed(wish) - descriptorsFor(grownBy)) / 2;
  const levels = grown.filter((open) => open <= most);
  const refused = grown.filter((open) => open > most);
  // Rather a figure a little below than none.
  const instead = Math.floor(most / 500) * 500;
  if (refused.length > 0 && instead > (levels.at(-1) ?? 0)) levels.push(instead);
  const compared = columns.filter(({ name }) => name !== noble && name !== ffi);
  const taken = levels.map((): Map<string, number[]> => new Map());
  for (const { name, program } of compared) {
    const onThis = program(dialects['tlsv1.3']);
    const side = onThis && (await remoteSide(onThis, wish));
    if (side === undefined) continue;
    if (warmHandshakesMs > 0) await side.handshakes(warmHandshakesMs);
    let open = 0;
    for (const [index, level] of levels.entries()) {
      if (level > open) await side.open(level - open);
      taken[index]?.set(name, [await side.open(grownBy)]);
      open = level + grownBy;
    }
    await side.close();
  }
  const plan = { unit: 'µs', better: 'less' } as const;
  return [
    ...levels.map((level, index) =>
      rowFrom({ ...plan, name: growthName(level) }, compared, taken[index] ?? new Map()),
    ),
    ...refused.map((level) => ({
      ...rowFrom({ ...plan, name: growthName(level) }, [], new Map()),
      missing: `takes ${descriptorsFor(level + grownBy)} open files, and this machine allows ${descriptorsAllowed(wish)} to a process`,
    })),
  ];
}

/** How many open files a process may have that wishes for so many. */
function descriptorsAllowed(wish: number): number {
  const [shell, ...args] = allowed(wish, 'sh', ['-c', 'ulimit -n']);
  const text = execFileSync(shell, args, { encoding: 'utf8' }).trim();
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}

const idleTargets = { 'tlsv1.3': 0.35, 'tlsv1.2': 0.5 } as const;

const idleName = ({ idle: count }: Amount, version: keyof typeof idleTargets): string =>
  `${version === 'tlsv1.2' ? 'TLS 1.2, ' : ''}memory per idle connection, ${count.toLocaleString('en-US')} open, both ends`;

/** Memory stays with a process that has used it: each side gets a fresh one. KB per connection. */
function idle(
  columns: readonly Column[],
  material: Material,
  amount: Amount,
  version: keyof typeof idleTargets,
): Row {
  const taken = memory(columns, material, dialects[version], './idle.js', amount.idle);
  return rowFrom(
    {
      ...{
        name: idleName(amount, version),
        unit: 'KB',
        better: 'less',
        targets: { 'node:tls': idleTargets[version] },
      },
      ...(version === 'tlsv1.3' && { headline: true }),
    },
    columns,
    taken,
  );
}

/** Our own column is compared with nobody's: OTP tells its memory in other terms, and werift-dtls has no listener. */
function idlePeers(columns: readonly Column[], material: Material, amount: Amount): Row {
  const taken = memory(columns, material, dialects['dtlsv1.2'], './idle-peers.js', amount.idlePeers);
  return rowFrom({ name: idlePeersName(amount), unit: 'KB', better: 'less' }, columns, taken);
}

const idlePeersName = ({ idlePeers: count }: Amount): string =>
  `DTLS 1.2, memory per idle peer, ${count.toLocaleString('en-US')} on one socket, the server's end`;

/** What a script of ours on Node answers, by column. Noble alone takes minutes, and FFI changes nothing. */
function memory(
  columns: readonly Column[],
  { certfile, keyfile, cafile }: Material,
  dialect: Dialect,
  script: string,
  count: number,
): Map<string, number[]> {
  const taken = new Map<string, number[]>();
  const path = fileURLToPath(new URL(script, import.meta.url));
  for (const { name, program } of columns) {
    const side = program(dialect);
    if (side?.on !== 'node' || side.args[0] !== sideProcess || name === noble || name === ffi) continue;
    const [, which = ''] = side.args;
    const args = [path, which, String(count), certfile, keyfile, cafile, dialect.version];
    const [command, ...rest] = allowed(count + 1000, side.program, ['--expose-gc', ...args]);
    taken.set(name, [Number(execFileSync(command, rest, { encoding: 'utf8' }))]);
  }
  return taken;
}
