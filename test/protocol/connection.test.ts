import { Core, sealData, sealKeyUpdate, TurnBudget, type WriteHalf } from '@actor-tls/ssl/core';
import { describe, expect, test } from 'vitest';
import type { Group } from '../../packages/ssl/src/values/crypto/engine.js';
import { encodeHandshake } from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { stillHeld } from '../support/collected.js';
import { bent, plainRecord } from './bend.js';
import { engineHashing } from './bent-engine.js';
import { type HeldChannel, holding } from './held-channel.js';
import {
  acceptKnown,
  type ClientOverrides,
  client,
  clientOptions,
  connected,
  type End,
  exchange,
  Recorder,
  type ServerOverrides,
  server,
  serverOptions,
  tls12,
} from './two-cores.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const bytesOf = (pieces: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(pieces));

describe('data', () => {
  test('of a megabyte arrives as it left', () => {
    const ends = connected();
    const data = Uint8Array.from({ length: 1 << 20 }, (_, at) => at * 7);
    ends.client.core.send(data);
    exchange(ends.client, ends.server);
    expect(Buffer.compare(Buffer.concat(ends.server.sink.delivered), data)).toBe(0);
  });

  test('that is empty writes nothing', () => {
    const ends = connected();
    const writes = ends.client.sink.writes.length;
    expect(ends.client.core.send(new Uint8Array(0))).toBe(true);
    expect(ends.client.sink.writes).toHaveLength(writes);
  });

  test('before the handshake is complete cannot be sent', () => {
    const end = client();
    end.core.start();
    expect(end.core.send(text('x'))).toBe(false);
    expect(end.core.updateKeys('write')).toBe(false);
    expect(() => end.core.split()).toThrow(TypeError);
  });

  test('in a chunk that is overwritten later is safe after detach', () => {
    const ends = connected();
    ends.client.core.send(text('half and half'));
    const record = ends.client.sink.take();
    const buffer = new Uint8Array(10);
    for (let at = 0; at < record.length; at += 10) {
      const piece = record.subarray(at, at + 10);
      buffer.fill(0);
      buffer.set(piece);
      ends.server.core.receive(buffer.subarray(0, piece.length));
      ends.server.core.detach();
    }
    expect(ends.server.sink.received()).toBe('half and half');
  });
});

describe('key updates', () => {
  test.each(['write', 'read_write'] as const)('%s: data flows under the new keys', (which) => {
    const ends = connected();
    for (let i = 0; i < 5; i += 1) {
      expect(ends.client.core.updateKeys(which)).toBe(true);
      ends.client.core.send(text('a'));
      exchange(ends.client, ends.server);
      ends.server.core.send(text('b'));
      expect(ends.server.core.updateKeys(which)).toBe(true);
      exchange(ends.client, ends.server);
    }
    expect(ends.server.sink.received()).toBe('aaaaa');
    expect(ends.client.sink.received()).toBe('bbbbb');
    expect(ends.client.sink.failures).toEqual([]);
  });

  test('after keyUpdateAt bytes one goes out by itself', () => {
    const ends = connected({ config: { keyUpdateAt: 100 } });
    ends.client.core.send(new Uint8Array(150));
    expect(ends.client.sink.writes.at(-1)).toHaveLength(1);
    ends.client.core.send(text('x'));
    // The KeyUpdate and the data leave together.
    expect(ends.client.sink.writes.at(-1)).toHaveLength(2);
    exchange(ends.client, ends.server);
    expect(ends.server.sink.delivered.map((piece) => piece.length)).toEqual([150, 1]);
    // It asks for the peer's, which leaves before the peer's next data.
    ends.server.core.send(text('y'));
    expect(ends.server.sink.writes).toHaveLength(3);
    exchange(ends.client, ends.server);
    expect(ends.client.sink.received()).toBe('y');
  });

  test('data between them keeps their number unlimited', () => {
    const ends = connected();
    for (let i = 0; i < 100; i += 1) {
      ends.client.core.updateKeys('write');
      ends.client.core.send(text('x'));
    }
    exchange(ends.client, ends.server);
    expect(ends.server.sink.failures).toEqual([]);
    expect(Buffer.concat(ends.server.sink.delivered)).toHaveLength(100);
  });
});

