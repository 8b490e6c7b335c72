/** What strangers and attackers on the path can do to DTLS, and what it costs them. */
import { seededRandom } from '@actor-tls/runtime/testing';
import { describe, expect, it } from 'vitest';
import { DtlsDoor, helloIn } from '../../packages/ssl/src/protocol/dtls-door.js';
import { DtlsReadHalf } from '../../packages/ssl/src/protocol/record/dtls-read-half.js';
import { DtlsWriteHalf } from '../../packages/ssl/src/protocol/record/dtls-write-half.js';
import { Fragments } from '../../packages/ssl/src/protocol/record/fragments.js';
import { ReplayWindow } from '../../packages/ssl/src/protocol/record/replay-window.js';
import { TurnBudget } from '../../packages/ssl/src/protocol/record/turn-budget.js';
import { DatagramLink, type DtlsWish, dtlsPair, type Fate, intact } from './datagram-link.js';
import { engine } from './two-cores.js';

/** A client's first datagram. */
function firstHello(): Uint8Array {
  const { client } = dtlsPair();
  let hello = new Uint8Array(0);
  client.sink.onWrite = (datagram) => {
    hello = new Uint8Array(datagram);
  };
  client.core.start();
  return hello;
}

/** A record of DTLS 1.2 without keys. */
function record(type: number, content: readonly number[], sequence = 0, epoch = 0): Uint8Array {
  const length = content.length;
  return Uint8Array.of(
    ...[type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, sequence >> 8, sequence & 255],
    ...[length >> 8, length & 255, ...content],
  );
}

/** A pair whose handshake is done, and the link between them. */
function established(wish: DtlsWish = {}, fate: Fate = intact) {
  const { client, server } = dtlsPair(wish);
  const link = new DatagramLink(client, server, fate);
  client.core.start();
  link.run();
  expect([client.sink.establishedCount, server.sink.establishedCount]).toEqual([1, 1]);
  return { client, server, link };
}

describe('a door for strangers', () => {
  const answerTo = (door: DtlsDoor, datagram: Uint8Array, address = '192.0.2.1|4711') =>
    door.answer(helloIn(datagram), address);
  /** The second hello of a client that was asked by this door. */
  function answered(door: DtlsDoor, address?: string): Uint8Array {
    const { client } = dtlsPair();
    const sent: Uint8Array[] = [];
    client.sink.onWrite = (datagram) => sent.push(datagram);
    client.core.start();
    const asked = answerTo(door, sent[0] ?? new Uint8Array(0), address);
    if (asked.kind === 'ask') client.core.receive(asked.reply);
    return sent[1] ?? new Uint8Array(0);
  }

  it('answers with less than was sent, and keeps nothing', () => {
    const door = new DtlsDoor(engine, () => 0);
    const hello = firstHello();
    const before = JSON.stringify(Object.keys(door));
    for (let n = 0; n < 2000; n += 1) {
      const answer = answerTo(door, hello, `192.0.2.${n % 256}|${n}`);
      expect(answer.kind).toBe('ask');
      if (answer.kind === 'ask') expect(answer.reply.length).toBeLessThan(hello.length / 2);
    }
    expect(JSON.stringify(Object.keys(door))).toBe(before);
    // The shortest hello that there is, 67 bytes.
    expect(answerTo(door, hello).kind === 'ask' && Object(answerTo(door, hello)).reply.length).toBeLessThan(
      67,
    );
  });

  it('lets in who brings the cookie back, from the same address, with the same hello', () => {
    const door = new DtlsDoor(engine, () => 0);
    const second = answered(door);
    expect(answerTo(door, second).kind).toBe('admit');
    expect(answerTo(door, second, '192.0.2.2|4711').kind).toBe('ask');
    expect(answerTo(door, second, '192.0.2.1|4712').kind).toBe('ask');
    const bent = new Uint8Array(second);
    // A byte of the random.
    bent[13 + 12 + 2] = (bent[13 + 12 + 2] ?? 0) ^ 1;
    expect(answerTo(door, bent).kind).toBe('ask');
    expect(answerTo(new DtlsDoor(engine, () => 0), second).kind).toBe('ask');
  });

  it('makes one cookie for who brings none, two for who brings one, and three for who brings a wrong one', () => {
    let made = 0;
    const door = new DtlsDoor(
      {
        ...engine,
        hash(name) {
          made += 1;
          return engine.hash(name);
        },
        equal: (left, right) => engine.equal(left, right),
        randomBytes: (length) => engine.randomBytes(length),
      },
      () => 0,
    );
    const second = answered(door);
    expect(made).toBe(1);
    expect(answerTo(door, second).kind).toBe('admit');
    expect(made).toBe(3);
    expect(answerTo(door, second, '192.0.2.2|4711').kind).toBe('ask');
    expect(made).toBe(6);
  });

  it('knows a cookie while its secret is one of the last two', () => {
    let now = 0;
    const door = new DtlsDoor(engine, () => now);
    const second = answered(door);
    now = 16_000;
    expect(answerTo(door, second).kind).toBe('admit');
    now = 32_000;
    expect(answerTo(door, second).kind).toBe('ask');
    const third = answered(door);
    now = 100_000;
    expect(answerTo(door, third).kind).toBe('ask');
  });

  it('drops what is no whole hello', () => {
    const door = new DtlsDoor(engine, () => 0);
    const hello = firstHello();
    const random = seededRandom(1);
    for (let length = 0; length < hello.length; length += 1)
      expect(answerTo(door, hello.subarray(0, length)).kind).toBe('drop');
    for (let n = 0; n < 500; n += 1) {
      const noise = Uint8Array.from({ length: random.below(200) }, () => random.below(256));
      expect(answerTo(door, noise).kind).toBe('drop');
    }
  });
});

