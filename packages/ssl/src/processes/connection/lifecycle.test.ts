import { describe, expect, it } from 'vitest';
import { arrow, type LifecycleEvent, type LifecycleState } from './lifecycle.js';

/** As ssl's manual tells it: from, event, to. All else is no arrow. */
const arrows: readonly (readonly [LifecycleState, LifecycleEvent, LifecycleState])[] = [
  ['initialHello', 'start', 'loading'],
  ['loading', 'loaded', 'handshaking'],
  ['handshaking', 'paused', 'userHello'],
  ['userHello', 'continue', 'handshaking'],
  ['handshaking', 'established', 'connection'],
  ['connection', 'downgrade', 'downgrade'],
  ...(['initialHello', 'loading', 'handshaking', 'userHello', 'downgrade'] as const).map(
    (from) => [from, 'failed', 'closed'] as const,
  ),
  ...(['initialHello', 'loading', 'handshaking', 'userHello', 'connection', 'downgrade'] as const).map(
    (from) => [from, 'close', 'closed'] as const,
  ),
];
const states: readonly LifecycleState[] = [
  'initialHello',
  'loading',
  'handshaking',
  'userHello',
  'connection',
  'downgrade',
  'closed',
];
const events: readonly LifecycleEvent[] = [
  'start',
  'loaded',
  'paused',
  'continue',
  'established',
  'downgrade',
  'failed',
  'close',
];

describe('the life of a connection', () => {
  for (const state of states)
    for (const event of events) {
      const to = arrows.find(([from, on]) => from === state && on === event)?.[2];
      it(`${state} on ${event}: ${to ?? 'no arrow'}`, () => {
        expect(arrow(state, event)).toBe(to);
        expect(arrow(state, event)).toBe(to);
      });
    }
});
