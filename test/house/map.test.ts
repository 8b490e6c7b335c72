import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as ssl from '@actor-tls/ssl';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const map = readFileSync(`${root}docs/map.md`, 'utf8');
/** Everything between back quotes. */
const quoted = [...map.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);

describe('docs/map.md', () => {
  it('names only files that exist', () => {
    const paths = quoted.filter((text) => /^[\w./-]+\.(?:ts|md)$/.test(text));
    expect(paths.length).toBeGreaterThan(80);
    const absent = paths.filter((path) =>
      [path, `packages/ssl/src/${path}`].every((candidate) => !existsSync(root + candidate)),
    );
    expect(absent).toEqual([]);
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