describe('what comes without keys', () => {
  it('an alert that anybody can have sent ends no handshake, at whatever step it comes', () => {
    const alert = record(21, [2, 40]);
    for (let step = 0; step < 8; step += 1) {
      const { client, server } = dtlsPair();
      const link = new DatagramLink(client, server, (bytes, index) =>
        index === step
          ? [
              { after: 1, bytes: alert },
              { after: 1, bytes },
            ]
          : [{ after: 1, bytes }],
      );
      client.core.start();
      client.core.receive(alert);
      server.core.receive(alert);
      link.run();
      expect([step, client.sink.failures, server.sink.failures]).toEqual([step, [], []]);
      expect([client.sink.establishedCount, server.sink.establishedCount]).toEqual([1, 1]);
      client.core.receive(alert);
      server.core.receive(record(21, [1, 0]));
      link.run();
      expect([client.sink.closedCount, server.sink.closedCount]).toEqual([0, 0]);
    }
  });

  it('an alert is believed when nothing else comes', () => {
    const { client, server } = dtlsPair();
    const link = new DatagramLink(client, server, () => []);
    client.core.start();
    client.core.receive(record(21, [2, 70]));
    expect(client.sink.failures).toEqual([]);
    link.run(1500);
    expect(client.sink.failures).toMatchObject([{ by: 'peer', alert: 'protocol_version' }]);
  });

  it('an alert is not believed while what came behind it waits for its turn', () => {
    const budget = new TurnBudget(1);
    const { client, server } = dtlsPair({ client: { budget } });
    const link = new DatagramLink(client, server);
    client.core.start();
    client.core.receive(record(21, [2, 40]));
    // What the server has said is here, and cannot be looked at in this turn.
    link.run(500);
    client.core.timeUp();
    budget.refill();
    client.core.timeUp();
    for (let n = 0; n < 100; n += 1) {
      client.core.resume();
      link.run(500);
    }
    expect([client.sink.failures, server.sink.failures]).toEqual([[], []]);
    expect([client.sink.establishedCount, server.sink.establishedCount]).toEqual([1, 1]);
  });

  it('a warning that anybody can have sent stops no retransmission, and the next one waits as it did', () => {
    const { client, server } = dtlsPair();
    let lost = true;
    const link = new DatagramLink(client, server, (bytes) => (lost ? [] : [{ after: 1, bytes }]));
    client.core.start();
    client.core.receive(record(21, [1, 90]));
    link.run(20_000);
    // The first, and after 1, 3, 7 and 15 s.
    expect(link.sent).toHaveLength(5);
    client.core.receive(record(21, [2, 40]));
    expect(client.sink.failures).toEqual([]);
    lost = false;
    client.core.receive(record(21, [1, 90]));
    link.run(40_000);
    // 31 s: the flight goes out beside the alert, which is then believed.
    expect(client.sink.failures).toMatchObject([{ by: 'peer', alert: 'handshake_failure' }]);
    expect(link.sent.length).toBeGreaterThan(5);
  });

  it('a warning and lost datagrams: the handshake is done when the network is back', () => {
    const { client, server } = dtlsPair();
    let lost = true;
    const link = new DatagramLink(client, server, (bytes) => (lost ? [] : [{ after: 1, bytes }]));
    client.core.start();
    client.core.receive(record(21, [1, 90]));
    link.run(2000);
    lost = false;
    link.run(10_000);
    expect([client.sink.establishedCount, server.sink.establishedCount]).toEqual([1, 1]);
  });

  it.each([2 ** 48 - 1, 2 ** 48 - 3, 2 ** 47])(
    'a hello with the number %i leaves numbers for us',
    (number) => {
      const { client, server } = dtlsPair();
      let numbered = false;
      const link = new DatagramLink(client, server, (bytes, _index, from) => {
        const copy = Buffer.from(bytes);
        if (from === 'client' && !numbered) copy.writeUIntBE(number, 5, 6);
        numbered = true;
        return [{ after: 1, bytes: copy }];
      });
      client.core.start();
      link.run();
      expect([client.sink.failures, server.sink.failures]).toEqual([[], []]);
      expect([client.sink.establishedCount, server.sink.establishedCount]).toEqual([1, 1]);
    },
  );

  it('noise and bent records are dropped in silence and counted, before, in and after a handshake', () => {
    const { client, server, link } = established();
    const random = seededRandom(7);
    const real = link.sent.map(({ bytes }) => bytes);
    for (let n = 0; n < 3000; n += 1) {
      const from = real[random.below(real.length)] ?? new Uint8Array(0);
      const bytes = new Uint8Array(from);
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 + random.below(255));
      client.core.receive(bytes.subarray(0, random.below(bytes.length + 1)));
      server.core.receive(bytes);
    }
    expect([client.sink.failures, server.sink.failures]).toEqual([[], []]);
    expect([client.sink.delivered, server.sink.delivered]).toEqual([[], []]);
    expect(server.core.discarded).toBeGreaterThan(1000);
    client.core.send(Buffer.from('still here'));
    link.run();
    expect(server.sink.received()).toBe('still here');
  });

  it('a flight that is played again and again is answered once between two timers', () => {
    const { client, server } = dtlsPair();
    const link = new DatagramLink(client, server, (bytes, _index, from) =>
      from === 'client' ? [{ after: 1, bytes }] : [],
    );
    client.core.start();
    link.run(10);
    const [hello] = link.sent;
    const before = link.sent.length;
    for (let n = 0; n < 500; n += 1) server.core.receive(new Uint8Array(hello?.bytes ?? []));
    expect(link.sent.length - before).toBeLessThanOrEqual(before);
  });
});

