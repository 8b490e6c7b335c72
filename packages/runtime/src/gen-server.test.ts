import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Blueprint } from './blueprint.js';
import type { From } from './call.js';
import { Crash, Exit } from './exit.js';
import type { GenServer, StartResult } from './gen-server.js';
import { startGenServer } from './gen-server.js';
import type { Logger } from './logger.js';
import { silentLogger } from './logger.js';
import type { Pid } from './pid.js';
import type { Body } from './process.js';
import type { Self } from './self.js';
import type { TestNode } from './testing/index.js';
import { createTestNode } from './testing/index.js';

let kit: TestNode;
let shell: Self;
let reports: object[];

beforeEach(() => {
  reports = [];
  const logger: Logger = { ...silentLogger, error: (fields) => reports.push(fields) };
  kit = createTestNode({ logger });
  shell = kit.node.shell();
});

afterEach(() => kit.stop());

function pidOf(started: StartResult): Pid<unknown> {
  if (started === 'ignore' || 'error' in started) throw new Error(`not started: ${JSON.stringify(started)}`);
  return started.ok;
}

/** Starts without a link, so that the shell outlives it. */
async function start<S, A>(module: GenServer<S, A>, args: A): Promise<Pid<unknown>> {
  return pidOf(await startGenServer(shell, module, args, { link: false }));
}

async function reasonOfCall(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Exit) return error.reason;
    throw error;
  }
  throw new Error('the call succeeded');
}

describe('start', () => {
  test('answers when init has, and the link stands before init', async () => {
    let linked = false;
    const started = startGenServer(
      shell,
      {
        init: async (self: Self, n: number) => {
          linked = kit.node.processInfo(self.pid)?.links.includes(shell.pid) ?? false;
          await self.node.call(self.node.shell().pid, 'x', 10).catch(() => undefined);
          return { ok: n };
        },
      },
      1,
    );
    await kit.advance(10);
    expect(kit.node.isAlive(pidOf(await started))).toBe(true);
    expect(linked).toBe(true);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('no');
      },
    ],
    ['stops', () => ({ stop: 'not today' })],
    ['answers nonsense', () => JSON.parse('5')],
  ])('an init that %s leaves neither a process nor a name behind', async (_how, init) => {
    const before = kit.node.processCount;
    const started = await startGenServer(kit.node, { init }, undefined, { name: 'server' });
    expect(started).toHaveProperty('error');
    expect(kit.node.processCount).toBe(before);
    expect(kit.node.whereis('server')).toBeUndefined();
  });

  test('a linked parent that traps gets the exit signal of a failing init too', async () => {
    shell.trapExit(true);
    const started = await startGenServer(shell, { init: () => ({ stop: 'bad' }) }, undefined);
    expect(started).toEqual({ error: 'bad' });
    expect(await shell.receive()).toMatchObject({ type: 'EXIT', reason: 'bad' });
  });

  test('ignore ends normally', async () => {
    expect(await startGenServer(kit.node, { init: () => 'ignore' as const }, undefined)).toBe('ignore');
  });

  test('a taken name answers who has it', async () => {
    const module = { init: () => ({ ok: 0 }) };
    const first = pidOf(await startGenServer(kit.node, module, undefined, { name: 'one' }));
    const second = await startGenServer(kit.node, module, undefined, { name: 'one' });
    expect(second).toEqual({ error: { already_started: first } });
  });

  test('an init that takes too long is killed', async () => {
    const before = kit.node.processCount;
    const never = { init: () => new Promise<{ ok: number }>(() => undefined) };
    const started = startGenServer(kit.node, never, undefined, { timeout: 50 });
    await kit.advance(50);
    expect(await started).toEqual({ error: 'timeout' });
    expect(kit.node.processCount).toBe(before);
  });
});

