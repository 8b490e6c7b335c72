import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root } from './markdown.js';

const walks = readFileSync(`${root}docs/walks.md`, 'utf8');
const sources = `${root}packages/ssl/src/`;

/** A file between code marks, and the names that follow it before the next file or word of prose. */
const stops = [...walks.matchAll(/`([\w/-]+\.ts)`\s+((?:`\w+`,?\s*)+)/g)].map(
  ([, file = '', names = '']) => ({
    file,
    names: [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  }),
);

describe('docs/walks.md', () => {
  it('has its stops read', () => {
    expect(stops.length).toBeGreaterThan(25);
  });

  it.each(stops)('$file has $names', ({ file, names }) => {
    expect(existsSync(sources + file)).toBe(true);
    const text = readFileSync(sources + file, 'utf8');
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
  });
});
