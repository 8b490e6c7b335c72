/**
 * Draws the charts of a run:
 *
 *   npm run bench -- --json > run.json
 *   node bench/dist/charts.js run.json docs/charts/
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRun } from './row.js';
import { charts } from './svg.js';

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) {
  console.error('usage: charts.js <run.json> <folder>');
  process.exit(2);
}
mkdirSync(to, { recursive: true });
for (const { file, svg } of charts(parseRun(readFileSync(from, 'utf8')))) {
  const path = join(to, `${file}.svg`);
  writeFileSync(path, svg);
  console.log(path);
}