describe('calls', () => {
  const counter: GenServer<number, number> = {
    init: (_self, n) => ({ ok: n }),
    handleCall: (request, _from, state) =>
      request === 'get' ? { reply: state, state } : { stop: 'told to', state, reply: 'bye' },
    handleCast: (request, state) => (typeof request === 'number' ? { noreply: state + request } : undefined),
    handleInfo: (message, state) => (message === 'double' ? { noreply: state * 2 } : undefined),
  };

  test('casts, messages and calls are handled in the order in which they were sent', async () => {
    const pid = await start(counter, 1);
    shell.cast(pid, 2);
    shell.send(pid, 'double');
    const before = shell.call(pid, 'get');
    shell.cast(pid, 100);
    expect(await before).toBe(6);
    expect(await kit.node.call(pid, 'get')).toBe(106);
  });

  test('a stop answers the call, then the server ends with its reason', async () => {
    const pid = await start(counter, 1);
    const ref = shell.monitor(pid);
    expect(await shell.call(pid, 'stop')).toBe('bye');
    expect(await shell.receive('DOWN')).toMatchObject({ ref, reason: 'told to' });
    expect(await reasonOfCall(shell.call(pid, 'get'))).toBe('noproc');
    expect(await reasonOfCall(shell.call('no such name', 'get'))).toBe('noproc');
  });

  test('a call fails with the reason of the server that dies, whatever waits in the mailbox', async () => {
    const pid = await start(counter, 1);
    for (let i = 0; i < 1000; i += 1) shell.send(shell.pid, { type: 'noise' });
    const call = reasonOfCall(shell.call(pid, 'get'));
    kit.node.exit(pid, 'kill');
    expect(await call).toBe('killed');
    expect(shell.flush()).toHaveLength(1000);
  });

  test('a reply can come later and from elsewhere; one after the timeout is ignored', async () => {
    let kept: From | undefined;
    const pid = await start(
      {
        init: () => ({ ok: undefined }),
        handleCall: (_request, from, state) => {
          kept = from;
          return { noreply: state };
        },
      },
      undefined,
    );
    const first = shell.call(pid, 'x');
    await kit.settle();
    expect(kept?.pid).toBe(shell.pid);
    kept?.reply(42);
    expect(await first).toBe(42);
    const second = reasonOfCall(shell.call(pid, 'y', 100));
    await kit.advance(100);
    expect(await second).toBe('timeout');
    kept?.reply('too late');
    expect(shell.flush()).toEqual([]);
    expect(kit.node.timers.count).toBe(0);
  });

  test('the caller that died is not resumed by its reply', async () => {
    let kept: From | undefined;
    let resumed = false;
    const pid = await start(
      {
        init: () => ({ ok: 0 }),
        handleCall: (_request, from) => {
          kept = from;
        },
      },
      undefined,
    );
    const caller = shell.spawn(async (self) => {
      await self.call(pid, 'x');
      resumed = true;
    });
    await kit.settle();
    kit.node.exit(caller, 'kill');
    kept?.reply(1);
    await kit.settle();
    expect(resumed).toBe(false);
  });

  test('a process cannot call itself', async () => {
    expect(await reasonOfCall(shell.call(shell.pid, 'x'))).toBe('calling_self');
  });
});

