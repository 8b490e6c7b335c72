import { expect, it } from 'vitest';
import { runSchedule } from './schedule.js';

it('runs', async () => {
  const [from = 1, to = 200] = (process.env['SEEDS'] ?? '1-200').split('-').map(Number);
  const verbose = process.env['TRACE'] === '1';
  let failures = 0;
  const total = { connections: 0, bytes: 0, handOvers: 0, kills: 0, cuts: 0, whole: 0 };
  const kinds = new Map<string, number>();
  const began = Date.now();
  for (let seed = from; seed <= to; seed++) {
    const run = await runSchedule(seed);
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += run.counts[key];
    if (run.violations.length > 0) {
      failures++;
      if (failures < 15) console.log(seed, run.violations.slice(0, 6).join('\n   '));
      if (verbose) console.log(run.trace());
    }
  }
  console.log('failures', failures, 'of', to - from + 1, Date.now() - began, 'ms', JSON.stringify(total), [
    ...kinds,
  ]);
  expect(failures).toBe(0);
}, 3_000_000);
