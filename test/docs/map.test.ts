import { existsSync, readdirSync, readFileSync } from 'node:fs';
import * as ssl from '@actor-tls/ssl';
import { describe, expect, it } from 'vitest';
import { root } from './markdown.js';

const map = readFileSync(`${root}docs/map.md`, 'utf8');
/** Everything between back quotes. */
const quoted = [...map.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
const paths = quoted.filter((text) => /^[\w./-]+\.(?:ts|md)$/.test(text));

interface Row {
  readonly cells: readonly string[];
  /** As written in the last cell. */
  readonly files: readonly string[];
}

/** The rows of the table below a heading. */
function rowsBelow(heading: string): readonly Row[] {
  const [, after = ''] = map.split(`\n## ${heading}\n`);
  const lines = (after.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(2).map((line) => {
    const cells = line.slice(2, -2).split(' | ');
    return { cells, files: [...(cells.at(-1) ?? '').matchAll(/`([\w./-]+\.ts)`/g)].map(([, f = '']) => f) };
  });
}

function textOf(file: string): string {
  const path = [file, `packages/ssl/src/${file}`].find((candidate) => existsSync(root + candidate));
  return path === undefined ? '' : readFileSync(root + path, 'utf8');
}

/** `RFC 8446 §4.1.3, §4.1.4, RFC 5246` as its documents, each with its sections. */
function citationsIn(cell: string): { readonly document: string; readonly section: string | undefined }[] {
  let document = '';
  return [
    ...cell.matchAll(/(RFC \d+|SP [\dA-Z-]+|FIPS \d+|draft-[\w-]+)|(?:part 1 )?((?:§|appendix )\w[\w.]*)/g),
  ].flatMap(([, name, section]) => {
    if (name !== undefined) document = name;
    return { document, section: name === undefined ? section : undefined };
  });
}

/** Whether a text cites a document, and the section itself if there is one: `§4.2` is not `§4.2.1`. */
function cites(text: string, document: string, section: string | undefined): boolean {
  if (!text.includes(document)) return false;
  return section === undefined || new RegExp(`${section.replaceAll('.', '\\.')}(?!\\w|\\.\\d)`).test(text);
}

/** Sections that no file of their row cites, and files that cite nothing of their row. */
function falseSections(rows: readonly Row[], read: (file: string) => string): string[] {
  return rows.flatMap(({ cells: [cell = ''], files }) => {
    const wanted = citationsIn(cell);
    const texts = files.map(read);
    return [
      ...wanted
        .filter(({ document, section }) => !texts.some((text) => cites(text, document, section)))
        .map(({ document, section = '' }) => `${document} ${section}: ${files.join(' ')}`),
      ...files
        .filter((file) => !wanted.some(({ document }) => read(file).includes(document)))
        .map((file) => `${cell}: ${file}`),
    ];
  });
}

/** Whether a file has what bears a name, or says in code marks that it is about it. */
function holds(text: string, name: string): boolean {
  return [
    `^export (?:async |abstract )*(?:function|const|class|interface|type) ${name}\\b`,
    `^ +(?:async |static |get )*${name}(?:<.*>)?\\(`,
    `case '${name}'`,
    `\`(?:\\w+:)?${name}(?:/[\\d,]+)?(?:\\(.*\\))?\``,
  ].some((form) => new RegExp(form, 'm').test(text));
}

/** Names between code marks: `ssl:peercert/1` is `peercert`. */
function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`(?:\w+:)?(\w+)(?:\/[\d,]+)?`/g)].map(([, name = '']) => name);
}

/** Files of a row that hold none of its names. Rows without a name say in words what their files are. */
function falseNames(rows: readonly Row[], read: (file: string) => string): string[] {
  return rows.flatMap(({ cells, files }) => {
    // Of the module `erlang` the row tells in words which functions are meant.
    const names = cells
      .slice(0, -1)
      .flatMap(namesIn)
      .filter((name) => name !== 'erlang');
    if (names.length === 0) return [];
    const wrong = files.filter((file) => !names.some((name) => holds(read(file), name)));
    return wrong.map((file) => `${names.join(', ')}: ${file}`);
  });
}

describe('docs/map.md', () => {
  it('names only files that exist', () => {
    expect(paths.length).toBeGreaterThan(80);
    const absent = paths.filter((path) =>
      [path, `packages/ssl/src/${path}`].every((candidate) => !existsSync(root + candidate)),
    );
    expect(absent).toEqual([]);
  });

  it('names no file for a section that the file does not cite', () => {
    const rows = rowsBelow('RFCs → files');
    expect(rows.length).toBeGreaterThan(50);
    expect(falseSections(rows, textOf)).toEqual([]);
  });

  it.each(['`ssl` → files', "OTP's other modules → files"])(
    'names no file for a function that the file does not hold: %s',
    (heading) => {
      const rows = rowsBelow(heading);
      expect(rows.length).toBeGreaterThan(15);
      expect(falseNames(rows, textOf)).toEqual([]);
    },
  );

  it('would notice a row that leads astray', () => {
    const row = (...cells: readonly string[]): readonly Row[] => [
      { cells, files: [...(cells.at(-1) ?? '').split(' ')] },
    ];
    const information = 'processes/connection/connection-information.ts';
    expect(falseNames(row('`ssl:peercert/1`', '`peercert`', information), textOf)).toHaveLength(1);
    expect(
      falseNames(row('`ssl:negotiated_protocol/1`', '`negotiatedProtocol`', information), textOf),
    ).toHaveLength(1);
    expect(
      falseSections(row('RFC 8446 §4.2.8', 'key_share', 'protocol/extensions/alpn.ts'), textOf),
    ).toHaveLength(3);
    expect(cites('RFC 8446 §4.2.11', 'RFC 8446', '§4.2.1')).toBe(false);
    expect(cites('RFC 8446 §4.2.1.', 'RFC 8446', '§4.2.1')).toBe(true);
  });

  it.each(['protocol', 'processes'])('leaves out no file of %s', (folder) => {
    const files = readdirSync(`${root}packages/ssl/src/${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => `${folder}/${file}`);
    expect(files.length).toBeGreaterThan(10);
    expect(files.filter((file) => !paths.includes(file))).toEqual([]);
  });

  it('lists every export of ssl.ts, and nothing that it does not export', () => {
    const exported = Object.keys(ssl);
    expect(exported.filter((name) => !quoted.includes(name))).toEqual([]);
    const [, table = ''] = map.split('## `ssl` → files');
    const listed = [...(table.split('\n## ')[0] ?? '').matchAll(/^\| [^|]+ \| ((?:`\w+` ?)+) \|/gm)]
      .flatMap(([, names = '']) => names.split(' '))
      .map((name) => name.replaceAll('`', ''))
      .filter((name) => name !== '');
    expect(listed.filter((name) => !exported.includes(name))).toEqual([]);
  });
});
