/** Ends of processes on a node whose surroundings fail: a scheduler of the user's that throws when it is asked for a turn. */
import { expect, test } from 'vitest';
import { createNode, type Self, silentLogger } from './index.js';

test('a scheduler that throws over an end keeps nobody else from ending', async () => {
  let broken = false;
  const node = createNode({
    logger: silentLogger,
    scheduler: {
      defer(fn) {
        queueMicrotask(fn);
        if (broken) throw new Error('no turns today');
      },
      yieldToIo: (fn) => void setImmediate(fn),
      now: () => performance.now(),
    },
  });
  const shell = node.shell();
  // What a process owns is closed from the scheduler.
  const owner = node.spawn(async (self: Self) => {
    self.own(self, () => {});
    await self.receive();
  });
  const linked = node.spawn(async (self: Self) => {
    self.link(owner);
    await self.receive();
  });
  const other = node.spawn(async (self: Self) => {
    await self.receive();
  });
  await new Promise((go) => setImmediate(go));
  const ref = shell.monitor(other);

  broken = true;
  expect(() => node.exit(owner, 'kill')).toThrow('no turns today');
  broken = false;
  node.exit(other, 'kill');

  expect(await shell.receive()).toMatchObject({ type: 'DOWN', ref, reason: 'killed' });
  expect([owner, linked, other].map((pid) => node.isAlive(pid))).toEqual([false, false, false]);
  expect(node.processes()).toEqual([shell.pid]);
  node.stop();
});
