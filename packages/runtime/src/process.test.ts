import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Crash, Exit, RuntimeError } from './exit.js';
import { type GenServer, startGenServer } from './gen-server.js';
import type { Logger } from './logger.js';
import { silentLogger } from './logger.js';
import type { Pid } from './pid.js';
import type { Self } from './self.js';
import type { TestNode } from './testing/index.js';
import { createTestNode } from './testing/index.js';

let kit: TestNode;
let shell: Self;

beforeEach(() => {
  kit = createTestNode();
  shell = kit.node.shell();
});

afterEach(() => kit.stop());

/** A process that does nothing until it is killed. */
const idle = async (self: Self): Promise<void> => {
  for (;;) await self.receive();
};

describe('messages', () => {
  test('send only enqueues: the receiver runs after the sender has gone on', async () => {
    const log: string[] = [];
    const pid = shell.spawn(async (self) => {
      await self.receive();
      log.push('received');
    });
    await kit.settle();
    shell.send(pid, { type: 'go' });
    log.push('sent');
    await kit.settle();
    expect(log).toEqual(['sent', 'received']);
  });

  test('messages of one sender arrive in order, and a selective receive leaves the others in place', async () => {
    for (const n of [1, 2, 3]) shell.send(shell.pid, { type: 'n', n });
    shell.send(shell.pid, { type: 'other' });
    shell.send(shell.pid, { type: 'n', n: 4 });
    expect(await shell.receive('other')).toEqual({ type: 'other' });
    expect(await shell.receive({ type: 'n', n: 3 })).toEqual({ type: 'n', n: 3 });
    expect(shell.flush()).toEqual([
      { type: 'n', n: 1 },
      { type: 'n', n: 2 },
      { type: 'n', n: 4 },
    ]);
  });

  test('a waiting receive does not look twice at what it has refused', async () => {
    const seen: number[] = [];
    const numbers = shell.spawn(async (self) => {
      await self.receive((message): message is number => {
        if (typeof message === 'number') seen.push(message);
        return message === 3;
      });
    });
    for (const n of [1, 2, 3]) {
      shell.send(numbers, n);
      await kit.settle();
    }
    expect(seen).toEqual([1, 2, 3]);
  });

  test('receive with after 0 takes only what is there', async () => {
    expect(await shell.receive({ after: 0 })).toBe('timeout');
    shell.send(shell.pid, { type: 'x' });
    expect(await shell.receive({ after: 0 })).toEqual({ type: 'x' });
  });

  test('receive gives up after its time, and its timer goes with it', async () => {
    const waiting = shell.receive('never', { after: 100 });
    await kit.advance(99);
    expect(kit.node.timers.count).toBe(1);
    await kit.advance(1);
    expect(await waiting).toBe('timeout');
    const answered = shell.receive('soon', { after: 100 });
    shell.send(shell.pid, { type: 'soon' });
    expect(await answered).toEqual({ type: 'soon' });
    expect(kit.node.timers.count).toBe(0);
  });

  test('a predicate that throws fails the receive, not the sender', async () => {
    const { pid } = shell.spawnMonitor(async (self) => {
      await self.receive(() => {
        throw new Error('bad pattern');
      });
    });
    await kit.settle();
    shell.send(pid, { type: 'x' });
    const down = await shell.receive('DOWN');
    expect(down['reason']).toBeInstanceOf(Crash);
  });

  test('sending to a dead process is silent, to a name that nobody bears it is badarg', async () => {
    const pid = shell.spawn(() => undefined);
    await kit.settle();
    expect(() => shell.send(pid, { type: 'x' })).not.toThrow();
    expect(() => shell.send('nobody', { type: 'x' })).toThrow(RuntimeError);
  });
});

