import { expect, it } from 'vitest';
import { startGenServer } from './gen-server.js';
import type { GenServer, Self } from './index.js';
import { observe } from './observer.js';
import { createTestNode, type TestNode } from './testing/index.js';

const sleeper = async (self: Self): Promise<void> => {
  await self.receive(() => false);
};

async function memoryWith(...messages: readonly unknown[]): Promise<number> {
  const test = createTestNode();
  const pid = test.node.spawn(sleeper);
  await test.settle();
  const before = memory(test, pid);
  for (const message of messages) test.node.send(pid, message);
  await test.settle();
  return memory(test, pid) - before;
}

function memory({ node }: TestNode, pid: Parameters<TestNode['node']['processInfo']>[0]): number {
  return node.processInfo(pid)?.memory ?? 0;
}

it('the memory of a process counts what its waiting messages carry', async () => {
  const text = 'x'.repeat(50_000);
  for (const message of [
    new Uint8Array(50_000),
    { type: 'ssl', data: Buffer.alloc(50_000) },
    { type: 'deep', list: [{ text }] },
    text,
  ]) {
    expect(await memoryWith(message)).toBeGreaterThanOrEqual(50_000);
    expect(await memoryWith(message)).toBeLessThan(51_000);
  }
  expect(await memoryWith(...Array.from({ length: 1000 }, () => new Uint8Array(1000)))).toBeGreaterThan(
    1_000_000,
  );
});

it('weighing a message runs none of its getters, follows no pid, and ends in a ring', async () => {
  const test = createTestNode();
  const ring: { type: string; self?: object } = { type: 'ring' };
  ring.self = ring;
  const trap = {
    get data(): never {
      throw new Error('somebody looked');
    },
  };
  expect(await memoryWith(ring, trap, { from: test.node.spawn(sleeper) })).toBeLessThan(1000);
  const wide = Array.from({ length: 100_000 }, () => 'a');
  expect(await memoryWith(wide)).toBeLessThan(1000);
});

it('long lists are not looked through', async () => {
  const test = createTestNode();
  const pid = test.node.spawn(sleeper);
  let asked = 0;
  const list = new Proxy(new Array<number>(10_000).fill(1), {
    ownKeys: (target) => {
      asked += 1;
      return Reflect.ownKeys(target);
    },
  });
  test.node.send(pid, { type: 'bytes', list });
  await test.settle();
  expect(memory(test, pid)).toBeLessThan(1000);
  expect(asked).toBe(0);
});

it('a state that cannot say what it holds, or means something else, counts nothing', async () => {
  const test = createTestNode();
  const states = [
    {
      memoryUse(): never {
        throw new Error('not now');
      },
    },
    { memoryUse: () => 'much' },
    { memoryUse: () => Number.NaN },
    { memoryUse: () => -1 },
  ];
  for (const state of states) {
    const started = await startGenServer(test.node, { init: () => ({ ok: state }) }, undefined);
    if (started === 'ignore' || 'error' in started) throw new Error('not started');
    expect(memory(test, started.ok)).toBeGreaterThan(0);
  }
  expect(observe(test.node).memory).toBeLessThan(10_000);
});

it('a state says what it holds, and calls and casts count by what they ask', async () => {
  const test = createTestNode();
  const server: GenServer<object> = {
    init: () => ({ ok: { memoryUse: () => 12_345 } }),
    handleCall: () => new Promise(() => {}),
  };
  const started = await startGenServer(test.node, server, undefined);
  if (started === 'ignore' || 'error' in started) throw new Error('not started');
  const bare = memory(test, started.ok);
  expect(bare).toBeGreaterThan(12_345);
  test.node.call(started.ok, 'busy', Infinity).catch(() => {});
  await test.settle();
  test.node.call(started.ok, { data: new Uint8Array(7000) }, Infinity).catch(() => {});
  test.node.cast(started.ok, { data: new Uint8Array(7000) });
  await test.settle();
  const grown = memory(test, started.ok) - bare;
  expect(grown).toBeGreaterThan(14_000);
  expect(grown).toBeLessThan(15_000);
});
