import { describe, expect, it } from 'vitest';
import { Lifecycle, type LifecycleEvent, type LifecycleState } from './lifecycle.js';

/** Contract §5.3, as ssl's manual tells it: from, event, to. All else is no arrow. */
const arrows: readonly (readonly [LifecycleState, LifecycleEvent['type'], LifecycleState])[] = [
  ['initialHello', 'start', 'handshaking'],
  ['handshaking', 'paused', 'userHello'],
  ['userHello', 'continue', 'handshaking'],
  ['handshaking', 'established', 'connection'],
  ['connection', 'downgrade', 'downgrade'],
  ...(['initialHello', 'handshaking', 'userHello', 'connection', 'downgrade'] as const).flatMap((from) => [
    [from, 'failed', 'closed'] as const,
    [from, 'close', 'closed'] as const,
  ]),
];
const events: readonly LifecycleEvent['type'][] = [
  'start',
  'paused',
  'continue',
  'established',
  'downgrade',
  'failed',
  'close',
];
/** How each state is reached. */
const ways: Readonly<Record<LifecycleState, readonly LifecycleEvent['type'][]>> = {
  initialHello: [],
  handshaking: ['start'],
  userHello: ['start', 'paused'],
  connection: ['start', 'established'],
  downgrade: ['start', 'established', 'downgrade'],
  closed: ['close'],
};

function inState(state: LifecycleState): Lifecycle {
  const lifecycle = new Lifecycle();
  for (const event of ways[state]) lifecycle.go(event);
  expect(lifecycle.state).toBe(state);
  return lifecycle;
}

describe('the life of a connection', () => {
  for (const state of Object.keys(ways) as LifecycleState[])
    for (const event of events) {
      const to = arrows.find(([from, on]) => from === state && on === event)?.[2];
      it(`${state} on ${event}: ${to ?? 'no arrow'}`, () => {
        const lifecycle = inState(state);
        expect(lifecycle.go(event)).toBe(to !== undefined);
        expect(lifecycle.state).toBe(to ?? state);
      });
    }
});
