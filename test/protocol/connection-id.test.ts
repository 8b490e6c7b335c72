/** Connection IDs between two cores over datagrams (RFC 9146): who gets one, in which records, and when they change. */
import { describe, expect, it } from 'vitest';
import type { ConnectionIdTerms, PathCheck } from '../../packages/ssl/src/values/connection-id.js';
import {
  type DatagramEnd,
  DatagramLink,
  type DtlsWish,
  dtlsPair,
  dtlsSuites,
  type Fate,
} from './datagram-link.js';

const terms = (length: number, check: PathCheck = 'enhanced'): ConnectionIdTerms => ({ length, check });

interface Ends {
  readonly client: DatagramEnd;
  readonly server: DatagramEnd;
  readonly link: DatagramLink;
}

function connected(wish: DtlsWish, fate?: Fate): Ends {
  const ends = dtlsPair(wish);
  const link = new DatagramLink(ends.client, ends.server, fate);
  ends.client.core.start();
  link.run();
  expect([ends.client.sink.failures, ends.server.sink.failures]).toEqual([[], []]);
  return { ...ends, link };
}

/** First bytes of the datagrams in which each side says something. */
function talk({ client, server, link }: Ends): readonly (number | undefined)[] {
  const before = [client, server].map(({ sink }) => sink.received().length);
  client.core.send(Buffer.from('ping'));
  server.core.send(Buffer.from('pong'));
  link.run();
  expect([client, server].map(({ sink }, n) => sink.received().slice(before[n]))).toEqual(['pong', 'ping']);
  return link.sent.slice(-2).map(({ bytes }) => bytes[0]);
}

/** Types of the records of all datagrams, without those whose length stands elsewhere. */
function plainTypes({ link }: Ends, idLength: { client: number; server: number }): readonly string[] {
  return link.sent.flatMap(({ from, bytes }) => {
    const types: string[] = [];
    for (let at = 0; at < bytes.length; ) {
      const id = bytes[at] === 25 ? idLength[from] : 0;
      const length = ((bytes[at + 11 + id] ?? 0) << 8) | (bytes[at + 12 + id] ?? 0);
      types.push(`${bytes[at]} of epoch ${bytes[at + 4]}`);
      at += 13 + id + length;
    }
    return types;
  });
}

describe('a connection with IDs', () => {
  it.each(
    dtlsSuites()
      .filter(({ keyExchange }) => keyExchange === 'ecdhe_ecdsa')
      .map((row) => row.name),
  )('%s', (name) => {
    const ciphers = dtlsSuites().filter((row) => row.name === name);
    const ends = connected({
      client: { config: { ciphers, connectionId: terms(5) } },
      server: { config: { ciphers, connectionId: terms(8) } },
    });
    expect(talk(ends)).toEqual([25, 25]);
  });

  it('has them in all records with keys and in no others', () => {
    const ends = connected({
      client: { config: { connectionId: terms(5) } },
      server: { config: { connectionId: terms(8) } },
    });
    talk(ends);
    // The header of a record has the receiver's.
    const types = new Set(plainTypes(ends, { client: 8, server: 5 }));
    expect([...types].sort()).toEqual(['20 of epoch 0', '22 of epoch 0', '25 of epoch 1']);
  });

  it.each([
    [{}, {}, [23, 23]],
    [{ connectionId: terms(4) }, {}, [23, 23]],
    [{}, { connectionId: terms(4) }, [23, 23]],
    [{ connectionId: terms(0) }, { connectionId: terms(4) }, [25, 23]],
    [{ connectionId: terms(4) }, { connectionId: terms(0) }, [23, 25]],
    [{ connectionId: terms(0) }, { connectionId: terms(0) }, [23, 23]],
  ])('client %j, server %j: records begin with %j', (client, server, types) => {
    expect(talk(connected({ client: { config: client }, server: { config: server } }))).toEqual(types);
  });

  it('of DTLS 1.0 has none, whatever both want', () => {
    const config = { connectionId: terms(4) };
    const server = { config: { ...config, versions: ['dtlsv1'] as const } };
    const suites = { ciphers: dtlsSuites('dtlsv1') };
    const ends = connected({
      versions: ['dtlsv1.2', 'dtlsv1'],
      client: { config: { ...config, ...suites } },
      server: { config: { ...server.config, ...suites } },
    });
    expect(ends.client.sink.facts?.protocol).toBe('dtlsv1');
    expect(talk(ends)).toEqual([23, 23]);
  });

  it('survives all orders of its first flights: what overtakes its keys waits', () => {
    for (let seed = 1; seed < 60; seed += 1) {
      let chance = seed;
      const fate: Fate = (bytes) => {
        chance = (chance * 48_271) % 2_147_483_647;
        return [{ after: 1 + (chance % 40), bytes }];
      };
      const config = { connectionId: terms(8) };
      const ends = connected({ client: { config }, server: { config } }, fate);
      ends.client.core.send(Buffer.from('x'));
      ends.link.run();
      expect([seed, ends.server.sink.received()]).toEqual([seed, 'x']);
    }
  });

  it('keeps them when a handshake runs again, whoever wants it', () => {
    const config = { connectionId: terms(8) };
    const ends = connected({ client: { config }, server: { config } });
    for (const end of [ends.client, ends.server]) {
      expect(end.core.renegotiate()).toBe('begun');
      ends.link.run();
      expect(talk(ends)).toEqual([25, 25]);
    }
    expect([ends.client.sink.establishedCount, ends.server.sink.establishedCount]).toEqual([3, 3]);
    const last = ends.link.sent.slice(-2).map(({ bytes }) => bytes[4]);
    expect(last).toEqual([3, 3]);
  });

  it('keeps to the limits of records and datagrams, with the ID and the type counted', () => {
    const config = { connectionId: terms(20) };
    const whole = connected({ client: { config }, server: { config } });
    expect(whole.client.core.send(new Uint8Array(16_384))).toBe(false);
    expect(whole.client.core.send(new Uint8Array(16_383).fill(1))).toBe(true);
    whole.link.run();
    expect(whole.server.sink.received()).toHaveLength(16_383);
    const mtu = 300;
    const small = connected({
      client: { config: { ...config, mtu } },
      server: { config: { ...config, mtu } },
    });
    let most = 300;
    while (!small.client.core.send(new Uint8Array(most).fill(1))) most -= 1;
    small.link.run();
    expect(small.server.sink.received()).toHaveLength(most);
    expect(Math.max(...small.link.sent.map(({ bytes }) => bytes.length))).toBe(mtu);
  });

  it('sends no shower of tiny fragments to a peer whose ID leaves a small datagram no room', () => {
    const config = { connectionId: terms(8), mtu: 256 };
    const ends = connected({
      client: { config, ownConnectionId: () => new Uint8Array(255).fill(7) },
      server: { config },
    });
    const before = ends.link.sent.length;
    expect(ends.server.core.renegotiate()).toBe('begun');
    ends.link.run();
    expect(ends.server.sink.establishedCount).toBe(2);
    expect(ends.link.sent.length - before).toBeLessThan(60);
  });

  it('says nothing of the peer’s address to a core that is not told of any', () => {
    const config = { connectionId: terms(8) };
    const ends = connected({ client: { config }, server: { config } });
    talk(ends);
    expect(ends.client.core.discarded + ends.server.core.discarded).toBe(0);
  });
});

