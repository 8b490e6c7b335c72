import { expect, test } from 'vitest';
import { listed, Owned, type OwnedResource, without } from './owned-resource.js';

function owning(names: readonly string[]): OwnedResource | undefined {
  return names.reduce<OwnedResource | undefined>(
    (earlier, name) => new Owned(name, () => {}, earlier),
    undefined,
  );
}

test.each([
  ['a', ['c', 'b']],
  ['b', ['c', 'a']],
  ['c', ['b', 'a']],
  ['d', ['c', 'b', 'a']],
])('without %s the others stay, the latest first', (name, left) => {
  expect(listed(without(owning(['a', 'b', 'c']), name)).map(({ resource }) => resource)).toEqual(left);
});

test('nothing is without anything', () => {
  expect(listed(without(undefined, undefined))).toEqual([]);
});
