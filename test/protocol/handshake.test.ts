import type { KeyKind } from '@actor-tls/ssl/testing';
import { describe, expect, test } from 'vitest';
import { signatureSchemes } from '../../packages/ssl/src/values/registry/schemes.js';
import { onEngine } from '../support/engine.js';
import { expectSameFacts, expectToTalk } from './talk.js';
import {
  client,
  connected,
  exchange,
  groups,
  identityOf,
  peerChain,
  peerScheme,
  pieces,
  server,
  suites,
  tls12,
} from './two-cores.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe('a full handshake', () => {
  test('two cores with defaults agree and tell the same facts', () => {
    const ends = connected();
    expectToTalk(ends);
    expectSameFacts(ends, 'tlsv1.3');
    expect(ends.client.sink.facts?.secrets).toBeUndefined();
  });

  test.each(['tlsv1.3', 'tlsv1.2'] as const)('of %s keeps no message for the random in it', (version) => {
    const config = version === 'tlsv1.2' ? tls12 : {};
    const ends = connected({ config }, { config });
    expect(ends.client.sink.facts?.serverRandom.buffer.byteLength).toBe(32);
    expect(ends.server.sink.facts?.clientRandom.buffer.byteLength).toBe(32);
  });

  test.each(suites.map((suite) => [suite.name, suite] as const))('with %s', (_name, suite) => {
    const ends = connected({ config: { ciphers: [suite] } });
    expectToTalk(ends);
    expect(ends.server.sink.facts?.cipherSuite).toBe(suite);
  });

  test.each(groups)('with group %s', (group) => {
    const ends = connected({ config: { supportedGroups: [group] } });
    expectToTalk(ends);
    expect(ends.server.sink.facts?.group).toBe(group);
  });

  const kinds = onEngine<KeyKind>(
    ['rsa', 'rsa_pss', 'ed25519', 'ed448', { ec: 'secp384r1' }, { ec: 'secp521r1' }],
    (kind) => (typeof kind === 'string' ? kind : 'ec'),
  );
  test.each(kinds.map((kind) => [JSON.stringify(kind), kind] as const))(
    'with a server key %s',
    (_name, kind) => {
      const ends = connected({}, { identities: [identityOf(kind).identity] });
      expectToTalk(ends);
    },
  );

  const handshakeSchemes = signatureSchemes.filter(({ tls13 }) => tls13 === 'handshake');
  test.each(onEngine(handshakeSchemes, (scheme) => scheme.keyAlgorithm).map(({ name }) => name))(
    'with only %s offered',
    (scheme) => {
      const all: readonly KeyKind[] = ['ec', ...kinds];
      const ends = connected(
        { config: { signatureAlgs: [scheme] } },
        { identities: all.map((kind) => identityOf(kind).identity) },
      );
      expectToTalk(ends);
      expect(peerScheme(ends.client.sink.facts)).toBe(scheme);
    },
  );

  test.each([1, 2, 3, 7, 100, 1000])('in pieces of %i bytes', (size) => {
    const ends = { client: client(), server: server() };
    ends.client.core.start();
    exchange(ends.client, ends.server, pieces(size));
    expectToTalk(ends);
  });

  test('the server answers with one write of three records: hello, change_cipher_spec, and the rest in one', () => {
    const ends = { client: client(), server: server() };
    ends.client.core.start();
    ends.server.core.receive(ends.client.sink.take());
    expect(ends.server.sink.writes).toHaveLength(1);
    expect(recordTypes(ends.server.sink.take())).toEqual([22, 20, 23]);
  });

  test('the client answers with one write: change_cipher_spec and one record', () => {
    const ends = { client: client(), server: server() };
    ends.client.core.start();
    ends.server.core.receive(ends.client.sink.take());
    ends.client.core.receive(ends.server.sink.take());
    expect(ends.client.sink.writes).toHaveLength(2);
    expect(recordTypes(ends.client.sink.take())).toEqual([20, 23]);
  });

  test('without middlebox mode there is no session id and no change_cipher_spec', () => {
    const ends = { client: client({ config: { middleboxCompMode: false } }), server: server() };
    ends.client.core.start();
    ends.server.core.receive(ends.client.sink.take());
    const flight = ends.server.sink.take();
    expect(recordTypes(flight)).toEqual([22, 23]);
    ends.client.core.receive(flight);
    const answer = ends.client.sink.take();
    expect(recordTypes(answer)).toEqual([23]);
    ends.server.core.receive(answer);
    expect(ends.server.sink.facts?.sessionId).toHaveLength(0);
    expectToTalk(ends);
  });

  test('a certificate chain longer than a record is fragmented and put together again', () => {
    const { identity } = identityOf('ec');
    const padding = Array.from({ length: 12 }, () => new Uint8Array(4000).fill(7));
    const ends = connected({}, { identities: [{ ...identity, chain: [...identity.chain, ...padding] }] });
    expectToTalk(ends);
    expect(peerChain(ends.client.sink.facts)).toHaveLength(13);
  });

  test('keepSecrets tells both ends the same secrets', () => {
    const ends = connected({ config: { keepSecrets: true } }, { config: { keepSecrets: true } });
    expect(ends.client.sink.facts?.secrets).toBeDefined();
    expect(ends.client.sink.facts?.secrets).toEqual(ends.server.sink.facts?.secrets);
  });

  test('data in the chunk that ends the handshake is delivered after established', () => {
    const ends = { client: client(), server: server() };
    ends.client.core.start();
    ends.server.core.receive(ends.client.sink.take());
    ends.client.core.receive(ends.server.sink.take());
    ends.client.core.send(text('early bird'));
    ends.server.core.receive(ends.client.sink.take());
    expect(ends.server.sink.establishedCount).toBe(1);
    expect(ends.server.sink.received()).toBe('early bird');
  });
});

/** Outer content types. */
function recordTypes(bytes: Uint8Array): number[] {
  const types: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    types.push(bytes[at] ?? -1);
    at += 5 + (((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0));
  }
  return types;
}