describe('requests for key updates', () => {
  const requests = (from: End, count: number): Uint8Array => {
    const write = from.core.split();
    const sealed = Array.from({ length: count }, () => sealKeyUpdate(write, 'update_requested')).flat();
    from.core.join(write);
    return bytesOf(sealed);
  };

  test('many requests in a row are answered once', () => {
    const ends = connected();
    const writes = ends.server.sink.writes.length;
    for (let count = 0; count < 10; count += 1) ends.server.core.receive(requests(ends.client, 100));
    expect(ends.server.sink.writes).toHaveLength(writes);
    ends.server.core.send(text('x'));
    ends.server.core.send(text('y'));
    expect(ends.server.sink.writes).toHaveLength(writes + 3);
    exchange(ends.client, ends.server);
    expect(ends.client.sink.received()).toBe('xy');
    ends.server.core.split();
    ends.server.core.receive(requests(ends.client, 1000));
    expect(ends.server.sink.owed).toEqual(['key_update']);
    expect([...ends.client.sink.failures, ...ends.server.sink.failures]).toEqual([]);
  });

  test('one is answered before the data that its reader sends at once', () => {
    const ends = connected();
    ends.client.core.updateKeys('read_write');
    ends.client.core.send(text('question'));
    ends.server.sink.deliver = () => void ends.server.core.send(text('answer'));
    ends.server.core.receive(ends.client.sink.take());
    // KeyUpdate and data, in this order: else the data would be under the old keys.
    expect(ends.server.sink.writes.slice(-2).map((pieces) => bytesOf(pieces).length)).toEqual([27, 28]);
    exchange(ends.client, ends.server);
    expect(ends.client.sink.received()).toBe('answer');
  });

  test('answers to our own are no flood, though nothing else comes', () => {
    const ends = connected({ config: { keyUpdateAt: 1000 } });
    const answering = ends.server.core.split();
    ends.server.sink.owes = () => ends.server.sink.write(sealKeyUpdate(answering, 'update_not_requested'));
    for (let count = 0; count < 200; count += 1) {
      ends.client.core.send(new Uint8Array(1000));
      exchange(ends.client, ends.server);
    }
    for (let count = 0; count < 200; count += 1) {
      ends.client.core.updateKeys('read_write');
      exchange(ends.client, ends.server);
    }
    // All but the first send came with a request.
    expect(ends.server.sink.writes.length).toBeGreaterThan(399);
    expect([...ends.client.sink.failures, ...ends.server.sink.failures]).toEqual([]);
    expect(Buffer.concat(ends.server.sink.delivered)).toHaveLength(200_000);
  });

  test('answers to those of the split half are none either, if the core is told of them', () => {
    const ends = connected();
    const write = ends.client.core.split();
    for (let count = 0; count < 200; count += 1) {
      ends.server.core.receive(bytesOf(sealKeyUpdate(write, 'update_requested')));
      ends.client.core.expectKeyUpdates(write.takeRequests());
      ends.server.core.updateKeys('write');
      ends.client.core.receive(ends.server.sink.take());
    }
    expect(ends.client.sink.failures).toEqual([]);
  });
});

describe('a flood of key updates', () => {
  const updates = (
    count: number,
    between: (write: WriteHalf, peer: HeldChannel) => readonly Uint8Array[],
  ): End => {
    const held = holding();
    const ends = connected(held.override);
    const write = ends.client.core.split();
    for (let at = 0; at < count; at += 1)
      ends.server.core.receive(
        bytesOf([...sealKeyUpdate(write, 'update_not_requested'), ...between(write, held.channel)]),
      );
    return ends.server;
  };

  test('ends the connection after 32, unless there is data between them', () => {
    expect(updates(32, () => []).sink.failures).toEqual([]);
    expect(updates(33, () => []).sink.failures).toMatchObject([{ reason: 'too_many_key_updates' }]);
    expect(updates(200, (write) => write.sealApplicationData(text('x'))).sink.failures).toEqual([]);
  });

  test('empty data does not', () => {
    let turn = 0;
    const { sink } = updates(40, (_write, peer) => (++turn % 2 === 0 ? [peer.forge(23)] : []));
    expect(sink.failures).toMatchObject([{ reason: 'too_many_key_updates' }]);
  });
});