describe('exits', () => {
  test('a body that returns exits with normal, one that throws with the error and its stack', async () => {
    const error = new Error('oops');
    const a = shell.spawnMonitor(async () => 'done');
    const b = shell.spawnMonitor(async () => {
      throw error;
    });
    const c = shell.spawnMonitor((self) => self.exit({ custom: 1 }));
    expect((await shell.receive({ type: 'DOWN', ref: a.ref }))['reason']).toBe('normal');
    const { reason } = await shell.receive({ type: 'DOWN', ref: b.ref });
    expect(reason).toMatchObject({ error });
    expect(reason instanceof Crash && reason.stack).toContain('process.test');
    expect((await shell.receive({ type: 'DOWN', ref: c.ref }))['reason']).toEqual({ custom: 1 });
  });

  test('links stand before the first step of the child', async () => {
    shell.trapExit(true);
    const pid = shell.spawnLink((self) => self.exit('at once'));
    expect(await shell.receive()).toEqual({ type: 'EXIT', from: pid, reason: 'at once' });
  });

  test('kill cannot be trapped, its links see killed, which can be', async () => {
    shell.trapExit(true);
    const pid = shell.spawnLink(
      async (self) => {
        for (;;) await self.receive();
      },
      { trapExit: true },
    );
    await kit.settle();
    shell.exitSignal(pid, 'kill');
    expect(await shell.receive()).toEqual({ type: 'EXIT', from: pid, reason: 'killed' });
  });

  test('normal from another process is ignored, from oneself it ends', async () => {
    const other = shell.spawn(idle);
    await kit.settle();
    shell.exitSignal(other, 'normal');
    expect(kit.node.isAlive(other)).toBe(true);
    const self = shell.spawnMonitor((me) => me.exitSignal(me.pid, 'normal'));
    expect((await shell.receive({ type: 'DOWN', ref: self.ref }))['reason']).toBe('normal');
  });

  test('a chain of 100,000 links dies without overflowing the stack', async () => {
    const { node } = kit;
    const before = node.processCount;
    const first = node.spawn(async (self: Self) => {
      let left = 100_000;
      const next = async (me: Self): Promise<void> => {
        left -= 1;
        if (left > 0) me.spawnLink(next);
        await me.receive();
      };
      await next(self);
    });
    await kit.settle();
    expect(node.processCount).toBe(before + 100_000);
    node.exit(first, 'chain');
    expect(node.processCount).toBe(before);
  });

  test('a killed body is not resumed, and what it still does is refused', async () => {
    const log: string[] = [];
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const pid = shell.spawn(async (self) => {
      try {
        await gate;
        log.push('resumed by a foreign promise');
        self.send(shell.pid, { type: 'from the dead' });
        log.push('sent');
      } catch (error) {
        log.push(error instanceof Error ? error.name : '');
        throw error;
      }
    });
    const waiting = shell.spawn(async (self) => {
      try {
        await self.receive();
      } finally {
        log.push('never');
      }
    });
    await kit.settle();
    shell.exitSignal(pid, 'kill');
    shell.exitSignal(waiting, 'kill');
    release();
    await kit.settle();
    expect(log).toEqual(['resumed by a foreign promise', 'Exited']);
    expect(shell.flush()).toEqual([]);
  });

  test('a process that kills itself stops at once', async () => {
    const log: string[] = [];
    const { ref } = shell.spawnMonitor((self) => {
      self.exitSignal(self.pid, 'kill');
      log.push('after');
    });
    expect((await shell.receive({ type: 'DOWN', ref }))['reason']).toBe('killed');
    expect(log).toEqual([]);
  });

  test('a shell that waits learns of its end', async () => {
    const waiting = Promise.resolve(shell.receive());
    kit.node.exit(shell.pid, 'bye');
    await expect(waiting).rejects.toMatchObject({ name: 'Exited', reason: 'bye' });
    expect(() => shell.send(shell.pid, 1)).toThrow(Exit);
  });
});

describe('monitors', () => {
  test('a monitor fires once, with noproc for a dead process, and not after demonitor', async () => {
    const pid = shell.spawn(idle);
    const kept = shell.monitor(pid);
    const dropped = shell.monitor(pid);
    expect(shell.demonitor(dropped, { info: true })).toBe(true);
    expect(shell.demonitor(dropped, { info: true })).toBe(false);
    kit.node.exit(pid, 'x');
    expect(shell.flush()).toEqual([{ type: 'DOWN', ref: kept, pid, name: undefined, reason: 'x' }]);
    const late = shell.monitor(pid);
    expect(shell.flush()).toEqual([{ type: 'DOWN', ref: late, pid, name: undefined, reason: 'noproc' }]);
  });

  test('demonitor with flush takes a DOWN away that had arrived', async () => {
    const pid = shell.spawn(idle);
    const ref = shell.monitor(pid);
    kit.node.exit(pid, 'x');
    shell.send(shell.pid, { type: 'stays' });
    expect(shell.demonitor(ref, { flush: true, info: true })).toBe(false);
    expect(shell.flush()).toEqual([{ type: 'stays' }]);
  });

  test('a monitor by name reports the name', async () => {
    const pid = shell.spawn(idle, { name: 'bob' });
    const ref = shell.monitor('bob');
    kit.node.exit(pid, 'x');
    expect(shell.flush()).toEqual([{ type: 'DOWN', ref, pid: undefined, name: 'bob', reason: 'x' }]);
  });

  test('the monitors of a dead watcher leave their targets', async () => {
    const target = shell.spawn(idle);
    const watcher = shell.spawn(async (self) => {
      self.monitor(target);
      await self.receive();
    });
    await kit.settle();
    expect(kit.node.processInfo(target)?.monitoredBy).toEqual([watcher]);
    kit.node.exit(watcher, 'kill');
    expect(kit.node.processInfo(target)?.monitoredBy).toEqual([]);
  });
});

