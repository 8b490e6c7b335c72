/** DTLS with OpenSSL, GnuTLS and OTP, both ways. */
import type { Node, Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freeUdpPort } from '../support/free-udp-port.js';
import { type Child, start } from './child.js';
import { erlangScript } from './erlang.js';
import { createMaterial, type KeyName, type Material } from './material.js';
import { echoServer, type OurServer, sslNode } from './ours.js';

let material: Material;
let node: Node;
let self: Self<ssl.SslMessage>;
const children: Child[] = [];
const servers: OurServer[] = [];

beforeAll(async () => {
  material = createMaterial();
  node = await sslNode();
  self = node.shell<ssl.SslMessage>();
});
afterEach(async () => {
  for (const child of children.splice(0)) await child.stop();
  for (const server of servers.splice(0)) await server.stop();
});
afterAll(async () => {
  await ssl.stop(node);
  material.remove();
});

function run(program: string, args: readonly string[]): Child {
  const child = start(program, args);
  children.push(child);
  return child;
}

interface Case {
  readonly name: string;
  readonly version: 'dtlsv1.2' | 'dtlsv1';
  /** Others that our side would speak. */
  readonly newer?: readonly ['dtlsv1.3'];
  readonly key: KeyName;
  /** By OpenSSL's name. */
  readonly suite?: string;
  readonly psk?: true;
  readonly clientCertificate?: true;
}

const cases: readonly Case[] = [
  { name: 'ECDSA, the default suites', version: 'dtlsv1.2', key: 'ec256' },
  { name: 'RSA, the default suites', version: 'dtlsv1.2', key: 'rsa' },
  { name: 'AES-128-GCM', version: 'dtlsv1.2', key: 'ec256', suite: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
  { name: 'ChaCha20-Poly1305', version: 'dtlsv1.2', key: 'rsa', suite: 'ECDHE-RSA-CHACHA20-POLY1305' },
  { name: 'AES-CCM-8', version: 'dtlsv1.2', key: 'ec256', suite: 'ECDHE-ECDSA-AES128-CCM8' },
  { name: 'AES-CBC with SHA-384', version: 'dtlsv1.2', key: 'ec256', suite: 'ECDHE-ECDSA-AES256-SHA384' },
  { name: 'AES-CBC with SHA', version: 'dtlsv1.2', key: 'rsa', suite: 'ECDHE-RSA-AES128-SHA' },
  { name: 'finite fields', version: 'dtlsv1.2', key: 'rsa', suite: 'DHE-RSA-AES128-GCM-SHA256' },
  { name: 'RSA key exchange', version: 'dtlsv1.2', key: 'rsa', suite: 'AES128-GCM-SHA256' },
  { name: 'PSK with CCM-8', version: 'dtlsv1.2', key: 'ec256', suite: 'PSK-AES128-CCM8', psk: true },
  {
    name: 'PSK with ECDHE',
    version: 'dtlsv1.2',
    key: 'ec256',
    suite: 'ECDHE-PSK-AES128-CBC-SHA256',
    psk: true,
  },
  { name: 'client certificates', version: 'dtlsv1.2', key: 'ec256', clientCertificate: true },
  { name: 'DTLS 1.3 on our side', version: 'dtlsv1.2', newer: ['dtlsv1.3'], key: 'ec256' },
  { name: 'DTLS 1.3 on our side, RSA', version: 'dtlsv1.2', newer: ['dtlsv1.3'], key: 'rsa' },
  { name: 'DTLS 1.0', version: 'dtlsv1', key: 'rsa' },
  { name: 'DTLS 1.0 with ECDSA', version: 'dtlsv1', key: 'ec256', suite: 'ECDHE-ECDSA-AES256-SHA' },
];

const secret = '00112233445566778899aabbccddeeff';
const lookup = (type: string, identity: Uint8Array): { ok: Uint8Array } | 'error' =>
  type === 'psk' && Buffer.from(identity).toString() === 'device'
    ? { ok: Buffer.from(secret, 'hex') }
    : 'error';

function ourSuites({ suite }: Case): { ciphers?: string } {
  return suite === undefined ? {} : { ciphers: suite };
}

function ourServerOptions(one: Case): ssl.TlsServerOptions {
  return {
    protocol: 'dtls',
    versions: [...(one.newer ?? []), one.version],
    ...material.servers[one.key],
    ...ourSuites(one),
    ...(one.psk ? { userLookupFun: [lookup, undefined] } : {}),
    ...(one.clientCertificate
      ? { verify: 'verify_peer', failIfNoPeerCert: true, cacertfile: material.cafile }
      : {}),
  };
}

function ourClientOptions(one: Case): ssl.TlsClientOptions {
  return {
    protocol: 'dtls',
    versions: [...(one.newer ?? []), one.version],
    active: false,
    cacertfile: material.cafile,
    serverNameIndication: 'localhost',
    ...ourSuites(one),
    ...(one.psk ? { userLookupFun: [lookup, undefined], pskIdentity: 'device' } : {}),
    ...(one.clientCertificate ? material.client : {}),
  };
}

async function connectOurs(port: number, one: Case): Promise<ssl.SslSocket> {
  return ssl.unwrap(await ssl.connect(self, '127.0.0.1', port, ourClientOptions(one), 10_000));
}

function opensslArgs({ version, suite, psk }: Case): string[] {
  return [
    version === 'dtlsv1.2' ? '-dtls1_2' : '-dtls1',
    ...['-cipher', `${suite ?? 'ALL'}:@SECLEVEL=0`],
    ...(psk ? ['-psk', secret] : []),
  ];
}

describe('our server of DTLS, OpenSSL as client', () => {
  it.each(cases)('$name', async (one) => {
    const server = await echoServer(node, ourServerOptions(one));
    servers.push(server);
    const client = run('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${server.port}`, '-quiet', '-verify_return_error'],
      ...['-CAfile', material.cafile, ...opensslArgs(one)],
      ...(one.psk ? ['-psk_identity', 'device'] : []),
      ...(one.clientCertificate ? ['-cert', material.client.certfile, '-key', material.client.keyfile] : []),
    ]);
    client.process.stdin.write('hello from OpenSSL\n');
    await client.until(() => client.stdout().includes('hello from OpenSSL'), 10_000);
    expect(server.outcomes).toEqual(['ok']);
  });
});