describe('callbacks', () => {
  test('a callback that returns a promise holds the next message back until it settles', async () => {
    const log: unknown[] = [];
    const gates: (() => void)[] = [];
    const pid = await start(
      {
        init: () => ({ ok: 0 }),
        handleInfo: async (message: unknown, state: number) => {
          log.push(['begin', message]);
          await new Promise<void>((resolve) => gates.push(resolve));
          log.push(['end', message]);
          return { noreply: state + 1 };
        },
        handleCall: (_request, _from, state) => ({ reply: state, state }),
      },
      undefined,
    );
    shell.send(pid, 1);
    shell.send(pid, 2);
    const call = shell.call(pid, 'state');
    await kit.settle();
    expect(log).toEqual([['begin', 1]]);
    gates.shift()?.();
    await kit.settle();
    gates.shift()?.();
    expect(await call).toBe(2);
    expect(log.map(String)).toEqual(['begin,1', 'end,1', 'begin,2', 'end,2']);
  });

  test('continue runs before the next message', async () => {
    const log: unknown[] = [];
    const pid = await start<undefined, void>(
      {
        init: () => ({ ok: undefined, continue: 'from init' }),
        handleContinue: (argument) => {
          log.push(argument);
        },
        handleInfo: (message, state) => {
          log.push(message);
          return message === 'a' ? { noreply: state, continue: 'after a' } : { noreply: state };
        },
      },
      undefined,
    );
    shell.send(pid, 'a');
    shell.send(pid, 'b');
    await kit.settle();
    expect(log).toEqual(['from init', 'a', 'after a', 'b']);
  });

  test('the timeout of a result comes when no message did, and not after one', async () => {
    const log: unknown[] = [];
    const pid = await start(
      {
        init: () => ({ ok: 0, timeout: 100 }),
        handleInfo: (message: unknown, state: number) => {
          log.push(message);
          return message === 'again' ? { noreply: state, timeout: 50 } : { noreply: state };
        },
      },
      undefined,
    );
    await kit.advance(60);
    shell.send(pid, 'again');
    await kit.advance(49);
    shell.send(pid, 'other');
    await kit.advance(500);
    shell.send(pid, 'again');
    await kit.advance(50);
    expect(log).toEqual(['again', 'other', 'again', { type: 'timeout' }]);
  });

  test('a callback that throws runs terminate, is reported with its message, and ends the server', async () => {
    const error = new Error('broken');
    const ended: unknown[] = [];
    const pid = await start(
      {
        init: () => ({ ok: 'state' }),
        handleCast: () => {
          throw error;
        },
        terminate: (reason, state) => {
          ended.push([reason instanceof Crash && reason.error, state]);
        },
      },
      undefined,
    );
    const ref = shell.monitor(pid);
    shell.cast(pid, 'boom');
    expect(await shell.receive('DOWN')).toMatchObject({ ref, reason: { error } });
    expect(ended).toEqual([[error, 'state']]);
    expect(reports).toEqual([
      expect.objectContaining({ lastMessage: { type: '$gen_cast', request: '<4 characters>' } }),
    ]);
  });

  test('a server that traps exits terminates when its parent asks; others get a message', async () => {
    const log: unknown[] = [];
    let started: StartResult = 'ignore';
    const parent = shell.spawn(async (self) => {
      started = await startGenServer(
        self,
        {
          init: (me: Self) => {
            me.trapExit(true);
            return { ok: 's' };
          },
          handleInfo: (message: unknown) => {
            log.push(message);
          },
          terminate: async (reason: unknown, state: string) => {
            await Promise.resolve();
            log.push(['terminate', reason, state]);
          },
        },
        undefined,
      );
      await self.receive();
      self.exit('shutdown');
    });
    await kit.settle();
    const pid = pidOf(started);
    shell.exitSignal(pid, 'hello');
    await kit.settle();
    shell.send(parent, 'go');
    await kit.settle();
    expect(log).toEqual([{ type: 'EXIT', from: shell.pid, reason: 'hello' }, ['terminate', 'shutdown', 's']]);
    expect(kit.node.isAlive(pid)).toBe(false);
    expect(reports).toEqual([]);
  });

  test('a server killed in the middle of its own callback does nothing more', async () => {
    const log: string[] = [];
    const pid = await start(
      {
        init: () => ({ ok: 0 }),
        handleInfo: (_message: unknown, state: number, self: Self) => {
          kit.node.exit(self.pid, 'kill');
          try {
            self.send(shell.pid, 'x');
          } catch {
            log.push('refused');
          }
          return { noreply: state, continue: 'never' };
        },
        handleContinue: () => {
          log.push('continued');
        },
        terminate: () => {
          log.push('terminated');
        },
      },
      undefined,
    );
    shell.send(pid, 1);
    await kit.settle();
    expect(log).toEqual(['refused']);
    expect(shell.flush()).toEqual([]);
  });
});

