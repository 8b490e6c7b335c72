/** Connection IDs of DTLS 1.3 between two cores (RFC 9147 §9): in which datagrams they are, and how others are given. */
import { describe, expect, it } from 'vitest';
import { Dtls13WriteHalf } from '../../packages/ssl/src/protocol/record/dtls13-write-half.js';
import type { ConnectionIdTerms, PathCheck } from '../../packages/ssl/src/values/connection-id.js';
import { type DatagramEnd, DatagramLink, type DtlsWish, dtlsPair, type Fate } from './datagram-link.js';
import { requestIds, say, spareIds } from './dtls13-faults.js';

const terms = (length: number, check: PathCheck = 'enhanced'): ConnectionIdTerms => ({ length, check });
const ids = (client: number, server: number): DtlsWish => ({
  client: { config: { connectionId: terms(client) } },
  server: { config: { connectionId: terms(server) } },
});

interface Ends {
  readonly client: DatagramEnd;
  readonly server: DatagramEnd;
  readonly link: DatagramLink;
}

function connected(wish: DtlsWish, fate?: Fate): Ends {
  const ends = dtlsPair({ versions: ['dtlsv1.3'], ...wish });
  const link = new DatagramLink(ends.client, ends.server, fate);
  ends.client.core.start();
  link.run();
  expect([ends.client.sink.failures, ends.server.sink.failures]).toEqual([[], []]);
  return { ...ends, link };
}

/** Whether the datagrams in which each side says something begin with an ID. */
function talk({ client, server, link }: Ends): readonly boolean[] {
  const before = [client, server].map(({ sink }) => sink.received().length);
  client.core.send(Buffer.from('ping'));
  server.core.send(Buffer.from('pong'));
  link.run();
  expect([client, server].map(({ sink }, n) => sink.received().slice(before[n]))).toEqual(['pong', 'ping']);
  return link.sent.slice(-2).map(({ bytes }) => hasId(bytes));
}

const hasId = ([first = 0]: Uint8Array): boolean => (first & 0xf0) === 0x30;
const isProtected = ([first = 0]: Uint8Array): boolean => first >> 5 === 1;

describe('a connection of DTLS 1.3 with IDs', () => {
  it.each([
    [{}, {}, [false, false]],
    [{ connectionId: terms(4) }, {}, [false, false]],
    [{}, { connectionId: terms(4) }, [false, false]],
    [{ connectionId: terms(5) }, { connectionId: terms(8) }, [true, true]],
    [{ connectionId: terms(0) }, { connectionId: terms(4) }, [true, false]],
    [{ connectionId: terms(4) }, { connectionId: terms(0) }, [false, true]],
    [{ connectionId: terms(0) }, { connectionId: terms(0) }, [false, false]],
  ])('client %j, server %j: data has one %j', (client, server, has) => {
    expect(talk(connected({ client: { config: client }, server: { config: server } }))).toEqual(has);
  });

  it('has them in all datagrams with keys, also in those that are sent again', () => {
    let lost = 0;
    const fate: Fate = (bytes) => (isProtected(bytes) && ++lost <= 2 ? [] : [{ after: 1, bytes }]);
    const ends = connected(ids(5, 8), fate);
    talk(ends);
    ends.client.core.updateKeys('read_write');
    ends.link.run();
    talk(ends);
    const protectedOnes = ends.link.sent.filter(({ bytes }) => isProtected(bytes));
    expect(protectedOnes.length).toBeGreaterThan(8);
    expect(protectedOnes.every(({ bytes }) => hasId(bytes))).toBe(true);
  });

  it('the older version that a server comes to has its own', () => {
    const ends = dtlsPair({
      versions: ['dtlsv1.3', 'dtlsv1.2'],
      client: { config: { connectionId: terms(5) } },
      server: { config: { connectionId: terms(8), versions: ['dtlsv1.2'] } },
    });
    const link = new DatagramLink(ends.client, ends.server);
    ends.client.core.start();
    link.run();
    expect(ends.client.sink.facts?.protocol).toBe('dtlsv1.2');
    ends.client.core.send(Buffer.from('x'));
    link.run();
    expect([ends.server.sink.received(), link.sent.at(-1)?.bytes[0]]).toEqual(['x', 25]);
  });

  it('survives all orders of its flights, and datagrams that hold records without it behind one that has it', () => {
    for (let seed = 1; seed < 60; seed += 1) {
      let chance = seed;
      const fate: Fate = (bytes) => {
        chance = (chance * 48_271) % 2_147_483_647;
        return [{ after: 1 + (chance % 40), bytes }];
      };
      const ends = connected(ids(8, 8), fate);
      ends.client.core.send(Buffer.from('x'));
      ends.link.run();
      expect([seed, ends.server.sink.received()]).toEqual([seed, 'x']);
    }
  });

  it('passes over what bears no ID, or another’s, and the rest of its datagram', () => {
    const { client, server, link } = connected(ids(0, 4));
    client.core.send(Buffer.from('one'));
    const [first = new Uint8Array(0)] = link.sent.slice(-1).map(({ bytes }) => bytes);
    link.run();
    const other = connected(ids(0, 4));
    const before = server.core.discarded;
    const strange = other.link.sent.filter(({ bytes }) => hasId(bytes)).at(-1)?.bytes ?? new Uint8Array(0);
    client.core.send(Buffer.from('two'));
    const second = link.sent.at(-1)?.bytes ?? new Uint8Array(0);
    server.core.receive(new Uint8Array([...strange, ...second]));
    server.core.receive(new Uint8Array([(first[0] ?? 0) & 0xef, ...first.subarray(5)]));
    expect([server.sink.received(), server.core.discarded - before]).toEqual(['one', 2]);
    link.run();
    expect(server.sink.received()).toBe('onetwo');
  });

  it('gives whoever has guessed one a single try with each datagram', () => {
    const { client, server, link } = connected(ids(0, 4));
    client.core.send(Buffer.from('x'));
    const known = link.sent.at(-1)?.bytes ?? new Uint8Array(0);
    const forged = known.slice();
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    const before = server.core.discarded;
    server.core.receive(new Uint8Array([...forged, ...forged, ...forged, ...known]));
    expect([server.core.discarded - before, server.sink.received()]).toEqual([1, '']);
    link.run();
    expect(server.sink.received()).toBe('x');
  });

  it('sends no shower of tiny fragments to a peer whose ID leaves a small datagram no room', () => {
    for (const mtu of [256, 300]) {
      const config = { connectionId: terms(8), mtu };
      const ends = connected({
        client: { config, ownConnectionId: () => new Uint8Array(255).fill(7) },
        server: { config },
      });
      expect([mtu, ends.link.sent.length < 60]).toEqual([mtu, true]);
    }
  });

  it('keeps to the size of datagrams, with the ID counted', () => {
    const mtu = 300;
    const client = { config: { connectionId: terms(20), mtu } };
    const small = connected({ client, server: client });
    let most = mtu;
    while (!small.client.core.send(new Uint8Array(most).fill(1))) most -= 1;
    small.link.run();
    expect(small.server.sink.received()).toHaveLength(most);
    expect(Math.max(...small.link.sent.map(({ bytes }) => bytes.length))).toBe(mtu);
  });
});