describe('timers', () => {
  test('a message can be sent later, and the timer asked and cancelled by anybody', async () => {
    const timer = shell.sendAfter(100, shell.pid, { type: 'tick' });
    await kit.advance(60);
    expect(shell.readTimer(timer)).toBe(40);
    await kit.advance(40);
    expect(shell.flush()).toEqual([{ type: 'tick' }]);
    expect(shell.cancelTimer(timer)).toBe(false);
    const other = shell.sendAfter(100, shell.pid, { type: 'tock' });
    expect(kit.node.cancelTimer(other)).toBe(100);
    await kit.advance(200);
    expect(shell.flush()).toEqual([]);
  });

  test('a timer dies with its target', async () => {
    const pid = shell.spawn(idle);
    const timer = shell.sendAfter(100, pid, { type: 'tick' });
    expect(kit.node.timers.count).toBe(1);
    kit.node.exit(pid, 'kill');
    expect(kit.node.timers.count).toBe(0);
    expect(shell.cancelTimer(timer)).toBe(false);
  });

  test('a timer to a name looks the name up when it fires', async () => {
    shell.sendAfter(10, 'later', { type: 'tick' });
    shell.register('later');
    await kit.advance(10);
    expect(shell.flush()).toEqual([{ type: 'tick' }]);
  });
});

describe('wrong arguments', () => {
  const noPid: Pid<never> = Object.create(null);
  const noText: string = Object.create(null);
  const badarg = expect.objectContaining({ reason: 'badarg' });

  test('what is no pid is badarg, and no link, monitor or death is broken by it', async () => {
    for (const wrong of [noPid, JSON.parse('null'), JSON.parse('5')]) {
      for (const act of [
        () => shell.monitor(wrong),
        () => shell.link(wrong),
        () => shell.exitSignal(wrong, 'x'),
      ]) {
        let thrown: unknown;
        try {
          act();
        } catch (error) {
          thrown = error;
        }
        expect(thrown).toEqual(badarg);
      }
    }
    const { ref } = shell.spawnMonitor(async (self) => {
      try {
        self.monitor(noPid);
      } catch {
        // It goes on, and dies an ordinary death.
      }
      self.exit('done');
    });
    await kit.settle();
    expect(shell.flush()).toMatchObject([{ type: 'DOWN', ref, reason: 'done' }]);
  });

  test('a reason that has no text ends its own process, is told, and breaks no later death', async () => {
    const nothing: unknown = Object.create(null);
    const server: GenServer<undefined> = {
      init: () => ({ ok: undefined }),
      handleCall() {
        throw nothing;
      },
    };
    const started = await kit.run(startGenServer(kit.node, server, undefined));
    if (started === 'ignore' || 'error' in started) throw new Error('not started');
    await expect(kit.run(shell.call(started.ok, 'throw'))).rejects.toMatchObject({
      reason: { error: nothing },
    });
    const { pid, ref } = shell.spawnMonitor(() => undefined);
    await kit.settle();
    expect(shell.flush()).toMatchObject([{ type: 'DOWN', ref, pid, reason: 'normal' }]);
    expect(String(new Crash(nothing))).toBe('<object>');
    expect(new Exit(Object.assign(Object.create(null), { one: 1n })).message).toBe('exit: <object>');
  });

  test('what is no body is not spawned', () => {
    const before = kit.node.processCount;
    expect(() => shell.spawn(JSON.parse('5'))).toThrow(RuntimeError);
    expect(() => shell.spawn(Object.create(null))).toThrow(RuntimeError);
    expect(kit.node.processCount).toBe(before);
  });

  test.each([Number.NaN, -1, noText])('a duration is a number of milliseconds, not %o', async (ms) => {
    const wrong = ms as number;
    expect(() => shell.sendAfter(wrong, shell.pid, 'x')).toThrow(/badarg/);
    expect(() => shell.receive({ after: wrong })).toThrow(/badarg/);
    expect(() => shell.receive('x', { after: wrong })).toThrow(/badarg/);
    expect(() => shell.call(shell.spawn(idle), 'x', wrong)).toThrow(/badarg/);
    await kit.settle();
    expect(shell.flush()).toEqual([]);
  });
});

