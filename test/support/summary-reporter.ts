/**
 * The last lines of a test run: oracle counters, suites left out and why, and one line of totals,
 * `N passed, N failed, N skipped`, for whoever reads only the end of a log.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import type { ReportLine } from './report.js';

/** Totals of a run. A file that fails to load and an error outside any test count as failed. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export default class SummaryReporter implements Reporter {
  #file: string | undefined;
  #watching = false;

  /** Makes the report file and tells its name to the workers, which inherit this process's environment. */
  onInit(vitest: Vitest): void {
    this.#watching = vitest.config.watch;
    this.#file = join(mkdtempSync(join(tmpdir(), 'actor-tls-')), 'report.jsonl');
    process.env['ACTOR_TLS_REPORT'] = this.#file;
  }

  onTestRunStart(): void {
    if (this.#file !== undefined) writeFileSync(this.#file, '');
  }

  /** Other reporters may still be writing, so in a single run the summary waits for the process's end. */
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const text = `\n${summary(readLines(this.#file), count(modules, unhandled.length))}\n`;
    if (this.#watching) {
      process.stdout.write(text);
      return;
    }
    if (this.#file !== undefined) rmSync(dirname(this.#file), { recursive: true, force: true });
    process.once('exit', () => process.stdout.write(text));
  }
}

/** The summary's text; exported for its test. */
export function summary(lines: readonly ReportLine[], totals: Totals): string {
  const counted = new Map<string, Map<string, number | string>>();
  const absent = new Map<string, string>();
  for (const line of lines) {
    switch (line.kind) {
      case 'counters': {
        const known = counted.get(line.name) ?? new Map<string, number | string>();
        counted.set(line.name, known);
        for (const [key, value] of Object.entries(line.counters)) known.set(key, add(known.get(key), value));
        break;
      }
      case 'absent':
        absent.set(line.suite, line.why);
        break;
    }
  }
  const text: string[] = [];
  for (const [name, counters] of [...counted].sort(byKey))
    text.push(`${name}: ${[...counters].map(([key, value]) => `${value} ${key}`).join(', ')}`);
  if (absent.size > 0) text.push(`${absent.size} suites left out, for want of data or peers:`);
  for (const [suite, why] of [...absent].sort(byKey)) text.push(`  ${suite} (${why})`);
  text.push(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  return text.join('\n');
}

function count(modules: readonly TestModule[], unhandled: number): Totals {
  let passed = 0;
  let failed = unhandled;
  let skipped = 0;
  for (const module of modules) {
    let failures = 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') passed += 1;
      else if (state === 'failed') failures += 1;
      else skipped += 1;
    }
    // A file that could not be loaded, or whose hooks failed, has no failed test to show for it.
    if (failures === 0 && !module.ok()) failures = 1;
    failed += failures;
  }
  return { passed, failed, skipped };
}

function readLines(file: string | undefined): ReportLine[] {
  if (file === undefined) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): ReportLine => JSON.parse(line));
}

function add(known: number | string | undefined, value: number | string): number | string {
  return typeof known === 'number' && typeof value === 'number' ? known + value : value;
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