describe('our client of DTLS, OpenSSL as server', () => {
  it.each(
    cases.flatMap((one) => [
      { ...one, cookies: false },
      { ...one, name: `${one.name}, with cookies`, cookies: true },
    ]),
  )('$name', async (one) => {
    const port = await freeUdpPort();
    const server = run('openssl', [
      ...['s_server', '-accept', `127.0.0.1:${port}`, ...opensslArgs(one)],
      ...(one.cookies ? ['-listen'] : []),
      ...['-cert', material.servers[one.key].certfile, '-key', material.servers[one.key].keyfile],
      ...(one.clientCertificate ? ['-CAfile', material.cafile, '-Verify', '2', '-verify_return_error'] : []),
    ]);
    await server.until(() => server.stdout().includes('ACCEPT'));
    const client = await connectOurs(port, one);
    ssl.unwrap(await ssl.send(client, 'hello from us\n'));
    await server.until(() => server.stdout().includes('hello from us'), 10_000);
    server.process.stdin.write('hello back\n');
    expect(String(ssl.unwrap(await ssl.recv(client, 0, 10_000)))).toBe('hello back\n');
    await ssl.close(client);
  });
});

const gnutlsCases = cases.filter(({ psk, suite, clientCertificate }) => !psk && !suite && !clientCertificate);
const gnutlsPriority = (version: Case['version']): string =>
  `NORMAL:-VERS-ALL:+VERS-DTLS${version === 'dtlsv1.2' ? '1.2' : '1.0:%COMPAT:+SHA1:+SIGN-RSA-SHA1:%VERIFY_ALLOW_SIGN_WITH_SHA1'}`;

describe('GnuTLS over datagrams', () => {
  it.each(gnutlsCases)('as client: $name', async (one) => {
    const server = await echoServer(node, ourServerOptions(one));
    servers.push(server);
    const client = run('gnutls-cli', [
      ...['--udp', '-p', String(server.port), '127.0.0.1', '--x509cafile', material.cafile],
      ...['--verify-hostname', 'localhost', '--priority', gnutlsPriority(one.version)],
    ]);
    await client.until(() => client.stdout().includes('Handshake was completed'), 10_000);
    client.process.stdin.write('hello from GnuTLS\n');
    await client.until(() => client.stdout().includes('hello from GnuTLS'), 10_000);
    expect(server.outcomes).toEqual(['ok']);
  });

  it.each(gnutlsCases)('as server: $name', async (one) => {
    const port = await freeUdpPort();
    const { certfile, keyfile } = material.servers[one.key];
    const server = run('gnutls-serv', [
      ...['--udp', '--echo', '-p', String(port), '--x509certfile', certfile, '--x509keyfile', keyfile],
      ...['--priority', gnutlsPriority(one.version)],
    ]);
    await server.until(() => `${server.stdout()}${server.stderr()}`.includes('UDP'));
    const client = await connectOurs(port, one);
    ssl.unwrap(await ssl.send(client, 'hello from us\n'));
    expect(String(ssl.unwrap(await ssl.recv(client, 0, 10_000)))).toBe('hello from us\n');
    await ssl.close(client);
  });
});

describe('OTP over datagrams', () => {
  const versions = ['dtlsv1.2', 'dtlsv1'] as const;
  it.each(versions)('as client, %s', async (version) => {
    const server = await echoServer(node, ourServerOptions({ name: '', version, key: 'rsa' }));
    servers.push(server);
    const client = run('escript', [
      erlangScript('dtls'),
      'client',
      version,
      String(server.port),
      material.cafile,
    ]);
    expect(await client.exited).toBe(0);
    expect(client.stdout().toString()).toBe(
      `[{protocol,'${version}'}]\n{ok,<<"one">>}\n{ok,<<"two">>}\n{ok,<<"three">>}\n`.replace(
        "'dtlsv1'",
        'dtlsv1',
      ),
    );
    expect(server.outcomes).toEqual(['ok']);
  });

  it.each(versions)('as server, %s', async (version) => {
    // In DTLS 1.0 OTP wants a certificate that is signed with a key like its own (RFC 4492 §2).
    const { certfile, keyfile } = material.servers.ec256;
    const server = run('escript', [erlangScript('dtls'), 'server', version, certfile, keyfile]);
    await server.until(() => /PORT \d+\n/.test(server.stdout().toString()));
    const port = Number(/PORT (\d+)/.exec(server.stdout().toString())?.[1]);
    for (const text of ['first', 'second']) {
      const client = await connectOurs(port, { name: '', version, key: 'ec256' });
      ssl.unwrap(await ssl.send(client, text));
      expect(String(ssl.unwrap(await ssl.recv(client, 0, 10_000)))).toBe(text);
      await ssl.close(client);
    }
  });
});
