import { afterEach, beforeEach, expect, test } from 'vitest';
import { startGenServer } from './gen-server.js';
import { silentLogger } from './logger.js';
import { createNode } from './node.js';
import type { Pid } from './pid.js';
import type { Node, Self } from './self.js';

/** On the real event loop: none of these tests would ever end if a body could keep I/O waiting. */
let node: Node;

beforeEach(() => {
  node = createNode({ logger: silentLogger });
});

afterEach(() => node.stop());

function nextTurnOfIo(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 1);
  });
}

test('an async body that always finds a message lets I/O run', async () => {
  let rounds = 0;
  node.spawn(async (self: Self) => {
    for (;;) {
      self.send(self.pid, { type: 'again' });
      await self.receive();
      rounds += 1;
    }
  });
  await nextTurnOfIo();
  await nextTurnOfIo();
  expect(rounds).toBeGreaterThan(0);
});

test('a body that polls with after 0 lets I/O run', async () => {
  let polls = 0;
  node.spawn(async (self: Self) => {
    for (;;) {
      await self.receive('never', { after: 0 });
      polls += 1;
    }
  });
  await nextTurnOfIo();
  await nextTurnOfIo();
  expect(polls).toBeGreaterThan(0);
});

interface Ball {
  readonly type: 'ball';
  readonly to: Pid<Ball>;
}

test('two bodies that answer each other for ever let I/O run', async () => {
  const body = async (self: Self<Ball>): Promise<void> => {
    for (;;) {
      const { to } = await self.receive();
      self.send(to, { type: 'ball', to: self.pid });
    }
  };
  const a = node.spawn(body);
  const b = node.spawn(body);
  node.send(a, { type: 'ball', to: b });
  await nextTurnOfIo();
  await nextTurnOfIo();
  expect(node.processInfo(a)?.reductions).toBeGreaterThan(1);
});

test('callers and servers that keep each other busy let I/O run', async () => {
  const started = await startGenServer(
    node,
    { init: () => ({ ok: 0 }), handleCall: (_request, _from, state) => ({ reply: state, state: state + 1 }) },
    undefined,
  );
  if (started === 'ignore' || 'error' in started) throw new Error('not started');
  const server = started.ok;
  let last = 0;
  node.spawn(async (self: Self) => {
    for (;;) last = await self.call<number>(server, 'next');
  });
  await nextTurnOfIo();
  await nextTurnOfIo();
  expect(last).toBeGreaterThan(0);
});
