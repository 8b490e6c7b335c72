/**
 * The handshake machines, without their work: chart and table are made from the same arrows and must answer alike,
 * their paths are the legal flights of RFC 8446 §2, and everything else is an unexpected_message.
 */
import { describe, expect, test } from 'vitest';
import { type AnyMachineSnapshot, type AnyStateMachine, initialTransition, transition } from 'xstate';
import { getSimplePaths } from 'xstate/graph';
import { type Arrow, chart, table } from '../../packages/ssl/src/protocol/arrows.js';
import { clientArrows, clientChart } from '../../packages/ssl/src/protocol/tls13/client.js';
import { serverArrows, serverChart } from '../../packages/ssl/src/protocol/tls13/server.js';
import { handshakeTypes } from '../../packages/ssl/src/values/wire/handshake.js';

interface Dry {
  readonly state: string;
}
/** A message and what the guards are to find in it. */
interface DryEvent {
  readonly type: string;
  readonly labels: readonly string[];
}
type DryArrow = Arrow<Dry, DryEvent, undefined>;

interface Row {
  readonly from: string;
  readonly on: string | undefined;
  readonly guard: string | undefined;
  readonly to: string;
}

/** The same arrows with labels that the event answers and no work. */
function dry(arrows: readonly Row[]): readonly DryArrow[] {
  return arrows.map(({ from, on, guard, to }) => ({
    from,
    on,
    guard,
    to,
    holds: (_data, event) => guard === undefined || event.labels.includes(guard),
    run: () => ({ state: to }),
  }));
}

const events: readonly string[] = [...handshakeTypes, 'verdict', 'signature', 'staple'];

const clientRows: readonly Row[] = clientArrows;
const serverRows: readonly Row[] = serverArrows;

const machines = [
  { name: 'client', arrows: clientRows, initial: 'waitSh', awaiting: ['awaitVerdict', 'awaitSignature'] },
  {
    name: 'server',
    arrows: serverRows,
    initial: 'start',
    awaiting: ['awaitVerdict', 'awaitSignature', 'awaitStaple'],
  },
] as const;

function statesOf(arrows: readonly Row[]): readonly string[] {
  return [...new Set(arrows.flatMap(({ from, to }) => [from, to]))];
}

/** All subsets of the guards' names. */
function labelings(arrows: readonly Row[]): readonly (readonly string[])[] {
  const names = [...new Set(arrows.flatMap(({ guard }) => guard ?? []))];
  return Array.from({ length: 2 ** names.length }, (_, bits) =>
    names.filter((_name, index) => bits & (1 << index)),
  );
}

/** States that the machine stays in. */
function restingStates(arrows: readonly Row[]): readonly string[] {
  return statesOf(arrows).filter(
    (state) => !arrows.some(({ from, on }) => from === state && on === undefined),
  );
}

/** One event for each message and place it can lead to: paths multiply with every event that says the same. */
function distinct(
  machine: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  labelings: readonly (readonly string[])[],
): DryEvent[] {
  const found = new Map<string, DryEvent>();
  for (const type of events) {
    for (const labels of labelings) {
      const [after] = transition(machine, snapshot, { type, labels });
      if (after !== snapshot) found.set(`${type} ${JSON.stringify(after.value)}`, { type, labels });
    }
  }
  return [...found.values()];
}

function dryChart(arrows: readonly Row[], initial: string): AnyStateMachine {
  return chart('dry', dry(arrows), initial, 'connected', []);
}

/** A snapshot of the chart that rests in a state. */
function at(machine: AnyStateMachine, state: string): AnyMachineSnapshot {
  return machine.resolveState({ value: state, context: { data: { state }, context: undefined } });
}

