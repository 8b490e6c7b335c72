import { expect, test } from 'vitest';
import { checkStartSpecs } from './child-spec.js';
import { createNode } from './node.js';
import { Children } from './supervisor-children.js';

test.each([2, 8, 9, 40])('among %i children a death finds its own, and only while it runs', (count) => {
  const node = createNode({ name: 'children' });
  const specs = checkStartSpecs(
    Array.from({ length: count }, (_, id) => ({ id, start: () => 'ignore' as const })),
    'never',
  );
  if ('error' in specs) throw new Error('no specifications');
  const children = new Children();
  for (const spec of specs.ok) children.add(spec);
  const pids = specs.ok.map(({ id }) => {
    const { pid } = node.shell();
    children.started(id, pid);
    return pid;
  });
  expect(pids.map((pid) => children.runningAs(pid)?.spec.id)).toEqual(specs.ok.map(({ id }) => id));
  const again = node.shell().pid;
  children.started(0, again);
  children.stopped(1);
  expect(children.runningAs(again)?.spec.id).toBe(0);
  expect(pids.slice(0, 2).map((pid) => children.runningAs(pid))).toEqual([undefined, undefined]);
  node.stop();
});
