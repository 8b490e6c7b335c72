/**
 * The handshake machines, without their work: chart and table are made from the same arrows and must answer alike,
 * their paths are the legal flights of RFC 8446 §2, and everything else is an unexpected_message.
 */
import { describe, expect, test } from 'vitest';
import { type AnyMachineSnapshot, type AnyStateMachine, initialTransition, transition } from 'xstate';
import { getSimplePaths } from 'xstate/graph';
import { type Arrow, table } from '../../packages/ssl/src/protocol/arrows.js';
import { chart } from '../../packages/ssl/src/protocol/chart.js';
import { client12Arrows, client12Chart } from '../../packages/ssl/src/protocol/tls12/client.js';
import { server12Arrows, server12Chart } from '../../packages/ssl/src/protocol/tls12/server.js';
import { clientArrows, clientChart } from '../../packages/ssl/src/protocol/tls13/client.js';
import { serverArrows, serverChart } from '../../packages/ssl/src/protocol/tls13/server.js';
import { tls12Messages } from '../../packages/ssl/src/values/wire/tls12-messages.js';
import { handshakeTypes } from '../../packages/ssl/src/values/wire/tls13-messages.js';

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

/** All messages of all versions: those of another are as illegal as those that come too early. */
const messages: readonly string[] = [...new Set([...handshakeTypes, ...tls12Messages.types])];
const events: readonly string[] = [
  ...messages,
  'change_cipher_spec',
  'verdict',
  'signature',
  'staple',
  'psk',
  'user',
  'session',
  'ticket',
];

interface Machine {
  readonly name: string;
  readonly arrows: readonly Row[];
  readonly initial: string;
  readonly awaiting: readonly string[];
  readonly chart: () => AnyStateMachine;
  readonly flights: () => readonly string[];
}

const machines: readonly Machine[] = [
  {
    name: 'TLS 1.3 client',
    arrows: clientArrows,
    initial: 'waitSh',
    awaiting: ['awaitVerdict', 'awaitSignature'],
    chart: clientChart,
    flights: clientFlights,
  },
  {
    name: 'TLS 1.3 server',
    arrows: serverArrows,
    initial: 'start',
    awaiting: ['awaitVerdict', 'awaitSignature', 'awaitStaple', 'awaitPsk'],
    chart: serverChart,
    flights: serverFlights,
  },
  {
    name: 'TLS 1.2 client',
    arrows: client12Arrows,
    initial: 'waitSh',
    awaiting: [
      ...['awaitVerdict', 'awaitVerdictWithKeys', 'awaitVerdictWithRequest', 'awaitVerdictWithDone'],
      ...['awaitUser', 'awaitSignature'],
    ],
    chart: client12Chart,
    flights: client12Flights,
  },
  {
    name: 'TLS 1.2 server',
    arrows: server12Arrows,
    initial: 'start',
    awaiting: [
      ...['awaitVerdict', 'awaitSignature', 'awaitStaple', 'awaitUser', 'awaitKey'],
      ...['awaitSession', 'awaitTicket'],
    ],
    chart: server12Chart,
    flights: server12Flights,
  },
];

function statesOf(arrows: readonly Row[]): readonly string[] {
  return [...new Set(arrows.flatMap(({ from, to }) => [from, to]))];
}

/** The arrows that one message can set in motion: those out of a state, and on from where they lead without another. */
function within(arrows: readonly Row[], state: string): readonly Row[] {
  const found = arrows.filter(({ from, on }) => from === state && on !== undefined);
  for (const { to } of found) {
    found.push(
      ...arrows.filter((arrow) => arrow.from === to && arrow.on === undefined && !found.includes(arrow)),
    );
  }
  return found;
}