/** A core that is told where datagrams come from, and what it has done about it. */
function withPaths(end: DatagramEnd): { log: string[]; issued: Uint8Array[] } {
  const log: string[] = [];
  const issued: Uint8Array[] = [];
  Object.assign(end.sink, {
    paths: {
      open: () => log.push('open'),
      owes: () => log.push('owes'),
      writeTo: (pieces: readonly Uint8Array[], { port }: { port: number }) =>
        log.push(`${pieces.length} to ${port}`),
      follow: ({ port }: { port: number }) => log.push(`follow ${port}`),
      allow: () => {},
      forget: () => log.push('forget'),
      issue: () => {
        issued.push(new Uint8Array(4).fill(issued.length + 1));
        return issued.at(-1) ?? new Uint8Array(0);
      },
      retire: (id: Uint8Array) => log.push(`retire ${Buffer.from(id).toString('hex')}`),
      timer: () => {},
    },
  });
  return { log, issued };
}

/** Both sides know about places; the client speaks from the port named last. */
function moving(client: ConnectionIdTerms, server: ConnectionIdTerms) {
  const ends = dtlsPair({
    versions: ['dtlsv1.3'],
    client: { config: { connectionId: client } },
    server: { config: { connectionId: server } },
  });
  const places = { client: withPaths(ends.client), server: withPaths(ends.server) };
  let port = 1;
  const receive = ends.server.core.receive.bind(ends.server.core);
  Object.assign(ends.server.core, {
    receive: (bytes: Uint8Array) => receive(bytes, { address: '192.0.2.1', port }),
  });
  const link = new DatagramLink(ends.client, ends.server);
  ends.client.core.start();
  link.run();
  const all = { ...ends, link };
  const from = (next: number): readonly string[] => {
    port = next;
    ends.client.core.send(Buffer.from('x'));
    link.run();
    return places.server.log.splice(0);
  };
  return { ...all, places, from };
}

const lastOf = ({ link }: Ends, from: 'client' | 'server'): Uint8Array =>
  link.sent.filter((one) => one.from === from).at(-1)?.bytes ?? new Uint8Array(0);
const idOf = (bytes: Uint8Array, length = 4): string =>
  Buffer.from(bytes.subarray(1, 1 + length)).toString('hex');

