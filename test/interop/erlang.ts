/** OTP's own ssl, in a node that an escript starts. */
import { connect, Socket } from 'node:net';
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

/**
 * One node for all requests of this process, which it outlives by no moment: it ends when its standard input does. Its
 * port of loopback takes a request for each connection, a line of arguments.
 */
let door: Promise<number> | undefined;

function openDoor(): Promise<number> {
  door ??= (async () => {
    const child = start('escript', [script]);
    await child.until(() => /READY \d+\n/.test(child.stdout().toString('latin1')));
    for (const pipe of [child.process.stdin, child.process.stdout, child.process.stderr])
      if (pipe instanceof Socket) pipe.unref();
    child.process.unref();
    return Number(/READY (\d+)\n/.exec(child.stdout().toString('latin1'))?.[1]);
  })();
  return door;
}

interface ErlangRequest {
  readonly socket: Socket;
  /** Resolves with what was answered, when `enough` holds of it or the request has ended. */
  answer(enough: (answered: Buffer) => boolean): Promise<Buffer>;
}

async function request(
  args: readonly string[],
  payload: Uint8Array = new Uint8Array(),
): Promise<ErlangRequest> {
  const socket = connect(await openDoor(), '127.0.0.1');
  const answered: Buffer[] = [];
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    answered.push(chunk);
    bytes += chunk.length;
  });
  socket.on('error', () => {});
  socket.write(`${args.join('\t')}\n`);
  socket.write(payload);
  return {
    socket,
    answer: (enough) =>
      new Promise((resolve) => {
        const check = (): void => {
          const all = Buffer.concat(answered, bytes);
          if (!enough(all) && !socket.closed) return;
          socket.off('data', check);
          resolve(all);
        };
        socket.on('data', check);
        socket.on('close', check);
        check();
      }),
  };
}

export const erlang: Peer = {
  name: 'Erlang OTP',
  program: 'escript',

  // OTP 25 closes where its own key is RSASSA-PSS, and with one of Ed448 names the scheme of Ed25519.
  cannotSignWith: (key) => key === 'rsa_pss' || key === 'ed448',

  /** OTP 25 has x25519, x448 and EdDSA in TLS 1.3 only. */
  lacks: (version, what) =>
    what.includes('mlkem') ||
    what.startsWith('brainpool') ||
    (version === 'tlsv1.2' && /^(x25519|x448|ed25519|ed448)$/.test(what)),

  async echoServer(options) {
    const { socket, answer } = await request([
      ...['server', '--version', options.version],
      ...['--certfile', options.certfile, '--keyfile', options.keyfile],
      ...(options.suite ? ['--suite', options.suite] : []),
      ...groupArgs(options),
      ...(options.alpn ? ['--alpnserver', options.alpn.join(',')] : []),
      ...(options.requireClientCa ? ['--cafile', options.requireClientCa, '--requireclient', 'true'] : []),
    ]);
    const said = (await answer((bytes) => bytes.includes('\n'))).toString('latin1');
    const port = /PORT (\d+)\n/.exec(said)?.[1];
    if (port === undefined) throw new Error('the peer did not listen');
    return {
      port: Number(port),
      async stop() {
        socket.destroy();
      },
    };
  },

  async echoClient(options) {
    const { payload } = options;
    const { socket, answer } = await request(
      [
        ...['client', String(options.port), String(payload.length)],
        ...['--version', options.version, '--cafile', options.cafile],
        ...['--servername', options.servername ?? 'none'],
        ...(options.suite ? ['--suite', options.suite] : []),
        ...groupArgs(options),
        ...(options.alpn ? ['--alpnclient', options.alpn.join(',')] : []),
        ...(options.identity
          ? ['--certfile', options.identity.certfile, '--keyfile', options.identity.keyfile]
          : []),
      ],
      payload,
    );
    const back = await answer((bytes) => bytes.length >= payload.length);
    socket.destroy();
    if (back.length < payload.length) throw new Error('the peer ended early');
    return back;
  },
};
