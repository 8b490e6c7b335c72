import { expect, test } from 'vitest';
import type { InspectionEvent } from 'xstate';
import { createActor, createMachine, fromCallback, fromTransition } from 'xstate';
import { SystemDoor, stopActor } from './xstate-internals.js';

/** What the runtime relies on beyond xstate's exported types. A failure here means: another xstate. */
function root(): ReturnType<typeof createActor> {
  return createActor(
    fromTransition((events: string[], event: { type: string }) => [...events, event.type], []),
  ).start();
}

test('relay delivers at once and tells inspectors the source', () => {
  const actor = root();
  const seen: InspectionEvent[] = [];
  actor.system.inspect((event) => seen.push(event));
  new SystemDoor(actor.system).relay(actor, actor, { type: 'hello' });
  expect(actor.getSnapshot()).toMatchObject({ context: ['hello'] });
  expect(seen[0]).toMatchObject({
    type: '@xstate.event',
    sourceRef: actor,
    actorRef: actor,
    rootId: actor.sessionId,
  });
});

test('a key finds its actor, cannot be given twice, and is free when dropped', () => {
  const actor = root();
  const other = createActor(
    fromCallback(() => undefined),
    { parent: actor },
  );
  const door = new SystemDoor(actor.system);
  door.setKey('name', actor);
  expect(actor.system.get('name')).toBe(actor);
  expect(actor.system.getAll()).toEqual({ name: actor });
  expect(() => door.setKey('name', other)).toThrow();
  door.dropKey(actor);
  expect(actor.system.get('name')).toBeUndefined();
});

test('a replaced scheduler gets the delays of machines, and cancelAll at their end', () => {
  const actor = root();
  const log: unknown[] = [];
  new SystemDoor(actor.system).replaceScheduler({
    schedule: (source, target, event, delay) =>
      log.push([source === target, event.type.startsWith('xstate.after'), delay]),
    cancel: () => log.push('cancel'),
    cancelAll: () => log.push('cancelAll'),
  });
  const child = createActor(createMachine({ initial: 'a', states: { a: { after: { 100: 'b' } }, b: {} } }), {
    parent: actor,
  });
  child.start();
  stopActor(child);
  expect(log).toEqual([[true, true, 100], 'cancelAll']);
  expect(child.getSnapshot().status).toBe('stopped');
});

test('inspectors are attached through the wrapper', () => {
  const actor = root();
  const door = new SystemDoor(actor.system);
  let attached = 0;
  door.wrapInspect((attach, observer) => {
    attached += 1;
    return attach(observer);
  });
  const seen: InspectionEvent[] = [];
  actor.system.inspect((event) => seen.push(event));
  door.tellInspectors({ type: '@xstate.actor', actorRef: actor });
  expect(attached).toBe(1);
  expect(seen).toEqual([{ type: '@xstate.actor', actorRef: actor, rootId: actor.sessionId }]);
});

test('another kind of system is refused', () => {
  const system = { ...root().system };
  Reflect.deleteProperty(system, '_relay');
  expect(() => new SystemDoor(system)).toThrow('not supported');
});
