import { describe, expect, it } from 'vitest';
import {
  type ApplicationSpec,
  ensureAllStarted,
  getAllEnv,
  getEnv,
  loadApplication,
  type Pid,
  type Self,
  setEnv,
  startApplication,
  startSupervisor,
  stopApplication,
  unloadApplication,
  whichApplications,
} from './index.js';
import { createTestNode, expectTree, type TestNode } from './testing/index.js';

const idle = async (self: Self): Promise<void> => {
  await self.receive(() => false);
};

/** An application with one worker, registered under the application's name. */
function app(
  name: string,
  applications: readonly ApplicationSpec[] = [],
  log: string[] = [],
): ApplicationSpec {
  return {
    name,
    applications,
    env: { size: 1 },
    start: (self) => {
      log.push(`start ${name}`);
      const child = { id: 'worker', start: (sup: Self) => ({ ok: sup.spawnLink(idle, { name }) }) };
      return startSupervisor(self, { intensity: 0, children: [child] }, { name: `${name}_sup` });
    },
    prepStop: () => {
      log.push(`prepStop ${name}`);
    },
    stop: () => {
      log.push(`stop ${name}`);
    },
  };
}

async function names(test: TestNode): Promise<string[]> {
  return (await whichApplications(test.node)).map(({ name }) => name);
}

/** Ends an application by its worker's crash, which its supervisor does not tolerate. */
async function crash(test: TestNode, name: string): Promise<void> {
  test.kill(name);
  await test.settle();
}

describe('applications', () => {
  it('start in the order of their needs and are listed, the last first', async () => {
    const test = createTestNode();
    const log: string[] = [];
    const base = app('base', [], log);
    const top = app('top', [app('middle', [base], log), base], log);
    expect(await ensureAllStarted(test.node, top)).toEqual({ ok: ['base', 'middle', 'top'] });
    expect(log).toEqual(['start base', 'start middle', 'start top']);
    expect(await names(test)).toEqual(['top', 'middle', 'base']);
    expect(await ensureAllStarted(test.node, top)).toEqual({ ok: [] });
    expectTree(
      test.node,
      `
      application_controller
        application base
          base_sup
            worker
        application middle
          ...
        application top
          ...
    `,
    );
  });

  it('refuse to start before what they need, twice, or unknown', async () => {
    const { node } = createTestNode();
    const base = app('base');
    expect(await startApplication(node, app('top', [base]))).toEqual({ error: { not_started: 'base' } });
    expect(await startApplication(node, base)).toBe('ok');
    expect(await startApplication(node, base)).toEqual({ error: { already_started: 'base' } });
    expect(await startApplication(node, 'top')).toBe('ok');
    expect(await startApplication(node, 'nobody')).toEqual({ error: { not_loaded: 'nobody' } });
    expect(await stopApplication(node, 'nobody')).toEqual({ error: { not_started: 'nobody' } });
  });

  it('stop from the top, with their callbacks around it, and can be started again', async () => {
    const test = createTestNode();
    const log: string[] = [];
    await startApplication(test.node, app('base', [], log));
    expect(await stopApplication(test.node, 'base')).toBe('ok');
    expect(log).toEqual(['start base', 'prepStop base', 'stop base']);
    expect(test.node.registered()).toEqual(['application_controller']);
    expect(await names(test)).toEqual([]);
    expect(await startApplication(test.node, 'base')).toBe('ok');
  });

  it('a failing start leaves nothing, and those started for it are stopped again', async () => {
    const test = createTestNode();
    const broken: ApplicationSpec = {
      name: 'broken',
      applications: [app('base')],
      start: () => ({ error: 'nope' }),
    };
    expect(await ensureAllStarted(test.node, broken)).toEqual({
      error: { application: 'broken', reason: 'nope' },
    });
    expect(await names(test)).toEqual([]);
    const mark = test.mark();
    const throwing: ApplicationSpec = { name: 'throwing', start: (self) => self.exit('why') };
    expect(await startApplication(test.node, throwing)).toEqual({ error: { EXIT: 'why' } });
    await test.settle();
    expect(test.leaks(mark)).toEqual([]);
  });

  it('the end of a temporary one is reported and disturbs nobody', async () => {
    const test = createTestNode();
    await ensureAllStarted(test.node, app('top', [app('base')]));
    await crash(test, 'top');
    expect(await names(test)).toEqual(['base']);
  });

  it('the end of a permanent one stops all others, the last started first; the node lives on', async () => {
    const test = createTestNode();
    const log: string[] = [];
    await startApplication(test.node, app('first', [], log));
    await startApplication(test.node, app('vital', [], log), 'permanent');
    await startApplication(test.node, app('last', [], log));
    log.length = 0;
    await crash(test, 'vital');
    expect(log).toEqual([
      'prepStop vital',
      'stop vital',
      'prepStop last',
      'stop last',
      'prepStop first',
      'stop first',
    ]);
    expect(test.node.registered()).toEqual([]);
    expect(await names(test)).toEqual([]);
    expect(await startApplication(test.node, app('first'))).toBe('ok');
  });

  it('a transient one matters unless its end is normal', async () => {
    const test = createTestNode();
    let end: Pid<unknown> | undefined;
    const ending: ApplicationSpec = {
      name: 'ending',
      start: (self) => {
        end = self.spawnLink(async (own: Self) => {
          await own.receive();
        });
        return { ok: end };
      },
    };
    await startApplication(test.node, app('other'));
    await startApplication(test.node, ending, 'transient');
    if (end !== undefined) test.node.send(end, 'go');
    await test.settle();
    expect(await names(test)).toEqual(['other']);
    await startApplication(test.node, 'ending', 'transient');
    if (end !== undefined) test.kill(end, 'crash');
    await test.settle();
    expect(await names(test)).toEqual([]);
  });

  it('a library application is started in name only', async () => {
    const test = createTestNode();
    expect(await startApplication(test.node, { name: 'library' })).toBe('ok');
    expect(await names(test)).toEqual(['library']);
    expect(await stopApplication(test.node, 'library')).toBe('ok');
  });

  it('settings come from the specification unless set, and go when it is unloaded', async () => {
    const { node } = createTestNode();
    setEnv(node, 'base', 'colour', 'red');
    await loadApplication(node, { name: 'base', env: { colour: 'blue', size: 1 } });
    expect(getAllEnv(node, 'base')).toEqual({ colour: 'red', size: 1 });
    expect(getEnv(node.shell(), 'base', 'size')).toBe(1);
    expect(await unloadApplication(node, 'base')).toBe('ok');
    expect(getEnv(node, 'base', 'size')).toBeUndefined();
    expect(await unloadApplication(node, 'base')).toEqual({ error: { not_loaded: 'base' } });
  });

  it('a specification counts that is given, not one of an earlier start', async () => {
    const { node } = createTestNode();
    const broken: ApplicationSpec = { name: 'base', start: () => ({ error: 'broken' }) };
    expect(await startApplication(node, broken)).toEqual({ error: 'broken' });
    expect(await startApplication(node, app('base'))).toBe('ok');
    expect(node.whereis('base_sup')).toBeDefined();
    expect(await startApplication(node, broken)).toEqual({ error: { already_started: 'base' } });
    expect(await stopApplication(node, 'base')).toBe('ok');
    expect(await startApplication(node, 'base')).toBe('ok');
  });
});