describe('names', () => {
  test('a name belongs to one living process with no other name, and is free when it ends', async () => {
    const pid = shell.spawn(idle);
    shell.register('a', pid);
    expect(shell.whereis('a')).toBe(pid);
    expect(kit.node.system.get('a')).toBe(pid);
    expect(() => shell.register('b', pid)).toThrow('badarg');
    expect(() => shell.register('a')).toThrow('badarg');
    expect(() => shell.spawn(idle, { name: 'a' })).toThrow('badarg');
    kit.node.exit(pid, 'kill');
    expect(shell.whereis('a')).toBeUndefined();
    expect(kit.node.registered()).toEqual([]);
    expect(() => shell.register('a', pid)).toThrow('badarg');
    expect(() => shell.unregister('a')).toThrow('badarg');
    shell.register('a');
    shell.unregister('a');
    shell.register('b');
    expect(kit.node.registered()).toEqual(['b']);
  });
});

describe('resources and user code at the end', () => {
  test('owned resources are closed in reverse order, after the signal was sent and not inside it', async () => {
    const log: string[] = [];
    const pid = shell.spawn(async (self) => {
      self.own('first', (name) => log.push(name));
      self.own('second', (name) => log.push(name));
      self.own('given away', (name) => log.push(name));
      self.disown('given away');
      self.signal.addEventListener('abort', () => log.push(`aborted: ${self.signal.reason}`));
      await self.receive();
    });
    await kit.settle();
    kit.node.exit(pid, 'kill');
    log.push('signal sent');
    await kit.settle();
    expect(log).toEqual(['signal sent', 'second', 'first', 'aborted: killed']);
  });

  test('a close that throws stops no other and nobody else', async () => {
    const log: string[] = [];
    const pid = shell.spawn(async (self) => {
      self.own('a', () => log.push('a'));
      self.own('b', () => {
        throw new Error('cannot close');
      });
      await self.receive();
    });
    await kit.settle();
    kit.node.exit(pid, 'kill');
    await kit.settle();
    expect(log).toEqual(['a']);
  });
});

test('a crash is reported with reason, stack and the message in work; an orderly end is not', async () => {
  const reports: object[] = [];
  const logger: Logger = { ...silentLogger, error: (fields) => reports.push(fields) };
  const other = createTestNode({ logger });
  const { node } = other;
  const fragile = async (self: Self): Promise<void> => {
    await self.receive();
    throw new Error('broken');
  };
  const pid = node.spawn(fragile, { name: 'glass' });
  node.send(pid, { type: 'hammer' });
  node.spawn((self) => self.exit('shutdown'));
  node.spawn((self) => self.exit('whatever'));
  await other.settle();
  expect(reports).toHaveLength(1);
  expect(reports[0]).toMatchObject({
    process: pid.id,
    registeredName: 'glass',
    kind: 'fragile',
    lastMessage: { type: 'hammer' },
    stack: expect.stringContaining('broken'),
  });
  await other.stop();
});

test('processInfo tells who is linked, what waits and what runs', async () => {
  const pid = shell.spawnLink(idle, { label: 'sleeper' });
  await kit.settle();
  shell.send(pid, { type: 'x' });
  expect(kit.node.processInfo(pid)).toMatchObject({
    kind: 'sleeper',
    status: 'runnable',
    parent: shell.pid,
    messageQueueLength: 1,
    links: [shell.pid],
    trapExit: false,
  });
  expect(kit.node.processes()).toEqual([shell.pid, pid]);
  expect(kit.node.mailboxOf(pid)).toEqual([{ type: 'x' }]);
  kit.node.exit(pid, 'normal');
  expect(kit.node.isAlive(pid)).toBe(true);
});
