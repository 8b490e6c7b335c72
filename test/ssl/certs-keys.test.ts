/**
 * `certsKeys`: which of several pairs is shown, by both sides in both versions. The order is the one in which OTP 25 goes
 * through them, with the larger key first among RSA keys too, as its manual has it.
 */
import { createNode, type Node, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa, type KeyKind } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';

const ca = createCa({ key: 'ed25519' });
const kinds: Readonly<Record<string, KeyKind>> = {
  ed25519: 'ed25519',
  ed448: 'ed448',
  ec521: { ec: 'secp521r1' },
  ec384: { ec: 'secp384r1' },
  ec256: { ec: 'secp256r1' },
  rsa: 'rsa',
};
const usable = Object.entries(kinds).filter(([name]) =>
  name.startsWith('ed')
    ? defaultEngine.supportsKey(name === 'ed448' ? 'ed448' : 'ed25519', undefined)
    : name !== 'rsa' || defaultEngine.supportsKey('rsa', undefined),
);
const issued = usable.map(([name, key]) => ({ name, ...ca.issue({ key, names: ['localhost', name] }) }));
const order = issued.map(({ name }) => name);
type Issued = (typeof issued)[number];

const pairs = (list: readonly Issued[]) =>
  list.map(({ chain, key }) => ({ cert: chain, key: { PrivateKeyInfo: key } }));
const nameOf = (der: Uint8Array): string | undefined =>
  issued.find(({ cert }) => Buffer.compare(cert, der) === 0)?.name;

let node: Node;
let self: ReturnType<Node['shell']>;
beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  self = node.shell();
  expect(await ssl.start({ node })).toEqual({ ok: true });
});
afterAll(async () => {
  await ssl.stop(node);
});

/** Both ends of one handshake; the socket that fails is the error. */
async function meet(
  server: ssl.TlsServerOptions,
  client: ssl.TlsClientOptions,
): Promise<{ readonly client: ssl.HandshakeAnswer; readonly server: ssl.HandshakeAnswer }> {
  const listener = ssl.unwrap(await ssl.listen(self, 0, { ip: 'loopback', active: false, ...server }));
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const serving = ssl
    .transportAccept(self, listener, 9000)
    .then((accepted) => ssl.handshake(self, ssl.unwrap(accepted), 9000));
  const wish = { active: false, cacerts: [ca.cert], serverNameIndication: 'localhost', ...client };
  const answer = await ssl.connect(self, '127.0.0.1', port, wish, 9000);
  const served = await serving;
  await ssl.close(listener);
  return { client: answer, server: served };
}

/** Whom the other side is shown, with each pair that was shown taken away the next time. */
async function ranked(
  show: (certsKeys: ssl.TlsServerOptions['certsKeys']) => Promise<ssl.Result<ssl.SslSocket>>,
) {
  // Worst first.
  let left = [...issued].reverse();
  const seen: (string | undefined)[] = [];
  while (left.length > 0) {
    const shown = nameOf(ssl.unwrap(await ssl.peercert(ssl.unwrap(await show(pairs(left))))));
    seen.push(shown);
    left = left.filter(({ name }) => name !== shown);
    if (shown === undefined) break;
  }
  return seen;
}

const [anybody] = pairs(issued.filter(({ name }) => name === 'ec256'));

describe.each(['tlsv1.3', 'tlsv1.2'] as const)('of several pairs of %s', (version) => {
  const versions = [version];

  it('a server shows EdDSA, then ECDSA, then RSA, the larger first', async () => {
    expect(
      await ranked(async (certsKeys) => (await meet({ certsKeys, versions }, { versions })).client),
    ).toEqual(order);
  });

  it('a client does too', async () => {
    const asking = {
      ...anybody,
      versions,
      verify: 'verify_peer',
      failIfNoPeerCert: true,
      cacerts: [ca.cert],
    } as const;
    expect(await ranked(async (certsKeys) => (await meet(asking, { certsKeys, versions })).server)).toEqual(
      order,
    );
  });

  it('a server shows the first that the client’s schemes can verify', async () => {
    const signatureAlgs = ['ecdsa_secp384r1_sha384'] as const;
    const met = await meet(
      { certsKeys: pairs(issued), versions },
      { versions, signatureAlgs, signatureAlgsCert: ['eddsa_ed25519'] },
    );
    const shown = nameOf(ssl.unwrap(await ssl.peercert(ssl.unwrap(met.client))));
    // In TLS 1.2 a scheme of ECDSA names a hash and no curve.
    expect(shown).toBe(version === 'tlsv1.3' ? 'ec384' : 'ec521');
  });

  it('a client shows the first that the server’s schemes can verify', async () => {
    const signatureAlgs = ['ecdsa_secp256r1_sha256'] as const;
    const asking = {
      ...anybody,
      versions,
      verify: 'verify_peer',
      failIfNoPeerCert: true,
      cacerts: [ca.cert],
      signatureAlgs,
      signatureAlgsCert: ['eddsa_ed25519'],
    } as const;
    const met = await meet(asking, { certsKeys: pairs(issued), versions });
    const shown = nameOf(ssl.unwrap(await ssl.peercert(ssl.unwrap(met.server))));
    expect(shown).toBe(version === 'tlsv1.3' ? 'ec256' : 'ec521');
  });

  it('a host’s pairs stand in place of the server’s, whatever there are', async () => {
    const met = await meet(
      {
        certsKeys: pairs(issued),
        versions,
        sniHosts: { localhost: { certsKeys: pairs(issued.filter(({ name }) => name.startsWith('ec'))) } },
      },
      { versions },
    );
    expect(nameOf(ssl.unwrap(await ssl.peercert(ssl.unwrap(met.client))))).toBe('ec521');
  });
});

describe('a client of TLS 1.2 that names its curves', () => {
  it('is shown no key on another (RFC 8422 §5.1)', async () => {
    const eccs = ['secp256r1'] as const;
    const versions = ['tlsv1.2'] as const;
    const met = await meet(
      { certsKeys: pairs(issued.filter(({ name }) => name.startsWith('ec'))), versions },
      { versions, eccs },
    );
    expect(nameOf(ssl.unwrap(await ssl.peercert(ssl.unwrap(met.client))))).toBe('ec256');
  });
});
