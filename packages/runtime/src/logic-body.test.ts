import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InspectionEvent } from 'xstate';
import {
  assign,
  createMachine,
  fromCallback,
  fromPromise,
  fromTransition,
  sendParent,
  sendTo,
  setup,
} from 'xstate';
import type { ProcessSnapshot } from './actor-face.js';
import { Crash, Exit } from './exit.js';
import { fromProcess } from './from-process.js';
import { startGenServer } from './gen-server.js';
import { hostLogic } from './logic-body.js';
import { Process } from './process.js';
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

async function endOf(ref: object): Promise<unknown> {
  const down = await shell.receive({ type: 'DOWN', ref });
  return down['reason'];
}

function snapshotOf(pid: unknown): Record<string, unknown> {
  if (!(pid instanceof Process)) throw new Error('not a process');
  return { ...pid.getSnapshot() };
}

const lamp = createMachine({
  id: 'lamp',
  initial: 'off',
  context: { switched: 0 },
  states: {
    off: {
      on: { toggle: { target: 'on', actions: assign({ switched: ({ context }) => context.switched + 1 }) } },
    },
    on: { on: { toggle: 'off', smash: 'broken' }, after: { 1000: 'off' } },
    broken: { type: 'final' },
  },
});

describe('a machine as a process', () => {
  test('takes messages as events and shows its state', async () => {
    const pid = shell.spawn(hostLogic(lamp));
    await kit.settle();
    expect(snapshotOf(pid)).toMatchObject({ value: 'off' });
    shell.send(pid, { type: 'toggle' });
    expect(snapshotOf(pid)).toMatchObject({ value: 'off' });
    await kit.settle();
    expect(snapshotOf(pid)).toMatchObject({ value: 'on', context: { switched: 1 } });
    expect(kit.node.processInfo(pid)).toMatchObject({ kind: 'lamp', context: { switched: 1 } });
  });

  test('its after runs on the clock of the node and dies with the process', async () => {
    const pid = shell.spawn(hostLogic(lamp));
    shell.send(pid, { type: 'toggle' });
    await kit.advance(999);
    expect(snapshotOf(pid)).toMatchObject({ value: 'on' });
    await kit.advance(1);
    expect(snapshotOf(pid)).toMatchObject({ value: 'off' });
    shell.send(pid, { type: 'toggle' });
    await kit.settle();
    expect(kit.node.delayedEvents.count).toBe(1);
    kit.node.exit(pid, 'kill');
    expect(kit.node.delayedEvents.count).toBe(0);
    expect(kit.node.timers.count).toBe(0);
  });

  test('a final state ends it normally, or with the reason of an Exit as output', async () => {
    const { pid, ref } = shell.spawnMonitor(hostLogic(lamp));
    shell.send(pid, { type: 'toggle' });
    shell.send(pid, { type: 'smash' });
    expect(await endOf(ref)).toBe('normal');
    const failing = createMachine({
      initial: 'end',
      states: { end: { type: 'final' } },
      output: new Exit('no luck'),
    });
    expect(await endOf(shell.spawnMonitor(hostLogic(failing)).ref)).toBe('no luck');
  });

  test('an action that throws ends it with the error', async () => {
    const error = new Error('in an action');
    const machine = createMachine({
      on: {
        go: {
          actions: () => {
            throw error;
          },
        },
      },
    });
    const { pid, ref } = shell.spawnMonitor(hostLogic(machine));
    shell.send(pid, { type: 'go' });
    const reason = await endOf(ref);
    expect(reason).toBeInstanceOf(Crash);
    expect(reason).toMatchObject({ error });
    expect(snapshotOf(pid)).toMatchObject({ status: 'error', error });
  });

  test('initial actions run once it has started, and may throw', async () => {
    const machine = createMachine({
      entry: () => {
        throw new Error('at entry');
      },
    });
    expect(await endOf(shell.spawnMonitor(hostLogic(machine)).ref)).toMatchObject({
      error: { message: 'at entry' },
    });
  });

  test('gets EXIT and DOWN as events, and answers calls', async () => {
    const machine = createMachine({
      context: { downs: 0 },
      on: {
        DOWN: { actions: assign({ downs: ({ context }) => context.downs + 1 }) },
        $gen_call: { actions: ({ event, context }) => event['reply'](context.downs) },
      },
    });
    const pid = shell.spawn(hostLogic(machine));
    shell.send(pid, { type: 'DOWN' });
    expect(await shell.call(pid, 'how many')).toBe(1);
  });

  test('sends to registered processes through the system, and to its parent', async () => {
    shell.register('shell');
    const machine = createMachine({
      entry: [
        sendParent({ type: 'to parent' }),
        sendTo(({ system }) => system.get('shell'), { type: 'to name' }),
      ],
    });
    shell.spawn(hostLogic(machine));
    await kit.settle();
    expect(shell.flush()).toEqual([{ type: 'to parent' }, { type: 'to name' }]);
  });

  test('its input, subscribers and emitted events are xstate’s', async () => {
    const machine = setup({
      types: {
        input: {} as { n: number },
        context: {} as { n: number },
        emitted: {} as { type: 'grown'; n: number },
      },
    }).createMachine({
      context: ({ input }) => ({ n: input.n }),
      on: {
        grow: {
          actions: [
            assign({ n: ({ context }) => context.n + 1 }),
            ({ context, self }) => void [context, self],
          ],
        },
      },
    });
    const pid = shell.spawn(hostLogic(machine, { input: { n: 5 } }));
    if (!(pid instanceof Process)) throw new Error();
    const countIn = ({ context }: ProcessSnapshot): number =>
      typeof context === 'object' && context !== null && 'n' in context ? Number(context.n) : Number.NaN;
    const seen: unknown[] = [];
    const done: string[] = [];
    pid.subscribe({
      next: (snapshot) => seen.push(countIn(snapshot)),
      complete: () => done.push('complete'),
    });
    const selected: unknown[] = [];
    pid.select((snapshot) => countIn(snapshot) > 6).subscribe((big) => selected.push(big));
    for (let i = 0; i < 3; i += 1) pid.send({ type: 'grow' });
    expect(seen).toEqual([]);
    await kit.settle();
    expect(seen).toEqual([5, 6, 7, 8]);
    expect(selected).toEqual([true]);
    kit.node.exit(pid, 'shutdown');
    expect(done).toEqual([]);
    await kit.settle();
    expect(done).toEqual(['complete']);
  });
});

