/** A server that keeps nothing between the hellos of a retry (RFC 8446 §4.2.2): the cookie has it, and nobody else can make one. */
import { describe, expect, test } from 'vitest';
import { RetryCookies } from '../../packages/ssl/src/processes/material/retry-cookies.js';
import {
  decodeHandshake,
  encodeHandshake,
  type Tls13Bodies,
} from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { type Bend, bent, extension, plainRecord, without } from './bend.js';
import { offerOf, pskEnds, suite } from './psk-ends.js';
import { expectToTalk } from './talk.js';
import {
  type ClientOverrides,
  client,
  type End,
  engine,
  exchange,
  type ServerOverrides,
  server,
} from './two-cores.js';

/** Cookies under a clock of our own. */
function cookiesAt(clock: { time: number } = { time: 0 }): RetryCookies {
  return new RetryCookies(engine, { now: () => clock.time });
}

function retrying(
  cookies: RetryCookies | undefined,
  config: ServerOverrides['config'] = {},
): ServerOverrides {
  return { dependencies: { engine, cookies }, config: { supportedGroups: ['secp256r1'], ...config } };
}

/** A client whose second flight is its hello alone: no server takes a change_cipher_spec before it has heard any hello. */
const plainClient = (): End => client({ config: { middleboxCompMode: false } });

/** The client's second hello, after a retry by another server with the same keys. */
function secondHello(cookies: RetryCookies, own: End): Uint8Array {
  const first = server(retrying(cookies));
  own.core.start();
  first.core.receive(own.sink.take());
  own.core.receive(first.sink.take());
  return own.sink.take();
}

type Hello = Tls13Bodies['client_hello'];
/** Changes the second hello of a client. */
function second(rewrite: (hello: Hello) => Hello): ClientOverrides {
  let hellos = 0;
  const bend: Bend = (type, message) =>
    type === 'client_hello' && ++hellos === 2
      ? [encodeHandshake(type, rewrite(decodeHandshake(type, message)))]
      : [message];
  return bent(bend);
}

/** What is reachable from an object, as text, but by way of another. */
function reachable(root: unknown, but?: object): { readonly objects: number; readonly bytes: Buffer } {
  const seen = new Set<unknown>([but]);
  const arrays: Uint8Array[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (value instanceof Uint8Array) arrays.push(value);
    else for (const key of Reflect.ownKeys(value)) visit(Reflect.get(value, key));
  };
  visit(root);
  return { objects: seen.size, bytes: Buffer.concat(arrays) };
}

