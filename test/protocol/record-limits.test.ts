/** How long records are when the hellos agree on less: max_fragment_length (RFC 6066 §4), record_size_limit (RFC 8449). */
import { describe, expect, test } from 'vitest';
import type { RawExtension } from '../../packages/ssl/src/values/wire/messages/extension.js';
import { decodeHandshake } from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { type Bend, bentHandshake, change, change12, extension, replaced } from './bend.js';
import { holding } from './held-channel.js';
import { offerOf, pskEnds, suite } from './psk-ends.js';
import { expectToTalk } from './talk.js';
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

/** Bytes beside content and inner type: of AES-GCM. */
const versions = [
  { name: 'TLS 1.3', base: {}, overhead: 17, typeLength: 1 },
  { name: 'TLS 1.2', base: tls12, overhead: 24, typeLength: 0 },
] as const;
const maxFragmentLengthCode = 1;
const recordSizeLimitCode = 28;

interface Wire {
  readonly type: number;
  readonly length: number;
}

/** The records that an end has written. */
function records({ sink }: End): readonly Wire[] {
  const bytes = Buffer.concat(sink.writes.flat());
  const found: Wire[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16BE(at + 3);
    found.push({ type: bytes[at] ?? 0, length });
    at += 5 + length;
  }
  return found;
}

const longest = (end: End): number => Math.max(...records(end).map(({ length }) => length));
const longestData = (end: End): number =>
  Math.max(...records(end).flatMap(({ type, length }) => (type === 23 ? [length] : [])));

/** Certificates of a length that no small record holds. */
const mutual = { identities: [identityOf('ec').identity] };

