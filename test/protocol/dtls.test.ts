import { seededRandom } from '@actor-tls/runtime/testing';
import { describe, expect, it } from 'vitest';
import { FlightChannel } from '../../packages/ssl/src/protocol/flight-channel.js';
import { numberOf } from '../../packages/ssl/src/protocol/record/dtls-layout.js';
import type { WriteProtection } from '../../packages/ssl/src/protocol/record/protection.js';
import { accidents } from './accidents.js';
import { DatagramLink, type DtlsWish, dtlsPair, type Fate, intact } from './datagram-link.js';
import { type ClientOverrides, identityOf } from './two-cores.js';

describe('DTLS over a link that loses nothing', () => {
  it.each(['dtlsv1.3', 'dtlsv1.2', 'dtlsv1'] as const)(
    '%s: a handshake, data both ways, the end',
    (version) => {
      const { client, server } = dtlsPair({ versions: [version] });
      const link = new DatagramLink(client, server);
      client.core.start();
      link.run();
      expect([client.sink.failures, server.sink.failures]).toEqual([[], []]);
      expect([client.sink.facts?.protocol, server.sink.facts?.protocol]).toEqual([version, version]);
      expect(client.core.send(Buffer.from('ping'))).toBe(true);
      link.run();
      expect(server.sink.received()).toBe('ping');
      server.core.send(Buffer.from('pong'));
      server.core.close();
      link.run();
      expect(client.sink.received()).toBe('pong');
      expect(client.sink.closedCount).toBe(1);
      expect(link.now).toBeLessThan(100);
    },
  );
});

describe('a hello', () => {
  it.each(['dtlsv1.3', 'dtlsv1.2', 'dtlsv1'] as const)(
    '%s: stands whole in its datagram however often nobody answers, also the one that is asked for',
    (version) => {
      const serverName = `${'long.'.repeat(48)}test`;
      // Another group is asked for in DTLS 1.3.
      const ends = dtlsPair({
        versions: [version],
        client: { serverName, config: { supportedGroups: ['secp256r1', 'x25519'] } },
        server: { config: { supportedGroups: ['x25519'] } },
      });
      let retried = 0;
      const hellos: [number, number][] = [];
      const fate: Fate = (bytes, index, from) => {
        const whole = [14, 22].map((at) => Buffer.from(bytes).readUIntBE(at, 3));
        if (from === 'client' && bytes[0] === 22 && bytes[13] === 1)
          hellos.push([whole[0] ?? 0, whole[1] ?? 0]);
        const lost =
          index < 7 || (version === 'dtlsv1.3' && from === 'client' && retried++ > 0 && retried < 9);
        return lost ? [] : [{ after: 1, bytes }];
      };
      const link = new DatagramLink(ends.client, ends.server, fate);
      ends.client.core.start();
      link.run();
      expect(ends.client.sink.establishedCount).toBe(1);
      expect(hellos.length).toBeGreaterThan(7);
      expect(hellos.filter(([length, fragment]) => fragment < length)).toEqual([]);
    },
  );
});

/** How many datagrams a handshake takes over such a link, and how long it takes, ms. */
function effort(
  versions: NonNullable<DtlsWish['versions']>,
  fate: Fate,
): { datagrams: number; time: number } {
  const { client, server } = dtlsPair({ versions });
  const link = new DatagramLink(client, server, fate);
  client.core.start();
  link.run();
  expect([client.sink.establishedCount, server.sink.establishedCount]).toEqual([1, 1]);
  return { datagrams: link.sent.length, time: link.now };
}

describe.each(['dtlsv1.3', 'dtlsv1.2', 'dtlsv1'] as const)('%s, what comes twice', (version) => {
  it('a network that doubles every datagram has no flight go out again', () => {
    const doubled: Fate = (bytes) => [
      { after: 1, bytes },
      { after: 1, bytes },
    ];
    expect(effort([version], doubled)).toEqual(effort([version], intact));
  });

  it('a number that anybody can have forged bars no record, though flights are lost', () => {
    const forged = Uint8Array.of(22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 1, 1);
    const { client, server } = dtlsPair({ versions: [version] });
    // The server's first flight is lost, and the client says its hello again.
    let lost = false;
    const link = new DatagramLink(client, server, (bytes, _index, from) => {
      if (from === 'server' && !lost) {
        lost = true;
        return [];
      }
      return intact(bytes, 0, from);
    });
    server.core.receive(forged);
    client.core.receive(forged);
    client.core.start();
    link.run();
    expect([client.sink.failures, server.sink.failures]).toEqual([[], []]);
    expect([client.sink.establishedCount, server.sink.establishedCount]).toEqual([1, 1]);
  });
});

/** A client's channel that says again what nobody asked it to. */
class Repeater extends FlightChannel {
  private keys: WriteProtection | undefined = undefined;

  override installWriteKeys(keys: WriteProtection): void {
    this.keys = keys;
    super.installWriteKeys(keys);
  }

  /** A Finished of 12 bytes, in pieces of so many, in records with these numbers. */
  finishedIn(size: number, from: number): Uint8Array[] {
    return Array.from({ length: 12 / size }, (_, index) => {
      const header = [20, 0, 0, 12, 0, 2, 0, 0, index * size, 0, 0, size];
      return this.sealed(from + index, Uint8Array.of(...header, ...new Array<number>(size).fill(0)));
    });
  }

