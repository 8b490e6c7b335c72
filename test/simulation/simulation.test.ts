/**
 * Client, server, tree and network in simulated time, in a thousand schedules drawn from seeds, over TLS 1.3 and 1.2, whose
 * handshakes run again, asked for by either side or by themselves, and whose sessions are resumed.
 *
 * In every run: no message to a process that is not the owner at that moment; `ssl_closed` and `ssl_error` at most
 * once, after all data, and exactly once when a connection ends by itself; what owners and callers of `recv` got
 * together is what was sent, every byte once and in order, and all that was acknowledged if the connection ended in
 * order; every call has its answer; the tree is whole, and nothing is left behind.
 *
 * A seed that fails is named in the error. `ACTOR_TLS_SEED=1234 npx vitest run --config test/vitest.config.ts
 * test/simulation` replays it and prints what happened, line by line; `ACTOR_TLS_SEEDS=1-20000` looks at more of them.
 */
import { describe, expect, it } from 'vitest';
import { report } from '../support/report.js';
import { faults } from './mutations.js';
import { type Counts, runSchedule } from './schedule.js';

const one = process.env['ACTOR_TLS_SEED'];
const [first = 1, last = 1000] =
  one === undefined
    ? (process.env['ACTOR_TLS_SEEDS'] ?? '1-1000').split('-').map(Number)
    : [Number(one), Number(one)];
/** Schedules to a test, so that a failure does not hide the others. */
const batch = 100;

describe('a simulated schedule', () => {
  const counts: Counts = {
    schedules: 0,
    connections: 0,
    'tlsv1.3': 0,
    'tlsv1.2': 0,
    'hand-overs': 0,
    kills: 0,
    cuts: 0,
    MB: 0,
    'unbroken ends': 0,
    pauses: 0,
    'names asked': 0,
    renegotiations: 0,
    'renegotiations refused': 0,
    resumed: 0,
    starved: 0,
  };
  for (let from = first; from <= last; from += batch) {
    const to = Math.min(last, from + batch - 1);
    it(`holds the invariants: seeds ${from} to ${to}`, async () => {
      const failed: string[] = [];
      for (let seed = from; seed <= to; seed++) {
        const run = await runSchedule(seed);
        for (const [key, count] of Object.entries(run.counts)) counts[key] = (counts[key] ?? 0) + count;
        if (one !== undefined) process.stdout.write(`${run.trace()}\n`);
        if (run.violations.length > 0) failed.push(`ACTOR_TLS_SEED=${seed}: ${run.violations.join('\n  ')}`);
      }
      expect(failed.join('\n')).toBe('');
    }, 300_000);
  }

  it('does enough to mean something', () => {
    report('simulated schedules', { ...counts, MB: Math.round(counts['MB'] ?? 0) });
    if (one !== undefined) return;
    const schedules = last - first + 1;
    expect(counts['connections']).toBeGreaterThan(schedules);
    expect(counts['tlsv1.3']).toBeGreaterThan(schedules / 2);
    expect(counts['tlsv1.2']).toBeGreaterThan(schedules / 2);
    expect(counts['hand-overs']).toBeGreaterThan(10 * schedules);
    expect(counts['kills']).toBeGreaterThan(schedules / 4);
    expect(counts['unbroken ends']).toBeGreaterThan(schedules / 2);
    expect(counts['pauses']).toBeGreaterThan(schedules / 2);
    expect(counts['names asked']).toBeGreaterThan(schedules / 4);
    expect(counts['renegotiations']).toBeGreaterThan(schedules / 4);
    expect(counts['resumed']).toBeGreaterThan(schedules / 20);
    // Whoever reads is not to meet this: else it would hide what is wrong with the others.
    expect(counts['starved']).toBeLessThan(schedules / 10);
  });

  it('is the same, step by step, each time', async () => {
    for (const seed of [11, 12, 13]) {
      const [once, again] = [await runSchedule(seed), await runSchedule(seed)];
      expect(again.trace()).toBe(once.trace());
    }
  });
});

describe('the checker notices a delivery that', () => {
  for (const { name, seen, make } of faults)
    it(name, async () => {
      const found: string[] = [];
      for (let seed = 1; seed <= 40 && !found.some((line) => seen.test(line)); seed++) {
        const run = await runSchedule(seed, { mutation: make() });
        found.push(...run.violations);
      }
      expect(found.join('\n')).toMatch(seen);
    });
});
