/** docs/attacks.md names files and tests; both have to exist, so that no answer outlives its proof. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root } from './markdown.js';

const text = readFileSync(`${root}docs/attacks.md`, 'utf8');

interface Row {
  readonly attack: string;
  readonly answer: string;
  readonly shown: string;
}

/** Rows of the tables with three columns; headings and rulers left out. */
const rows: readonly Row[] = text.split('\n').flatMap((line) => {
  const cells = /^\| (.+?) \| (.+?) \| (.+?) \|$/.exec(line);
  if (cells === null || cells[1] === 'attack' || cells[1]?.startsWith('---') === true) return [];
  const [, attack = '', answer = '', shown = ''] = cells;
  return [{ attack, answer, shown }];
});

/** `file`: *title*, and further *titles* of the same file. */
function testsOf(shown: string): { readonly file: string; readonly title: string }[] {
  let file = '';
  return [...shown.matchAll(/`([^`]+\.ts)`|\*([^*]+)\*/g)].flatMap(([, path, title]) => {
    if (path !== undefined) file = path;
    return title === undefined ? [] : [{ file, title }];
  });
}

function pathOf(file: string): string | undefined {
  return [file, `packages/ssl/src/${file}`].find((path) => existsSync(root + path));
}

/** The title as a string of the file, or as the name of a provoked reason. */
function hasTest(file: string, title: string): boolean {
  const path = pathOf(file);
  if (path === undefined) return false;
  const code = readFileSync(root + path, 'utf8').replaceAll("\\'", "'");
  return [`'${title}'`, `"${title}"`, `\`${title}\``, `  ${title}: () =>`].some((form) =>
    code.includes(form),
  );
}

describe('docs/attacks.md', () => {
  it.each(rows)('$attack', ({ answer, shown }) => {
    const files = [...`${answer} ${shown}`.matchAll(/`([^`]+\.(?:ts|md))`/g)].map(([, file = '']) => file);
    expect(files.filter((file) => pathOf(file) === undefined)).toEqual([]);
    const tests = testsOf(shown);
    expect(tests.filter(({ file, title }) => !hasTest(file, title))).toEqual([]);
    // What is not shown is said not to be, or cannot be.
    if (tests.length === 0) expect(shown).toMatch(/^(?:not yet|nothing to show)/);
  });

  it('has all its rows read', () => {
    expect(rows.length).toBeGreaterThan(50);
    expect(text.split('\n').filter((line) => /^\| (?!attack|---)/.test(line))).toHaveLength(rows.length);
  });

  it('would notice a test that is gone', () => {
    expect(hasTest('test/docs/attacks.test.ts', 'has all its rows read')).toBe(true);
    expect(hasTest('test/docs/attacks.test.ts', ['was', 'never', 'here'].join(' '))).toBe(false);
  });
});
