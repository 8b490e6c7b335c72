import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import {
  createNode,
  hostLogic,
  type ObservedProcess,
  observe,
  observeInTurns,
  renderTree,
  type Self,
  silentLogger,
  startSupervisor,
} from './index.js';
import { createTestNode, type TestNode } from './testing/index.js';

const machine = setup({}).createMachine({
  id: 'door',
  initial: 'closed',
  states: { closed: { on: { open: 'opened' } }, opened: {} },
});

const idle = async (self: Self): Promise<void> => {
  await self.receive(() => false);
};

async function house(): Promise<TestNode> {
  const test = createTestNode();
  await startSupervisor(
    test.node,
    {
      strategy: 'rest_for_one',
      children: [
        { id: 'door', start: (self) => ({ ok: self.spawnLink(hostLogic(machine)) }) },
        { id: 'bell', start: () => 'ignore' },
        { id: 'cat', start: (self) => ({ ok: self.spawnLink(idle, { name: 'felix' }) }) },
      ],
    },
    { name: 'house' },
  );
  await test.settle();
  return test;
}

function find(processes: readonly ObservedProcess[], name: string): ObservedProcess | undefined {
  for (const process of processes) {
    const below = process.children.filter((child): child is ObservedProcess => 'pid' in child);
    const found = process.name === name ? process : find(below, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

describe('the observer', () => {
  it('shows supervisors with their children in start order, those that do not run too', async () => {
    const { node } = await house();
    const snapshot = observe(node);
    expect(snapshot).toMatchObject({ processCount: 3, timers: 0 });
    expect(find(snapshot.tree, 'house')).toMatchObject({
      strategy: 'rest_for_one',
      trapExit: true,
      children: [
        { childId: 'door', kind: 'door', state: 'closed', status: 'waiting' },
        { childId: 'bell', status: 'stopped' },
        { childId: 'cat', name: 'felix' },
      ],
    });
  });

  it('shows mailbox, links, monitors and parents, as plain data', async () => {
    const test = await house();
    const shell = test.node.shell({ name: 'me' });
    shell.monitor('felix');
    shell.send('felix', { type: 'mouse' });
    await test.settle();
    const snapshot = observe(test.node);
    const felix = find(snapshot.tree, 'felix');
    expect(felix).toMatchObject({
      messageQueueLength: 1,
      parent: '<0.1.0>',
      links: ['<0.1.0>'],
      monitoredBy: [shell.pid.id],
    });
    expect(find(snapshot.tree, 'me')?.monitors).toEqual(['felix']);
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
    expect(snapshot.memory).toBeGreaterThanOrEqual(felix?.memory ?? Infinity);
  });

  it('a process whose parent is gone stands at the top', async () => {
    const test = createTestNode();
    test.node.spawn((self: Self) => {
      self.spawn(idle, { name: 'orphan' });
    });
    await test.settle();
    expect(observe(test.node).tree).toMatchObject([{ name: 'orphan' }]);
    expect(observe(test.node).tree[0]).not.toHaveProperty('parent');
  });

  it('in turns shows the same, and lets others run in between', async () => {
    const test = await house();
    for (let n = 0; n < 1000; n += 1) test.node.spawn(idle);
    await test.settle();
    expect(await observeInTurns(test.node)).toEqual(observe(test.node));
    const node = createNode({ logger: silentLogger });
    for (let n = 0; n < 2000; n += 1) node.spawn(idle);
    let between = 0;
    let over = false;
    const count = (): void => {
      between += 1;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    const snapshot = await observeInTurns(node);
    over = true;
    expect(snapshot.processCount).toBe(2000);
    expect(between).toBeGreaterThan(30);
    node.stop();
  });

  it('in turns leaves out who ended before its turn, and tells of nobody twice', async () => {
    const node = createNode({ logger: silentLogger });
    const pids = Array.from({ length: 500 }, () => node.spawn(idle));
    const looking = observeInTurns(node);
    for (const pid of pids.slice(400)) node.exit(pid, 'kill');
    for (let n = 0; n < 100; n += 1) node.spawn(idle);
    const { processCount, tree } = await looking;
    expect(processCount).toBe(400);
    expect(new Set(tree.map(({ pid }) => pid)).size).toBe(400);
    node.stop();
  });

  it('draws the tree as text', async () => {
    const { node } = await house();
    const [, ...lines] = renderTree(observe(node)).split('\n');
    expect(lines).toEqual([
      '└─ house <0.1.0>, rest_for_one',
      '   ├─ door <0.2.0>, in closed',
      '   ├─ bell (stopped)',
      '   └─ cat <0.3.0>, as felix, idle',
    ]);
  });
});
