/** Early data over datagrams (RFC 9147 §5.6, §6.1, RFC 8446 §2.3, §4.2.10): every step of it, and what can become of it. */
import { seededRandom } from '@actor-tls/runtime/testing';
import { describe, expect, it } from 'vitest';
import { longestEarlyData } from '../../packages/ssl/src/protocol/record/early-epoch.js';
import { DatagramLink, dtlsPair, dtlsSuites, type Fate } from './datagram-link.js';
import { type EarlyEnds, earlyEnds, earlyForger, earlyTerms, epochBitsOf } from './early-datagrams.js';
import { bytes } from './psk-ends.js';
import { tls12 } from './two-cores.js';

type Sent = DatagramLink['sent'];

/** The client's hello and its early data, and all that follows. */
function shaken(ends: EarlyEnds, early: readonly string[], fate?: Fate): DatagramLink {
  const link = new DatagramLink(ends.client, ends.server, fate);
  ends.client.core.start();
  for (const text of early) expect(ends.client.core.sendEarlyData(bytes(text))).toBe(true);
  link.run();
  return link;
}

function earlyRecords(sent: Sent): number {
  return sent.filter(({ from, bytes }) => from === 'client' && epochBitsOf(bytes) === 1).length;
}

function expectToTalk({ client, server }: EarlyEnds): void {
  expect([client.sink.failures, server.sink.failures]).toEqual([[], []]);
  expect([client.sink.establishedCount, server.sink.establishedCount]).toEqual([1, 1]);
}

function outcomes({ client, server }: EarlyEnds): unknown[] {
  return [client.sink.facts?.earlyData, server.sink.facts?.earlyData];
}

/** Whether it is so of what the client has sent in epoch 1. */
const isEarly = (datagram: Uint8Array, from: string): boolean =>
  from === 'client' && epochBitsOf(datagram) === 1;

