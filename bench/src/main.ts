/**
 * All figures of the README in one command: `npm run bench [-- --quick] [-- --json] [-- tls | runtime]`.
 * `--quick` shows that all of it runs: its figures are those of code that is hardly warm.
 *
 * Runs itself again on one processor when `taskset` is there, so that both ends and the runtime share one core, as
 * OTP's single scheduler does.
 */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runtimeBench } from './runtime.js';
import { ours, type TlsRow, tlsBench } from './tls.js';

const flags = new Set(process.argv.slice(2));

if (process.env['ACTOR_TLS_PINNED'] === undefined) {
  const core = String(cpus().length - 1);
  const again = [process.execPath, '--expose-gc', fileURLToPath(import.meta.url), ...flags];
  const run = spawnSync('taskset', ['-c', core, ...again], {
    stdio: 'inherit',
    env: { ...process.env, ACTOR_TLS_PINNED: core },
  });
  // Without taskset, unpinned is better than not at all; the head of the table says which it was.
  if (run.error === undefined) process.exit(run.status ?? 1);
}

const wanted = (part: string): boolean => flags.has(part) || !(flags.has('tls') || flags.has('runtime'));
const quick = flags.has('--quick');
const where = `Node ${process.version}, ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${
  process.env['ACTOR_TLS_PINNED'] === undefined ? 'not pinned' : 'one core'
}, load ${(loadavg()[0] ?? 0).toFixed(1)}, ${new Date().toISOString().slice(0, 10)}`;

const tls = wanted('tls') ? await tlsBench(quick ? 150 : 250, quick ? 3 : 30, quick ? 400 : 12_000) : [];
const runtime = wanted('runtime') ? await runtimeBench() : [];

if (flags.has('--json')) console.log(JSON.stringify({ where, tls, runtime }, undefined, 2));
else {
  console.log(`${where}; rates per second of processor time\n`);
  if (tls.length > 0) console.log(`${tlsTable(tls)}\n`);
  if (runtime.length > 0) console.log(runtimeTable(runtime));
}
process.exit(0);

/** Markdown, with ours over the other's behind each of the others' figures. */
function tlsTable(rows: readonly TlsRow[]): string {
  const sides = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
  const lines = rows.map((row) => {
    const cells = sides.map((side) => {
      const figure = row.figures[side];
      if (figure === undefined) return '–';
      const text = `${figure < 100 ? figure.toFixed(1) : Math.round(figure)} ${row.unit}`;
      if (side === ours) return `**${text}**`;
      const ratio = row.ratios[side] ?? Number.NaN;
      const target = row.targets[side];
      if (target === undefined) return `${text} (${ratio.toFixed(2)} ×)`;
      const met = row.better === 'more' ? ratio >= target : ratio <= target;
      return `${text} (${ratio.toFixed(2)} ×, target ${target}${met ? '' : ', missed'})`;
    });
    return `| ${row.name} | ${cells.join(' | ')} |`;
  });
  return [`| | ${sides.join(' | ')} |`, `| --- |${' --- |'.repeat(sides.length)}`, ...lines].join('\n');
}

function runtimeTable(rows: Awaited<ReturnType<typeof runtimeBench>>): string {
  const lines = rows.map(({ name, unit, ours: own, erlang, target }) => {
    const met = unit === '/s' ? own >= target : own <= target;
    const text = (value: number | undefined): string =>
      value === undefined
        ? '–'
        : unit === '/s'
          ? `${(value / 1e6).toFixed(2)} M/s`
          : `${value.toFixed(1)} ${unit}`;
    return `| ${name} | **${text(own)}** | ${text(erlang)} | ${text(target)}${met ? '' : ', missed'} |`;
  });
  return ['| | actor-tls | Erlang | target |', '| --- | --- | --- | --- |', ...lines].join('\n');
}