describe('other logic as a process', () => {
  test('fromPromise ends normally with its output, or with its error', async () => {
    const good = shell.spawnMonitor(hostLogic(fromPromise(async () => 42)));
    expect(await endOf(good.ref)).toBe('normal');
    expect(snapshotOf(good.pid)).toMatchObject({ status: 'done', output: 42 });
    const bad = shell.spawnMonitor(
      hostLogic(
        fromPromise(async () => {
          throw new Error('no');
        }),
      ),
    );
    expect(await endOf(bad.ref)).toMatchObject({ error: { message: 'no' } });
  });

  test('fromTransition keeps its state', async () => {
    const pid = shell.spawn(hostLogic(fromTransition((n: number, _event: { type: 'inc' }) => n + 1, 0)));
    for (let i = 0; i < 3; i += 1) shell.send(pid, { type: 'inc' });
    await kit.settle();
    expect(snapshotOf(pid)).toMatchObject({ context: 3 });
  });

  test('fromCallback is torn down when its process is killed', async () => {
    const log: string[] = [];
    const pid = shell.spawn(
      hostLogic(
        fromCallback(() => {
          log.push('up');
          return () => log.push('down');
        }),
      ),
    );
    await kit.settle();
    kit.node.exit(pid, 'kill');
    expect(log).toEqual(['up']);
    await kit.settle();
    expect(log).toEqual(['up', 'down']);
  });
});

