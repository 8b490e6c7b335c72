/** GnuTLS's gnutls-serv and gnutls-cli. */
import { start, startOnFreePort } from './child.js';
import type { InteropGroup, Peer, SuiteName } from './peer.js';

const GROUPS: Record<InteropGroup, string> = {
  x25519: 'GROUP-X25519',
  secp256r1: 'GROUP-SECP256R1',
  secp384r1: 'GROUP-SECP384R1',
};
const CIPHERS: Record<SuiteName, string> = {
  TLS_AES_128_GCM_SHA256: 'AES-128-GCM',
  TLS_AES_256_GCM_SHA384: 'AES-256-GCM',
  TLS_CHACHA20_POLY1305_SHA256: 'CHACHA20-POLY1305',
};

function priority(suite: SuiteName | undefined, groups: readonly InteropGroup[] | undefined): string {
  const parts = ['NORMAL', '-VERS-ALL', '+VERS-TLS1.3'];
  if (suite) parts.push('-CIPHER-ALL', `+${CIPHERS[suite]}`);
  if (groups) parts.push('-GROUP-ALL', ...groups.map((group) => `+${GROUPS[group]}`));
  return parts.join(':');
}

export const gnutls: Peer = {
  name: 'GnuTLS',
  program: 'gnutls-cli',

  async echoServer(options) {
    const args = [
      ...['--x509certfile', options.certfile, '--x509keyfile', options.keyfile],
      ...['--priority', priority(options.suite, options.groups)],
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
      ...['--priority', priority(options.suite, options.groups)],
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
