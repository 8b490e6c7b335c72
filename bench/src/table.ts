/** Rows as tables of Markdown. */
import { figureText, isMet, type Row, sidesOf } from './row.js';

/** Ours in bold; behind each of the others' figures what ours are of it. */
export function table(rows: readonly Row[]): string {
  const sides = sidesOf(rows);
  const aims = rows.some(({ aim }) => aim !== undefined);
  const heads = ['', ...sides, ...(aims ? ['aim'] : [])];
  const lines = rows.map((row) => {
    const cells = sides.map((side) => cell(row, side));
    return cellsLine([row.name, ...cells, ...(aims ? [aimCell(row)] : [])]);
  });
  const notes = rows.flatMap(({ name, missing }) => (missing === undefined ? [] : [`\n${name}: ${missing}`]));
  return [cellsLine(heads), `|${' --- |'.repeat(heads.length)}`, ...lines, ...notes].join('\n');
}

function cellsLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function cell({ figures, ratios, targets, unit, better }: Row, side: string): string {
  const figure = figures[side];
  if (figure === undefined) return '–';
  const text = figureText(figure, unit);
  const ratio = ratios[side];
  if (ratio === undefined) return `**${text}**`;
  const target = targets[side];
  if (target === undefined) return `${text} (${ratio.toFixed(2)} ×)`;
  return `${text} (${ratio.toFixed(2)} ×, target ${target}${isMet(ratio, target, better) ? '' : ', missed'})`;
}

function aimCell({ figures, aim, unit, better }: Row): string {
  const [own] = Object.values(figures);
  if (aim === undefined) return '–';
  return `${figureText(aim, unit)}${own === undefined || isMet(own, aim, better) ? '' : ', missed'}`;
}
