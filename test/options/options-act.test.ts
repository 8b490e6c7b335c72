/** Options of the peer's judgement do what they say, on real connections over loopback. */
import { createNode, type Node, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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
async function handshake(client: ssl.TlsClientOptions): Promise<ssl.Result<ssl.SslSocket>> {
  const self = node.shell();
  const listener = ssl.unwrap(
    await ssl.listen(self, 0, {
      cert: leaf.chain,
      key: { PrivateKeyInfo: leaf.key },
      ip: 'loopback',
      active: false,
    }),
  );
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
    expect(alert(await handshake(options))).toBe('handshake_failure');
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
