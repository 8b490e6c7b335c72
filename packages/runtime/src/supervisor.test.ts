import { describe, expect, it } from 'vitest';
import {
  type ChildSpec,
  checkChildSpecs,
  countChildren,
  DownMessage,
  type Logger,
  type Pid,
  type Self,
  type SupervisorSpec,
  startChild,
  startGenServer,
  startSupervisor,
  terminateChild,
  whichChildren,
} from './index.js';
import { createTestNode, expectTree, type TestNode } from './testing/index.js';

/** Ends with the reason it is sent; traps exits if it is stubborn. */
function worker(stubborn: 'stubborn' | 'meek' = 'meek'): (self: Self) => Promise<void> {
  return async function worker(self) {
    self.trapExit(stubborn === 'stubborn');
    for (;;) {
      const message = await self.receive();
      if (typeof message === 'object' && message !== null && 'end' in message) self.exit(message.end);
    }
  };
}

function child(id: string, more: Partial<ChildSpec> = {}): ChildSpec {
  return { id, start: (self) => ({ ok: self.spawnLink(worker(), { name: id }) }), ...more };
}

/** Children of `simple_one_for_one` that take their name as the argument. */
function template(more: Partial<ChildSpec> = {}): ChildSpec<[string]> {
  return { id: 'template', ...more, start: (self, name) => ({ ok: self.spawnLink(worker(), { name }) }) };
}

interface Report {
  readonly [field: string]: unknown;
  readonly errorContext?: string;
  readonly reason?: unknown;
  readonly offender?: object;
}

/** A supervisor under a parent that traps exits, with the reports it makes. */
async function supervised(
  spec: SupervisorSpec,
): Promise<{ test: TestNode; parent: Self; supervisor: Pid<unknown>; reports: Report[] }> {
  const reports: Report[] = [];
  const logger: Logger = {
    error: (fields) => reports.push(fields),
    warn: () => undefined,
    info: () => undefined,
    debug: () => undefined,
  };
  const test = createTestNode({ logger });
  const parent = test.node.shell({ trapExit: true });
  const started = await startSupervisor(parent, spec, { name: 'sup' });
  if (started === 'ignore' || 'error' in started) throw new Error(`not started: ${JSON.stringify(started)}`);
  return { test, parent, supervisor: started.ok, reports };
}

async function end(test: TestNode, name: string, reason: unknown): Promise<void> {
  test.node.send(name, { end: reason });
  await test.settle();
}

describe('significant children', () => {
  const significant = { restart: 'transient', significant: true } as const;

  it('any_significant: the first to end by itself ends the supervisor, with shutdown', async () => {
    const { test, parent, supervisor } = await supervised({
      autoShutdown: 'any_significant',
      children: [child('a', significant), child('b', significant), child('c')],
    });
    parent.monitor(supervisor);
    await end(test, 'a', 'normal');
    expect(await parent.receive('DOWN', { after: 0 })).toMatchObject({ reason: 'shutdown' });
    expect(test.node.registered()).toEqual([]);
  });

  it('all_significant: only the last to end by itself does', async () => {
    const { test, supervisor } = await supervised({
      autoShutdown: 'all_significant',
      children: [child('a', significant), child('b', significant), child('c')],
    });
    await end(test, 'b', 'normal');
    expect(test.node.isAlive(supervisor)).toBe(true);
    await end(test, 'a', { shutdown: 'done' });
    expect(test.node.isAlive(supervisor)).toBe(false);
  });

  it('one that is restarted, or terminated by request, has not ended by itself', async () => {
    const { test, parent, supervisor } = await supervised({
      autoShutdown: 'any_significant',
      children: [child('a', significant), child('b', significant)],
    });
    await end(test, 'a', 'crash');
    expect(await terminateChild(parent, supervisor, 'b')).toBe('ok');
    expect(test.node.isAlive(supervisor)).toBe(true);
    expectTree(
      test.node,
      `
      sup
        a
        b (stopped)
    `,
    );
  });

  it('all_significant with simple_one_for_one: ends when no child is left', async () => {
    const { test, parent, supervisor } = await supervised({
      strategy: 'simple_one_for_one',
      autoShutdown: 'all_significant',
      children: [template(significant)],
    });
    for (const name of ['x', 'y']) await startChild(parent, supervisor, name);
    await end(test, 'x', 'normal');
    expect(test.node.isAlive(supervisor)).toBe(true);
    await end(test, 'y', 'normal');
    expect(test.node.isAlive(supervisor)).toBe(false);
  });
});