describe('time that strangers can take', () => {
  /** Short records that are passed over, one behind the other in a datagram. */
  const passedOver = (epoch: number): Uint8Array =>
    Buffer.concat(Array.from({ length: 4620 }, (_none, n) => record(23, [], n, epoch)));

  it.each([0, 1, 7])('records of epoch %i that are passed over cost the budget of a turn', (epoch) => {
    const budget = new TurnBudget();
    const half = new DtlsReadHalf(budget);
    half.feed(passedOver(epoch));
    half.settle();
    let turns = 0;
    for (; half.held > 0 && turns < 1000; turns += 1) {
      const before = half.held;
      budget.refill();
      let given = 0;
      while (half.next() !== undefined) given += 1;
      expect(given).toBeLessThanOrEqual(64);
      // Until the last leaves, the whole datagram waits.
      expect(half.held === before || half.held === 0).toBe(true);
    }
    expect(turns).toBe(Math.ceil(4620 / 64));
  });

  it('noise that fills a datagram counts as the bytes it has', () => {
    const budget = new TurnBudget(Infinity, 1000);
    const half = new DtlsReadHalf(budget);
    for (let n = 0; n < 10; n += 1) half.feed(new Uint8Array(500).fill(255));
    expect(half.next()).toBeUndefined();
    expect([half.discarded, half.held]).toEqual([2, 4000]);
  });

  it('each fragment of a record costs its share of a turn, and the next record waits', () => {
    const { client, server } = dtlsPair();
    const link = new DatagramLink(client, server);
    client.core.start();
    link.run(1);
    const budget = new TurnBudget();
    const { client: other, server: slow } = dtlsPair({ server: { budget } });
    const hello = new DatagramLink(other, slow);
    other.core.start();
    hello.run(1);
    slow.core.resume();
    const fragments = Array.from({ length: 100 }, (_none, n) => [16, 1, 0, 0, 0, 1, 0, 0, n * 2, 0, 0, 1, 0]);
    slow.core.receive(record(22, fragments.flat(), 1));
    expect(budget.spent).toBe(true);
    const before = slow.core.held;
    slow.core.receive(record(22, fragments.flat(), 2));
    expect(slow.core.held).toBe(before + 13 + 1300);
    slow.core.resume();
    expect(slow.core.held).toBe(before);
  });

  it('a fragment finds its place among thousands of pieces without looking at them all', () => {
    const length = 2 ** 22;
    const one = Uint8Array.of(1);
    /** ns for 25 000 fragments of one byte, as messages of so many pieces. */
    const time = (pieces: number): number => {
      const begin = process.hrtime.bigint();
      for (let n = 0; n < 25_000; n += pieces) {
        const fragments = new Fragments(length);
        for (let piece = 0; piece < pieces; piece += 1)
          fragments.add({ code: 11, length, number: 0, offset: piece * 2, bytes: one });
      }
      return Number(process.hrtime.bigint() - begin);
    };
    const few = Math.max(time(100), time(100));
    // A walk over them all would take some 250 times as long.
    expect(time(25_000)).toBeLessThan(50 * few);
  });

  it('a core rests in the middle of such a datagram, works on turn by turn, and then goes on', () => {
    const { client, server } = dtlsPair({ server: { budget: new TurnBudget() } });
    const link = new DatagramLink(client, server);
    server.core.receive(passedOver(7));
    expect([server.core.needsRest, server.core.discarded]).toEqual([true, 64]);
    let turns = 1;
    for (; server.core.needsRest && turns < 1000; turns += 1) server.core.resume();
    expect(turns).toBe(Math.ceil(4620 / 64));
    expect([server.core.held, server.core.discarded]).toEqual([0, 4620]);
    client.core.start();
    link.run();
    expect([client.sink.establishedCount, server.sink.establishedCount]).toEqual([1, 1]);
  });
});

