import { existsSync, readdirSync, readFileSync } from 'node:fs';
import * as ssl from '@actor-tls/ssl';
import { describe, expect, it } from 'vitest';
import { root } from './markdown.js';

const map = readFileSync(`${root}docs/map.md`, 'utf8');
/** Everything between back quotes. */
const quoted = [...map.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
const paths = quoted.filter((text) => /^[\w./-]+\.(?:ts|md)$/.test(text));

describe('docs/map.md', () => {
  it('names only files that exist', () => {
    expect(paths.length).toBeGreaterThan(80);
    const absent = paths.filter((path) =>
      [path, `packages/ssl/src/${path}`].every((candidate) => !existsSync(root + candidate)),
    );
    expect(absent).toEqual([]);
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
