/**
 * TLS 1.3 and 1.2 side by side: actor-tls on both engines, node:tls and OTP, in turn, round by round. Rates are medians, per
 * second of processor time of the process that runs both ends; a ratio is the median of the rounds' ratios, since a
 * shared machine is slower at one time than at another, but within a round hardly.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCa } from '@actor-tls/ssl/testing';
import { type Measures, remoteSide } from './remote-side.js';
import { type Dialect, dialects, group, type Hostility, type Material, median, pipelined } from './side.js';

export interface TlsRow {
  readonly name: string;
  readonly unit: string;
  /** By side's name. */
  readonly figures: Readonly<Record<string, number>>;
  /** Ours over the other's, by side's name. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Ours must be at least (rates) or at most (memory) this many times the other's. */
  readonly targets: Readonly<Record<string, number>>;
  readonly better: 'more' | 'less';
}

export const ours = 'actor-tls';
const idleConnections = 5000;
const warmSlices = 12;
const sideProcess = fileURLToPath(new URL('./side-process.js', import.meta.url));
/** A node of its own with one scheduler. */
const otpScript = fileURLToPath(new URL('../erlang/tls_bench.escript', import.meta.url));

/** Throw-away files, removed by `remove`. */
export function createMaterial(): Material & { remove(): void } {
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

/** `ms` of processor time per side, measure and round, after `warmMs` per side and measure. */
export async function tlsBench(ms: number, rounds: number, warmMs: number): Promise<TlsRow[]> {
  const material = createMaterial();
  const amount: Amount = { ms, rounds, warmMs };
  const rows = [
    ...(await tls13Rows(await sidesOf(dialects['tlsv1.3'], material), amount)),
    ...(await tls12Rows(await sidesOf(dialects['tlsv1.2'], material), amount)),
  ];
  const own = idle('actor', material);
  const theirs = idle('node', material);
  rows.push({
    name: `memory per idle connection, ${idleConnections} open, both ends`,
    unit: 'KB',
    figures: { [ours]: own, 'node:tls': theirs },
    ratios: { 'node:tls': own / theirs },
    targets: { 'node:tls': 0.5 },
    better: 'less',
  });
  material.remove();
  return rows;
}

/** How much is measured: see `tlsBench`. */
interface Amount {
  readonly ms: number;
  readonly rounds: number;
  readonly warmMs: number;
}

/** Those that come up, each in a process of its own. */
async function sidesOf(dialect: Dialect, material: Material): Promise<readonly Measures[]> {
  const files = [material.certfile, material.keyfile, material.cafile];
  const { version, suite } = dialect;
  const onNode = (name: string, which: string): Promise<Measures | undefined> =>
    remoteSide(name, process.execPath, [sideProcess, which, ...files, version]);
  return [
    await onNode(ours, 'actor'),
    await onNode('node:tls', 'node'),
    await remoteSide('OTP 25', 'escript', [otpScript, ...files, suite, group, version]),
    await onNode(`${ours}, noble alone`, 'noble'),
  ].filter((side) => side !== undefined);
}

type Measure = (
  name: string,
  unit: string,
  run: (side: Measures, ms: number) => Promise<number>,
  targets: Readonly<Record<string, number>>,
) => Promise<TlsRow>;

function measureOn(sides: readonly Measures[], { ms, rounds, warmMs }: Amount): Measure {
  return async (name, unit, run, targets) => {
    // Code that is not optimised yet would count against whoever runs more JavaScript, and no server is in that state.
    // In turn as well: who has warmed up and then rests for a minute finds its caches cold.
    for (let slice = 0; slice < warmSlices; slice++)
      for (const side of sides) await run(side, Math.ceil(warmMs / warmSlices));
    const measured = new Map(sides.map(({ name: side }): [string, number[]] => [side, []]));
    for (let round = 0; round < rounds; round++)
      for (const side of sides) measured.get(side.name)?.push(await run(side, ms));
    const own = measured.get(ours) ?? [];
    const figures: Record<string, number> = {};
    const ratios: Record<string, number> = {};
    for (const [side, rates] of measured) {
      figures[side] = median(rates);
      if (side !== ours) ratios[side] = median(rates.map((rate, round) => (own[round] ?? Number.NaN) / rate));
    }
    return { name, unit, figures, ratios, targets, better: 'more' };
  };
}

async function tls13Rows(sides: readonly Measures[], amount: Amount): Promise<TlsRow[]> {
  const measure = measureOn(sides, amount);
  const rows = [
    await measure('full handshakes', '/s', (side, ms) => side.handshakes(ms), {
      'node:tls': 1.4,
      'OTP 25': 2,
    }),
    await measure('full handshakes, unseen leaf', '/s', (side, ms) => side.unseenHandshakes(ms), {}),
    await measure('full handshakes, all anew', '/s', (side, ms) => side.coldHandshakes(ms), {}),
    await measure('bulk, sends of 16 KB', 'MB/s', (side, ms) => side.bulk(ms, 16_384), {
      'node:tls': 0.65,
      'OTP 25': 2,
    }),
    await measure('bulk, sends of 64 KB', 'MB/s', (side, ms) => side.bulk(ms, 65_536), { 'node:tls': 0.5 }),
    ...(await shortSends(measure)),
    await measure('round trips of 64 bytes', '/s', (side, ms) => side.trips(ms, 64), {
      'node:tls': 0.55,
      'OTP 25': 1,
    }),
  ];
  for (const [kind, what] of hostilities)
    rows.push(
      await fairness(`slowest echo beside a burst of ${what}`, kind, sides, Math.ceil(amount.rounds / 3)),
    );
  for (const side of sides) await side.close();
  return rows;
}

/** Where node:tls, which joins what is written in one turn, is furthest ahead. */
async function shortSends(measure: Measure): Promise<TlsRow[]> {
  const rows: TlsRow[] = [];
  for (const [size, what] of [
    [256, '256 bytes'],
    [1024, '1 KB'],
    [4096, '4 KB'],
  ] as const) {
    rows.push(await measure(`sends of ${what}, each awaited`, 'MB/s', (side, ms) => side.bulk(ms, size), {}));
    rows.push(
      await measure(
        `sends of ${what}, ${pipelined} at a time`,
        'MB/s',
        (side, ms) => side.stream(ms, size),
        {},
      ),
    );
  }
  return rows;
}

async function tls12Rows(sides: readonly Measures[], amount: Amount): Promise<TlsRow[]> {
  const measure = measureOn(sides, amount);
  const rows = [
    await measure('TLS 1.2, full handshakes', '/s', (side, ms) => side.handshakes(ms), {}),
    await measure('TLS 1.2, bulk, sends of 16 KB', 'MB/s', (side, ms) => side.bulk(ms, 16_384), {}),
  ];
  for (const side of sides) await side.close();
  return rows;
}

const hostilities: readonly [Hostility, string][] = [
  ['records', '1-byte records'],
  ['keyUpdates', 'key updates'],
];

/** How long one peer can keep another waiting: by the clock, since waiting is no work. */
async function fairness(
  name: string,
  kind: Hostility,
  sides: readonly Measures[],
  rounds: number,
): Promise<TlsRow> {
  const slowest = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++)
    for (const { name: side, slowestEcho } of sides)
      if (slowestEcho !== undefined)
        slowest.set(side, [...(slowest.get(side) ?? []), await slowestEcho(kind)]);
  const own = slowest.get(ours) ?? [];
  const figures: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  for (const [side, times] of slowest) {
    figures[side] = median(times);
    if (side !== ours) ratios[side] = median(times.map((time, round) => (own[round] ?? Number.NaN) / time));
  }
  return { name, unit: 'ms', figures, ratios, targets: { 'node:tls': 1 }, better: 'less' };
}

/** Memory stays with a process that has used it: each side gets a fresh one. KB per connection. */
function idle(side: 'actor' | 'node', material: Material): number {
  const program = fileURLToPath(new URL('./idle.js', import.meta.url));
  const { certfile, keyfile, cafile } = material;
  const args = ['--expose-gc', program, side, String(idleConnections), certfile, keyfile, cafile];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}
