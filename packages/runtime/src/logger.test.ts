import { afterEach, expect, test, vi } from 'vitest';
import { Crash, Exit } from './exit.js';
import { silentLogger, stderrLogger } from './logger.js';
import { outline } from './outline.js';
import type { Self } from './self.js';
import { createTestNode } from './testing/test-node.js';

afterEach(() => vi.restoreAllMocks());

test('fields with a name that loggers write themselves do not compile', () => {
  // @ts-expect-error pino writes its own level
  silentLogger.info({ level: 'notice' }, 'text');
  // @ts-expect-error and its process's id
  silentLogger.info({ pid: '<0.1.0>' }, 'text');
  // @ts-expect-error and its own name
  silentLogger.error({ ...{ kind: 'x' }, name: 'server' }, 'text');
  silentLogger.info({ severity: 'notice', process: '<0.1.0>', registeredName: 'server' }, 'text');
});

test('a crash report has its place in a line of pino, and can be read at a terminal', async () => {
  const written: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((...args: unknown[]) => {
    expect(args).toHaveLength(1);
    written.push(String(args[0]));
  });
  const reports: object[] = [];
  const logger = {
    ...silentLogger,
    error(fields: object, text: string) {
      reports.push(fields);
      stderrLogger.error({ ...fields }, text);
    },
  };
  const other = createTestNode({ logger });
  const fragile = async (self: Self): Promise<void> => {
    await self.receive();
    throw new Error('broken');
  };
  other.node.send(other.node.spawn(fragile, { name: 'glass' }), { type: 'hammer', weight: 3 });
  await other.settle();
  await other.stop();
  const taken = ['level', 'time', 'pid', 'hostname', 'name', 'msg', 'v'];
  expect(Object.keys(reports[0] ?? {}).filter((key) => taken.includes(key))).toEqual([]);
  const lines = (written[0] ?? '').split('\n');
  expect(lines[0]).toBe('process glass crashed: Error: broken');
  expect(lines.slice(1).every((line) => line.startsWith('  '))).toBe(true);
  expect(lines).toContain('  registeredName: glass');
  expect(lines).toContain('  lastMessage: {"type":"hammer","weight":3}');
  // The stack, with a frame to a line, and the reason not twice.
  expect(lines.filter((line) => /^ +at .*logger\.test/.test(line)).length).toBeGreaterThan(0);
  expect(lines.filter((line) => line.includes('Error: broken'))).toHaveLength(2);
});

test('the outline of a message has its types and sizes, and nothing that was in it', () => {
  const data = Buffer.from('secret');
  class Session {
    readonly key = 'secret';
  }
  const message = {
    type: 'ssl',
    data,
    list: [...data],
    password: 'secret',
    from: { type: 'owner', note: 'secret', deeper: { data, deepest: { data } } },
    session: new Session(),
    count: 7,
    run: () => 'secret',
    error: new Error('secret'),
    nothing: null,
  };
  expect(outline(message)).toEqual({
    type: 'ssl',
    data: '<6 bytes>',
    list: '<6 items>',
    password: '<6 characters>',
    from: { type: 'owner', note: '<6 characters>', deeper: { data: '<6 bytes>', deepest: '<Object>' } },
    session: '<Session>',
    count: 7,
    run: '<function>',
    error: '<Error>',
    nothing: null,
  });
  for (const bare of ['secret', data, [...data], { type: `secret${'x'.repeat(100)}` }])
    expect(JSON.stringify(outline(bare))).not.toContain('secret');
});

test('a failed call that is printed does not show what was asked', async () => {
  const { inspect } = await import('node:util');
  const exit = new Exit('noproc', { to: 'server', request: { type: 'send', data: 'secret' } });
  for (const shown of [inspect(exit), inspect(new Crash(exit)), JSON.stringify(exit)])
    expect(shown).not.toContain('secret');
  expect(exit.call).toEqual({ to: 'server', request: { type: 'send', data: 'secret' } });
});