describe('user_canceled', () => {
  test.each(['client', 'server'] as const)('before close_notify is no error of a %s', (who) => {
    const ends = connected();
    const write = ends[who === 'client' ? 'server' : 'client'].core.split();
    ends[who].core.receive(bytesOf([...write.sealAlert(1, 90), ...write.sealAlert(1, 0)]));
    expect(ends[who].sink.failures).toEqual([]);
    expect(ends[who].sink.closedCount).toBe(1);
  });

  test('in the clear, before the handshake is complete, is none either', () => {
    const end = server();
    end.core.receive(bytesOf([plainRecord(21, [1, 90]), plainRecord(21, [1, 0])]));
    expect(end.sink.failures).toEqual([]);
    expect(end.sink.closedCount).toBe(1);
  });

  test('does not end the data; five without any between them are too much', () => {
    const ends = connected();
    const write = ends.client.core.split();
    for (let count = 0; count < 4; count += 1) {
      const data = write.sealApplicationData(text('x'));
      ends.server.core.receive(bytesOf([...data, ...write.sealAlert(1, 90)]));
    }
    expect(ends.server.sink.received()).toBe('xxxx');
    expect(ends.server.sink.failures).toEqual([]);
    ends.server.core.receive(bytesOf(write.sealApplicationData(text('y'))));
    for (let count = 0; count < 5; count += 1) ends.server.core.receive(bytesOf(write.sealAlert(1, 90)));
    expect(ends.server.sink.failures).toMatchObject([{ reason: 'too_many_warnings' }]);
  });

  test('as a fatal alert is the end that it says', () => {
    const ends = connected();
    const write = ends.client.core.split();
    ends.server.core.receive(bytesOf(write.sealAlert(2, 90)));
    expect(ends.server.sink.failures).toMatchObject([{ by: 'peer', alert: 'user_canceled' }]);
  });
});

describe('a core with a budget', () => {
  test('is the only one that needs rests', () => {
    const ends = connected();
    ends.client.core.send(new Uint8Array(10_000_000));
    exchange(ends.client, ends.server);
    expect(ends.server.core.needsRest).toBe(false);
  });

  test('works off so much in one turn and the rest in others', () => {
    const ends = { client: client(), server: server({ budget: new TurnBudget(64, 1e6) }) };
    ends.client.core.start();
    exchange(ends.client, ends.server);
    ends.server.core.resume();
    const write = ends.client.core.split();
    const tiny = bytesOf(Array.from({ length: 980 }, () => write.sealApplicationData(text('x'))).flat());
    ends.server.core.receive(tiny);
    // Bytes, which are records here: an engine that opens several at once gives them in one piece.
    const turns = [ends.server.sink.received().length];
    while (ends.server.core.needsRest) {
      ends.server.core.resume();
      turns.push(ends.server.sink.received().length);
    }
    expect(turns).toEqual([...Array.from({ length: 15 }, (_, turn) => (turn + 1) * 64), 980]);
  });

  test('holds back key updates, messages of one record, and the end of the transport', () => {
    const ends = { client: client({ budget: new TurnBudget(10, 1e6) }), server: server() };
    ends.client.core.start();
    exchange(ends.client, ends.server);
    ends.client.core.resume();
    const write = ends.server.core.split();
    const ticket = encodeHandshake('new_session_ticket', {
      ticketLifetime: 1,
      ticketAgeAdd: 1,
      ticketNonce: Uint8Array.of(0),
      ticket: Uint8Array.of(1),
      extensions: [],
    });
    const update = sealKeyUpdate(write, 'update_not_requested');
    ends.client.core.receive(
      bytesOf([
        ...update,
        ...write.sealHandshake(bytesOf(Array.from({ length: 30 }, () => ticket))),
        ...write.sealApplicationData(text('at last')),
      ]),
    );
    ends.client.core.receiveEnd();
    let turns = 1;
    for (; ends.client.sink.closedCount === 0 && turns < 20; turns += 1) {
      expect(ends.client.core.needsRest).toBe(true);
      ends.client.core.resume();
    }
    // Two for the KeyUpdate, a record and thirty messages, and the data.
    expect(turns).toBe(4);
    expect(ends.client.sink.received()).toBe('at last');
    expect(ends.client.sink.failures).toEqual([]);
  });
});

describe('memory of an unfinished handshake', () => {
  test('is what has come of a hello, and nothing once the connection stands', () => {
    const end = server();
    const hello = new Uint8Array(100_000);
    hello.set([1, 3, 0, 0]);
    let sent = 0;
    for (; sent < hello.length; sent += 10_000) {
      end.core.receive(plainRecord(22, hello.subarray(sent, sent + 10_000)));
      expect(end.core.held).toBeGreaterThanOrEqual(sent + 10_000);
      expect(end.core.held).toBeLessThan((sent + 10_000) * 1.2);
    }
    const ends = connected();
    expect(ends.server.core.held).toBe(0);
    expect(ends.client.core.held).toBe(0);
  });

  test('counts a hello that waits for the second', () => {
    const ends = { client: client(), server: server({ config: { supportedGroups: ['secp256r1'] } }) };
    ends.client.core.start();
    const hello = ends.client.sink.take();
    ends.server.core.receive(hello);
    expect(ends.server.core.held).toBeGreaterThanOrEqual(hello.length - 5);
  });
});

