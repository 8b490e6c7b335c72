/**
 * Whatever comes in, in whatever state: nothing is thrown, at most one failure is told, it has a reason that is no
 * fault of ours, its alert is sent once, and afterwards the core is still.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeHandshake, handshakeTypes } from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { bentHandshake, extension, plainRecord } from './bend.js';
import {
  type ClientOverrides,
  client,
  connected,
  type End,
  exchange,
  identityOf,
  type ServerOverrides,
  server,
  tls12,
} from './two-cores.js';

function expectSound({ core, sink }: End): void {
  expect(sink.failures.length + sink.closedCount).toBeLessThanOrEqual(1);
  const [failure] = sink.failures;
  if (failure === undefined) return;
  expect(failure.reason).not.toBe('internal_error');
  expect(failure.by === 'self').toBe(failure.reason !== undefined);
  const writes = sink.writes.length;
  core.receive(Uint8Array.of(22, 3, 3, 0, 1, 1));
  core.receiveEnd();
  core.close();
  expect(sink.failures).toHaveLength(1);
  expect(sink.writes).toHaveLength(writes);
}

const retry: ServerOverrides = { config: { supportedGroups: ['secp256r1'] } };
const mutual: ServerOverrides = { config: { verify: 'verify_peer', failIfNoPeerCert: true } };
const withCertificate: ClientOverrides = { identities: [identityOf('ed25519').identity] };
const kinds: readonly [string, ClientOverrides, ServerOverrides][] = [
  ['plain', {}, {}],
  ['retried', {}, retry],
  ['mutual', withCertificate, mutual],
  ['TLS 1.2', { config: tls12 }, { config: tls12 }],
  [
    'mutual TLS 1.2',
    { ...withCertificate, config: tls12 },
    { config: { ...tls12, verify: 'verify_peer', failIfNoPeerCert: true } },
  ],
];

/** A change to bytes: flip, cut, stretch, double, drop. */
type Mutation = (bytes: Uint8Array) => readonly Uint8Array[];
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(flip) },
  { weight: 2, arbitrary: fc.nat().map(cut) },
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 40 }).map(stretch) },
  { weight: 1, arbitrary: fc.constant<Mutation>((bytes) => [bytes, bytes]) },
  { weight: 1, arbitrary: fc.constant<Mutation>(() => []) },
);

function flip([at, by]: readonly [number, number]): Mutation {
  return (bytes) => [bytes.map((byte, index) => (index === at % bytes.length ? byte ^ by : byte))];
}
function cut(at: number): Mutation {
  return (bytes) => [bytes.subarray(0, at % bytes.length)];
}
function stretch(extra: Uint8Array): Mutation {
  return (bytes) => [Uint8Array.from([...bytes, ...extra])];
}

/** A handshake message whose header says how long it is, so that the body is what is looked at. */
function reframed(message: Uint8Array): Uint8Array {
  if (message.length < 4) return message;
  const length = message.length - 4;
  return Uint8Array.from([message[0] ?? 0, 0, length >> 8, length & 255, ...message.subarray(4)]);
}

describe.each(['client', 'server'] as const)('a %s at its start', (role) => {
  test('stands random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 }), (chunks) => {
        const end = role === 'client' ? client() : server();
        end.core.start();
        for (const chunk of chunks) end.core.receive(chunk);
        expectSound(end);
      }),
      { numRuns: 150 },
    );
  });

  test('stands random records of every type', () => {
    const record = fc
      .tuple(fc.constantFrom(20, 21, 22, 23, 24, 0), fc.uint8Array({ maxLength: 80 }))
      .map(([type, content]) => plainRecord(type, content));
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), (records) => {
        const end = role === 'client' ? client() : server();
        end.core.start();
        for (const each of records) end.core.receive(each);
        expectSound(end);
      }),
      { numRuns: 150 },
    );
  });

  test('stands random handshake messages of every type', () => {
    const message = fc
      .tuple(fc.constantFrom(0, 1, 2, 4, 5, 8, 11, 13, 15, 20, 24, 254), fc.uint8Array({ maxLength: 120 }))
      .map(([type, body]) => plainRecord(22, [type, 0, body.length >> 8, body.length & 255, ...body]));
    fc.assert(
      fc.property(message, (record) => {
        const end = role === 'client' ? client() : server();
        end.core.start();
        end.core.receive(record);
        expect(end.sink.failures).toHaveLength(1);
        expectSound(end);
      }),
      { numRuns: 150 },
    );
  });
});

