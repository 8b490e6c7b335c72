/** Options of the peer's judgement do what they say, on real connections over loopback. */
import { createNode, type Node, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testWithKey } from '../support/engine.js';

const ca = createCa();
const stranger = createCa({ subject: 'a stranger' });
const below = ca.intermediate({ subject: 'below' });
const leaf = below.issue({ names: ['*.example.org', 'localhost'] });

let node: Node;
beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  expect(await ssl.start({ node })).toEqual({ ok: true });
});
afterAll(async () => {
  await ssl.stop(node);
});

/** What both sides of one handshake answer. */
async function handshake(
  client: ssl.TlsClientOptions,
  server: ssl.TlsServerOptions = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } },
): Promise<ssl.Result<ssl.SslSocket>> {
  const self = node.shell();
  const listener = ssl.unwrap(await ssl.listen(self, 0, { ...server, ip: 'loopback', active: false }));
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const served = ssl
    .transportAccept(self, listener, 5000)
    .then((accepted) => ssl.handshake(self, ssl.unwrap(accepted), 5000));
  const answer = await ssl.connect(self, '127.0.0.1', port, { active: false, ...client }, 5000);
  await served;
  await ssl.close(listener);
  return answer;
}

const alert = (answer: ssl.Result<ssl.SslSocket>): unknown =>
  'error' in answer && typeof answer.error === 'object' && 'tls_alert' in answer.error
    ? Array.isArray(answer.error['tls_alert']) && answer.error['tls_alert'][0]
    : answer;

describe('customize_hostname_check', () => {
  const options = { cacerts: [ca.cert], serverNameIndication: 'a.example.org' };

  it('lets a function of the user decide which presented name fits', async () => {
    expect(await handshake(options)).toHaveProperty('ok');
    const exact = ssl.pkixVerifyHostnameMatchFun('exact');
    const refused = await handshake({ ...options, customizeHostnameCheck: { matchFun: exact } });
    expect(alert(refused)).toBe('handshake_failure');
    const asked: unknown[] = [];
    const matchFun = (reference: unknown, presented: Readonly<Record<string, unknown>>): boolean => {
      asked.push(reference);
      return presented['dNSName'] === '*.example.org';
    };
    expect(await handshake({ ...options, customizeHostnameCheck: { matchFun } })).toHaveProperty('ok');
    expect(asked).toContainEqual({ dns_id: 'a.example.org' });
  });
});

describe('partial_chain', () => {
  const options = { cacerts: [stranger.cert], serverNameIndication: 'localhost' };

  it('may trust a certificate inside the chain that leads to no trusted CA', async () => {
    expect(alert(await handshake(options))).toBe('unknown_ca');
    const partialChain = (): { readonly trusted_ca: Uint8Array } => ({ trusted_ca: below.cert });
    expect(await handshake({ ...options, partialChain })).toHaveProperty('ok');
    expect(alert(await handshake({ ...options, partialChain: () => 'unknown_ca' }))).toBe('unknown_ca');
  });
});

describe('certs_keys', () => {
  const names = ['localhost'];
  const ed25519 = ca.issue({ key: 'ed25519', names });
  const rsa = ca.issue({ key: 'rsa', names });
  const certsKeys = [rsa, ed25519].map(({ chain, key }) => ({ cert: chain, key: { PrivateKeyInfo: key } }));
  const options = { cacerts: [ca.cert], serverNameIndication: 'localhost' };

  testWithKey('rsa')('the server shows the pair that the client can verify, EdDSA before RSA', async () => {
    const both = ssl.unwrap(await handshake(options, { certsKeys }));
    expect(ssl.unwrap(await ssl.peercert(both))).toEqual(ed25519.cert);
    const signatureAlgs = ['rsa_pss_rsae_sha256'] as const;
    // Without a list of their own, signatures in certificates count too: the CA signs with ECDSA.
    const wish = { ...options, signatureAlgs, signatureAlgsCert: ['ecdsa_secp256r1_sha256'] as const };
    const only = ssl.unwrap(await handshake(wish, { certsKeys }));
    expect(ssl.unwrap(await ssl.peercert(only))).toEqual(rsa.cert);
  });
});

describe('protocol_version of the application', () => {
  it('is the default of versions; nonsense is none', async () => {
    for (const [value, answer] of [
      ['tlsv1.3', 'econnrefused'],
      ['tlsv1', 'econnrefused'],
      [['tlsv1.3', 'tlsv9'], 'econnrefused'],
      ['sslv2', 'econnrefused'],
    ] as const) {
      const other = createNode({ logger: silentLogger });
      ssl.unwrap(await ssl.start({ node: other, env: { protocol_version: value } }));
      expect(await ssl.connect(other.shell(), '127.0.0.1', 1, {})).toEqual({ error: answer });
      await ssl.stop(other);
      other.stop();
    }
  });
});
