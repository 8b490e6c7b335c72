/** OpenSSL's s_server and s_client. */
import { start, startOnFreePort } from './child.js';
import type { InteropGroup, Peer } from './peer.js';

const GROUPS: Record<InteropGroup, string> = { x25519: 'X25519', secp256r1: 'P-256', secp384r1: 'P-384' };

const groupArgs = (groups: readonly InteropGroup[] | undefined): string[] =>
  groups ? ['-groups', groups.map((group) => GROUPS[group]).join(':')] : [];

export const openssl: Peer = {
  name: 'OpenSSL',
  program: 'openssl',

  async echoServer(options) {
    // -quiet keeps s_server from reading commands in the data that we feed back to it.
    const args = [
      ...['-cert', options.certfile, '-cert_chain', options.certfile, '-key', options.keyfile],
      ...(options.suite ? ['-ciphersuites', options.suite] : []),
      ...groupArgs(options.groups),
      ...(options.alpn ? ['-alpn', options.alpn.join(',')] : []),
      ...(options.requireClientCa
        ? ['-Verify', '4', '-verify_return_error', '-CAfile', options.requireClientCa]
        : []),
    ];
    const { port, child } = await startOnFreePort((at) =>
      start('openssl', ['s_server', '-quiet', '-accept', `127.0.0.1:${at}`, '-tls1_3', ...args]),
    );
    // Never `pipe`: it stops reading while s_server takes nothing in, and s_server takes nothing in while it cannot print.
    child.process.stdout.on('data', (chunk) => child.process.stdin.write(chunk));
    return { port, stop: child.stop };
  },

  async echoClient(options) {
    const child = start('openssl', [
      ...['s_client', '-quiet', '-connect', `127.0.0.1:${options.port}`, '-tls1_3'],
      ...['-CAfile', options.cafile, '-verify_return_error'],
      ...(options.servername
        ? ['-servername', options.servername, '-verify_hostname', options.servername]
        : ['-noservername']),
      ...(options.suite ? ['-ciphersuites', options.suite] : []),
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