describe.each(versions)('in $name', ({ base, overhead, typeLength }) => {
  const ends = (clientConfig: ClientOverrides['config'], serverConfig: ServerOverrides['config'] = {}) =>
    connected(
      { ...mutual, config: { ...base, ...clientConfig } },
      { config: { ...base, verify: 'verify_peer', ...serverConfig } },
    );

  test.each([512, 1024, 2048, 4096] as const)('max_fragment_length %i binds both ends', (length) => {
    const both = ends({ maxFragmentLength: length });
    expectToTalk(both);
    both.server.core.send(Buffer.alloc(40_000, '-'));
    exchange(both.client, both.server);
    expect(both.client.sink.received()).toHaveLength(40_004);
    for (const end of [both.client, both.server]) {
      expect(longestData(end)).toBe(length + overhead);
      expect(longest(end)).toBe(length + overhead);
      expect(end.sink.facts?.maxFragmentLength).toBe(length);
    }
  });

  test('without either all stays as it was', () => {
    const both = ends({});
    expectToTalk(both);
    expect(longestData(both.client)).toBe(16_384 + overhead);
    expect(both.client.sink.facts?.maxFragmentLength).toBeUndefined();
  });

  test('each end keeps to the record_size_limit of the other', () => {
    const both = ends({ recordSizeLimit: 200 }, { recordSizeLimit: 1000 });
    expectToTalk(both);
    both.server.core.send(Buffer.alloc(40_000, '-'));
    exchange(both.client, both.server);
    expect(both.client.sink.received()).toHaveLength(40_004);
    expect(longestData(both.server)).toBe(200 - typeLength + overhead);
    expect(longestData(both.client)).toBe(1000 - typeLength + overhead);
  });

  test('a server that has none of its own keeps to that of the client, and says that it reads all', () => {
    const both = ends({ recordSizeLimit: 64 });
    expectToTalk(both);
    both.server.core.send(Buffer.alloc(1000));
    expect(longestData(both.server)).toBe(64 - typeLength + overhead);
    expect(longestData(both.client)).toBe(16_384 + overhead);
  });

  test('the half that was split off keeps to it too', () => {
    const { server } = ends({ recordSizeLimit: 300 });
    const write = server.core.split();
    const sealed = Buffer.concat(write.sealApplicationData(new Uint8Array(1000)));
    expect(sealed.readUInt16BE(3)).toBe(300 - typeLength + overhead);
    expect(write.sealedLength(1000)).toBe(sealed.length);
    if (!write.direct(1000)) return;
    const out = Buffer.alloc(write.sealedLength(1000));
    expect(write.sealInto(new Uint8Array(1000), out)).toBe(sealed.length);
    expect(out.readUInt16BE(3)).toBe(300 - typeLength + overhead);
  });

  test.each(['client', 'server'] as const)(
    'a record of the limit is taken by a %s, one more is too long',
    (who) => {
      for (const more of [0, 1]) {
        const held = holding();
        const mine = { ...base, recordSizeLimit: 100 };
        const theirs = { ...held.override, config: { ...base, recordSizeLimit: 16_384 } };
        const both =
          who === 'client' ? connected({ config: mine }, theirs) : connected(theirs, { config: mine });
        both[who].core.receive(held.channel.forge(23, new Uint8Array(100 - typeLength + more)));
        expect(both[who].sink.failures).toMatchObject(
          more === 0 ? [] : [{ by: 'self', alert: 'record_overflow' }],
        );
      }
    },
  );

  test('a record too long is refused by its header, before it is here', () => {
    const { server } = ends({ recordSizeLimit: 16_384 }, { recordSizeLimit: 512 });
    server.core.receive(Uint8Array.of(23, 3, 3, 0x20, 0));
    expect(server.sink.failures).toMatchObject([{ by: 'self', alert: 'record_overflow' }]);
  });

  test('record_size_limit does not bind records without protection', () => {
    const both = ends({ recordSizeLimit: 64 }, { recordSizeLimit: 64 });
    expectToTalk(both);
    const plain = records(both.server).filter(({ type }) => type === 22);
    expect(Math.max(...plain.map(({ length }) => length))).toBeGreaterThan(64);
  });

  test('of both extensions a server answers record_size_limit alone', () => {
    const answered: RawExtension[] = [];
    const spy: Bend = (type, message) => {
      if (type === 'encrypted_extensions') answered.push(...decodeHandshake(type, message).extensions);
      if (type === 'server_hello') answered.push(...decodeHandshake(type, message).extensions);
      return [message];
    };
    // RFC 8449 §5: a client may say both, for servers that know only the one.
    const both = bentHandshake(
      'server',
      spy,
      { config: { ...base, recordSizeLimit: 200, maxFragmentLength: 512 } },
      { config: { ...base } },
    );
    expectToTalk(both);
    const codes = answered.map(({ extensionType }) => extensionType);
    expect(codes).toContain(recordSizeLimitCode);
    expect(codes).not.toContain(maxFragmentLengthCode);
    expect(both.client.sink.facts?.maxFragmentLength).toBeUndefined();
  });

  test.each([
    ['another max_fragment_length', { maxFragmentLength: 512 }, extension(maxFragmentLengthCode, [2])],
    ['a record_size_limit below 64', { recordSizeLimit: 512 }, extension(recordSizeLimitCode, [0, 63])],
    ['a record_size_limit of 65535', { recordSizeLimit: 512 }, extension(recordSizeLimitCode, [255, 255])],
  ] as const)('a client refuses %s', (_what, wish, bad) => {
    const rewrite = <T extends { readonly extensions: readonly RawExtension[] }>(body: T): T => ({
      ...body,
      extensions: replaced(body.extensions, bad.extensionType, bad.extensionData),
    });
    const bend =
      typeLength === 1 ? change('encrypted_extensions', rewrite) : change12('server_hello', rewrite);
    const both = bentHandshake('server', bend, { config: { ...base, ...wish } }, { config: base });
    expect(both.client.sink.failures).toMatchObject([{ by: 'self', alert: 'illegal_parameter' }]);
  });

  test('a client that is answered both refuses', () => {
    const rewrite = <T extends { readonly extensions: readonly RawExtension[] }>(body: T): T => ({
      ...body,
      extensions: [...body.extensions, extension(maxFragmentLengthCode, [1])],
    });
    const bend =
      typeLength === 1 ? change('encrypted_extensions', rewrite) : change12('server_hello', rewrite);
    const wishes = { ...base, recordSizeLimit: 200, maxFragmentLength: 512 } as const;
    const both = bentHandshake('server', bend, { config: wishes }, { config: base });
    expect(both.client.sink.failures).toMatchObject([
      { by: 'self', reason: 'wrong_record_size_limit', alert: 'illegal_parameter' },
    ]);
  });

  test('a client that did not ask is answered neither', () => {
    for (const code of [maxFragmentLengthCode, recordSizeLimitCode]) {
      const rewrite = <T extends { readonly extensions: readonly RawExtension[] }>(body: T): T => ({
        ...body,
        extensions: [...body.extensions, extension(code, code === 1 ? [1] : [0, 64])],
      });
      const bend =
        typeLength === 1 ? change('encrypted_extensions', rewrite) : change12('server_hello', rewrite);
      const both = bentHandshake('server', bend, { config: base }, { config: base });
      expect(both.client.sink.failures).toMatchObject([{ by: 'self', alert: 'unsupported_extension' }]);
    }
  });

  test('a server takes a limit above what there is: a version to come may have it', () => {
    const beyond = change('client_hello', (body) => ({
      ...body,
      extensions: replaced(body.extensions, recordSizeLimitCode, [255, 255]),
    }));
    const both = bentHandshake(
      'client',
      beyond,
      { config: { ...base, recordSizeLimit: 512 } },
      { config: base },
    );
    // The transcripts differ: what matters is that the server has gone on.
    expect(both.server.sink.failures).not.toMatchObject([{ alert: 'illegal_parameter' }]);
  });
});