describe('a peer that moves', () => {
  it('is asked at its old address when both answer checks, by protected messages', () => {
    const { from } = moving(terms(0), terms(8));
    expect(from(1)).toEqual(['open']);
    expect(from(2)).toEqual(['1 to 1']);
  });

  it('is followed at once by who wants no checks, and sent an ID there that nobody has seen', () => {
    const all = moving(terms(4), terms(8, 'none'));
    all.from(1);
    all.server.core.send(Buffer.from('a'));
    all.link.run();
    const before = idOf(lastOf(all, 'server'));
    expect(all.from(2)).toEqual(['follow 2']);
    // It had none to spare, and has asked for some.
    expect(all.places.client.issued).toHaveLength(2);
    all.server.core.send(Buffer.from('b'));
    expect(idOf(lastOf(all, 'server'))).toBe(before);
    all.link.run();
    expect(all.from(3)).toEqual(['follow 3']);
    all.server.core.send(Buffer.from('c'));
    expect(idOf(lastOf(all, 'server'))).toBe('01010101');
    all.link.run();
    expect(all.from(4)).toEqual(['follow 4']);
    all.server.core.send(Buffer.from('d'));
    expect(idOf(lastOf(all, 'server'))).toBe('02020202');
    all.link.run();
    expect(all.client.sink.received()).toBe('abcd');
  });

  it('a thousand times: as few IDs as ever are given out', () => {
    const all = moving(terms(4), terms(8, 'none'));
    for (let n = 1; n <= 1000; n += 1) {
      expect(all.from(n)).toEqual([n === 1 ? 'open' : `follow ${n}`]);
      all.server.core.send(Buffer.from('y'));
      all.link.run();
    }
    expect(all.client.sink.received()).toHaveLength(1000);
    const { issued, log } = all.places.client;
    expect(issued.length).toBeGreaterThan(600);
    const retired = log.filter((line) => line.startsWith('retire'));
    expect(issued.length - retired.length).toBeLessThanOrEqual(8 + 1 + 7);
  });
});

describe('NewConnectionId and RequestConnectionId', () => {
  it('an ID to be used at once is, and what was given before it is forgotten', () => {
    const all = connected(ids(4, 4));
    say(all.client, all.link, all.server, spareIds([Uint8Array.of(1, 1, 1, 1)]));
    say(all.client, all.link, all.server, spareIds([Uint8Array.of(2, 2), Uint8Array.of(3, 3)], 0));
    all.server.core.send(Buffer.from('x'));
    expect(idOf(lastOf(all, 'server'), 2)).toBe('0202');
    expect([all.server.sink.failures, all.client.sink.failures]).toEqual([[], []]);
  });

  it('who asks is given as many as it may hold, and none beyond', () => {
    const all = moving(terms(4), terms(4));
    say(all.server, all.link, all.client, requestIds(255));
    expect(all.places.client.issued).toHaveLength(7);
    say(all.server, all.link, all.client, requestIds(1));
    expect(all.places.client.issued).toHaveLength(7);
    expect(all.client.sink.failures).toEqual([]);
  });

  it('who goes back to an ID that it has used is understood, unless that is long ago', () => {
    const all = moving(terms(4), terms(4));
    say(all.server, all.link, all.client, requestIds(7));
    const half = all.server.core.split();
    const { issued, log } = all.places.client;
    const sayUnder = (id: Uint8Array): void => {
      if (!(half instanceof Dtls13WriteHalf)) throw new Error('of another version');
      half.useId(id);
      for (const piece of half.sealApplicationData(Buffer.from('z'))) all.client.core.receive(piece);
    };
    for (const at of [0, 1, 2, 3, 0, 3, 1]) sayUnder(issued[at] ?? new Uint8Array(0));
    expect([all.client.sink.received(), log.filter((line) => line.startsWith('retire'))]).toEqual([
      'zzzzzzz',
      [],
    ]);
    all.server.core.join(half);
  });

  it.each([
    [
      'asks again and again and uses none',
      ids(4, 4),
      Array.from({ length: 17 }, () => requestIds(1)),
      'too_many_cids_requested',
    ],
    ['asks though it sends none', ids(4, 0), [requestIds(1)], 'unexpected_message'],
    ['gives some though it has none itself', ids(0, 4), [spareIds([Uint8Array.of(1)])], 'unexpected_message'],
    ['gives some though none were agreed on', {}, [spareIds([Uint8Array.of(1)])], 'unexpected_message'],
    ['asks though none were agreed on', {}, [requestIds(1)], 'unexpected_message'],
    ['gives an empty one', ids(4, 4), [spareIds([new Uint8Array(0)])], 'illegal_parameter'],
    ['wants one used at once and gives none', ids(4, 4), [spareIds([], 0)], 'illegal_parameter'],
    [
      'gives some for a use that nobody knows',
      ids(4, 4),
      [spareIds([Uint8Array.of(1)], 2)],
      'illegal_parameter',
    ],
    ['says half a message', ids(4, 4), [Uint8Array.of(10, 0, 0, 1, 0)], 'decode_error'],
  ] as const)('a client that %s is told so', (_what, wish, messages, alert) => {
    const all = connected(wish);
    for (const message of messages) say(all.client, all.link, all.server, message);
    expect(all.server.sink.failures).toMatchObject([{ by: 'self', alert }]);
  });

  it('what a flood of gifts leaves is little', () => {
    const all = connected(ids(4, 4));
    const many = Array.from({ length: 200 }, (_, n) => new Uint8Array(255).fill(n + 1));
    for (let n = 0; n < 20; n += 1) say(all.client, all.link, all.server, spareIds(many));
    expect(all.server.sink.failures).toEqual([]);
    expect(all.server.core.held).toBeLessThan(1000);
  });
});
