/** `docs/options.md` is made of the rows: name, side, versions, values, default, unit, source. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { OptionNote } from '../../packages/ssl/src/options/row.js';
import { optionRows } from '../../packages/ssl/src/options/rows.js';
import { emulatedRows, transportRows } from '../../packages/ssl/src/options/socket-options.js';

const path = fileURLToPath(new URL('../../docs/options.md', import.meta.url));

interface Line {
  readonly name: string;
  readonly otp: string | undefined;
  readonly side: string;
  readonly versions: string;
  readonly note: OptionNote;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

function table(lines: readonly Line[]): string {
  const rows = lines.map(({ name, otp, side, versions, note }) =>
    [
      `\`${name}\``,
      otp === undefined ? 'ours' : `\`${otp}\``,
      side,
      versions,
      note.values,
      note.default,
      note.unit ?? '',
      note.source,
    ]
      .map(cell)
      .join(' | '),
  );
  return [
    '| option | OTP | side | versions | values | default | unit | source |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

/** A row's side, and whether the other one refuses it. */
function sideOf({ side, elsewhere }: { readonly side: string; readonly elsewhere?: string }): string {
  return side !== 'both' && elsewhere === 'refused' ? `${side} only` : side;
}

function settable(when: 'always' | 'atStart'): readonly string[] {
  const rows = Object.entries(transportRows).filter(([, row]) => row.settable === when);
  return rows.map(([name]) => `\`${name}\``);
}

const document = (): string => `# Options

Made of the rows in \`packages/ssl/src/options\`; \`test/options/options-document.test.ts\` compares, and writes this file
when \`UPDATE_DOCS=1\` is set. One object holds all options; a key is OTP's name in camelCase. An option that is \`undefined\`
is absent. Of several wrong options the first is told, in OTP's order and with OTP's term: \`{ options: { depth: -1 } }\`.
A key that stands in no table is refused: \`{ options: { socket_options: { certfiles: 'x' } } }\`.

Side: an option of the other side is looked at and has no effect; "only" is refused there.

## Options of ssl

${table(
  optionRows.map((row) => ({
    name: row.name,
    otp: row.otp,
    side: sideOf(row),
    versions: row.needsVersions.join(', ') || 'all',
    note: row.note,
  })),
)}

## Options of the socket, kept by ssl

\`setopts\` and \`getopts\` change and read them on a connection or listener.

${table(Object.entries(emulatedRows).map(([name, row]) => ({ ...row, name, versions: 'all' })))}

## Options of the transport

${settable('always').join(' and ')}: also \`setopts\` and \`getopts\` of a connection, if its transport has them. The others are
set when the socket is opened.

${table(
  Object.entries(transportRows).map(([name, row]) => ({ ...row, name, side: sideOf(row), versions: 'all' })),
)}
`;

it('docs/options.md says what the rows say', () => {
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, document());
  expect(existsSync(path) ? readFileSync(path, 'utf8') : '').toBe(document());
});