/** All subsets of the guards' names that matter in a state. */
function labelings(arrows: readonly Row[], state: string): readonly (readonly string[])[] {
  const names = [...new Set(within(arrows, state).flatMap(({ guard }) => guard ?? []))];
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

describe.each(machines)('the $name machine', ({ arrows, initial, awaiting, chart: realChart, flights }) => {
  const machine = dryChart(arrows, initial);
  const runs = table(dry(arrows), 'connected');

  test('chart and table answer alike in every state, to every message, whatever the guards find', () => {
    let legal = 0;
    for (const state of restingStates(arrows)) {
      for (const type of events) {
        for (const labels of labelings(arrows, state)) {
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
    const real = realChart();
    const tagged = statesOf(arrows).filter((state) => real.states[state]?.tags.includes('awaiting'));
    expect(tagged.sort()).toEqual([...awaiting].sort());
    for (const state of tagged) {
      for (const type of messages) expect(runs.accepts(state, type)).toBe(false);
    }
  });

  test('connected is final', () => {
    for (const type of events) expect(runs.accepts('connected', type)).toBe(false);
  });

  test('its paths are the legal flights, written down by hand', () => {
    const paths = getSimplePaths(machine, {
      input: { data: { state: initial }, context: undefined },
      events: (snapshot) => distinct(machine, snapshot, labelings(arrows, String(snapshot.value))),
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
    expect([...walked].sort()).toEqual([...new Set(flights())].sort());
  });
});

/** RFC 8446 §2, figures 1 to 4, as a client sees them, with our questions in between. */
function clientFlights(): readonly string[] {
  const hellos = ['server_hello', 'server_hello server_hello'];
  const requests = ['', ' certificate_request'];
  const signatures = ['', ' signature'];
  // RFC 8879 §4
  const certificates = requests.flatMap((request) =>
    ['certificate', 'compressed_certificate'].map(
      (certificate) => `${request} ${certificate} verdict certificate_verify`,
    ),
  );
  // Under a key nobody asks for a certificate and nobody shows one.
  const proofs = ['', ...certificates];
  return hellos.flatMap((hello) =>
    proofs.flatMap((proof) =>
      signatures.map((signature) => `${hello} encrypted_extensions${proof} finished${signature}`),
    ),
  );
}

/** The same as a server sees them. Early data, which is no message, may come before end_of_early_data. */
function serverFlights(): readonly string[] {
  const hellos = ['client_hello', 'client_hello client_hello'];
  const staples = ['', ' staple'];
  const signatures = ['', ' signature'];
  const shown = ['certificate', 'compressed_certificate'];
  const certificates = [
    '',
    ...shown.flatMap((certificate) => [` ${certificate}`, ` ${certificate} verdict certificate_verify`]),
  ];
  const keys = ['', ' psk'];
  const ownCertificates = staples.flatMap((staple) => signatures.map((signature) => `${staple}${signature}`));
  const full = ownCertificates.flatMap((own) => certificates.map((certificate) => `${own}${certificate}`));
  // That early data ends with a HelloRetryRequest (§4.2.10) is a matter of its guard, as the labels here are not.
  const underKey = ['', ' end_of_early_data'];
  return hellos.flatMap((hello) =>
    keys.flatMap((key) => [...full, ...underKey].map((rest) => `${hello}${key}${rest} finished`)),
  );
}

/**
 * RFC 5246 §7.3, figure 1, RFC 6066 §8 and RFC 4279 §2, as a client sees them, with our questions in between. Which suite has
 * which is a matter of guards, as the labels here are not.
 */
function client12Flights(): readonly string[] {
  const keys = 'server_key_exchange';
  // A certificate, judged, and what the server says of its keys: before the verdict, after it, or nothing.
  const judged = ['certificate', 'certificate certificate_status'].flatMap((shown) => [
    `${shown} verdict ${keys}`,
    `${shown} verdict`,
  ]);
  const servers = [...judged, `certificate ${keys} verdict`, keys];
  const ends = (server: string): string[] => [
    `${server} server_hello_done`,
    `${server} server_hello_done user`,
    `${server} certificate_request server_hello_done`,
    `${server} certificate_request server_hello_done signature`,
  ];
  const flights = [
    ...servers.flatMap(ends),
    // What comes in place of a status waits for the verdict.
    'certificate certificate_request verdict server_hello_done',
    'certificate certificate_request verdict server_hello_done signature',
    'certificate server_hello_done verdict',
    'certificate server_hello_done verdict user',
    // A key that both had before, of a server that shows nothing and says nothing.
    'server_hello_done user',
  ];
  // RFC 5077 §3.1: a ticket goes in front of the server's change_cipher_spec, in both kinds of handshakes.
  const tickets = ['', ' new_session_ticket'];
  const full = flights.map((flight) => `server_hello ${flight}`);
  // Figure 2.
  return ['server_hello', ...full].flatMap((flight) =>
    tickets.map((ticket) => `${flight}${ticket} change_cipher_spec finished`),
  );
}

/** The same as a server sees them. */
function server12Flights(): readonly string[] {
  const users = ['', ' user'];
  const staples = ['', ' staple'];
  const signatures = ['', ' signature'];
  const exchanges = [
    'client_key_exchange',
    'client_key_exchange user',
    'certificate client_key_exchange',
    'certificate client_key_exchange user',
    'certificate verdict client_key_exchange certificate_verify',
  ];
  // A session that is looked for and not found.
  const sessions = ['', ' session'];
  const tickets = ['', ' ticket'];
  // What the client has chosen of the protocols that were advertised, in both kinds of handshakes.
  const protocols = ['', ' next_protocol'];
  const full = sessions.flatMap((session) =>
    users.flatMap((user) =>
      staples.flatMap((staple) =>
        signatures.flatMap((signature) =>
          exchanges.map((exchange) => `client_hello${session}${user}${staple}${signature} ${exchange}`),
        ),
      ),
    ),
  );
  return [
    // Figure 2.
    ...protocols.map((protocol) => `client_hello session change_cipher_spec${protocol} finished`),
    ...full.flatMap((flight) =>
      protocols.flatMap((protocol) =>
        tickets.map((ticket) => `${flight} change_cipher_spec${protocol} finished${ticket}`),
      ),
    ),
  ];
}

test('a machine with an arrow into nowhere does not load', () => {
  const lost = dry([{ from: 'a', on: 'x', guard: undefined, to: 'b' }]);
  expect(() => table(lost, 'connected')).toThrow('no way out of b');
});

test('real charts start where their tables start', () => {
  for (const { chart: real, initial } of machines) {
    const [snapshot] = initialTransition(real(), { data: { state: initial }, context: undefined });
    expect(snapshot.value).toBe(initial);
  }
});
