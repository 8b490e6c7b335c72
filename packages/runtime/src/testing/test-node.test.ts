import { describe, expect, it } from 'vitest';
import { type Pid, type Self, startSupervisor } from '../index.js';
import { createTestNode, describeTree, expectNoLeaks, expectTree, type TestNode } from './index.js';

type Ball = { readonly type: 'ball'; readonly left: number };

/** Three pairs that play ping-pong with pauses: enough for orders to differ. */
async function play(test: TestNode): Promise<string> {
  const order: string[] = [];
  for (const pair of [1, 2, 3]) {
    const player = async (self: Self<Ball>): Promise<void> => {
      for (;;) {
        const { left } = await self.receive();
        order.push(`${pair}:${left}`);
        if (left > 0) self.sendAfter(left % 2, self.pid, { type: 'ball', left: left - 1 });
      }
    };
    test.node.send(test.node.spawn<Ball>(player), { type: 'ball', left: 10 });
  }
  await test.advance(100);
  return order.join(' ');
}

const idle = async (self: Self): Promise<void> => {
  await self.receive(() => false);
};

describe('a test node', () => {
  it('refuses a fault in a slot that will not come, and a time that is none', async () => {
    const test = createTestNode();
    test.node.spawn(idle, { name: 'w' });
    await test.settle();
    expect(() => test.killAt(test.slot, 'w')).toThrow(RangeError);
    expect(() => test.killAt(Number.NaN, 'w')).toThrow(RangeError);
    await expect(test.advance(Number.NaN)).rejects.toThrow(/no duration/);
    await expect(test.advance(-1)).rejects.toThrow(/no duration/);
    expect(test.clock.now()).toBe(0);
    test.killAt(test.slot + 1, 'w');
    test.node.spawn(idle);
    await test.settle();
    expect(test.node.whereis('w')).toBeUndefined();
  });

  it('runs the same for the same seed, and otherwise for another', async () => {
    const [first, second, other] = [
      createTestNode({ seed: 1 }),
      createTestNode({ seed: 1 }),
      createTestNode({ seed: 2 }),
    ];
    const results = [await play(first), await play(second), await play(other)];
    expect(results[1]).toBe(results[0]);
    expect(second.trace).toEqual(first.trace);
    expect(first.trace.length).toBeGreaterThan(30);
    expect(results[2]).not.toBe(results[0]);
  });

  it('takes no time: an hour of timers is over at once, each at its own time', async () => {
    const test = createTestNode({ trace: 'off' });
    const times: number[] = [];
    test.node.spawn(async (self: Self) => {
      for (;;) {
        await self.receive(() => false, { after: 60_000 });
        times.push(test.clock.now());
      }
    });
    await test.advance(3_600_000);
    expect(times).toEqual(Array.from({ length: 60 }, (_, minute) => (minute + 1) * 60_000));
  });

  it('kills by name at the chosen slot, whoever bears the name then', async () => {
    const slots = async (at: number | undefined): Promise<TestNode> => {
      const test = createTestNode({ seed: 5 });
      const children = [{ id: 'w', start: (self: Self) => ({ ok: self.spawnLink(idle, { name: 'w' }) }) }];
      if (at !== undefined) test.killAt(at, 'w');
      await startSupervisor(test.node, { intensity: 10, children });
      await play(test);
      return test;
    };
    const undisturbed = await slots(undefined);
    const disturbed = await slots(12);
    const kill = disturbed.trace.find(({ event }) => event.startsWith('kill'));
    expect(kill).toMatchObject({ slot: 12, event: 'kill w' });
    expect(disturbed.node.whereis('w')?.serial).not.toBe(undisturbed.node.whereis('w')?.serial);
    expect((await slots(12)).trace).toEqual(disturbed.trace);
  });

  it('records messages with their senders when asked to', async () => {
    const test = createTestNode({ trace: 'messages' });
    const to = test.node.spawn(idle, { name: 'to' });
    test.node.spawn((self: Self) => self.send(to, { type: 'hello' }), { label: 'from' });
    await test.settle();
    expect(test.traceText()).toMatch(/<0\.2\.0> from sends <0\.1\.0> to hello/);
  });

  it('says who is busy when processes never come to rest', async () => {
    const test = createTestNode({ maxSlots: 5_000 });
    const players: Pid<Ball>[] = [];
    const forEver = async (self: Self<Ball>): Promise<void> => {
      for (;;) {
        const ball = await self.receive();
        for (const player of players) if (player !== self.pid) self.send(player, ball);
      }
    };
    players.push(test.node.spawn(forEver, { label: 'ping' }), test.node.spawn(forEver, { label: 'pong' }));
    for (const player of players) test.node.send(player, { type: 'ball', left: 0 });
    await expect(test.settle()).rejects.toThrow(/no rest within 5000 slots; still runnable: .*p[io]ng/);
  });
});