describe('parts and processes inside a machine', () => {
  test('a promise is a part: its result is an event, and it is stopped with the process', async () => {
    const log: string[] = [];
    const machine = createMachine({
      initial: 'busy',
      states: {
        busy: { invoke: { src: fromPromise(async () => 'result'), onDone: 'waiting' } },
        waiting: {
          invoke: {
            src: fromCallback(() => {
              log.push('up');
              return () => log.push('down');
            }),
          },
        },
      },
    });
    const pid = shell.spawn(hostLogic(machine));
    await kit.settle();
    expect(snapshotOf(pid)).toMatchObject({ value: 'waiting' });
    kit.node.exit(pid, 'kill');
    await kit.settle();
    expect(log).toEqual(['up', 'down']);
  });

  test('a machine invokes a process, gets its messages and its result', async () => {
    const worker = fromProcess((input: { n: number; home: Self }) => async (self: Self) => {
      const message = await self.receive();
      input.home.send(input.home.pid, { type: 'seen', message, n: input.n });
      return input.n * 2;
    });
    const machine = createMachine({
      initial: 'working',
      context: { result: undefined },
      states: {
        working: {
          invoke: {
            id: 'worker',
            src: worker,
            input: { n: 21, home: shell },
            onDone: { target: 'done', actions: assign({ result: ({ event }) => event.output }) },
          },
          on: { go: { actions: sendTo('worker', { type: 'work' }) } },
        },
        done: {},
      },
    });
    const pid = shell.spawn(hostLogic(machine));
    await kit.settle();
    const child = kit.node.processInfo(pid)?.links[0];
    expect(child && kit.node.processInfo(child)?.parent).toBe(pid);
    shell.send(pid, { type: 'go' });
    await kit.settle();
    expect(shell.flush()).toEqual([{ type: 'seen', message: { type: 'work' }, n: 21 }]);
    expect(snapshotOf(pid)).toMatchObject({ value: 'done', context: { result: 42 } });
    expect(kit.node.isAlive(pid)).toBe(true);
  });

  const crashing = fromProcess(() => async (self: Self) => {
    await self.receive();
    throw new Error('worker broke');
  });

  test('the crash of an invoked process is an error that the machine may handle', async () => {
    const machine = createMachine({
      initial: 'working',
      states: {
        working: {
          invoke: { id: 'w', src: crashing, onError: 'failed' },
          on: { go: { actions: sendTo('w', { type: 'x' }) } },
        },
        failed: {},
      },
    });
    const pid = shell.spawn(hostLogic(machine));
    shell.send(pid, { type: 'go' });
    await kit.settle();
    expect(snapshotOf(pid)).toMatchObject({ value: 'failed' });
  });

  test('one that it does not handle is its own end, with the same reason', async () => {
    const machine = createMachine({
      invoke: { id: 'w', src: crashing },
      on: { go: { actions: sendTo('w', { type: 'x' }) } },
    });
    const { pid, ref } = shell.spawnMonitor(hostLogic(machine));
    shell.send(pid, { type: 'go' });
    expect(await endOf(ref)).toMatchObject({ error: { message: 'worker broke' } });
  });

  test('an invoked process ends when its state is left, and when its machine dies', async () => {
    const idle = fromProcess(() => async (self: Self) => {
      await self.receive();
    });
    const machine = createMachine({
      initial: 'a',
      states: { a: { invoke: { src: idle }, on: { next: 'b' } }, b: { invoke: { src: idle } } },
    });
    const pid = shell.spawn(hostLogic(machine));
    await kit.settle();
    const first = kit.node.processInfo(pid)?.links[0];
    shell.send(pid, { type: 'next' });
    await kit.settle();
    const second = kit.node.processInfo(pid)?.links[0];
    expect(first && kit.node.isAlive(first)).toBe(false);
    expect(second && kit.node.isAlive(second)).toBe(true);
    kit.node.exit(pid, 'kill');
    expect(second && kit.node.isAlive(second)).toBe(false);
  });
});

