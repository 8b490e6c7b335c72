/**
 * Clients that come back, in TLS 1.3 and 1.2, in simulated time, in schedules drawn from seeds: keys turn, stores and filters are killed at any
 * step, a fleet's stores answer late or never, first flights are sent again.
 *
 * In every run: each connection is established, by ticket or without, and both ends say alike which; no ticket stands in
 * two hellos; early data comes to an owner once if its client was told that it was accepted, else never; the tree is
 * whole, and clients are resumed again when nothing fails any more.
 *
 * `ACTOR_TLS_SEEDS=1-5000 npx vitest run --config test/vitest.config.ts test/simulation/resumption` looks at more.
 */
import { expect, it } from 'vitest';
import { report } from '../support/report.js';
import { type ResumptionCounts, runResumption } from './resumption-schedule.js';

const [first = 1, last = 40] = (process.env['ACTOR_TLS_SEEDS'] ?? '1-40').split('-').map(Number);

it('clients come back whatever is late, lost or sent again, and no ticket is used twice', async () => {
  const counts: Partial<ResumptionCounts> = {};
  const failed: string[] = [];
  for (let seed = first; seed <= last; seed += 1) {
    const run = await runResumption(seed);
    for (const [key, count] of Object.entries(run.counts))
      Object.assign(counts, { [key]: (Object(counts)[key] ?? 0) + count });
    if (run.violations.length > 0) failed.push(`seed ${seed}: ${run.violations.join('\n  ')}`);
  }
  report('simulated resumptions', counts);
  expect(failed.join('\n')).toBe('');
  const seeds = last - first + 1;
  expect(counts.connections).toBeGreaterThan(6 * seeds);
  expect(counts.resumed).toBeGreaterThan(seeds);
  expect(counts['resumed in 1.2']).toBeGreaterThan(seeds / 2);
  expect(counts['early accepted']).toBeGreaterThan(seeds / 4);
  expect(counts['early rejected']).toBeGreaterThan(seeds / 4);
  expect(counts.kills).toBeGreaterThan(seeds);
  expect(counts.replays).toBeGreaterThan(seeds);
}, 300_000);
