/** What strangers and attackers on the path can do to DTLS 1.3, and what it costs them. */
import { seededRandom } from '@actor-tls/runtime/testing';
import { describe, expect, it } from 'vitest';
import { helloIn } from '../../packages/ssl/src/protocol/dtls-door.js';
import { Dtls13Door } from '../../packages/ssl/src/protocol/dtls13-door.js';
import { sealKeyUpdate } from '../../packages/ssl/src/protocol/tls13/post-handshake.js';
import { sealFlight } from '../../packages/ssl/src/protocol/tls13/post-handshake-authentication.js';
import { DatagramLink, dtlsPair, type Fate, intact } from './datagram-link.js';
import { clientRecord, dtls13Ends } from './dtls13-faults.js';
import { earlyEnds } from './early-datagrams.js';
import { engine, identityOf, serverOptions, suites } from './two-cores.js';

const versions = ['dtlsv1.3'] as const;
const { config } = serverOptions({ config: { versions: ['dtlsv1.3', 'dtlsv1.2'], ciphers: suites } });
const here = '192.0.2.1|4711';

/** A record of DTLS without keys. */
function record(type: number, content: readonly number[], sequence = 0): Uint8Array {
  const { length } = content;
  const number = [0, 0, 0, 0, sequence >> 8, sequence & 255];
  return Uint8Array.of(type, 0xfe, 0xfd, 0, 0, ...number, length >> 8, length & 255, ...content);
}

/** A client, with what it has sent. */
function beginner(wish: Parameters<typeof dtlsPair>[0] = { versions }) {
  const { client } = dtlsPair(wish);
  const sent: Uint8Array[] = [];
  client.sink.onWrite = (datagram) => sent.push(new Uint8Array(datagram));
  client.core.start();
  return { client, sent, last: () => sent.at(-1) ?? new Uint8Array(0) };
}

describe('a door for strangers who speak DTLS 1.3', () => {
  let now = 0;
  const newDoor = (): Dtls13Door => new Dtls13Door(engine, () => now, config);
  const answerTo = (door: Dtls13Door, datagram: Uint8Array, address = here) => {
    const hello = helloIn(datagram);
    return hello && door.answer(hello, address);
  };
  function answered(door: Dtls13Door): Uint8Array {
    const { client, last } = beginner();
    const asked = answerTo(door, last());
    if (asked?.kind === 'ask') client.core.receive(asked.reply);
    expect(client.sink.failures).toEqual([]);
    return last();
  }

  it('asks for a cookie with no more than was sent, and keeps nothing', () => {
    const door = newDoor();
    const fields = JSON.stringify(Object.keys(door));
    for (let n = 0; n < 300; n += 1) {
      const hello = beginner().last();
      const answer = answerTo(door, hello, `192.0.2.${n % 256}|${n}`);
      expect(answer?.kind).toBe('ask');
      if (answer?.kind === 'ask') expect(answer.reply.length).toBeLessThanOrEqual(hello.length);
    }
    expect(JSON.stringify(Object.keys(door))).toBe(fields);
  });

  it('has room for its cookie in what the least wordy client of ours sends', () => {
    const least = {
      serverName: undefined,
      config: { supportedGroups: ['x25519'], ciphers: suites.slice(0, 1) },
    } as const;
    const hello = beginner({ versions, client: least }).last();
    expect(answerTo(newDoor(), hello)?.kind).toBe('ask');
  });

  it('lets in who brings the cookie back, from the same address, with the same random', () => {
    const door = newDoor();
    const second = answered(door);
    expect(answerTo(door, second)?.kind).toBe('admit');
    expect(answerTo(door, second, '192.0.2.2|4711')?.kind).toBe('drop');
    expect(answerTo(door, second, '192.0.2.1|4712')?.kind).toBe('drop');
    const bent = new Uint8Array(second);
    bent[13 + 12 + 2] = (bent[13 + 12 + 2] ?? 0) ^ 1;
    expect(answerTo(door, bent)?.kind).toBe('drop');
    expect(answerTo(newDoor(), second)?.kind).toBe('drop');
  });

  it('knows a cookie while its secret is one of the last two', () => {
    now = 0;
    const door = newDoor();
    const second = answered(door);
    now = 15_000;
    expect(answerTo(door, second)?.kind).toBe('admit');
    now = 30_000;
    expect(answerTo(door, second)?.kind).toBe('drop');
    now = 0;
  });

  it('leaves a hello with early data to whoever keeps it, if it is to; none that needs another share, and no other', () => {
    const door = new Dtls13Door(engine, () => now, config, 'trusted');
    const { client } = earlyEnds();
    client.core.start();
    const hello = client.sink.take();
    const answer = answerTo(door, hello);
    expect(answer).toMatchObject({ kind: 'trust', otherwise: { kind: 'ask' } });
    expect(answerTo(newDoor(), hello)?.kind).toBe('ask');
    expect(answerTo(door, beginner().last())?.kind).toBe('ask');
    const other = new Dtls13Door(engine, () => now, { ...config, supportedGroups: ['secp384r1'] }, 'trusted');
    expect(answerTo(other, hello)?.kind).toBe('ask');
  });

  it('leaves those to the other door that have no version from 1.3 on', () => {
    expect(answerTo(newDoor(), beginner({ versions: ['dtlsv1.2'] }).last())).toBeUndefined();
  });

  it('tells who cannot be served by an alert that is shorter than what was sent, and keeps nothing', () => {
    const client = {
      config: { ciphers: suites.filter(({ name }) => name === 'TLS_CHACHA20_POLY1305_SHA256') },
    };
    const hello = beginner({ versions, client }).last();
    const narrow = { ...config, ciphers: suites.slice(0, 1) };
    const parsed = helloIn(hello);
    const answer = parsed && new Dtls13Door(engine, () => 0, narrow).answer(parsed, here);
    expect(answer?.kind === 'ask' && [...answer.reply]).toEqual([...record(21, [2, 71])]);
  });

  it('goes by noise without a word', () => {
    const random = seededRandom(3);
    const door = newDoor();
    const hello = beginner().last();
    for (let n = 0; n < 500; n += 1) {
      const noisy = hello.map((byte, at) => (at > 25 && random.below(40) === 0 ? random.below(256) : byte));
      const answer = answerTo(door, noisy);
      if (answer?.kind === 'ask') expect(answer.reply.length).toBeLessThanOrEqual(noisy.length);
      expect(answer?.kind).not.toBe('admit');
    }
  });
});

