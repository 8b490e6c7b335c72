import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');

it("the README's echo is the one that is compiled", () => {
  const shown = /```ts\n(export async function echo[\s\S]*?)```/.exec(readme)?.[1];
  const compiled = readFileSync(`${root}examples/src/handover.ts`, 'utf8');
  expect(compiled.slice(compiled.indexOf('export async function echo'))).toBe(shown);
});

it('the README links to files that exist', () => {
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
  const files = links.filter((target) => !target.startsWith('http'));
  expect(files.filter((file) => !existsSync(root + file))).toEqual([]);
  expect(files.length).toBeGreaterThan(0);
});
