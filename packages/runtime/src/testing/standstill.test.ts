import { describe, expect, test } from 'vitest';
import { type Self, startGenServer } from '../index.js';
import { createTestNode } from './index.js';

const stands = /simulated time stands still: give the promise to run\(\), or move the clock by advance\(\)/;

describe('a wait of a test for which nobody moves the clock', () => {
  test('as a receive rejects and says so, and the shell goes on', async () => {
    const test = createTestNode();
    const shell = test.node.shell();
    const waiting = shell.receive({ after: 60_000 });
    await expect(waiting).rejects.toThrow(stands);
    await expect(waiting).rejects.toThrow('a receive of <0.1.0> shell');
    shell.send(shell.pid, 'hello');
    expect(await shell.receive()).toBe('hello');
    await test.stop();
  });

  test('as a call names whom it asked for what', async () => {
    const test = createTestNode();
    const slow = async (self: Self): Promise<void> => {
      await self.receive(() => false);
    };
    const pid = test.node.spawn(slow);
    await expect(test.node.call(pid, { type: 'lookup' })).rejects.toThrow(
      /a call of <0\.1\.0>: lookup waits/,
    );
    await expect(test.node.callOr(pid, 'again', 5000, () => 'failed')).rejects.toThrow(stands);
    await test.stop();
  });

  test('as a start rejects too', async () => {
    const test = createTestNode();
    const init = (self: Self): Promise<{ ok: undefined }> =>
      new Promise((resolve) => {
        self.spawn(async (other: Self) => {
          await other.receive({ after: 60_000 });
          resolve({ ok: undefined });
        });
      });
    expect(await startGenServer(test.node.shell(), { init }, undefined)).toMatchObject({
      error: { message: expect.stringMatching(stands) },
    });
    await test.stop();
  });

  test('is nothing of the kind while somebody drives, nor when a process waits', async () => {
    const test = createTestNode();
    const shell = test.node.shell();
    test.node.spawn(async (self: Self) => self.receive());
    const waiting = shell.receive({ after: 60_000 });
    // Longer in real time than a standstill takes, moved by small steps.
    const until = performance.now() + 2600;
    while (performance.now() < until) {
      await test.advance(1);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(test.clock.waiting()).toEqual(['a receive of <0.1.0> shell']);
    expect(await test.run(Promise.resolve(waiting))).toBe('timeout');
    expect(test.clock.waiting()).toEqual([]);
    await test.stop();
  });
});

test('run says what still waits when nothing can settle its promise', async () => {
  const test = createTestNode();
  const shell = test.node.shell();
  await expect(test.run(Promise.resolve(shell.receive('never')))).rejects.toThrow(
    'nothing settles this promise: no process is runnable and no timer is set; still waiting: a receive of <0.1.0> shell',
  );
  await test.stop();
});

test('the trace is switched on and off, and names who did what to whom', async () => {
  const test = createTestNode({ trace: 'off' });
  const shell = test.node.shell({ name: 'tester' });
  const started = await startGenServer(
    shell,
    {
      init: () => ({ ok: 0 }),
      handleCast: () => undefined,
      handleCall: (_request, _from, n) => ({ reply: n, state: n }),
      label: 'counter',
    },
    undefined,
  );
  if (started === 'ignore' || 'error' in started) throw new Error('not started');
  expect(test.trace).toEqual([]);
  test.record('messages');
  await shell.call(started.ok, { type: 'read' });
  shell.cast(started.ok, 'reset');
  shell.send(started.ok, ['set', 5]);
  shell.sendAfter(5, started.ok, { type: 'tick' });
  test.node.ioTurn(started.ok, function chunkArrived() {}, undefined, undefined);
  await test.advance(10);
  test.record('off');
  shell.send(started.ok, 'unseen');
  await test.settle();
  const told = test.trace.map(({ at, event }) => `${at} ${event}`).filter((line) => !line.includes(' run '));
  expect(told).toEqual([
    '0 <0.1.0> tester calls <0.2.0> counter: read',
    '0 <0.1.0> tester casts <0.2.0> counter: reset',
    '0 <0.1.0> tester sends <0.2.0> counter [set, …]',
    '0 outside has <0.2.0> counter do an I/O turn: chunkArrived',
    '5 <0.1.0> tester sends <0.2.0> counter tick',
  ]);
  await test.stop();
});
