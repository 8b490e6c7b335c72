/** How long a flight waits for its answer when the path is known (RFC 9147 §5.8.2, RFC 6298 §2.2). */
import { describe, expect, it } from 'vitest';
import { DtlsDoor, helloIn } from '../../packages/ssl/src/protocol/dtls-door.js';
import { DatagramLink, dtlsPair, type Fate } from './datagram-link.js';
import { engine } from './two-cores.js';

type Version = 'dtlsv1.3' | 'dtlsv1.2';
const oneWay = 40;

/** ms between the flight of which one side's `which`th datagram is lost and the same once more. */
function gap(
  version: Version,
  lost: { readonly from: 'client' | 'server'; readonly which: number },
  {
    knows = true,
    flightTimeout,
    roundTrip,
  }: { knows?: boolean; flightTimeout?: number; roundTrip?: number } = {},
): number {
  let link: DatagramLink | undefined;
  const now = (): number => link?.now ?? 0;
  const config = { flightTimeout };
  const ends = dtlsPair({
    versions: [version],
    client: { config, dependencies: knows ? { engine, now } : { engine } },
    server: { config, roundTrip },
  });
  const seen = { client: 0, server: 0 };
  const times: number[] = [];
  const fate: Fate = (bytes, _index, from) => {
    seen[from] += 1;
    if (from === lost.from && seen[from] >= lost.which) times.push(now());
    const isLost = from === lost.from && seen[from] === lost.which;
    return isLost ? [] : [{ after: oneWay, bytes }];
  };
  link = new DatagramLink(ends.client, ends.server, fate);
  ends.client.core.start();
  link.run();
  expect([ends.client.sink.establishedCount, ends.server.sink.establishedCount]).toEqual([1, 1]);
  const [first = 0, second = 0] = times;
  return second - first;
}

describe.each(['dtlsv1.3', 'dtlsv1.2'] as const)('%s', (version) => {
  const second = { from: 'client', which: 2 } as const;

  it('a client that has had an answer waits three round trips from then on, and a quarter of a second at least', () => {
    expect(gap(version, second)).toBe(250);
  });

  it('the first flight waits a second, and so does the next where nobody has a clock', () => {
    expect(gap(version, { from: 'client', which: 1 })).toBe(1000);
    expect(gap(version, second, { knows: false })).toBe(1000);
  });

  it('whoever says how long has it so, whatever the path is like', () => {
    expect(gap(version, second, { flightTimeout: 700 })).toBe(700);
    expect(gap(version, { from: 'server', which: 1 }, { flightTimeout: 700, roundTrip: 10 })).toBe(700);
  });

  it.each([
    [10, 250],
    [150, 450],
    [5000, 1000],
  ])('a server whose cookie was brought back in %i ms waits %i ms', (roundTrip, wait) => {
    // The client would ask again before.
    const patient = { from: 'server', which: 1 } as const;
    expect(Math.min(gap(version, patient, { roundTrip }), 1000)).toBe(wait);
  });
});

it('a cookie tells when it was made, also when the clock has gone around', () => {
  for (const begin of [0, 65_500, 5_000_000]) {
    let now = begin + 0.25;
    const door = new DtlsDoor(engine, () => now);
    const { client } = dtlsPair();
    const sent: Uint8Array[] = [];
    client.sink.onWrite = (datagram) => sent.push(new Uint8Array(datagram));
    client.core.start();
    const asked = door.answer(helloIn(sent[0] ?? new Uint8Array(0)), 'here');
    if (asked.kind === 'ask') client.core.receive(asked.reply);
    now += 120;
    expect(door.answer(helloIn(sent[1] ?? new Uint8Array(0)), 'here')).toEqual({
      kind: 'admit',
      roundTrip: 120,
    });
  }
});