describe.each(kinds)('a %s handshake', (_name, clientOverrides, serverOverrides) => {
  test('stands a change to any message before it is sealed, in every state', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<'client' | 'server'>('client', 'server'),
        fc.nat({ max: 6 }),
        mutation,
        fc.boolean(),
        (from, which, mutate, reframe) => {
          let count = 0;
          const ends = bentHandshake(
            from,
            (_type, message) => {
              if (count++ !== which) return [message];
              return mutate(message).map((bytes) => (reframe ? reframed(bytes) : bytes));
            },
            clientOverrides,
            serverOverrides,
          );
          expectSound(ends.client);
          expectSound(ends.server);
        },
      ),
      { numRuns: 250 },
    );
  });

  test('stands a change to any byte on the wire', () => {
    fc.assert(
      fc.property(fc.nat({ max: 5 }), mutation, (which, mutate) => {
        const ends = { client: client(clientOverrides), server: server(serverOverrides) };
        let count = 0;
        ends.client.core.start();
        exchange(ends.client, ends.server, (bytes) => {
          if (bytes.length === 0) return [];
          return count++ === which ? mutate(bytes) : [bytes];
        });
        expectSound(ends.client);
        expectSound(ends.server);
      }),
      { numRuns: 120 },
    );
  });
});

test('an established connection stands any message and any record under its keys', () => {
  const content = fc.tuple(
    fc.constantFrom<'handshake' | 'message' | 'alert' | 'data'>('handshake', 'message', 'alert', 'data'),
    fc.nat({ max: handshakeTypes.length }),
    fc.uint8Array({ minLength: 1, maxLength: 60 }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom<'client' | 'server'>('client', 'server'),
      fc.array(content, { minLength: 1, maxLength: 6 }),
      (victim, records) => {
        const ends = connected();
        const write = ends[victim === 'client' ? 'server' : 'client'].core.split();
        for (const [kind, type, bytes] of records) {
          const sealed =
            kind === 'data'
              ? write.sealApplicationData(bytes)
              : kind === 'alert'
                ? write.sealAlert((bytes[0] ?? 0) % 2 === 0 ? 1 : 2, bytes[1] ?? 0)
                : kind === 'handshake'
                  ? write.sealHandshake(bytes)
                  : write.sealHandshake(Uint8Array.from([type, 0, 0, bytes.length, ...bytes]));
          for (const piece of sealed) ends[victim].core.receive(piece);
        }
        expectSound(ends[victim]);
      },
    ),
    { numRuns: 150 },
  );
});

test('a hello full of groups and shares is judged as any other', () => {
  const numbers = Array.from({ length: 15_000 }, (_, index) => index);
  const pair = (value: number): readonly number[] => [value >> 8, value & 255];
  // Fifteen thousand groups and five thousand shares of them: their product would be seconds of work.
  const groupList = [...numbers.flatMap((at) => pair(0x1000 + at)), ...pair(23)];
  const shares = Array.from({ length: 5000 }, (_, index) => [...pair(0x1000 + index), 0, 1, 9]).flat();
  const hello = (random: number): Uint8Array =>
    encodeHandshake('client_hello', {
      legacyVersion: 0x0303,
      random: new Uint8Array(32).fill(random),
      legacySessionId: new Uint8Array(0),
      cipherSuites: [0x1301],
      legacyCompressionMethods: Uint8Array.of(0),
      extensions: [
        extension(43, [2, 3, 4]),
        extension(13, [0, 2, 4, 3]),
        extension(10, [...pair(groupList.length), ...groupList]),
        extension(51, [...pair(random === 0 ? shares.length : 0), ...(random === 0 ? shares : [])]),
      ],
    });
  const end = server(retry);
  const inRecords = (message: Uint8Array): readonly Uint8Array[] =>
    Array.from({ length: Math.ceil(message.length / 16_000) }, (_, index) =>
      plainRecord(22, message.subarray(index * 16_000, (index + 1) * 16_000)),
    );
  for (const record of inRecords(hello(0))) end.core.receive(record);
  expect(end.core.stateName).toBe('start');
  for (const record of inRecords(hello(1))) end.core.receive(record);
  expect(end.sink.failures).toMatchObject([{ reason: 'client_hello_changed' }]);
});