  /** As in TLS, behind another header. */
  private sealed(sequence: number, fragment: Uint8Array): Uint8Array {
    if (this.keys === undefined) throw new Error('no keys yet');
    this.keys.seek(numberOf(1, sequence));
    const sealed = this.keys.sealShort(22, fragment);
    const number = [0, 1, 0, 0, 0, 0, 0, sequence];
    return Uint8Array.of(...sealed.subarray(0, 3), ...number, ...sealed.subarray(3));
  }
}

describe.each(['dtlsv1.2', 'dtlsv1'] as const)('%s, a server whose last flight was lost', (version) => {
  it('sends it once more for each Finished that comes again, in however many pieces', () => {
    let repeater: Repeater | undefined;
    const channel: ClientOverrides['channel'] = (...settings) => {
      repeater = new Repeater(...settings);
      return repeater;
    };
    const { client, server } = dtlsPair({ versions: [version], client: { channel } });
    const link = new DatagramLink(client, server);
    client.core.start();
    link.run();
    const before = link.sent.length;
    for (const piece of repeater?.finishedIn(2, 100) ?? []) server.core.receive(piece);
    expect(link.sent.length - before).toBe(1);
    for (const piece of repeater?.finishedIn(12, 120) ?? []) server.core.receive(piece);
    expect(link.sent.length - before).toBe(2);
  });
});

interface Told {
  readonly failed: readonly (readonly unknown[])[];
  readonly established: readonly number[];
  readonly received: readonly string[];
}

/** Runs a handshake and some data; what both have in the end. */
function talk(fate: Fate, wish: DtlsWish = {}): { link: DatagramLink; told: Told } {
  const { client, server } = dtlsPair(wish);
  const link = new DatagramLink(client, server, fate);
  client.core.start();
  link.run();
  client.core.send(Buffer.from('a'));
  server.core.send(Buffer.from('b'));
  link.run();
  const told = {
    failed: [client.sink.failures, server.sink.failures],
    established: [client.sink.establishedCount, server.sink.establishedCount],
    received: [client.sink.received(), server.sink.received()],
  };
  return { link, told };
}

const good = { failed: [[], []], established: [1, 1], received: ['b', 'a'] };
/** Client certificates, and datagrams so short that messages are cut. */
const small: DtlsWish = {
  versions: ['dtlsv1.2'],
  client: { config: { mtu: 300 }, identities: [identityOf('ec').identity] },
  server: { config: { mtu: 300, verify: 'verify_peer' } },
};

describe.each(['dtlsv1.2', 'dtlsv1.3'] as const)(
  '%s, one accident at each step of a handshake',
  (version) => {
    it.each(Object.keys(accidents))('%s: the handshake comes to its end', (name) => {
      const accident = accidents[name] ?? intact;
      for (const wish of [{ versions: [version] }, { ...small, versions: [version] }]) {
        const steps = handshakeDatagrams(wish);
        expect(steps).toBeGreaterThan(3);
        for (let step = 0; step < steps; step += 1) {
          const { link, told } = talk(
            (bytes, index, from) => (index === step ? accident : intact)(bytes, index, from),
            wish,
          );
          // Bending a byte of what nobody protects may end a handshake, but never well for one side alone.
          if (name === 'changed in its last byte') expect([step, alike(told)]).toEqual([step, true]);
          else {
            expect([step, told]).toEqual([step, good]);
            expect(link.now).toBeLessThan(20_000);
          }
        }
      }
    });
  },
);

/** Datagrams of a handshake to which nothing happens. */
function handshakeDatagrams(wish: DtlsWish): number {
  const { link } = talk(intact, wish);
  return link.sent.length - 2;
}

/** Neither or both: keys that differ open nothing, and then it is the deadline that ends the handshake. */
function alike({ established: [client, server] }: Told): boolean {
  return client === server;
}

describe.each(['dtlsv1.2', 'dtlsv1.3'] as const)(
  '%s over a link that loses, doubles, delays and reorders at random',
  (version) => {
    it.each([
      [0.1, 300, 0.99, 7000],
      [0.5, 60, 0.95, 600_000],
    ])(
      '%f lost: of %i schedules the share %f has both established within %i ms',
      (loss, schedules, share, within) => {
        const times: number[] = [];
        for (let seed = 1; seed <= schedules; seed += 1) {
          const random = seededRandom(seed);
          const chance = (): number => random.below(1_000_000) / 1_000_000;
          const { client, server } = dtlsPair({ ...(seed % 2 === 0 ? small : {}), versions: [version] });
          const link = new DatagramLink(client, server, (bytes) => {
            if (chance() < loss) return [];
            const after = 25 + Math.floor(chance() * 50);
            return chance() < 0.1
              ? [
                  { after, bytes },
                  { after: after * 2, bytes },
                ]
              : [{ after, bytes }];
          });
          client.core.start();
          let bothAt = Number.POSITIVE_INFINITY;
          for (let at = 0; at <= 600_000 && bothAt === Number.POSITIVE_INFINITY; at += 50) {
            link.run(at);
            if (client.sink.establishedCount + server.sink.establishedCount === 2) bothAt = link.now;
          }
          expect([seed, client.sink.failures, server.sink.failures]).toEqual([seed, [], []]);
          times.push(bothAt);
          if (bothAt === Number.POSITIVE_INFINITY) continue;
          for (let n = 0; n < 20; n += 1) client.core.send(Buffer.from([n]));
          link.run(link.now + 1000);
          const got = server.sink.delivered.map(([n]) => n);
          expect(new Set(got).size).toBe(got.length);
        }
        times.sort((a, b) => a - b);
        expect(times[Math.floor(times.length * share)]).toBeLessThanOrEqual(within);
      },
    );
  },
);
