#!/usr/bin/env node
/**
 * Runs BoGo against our shim: `node test/conformance/run-bogo.js <built runner> [--test=<globs>] [--workers=<n>]`.
 *
 * Fails when a test fails, and when an entry of `DisabledTests` is stale: no test that it matches would fail. See README.md.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { test: { type: 'string' }, workers: { type: 'string', default: '2' } },
});
const [runner] = positionals;
if (runner === undefined) {
  console.error('usage: node run-bogo.js <built runner> [--test=<globs>] [--workers=<n>]');
  process.exit(2);
}

/** What speaks a protocol that no flag of the shim stands for. */
const never = '*QUIC*';
const config = join(here, 'bogo.config.json');
const shim = join(here, 'dist', 'bogo-shim.js');
const { DisabledTests: disabled } = JSON.parse(readFileSync(config, 'utf8'));
const scratch = mkdtempSync(join(tmpdir(), 'bogo-'));

/** Names of tests, each with PASS, FAIL or SKIP. */
function bogo(name, globs, ...more) {
  const output = join(scratch, `${name}.json`);
  const { error } = spawnSync(
    resolve(runner),
    [
      '-test.timeout=0',
      '-pipe',
      '-allow-unimplemented',
      `-num-workers=${values.workers}`,
      `-shim-path=${shim}`,
      `-shim-config=${config}`,
      `-json-output=${output}`,
      `-test=${globs}`,
      `-skip=${never}`,
      ...more,
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  if (error !== undefined) throw error;
  return Object.entries(JSON.parse(readFileSync(output, 'utf8')).tests).map(([test, { actual }]) => [
    test,
    actual,
  ]);
}

try {
  chmodSync(shim, 0o755);
  const results = bogo('enabled', values.test ?? '*');
  const failed = results.filter(([, actual]) => actual === 'FAIL').map(([test]) => test);

  const count = (wanted) => results.filter(([, actual]) => actual === wanted).length;
  console.log(`${count('PASS')} passed, ${count('FAIL')} failed, ${count('SKIP')} unimplemented`);

  // A part of the tests says nothing about the list.
  const globs = values.test === undefined ? Object.keys(disabled) : [];
  const others = globs.length > 0 ? bogo('disabled', globs.join(';'), '-include-disabled') : [];
  const stale = globs.filter(
    (glob) => !others.some(([test, actual]) => matches(test, glob) && actual === 'FAIL'),
  );
  for (const glob of globs) {
    const matched = others.filter(([test]) => matches(test, glob)).length;
    console.log(`${matched} disabled: ${glob}: ${disabled[glob]}`);
  }
  for (const test of failed) console.log(`FAILED ${test}`);
  for (const glob of stale) console.log(`STALE ${glob}`);
  process.exitCode = failed.length > 0 || stale.length > 0 ? 1 : 0;
} finally {
  rmSync(scratch, { recursive: true });
}

/** Go's `filepath.Match`: here no name has a slash. */
function matches(test, glob) {
  const pattern = glob
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${pattern}$`).test(test);
}
