/** OTP's own ssl, through an escript. */
import { fileURLToPath } from 'node:url';
import { start } from './child.js';
import type { Peer, PeerServerOptions } from './peer.js';

/** Path of a script in Erlang beside this file. */
export function erlangScript(name: string): string {
  return fileURLToPath(new URL(`./erlang/${name}.escript`, import.meta.url));
}

const script = erlangScript('peer');

/** Options whose strings are text in Erlang; other strings are atoms. */
const textOptions: ReadonlySet<string> = new Set([
  'certfile',
  'keyfile',
  'cacertfile',
  'serverNameIndication',
  'ciphers',
]);

/** Our options as an Erlang list. */
export function erlangTerm(options: object): string {
  const pairs = Object.entries(options).map(
    ([key, value]) => `{${snakeCase(key)}, ${valueTerm(key, value)}}`,
  );
  return `[${pairs.join(', ')}]`;
}

function valueTerm(key: string, value: unknown): string {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => valueTerm(key, item)).join(', ');
    return key === 'signatureAlgs' && !Array.isArray(value[0]) ? `{${items}}` : `[${items}]`;
  }
  if (typeof value !== 'string') return String(value);
  if (key.startsWith('alpn')) return `<<"${value}">>`;
  return textOptions.has(key) ? `"${value}"` : `'${value}'`;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

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
