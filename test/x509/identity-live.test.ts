/** Keys that live elsewhere and PKCS#12 files on connections, and trust by name. */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, sign as signWith } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { createNode, type Node, silentLogger, systemClock } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa, generateKey, type IssuedCertificate, type KeyKind } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientConfig } from '../../packages/ssl/src/options/config.js';
import { parseClientOptions } from '../../packages/ssl/src/options/parse.js';
import { credentialsFrom } from '../../packages/ssl/src/processes/material/credentials.js';
import { bundledTrust } from '../../packages/ssl/src/processes/material/system-trust.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { testWithKey } from '../support/engine.js';
import { describeWithPeer } from '../support/report.js';
import { brief, handshake, pairOf, serve, shake } from './live.js';
import { pssKey } from './make.js';

const ca = createCa({ subject: 'Identity CA' });
const leaf = ca.issue();

let node: Node;
beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  expect(await ssl.start({ node })).toEqual({ ok: true });
});
afterAll(async () => {
  await ssl.stop(node);
  node.stop();
});

describe('a key that lives elsewhere', () => {
  /** Signs as an HSM would: later, and with what it is told. */
  function hsm(issued: IssuedCertificate, algorithm: ssl.RemoteKey['algorithm']): ssl.RemoteKey {
    const key = createPrivateKey({ key: Buffer.from(issued.key), format: 'der', type: 'pkcs8' });
    return {
      algorithm,
      spki: issued.keyPair.spki,
      async sign(scheme, data) {
        await new Promise((resolve) => setImmediate(resolve));
        const hash = /sha(256|384|512)$/.exec(scheme)?.[0];
        const pss = scheme.startsWith('rsa_pss') ? { padding: 6, saltLength: -1 } : {};
        return signWith(hash, data, { key, ...pss });
      },
    };
  }

  const kinds: readonly (readonly [KeyKind, ssl.RemoteKey['algorithm'], string])[] = [
    ['ec', 'ec', 'ec'],
    ['ed25519', 'ed25519', 'ed25519'],
    ['rsa', 'rsa', 'rsa'],
  ];
  for (const [kind, algorithm, name] of kinds) {
    const test = name === 'rsa' ? testWithKey('rsa') : it;
    test(`signs for a server and for a client: ${name}`, async () => {
      const own = ca.issue({ key: kind });
      const pair = { cert: own.chain, key: hsm(own, algorithm) };
      const both = await handshake(
        node,
        { cacerts: [ca.cert], ...pair },
        { ...pair, verify: 'verify_peer', failIfNoPeerCert: true, cacerts: [ca.cert] },
      );
      expect(both).toEqual({ client: 'ok', server: 'ok' });
    });
  }

  it('is chosen among several pairs, and the one that fits is asked', async () => {
    const one = ca.issue({ key: { ec: 'secp384r1' } });
    const asked: string[] = [];
    const keyOf = (issued: IssuedCertificate, name: string): ssl.RemoteKey => {
      const key = hsm(issued, 'ec');
      return {
        ...key,
        sign(scheme, data) {
          asked.push(name);
          return key.sign(scheme, data);
        },
      };
    };
    const certsKeys = [
      { cert: leaf.chain, key: keyOf(leaf, 'P-256') },
      { cert: one.chain, key: keyOf(one, 'P-384') },
    ];
    const options = { cacerts: [ca.cert], signatureAlgs: ['ecdsa_secp256r1_sha256'] } as const;
    expect((await handshake(node, options, { certsKeys })).client).toBe('ok');
    expect(asked).toEqual(['P-256']);
  });

  const failing: Readonly<Record<string, ssl.RemoteKey['sign']>> = {
    throws: () => {
      throw new Error('the token is gone');
    },
    rejects: () => Promise.reject(new Error('the token is gone')),
    'answers no bytes': () => Reflect.apply(JSON.parse, undefined, ['"x"']),
    'answers nothing': () => new Uint8Array(),
  };

  it.each(Object.entries(failing))('that %s hurts only its own connection', async (_what, sign) => {
    let broken = true;
    const good = hsm(leaf, 'ec');
    const key: ssl.RemoteKey = { ...good, sign: (...args) => (broken ? sign(...args) : good.sign(...args)) };
    const server = await serve(node, { cert: leaf.chain, key });
    const options = { cacerts: [ca.cert] };
    expect(brief(await shake(node, server.port, options))).toBe('internal_error');
    expect(server.outcomes.map(brief)).toEqual(['internal_error']);
    broken = false;
    expect(await shake(node, server.port, options)).toBe('ok');
    await server.stop();
  });

  it('that is slow holds up its own connection only', async () => {
    const good = hsm(leaf, 'ec');
    let sign: (() => void) | undefined;
    let asked: () => void = () => {};
    const first = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const key: ssl.RemoteKey = {
      ...good,
      async sign(scheme, data) {
        if (sign === undefined) {
          const told = new Promise<void>((resolve) => {
            sign = resolve;
          });
          asked();
          await told;
        }
        return good.sign(scheme, data);
      },
    };
    const server = await serve(node, { cert: leaf.chain, key });
    const options = { cacerts: [ca.cert] };
    const slow = shake(node, server.port, options);
    await first;
    for (let n = 0; n < 5; n += 1) expect(await shake(node, server.port, options)).toBe('ok');
    sign?.();
    expect(await slow).toBe('ok');
    await server.stop();
  });

  it('that never signs keeps its connection until the deadline', async () => {
    const key: ssl.RemoteKey = { ...hsm(leaf, 'ec'), sign: () => new Promise<Uint8Array>(() => {}) };
    const server = await serve(node, { cert: leaf.chain, key, handshakeDeadline: 200 });
    expect(await shake(node, server.port, { cacerts: [ca.cert] })).not.toBe('ok');
    expect(server.outcomes).toEqual([{ reason: 'timeout' }]);
    await server.stop();
  });

  it('that signs wrongly is found out by the peer', async () => {
    const key = { ...hsm(leaf, 'ec'), sign: hsm(ca.issue(), 'ec').sign };
    const { client } = await handshake(node, { cacerts: [ca.cert] }, { cert: leaf.chain, key });
    expect(brief(client)).toBe('decrypt_error');
  });

  it('is not taken for a certificate of another key', async () => {
    for (const key of [hsm(ca.issue(), 'ec'), { ...hsm(leaf, 'rsa'), spki: undefined }]) {
      const { server } = await handshake(node, { cacerts: [ca.cert] }, { cert: leaf.chain, key });
      expect(server).toMatchObject({
        reason: { options: { key: expect.stringContaining('not that of certificate') } },
      });
    }
  });
});