describe('a server with cookies', () => {
  test('shakes hands by a retry, and both know that it was one', () => {
    for (const middleboxCompMode of [true, false]) {
      const ends = {
        client: client({ config: { middleboxCompMode } }),
        server: server(retrying(cookiesAt(), { middleboxCompMode })),
      };
      ends.client.core.start();
      exchange(ends.client, ends.server);
      expectToTalk(ends);
      for (const { sink } of [ends.client, ends.server])
        expect(sink.facts).toMatchObject({ retried: true, group: 'secp256r1' });
    }
  });

  test('holds neither hello nor transcript while it waits for the second', () => {
    const waiting = (cookies: RetryCookies | undefined) => {
      const own = client({ serverName: 'a-name-that-is-looked-for.example' });
      const end = server(retrying(cookies));
      own.core.start();
      end.core.receive(own.sink.take());
      end.core.detach();
      // What the test has written down itself is not the server's.
      const { writes, outbox } = end.sink;
      writes.length = 0;
      outbox.length = 0;
      const phase: unknown = Reflect.get(end.core, 'phase');
      const handshake: unknown = Object(phase).handshake;
      return {
        data: Object(handshake).data,
        // By the test's sink one gets to the core, and from there to the memory that an engine works in.
        held: reachable([Reflect.get(end.core, 'channel'), Object(handshake).data], end.sink),
      };
    };
    const forgetful = waiting(cookiesAt());
    expect(forgetful.data).toEqual({ state: 'startRetried', kept: undefined });
    expect(forgetful.held.bytes.includes('a-name-that-is-looked-for')).toBe(false);
    const keeping = waiting(undefined);
    expect(keeping.data.kept.transcript).toBeDefined();
    expect(keeping.held.bytes.includes('a-name-that-is-looked-for')).toBe(true);
  });

  test('goes on with a hello whose first another one has answered', () => {
    const cookies = cookiesAt();
    const own = plainClient();
    const hello = secondHello(cookies, own);
    const end = server(retrying(cookies));
    end.core.receive(hello);
    exchange(own, end);
    expectToTalk({ client: own, server: end });
    expect(end.sink.facts).toMatchObject({ retried: true, group: 'secp256r1' });
  });

  test('takes a cookie for a minute at least, two at most', () => {
    for (const [later, taken] of [
      [59_999, true],
      [60_001, true],
      [119_999, true],
      [120_000, false],
      [1e9, false],
    ] as const) {
      const clock = { time: 5 };
      const cookies = cookiesAt(clock);
      const own = plainClient();
      const hello = secondHello(cookies, own);
      clock.time += later;
      // Others ask for cookies meanwhile, and so for keys.
      secondHello(cookies, plainClient());
      const end = server(retrying(cookies));
      end.core.receive(hello);
      exchange(own, end);
      expect(end.sink.failures, String(later)).toMatchObject(
        taken ? [] : [{ reason: 'wrong_cookie', alert: 'illegal_parameter' }],
      );
    }
  });

  test('refuses cookies under the keys of others', () => {
    const own = plainClient();
    const hello = secondHello(cookiesAt(), own);
    const end = server(retrying(cookiesAt()));
    end.core.receive(hello);
    expect(end.sink.failures).toMatchObject([{ reason: 'wrong_cookie', alert: 'illegal_parameter' }]);
  });

  test.each<[string, (hello: Hello) => Hello, string, string]>([
    [
      'without the cookie',
      (hello) => ({ ...hello, extensions: without(hello.extensions, 44) }),
      'missing_cookie',
      'missing_extension',
    ],
    [
      'with another random',
      (hello) => ({ ...hello, random: hello.random.map((byte) => byte ^ 1) }),
      'client_hello_changed',
      'illegal_parameter',
    ],
    [
      'with another session id',
      (hello) => ({ ...hello, legacySessionId: Uint8Array.of(7) }),
      'client_hello_changed',
      'illegal_parameter',
    ],
    [
      'with a suite less',
      (hello) => ({ ...hello, cipherSuites: hello.cipherSuites.slice(0, 1) }),
      'client_hello_changed',
      'illegal_parameter',
    ],
    [
      'with another suite first',
      (hello) => ({ ...hello, cipherSuites: hello.cipherSuites.toReversed() }),
      'client_hello_changed',
      'illegal_parameter',
    ],
    [
      'with an extension more',
      (hello) => ({ ...hello, extensions: [...hello.extensions, extension(0xabcd)] }),
      'client_hello_changed',
      'illegal_parameter',
    ],
    [
      'with early_data',
      (hello) => ({ ...hello, extensions: [...hello.extensions, extension(42)] }),
      'client_hello_changed',
      'illegal_parameter',
    ],
    [
      'without the share that was asked for',
      (hello) => ({
        ...hello,
        extensions: hello.extensions.map((one) => (one.extensionType === 51 ? extension(51, [0, 0]) : one)),
      }),
      'wrong_group',
      'illegal_parameter',
    ],
  ])('refuses a second hello %s', (_what, rewrite, reason, alert) => {
    const ends = { client: client(second(rewrite)), server: server(retrying(cookiesAt())) };
    ends.client.core.start();
    exchange(ends.client, ends.server);
    expect(ends.server.sink.failures).toMatchObject([{ by: 'self', reason, alert }]);
  });

  // wolfSSL's clients do so.
  test('takes a second hello whose extensions are in another order', () => {
    const rewrite = (hello: Hello): Hello => ({ ...hello, extensions: hello.extensions.toReversed() });
    const ends = { client: client(second(rewrite)), server: server(retrying(cookiesAt())) };
    ends.client.core.start();
    exchange(ends.client, ends.server);
    // What the client has in its transcript is another one.
    expect(ends.server.sink.failures).toMatchObject([{ reason: 'bad_record_mac' }]);
  });

  test('refuses a cookie with any bit changed, any byte less or more', () => {
    const cookies = cookiesAt();
    const content = Uint8Array.of(1, 2, 3, 4);
    const cookie = cookies.seal(content);
    expect(cookies.open(cookie)).toEqual(content);
    for (let bit = 0; bit < cookie.length * 8; bit += 1) {
      const changed = cookie.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(cookies.open(changed)).toBeUndefined();
    }
    for (let end = 0; end < cookie.length; end += 1)
      expect(cookies.open(cookie.subarray(0, end))).toBeUndefined();
    expect(cookies.open(Uint8Array.from([...cookie, 0]))).toBeUndefined();
    expect(cookies.open(new Uint8Array(60_000))).toBeUndefined();
  });

  test('refuses a cookie of ours that says something else', () => {
    const cookies = cookiesAt();
    for (const content of [[], [1], [0x13, 1, 0, 23, 0, 0, 0], [0x13, 1, 0xff, 0xff, 0, 0, 0]]) {
      const end = server(retrying(cookies));
      const own = client();
      own.core.start();
      const hello = decodeHandshake('client_hello', own.sink.take().subarray(5));
      const cookie = cookies.seal(Uint8Array.from(content));
      const with44 = [...hello.extensions, extension(44, [0, cookie.length, ...cookie])];
      end.core.receive(plainRecord(22, encodeHandshake('client_hello', { ...hello, extensions: with44 })));
      expect(end.sink.failures).toMatchObject([{ by: 'self', alert: 'illegal_parameter' }]);
    }
  });

  test('asks no second time', () => {
    const cookies = cookiesAt();
    const own = plainClient();
    const hello = secondHello(cookies, own);
    // This one would have liked another group.
    const end = server(retrying(cookies, { supportedGroups: ['secp384r1', 'secp256r1'] }));
    end.core.receive(hello);
    exchange(own, end);
    expectToTalk({ client: own, server: end });
  });

  test('remembers that early data was refused', () => {
    const earlyData = { suite: suite('TLS_AES_128_GCM_SHA256'), alpn: undefined, maxSize: 10_000 };
    const ends = pskEnds({
      psks: [offerOf({ earlyData })],
      known: { earlyData },
      earlyData: 'offered',
      server: retrying(cookiesAt()),
    });
    ends.client.core.start();
    ends.client.core.sendEarlyData(new Uint8Array(100));
    exchange(ends.client, ends.server);
    expectToTalk(ends);
    for (const { facts } of [ends.client.sink, ends.server.sink])
      expect(facts).toMatchObject({ earlyData: 'rejected', retried: true, sessionResumption: true });
  });
});

test('a server without cookies ignores them in a first hello, and lets them be missing in a second', () => {
  const own = client();
  own.core.start();
  const hello = decodeHandshake('client_hello', own.sink.take().subarray(5));
  const with44 = [...hello.extensions, extension(44, [0, 1, 9])];
  const end = server();
  end.core.receive(plainRecord(22, encodeHandshake('client_hello', { ...hello, extensions: with44 })));
  expect(end.sink.failures).toEqual([]);
  expect(end.core.stateName).toBe('wait_finished');
});
