/** GnuTLS's gnutls-serv and gnutls-cli. */
import { start, startOnFreePort } from './child.js';
import type { InteropGroup, OfferedVersions, Peer, SuiteName } from './peer.js';

const VERSIONS: Record<OfferedVersions, readonly string[]> = {
  'tlsv1.3': ['+VERS-TLS1.3'],
  'tlsv1.2': ['+VERS-TLS1.2'],
  both: ['+VERS-TLS1.3', '+VERS-TLS1.2'],
};

const groupName = (group: InteropGroup): string => `GROUP-${group.toUpperCase()}`;

/** The cipher in a suite's name: AES_128_GCM is GnuTLS's AES-128-GCM. */
function cipherOf(suite: SuiteName): string {
  const [, cipher = ''] = /(AES_\d+_GCM|AES_\d+_CCM(?:_8)?|CHACHA20_POLY1305)/.exec(suite) ?? [];
  return cipher.replaceAll('_', '-');
}

function priority(
  version: OfferedVersions,
  suite: SuiteName | undefined,
  groups: readonly InteropGroup[] | undefined,
): string {
  const parts = ['NORMAL', '-VERS-ALL', ...VERSIONS[version]];
  if (suite) parts.push('-CIPHER-ALL', `+${cipherOf(suite)}`);
  if (groups) parts.push('-GROUP-ALL', ...groups.map((group) => `+${groupName(group)}`));
  return parts.join(':');
}

export const gnutls: Peer = {
  name: 'GnuTLS',
  program: 'gnutls-cli',

  // 3.7.
  lacks: (_version, what) => what.includes('mlkem') || what.startsWith('brainpool'),

  async echoServer(options) {
    const args = [
      ...['--x509certfile', options.certfile, '--x509keyfile', options.keyfile],
      ...['--priority', priority(options.version, options.suite, options.groups)],
      ...(options.alpn ?? []).map((protocol) => `--alpn=${protocol}`),
      ...(options.requireClientCa
        ? ['--x509cafile', options.requireClientCa, '--require-client-cert', '--verify-client-cert']
        : ['--disable-client-cert']),
    ];
    const { port, child } = await startOnFreePort((at) =>
      start('gnutls-serv', ['--echo', '--port', String(at), '--quiet', ...args]),
    );
    return { port, stop: child.stop };
  },

  async echoClient(options) {
    const child = start('gnutls-cli', [
      ...['--port', String(options.port), '--x509cafile', options.cafile, '--logfile', '/dev/null'],
      ...['--priority', priority(options.version, options.suite, options.groups)],
      ...(options.servername
        ? ['--sni-hostname', options.servername, '--verify-hostname', options.servername]
        : ['--disable-sni', '--no-ca-verification']),
      ...(options.alpn ?? []).map((protocol) => `--alpn=${protocol}`),
      ...(options.identity
        ? ['--x509certfile', options.identity.certfile, '--x509keyfile', options.identity.keyfile]
        : []),
      '127.0.0.1',
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
