import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { From } from './call.js';
import type { Exit } from './exit.js';
import type { GenServer } from './gen-server.js';
import { startGenServer } from './gen-server.js';
import { silentLogger } from './logger.js';
import { createNode } from './node.js';
import type { Pid } from './pid.js';
import type { Node } from './self.js';

let node: Node;
let heard: unknown[];
let postponed: From[];

const server: GenServer<undefined> = {
  init: () => ({ ok: undefined }),
  handleCall(request, from, state) {
    heard.push(request);
    if (request === 'crash') throw new Error('a fault of its own');
    if (request === 'later') postponed.push(from);
    else if (request === 'stop') return { stop: 'normal', state, reply: 'gone' };
    else from.reply(`answer to ${String(request)}`);
    return undefined;
  },
  handleCast(request) {
    heard.push(request);
  },
};

async function started(): Promise<Pid<unknown>> {
  const answer = await startGenServer(node.shell(), server, undefined, { link: false });
  if (answer === 'ignore' || 'error' in answer) throw new Error('not started');
  return answer.ok;
}

const failed = (exit: Exit): unknown => ({ failed: exit.reason });

/** The event loop has had its turn: what the runtime counts by, I/O and its own timers. */
function anotherTurn(): Promise<void> {
  return new Promise((resolve) => node.afterIo(() => resolve()));
}

beforeEach(() => {
  node = createNode({ logger: silentLogger });
  heard = [];
  postponed = [];
});

afterEach(() => node.stop());

describe('a call carried out at once', () => {
  test('is answered in the same breath by a server that waits', async () => {
    const pid = await started();
    expect(node.callNow(pid, 'one', failed)).toBe('answer to one');
    expect(heard).toEqual(['one']);
  });

  test('comes once a turn: further ones wait in the mailbox together', async () => {
    const pid = await started();
    expect(node.callNow(pid, 'one', failed)).toBe('answer to one');
    const others = ['two', 'three'].map((request) => node.callNow(pid, request, failed));
    expect(heard).toEqual(['one']);
    expect(node.processInfo(pid)?.messageQueueLength).toBe(2);
    expect(await Promise.all(others)).toEqual(['answer to two', 'answer to three']);
    await anotherTurn();
    node.ioTurn(pid, () => undefined, undefined, undefined);
    expect(node.callNow(pid, 'four', failed)).toBe('answer to four');
  });

  test('never overtakes what waits in the mailbox', async () => {
    const pid = await started();
    node.cast(pid, 'first');
    const answer = node.callNow(pid, 'second', failed);
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toBe('answer to second');
    expect(heard).toEqual(['first', 'second']);
  });

  test('is a promise of the answer when that comes later', async () => {
    const pid = await started();
    const answer = node.callNow(pid, 'later', failed);
    expect(answer).toBeInstanceOf(Promise);
    postponed[0]?.reply('late');
    postponed[0]?.reply('again');
    expect(await answer).toBe('late');
  });

  test('is answered once, by the first answer', async () => {
    const pid = await started();
    expect(node.callNow(pid, 'stop', failed)).toBe('gone');
    expect(node.isAlive(pid)).toBe(false);
    expect(await node.callNow(pid, 'one', failed)).toEqual({ failed: 'noproc' });
  });

  test('fails with the reason of a server that crashes over it, and the caller goes on', async () => {
    const pid = await started();
    expect(await node.callNow(pid, 'crash', failed)).toMatchObject({
      failed: { error: { message: 'a fault of its own' } },
    });
    expect(node.isAlive(pid)).toBe(false);
  });

  test('fails when the server ends before it answers', async () => {
    const pid = await started();
    const answer = node.callNow(pid, 'later', failed);
    node.exit(pid, 'kill');
    expect(await answer).toEqual({ failed: 'killed' });
  });

  test('does not run inside the turn of another process', async () => {
    const pid = await started();
    const inside: unknown[] = [];
    const other = await startGenServer(
      node.shell(),
      {
        init: () => ({ ok: undefined }),
        handleCast() {
          inside.push(node.callNow(pid, 'one', failed));
          inside.push(heard.length);
        },
      },
      undefined,
      { link: false },
    );
    if (other === 'ignore' || 'error' in other) throw new Error('not started');
    node.cast(other.ok, 'go');
    await anotherTurn();
    expect(inside).toEqual([expect.any(Promise), 0]);
    expect(heard).toEqual(['one']);
  });
});