describeWithPeer('PKCS#12', 'openssl', () => {
  let folder: string;
  const below = ca.intermediate({ subject: 'below' });
  const own = below.issue();
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'p12-'));
    writeFileSync(join(folder, 'chain.pem'), own.chainPem);
    writeFileSync(join(folder, 'key.pem'), own.keyPem);
    pack('own.p12', 'secret');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function pack(name: string, password: string): string {
    const files = ['-in', 'chain.pem', '-inkey', 'key.pem', '-out', name];
    execFileSync('openssl', ['pkcs12', '-export', ...files, '-passout', `pass:${password}`], {
      cwd: folder,
      stdio: 'pipe',
    });
    return join(folder, name);
  }
  const trusting = { cacerts: [ca.cert] };

  it('as certfile is certificate, chain and key in one', async () => {
    const server = { certfile: join(folder, 'own.p12'), password: 'secret' };
    expect((await handshake(node, trusting, server)).client).toBe('ok');
  });

  it('as keyfile alone, or as bytes, too', async () => {
    const file = join(folder, 'own.p12');
    expect((await handshake(node, trusting, { keyfile: file, password: 'secret' })).client).toBe('ok');
    const key = { PFX: new Uint8Array(readFileSync(file)) };
    expect((await handshake(node, trusting, { key, password: 'secret' })).client).toBe('ok');
    const certsKeys = [{ key, password: () => 'secret' }];
    expect((await handshake(node, trusting, { certsKeys })).client).toBe('ok');
  });

  it('without the right password has a clear term', async () => {
    const file = join(folder, 'own.p12');
    for (const password of ['wrong', undefined]) {
      const { server } = await handshake(node, trusting, { certfile: file, password });
      expect(server).toEqual({
        reason: { options: { certfile: [file, expect.stringContaining('wrong password')] } },
      });
    }
  });

  it('is rotated like other files', async () => {
    const file = pack('rotated.p12', 'secret');
    const server = await serve(node, { certfile: file, password: 'secret' });
    expect(await shake(node, server.port, trusting)).toBe('ok');
    writeFileSync(file, 'no PKCS#12 any more');
    await ssl.clearPemCache(node);
    expect(await shake(node, server.port, trusting)).toBe('ok');
    pack('rotated.p12', 'secret');
    await ssl.clearPemCache(node);
    expect(await shake(node, server.port, trusting)).toBe('ok');
    await server.stop();
  });
});

