/** Rows as bars, in SVG that this file writes itself; readable on a light ground and on a dark one. */
import { figureText, isOurs, ours, type Row, type Run } from './row.js';

export interface Chart {
  /** Without folder and ending. */
  readonly file: string;
  readonly svg: string;
}

const width = 760;
const labelsEnd = 200;
const barsBegin = 208;
const longest = 380;
const line = 18;
const thickness = 12;
const headLine = 26;
const gap = 14;
const margin = 12;

/** All charts of a run that have a row to show. */
export function charts({ where, tls, runtime }: Run): readonly Chart[] {
  const of = (version: string) => tls.filter(({ name }) => name.startsWith(version));
  const older = [...of('TLS 1.2'), ...of('DTLS')];
  const sets: readonly [string, string, readonly Row[]][] = [
    ['readme', 'TLS 1.3 in short', tls.filter(({ headline }) => headline).map(withoutNoble)],
    ['tls13', 'TLS 1.3', tls.filter((row) => !older.includes(row))],
    ['tls12', 'TLS 1.2', of('TLS 1.2')],
    ['dtls', 'DTLS', of('DTLS')],
    ['processes', 'Processes', runtime],
  ];
  return sets
    .filter(([, , rows]) => rows.length > 0)
    .map(([file, title, rows]) => ({ file, svg: chart(title, rows, where) }));
}

/** The reader's first question is about the engine that everybody has. */
function withoutNoble(row: Row): Row {
  const figures = Object.entries(row.figures).filter(([side]) => !side.includes('noble'));
  return { ...row, figures: Object.fromEntries(figures) };
}

function chart(title: string, rows: readonly Row[], where: string): string {
  const pieces: string[] = [];
  let top = margin;
  for (const row of rows) {
    pieces.push(drawRow(row, top));
    top += heightOf(row) + gap;
  }
  pieces.push(text('w', margin, top + 10, where));
  const height = top + 10 + margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    style,
    ...pieces,
    '</svg>',
    '',
  ].join('\n');
}

function heightOf({ figures, missing }: Row): number {
  return headLine + line * (Object.keys(figures).length + (missing === undefined ? 0 : 1));
}

/** Bars to the scale of the row's greatest figure; ours over the other's behind the others. */
function drawRow({ name, unit, figures, ratios, better, missing }: Row, top: number): string {
  const known = Object.values(figures).filter(Number.isFinite);
  const greatest = Math.max(...known, Number.MIN_VALUE);
  const bars = Object.entries(figures).map(([side, figure], index) => {
    const y = top + headLine + index * line;
    const length = Number.isFinite(figure) ? Math.max(1, Math.round((figure / greatest) * longest)) : 0;
    const ratio = ratios[side];
    const behind = ratio === undefined ? '' : `  (${ratio.toFixed(2)} ×)`;
    const kind = side === ours ? 'o' : isOurs(side) ? 'v' : 't';
    return [
      text('s', labelsEnd, y + 10, side),
      `<rect class="${kind}" x="${barsBegin}" y="${y}" width="${length}" height="${thickness}" rx="2"/>`,
      text('f', barsBegin + length + 6, y + 10, `${figureText(figure, unit)}${behind}`),
    ].join('');
  });
  const head = text('h', margin, top + 14, `${name}: ${better === 'more' ? 'more' : 'less'} is better`);
  const note =
    missing === undefined ? [] : [text('f', barsBegin, top + headLine + bars.length * line + 10, missing)];
  return [head, ...bars, ...note].join('\n');
}

function text(kind: string, x: number, y: number, content: string): string {
  return `<text class="${kind}" x="${x}" y="${y}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** h: a row's name; s: a side's; f: a figure; w: of which run; o, v, t: bars of ours, of ours otherwise, of others. */
const style = `<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.h { font-weight: 600 }
.s { text-anchor: end }
.w { font-size: 10px }
.s, .w { fill: #59636e }
.o { fill: #1f6feb }
.v { fill: #79b0ff }
.t { fill: #afb8c1 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.s, .w { fill: #9198a1 }
.o { fill: #58a6ff }
.v { fill: #2b5c9e }
.t { fill: #59636e }
}
</style>`;
