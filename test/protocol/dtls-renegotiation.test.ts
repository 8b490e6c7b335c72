/**
 * Handshakes that run again over datagrams (RFC 5246 §7.4.1.1, RFC 6347 §4.2.2, §4.2.4): numbers that begin anew, epochs that
 * go on, data in between, and what gets lost.
 */
import { seededRandom } from '@actor-tls/runtime/testing';
import { describe, expect, it } from 'vitest';
import { accidents } from './accidents.js';
import { DatagramLink, type DtlsWish, dtlsPair, type Fate, intact } from './datagram-link.js';
import { identityOf } from './two-cores.js';

type Side = 'client' | 'server';
type Pair = ReturnType<typeof dtlsPair>;
const sides = ['client', 'server'] as const;

/** Client certificates, and datagrams so short that messages are cut. */
const small: DtlsWish = {
  client: { config: { mtu: 300 }, identities: [identityOf('ec').identity] },
  server: { config: { mtu: 300, verify: 'verify_peer' } },
};

interface Scene extends Pair {
  readonly link: DatagramLink;
  /** What happens to datagrams from now on; `index` counts from here. */
  befall(fate: Fate): void;
}

/** A connection that stands. */
function standing(wish: DtlsWish = {}): Scene {
  const pair = dtlsPair(wish);
  let fate: Fate = intact;
  let from = 0;
  const link = new DatagramLink(pair.client, pair.server, (bytes, index, side) =>
    fate(bytes, index - from, side),
  );
  pair.client.core.start();
  link.run();
  expect([pair.client.sink.establishedCount, pair.server.sink.establishedCount]).toEqual([1, 1]);
  return {
    ...pair,
    link,
    befall: (next) => {
      fate = next;
      from = link.sent.length;
    },
  };
}

/** What stands in the end, with some data each way. */
function outcome({ client, server, link, befall }: Scene): object {
  link.run();
  befall(intact);
  client.core.send(Buffer.from('a'));
  server.core.send(Buffer.from('b'));
  link.run();
  return {
    failed: [...client.sink.failures, ...server.sink.failures],
    established: [client.sink.establishedCount, server.sink.establishedCount],
    received: [client.sink.received(), server.sink.received()],
  };
}

const good = { failed: [], established: [2, 2], received: ['b', 'a'] };

function epochsOf(datagram: Uint8Array): number[] {
  const epochs: number[] = [];
  for (
    let at = 0;
    at < datagram.length;
    at += 13 + (((datagram[at + 11] ?? 0) << 8) | (datagram[at + 12] ?? 0))
  )
    epochs.push(((datagram[at + 3] ?? 0) << 8) | (datagram[at + 4] ?? 0));
  return epochs;
}

describe.each(sides)('when the %s wants another handshake', (side) => {
  it.each(['dtlsv1.2', 'dtlsv1'] as const)(
    '%s: it runs, under keys of before, again and again',
    (version) => {
      const scene = standing({ versions: [version] });
      const { client, server, link } = scene;
      for (let round = 1; round <= 5; round += 1) {
        server.core.allowRenegotiation();
        const secret = client.sink.facts?.clientRandom;
        const from = link.sent.length;
        expect(scene[side].core.renegotiate()).toBe('begun');
        link.run();
        expect(client.sink.facts?.clientRandom).not.toEqual(secret);
        const epochs = link.sent.slice(from).flatMap(({ bytes }) => epochsOf(bytes));
        expect([...new Set(epochs)].sort((a, b) => a - b)).toEqual([round, round + 1]);
        client.core.send(Buffer.from(`${round}`));
        link.run();
      }
      expect(server.sink.received()).toBe('12345');
      expect([client.sink.failures, server.sink.failures]).toEqual([[], []]);
      expect(link.now).toBeLessThan(200);
    },
  );

  it.each(Object.keys(accidents))('one accident at each step: %s', (name) => {
    const accident = accidents[name] ?? intact;
    for (const wish of [{}, small]) {
      const steps = stepsOf(side, wish);
      expect(steps).toBeGreaterThanOrEqual(side === 'client' ? 4 : 5);
      for (let step = 0; step < steps; step += 1) {
        const scene = standing(wish);
        scene.befall((bytes, index, from) => (index === step ? accident : intact)(bytes, index, from));
        scene[side].core.renegotiate();
        // All is protected: what was bent counts as lost.
        expect([step, outcome(scene)]).toEqual([step, good]);
        expect(scene.link.now).toBeLessThan(20_000);
      }
    }
  });

  it('the last flight of the first handshake is lost: it goes out before this one does', () => {
    for (const lost of [1, 2, 3]) {
      const pair = dtlsPair();
      let gone = 0;
      const link = new DatagramLink(pair.client, pair.server, (bytes, index, from) => {
        // The server's change_cipher_spec and Finished.
        if (from !== 'server' || !epochsOf(bytes).includes(1) || gone >= lost)
          return intact(bytes, index, from);
        gone += 1;
        return [];
      });
      pair.client.core.start();
      // The server believes that all is done, the client does not.
      link.run(900);
      expect(pair.server.sink.establishedCount).toBe(1);
      expect(pair.client.sink.establishedCount).toBe(0);
      const asking = side === 'server';
      if (asking) pair.server.core.renegotiate();
      link.run();
      if (!asking) pair.client.core.renegotiate();
      expect(outcome({ ...pair, link, befall: () => {} })).toEqual(good);
    }
  });
});