describe('split halves', () => {
  test('the write half works alone, and the core tells what it should send', () => {
    const ends = connected();
    const write = ends.server.core.split();
    ends.client.core.updateKeys('read_write');
    exchange(ends.client, ends.server);
    expect(ends.server.sink.owed).toEqual(['key_update']);
    const sent = bytesOf([
      ...sealKeyUpdate(write, 'update_not_requested'),
      ...sealData(write, text('from afar')),
    ]);
    ends.client.core.receive(sent);
    expect(ends.client.sink.received()).toBe('from afar');
  });

  test('the core writes nothing itself any more, alerts neither', () => {
    const ends = connected();
    ends.server.core.split();
    const writes = ends.server.sink.writes.length;
    expect(() => ends.server.core.send(text('x'))).toThrow(TypeError);
    expect(() => ends.server.core.close()).toThrow(TypeError);
    expect(() => ends.server.core.split()).toThrow(TypeError);
    ends.server.core.receive(plainRecord(22, [24, 0, 0, 1, 0]));
    expect(ends.server.sink.failures).toMatchObject([{ by: 'self', alert: 'unexpected_message' }]);
    expect(ends.server.sink.writes).toHaveLength(writes);
  });

  test('a half that is given back serves the core again', () => {
    const ends = connected();
    const write = ends.client.core.split();
    ends.client.core.join(write);
    expect(() => ends.client.core.join(write)).toThrow(TypeError);
    ends.client.core.send(text('again'));
    exchange(ends.client, ends.server);
    expect(ends.server.sink.received()).toBe('again');
  });

  test('splitting inside established is allowed', () => {
    const ends = { client: client(), server: server() };
    let split = 0;
    const { established } = ends.client.sink;
    ends.client.sink.established = (facts) => {
      established.call(ends.client.sink, facts);
      ends.client.core.split();
      split += 1;
    };
    ends.client.core.start();
    exchange(ends.client, ends.server);
    expect(split).toBe(1);
    expect(ends.server.sink.establishedCount).toBe(1);
  });
});

describe('the end', () => {
  test('close says close_notify once; the other way stays open', () => {
    const ends = connected();
    ends.client.core.close();
    ends.client.core.close();
    expect(ends.client.core.send(text('x'))).toBe(false);
    exchange(ends.client, ends.server);
    expect(ends.server.sink.closedCount).toBe(1);
    expect(ends.server.core.send(text('last words'))).toBe(true);
    ends.server.core.close();
    exchange(ends.client, ends.server);
    expect(ends.client.sink.received()).toBe('last words');
    expect(ends.client.sink.closedCount).toBe(1);
    expect([...ends.client.sink.failures, ...ends.server.sink.failures]).toEqual([]);
  });

  test('data before close_notify is delivered, after it nothing', () => {
    const ends = connected();
    const write = ends.client.core.split();
    ends.server.core.receive(
      bytesOf([
        ...write.sealApplicationData(text('before')),
        ...write.sealAlert(1, 0),
        ...write.sealApplicationData(text('after')),
      ]),
    );
    expect(ends.server.sink.received()).toBe('before');
    expect(ends.server.sink.closedCount).toBe(1);
    expect(ends.server.sink.failures).toEqual([]);
  });

  test('the end of the transport counts as the end, once', () => {
    const ends = connected();
    ends.server.core.receiveEnd();
    ends.server.core.receiveEnd();
    expect(ends.server.sink.closedCount).toBe(1);
  });

  test.each(['client', 'server'] as const)('close during the handshake ends it: %s', (who) => {
    const ends = { client: client(), server: server() };
    ends.client.core.start();
    if (who === 'server') ends.server.core.close();
    else ends.client.core.close();
    exchange(ends.client, ends.server);
    expect(ends[who === 'server' ? 'client' : 'server'].sink.closedCount).toBe(1);
    expect(ends.client.sink.establishedCount + ends.server.sink.establishedCount).toBe(0);
  });
});