describe('simple_one_for_one', () => {
  it('restarts a child with its own arguments', async () => {
    const { test, parent, supervisor } = await supervised({
      strategy: 'simple_one_for_one',
      children: [template()],
    });
    await startChild(parent, supervisor, 'x');
    const before = test.node.whereis('x');
    await end(test, 'x', 'crash');
    expect(test.node.whereis('x')).toBeDefined();
    expect(test.node.whereis('x')).not.toBe(before);
    expect(await countChildren(parent, supervisor)).toEqual({
      specs: 1,
      active: 1,
      supervisors: 0,
      workers: 1,
    });
  });

  it('terminates a child by its pid, which is then unknown but not an error', async () => {
    const { test, parent, supervisor } = await supervised({
      strategy: 'simple_one_for_one',
      children: [template()],
    });
    const started = await startChild(parent, supervisor, 'x');
    const pid = 'ok' in started ? started.ok : undefined;
    if (pid === undefined) throw new Error('not started');
    expect(await terminateChild(parent, supervisor, pid)).toBe('ok');
    expect(await terminateChild(parent, supervisor, pid)).toBe('ok');
    expect(await terminateChild(parent, supervisor, test.node.spawn(worker()))).toEqual({
      error: 'not_found',
    });
  });

  it('stops all children at once, and kills those that do not end in time', async () => {
    const spec: ChildSpec<['stubborn' | 'meek']> = {
      id: 'w',
      shutdown: 50,
      start: (self, kind) => ({ ok: self.spawnLink(worker(kind)) }),
    };
    const { test, parent, supervisor, reports } = await supervised({
      strategy: 'simple_one_for_one',
      children: [spec],
    });
    for (const kind of ['meek', 'stubborn', 'meek', 'stubborn']) await startChild(parent, supervisor, kind);
    parent.exitSignal(supervisor, 'shutdown');
    await test.advance(49);
    expect(test.node.processCount).toBe(4);
    await test.advance(1);
    expect(test.node.processes()).toEqual([parent.pid]);
    expect(reports).toMatchObject([
      { errorContext: 'shutdown_error', reason: 'killed', offender: { nbChildren: 2 } },
    ]);
  });

  it('a failed restart is tried again, and the child may be terminated in between', async () => {
    let attempts = 0;
    const { test, parent, supervisor } = await supervised({
      strategy: 'simple_one_for_one',
      intensity: 3,
      children: [
        {
          id: 'w',
          start: (self) =>
            attempts++ === 0 ? { ok: self.spawnLink(worker(), { name: 'w' }) } : { error: 'nope' },
        },
      ],
    });
    await startChild(parent, supervisor);
    await end(test, 'w', 'crash');
    expect(attempts).toBe(4);
    expect(test.node.isAlive(supervisor)).toBe(false);
  });
});