describe('an RSA-PSS key that is restricted to one hash', () => {
  const key = pssKey('sha256', 'sha256', 32);
  const own = ca.issue({
    key: {
      ...generateKey('ec'),
      algorithm: 'rsa_pss',
      curve: undefined,
      ...key,
    },
  });

  testWithKey('rsa')('signs for a server and for a client with that hash, whatever comes first', async () => {
    const trusting = { cacerts: [ca.cert] };
    const both = await handshake(
      node,
      { ...trusting, ...pairOf(own) },
      { ...pairOf(own), ...trusting, verify: 'verify_peer', failIfNoPeerCert: true },
    );
    expect(both).toEqual({ client: 'ok', server: 'ok' });
  });

  testWithKey('rsa')('is not used where the peer does not offer the hash', async () => {
    const client = {
      cacerts: [ca.cert],
      signatureAlgs: ['rsa_pss_pss_sha512', 'ecdsa_secp256r1_sha256'],
    } as const;
    expect(brief((await handshake(node, client, pairOf(own))).server)).toBe('insufficient_security');
    const certsKeys = [pairOf(own), pairOf(leaf)];
    expect((await handshake(node, client, { certsKeys })).client).toBe('ok');
  });

  testWithKey('rsa')('that fits no scheme of TLS 1.3 is told as such when it is loaded', async () => {
    const dsa = ca.issue({ key: 'dsa', subject: 'old' });
    expect(
      (await handshake(node, { cacerts: [ca.cert] }, { ...pairOf(dsa), versions: ['tlsv1.3'] })).server,
    ).toEqual({
      reason: {
        options: { cert: expect.stringMatching(/CN=old.*dsa, 2048 bits.*fits no signature scheme/) },
      },
    });
  });
});

describe('what a client takes by default', () => {
  it('is no certificate signed with SHA-1, unless signature_algs_cert or signature_algs names it', async () => {
    const old = pairOf(ca.issue({ signatureHash: 'sha' }));
    const trusting = { cacerts: [ca.cert] };
    const named = ['ecdsa_secp256r1_sha256', 'ecdsa_sha1'] as const;
    expect(brief((await handshake(node, trusting, old)).client)).toBe('bad_certificate');
    expect((await handshake(node, { ...trusting, signatureAlgsCert: named }, old)).client).toBe('ok');
    expect((await handshake(node, { ...trusting, signatureAlgs: named }, old)).client).toBe('ok');
  });

  testWithKey('rsa')('is no RSA key below minKeySize, which the refusal names', async () => {
    const short = pairOf(ca.issue({ key: { rsa: 1024 } }));
    const trusting = { cacerts: [ca.cert] };
    const { client } = await handshake(node, trusting, short);
    expect(client).toMatchObject({ text: expect.stringMatching(/RSA key of 1024 bits, minKeySize is 2048/) });
    expect((await handshake(node, { ...trusting, minKeySize: 1024 }, short)).client).toBe('ok');
  });
});

describe('a client with several certificates', () => {
  const first = createCa({ subject: 'first CA' });
  const second = createCa({ subject: 'second CA' });
  const below = second.intermediate({ subject: 'below the second' });
  const certsKeys = [pairOf(first.issue()), pairOf(below.issue())];
  const serverOf = (...cas: readonly { readonly cert: Uint8Array }[]): ssl.TlsServerOptions => ({
    ...pairOf(leaf),
    verify: 'verify_peer',
    failIfNoPeerCert: true,
    cacerts: cas.map(({ cert }) => cert),
  });
  const shown = async (
    server: ssl.TlsServerOptions,
    own: ssl.TlsClientOptions['certsKeys'],
  ): Promise<unknown> =>
    brief((await handshake(node, { cacerts: [ca.cert], certsKeys: own }, server)).server);

  it('shows the one below a CA that the server names, whatever their order (RFC 8446 §4.4.2.3)', async () => {
    for (const own of [certsKeys, [...certsKeys].reverse()]) {
      expect(await shown(serverOf(first), own)).toBe('ok');
      expect(await shown(serverOf(second), own)).toBe('ok');
      expect(await shown(serverOf(second, below), own)).toBe('ok');
    }
  });

  it('shows the preferred one when none fits the names', async () => {
    expect(await shown(serverOf(createCa({ subject: 'third CA' })), certsKeys)).toBe('unknown_ca');
  });
});