describe('early data over datagrams', () => {
  it('leaves behind the hello, a record and a datagram each, and is read before the client’s Finished', () => {
    const ends = earlyEnds();
    const { client, server } = ends;
    const datagrams: Uint8Array[] = [];
    client.sink.onWrite = (datagram) => datagrams.push(datagram);
    client.core.start();
    expect(client.core.sendEarlyData(bytes('one'))).toBe(true);
    expect(client.core.sendEarlyData(bytes('two'))).toBe(true);
    expect(datagrams.map(epochBitsOf)).toEqual([0, 1, 1]);
    for (const datagram of datagrams) server.core.receive(datagram);
    expect(server.sink.earlyData).toEqual(['one', 'two']);
    expect(server.sink.establishedCount).toBe(0);
    expect(server.core.stateName).toBe('wait_finished');
  });

  it('is told of by both sides, and their secrets of it are the same', () => {
    const ends = earlyEnds({
      client: { config: { keepSecrets: true } },
      server: { config: { keepSecrets: true } },
    });
    shaken(ends, ['one', 'two']);
    expectToTalk(ends);
    expect(outcomes(ends)).toEqual(['accepted', 'accepted']);
    const [ours, theirs] = [ends.client.sink.facts, ends.server.sink.facts];
    expect([ours?.earlyBytes, theirs?.earlyBytes]).toEqual([6, 6]);
    const exported = [ours, theirs].map((facts) =>
      facts?.earlyExporter?.export('label', bytes('context'), 16),
    );
    expect(exported[0]).toHaveLength(16);
    expect(exported[0]).toEqual(exported[1]);
    expect(ours?.secrets).toEqual(theirs?.secrets);
    expect(ours?.secrets).toHaveProperty('clientEarlyTraffic');
  });

  it('is ended by no message: what follows the hello in the client’s epochs is its Finished alone', () => {
    const ends = earlyEnds();
    shaken(ends, ['one']);
    expectToTalk(ends);
    expect(ends.client.sink.messages).toEqual([1, 20]);
  });

  it('may be sent until the server’s Finished is here, and not before the hello or after that', () => {
    const { client, server } = earlyEnds();
    expect(client.core.sendEarlyData(bytes('too early'))).toBe(false);
    const flights: Uint8Array[] = [];
    server.sink.onWrite = (datagram) => flights.push(datagram);
    client.core.start();
    server.core.receive(client.sink.take());
    expect(client.core.sendEarlyData(bytes('in time'))).toBe(true);
    server.core.receive(client.sink.take());
    for (const datagram of flights) client.core.receive(datagram);
    expect(client.sink.establishedCount).toBe(1);
    expect(client.core.sendEarlyData(bytes('late'))).toBe(false);
    expect(server.sink.earlyData).toEqual(['in time']);
  });

  it('is never more than the ticket allows, nor longer than a datagram', () => {
    const { client } = earlyEnds({ client: { config: { mtu: 1200 } } });
    const sizes: number[] = [];
    client.core.start();
    client.sink.onWrite = (datagram) => sizes.push(datagram.length);
    const most = longestEarlyData(1200);
    expect(client.core.sendEarlyData(new Uint8Array(most + 1))).toBe(false);
    for (let n = 0; n < 3; n += 1) expect(client.core.sendEarlyData(new Uint8Array(most))).toBe(true);
    expect(sizes).toEqual([1200, 1200, 1200]);
    const left = earlyTerms.maxSize - 3 * most;
    expect(client.core.sendEarlyData(new Uint8Array(left + 1))).toBe(false);
    expect(client.core.sendEarlyData(new Uint8Array(left))).toBe(true);
    expect(client.core.sendEarlyData(new Uint8Array(1))).toBe(false);
  });

  it('is answered before the client’s Finished', () => {
    const ends = earlyEnds();
    ends.client.core.start();
    ends.client.core.sendEarlyData(bytes('early'));
    for (const datagram of ends.client.sink.outbox.splice(0)) ends.server.core.receive(datagram);
    expect(ends.server.core.sendHalfRtt(bytes('half'))).toBe(true);
    for (const datagram of ends.server.sink.outbox.splice(0)) ends.client.core.receive(datagram);
    expect(ends.client.sink.received()).toBe('half');
    expect(ends.server.sink.establishedCount).toBe(0);
  });

  it('is of any size that a record may have, whatever limit the server tells', () => {
    const ends = earlyEnds({
      client: { config: { recordSizeLimit: 16_385 } },
      server: { config: { recordSizeLimit: 64 } },
    });
    shaken(ends, ['x'.repeat(200)]);
    expectToTalk(ends);
    expect(ends.server.sink.earlyData).toEqual(['x'.repeat(200)]);
  });
});

describe('early data that is refused', () => {
  it.each<[string, Parameters<typeof earlyEnds>[0]]>([
    ['nobody vouches for the key', { known: { earlyData: undefined } }],
    ['the key is not known', { known: 'unknown' }],
    ['the server retries', { server: { config: { supportedGroups: ['secp256r1'] } } }],
    ['it belongs to another protocol', { known: { earlyData: { ...earlyTerms, alpn: bytes('h2') } } }],
  ])('since %s is passed over unopened, and the connection goes on', (_why, wish) => {
    const ends = earlyEnds(wish);
    const link = shaken(ends, ['one', 'two']);
    expectToTalk(ends);
    expect(outcomes(ends)).toEqual(['rejected', 'rejected']);
    expect(ends.server.sink.earlyData).toEqual([]);
    expect(ends.server.core.discarded).toBe(2);
    expect(earlyRecords(link.sent)).toBe(2);
    expect(ends.client.core.send(bytes('in time'))).toBe(true);
    link.run();
    expect(ends.server.sink.received()).toBe('in time');
  });

  it('is not sent again by the client, nor more of it after the server has said so', () => {
    const ends = earlyEnds({ server: { config: { supportedGroups: ['secp256r1'] } } });
    const { client, server } = ends;
    client.core.start();
    client.core.sendEarlyData(bytes('one'));
    for (const datagram of client.sink.outbox.splice(0)) server.core.receive(datagram);
    for (const datagram of server.sink.outbox.splice(0)) client.core.receive(datagram);
    expect(client.core.stateName).toBe('start');
    expect(client.core.sendEarlyData(bytes('two'))).toBe(false);
    expect(client.sink.outbox.map(epochBitsOf)).toEqual([0]);
  });

  it('costs the server nothing but a look at its header, however much comes', () => {
    const ends = earlyEnds({ known: 'unknown' });
    const { client, server } = ends;
    const link = new DatagramLink(client, server);
    client.core.start();
    client.core.sendEarlyData(bytes('one'));
    const [hello = new Uint8Array(0), record = new Uint8Array(0)] = link.sent.map(({ bytes }) => bytes);
    server.core.receive(hello);
    for (let n = 0; n < 5000; n += 1) server.core.receive(new Uint8Array(record));
    expect(server.core.held).toBeLessThan(5000);
    link.run();
    expectToTalk(ends);
  });
});