describe('a supervisor', () => {
  it('awaits start functions, in order, and takes no other message meanwhile', async () => {
    const log: string[] = [];
    const test = createTestNode();
    const slow = (id: string): ChildSpec => ({
      id,
      start: async (self) => {
        log.push(`${id} starts`);
        const started = await startGenServer(self, { init: async () => ({ ok: id }) }, undefined);
        log.push(`${id} started`);
        return started;
      },
    });
    const parent = test.node.shell();
    await startSupervisor(parent, { children: [slow('a'), slow('b')] }, { name: 'sup' });
    expect(log).toEqual(['a starts', 'a started', 'b starts', 'b started']);
    const adding = startChild(parent, 'sup', slow('c'));
    const listed = await whichChildren(parent, 'sup');
    expect(listed.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
    expect(await adding).toHaveProperty('ok');
  });

  it('a start function that throws is a failed start with that reason', async () => {
    const test = createTestNode();
    const parent = test.node.shell({ trapExit: true });
    const failing = child('b', {
      start: async () => {
        throw new Error('no luck');
      },
    });
    const answer = await startSupervisor(parent, { children: [child('a'), failing] });
    expect(answer).toMatchObject({
      error: {
        shutdown: { failed_to_start_child: { id: 'b', reason: { EXIT: { error: new Error('no luck') } } } },
      },
    });
    expect(test.node.registered()).toEqual([]);
  });

  it('reports what fails, in the terms of OTP, and not what ends in order', async () => {
    const { test, reports } = await supervised({
      intensity: 1,
      children: [child('a', { restart: 'transient' }), child('b')],
    });
    await end(test, 'a', 'normal');
    await end(test, 'b', 'crash');
    await end(test, 'b', 'again');
    expect(reports.filter((report) => report.errorContext !== undefined)).toMatchObject([
      { supervisor: 'sup', errorContext: 'child_terminated', reason: 'crash', offender: { id: 'b' } },
      { supervisor: 'sup', errorContext: 'child_terminated', reason: 'again', offender: { id: 'b' } },
      {
        supervisor: 'sup',
        errorContext: 'shutdown',
        reason: 'reached_max_restart_intensity',
        offender: { id: 'b' },
      },
    ]);
  });

  it('forgets restarts that are longer ago than the period', async () => {
    const { test, supervisor } = await supervised({ intensity: 1, period: 5, children: [child('a')] });
    for (let crash = 0; crash < 4; crash++) {
      await end(test, 'a', 'crash');
      await test.advance(6_000);
    }
    expect(test.node.isAlive(supervisor)).toBe(true);
    await end(test, 'a', 'crash');
    await end(test, 'a', 'crash');
    expect(test.node.isAlive(supervisor)).toBe(false);
  });

  it('that is killed takes its children along and is restarted by its own supervisor, whole', async () => {
    const inner: ChildSpec = {
      id: 'inner',
      type: 'supervisor',
      start: (self) => startSupervisor(self, { children: [child('a'), child('b')] }, { name: 'inner' }),
    };
    const { test } = await supervised({
      strategy: 'rest_for_one',
      children: [child('first'), inner, child('last')],
    });
    const [first, a, last] = ['first', 'a', 'last'].map((name) => test.node.whereis(name));
    test.kill('inner');
    await test.settle();
    expectTree(
      test.node,
      `
      sup
        first
        inner
          a
          b
        last
    `,
    );
    expect(test.node.whereis('first')).toBe(first);
    expect(test.node.whereis('a')).not.toBe(a);
    expect(test.node.whereis('last')).not.toBe(last);
  });

  it('a child that was dead before it was to be stopped is reported with its own reason', async () => {
    const { test, reports } = await supervised({
      strategy: 'one_for_all',
      children: [child('a'), child('b')],
    });
    test.kill('a', 'crash');
    test.kill('b', 'own reason');
    await test.settle();
    expect(reports).toMatchObject([
      { errorContext: 'child_terminated', reason: 'crash', offender: { id: 'a' } },
      { errorContext: 'shutdown_error', reason: 'own reason', offender: { id: 'b' } },
    ]);
    expect(test.node.registered().sort()).toEqual(['a', 'b', 'sup']);
  });

  it('a child that has unlinked itself is stopped all the same', async () => {
    const unlinking = child('a', {
      start: (self) => {
        const body = async (own: Self): Promise<void> => {
          own.unlink(self.pid);
          await own.receive();
        };
        return { ok: self.spawnLink(body, { name: 'a' }) };
      },
    });
    const { test, parent, supervisor } = await supervised({ children: [unlinking] });
    await test.settle();
    parent.monitor(supervisor);
    parent.exitSignal(supervisor, 'shutdown');
    await test.settle();
    expect(test.node.registered()).toEqual([]);
    expect(await parent.receive((message) => message instanceof DownMessage, { after: 0 })).toBeInstanceOf(
      DownMessage,
    );
  });

  it('answers init functions that change their mind', async () => {
    const { node } = createTestNode();
    expect(await startSupervisor(node, () => 'ignore')).toBe('ignore');
    expect(await startSupervisor(node, async () => ({ children: [child('a')] }))).toHaveProperty('ok');
  });
});

describe('checkChildSpecs', () => {
  const start: ChildSpec['start'] = () => 'ignore';

  it.each([
    [
      [
        { id: 'a', start },
        { id: 'a', start },
      ],
      { duplicate_child_name: 'a' },
    ],
    [[{ id: 'a', start, shutdown: -1 }], { invalid_shutdown: -1 }],
    [
      [{ id: 'a', start, significant: true, restart: 'temporary' }],
      { bad_combination: { auto_shutdown: 'never', significant: true } },
    ],
  ] as const)('names the fault of %j', (specs, fault) => {
    expect(checkChildSpecs(specs, 'never')).toEqual({ error: fault });
  });

  it('a permanent child cannot be significant', () => {
    const specs = [{ id: 'a', start, significant: true }];
    const fault = { bad_combination: { restart: 'permanent', significant: true } };
    expect(checkChildSpecs(specs, 'any_significant')).toEqual({ error: fault });
    expect(checkChildSpecs([{ id: 'a', start }])).toBe('ok');
  });
});
