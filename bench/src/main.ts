/**
 * All figures of the README in one command:
 *
 *   npm run bench [-- --quick] [-- --json] [-- --node PATH] [-- --only WHICH] [-- tls | runtime]
 *
 * `--quick` shows that all of it runs: its figures are those of code that is hardly warm. `--node` measures the sides of
 * TLS that run on Node on that one as well; ACTOR_TLS_OTHER_NODE names it too. `--only` measures the rows of TLS whose
 * names the regular expression fits. ACTOR_TLS_NEWER_OTP names the folder of a second OTP (`erlang/unpack-newer.sh`),
 * ACTOR_TLS_WERIFT one where `npm install --prefix` has put werift-dtls.
 *
 * Runs itself again on one processor when `taskset` is there, so that both ends and the runtime share one core, as
 * OTP's single scheduler does.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Run } from './row.js';
import { runtimeBench } from './runtime.js';
import { table } from './table.js';
import { full, quick, tlsBench } from './tls.js';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    node: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});

if (process.env['ACTOR_TLS_PINNED'] === undefined) {
  const core = String(cpus().length - 1);
  const again = [process.execPath, '--expose-gc', fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const run = spawnSync('taskset', ['-c', core, ...again], {
    stdio: 'inherit',
    env: { ...process.env, ACTOR_TLS_PINNED: core },
  });
  // Without taskset, unpinned is better than not at all; the head of the table says which it was.
  if (run.error === undefined) process.exit(run.status ?? 1);
}

/** What is missing is said where it does not get among the figures. */
function say(line: string): void {
  console.error(line);
}

const wanted = (part: string): boolean =>
  positionals.includes(part) || !(positionals.includes('tls') || positionals.includes('runtime'));
const where = `Node ${process.version}, ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${
  process.env['ACTOR_TLS_PINNED'] === undefined ? 'not pinned' : 'one core'
}, load ${(loadavg()[0] ?? 0).toFixed(1)}, ${new Date().toISOString().slice(0, 10)}${
  flags.quick ? ', quick: hardly warm' : ''
}`;

const newer = process.env['ACTOR_TLS_NEWER_OTP'];
const escripts = ['escript'];
if (newer !== undefined && existsSync(join(newer, 'escript'))) escripts.push(join(newer, 'escript'));
else
  say(
    `no newer OTP: ${newer === undefined ? 'ACTOR_TLS_NEWER_OTP names no folder' : 'none in ACTOR_TLS_NEWER_OTP'}; bench/erlang/unpack-newer.sh fills one`,
  );
const werift = process.env['ACTOR_TLS_WERIFT'];
const otherNode = flags.node ?? process.env['ACTOR_TLS_OTHER_NODE'];

const run: Run = {
  where,
  tls: wanted('tls')
    ? await tlsBench(flags.quick ? quick : full, {
        only: new RegExp(flags.only),
        escripts,
        otherNode,
        werift,
        say,
      })
    : [],
  runtime: wanted('runtime') ? await runtimeBench(flags.quick ? 1 : 3, flags.quick ? 10 : 1, escripts) : [],
};

if (flags.json) console.log(JSON.stringify(run, undefined, 2));
else {
  console.log(
    `${where}; rates per second of processor time; in brackets ours over the other's, on the same Node\n`,
  );
  if (run.tls.length > 0) console.log(`${table(run.tls)}\n`);
  if (run.runtime.length > 0) console.log(table(run.runtime));
}
process.exit(0);