describe('what comes without keys', () => {
  it('an ACK that anybody can have sent stops no retransmission', () => {
    const { client, sent } = beginner();
    client.core.receive(record(26, [0, 16, ...new Array<number>(16).fill(0)]));
    client.core.timeUp();
    expect(sent).toHaveLength(2);
    expect(sent[1]?.subarray(13)).toEqual(sent[0]?.subarray(13));
  });

  it('an alert ends a handshake only when nothing else has come until the timer', () => {
    const ends = dtls13Ends({}, 'last flight');
    const { server } = ends;
    server.core.receive(record(21, [2, 40], 900));
    expect(server.sink.failures).toEqual([]);
    server.core.timeUp();
    expect(server.sink.failures).toMatchObject([{ by: 'peer', alert: 'handshake_failure' }]);
  });

  it('is nothing once the handshake is over: alerts, hellos, messages', () => {
    const { client, server } = dtls13Ends();
    for (const { core, sink } of [client, server]) {
      const { discarded } = core;
      for (const [type, content] of [
        [21, [2, 40]],
        [22, [1, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0]],
        [26, [0, 0]],
        [23, [1]],
      ] as const)
        core.receive(record(type, content, 77));
      expect(core.discarded).toBe(discarded + 4);
      expect(sink.failures).toEqual([]);
    }
  });
});

