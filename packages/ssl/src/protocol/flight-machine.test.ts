import { describe, expect, it } from 'vitest';
import { type FlightEvent, type FlightState, firstWait, flightArrow, longestWait } from './flight-machine.js';

/** RFC 6347 figure 3, as one reads it: from, event, to. */
const figure: readonly (readonly [FlightState, FlightEvent, FlightState])[] = [
  ['preparing', 'ready', 'sending'],
  ['sending', 'sent', 'waiting'],
  ['sending', 'sentLast', 'finished'],
  ['waiting', 'answered', 'preparing'],
  ['waiting', 'timeout', 'sending'],
  ['waiting', 'repeated', 'sending'],
  ['waiting', 'done', 'finished'],
  ['preparing', 'done', 'finished'],
  ['finished', 'repeated', 'sending'],
];
const states: readonly FlightState[] = ['preparing', 'sending', 'waiting', 'finished'];
const events: readonly FlightEvent[] = [
  'ready',
  'sent',
  'sentLast',
  'answered',
  'timeout',
  'repeated',
  'done',
];

describe('the machine of flights (RFC 6347 §4.2.4)', () => {
  it('has the arrows of the figure, and no others', () => {
    for (const state of states)
      for (const event of events) {
        const drawn = figure.find(([from, on]) => from === state && on === event);
        expect([state, event, flightArrow(state, event)]).toEqual([state, event, drawn?.[2]]);
      }
  });

  it('waits a second at first, and a minute at most (§4.2.4.1)', () => {
    expect([firstWait, longestWait]).toEqual([1000, 60_000]);
  });
});
