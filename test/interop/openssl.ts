/** OpenSSL's s_server and s_client. */
import { strToSuite, suiteToOpensslStr } from '@actor-tls/ssl';
import { start, startOnFreePort } from './child.js';
import type { InteropGroup, OfferedVersions, Peer, SuiteName } from './peer.js';

const GROUPS: Partial<Record<InteropGroup, string>> = {
  x25519: 'X25519',
  x448: 'X448',
  secp256r1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
  x25519mlkem768: 'X25519MLKEM768',
  secp256r1mlkem768: 'SecP256r1MLKEM768',
  secp384r1mlkem1024: 'SecP384r1MLKEM1024',
};

/** OpenSSL's name of a group; those of RFC 7919 and RFC 8734 are the RFCs'. */
export const opensslGroup = (group: InteropGroup): string => GROUPS[group] ?? group;

const groupArgs = (groups: readonly InteropGroup[] | undefined): string[] =>
  groups ? ['-groups', groups.map(opensslGroup).join(':')] : [];

const VERSIONS: Record<OfferedVersions, readonly string[]> = {
  'tlsv1.3': ['-tls1_3'],
  'tlsv1.2': ['-tls1_2'],
  both: ['-min_protocol', 'TLSv1.2'],
};

/** OpenSSL's name of a suite; those of TLS 1.3 are the RFC's. */
export function opensslName(suite: string): string {
  const known = strToSuite(suite);
  if ('error' in known) throw new Error(`no suite ${suite}`);
  return suiteToOpensslStr(known);
}

/** Suites of TLS 1.2 have names of OpenSSL's own, and an option of their own. */
function suiteArgs(version: OfferedVersions, suite: SuiteName | undefined): string[] {
  if (suite === undefined) return [];
  // A tag of 64 bits is below the level that OpenSSL asks for.
  const level = suite.includes('CCM_8') ? '@SECLEVEL=0' : '';
  return version === 'tlsv1.3'
    ? ['-ciphersuites', suite, '-cipher', `DEFAULT${level}`]
    : ['-cipher', `${opensslName(suite)}${level}`];
}

export const openssl: Peer = {
  name: 'OpenSSL',
  program: 'openssl',

  // Debian's, 3.0.
  lacks: (_version, what) => what.includes('mlkem') || what.startsWith('brainpool'),

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