describe('memory that strangers can fill', () => {
  it('data that has overtaken the Finished is counted among what is held', () => {
    const { client, server } = dtlsPair();
    // change_cipher_spec arrives, the Finished behind it does not.
    const link = new DatagramLink(client, server, (bytes, _index, from) => [
      { after: 1, bytes: from === 'server' && bytes[0] === 20 ? bytes.subarray(0, 14) : bytes },
    ]);
    client.core.start();
    link.run(100);
    expect([client.sink.establishedCount, server.sink.establishedCount]).toEqual([0, 1]);
    const before = client.core.held;
    for (let n = 0; n < 10; n += 1) server.core.send(new Uint8Array(5000));
    link.run(200);
    expect(client.core.held - before).toBe(50_000);
  });

  it('fragments of one byte cost no more than a bound', () => {
    const fragments = new Fragments(65_536);
    let most = 0;
    for (let number = 0; number < 8; number += 1)
      for (let offset = 0; offset < 65_536; offset += 2) {
        fragments.add({ code: 11, length: 65_536, number, offset, bytes: Uint8Array.of(1) });
        most = Math.max(most, fragments.held);
      }
    expect(most).toBeLessThan(110_000);
  });

  it('one long fragment between thousands of short ones costs no more than that bound', () => {
    const fragments = new Fragments(65_536);
    const add = (number: number, offset: number, bytes: Uint8Array): boolean =>
      fragments.add({ code: 11, length: 65_536, number, offset, bytes });
    for (let n = 0; n < 600; n += 1) expect(add(n >> 9, (n & 511) * 2, Uint8Array.of(1))).toBe(true);
    for (let number = 0; number < 8; number += 1) add(number, 0, new Uint8Array(4096));
    expect(fragments.held).toBeLessThanOrEqual(65_536 + 8 * 32 * 128);
  });

  it('fragments in any order, cut in any way and sent again, are the message that they were', () => {
    const random = seededRandom(11);
    for (let round = 0; round < 200; round += 1) {
      const length = 1 + random.below(300);
      const message = Uint8Array.from({ length }, () => random.below(256));
      const fragments = new Fragments(65_536);
      let found = fragments.take();
      for (let n = 0; n < 5000 && found === undefined; n += 1) {
        const offset = random.below(length);
        const bytes = message.subarray(offset, offset + 20 + random.below(60));
        fragments.add({ code: 11, length, number: 0, offset, bytes });
        found = fragments.take();
      }
      expect(found?.raw.subarray(12)).toEqual(message);
      expect(fragments.held).toBe(0);
    }
  });

  it('a message that comes byte by byte, in order, is one piece', () => {
    const fragments = new Fragments(65_536);
    const message = Uint8Array.from({ length: 65_536 }, (_, at) => at % 251);
    let taken = 0;
    for (let offset = 0; offset < message.length; offset += 1) {
      const bytes = message.subarray(offset, offset + 1);
      if (fragments.add({ code: 11, length: 65_536, number: 0, offset, bytes })) taken += 1;
    }
    expect([taken, fragments.held]).toEqual([65_536, 65_536 + 128]);
    expect(Buffer.compare(fragments.take()?.raw.subarray(12) ?? new Uint8Array(0), message)).toBe(0);
    expect(fragments.held).toBe(0);
  });

  it('what was announced costs nothing: a million fragments of messages that never come whole', () => {
    const fragments = new Fragments(65_536);
    for (let n = 0; n < 1_000_000; n += 1)
      fragments.add({
        code: 11,
        length: 65_536,
        number: n % 70_000,
        offset: 0,
        bytes: Uint8Array.of(n & 255),
      });
    expect(fragments.held).toBeLessThan(2000);
  });

  it('overlaps, gaps, other lengths and other types leave what came first', () => {
    const fragments = new Fragments(65_536);
    const add = (offset: number, text: string, more: object = {}): boolean =>
      fragments.add({ code: 1, length: 10, number: 0, offset, bytes: Buffer.from(text), ...more });
    expect(add(4, 'EF')).toBe(true);
    expect(add(2, 'cdefgh')).toBe(true);
    expect(add(0, 'ab', { length: 11 })).toBe(false);
    expect(add(0, 'ab', { code: 2 })).toBe(false);
    expect(add(8, 'ijk')).toBe(false);
    expect(fragments.take()).toBeUndefined();
    expect(add(8, 'ij')).toBe(true);
    expect(add(0, 'abX')).toBe(true);
    expect(Buffer.from(fragments.take()?.raw.subarray(12) ?? []).toString()).toBe('abcdEFghij');
    expect(fragments.held).toBe(0);
    expect(add(0, 'again')).toBe(false);
  });

  it('datagrams and records of an epoch to come wait within bounds', () => {
    const half = new DtlsReadHalf();
    for (let n = 0; n < 10_000; n += 1) half.feed(record(23, new Array<number>(1000).fill(1), n, 1));
    expect(half.held).toBeLessThanOrEqual(65_536);
    while (half.next() !== undefined);
    expect(half.held).toBeLessThanOrEqual(32_768);
    half.settle();
    expect(half.held).toBe(0);
  });
});

