import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { documents, linksOf, root } from './markdown.js';

const read = (document: string): string => readFileSync(root + document, 'utf8');

it.each(documents())('the links of %s lead somewhere', (document) => {
  const { targets } = linksOf(read(document));
  const broken = targets.filter((target) => {
    if (/^https?:/.test(target)) return false;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? document : join(dirname(document), path);
    if (!existsSync(root + file)) return true;
    return anchor !== undefined && !linksOf(read(file)).anchors.includes(anchor);
  });
  expect(broken).toEqual([]);
});

it('links and anchors are found, but not in code', () => {
  const { targets, anchors } = linksOf('# A, b: c\n[x](y.md#z)\n```ts\n[no](nowhere)\n```\n');
  expect(targets).toEqual(['y.md#z']);
  expect(anchors).toEqual(['a-b-c']);
});