describe('inspection', () => {
  test('a late inspector is shown the actors that live already', async () => {
    const pid = shell.spawn(
      hostLogic(createMachine({ invoke: { id: 'part', src: fromCallback(() => undefined) } })),
    );
    await kit.settle();
    const seen: string[] = [];
    kit.node.system.inspect((event) => {
      if (event.type === '@xstate.actor') seen.push(event.actorRef.sessionId);
    });
    expect(seen).toContain(shell.pid.id);
    expect(seen).toContain(pid.id);
    expect(seen.some((id) => id.startsWith('x:'))).toBe(true);
  });

  test('an inspector sees spawns, messages with their source, and states after them; none after it left', async () => {
    const events: InspectionEvent[] = [];
    const subscription = kit.node.system.inspect((event) => events.push(event));
    events.length = 0;
    const pid = shell.spawn(hostLogic(lamp));
    shell.send(pid, { type: 'toggle' });
    await kit.settle();
    const types = events.filter((event) => event.actorRef.sessionId === pid.id).map((event) => event.type);
    expect(types).toEqual(expect.arrayContaining(['@xstate.actor', '@xstate.event', '@xstate.snapshot']));
    const sent = events.find(
      (event) => event.type === '@xstate.event' && event.actorRef.sessionId === pid.id,
    );
    expect(sent).toMatchObject({
      sourceRef: shell.pid,
      event: { type: 'toggle' },
      rootId: kit.node.root.sessionId,
    });
    subscription.unsubscribe();
    events.length = 0;
    shell.send(pid, { type: 'toggle' });
    await kit.settle();
    expect(events).toEqual([]);
  });

  test('an inspector or observer that throws disturbs nobody', async () => {
    kit.node.system.inspect(() => {
      throw new Error('inspector');
    });
    const pid = shell.spawn(hostLogic(lamp));
    if (!(pid instanceof Process)) throw new Error();
    pid.subscribe(() => {
      throw new Error('observer');
    });
    shell.send(pid, { type: 'toggle' });
    await kit.settle();
    expect(snapshotOf(pid)).toMatchObject({ value: 'on' });
  });

  test('an inspector sees what no process sends with `send`: I/O turns, timers, exits, ends', async () => {
    const server = await startGenServer<number, number>(
      shell,
      { init: (_self, n) => ({ ok: n }), handleInfo: (_message, n) => ({ noreply: n, timeout: 5 }) },
      1,
      { link: false },
    );
    if (server === 'ignore' || 'error' in server) throw new Error('not started');
    const pid = server.ok;
    await kit.settle();
    const seen: string[] = [];
    kit.node.system.inspect((event) => {
      const to = event.actorRef.sessionId;
      if (event.type === '@xstate.event')
        seen.push(`${event.sourceRef?.sessionId ?? 'outside'} → ${to} ${event.event.type}`);
      if (event.type === '@xstate.snapshot' && 'event' in event) seen.push(`${to} after ${event.event.type}`);
    });
    const chunk = (): void => undefined;
    kit.node.ioTurn(pid, chunk, undefined, undefined);
    expect(seen).toEqual([`outside → ${pid} $io`, `${pid} after $io`]);

    seen.length = 0;
    shell.sendAfter(10, pid, { type: 'later' });
    kit.node.sendAfter(20, pid, { type: 'from nobody' });
    await kit.advance(25);
    expect(seen).toEqual([
      `${shell.pid} → ${pid} later`,
      `${pid} after later`,
      `${pid} → ${pid} timeout`,
      `${pid} after timeout`,
      `outside → ${pid} from nobody`,
      `${pid} after from nobody`,
      `${pid} → ${pid} timeout`,
      `${pid} after timeout`,
    ]);

    shell.monitor(pid);
    shell.trapExit(true);
    shell.link(pid);
    seen.length = 0;
    kit.kill(pid, 'enough');
    await kit.settle();
    expect(seen).toEqual([`${pid} → ${shell.pid} EXIT`, `${pid} → ${shell.pid} DOWN`, `${pid} after exit`]);
  });

  test('an observer of a gen-server hears of its direct turns', async () => {
    const server = await startGenServer<number, number>(shell, { init: (_self, n) => ({ ok: n }) }, 1);
    if (server === 'ignore' || 'error' in server || !(server.ok instanceof Process)) throw new Error();
    await kit.settle();
    const contexts: unknown[] = [];
    server.ok.subscribe((snapshot) => contexts.push('context' in snapshot ? snapshot.context : undefined));
    kit.node.ioTurn(server.ok, () => ({ noreply: 2 }), undefined, undefined);
    expect(contexts).toEqual([2]);
  });
});
