import { expect, it } from 'vitest';
import { parseRun, type Row, type Run } from '../../bench/src/row.js';
import { charts } from '../../bench/src/svg.js';
import { table } from '../../bench/src/table.js';

const handshakes: Row = {
  name: 'full handshakes',
  unit: '/s',
  figures: { 'actor-tls': 546, 'node:tls': 391, 'OTP 25': 1264, 'actor-tls, noble alone': 59.26 },
  ratios: { 'node:tls': 1.4, 'OTP 25': 0.43, 'actor-tls, noble alone': 9.2 },
  targets: { 'node:tls': 1.4, 'OTP 25': 2 },
  better: 'more',
  headline: true,
};
const refused: Row = {
  name: 'many <open> & more',
  unit: 'µs',
  figures: {},
  ratios: {},
  targets: {},
  better: 'less',
  missing: 'takes more open files than there are',
};
const { headline: _, ...plain } = handshakes;
const old: Row = { ...plain, name: 'TLS 1.2, full handshakes' };
const datagrams: Row = { ...plain, name: 'DTLS 1.2, full handshakes' };
const sends: Row = {
  name: 'send',
  unit: '/s',
  figures: { 'actor-tls': 11_900_000, 'OTP 29': 3_600_000 },
  ratios: { 'OTP 29': 3.31 },
  targets: {},
  aim: 12e6,
  better: 'more',
};
const run: Run = { where: 'Node v1, one core', tls: [handshakes, refused, old, datagrams], runtime: [sends] };

it('a table has a column for each side, ratios behind the others, and says what is missing', () => {
  expect(table([handshakes, refused]).split('\n')).toEqual([
    '|  | actor-tls | node:tls | OTP 25 | actor-tls, noble alone |',
    '| --- | --- | --- | --- | --- |',
    '| full handshakes | **546 /s** | 391 /s (1.40 ×, target 1.4) | 1,264 /s (0.43 ×, target 2, missed) | 59.3 /s (9.20 ×) |',
    '| many <open> & more | – | – | – | – |',
    '',
    'many <open> & more: takes more open files than there are',
  ]);
});

it('a row with an aim of its own says whether it was met', () => {
  expect(table([sends]).split('\n').at(-1)).toBe(
    '| send | **11.90 M/s** | 3.60 M/s (3.31 ×) | 12.00 M/s, missed |',
  );
  expect(table([{ ...sends, aim: 8e6 }])).toMatch(/\| 8\.00 M\/s \|$/);
});

it('the charts draw every row, and every figure of it as a bar to scale', () => {
  const drawn = new Map(charts(run).map(({ file, svg }) => [file, svg]));
  expect([...drawn.keys()]).toEqual(['readme', 'tls13', 'tls12', 'dtls', 'processes']);
  const bars = (file: string): readonly number[] =>
    [...(drawn.get(file) ?? '').matchAll(/<rect [^>]*width="(\d+)"/g)].map(([, width]) => Number(width));
  expect(bars('tls13')).toEqual([164, 118, 380, 18]);
  expect(bars('readme')).toEqual([164, 118, 380]);
  expect(bars('tls12')).toEqual([164, 118, 380, 18]);
  expect(bars('processes')).toEqual([380, 115]);
  expect(drawn.get('tls13')).toContain('many &lt;open> &amp; more: less is better');
  expect(drawn.get('tls13')).toContain(refused.missing);
  for (const svg of drawn.values()) {
    expect(svg).toContain(run.where);
    expect(svg).toContain('prefers-color-scheme: dark');
  }
});

it('a part that was not measured has no chart', () => {
  expect(charts({ ...run, tls: [] }).map(({ file }) => file)).toEqual(['processes']);
});

it("a run is read with npm's own lines before it", () => {
  const text = `\n> actor-tls@0.1.0 bench\n> node bench/dist/main.js --json\n\n${JSON.stringify(run, undefined, 2)}\n`;
  expect(parseRun(text)).toEqual(run);
});
