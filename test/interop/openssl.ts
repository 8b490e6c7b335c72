/** OpenSSL's s_server and s_client. */
import { strToSuite, suiteToOpensslStr } from '@actor-tls/ssl';
import { start, startOnFreePort } from './child.js';
import type { InteropGroup, OfferedVersions, Peer, SuiteName } from './peer.js';

const GROUPS: Record<InteropGroup, string> = { x25519: 'X25519', secp256r1: 'P-256', secp384r1: 'P-384' };

const groupArgs = (groups: readonly InteropGroup[] | undefined): string[] =>
  groups ? ['-groups', groups.map((group) => GROUPS[group]).join(':')] : [];

const VERSIONS: Record<OfferedVersions, readonly string[]> = {
  'tlsv1.3': ['-tls1_3'],
  'tlsv1.2': ['-tls1_2'],
  both: ['-min_protocol', 'TLSv1.2'],
};

/** OpenSSL's name of a suite; those of TLS 1.3 are the RFC's. */
export function opensslName(suite: SuiteName): string {
  const known = strToSuite(suite);
  if ('error' in known) throw new Error(`no suite ${suite}`);
  return suiteToOpensslStr(known);
}

/** Suites of TLS 1.2 have names of OpenSSL's own, and an option of their own. */
function suiteArgs(version: OfferedVersions, suite: SuiteName | undefined): string[] {
  if (suite === undefined) return [];
  return version === 'tlsv1.3' ? ['-ciphersuites', suite] : ['-cipher', opensslName(suite)];
}

export const openssl: Peer = {
  name: 'OpenSSL',
  program: 'openssl',

  async echoServer(options) {
    // -quiet keeps s_server from reading commands in the data that we feed back to it.
    const args = [
      ...['-cert', options.certfile, '-cert_chain', options.certfile, '-key', options.keyfile],
      ...suiteArgs(options.version, options.suite),
      ...groupArgs(options.groups),
      ...(options.alpn ? ['-alpn', options.alpn.join(',')] : []),
      ...(options.requireClientCa
        ? ['-Verify', '4', '-verify_return_error', '-CAfile', options.requireClientCa]
        : []),
      ...(options.extra ?? []),
    ];
    const { port, child } = await startOnFreePort((at) =>
      start('openssl', [
        's_server',
        '-quiet',
        '-accept',
        `127.0.0.1:${at}`,
        ...VERSIONS[options.version],
        ...args,
      ]),
    );
    // Never `pipe`: it stops reading while s_server takes nothing in, and s_server takes nothing in while it cannot print.
    child.process.stdout.on('data', (chunk) => child.process.stdin.write(chunk));
    return { port, stop: child.stop };
  },

  async echoClient(options) {
    const child = start('openssl', [
      ...['s_client', '-quiet', '-connect', `127.0.0.1:${options.port}`, ...VERSIONS[options.version]],
      ...['-CAfile', options.cafile, '-verify_return_error'],
      ...(options.servername
        ? ['-servername', options.servername, '-verify_hostname', options.servername]
        : ['-noservername']),
      ...suiteArgs(options.version, options.suite),
      ...groupArgs(options.groups),
      ...(options.alpn ? ['-alpn', options.alpn.join(',')] : []),
      ...(options.identity
        ? [
            '-cert',
            options.identity.certfile,
            '-cert_chain',
            options.identity.certfile,
            '-key',
            options.identity.keyfile,
          ]
        : []),
      ...(options.extra ?? []),
    ]);
    child.process.stdin.write(options.payload);
    try {
      await child.until(() => child.received() >= options.payload.length);
    } finally {
      await child.stop();
    }
    return child.stdout();
  },
};