describe.each(machines)('the $name machine', ({ arrows, initial, awaiting }) => {
  const machine = dryChart(arrows, initial);
  const runs = table(dry(arrows), 'connected');

  test('chart and table answer alike in every state, to every message, whatever the guards find', () => {
    let legal = 0;
    for (const state of restingStates(arrows)) {
      for (const type of events) {
        for (const labels of labelings(arrows)) {
          const before = at(machine, state);
          const [after] = transition(machine, before, { type, labels });
          const stepped = runs.step({ state }, { type, labels }, undefined);
          if (stepped === undefined) {
            expect(after, `${state} × ${type}`).toBe(before);
          } else {
            legal += 1;
            expect(after.value, `${state} × ${type} [${labels.join()}]`).toBe(stepped.state);
            expect(after.context.data).toEqual(stepped);
          }
        }
      }
    }
    expect(legal).toBeGreaterThan(10);
  });

  test('the table accepts a message just where the chart has an arrow for it', () => {
    for (const state of restingStates(arrows)) {
      for (const type of events) {
        const drawn = arrows.some(({ from, on }) => from === state && on === type);
        expect(runs.accepts(state, type), `${state} × ${type}`).toBe(drawn);
      }
    }
  });

  test('states that wait for an answer from outside are tagged and take nothing else', () => {
    const real = arrows === machines[0].arrows ? clientChart() : serverChart();
    const tagged = statesOf(arrows).filter((state) => real.states[state]?.tags.includes('awaiting'));
    expect(tagged.sort()).toEqual([...awaiting].sort());
    for (const state of tagged) {
      for (const type of handshakeTypes) expect(runs.accepts(state, type)).toBe(false);
    }
  });

  test('connected is final', () => {
    for (const type of events) expect(runs.accepts('connected', type)).toBe(false);
  });

  test('its paths are the legal flights, written down by hand', () => {
    const guards = labelings(arrows);
    const paths = getSimplePaths(machine, {
      input: { data: { state: initial }, context: undefined },
      events: (snapshot) => distinct(machine, snapshot, guards),
      serializeState: (snapshot) => JSON.stringify(snapshot.value),
      serializeEvent: (event) => JSON.stringify(event),
      toState: (snapshot) => snapshot.status === 'done',
    });
    const walked = new Set(
      paths.map((path) =>
        path.steps
          .map((step) => step.event.type)
          .filter((type) => type !== 'xstate.init')
          .join(' '),
      ),
    );
    const written = arrows === machines[0].arrows ? clientFlights() : serverFlights();
    expect([...walked].sort()).toEqual([...new Set(written)].sort());
  });
});

/** RFC 8446 §2, figures 1 and 2, as a client without PSK sees them, with our questions in between. */
function clientFlights(): readonly string[] {
  const hellos = ['server_hello', 'server_hello server_hello'];
  const requests = ['', ' certificate_request'];
  const signatures = ['', ' signature'];
  return hellos.flatMap((hello) =>
    requests.flatMap((request) =>
      signatures.map(
        (signature) =>
          `${hello} encrypted_extensions${request} certificate verdict certificate_verify finished${signature}`,
      ),
    ),
  );
}

/** The same as a server sees them. */
function serverFlights(): readonly string[] {
  const hellos = ['client_hello', 'client_hello client_hello'];
  const staples = ['', ' staple'];
  const signatures = ['', ' signature'];
  const certificates = ['', ' certificate', ' certificate verdict certificate_verify'];
  return hellos.flatMap((hello) =>
    staples.flatMap((staple) =>
      signatures.flatMap((signature) =>
        certificates.map((certificate) => `${hello}${staple}${signature}${certificate} finished`),
      ),
    ),
  );
}

test('a machine with an arrow into nowhere does not load', () => {
  const lost = dry([{ from: 'a', on: 'x', guard: undefined, to: 'b' }]);
  expect(() => table(lost, 'connected')).toThrow('no way out of b');
});

test('real charts start where their tables start', () => {
  for (const [real, initial] of [
    [clientChart(), 'waitSh'],
    [serverChart(), 'start'],
  ] as const) {
    const [snapshot] = initialTransition(real, { data: { state: initial }, context: undefined });
    expect(snapshot.value).toBe(initial);
  }
});
