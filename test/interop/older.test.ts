/**
 * Versions and suites of old, with stacks that others wrote, both ways: TLS 1.2, 1.1 and 1.0, CBC, 3DES, RC4 and DES as far as
 * the peer has them, with and without encrypt-then-MAC. OpenSSL speaks the old versions at security level 0 only.
 */
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithPeer, report } from '../support/report.js';
import { start, startOnFreePort } from './child.js';
import { createMaterial, type Material } from './material.js';
import { opensslName } from './openssl.js';
import { echoClient, echoServer, sslNode } from './ours.js';

type Version = 'tlsv1.2' | 'tlsv1.1' | 'tlsv1';

let node: Node;
let material: Material;
beforeAll(async () => {
  node = await sslNode();
  material = createMaterial();
});
afterAll(async () => {
  await ssl.stop(node);
  material.remove();
});

const versions: readonly Version[] = ['tlsv1.2', 'tlsv1.1', 'tlsv1'];
const keys = { ECDSA: 'ec256', RSA: 'rsa' } as const;
const text = Buffer.from(
  `${Array.from({ length: 400 }, (_, line) => `a line of text, ${line}`).join('\n')}\n`,
);

const suitesFor = (version: Version) =>
  (['ECDSA', 'RSA'] as const).flatMap((key) =>
    ['AES_128_CBC_SHA', 'AES_256_CBC_SHA']
      .concat(version === 'tlsv1.2' ? ['AES_128_CBC_SHA256', 'AES_256_CBC_SHA384'] : [])
      .map((cipher) => ({
        key: keys[key],
        suite: `TLS_ECDHE_${key}_WITH_${cipher}`,
      })),
  );

const ours = (version: Version, suite: string) => ({ versions: [version], ciphers: suite }) as const;
const clientOptions = (version: Version, suite: string): ssl.TlsClientOptions => ({
  ...ours(version, suite),
  cacertfile: material.cafile,
  serverNameIndication: 'localhost',
});

const opensslFlags = { 'tlsv1.2': '-tls1_2', 'tlsv1.1': '-tls1_1', tlsv1: '-tls1' } as const;

describeWithPeer('old versions with OpenSSL', 'openssl', () => {
  for (const version of versions)
    for (const { key, suite } of suitesFor(version))
      for (const encryptThenMac of [true, false]) {
        const how = `${version}, ${suite}${encryptThenMac ? '' : ', without encrypt-then-MAC'}`;
        const common = [
          ...[opensslFlags[version], '-cipher', `${opensslName(suite)}:@SECLEVEL=0`],
          ...(encryptThenMac ? [] : ['-no_etm']),
        ];
        it(`our client: ${how}`, async () => {
          const { certfile, keyfile } = material.servers[key];
          const { port, child } = await startOnFreePort((at) =>
            start('openssl', [
              ...['s_server', '-accept', `127.0.0.1:${at}`, '-quiet', '-rev', ...common],
              ...['-cert', certfile, '-key', keyfile],
            ]),
          );
          try {
            const { received, information } = await echoClient(
              node,
              port,
              clientOptions(version, suite),
              Buffer.from('abc\n'),
            );
            expect(Buffer.from(received).toString()).toBe('cba\n');
            expect(information['protocol']).toBe(version);
            expect(information['selectedCipherSuite']).toEqual(ssl.strToSuite(suite));
            report(`interop: old versions, our client, OpenSSL, ${version}`, { ok: 1 });
          } finally {
            await child.stop();
          }
        });
        it(`our server: ${how}`, async () => {
          const our = await echoServer(node, { ...ours(version, suite), ...material.servers[key] });
          const child = start('openssl', [
            ...['s_client', '-connect', `127.0.0.1:${our.port}`, '-quiet', '-no_ign_eof', ...common],
            ...['-CAfile', material.cafile, '-verify_return_error'],
          ]);
          try {
            child.process.stdin.write(text);
            await child.until(() => child.received() >= text.length);
            expect(child.stdout().equals(text)).toBe(true);
            expect(our.information()).toMatchObject({ protocol: version });
            report(`interop: old versions, our server, OpenSSL, ${version}`, { ok: 1 });
          } finally {
            await child.stop();
            await our.stop();
          }
        });
      }
});

const gnutlsVersions = { 'tlsv1.2': 'VERS-TLS1.2', 'tlsv1.1': 'VERS-TLS1.1', tlsv1: 'VERS-TLS1.0' } as const;
const gnutlsCiphers = [
  ['AES-128-CBC', 'SHA1', 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA'],
  ['AES-256-CBC', 'SHA1', 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA'],
  ['3DES-CBC', 'SHA1', 'TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA'],
  ['ARCFOUR-128', 'SHA1', 'TLS_ECDHE_RSA_WITH_RC4_128_SHA'],
] as const;

describeWithPeer('old versions with GnuTLS', 'gnutls-cli', () => {
  for (const version of versions)
    for (const [cipher, mac, suite] of gnutlsCiphers)
      for (const extra of ['', ':%NO_ETM']) {
        const priority = `NORMAL:-VERS-ALL:+${gnutlsVersions[version]}:-CIPHER-ALL:+${cipher}:-MAC-ALL:+${mac}${extra}`;
        const how = `${version}, ${suite}${extra === '' ? '' : ', without encrypt-then-MAC'}`;
        it(`our client: ${how}`, async () => {
          const { certfile, keyfile } = material.servers.rsa;
          const { port, child } = await startOnFreePort((at) =>
            start('gnutls-serv', [
              ...['--echo', '--port', String(at), '--x509certfile', certfile, '--x509keyfile', keyfile],
              ...['--disable-client-cert', '--quiet', '--priority', priority],
            ]),
          );
          try {
            const { received, information } = await echoClient(
              node,
              port,
              clientOptions(version, suite),
              text,
            );
            expect(Buffer.from(received).equals(text)).toBe(true);
            expect(information['protocol']).toBe(version);
            report(`interop: old versions, our client, GnuTLS, ${version}`, { ok: 1 });
          } finally {
            await child.stop();
          }
        });
        it(`our server: ${how}`, async () => {
          const our = await echoServer(node, { ...ours(version, suite), ...material.servers.rsa });
          const child = start('gnutls-cli', [
            ...['--port', String(our.port), '--x509cafile', material.cafile, '--logfile', '/dev/null'],
            ...['--verify-hostname', 'localhost', '--priority', priority, '127.0.0.1'],
          ]);
          try {
            child.process.stdin.write(text);
            await child.until(() => child.received() >= text.length);
            expect(child.stdout().equals(text)).toBe(true);
            report(`interop: old versions, our server, GnuTLS, ${version}`, { ok: 1 });
          } finally {
            await child.stop();
            await our.stop();
          }
        });
      }
});