describe('records that do not open', () => {
  it('are passed over and counted, before, in and after a handshake', () => {
    const random = seededRandom(7);
    for (const lost of ['last flight', 'nothing'] as const) {
      const ends = dtls13Ends({}, lost);
      const { server } = ends;
      const before = server.core.discarded;
      for (let n = 0; n < 400; n += 1) {
        const length = 16 + random.below(60);
        const noise = Uint8Array.from({ length: 5 + length }, () => random.below(256));
        // Of epochs that have keys: 2, and 3 where there are.
        noise.set([0x2c | (lost === 'nothing' ? 3 : 2), random.below(256), random.below(256), 0, length]);
        server.core.receive(noise);
      }
      expect(server.core.discarded).toBe(before + 400);
      expect(server.sink.failures).toEqual([]);
    }
  });

  it('of epochs to come wait within bounds while the handshake runs, and not at all after it', () => {
    const waiting = dtls13Ends({}, 'last flight').server.core;
    const before = waiting.held;
    for (let n = 0; n < 1000; n += 1)
      waiting.receive(Uint8Array.of(0x2f, 0, n & 255, 0x3, 0xe8, ...new Array<number>(1000).fill(n & 255)));
    expect(waiting.held - before).toBeLessThanOrEqual(32_768);
    const { server } = dtls13Ends();
    const idle = server.core.held;
    for (let n = 0; n < 100; n += 1)
      server.core.receive(Uint8Array.of(0x2d, 0, n, 0, 20, ...new Array<number>(20).fill(n)));
    expect(server.core.held).toBe(idle);
  });

  it('data comes once, and behind 64 newer records not at all', () => {
    const ends = dtls13Ends();
    const { client, server } = ends;
    const sent: Uint8Array[] = [];
    client.sink.onWrite = (datagram) => sent.push(new Uint8Array(datagram));
    for (let n = 0; n < 70; n += 1) client.core.send(Uint8Array.of(n));
    for (const at of [69, 69, 68, 6, 5, 0, 68]) server.core.receive(new Uint8Array(sent[at] ?? []));
    expect(server.sink.delivered.map(([n]) => n)).toEqual([69, 68, 6]);
  });
});

describe('ACKs of a peer', () => {
  it('again and again have nothing sent again: each record counts once', () => {
    const ends = dtls13Ends({ server: { config: { mtu: 300 } } }, 'last flight');
    const { server } = ends;
    const before = server.sink.writes.length;
    const ack = Uint8Array.of(0, 16, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0);
    // Each in a record of its own.
    for (let n = 0; n < 50; n += 1)
      server.core.receive(clientRecord(ends, 2, 26, ack, 'aes_256_gcm', 40 + n));
    expect(server.sink.writes.length - before).toBeLessThanOrEqual(1);
  });

  it('of thousands of numbers that nobody has sent cost no more than their bytes', () => {
    const ends = dtls13Ends();
    const numbers = Array.from({ length: 1000 }, (_, n) => [
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      3,
      0,
      0,
      0,
      9,
      0,
      0,
      n >> 8,
      n & 255,
    ]);
    const list = numbers.flat();
    const before = ends.server.core.held;
    ends.server.core.receive(
      clientRecord(ends, 3, 26, Uint8Array.of(list.length >> 8, list.length & 255, ...list)),
    );
    expect(ends.server.sink.failures).toEqual([]);
    expect(ends.server.core.held).toBe(before);
  });
});

