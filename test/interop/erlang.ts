/** OTP's own ssl, through an escript. */
import { fileURLToPath } from 'node:url';
import { start } from './child.js';
import type { Peer, PeerServerOptions } from './peer.js';

const script = fileURLToPath(new URL('./erlang/peer.escript', import.meta.url));

/** Curves of TLS 1.2 are another option. */
function groupArgs({ version, groups }: Pick<PeerServerOptions, 'version' | 'groups'>): string[] {
  return groups ? [version === 'tlsv1.3' ? '--groups' : '--eccs', groups.join(',')] : [];
}

export const erlang: Peer = {
  name: 'Erlang OTP',
  program: 'escript',

  async echoServer(options) {
    const child = start('escript', [
      ...[script, 'server', '--version', options.version],
      ...['--certfile', options.certfile, '--keyfile', options.keyfile],
      ...(options.suite ? ['--suite', options.suite] : []),
      ...groupArgs(options),
      ...(options.alpn ? ['--alpnserver', options.alpn.join(',')] : []),
      ...(options.requireClientCa ? ['--cafile', options.requireClientCa, '--requireclient', 'true'] : []),
    ]);
    await child.until(() => /PORT \d+\n/.test(child.stdout().toString('latin1')));
    return { port: Number(/PORT (\d+)\n/.exec(child.stdout().toString('latin1'))?.[1]), stop: child.stop };
  },

  async echoClient(options) {
    const child = start('escript', [
      ...[script, 'client', String(options.port), String(options.payload.length)],
      ...['--version', options.version, '--cafile', options.cafile],
      ...['--servername', options.servername ?? 'none'],
      ...(options.suite ? ['--suite', options.suite] : []),
      ...groupArgs(options),
      ...(options.alpn ? ['--alpnclient', options.alpn.join(',')] : []),
      ...(options.identity
        ? ['--certfile', options.identity.certfile, '--keyfile', options.identity.keyfile]
        : []),
    ]);
    child.process.stdin.end(options.payload);
    try {
      await child.until(() => child.received() >= options.payload.length);
    } finally {
      await child.stop();
    }
    return child.stdout();
  },
};