describe('I/O turns', () => {
  interface Connection {
    readonly chunks: string[];
  }

  const connection: GenServer<Connection, Connection> = {
    init: (_self, state) => ({ ok: state }),
    handleInfo: (message, state) => {
      state.chunks.push(`message ${String(message)}`);
    },
  };
  const onData = (target: Connection, chunk: string): void => {
    target.chunks.push(chunk);
  };

  test('an I/O callback runs at once when nothing else runs', async () => {
    const state = { chunks: [] as string[] };
    const pid = await start(connection, state);
    await kit.settle();
    expect(kit.node.ioTurn(pid, onData, state, 'one')).toBe(true);
    expect(state.chunks).toEqual(['one']);
  });

  test('it keeps its order with the messages that wait', async () => {
    const state = { chunks: [] as string[] };
    const pid = await start(connection, state);
    await kit.settle();
    shell.send(pid, 'first');
    kit.node.ioTurn(pid, onData, state, 'second');
    shell.send(pid, 'third');
    expect(state.chunks).toEqual([]);
    await kit.settle();
    expect(state.chunks).toEqual(['message first', 'second', 'message third']);
  });

  test('it never runs inside another turn', async () => {
    const state = { chunks: [] as string[] };
    const pid = await start(connection, state);
    const inside = await start<undefined, void>(
      {
        init: () => ({ ok: undefined }),
        handleInfo: () => {
          kit.node.ioTurn(pid, onData, state, 'from inside');
          state.chunks.push('still inside');
        },
      },
      undefined,
    );
    await kit.settle();
    shell.send(inside, 'go');
    await kit.settle();
    kit.node.ioTurn(
      inside,
      () => {
        kit.node.ioTurn(pid, onData, state, 'from a turn');
        state.chunks.push('still in the turn');
      },
      undefined,
      undefined,
    );
    await kit.settle();
    expect(state.chunks).toEqual(['still inside', 'from inside', 'still in the turn', 'from a turn']);
  });

  test('nor inside what follows a promise', async () => {
    const state = { chunks: [] as string[] };
    const pid = await start(connection, state);
    const inside = await start<number, void>(
      {
        init: () => ({ ok: 0 }),
        handleInfo: async (_message, n) => ({ noreply: n, continue: 'next' }),
        handleContinue: () => {
          kit.node.ioTurn(pid, onData, state, 'chunk');
          state.chunks.push('still inside');
        },
      },
      undefined,
    );
    await kit.settle();
    shell.send(inside, 'go');
    await kit.settle();
    expect(state.chunks).toEqual(['still inside', 'chunk']);
  });

  test('what it throws is the crash of its process and of nobody else', async () => {
    const state = { chunks: [] as string[] };
    const pid = await start(connection, state);
    await kit.settle();
    const ref = shell.monitor(pid);
    const fail = (): void => {
      throw new Error('parse error');
    };
    expect(() => kit.node.ioTurn(pid, fail, state, '')).not.toThrow();
    expect(await shell.receive('DOWN')).toMatchObject({ ref, reason: { error: { message: 'parse error' } } });
    expect(kit.node.ioTurn(pid, onData, state, 'late')).toBe(false);
    expect(state.chunks).toEqual([]);
  });

  test('a body that throws past itself ends its own process, and nobody waits for a turn for ever', async () => {
    const fail = (): never => {
      throw new Error('a fault of the body');
    };
    class Faulty extends Blueprint<unknown> {
      create(): Body {
        return { kind: 'faulty', slot: (process) => process.rest(), turn: fail, context: () => undefined };
      }
    }
    const state = { chunks: [] as string[] };
    const healthy = await start(connection, state);
    const faulty = kit.node.spawn(new Faulty());
    await kit.settle();
    const ref = shell.monitor(faulty);
    kit.node.ioTurn(faulty, () => undefined, undefined, undefined);
    expect(kit.node.isAlive(faulty)).toBe(false);
    kit.node.ioTurn(healthy, onData, state, 'at once');
    expect(state.chunks).toEqual(['at once']);
    expect(await shell.receive('DOWN')).toMatchObject({
      ref,
      reason: { error: { message: 'a fault of the body' } },
    });
  });
});

test('a logger that throws takes nobody along: not the process that logs, nor the one that runs next', async () => {
  const full = (): never => {
    throw new Error('the disk is full');
  };
  const test = createTestNode({ logger: { error: full, warn: full, info: full, debug: full } });
  const self = test.node.shell();
  const handled: unknown[] = [];
  const starting = startGenServer(self, { init: () => ({ ok: undefined }) }, undefined, { link: false });
  const other = test.node.spawn(async (own: Self) => {
    handled.push(await own.receive());
  });
  await test.settle();
  const deaf = pidOf(await starting);
  test.node.system.inspect(full);
  self.send(deaf, 'a message for which there is no callback');
  self.send(other, 'next');
  await test.settle();
  expect(test.node.isAlive(deaf)).toBe(true);
  expect(handled).toEqual(['next']);
  await test.stop();
});
