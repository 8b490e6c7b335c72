/**
 * A tree of supervisors under random kills, in many seeded schedules: whatever dies when, at rest the tree is
 * whole or gone, and after its end nothing is left. A failing seed replays.
 */
import {
  type ChildSpec,
  countChildren,
  type Self,
  type Strategy,
  startChild,
  startSupervisor,
  whichChildren,
} from '@actor-tls/runtime';
import {
  createTestNode,
  describeTree,
  expectNoLeaks,
  seededRandom,
  type TestNode,
} from '@actor-tls/runtime/testing';
import { expect, it } from 'vitest';
import { report } from '../support/report.js';

const seeds = 300;

/** A worker that sometimes takes its time, and traps exits if told to. */
function worker(name: string, trap: boolean): ChildSpec {
  const body = async (self: Self): Promise<void> => {
    self.trapExit(trap);
    for (;;) {
      const message = await self.receive();
      if (typeof message === 'object' && message !== null && 'type' in message && message.type === 'EXIT')
        return;
    }
  };
  return { id: name, shutdown: 100, start: (self) => ({ ok: self.spawnLink(body, { name, label: name }) }) };
}

function supervisor(name: string, strategy: Strategy, children: readonly ChildSpec[]): ChildSpec {
  const start = (self: Self) =>
    startSupervisor(self, { strategy, intensity: 2, period: 1, children }, { name });
  return { id: name, type: 'supervisor', start };
}

const tree = supervisor('top', 'one_for_one', [
  worker('a', true),
  supervisor('all', 'one_for_all', [worker('b', false), worker('c', true)]),
  supervisor('rest', 'rest_for_one', [
    worker('d', true),
    supervisor('inner', 'one_for_one', [worker('e', false)]),
    worker('f', false),
  ]),
]);

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'all', 'rest', 'inner'];
const whole = [
  'top',
  '  a',
  '  all',
  '    b',
  '    c',
  '  rest',
  '    d',
  '    inner',
  '      e',
  '    f',
].join('\n');

async function run(seed: number): Promise<'whole' | 'gone'> {
  const test: TestNode = createTestNode({ seed });
  const random = seededRandom(seed);
  const mark = test.mark();
  const parent = test.node.shell({ name: 'parent', trapExit: true });
  await tree.start(parent);
  for (let kill = 0; kill < 12; kill++) {
    const reason = random.pick(['kill', 'crash', 'shutdown', 'normal']) ?? 'kill';
    test.killAt(test.slot + 1 + random.below(8), random.pick(names) ?? 'a', reason);
    // Something to do, so that slots go by.
    for (const name of names) if (test.node.whereis(name) !== undefined) test.node.send(name, 'work');
    if (random.below(3) === 0) await test.advance(random.below(700));
  }
  await test.advance(5000);
  const rest = test.node.whereis('top') === undefined ? 'gone' : 'whole';
  if (rest === 'whole') expect(describeTree(test.node, 'top')).toBe(whole);
  const top = test.node.whereis('top');
  if (top !== undefined) parent.exitSignal(top, 'shutdown');
  await test.advance(1000);
  test.kill('parent');
  await test.settle();
  expectNoLeaks(test.node, mark);
  return rest;
}

it(`a supervision tree under kills is whole or gone at rest, in ${seeds} schedules`, async () => {
  const ends = { whole: 0, gone: 0 };
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      ends[await run(seed)] += 1;
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  report('supervision under kills', ends);
  expect(ends.whole).toBeGreaterThan(seeds / 10);
  expect(ends.gone).toBeGreaterThan(0);
});

it('a pool whose children come and go knows exactly the living', async () => {
  const test = createTestNode({ seed: 3, trace: 'off' });
  const random = seededRandom(3);
  const body = async (self: Self): Promise<void> => {
    await self.receive();
  };
  const started = await startSupervisor(test.node, {
    strategy: 'simple_one_for_one',
    intensity: 1_000_000,
    children: [{ id: 'pooled', restart: 'transient', start: (self) => ({ ok: self.spawnLink(body) }) }],
  });
  if (started === 'ignore' || 'error' in started) throw new Error('not started');
  for (let step = 0; step < 3000; step++) {
    const [victim] = test.node.processes().slice(1 + random.below(test.node.processCount));
    if (victim === undefined || random.below(5) < 3) await startChild(test.node, started.ok);
    else test.kill(victim, random.below(2) === 0 ? 'shutdown' : 'crash');
  }
  await test.settle();
  const children = await whichChildren(test.node, started.ok);
  expect(children.length).toBeGreaterThan(500);
  const living = test.node.processes().filter((pid) => pid !== started.ok);
  expect(new Set(children.map(({ child }) => child))).toEqual(new Set(living));
  expect(await countChildren(test.node, started.ok)).toMatchObject({ active: living.length });
});