describe('records of epoch 1', () => {
  it('that get lost stay lost: nobody sends them again', () => {
    const ends = earlyEnds();
    const link = shaken(ends, ['one', 'two', 'three'], (datagram, index, from) =>
      isEarly(datagram, from) && index === 2 ? [] : [{ after: 1, bytes: datagram }],
    );
    expectToTalk(ends);
    expect(ends.server.sink.earlyData).toEqual(['one', 'three']);
    expect(ends.server.sink.facts?.earlyBytes).toBe(8);
    expect(earlyRecords(link.sent)).toBe(3);
  });

  it('are read though the hello before them was lost, and left again a second later', () => {
    const ends = earlyEnds();
    shaken(ends, ['one'], (datagram, index) => (index === 0 ? [] : [{ after: 1, bytes: datagram }]));
    expectToTalk(ends);
    expect(ends.server.sink.earlyData).toEqual(['one']);
  });

  it('that come twice are read once', () => {
    const ends = earlyEnds();
    shaken(ends, ['one', 'two'], (datagram, _index, from) =>
      isEarly(datagram, from)
        ? [1, 2, 3].map((after) => ({ after, bytes: datagram }))
        : [{ after: 1, bytes: datagram }],
    );
    expectToTalk(ends);
    expect(ends.server.sink.earlyData).toEqual(['one', 'two']);
  });

  it('that come in another order, and before the hello, are read as they come', () => {
    const ends = earlyEnds();
    shaken(ends, ['one', 'two'], (datagram, index, from) => [
      { after: from === 'client' && index < 3 ? 3 - index : 1, bytes: datagram },
    ]);
    expectToTalk(ends);
    expect(ends.server.sink.earlyData.sort()).toEqual(['one', 'two']);
  });

  it('that come between the pieces of a hello are read once it is whole', () => {
    const ends = earlyEnds({
      client: { config: { mtu: 256, alpnAdvertisedProtocols: [bytes('x'.repeat(200))] } },
    });
    const { client, server } = ends;
    client.core.start();
    const pieces = client.sink.outbox.splice(0);
    expect(pieces.length).toBeGreaterThan(1);
    client.core.sendEarlyData(bytes('one'));
    const [record = new Uint8Array(0)] = client.sink.outbox.splice(0);
    server.core.receive(record);
    for (const piece of pieces.reverse()) server.core.receive(piece);
    expect(server.sink.earlyData).toEqual(['one']);
  });

  it('that come while the server looks the key up wait for it, within bounds', () => {
    const ends = earlyEnds();
    const { client, server } = ends;
    let answer = (): void => {};
    const { askPsk } = server.sink;
    server.sink.askPsk = (wish) => {
      answer = () => askPsk.call(server.sink, wish);
    };
    client.core.start();
    for (const text of ['one', 'two']) client.core.sendEarlyData(bytes(text));
    for (const datagram of client.sink.outbox.splice(0)) server.core.receive(datagram);
    expect(server.core.awaiting).toBe('psk');
    for (let n = 0; n < 1000; n += 1)
      server.core.receive(Uint8Array.of(0x2d, n >> 8, n, 4, 0, ...new Uint8Array(1024)));
    expect(server.core.held).toBeLessThanOrEqual(65_536 + 4096);
    answer();
    expect(server.sink.earlyData).toEqual(['one', 'two']);
    expect(server.sink.failures).toEqual([]);
  });

  it('that come before the hello are kept within bounds, and no connection is harmed', () => {
    const ends = earlyEnds();
    const { client, server } = ends;
    for (let n = 0; n < 1000; n += 1)
      server.core.receive(Uint8Array.of(0x2d, n >> 8, n, 4, 0, ...new Uint8Array(1024)));
    expect(server.core.held).toBeLessThanOrEqual(32_768);
    shaken(ends, ['one']);
    expectToTalk(ends);
    expect(outcomes(ends)).toEqual(['accepted', 'accepted']);
    expect(client.sink.facts?.retried).toBe(false);
  });

  it('that come behind the client’s Finished are passed over', () => {
    const ends = earlyEnds();
    shaken(ends, ['one', 'two'], (datagram, index) => [{ after: index === 2 ? 100 : 1, bytes: datagram }]);
    expectToTalk(ends);
    expect(ends.server.sink.earlyData).toEqual(['one']);
    expect(ends.server.core.discarded).toBeGreaterThan(0);
    expect(outcomes(ends)).toEqual(['accepted', 'accepted']);
  });

  it('that nobody of the two has made are passed over', () => {
    const ends = earlyEnds();
    const { client, server } = ends;
    client.core.start();
    for (const datagram of client.sink.outbox.splice(0)) server.core.receive(datagram);
    client.core.sendEarlyData(bytes('one'));
    const [record = new Uint8Array(0)] = client.sink.outbox.splice(0);
    for (let at = 1; at < record.length; at += 1) {
      const forged = new Uint8Array(record);
      forged[at] = (forged[at] ?? 0) ^ 1;
      server.core.receive(forged);
    }
    expect(server.sink.earlyData).toEqual([]);
    server.core.receive(record);
    expect(server.sink.earlyData).toEqual(['one']);
    expect(server.sink.failures).toEqual([]);
  });

  it('that hold more than the ticket allows end the connection', () => {
    const ends = earlyEnds({ known: { earlyData: { ...earlyTerms, maxSize: 5 } } });
    shaken(ends, ['12345', '6']);
    expect(ends.server.sink.earlyData).toEqual(['12345']);
    expect(ends.server.sink.failures).toMatchObject([
      { by: 'self', reason: 'too_much_early_data', alert: 'unexpected_message' },
    ]);
  });

  it('that hold handshake messages end the connection: those have an epoch of their own', () => {
    const ends = earlyEnds();
    const { client, server } = ends;
    client.core.start();
    for (const datagram of client.sink.outbox.splice(0)) server.core.receive(datagram);
    const finished = Uint8Array.of(20, 0, 0, 32, 0, 1, 0, 0, 0, 0, 0, 32, ...new Uint8Array(32));
    server.core.receive(earlyForger(ends)(22, finished));
    expect(server.sink.failures).toMatchObject([{ reason: 'excess_handshake_data' }]);
  });

  it('that acknowledge what was sent under other keys end the connection', () => {
    const ends = earlyEnds();
    const { client, server } = ends;
    client.core.start();
    for (const datagram of client.sink.outbox.splice(0)) server.core.receive(datagram);
    const ack = Uint8Array.of(0, 16, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0);
    server.core.receive(earlyForger(ends)(26, ack));
    expect(server.sink.failures).toMatchObject([{ reason: 'wrong_ack' }]);
  });

  it('that are empty count for nothing', () => {
    const ends = earlyEnds();
    const { client, server } = ends;
    client.core.start();
    for (const datagram of client.sink.outbox.splice(0)) server.core.receive(datagram);
    const forge = earlyForger(ends);
    for (let n = 0; n < 100; n += 1) server.core.receive(forge(23, new Uint8Array(0)));
    expect(server.sink.earlyData).toEqual([]);
    expect(server.sink.failures).toEqual([]);
  });

  it('do not prove that the client is where it says; what it sends under later keys does', () => {
    const ends = earlyEnds();
    let proofs = 0;
    const nothing = (): void => {};
    const paths = { owes: nothing, writeTo: nothing, open: nothing, follow: nothing };
    Object.assign(ends.server.sink, {
      paths: { ...paths, allow: nothing, forget: nothing, timer: nothing, proved: () => (proofs += 1) },
    });
    const { client, server } = ends;
    client.core.start();
    client.core.sendEarlyData(bytes('one'));
    for (const datagram of client.sink.outbox.splice(0)) server.core.receive(datagram);
    expect(server.sink.earlyData).toEqual(['one']);
    expect(proofs).toBe(0);
    for (const datagram of server.sink.outbox.splice(0)) client.core.receive(datagram);
    for (const datagram of client.sink.outbox.splice(0)) server.core.receive(datagram);
    expect(proofs).toBe(1);
  });

  it.each([0.1, 0.3])(
    'with %s of all datagrams lost, and others doubled and late, are read once or not at all',
    (loss) => {
      for (let seed = 1; seed <= 100; seed += 1) {
        const random = seededRandom(seed);
        const ends = earlyEnds();
        const texts = Array.from({ length: 8 }, (_, index) => `${index}`);
        const link = shaken(ends, texts, (datagram) => {
          if (random.below(100) < loss * 100) return [];
          const copies = random.below(10) === 0 ? 2 : 1;
          return Array.from({ length: copies }, () => ({ after: 1 + random.below(80), bytes: datagram }));
        });
        expectToTalk(ends);
        const { earlyData, facts } = ends.server.sink;
        expect(new Set(earlyData).size).toBe(earlyData.length);
        expect(facts?.earlyBytes).toBe(earlyData.length);
        expect(outcomes(ends)).toEqual(['accepted', 'accepted']);
        expect(earlyRecords(link.sent)).toBe(8);
      }
    },
  );
});