describe('key updates (RFC 9147 §8)', () => {
  it('have nothing written under new keys before they were acknowledged, and everything after', () => {
    const { client, server } = dtlsPair({ versions });
    let deaf = false;
    const link = new DatagramLink(client, server, (bytes, _index, from) =>
      deaf && from === 'server' ? [] : [{ after: 1, bytes }],
    );
    client.core.start();
    link.run();
    deaf = true;
    expect(client.core.updateKeys('write')).toBe(true);
    client.core.send(Uint8Array.of(1));
    link.run(link.now + 300);
    const epochOf = (at: number): number =>
      (link.sent.filter(({ from }) => from === 'client').at(at)?.bytes[0] ?? 0) & 3;
    expect(epochOf(-1)).toBe(3);
    deaf = false;
    link.run();
    client.core.send(Uint8Array.of(2));
    link.run();
    expect(epochOf(-1)).toBe(0);
    expect(server.sink.delivered.map(([n]) => n)).toEqual([1, 2]);
  });

  it.each([0.1, 0.3, 0.5])(
    'and data and tickets, with the share %f of all datagrams lost, come in order and once',
    (loss) => {
      for (let seed = 1; seed <= 30; seed += 1) {
        const random = seededRandom(seed);
        const chance = (): number => random.below(1_000_000) / 1_000_000;
        const fate: Fate = (bytes) => {
          if (chance() < loss) return [];
          const after = 5 + Math.floor(chance() * 60);
          return chance() < 0.1
            ? [
                { after, bytes },
                { after: 3 * after, bytes },
              ]
            : [{ after, bytes }];
        };
        const { client, server } = dtlsPair({ versions });
        let lossy: Fate = intact;
        const link = new DatagramLink(client, server, (...datagram) => lossy(...datagram));
        client.core.start();
        link.run();
        lossy = fate;
        for (let round = 0; round < 6; round += 1) {
          client.core.updateKeys(round % 2 === 0 ? 'write' : 'read_write');
          server.core.updateKeys(round % 3 === 0 ? 'read_write' : 'write');
          client.core.send(Uint8Array.of(round));
          server.core.send(Uint8Array.of(round));
          link.run(link.now + 200);
        }
        link.run(link.now + 300_000);
        lossy = intact;
        expect([seed, client.sink.failures, server.sink.failures]).toEqual([seed, [], []]);
        for (const [from, to] of [
          [client, server],
          [server, client],
        ] as const) {
          const got = to.sink.delivered.map(([n]) => n);
          expect(new Set(got).size).toBe(got.length);
          from.core.send(Uint8Array.of(99));
          link.run(link.now + 5000);
          expect([seed, to.sink.delivered.at(-1)?.[0]]).toEqual([seed, 99]);
        }
      }
    },
  );

  it('a peer that was away so long that it was given up gets what it has missed with the next message', () => {
    const { client, server } = dtlsPair({ versions });
    let away = false;
    const link = new DatagramLink(client, server, (bytes) => (away ? [] : [{ after: 1, bytes }]));
    client.core.start();
    link.run();
    away = true;
    client.core.updateKeys('write');
    link.run(link.now + 3_600_000);
    const sent = link.sent.length;
    link.run(link.now + 3_600_000);
    expect(link.sent.length).toBe(sent);
    away = false;
    client.core.updateKeys('read_write');
    link.run(link.now + 100_000);
    expect([client.sink.failures, server.sink.failures]).toEqual([[], []]);
    client.core.send(Uint8Array.of(7));
    link.run(link.now + 10);
    expect(server.sink.delivered.map(([n]) => n)).toEqual([7]);
    // The fourth epoch, or the fifth.
    expect([0, 1]).toContain((link.sent.findLast(({ from }) => from === 'client')?.bytes[0] ?? 0) & 3);
  });

  it('however many are wished for, one is under way, and one waits', () => {
    const { client } = dtls13Ends();
    const half = client.core.split();
    const sealed = Array.from({ length: 100 }, () => sealKeyUpdate(half, 'update_requested').length);
    expect(sealed.filter((pieces) => pieces > 0)).toHaveLength(1);
  });
});

describe('a client that is asked later who it is', () => {
  it.each([0, 0.3])('answers, with the share %f of all datagrams lost', (loss) => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const random = seededRandom(seed);
      const { client, server } = dtlsPair({
        versions,
        client: { config: { postHandshakeAuth: true }, identities: [identityOf('ec').identity] },
        server: { config: { verify: 'verify_peer', postHandshakeAuth: true } },
      });
      let lossy = false;
      const link = new DatagramLink(client, server, (bytes) =>
        lossy && random.below(100) < loss * 100 ? [] : [{ after: 5, bytes }],
      );
      client.core.start();
      link.run();
      lossy = true;
      expect(server.core.requestCertificate()).toBe('requested');
      link.run(link.now + 300_000);
      expect([seed, client.sink.failures, server.sink.failures]).toEqual([seed, [], []]);
      expect(server.sink.facts?.peer.kind).toBe('certificate');
    }
  });

  it('answers no more when what it has said is not acknowledged, however often it is asked', () => {
    const { client, server } = dtlsPair({
      versions,
      client: { config: { postHandshakeAuth: true }, identities: [identityOf('ec').identity] },
      server: { config: { verify: 'verify_peer', postHandshakeAuth: true } },
    });
    let silent = false;
    const link = new DatagramLink(client, server, (bytes, _index, from) =>
      silent && from === 'server' ? [] : [{ after: 1, bytes }],
    );
    client.core.start();
    link.run();
    const half = client.core.split();
    client.sink.owes = (what) => {
      if (typeof what === 'string') client.sink.write(half.sealFlight());
      else {
        client.sink.write(sealFlight(half, what));
        client.core.flightLeft();
      }
    };
    let asked = 0;
    for (let round = 0; round < 400; round += 1) {
      // Its questions arrive; its ACKs do not.
      silent = false;
      if (server.core.requestCertificate() === 'requested') asked += 1;
      silent = true;
      link.run(link.now + 20);
    }
    expect(asked).toBeGreaterThan(20);
    expect(client.core.held).toBeLessThan(140_000);
    // Whoever acknowledges is answered again.
    silent = false;
    link.run(link.now + 300_000);
    expect([client.sink.failures, server.sink.failures]).toEqual([[], []]);
    expect(client.core.held).toBe(0);
  });
});
