/** OTP's own ssl, through an escript. */
import { fileURLToPath } from 'node:url';
import { start } from './child.js';
import type { Peer } from './peer.js';

const script = fileURLToPath(new URL('./erlang/peer.escript', import.meta.url));

export const erlang: Peer = {
  name: 'Erlang OTP',
  program: 'escript',

  async echoServer(options) {
    const child = start('escript', [
      ...[script, 'server', '--certfile', options.certfile, '--keyfile', options.keyfile],
      ...(options.suite ? ['--suite', options.suite] : []),
      ...(options.groups ? ['--groups', options.groups.join(',')] : []),
      ...(options.alpn ? ['--alpnserver', options.alpn.join(',')] : []),
      ...(options.requireClientCa ? ['--cafile', options.requireClientCa, '--requireclient', 'true'] : []),
    ]);
    await child.until(() => /PORT \d+\n/.test(child.stdout().toString('latin1')));
    return { port: Number(/PORT (\d+)\n/.exec(child.stdout().toString('latin1'))?.[1]), stop: child.stop };
  },

  async echoClient(options) {
    const child = start('escript', [
      ...[script, 'client', String(options.port), String(options.payload.length), '--cafile', options.cafile],
      ...['--servername', options.servername ?? 'none'],
      ...(options.suite ? ['--suite', options.suite] : []),
      ...(options.groups ? ['--groups', options.groups.join(',')] : []),
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
