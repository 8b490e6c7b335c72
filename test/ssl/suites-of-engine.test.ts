import { createNode, type Node, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { nobleEngine } from '@actor-tls/ssl/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('what the engine has is asked of the one that start was given', () => {
  let node: Node;
  beforeAll(async () => {
    node = createNode({ logger: silentLogger });
    ssl.unwrap(await ssl.start({ node, engine: nobleEngine }));
  });
  afterAll(async () => {
    await ssl.stop(node);
    node.stop();
  });

  /** noble has no RSA. */
  const rsa = ssl.cipherSuites('default', 'tlsv1.2').filter(({ keyExchange }) => keyExchange === 'ecdhe_rsa');
  const ecdsa = ssl
    .cipherSuites('default', 'tlsv1.2')
    .filter(({ keyExchange }) => keyExchange === 'ecdhe_ecdsa');

  it('by filterCipherSuites, prependCipherSuites and appendCipherSuites', () => {
    expect(ssl.filterCipherSuites(rsa, {}, node)).toEqual([]);
    const left = ssl.filterCipherSuites(ecdsa, {}, node);
    expect(left).not.toEqual([]);
    const filters = { keyExchange: () => true };
    expect(ssl.prependCipherSuites(filters, [...rsa, ...left], node)).toEqual([...left, ...rsa]);
    expect(ssl.appendCipherSuites(filters, [...left, ...rsa], node)).toEqual([...rsa, ...left]);
  });

  it('by eccs', () => {
    expect(ssl.eccs(undefined, node)).toContain('secp256r1');
    expect(ssl.eccs('tlsv1.2', node)).not.toContain('secp192r1');
  });
});
