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
    side: row.side === 'both' || row.elsewhere === 'ignored' ? row.side : `${row.side} only`,
    versions: row.needsVersions.join(', ') || 'all',
    note: row.note,
  })),
)}

## Options of the socket, kept by ssl

\`setopts\` and \`getopts\` change and read them on a connection or listener.

${table(Object.entries(emulatedRows).map(([name, { otp, note }]) => ({ name, otp, side: 'both', versions: 'all', note })))}

## Options of the transport

${table(Object.entries(transportRows).map(([name, { otp, side, note }]) => ({ name, otp, side, versions: 'all', note })))}
`;

it('docs/options.md says what the rows say', () => {
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, document());
  expect(existsSync(path) ? readFileSync(path, 'utf8') : '').toBe(document());
});