describe('a client that has offered early data', () => {
  it('fails with who has no DTLS 1.3, since that cannot have meant it (RFC 8446 §D.3)', () => {
    const versions = ['dtlsv1.3', 'dtlsv1.2'] as const;
    const ciphers = [earlyTerms.suite, ...dtlsSuites()];
    const { signatureAlgs } = tls12;
    const { client } = earlyEnds({ client: { config: { versions, ciphers, signatureAlgs } } });
    const { server } = dtlsPair();
    client.core.start();
    client.core.sendEarlyData(bytes('one'));
    for (const datagram of client.sink.outbox.splice(0)) server.core.receive(datagram);
    for (const datagram of server.sink.outbox.splice(0)) client.core.receive(datagram);
    expect(client.sink.failures).toMatchObject([{ reason: 'older_version_after_early_data' }]);
  });

  it('is not led back to an older version by a cookie of that, early data and all', () => {
    const versions = ['dtlsv1.3', 'dtlsv1.2'] as const;
    const ciphers = [earlyTerms.suite, ...dtlsSuites()];
    const { client } = earlyEnds({ client: { config: { versions, ciphers } } });
    client.core.start();
    client.core.sendEarlyData(bytes('one'));
    client.sink.outbox.splice(0);
    const request = [3, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 7, 0xfe, 0xff, 4, 1, 2, 3, 4];
    client.core.receive(Uint8Array.of(22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, request.length, ...request));
    // The cookie comes back in the clear; what the server then says of DTLS 1.2 is the end.
    expect(client.sink.outbox.map(epochBitsOf)).toEqual([0]);
    const { server } = dtlsPair();
    for (const datagram of client.sink.outbox.splice(0)) server.core.receive(datagram);
    for (const datagram of server.sink.outbox.splice(0)) client.core.receive(datagram);
    expect(client.sink.failures).toMatchObject([{ reason: 'older_version_after_early_data' }]);
  });
});
