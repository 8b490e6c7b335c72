/** Connection IDs over datagrams (RFC 9146): every suite, and what records look like. */
import { describe, expect, it } from 'vitest';
import type { ConnectionIdTerms } from '../../packages/ssl/src/values/connection-id.js';
import { DatagramLink, dtlsPair, dtlsSuites } from './datagram-link.js';

const terms = (length: number): ConnectionIdTerms => ({ length, check: 'enhanced' });

describe('a connection with IDs', () => {
  it.each(
    dtlsSuites()
      .filter(({ keyExchange }) => keyExchange === 'ecdhe_ecdsa')
      .map((row) => row.name),
  )('%s', (name) => {
    const ciphers = dtlsSuites().filter((row) => row.name === name);
    const { client, server } = dtlsPair({
      client: { config: { ciphers, connectionId: terms(5) } },
      server: { config: { ciphers, connectionId: terms(8) } },
    });
    const link = new DatagramLink(client, server);
    client.core.start();
    link.run();
    expect([client.sink.failures, server.sink.failures]).toEqual([[], []]);
    client.core.send(Buffer.from('one'));
    server.core.send(Buffer.from('two'));
    link.run();
    expect([server.sink.received(), client.sink.received()]).toEqual(['one', 'two']);
    expect(link.sent.slice(-2).map(({ bytes }) => bytes[0])).toEqual([25, 25]);
  });
});