/** A core that is told where datagrams come from, and what it has done about it. */
function withPaths(end: DatagramEnd): string[] {
  const log: string[] = [];
  Object.assign(end.sink, {
    paths: {
      open: () => log.push('open'),
      owes: () => log.push('owes'),
      writeTo: (pieces: readonly Uint8Array[], { port }: { port: number }) =>
        log.push(`${pieces.map(({ length }) => length)} to ${port}`),
      follow: ({ port }: { port: number }) => log.push(`follow ${port}`),
      allow: ({ port }: { port: number }) => log.push(`allow ${port}`),
      forget: () => log.push('forget'),
      timer: (ms: number | undefined) => log.push(`timer ${ms}`),
    },
  });
  return log;
}

describe('a peer that moves', () => {
  const at = (port: number): { address: string; port: number } => ({ address: '192.0.2.1', port });

  /** A server whose client speaks from the port named last. */
  function moving(client: ConnectionIdTerms, server: ConnectionIdTerms) {
    const ends = dtlsPair({
      client: { config: { connectionId: client } },
      server: { config: { connectionId: server } },
    });
    const log = withPaths(ends.server);
    let port = 1;
    const receive = ends.server.core.receive.bind(ends.server.core);
    Object.assign(ends.server.core, { receive: (bytes: Uint8Array) => receive(bytes, at(port)) });
    const link = new DatagramLink(ends.client, ends.server);
    ends.client.core.start();
    link.run();
    const from = (next: number): readonly string[] => {
      port = next;
      ends.client.core.send(Buffer.from('x'));
      link.run();
      return log.splice(0);
    };
    return { ...ends, from, log };
  }

  it('is asked at its old address when both answer checks', () => {
    const { from } = moving(terms(0), terms(8));
    expect(from(1)).toEqual(['open']);
    expect(from(2)).toEqual(['allow 2', expect.stringMatching(/^\d+ to 1$/), 'timer 500']);
  });

  it('is followed at once by who wants no checks', () => {
    const { from } = moving(terms(0), terms(8, 'none'));
    from(1);
    expect(from(2)).toEqual(['timer undefined', 'follow 2']);
  });

  it('is not answered when it asks though no checks were agreed on', () => {
    for (const agreed of [true, false]) {
      const config = { connectionId: terms(8) };
      const ends = connected({ client: { config: agreed ? config : {} }, server: { config } });
      const { length } = ends.link.sent;
      const [challenge] = ends.client.core.split().sealPathMessage(new Uint8Array(9));
      ends.server.core.receive(challenge ?? new Uint8Array(0));
      expect([ends.link.sent.length - length, ends.server.core.discarded]).toEqual(agreed ? [1, 0] : [0, 1]);
    }
  });

  it('answers checks also where it wants none itself', () => {
    const { from } = moving(terms(0, 'none'), terms(8, 'basic'));
    from(1);
    expect(from(2)).toEqual(['allow 2', expect.stringMatching(/^\d+ to 2$/), 'timer 1000']);
  });

  it('without an ID of ours in its records it is not believed to be elsewhere', () => {
    const { from } = moving(terms(8), terms(0));
    expect([from(1), from(2)]).toEqual([[], []]);
  });
});
