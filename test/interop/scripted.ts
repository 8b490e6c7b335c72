/** Peers that are a program of ours over a stack of others: it is told what to do in JSON, as a server or as a client. */
import { start } from './child.js';
import type { Peer, PeerClientOptions, PeerServerOptions } from './peer.js';

type Told = Omit<PeerServerOptions | PeerClientOptions, 'payload'>;

/** `program` answers what is run, with the arguments before ours; `translate` puts options into the stack's terms. */
export function scripted(
  name: string,
  program: () => readonly [program: string, ...args: string[]],
  translate: (options: Told) => object,
  lacks: Peer['lacks'],
): Peer {
  const begin = (role: 'server' | 'client', options: Told, more: object) => {
    const [path, ...args] = program();
    return start(path, [...args, role, JSON.stringify({ ...options, ...translate(options), ...more })]);
  };
  return {
    name,
    program: undefined,
    lacks,

    async echoServer(options) {
      const child = begin('server', options, {});
      await child.until(() => /PORT \d+\n/.test(child.stdout().toString('latin1')));
      const port = Number(/PORT (\d+)\n/.exec(child.stdout().toString('latin1'))?.[1]);
      return { port, stop: child.stop };
    },

    async echoClient({ payload, ...options }) {
      const child = begin('client', options, { length: payload.length });
      child.process.stdin.write(payload);
      try {
        await child.until(() => child.received() >= payload.length);
      } finally {
        await child.stop();
      }
      return child.stdout();
    },
  };
}