describe('after the handshake', () => {
  test('a client takes a ticket and passes over it', () => {
    const ends = connected();
    const write = ends.server.core.split();
    const ticket = encodeHandshake('new_session_ticket', {
      ticketLifetime: 3600,
      ticketAgeAdd: 1,
      ticketNonce: Uint8Array.of(0),
      ticket: Uint8Array.of(1, 2, 3),
      extensions: [{ extensionType: 42, extensionData: Uint8Array.of(0, 0, 0, 9) }],
    });
    ends.client.core.receive(
      bytesOf([...write.sealHandshake(ticket), ...write.sealApplicationData(text('x'))]),
    );
    expect(ends.client.sink.failures).toEqual([]);
    expect(ends.client.sink.received()).toBe('x');
  });

  test.each<[string, 'client' | 'server', Uint8Array, string]>([
    [
      'a ticket for a server',
      'server',
      encodeHandshake('new_session_ticket', {
        ticketLifetime: 1,
        ticketAgeAdd: 1,
        ticketNonce: Uint8Array.of(0),
        ticket: Uint8Array.of(1),
        extensions: [],
      }),
      'unexpected_message',
    ],
    [
      'a CertificateRequest nobody allowed',
      'client',
      encodeHandshake('certificate_request', {
        certificateRequestContext: Uint8Array.of(1),
        extensions: [{ extensionType: 13, extensionData: Uint8Array.of(0, 2, 4, 3) }],
      }),
      'unexpected_message',
    ],
    ['a ClientHello', 'server', Uint8Array.of(1, 0, 0, 0), 'unexpected_message'],
    ['a message of TLS 1.2', 'client', Uint8Array.of(0, 0, 0, 0), 'unexpected_message'],
    ['a KeyUpdate that is too long', 'client', Uint8Array.of(24, 0, 0, 2, 0, 0), 'malformed_message'],
  ])('%s is refused', (_what, victim, message, reason) => {
    const ends = connected();
    const write = ends[victim === 'client' ? 'server' : 'client'].core.split();
    const end: End = ends[victim];
    end.core.receive(bytesOf(write.sealHandshake(message)));
    expect(end.sink.failures).toMatchObject([{ by: 'self', reason, state: 'connection' }]);
  });

  test('change_cipher_spec is refused', () => {
    const ends = connected();
    ends.client.core.receive(plainRecord(20, [1]));
    expect(ends.client.sink.failures).toMatchObject([{ reason: 'unexpected_change_cipher_spec' }]);
  });

  describe('nothing of the handshake is left in a connected core', () => {
    test.each<['client' | 'server', string, Required<ServerOverrides>['config']]>([
      ['client', '1.3', {}],
      ['server', '1.3', {}],
      ['client', '1.2', tls12],
      ['server', '1.2', tls12],
    ])('of a %s of TLS %s', async (who, version, config) => {
      const { core, watched } = connectedAndWatched(who, config);
      expect(new Set(watched.map(([name]) => name))).toEqual(
        new Set(['share', 'transcript', 'message', 'config']),
      );
      // What another handshake takes (RFC 5246 §7.4.1.1) is one and the same for all connections of a listener.
      expect(await stillHeld(watched)).toEqual(version === '1.2' ? ['config'] : []);
      expect(core.send(text('still there'))).toBe(true);
    });
  });
});

/** A core after its handshake, and what it was given and made for it. */
function connectedAndWatched(
  who: 'client' | 'server',
  config: Required<ClientOverrides & ServerOverrides>['config'],
): { readonly core: Core; readonly watched: readonly [string, WeakRef<object>][] } {
  const watched: [string, WeakRef<object>][] = [];
  const watch = <T extends object>(name: string, object: T): T => {
    watched.push([name, new WeakRef(object)]);
    return object;
  };
  const overrides = {
    ...bent((_type, message) => [watch('message', message)]),
    dependencies: {
      engine: engineHashing((hash) => ({ start: () => watch('transcript', hash.start()) })),
      keyShare: (group: Group) => watch('share', group.generate()),
    },
    config,
  };
  const sink = new Recorder(acceptKnown);
  const options = { client: clientOptions(overrides), server: serverOptions(overrides) };
  watch('config', options[who].config);
  const core = who === 'client' ? Core.client(options.client, sink) : Core.server(options.server, sink);
  sink.core = core;
  const [end, peer] = [{ core, sink }, who === 'client' ? server({ config }) : client({ config })];
  for (const one of [end, peer]) one.core.start();
  exchange(end, peer);
  expect(sink.establishedCount).toBe(1);
  return { core, watched };
}