describe('the leak check', () => {
  it('names processes, names, timers and resources that are left, and nothing once they are gone', async () => {
    const test = createTestNode();
    test.node.spawn(idle, { name: 'before' });
    await test.settle();
    const mark = test.mark();
    const pid = test.node.spawn(
      async (self: Self) => {
        self.own({}, () => undefined);
        await self.receive(() => false, { after: 1000 });
      },
      { name: 'late' },
    );
    await test.settle();
    expect(test.leaks(mark)).toEqual([
      `process ${pid} late, waiting`,
      `1 resources owned by ${pid}`,
      'name late',
      '1 timers of the node',
    ]);
    expect(() => expectNoLeaks(test.node, mark)).toThrow(/left behind:\n {2}process <0\.2\.0> late/);
    test.kill('late');
    await test.settle();
    expectNoLeaks(test.node, mark);
  });
});

describe('expectTree', () => {
  async function tree(): Promise<TestNode> {
    const test = createTestNode();
    const worker = (self: Self): { ok: Pid } => ({ ok: self.spawnLink(idle, { label: 'connection' }) });
    const started = await startSupervisor(
      test.node,
      {
        children: [
          { id: 'cache', start: worker },
          { id: 'off', start: () => 'ignore' },
          {
            id: 'pool',
            type: 'supervisor',
            start: (self) =>
              startSupervisor(self, { children: ['a', 'b'].map((id) => ({ id, start: worker })) }),
          },
        ],
      },
      { name: 'top' },
    );
    if (started === 'ignore' || 'error' in started) throw new Error('not started');
    return test;
  }

  it('passes for the text that describeTree gives', async () => {
    const { node } = await tree();
    const text = describeTree(node, 'top');
    expect(text.split('\n')).toEqual(['top', '  cache', '  off (stopped)', '  pool', '    a', '    b']);
    expectTree(node, text);
  });

  it('shows what differs, line by line', async () => {
    const { node } = await tree();
    const expected = ['top', '  cache', '  pool', '    a', '    c'].join('\n');
    expect(() => expectTree(node, expected)).toThrow(
      [
        '  top',
        '    cache',
        '-   pool',
        '-     a',
        '-     c',
        '+   off (stopped)',
        '+   pool',
        '+     a',
        '+     b',
      ].join('\n'),
    );
    expect(() => expectTree(node, 'nobody')).toThrow('- nobody\n  (there are: top, cache, off, pool, a, b)');
  });

  it('... stands for further brothers', async () => {
    const { node } = await tree();
    expectTree(node, 'top\n  cache\n  ...');
    expectTree(node, 'pool\n  ...');
    expect(() => expectTree(node, 'top\n  nobody\n  ...')).toThrow('-   nobody');
  });

  it('counts children that are alike', async () => {
    const test = createTestNode();
    const parent = async (self: Self): Promise<void> => {
      for (let n = 0; n < 3; n++) self.spawnLink(idle, { label: 'connection' });
      await self.receive();
    };
    test.node.spawn(parent, { name: 'acceptor' });
    await test.settle();
    expectTree(test.node, 'acceptor\n  connection × 3');
    expect(() => expectTree(test.node, 'acceptor\n  connection × 2')).toThrow('+   connection × 3');
  });
});
