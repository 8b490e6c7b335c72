/** What a ticket is bound to: equal for equal options anywhere, another for everything that a peer is judged by. */
import { createNode, silentLogger } from '@actor-tls/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../options/config.js';
import { parseClientOptions, parseServerOptions } from '../../options/parse.js';
import * as ssl from '../../ssl.js';
import { createCa } from '../../testing/certificates.js';
import { applicationOf } from '../application.js';

const nodes = [createNode({ logger: silentLogger }), createNode({ logger: silentLogger })] as const;
const ca = createCa({ key: 'ed25519' });
const other = createCa({ key: 'ed25519', subject: 'another' });
const own = ca.issue({ key: 'ed25519' });
const renewed = ca.issue({ key: 'ed25519', serial: 99 });
const pair = { cert: own.chain, key: { PrivateKeyInfo: own.key } };
const base = { ...pair, verify: 'verify_peer', cacerts: [ca.cert] } as const;

beforeAll(async () => {
  for (const node of nodes) expect(await ssl.start({ node })).toEqual({ ok: true });
});
afterAll(async () => {
  for (const node of nodes) await ssl.stop(node);
});

async function policyOf(
  options: ssl.TlsServerOptions & ssl.TlsClientOptions,
  side: 'client' | 'server' = 'server',
  node = nodes[0],
): Promise<string> {
  const environment = applicationOf(node)?.environment;
  if (environment === undefined) throw new Error('no application');
  const config: Config =
    side === 'server'
      ? ssl.unwrap(parseServerOptions(options, environment))
      : ssl.unwrap(parseClientOptions(options, environment));
  return ssl.unwrap(await environment.credentials(config)).policy.id;
}

describe('the policy towards peers', () => {
  it('is the same for the same options, on another node too', async () => {
    const once = await policyOf(base);
    expect(once).toMatch(/^[0-9a-f]{64}$/);
    expect(await policyOf({ ...base, cacerts: [new Uint8Array(ca.cert)] })).toBe(once);
    expect(await policyOf(base, 'server', nodes[1])).toBe(once);
    const verifyFun = (): { readonly valid: undefined } => ({ valid: undefined });
    expect(await policyOf({ ...base, verifyFun }, 'server', nodes[1])).toBe(
      await policyOf({ ...base, verifyFun }),
    );
  });

  it('does not change with what says nothing of peers', async () => {
    const more = { ...base, alpnPreferredProtocols: ['h2'], logLevel: 'none', active: false } as const;
    expect(await policyOf(more)).toBe(await policyOf(base));
  });

  it.each<[what: string, changed: ssl.TlsServerOptions]>([
    ['another CA', { cacerts: [other.cert] }],
    ['a CA more', { cacerts: [ca.cert, other.cert] }],
    ['another certificate of our own', { cert: renewed.chain, key: { PrivateKeyInfo: renewed.key } }],
    ['verify_none', { verify: 'verify_none' }],
    ['failIfNoPeerCert', { failIfNoPeerCert: true }],
    ['depth', { depth: 1 }],
    ['minKeySize', { minKeySize: 3072 }],
    ['crlCheck', { crlCheck: true }],
    ['signatureAlgs', { signatureAlgs: ['eddsa_ed25519'] }],
    ['signatureAlgsCert', { signatureAlgsCert: ['eddsa_ed25519'] }],
    ['a function that judges', { verifyFun: () => ({ valid: 1 }) }],
    ['another function that judges', { verifyFun: () => ({ valid: 2 }) }],
    ['a partial chain', { partialChain: () => 'unknown_ca' }],
  ])('is another with %s', async (_what, changed) => {
    expect(await policyOf({ ...base, ...changed })).not.toBe(await policyOf(base));
  });

  it('of a client is none of a server, and looks at stapling and host name checks', async () => {
    const client = await policyOf(base, 'client');
    expect(client).not.toBe(await policyOf(base));
    expect(await policyOf({ ...base, stapling: 'staple' }, 'client')).not.toBe(client);
    const customizeHostnameCheck = { matchFun: (): boolean => true };
    expect(await policyOf({ ...base, customizeHostnameCheck }, 'client')).not.toBe(client);
  });
});