describe('records that come again', () => {
  it('are delivered once, and after 64 newer ones not at all', () => {
    const kept: Uint8Array[] = [];
    const { client, server, link } = established({}, (bytes) => [{ after: 1, bytes }]);
    const before = link.sent.length;
    client.core.send(Buffer.from('late'));
    for (let n = 0; n < 70; n += 1) client.core.send(Uint8Array.of(n));
    kept.push(...link.sent.slice(before).map(({ bytes }) => bytes));
    link.run();
    const count = server.sink.delivered.length;
    expect(count).toBe(71);
    for (const bytes of kept) server.core.receive(new Uint8Array(bytes));
    expect(server.sink.delivered.length).toBe(count);
  });

  it('the window lets each number in once, in any order within 64', () => {
    const random = seededRandom(3);
    for (let round = 0; round < 50; round += 1) {
      const window = new ReplayWindow();
      const seen = new Set<number>();
      let newest = -1;
      for (let n = 0; n < 500; n += 1) {
        const number = Math.max(0, newest + random.below(90) - 70 + (random.below(20) === 0 ? 100 : 0));
        const expected = !seen.has(number) && number > newest - 64;
        expect(window.isNew(number)).toBe(expected);
        if (!expected) continue;
        window.add(number);
        seen.add(number);
        newest = Math.max(newest, number);
      }
    }
  });
});

describe('wishes to renegotiate', () => {
  it('are refused with a warning where they are not welcome, and the connection goes on', () => {
    const { client, server, link } = established({ server: { config: { clientRenegotiation: false } } });
    // A hello under the keys of the connection, as a peer would send it that begins anew.
    const half = client.core.split();
    const hello = firstHello().subarray(13);
    const sealed = half.sealApplicationData(Uint8Array.of(1));
    expect(sealed).toHaveLength(1);
    client.core.join(half);
    if (!(half instanceof DtlsWriteHalf)) throw new Error('another half');
    half.beginFlight();
    half.addMessage(new Uint8Array(hello));
    for (const datagram of half.sealFlight()) server.core.receive(datagram);
    link.run();
    expect(server.sink.failures).toEqual([]);
    expect(client.sink.failures).toEqual([]);
    server.core.send(Buffer.from('on we go'));
    link.run();
    expect(client.sink.received()).toBe('on we go');
  });
});