describe('in TLS 1.3', () => {
  test('padding counts: a short record with long padding is too long', () => {
    for (const more of [0, 1]) {
      const held = holding();
      const { client } = connected(
        { config: { recordSizeLimit: 100 } },
        { ...held.override, config: { recordSizeLimit: 16_385 } },
      );
      // Ten bytes of data, its type, zeros; the type that is asked for is the last of these.
      const inner = new Uint8Array(99 + more);
      inner[10] = 23;
      client.core.receive(held.channel.forge(0, inner));
      expect(client.sink.failures).toMatchObject(more === 0 ? [] : [{ alert: 'record_overflow' }]);
      expect(client.sink.received()).toHaveLength(more === 0 ? 10 : 0);
    }
  });

  test('padding does not count for max_fragment_length', () => {
    const held = holding();
    const { client } = connected({ config: { maxFragmentLength: 512 } }, held.override);
    const inner = new Uint8Array(700);
    inner[512] = 23;
    client.core.receive(held.channel.forge(0, inner));
    expect(client.sink.failures).toEqual([]);
    expect(client.sink.received()).toHaveLength(512);
  });

  test('the limits hold after a HelloRetryRequest', () => {
    const both = connected(
      { config: { recordSizeLimit: 100 } },
      { config: { supportedGroups: ['secp256r1'], recordSizeLimit: 90 } },
    );
    expectToTalk(both);
    expect(longestData(both.client)).toBe(89 + 17);
    expect(longestData(both.server)).toBe(99 + 17);
  });

  test('early data came before the client knew the limit; what comes after it is bound', () => {
    const earlyData = { suite: suite('TLS_AES_128_GCM_SHA256'), alpn: undefined, maxSize: 20_000 };
    const ends = pskEnds({
      psks: [offerOf({ earlyData })],
      known: { earlyData },
      earlyData: 'offered',
      client: { config: { recordSizeLimit: 16_385 } },
      server: { config: { recordSizeLimit: 100 } },
    });
    ends.client.core.start();
    expect(ends.client.core.sendEarlyData(new Uint8Array(5000))).toBe(true);
    exchange(ends.client, ends.server);
    expect(Buffer.concat(ends.server.sink.early)).toHaveLength(5000);
    const before = ends.client.sink.writes.length;
    ends.client.core.send(new Uint8Array(5000));
    const sent = Buffer.concat(ends.client.sink.writes.slice(before).flat());
    expect(sent.readUInt16BE(3)).toBe(99 + 17);
    exchange(ends.client, ends.server);
    expect(ends.server.sink.received()).toHaveLength(5000);
  });

  test('refused early data is skipped, however long its records', () => {
    const earlyData = { suite: suite('TLS_AES_128_GCM_SHA256'), alpn: undefined, maxSize: 20_000 };
    const ends = {
      client: client({
        resumption: { psks: [offerOf({ earlyData })], earlyData: 'offered' },
        config: { recordSizeLimit: 16_385 },
      }),
      server: server({ config: { recordSizeLimit: 100 } }),
    };
    ends.client.core.start();
    ends.client.core.sendEarlyData(new Uint8Array(10_000));
    exchange(ends.client, ends.server);
    expectToTalk(ends);
  });
});
