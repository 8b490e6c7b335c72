/** What two ends must agree on and be able to do once their handshake is complete. */
import { expect } from 'vitest';
import type { ProtocolVersion } from '../../packages/ssl/src/values/registry/versions.js';
import { type End, exchange, identityOf, ownScheme, peerChain, peerScheme } from './two-cores.js';

interface Ends {
  readonly client: End;
  readonly server: End;
}

/** Data flows both ways, some of it in several records, and nobody failed. */
export function expectToTalk({ client, server }: Ends): void {
  for (const { sink } of [client, server]) {
    expect(sink.failures).toEqual([]);
    expect(sink.establishedCount).toBe(1);
  }
  expect(client.core.send(Buffer.from('ping'))).toBe(true);
  expect(server.core.send(Buffer.from('pong'))).toBe(true);
  expect(client.core.send(Buffer.alloc(40_000, '.'))).toBe(true);
  exchange(client, server);
  expect(server.sink.received()).toBe(`ping${'.'.repeat(40_000)}`);
  expect(client.sink.received()).toBe('pong');
}

/** Each end knows the same of the connection, and the client the server's certificate of kind `ec`. */
export function expectSameFacts({ client, server }: Ends, protocol: ProtocolVersion): void {
  const { facts: ours } = client.sink;
  const { facts: theirs } = server.sink;
  expect(ours).toMatchObject({ role: 'client', protocol, serverName: 'localhost', retried: false });
  expect(theirs).toMatchObject({ role: 'server', protocol, serverName: 'localhost', retried: false });
  for (const key of ['cipherSuite', 'group', 'clientRandom', 'serverRandom', 'sessionId'] as const) {
    expect(ours?.[key]).toBeDefined();
    expect(ours?.[key]).toEqual(theirs?.[key]);
  }
  expect(peerChain(ours)).toEqual(identityOf('ec').identity.chain);
  expect(peerChain(theirs)).toEqual([]);
  expect(peerScheme(ours)).toBe('ecdsa_secp256r1_sha256');
  expect(ownScheme(theirs)).toBe('ecdsa_secp256r1_sha256');
}