describe('a chain', () => {
  it('of the own certificate alone is completed from the CA certificates', async () => {
    const below = ca.intermediate({ subject: 'completing' });
    const own = below.issue();
    const server = { cert: own.cert, key: { PrivateKeyInfo: own.key } };
    const trusting = { cacerts: [ca.cert] };
    expect(brief((await handshake(node, trusting, server)).client)).toBe('unknown_ca');
    expect((await handshake(node, trusting, { ...server, cacerts: [below.cert, ca.cert] })).client).toBe(
      'ok',
    );
  });
});

describe('a CA file', () => {
  it('with an entry that is no certificate is used without it, and the log says so once', async () => {
    const notices: unknown[] = [];
    const info = (fields: object, text: string): void => void notices.push([text, fields]);
    const other = createNode({ logger: { ...silentLogger, info } });
    ssl.unwrap(await ssl.start({ node: other }));
    const folder = mkdtempSync(join(tmpdir(), 'cas-'));
    const cacertfile = join(folder, 'ca.pem');
    writeFileSync(
      cacertfile,
      `-----BEGIN CERTIFICATE-----\nMAMCAQc=\n-----END CERTIFICATE-----\n${ca.certPem}`,
    );
    for (let n = 0; n < 3; n += 1)
      expect((await handshake(other, { cacertfile }, pairOf(leaf))).client).toBe('ok');
    expect(notices).toEqual([
      [
        'CA certificates that cannot be read are left out',
        { severity: 'notice', skipped: [{ index: 0, reason: expect.any(String) }] },
      ],
    ]);
    await ssl.stop(other);
    other.stop();
    rmSync(folder, { recursive: true });
  });
});

describe('cacerts by name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trust-'));
  const bundle = join(folder, 'bundle.pem');
  const before = process.env['SSL_CERT_FILE'];
  afterAll(() => {
    if (before === undefined) Reflect.deleteProperty(process.env, 'SSL_CERT_FILE');
    else process.env['SSL_CERT_FILE'] = before;
    rmSync(folder, { recursive: true });
  });

  it("'system' trusts what the system's bundle holds, and a client without any CA does so too", async () => {
    process.env['SSL_CERT_FILE'] = bundle;
    writeFileSync(bundle, ca.certPem);
    await ssl.clearPemCache(node);
    const stranger = createCa().issue();
    for (const options of [{ cacerts: 'system' } as const, {}]) {
      expect((await handshake(node, options, pairOf(leaf))).client).toBe('ok');
      expect(brief((await handshake(node, options, pairOf(stranger))).client)).toBe('unknown_ca');
    }
  });

  it("'system' follows a changed bundle", async () => {
    process.env['SSL_CERT_FILE'] = bundle;
    writeFileSync(bundle, createCa({ subject: 'another' }).certPem);
    await ssl.clearPemCache(node);
    expect(brief((await handshake(node, { cacerts: 'system' }, pairOf(leaf))).client)).toBe('unknown_ca');
  });

  it("'bundled' trusts Node's certificates, all of them, and no other", async () => {
    expect(brief((await handshake(node, { cacerts: 'bundled' }, pairOf(leaf))).client)).toBe('unknown_ca');
    const stores = new Set<unknown>();
    const parse = credentialsFrom(
      {
        generation: 0,
        read: async () => ({ error: 'enoent' }),
        trusted: async () => ({ ok: bundledTrust() }),
      },
      surroundings(),
    );
    for (let n = 0; n < 2; n += 1) {
      const config = bundledConfig();
      const loaded = await parse(config);
      if (!('ok' in loaded)) throw new Error('not loaded');
      expect(loaded.ok.trust.skipped).toEqual([]);
      expect(loaded.ok.trust.certificates).toHaveLength(rootCertificates.length);
      stores.add(loaded.ok.trust);
    }
    // Built once, shared by all.
    expect(stores.size).toBe(1);
  });
});

function surroundings(): Parameters<typeof credentialsFrom>[1] {
  return { engine: defaultEngine, logger: silentLogger, clock: systemClock, wallClock: Date.now };
}

function bundledConfig(): ClientConfig {
  const config = parseClientOptions({ cacerts: 'bundled' }, { engine: defaultEngine });
  if (!('ok' in config)) throw new Error('not parsed');
  return config.ok;
}