function stepsOf(side: Side, wish: DtlsWish): number {
  const scene = standing(wish);
  const from = scene.link.sent.length;
  scene[side].core.renegotiate();
  scene.link.run();
  return scene.link.sent.length - from;
}

it('a server that refuses: all is as it was, and the next is refused too', () => {
  const scene = standing({ server: { config: { clientRenegotiation: false } } });
  for (let round = 0; round < 3; round += 1) {
    expect(scene.client.core.renegotiate()).toBe('begun');
    scene.link.run();
  }
  expect(outcome(scene)).toEqual({ ...good, established: [1, 1] });
  expect(scene.client.sink.refusals).toBe(3);
});

it('both want it at the same time: one handshake comes of it', () => {
  for (const lost of [-1, 0, 1, 2, 3]) {
    const scene = standing();
    scene.befall((bytes, index, from) => (index === lost ? [] : intact(bytes, index, from)));
    scene.server.core.renegotiate();
    scene.client.core.renegotiate();
    expect([lost, outcome(scene)]).toEqual([lost, good]);
  }
});

it('data under the keys of before comes until those of the new handshake are there, and none twice', () => {
  const scene = standing();
  const { client, server, link, befall } = scene;
  // Server's data is under way when the client's hello arrives.
  befall((bytes) => [{ after: 10, bytes }]);
  server.core.send(Buffer.from('early '));
  client.core.renegotiate();
  link.run(link.now + 5);
  server.core.send(Buffer.from('late '));
  link.run();
  expect(client.sink.received()).toBe('early late ');
  expect(outcome(scene)).toEqual({ ...good, received: ['early late b', 'a'] });
});

it('a HelloRequest that nobody answers goes out again, until its answer is no more waited for', () => {
  const scene = standing();
  const { server, link, befall } = scene;
  befall((bytes, index, from) => (from === 'server' ? [] : intact(bytes, index, from)));
  const from = link.sent.length;
  server.core.renegotiate();
  link.run(link.now + 8000);
  expect(link.sent.length - from).toBe(4);
  server.core.forgetRequest();
  link.run();
  expect(link.sent.length - from).toBe(4);
  befall(intact);
  expect(server.core.renegotiate()).toBe('begun');
  expect(outcome(scene)).toEqual(good);
});

describe('a link that loses, doubles, delays and reorders at random', () => {
  it.each(sides)('a tenth lost: 200 schedules of handshakes that the %s wants, each with its end', (side) => {
    const times: number[] = [];
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = seededRandom(seed);
      const chance = (): number => random.below(1_000_000) / 1_000_000;
      const scene = standing(seed % 2 === 0 ? small : {});
      const { client, server, link, befall } = scene;
      befall((bytes) => {
        if (chance() < 0.1) return [];
        const after = 25 + Math.floor(chance() * 50);
        const once = { after, bytes };
        return chance() < 0.1 ? [once, { after: after * 2, bytes }] : [once];
      });
      const begun = link.now;
      for (let n = 0; n < 10; n += 1) server.core.send(Buffer.from([n]));
      scene[side].core.renegotiate();
      for (let at = begun; at <= begun + 600_000; at += 50) {
        link.run(at);
        if (client.sink.establishedCount + server.sink.establishedCount === 4) break;
      }
      expect([seed, client.sink.failures, server.sink.failures]).toEqual([seed, [], []]);
      expect([seed, client.sink.establishedCount, server.sink.establishedCount]).toEqual([seed, 2, 2]);
      times.push(link.now - begun);
      for (let n = 0; n < 20; n += 1) client.core.send(Buffer.from([n]));
      link.run(link.now + 1000);
      for (const { sink } of [client, server]) {
        const got = sink.delivered.map(([n]) => n);
        expect(new Set(got).size).toBe(got.length);
      }
    }
    times.sort((a, b) => a - b);
    expect(times[190]).toBeLessThanOrEqual(7000);
  });
});
