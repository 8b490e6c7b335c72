/** This stack as one end of an interop test: an echo server of acceptor and workers, and a client process. */
import { createNode, type Node, type Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';

export interface OurServer {
  readonly port: number;
  /** What each handshake ended with, in order. */
  readonly outcomes: ('ok' | ssl.SslReason)[];
  /** Facts of the last connection. */
  readonly information: () => Readonly<Record<string, unknown>>;
  stop(): Promise<void>;
}

/** Starts the application on a node of its own. */
export async function sslNode(options: Omit<ssl.StartOptions, 'node'> = {}): Promise<Node> {
  const node = createNode();
  ssl.unwrap(await ssl.start({ node, ...options }));
  return node;
}

/** Sends back what comes, in the process it is handed to. */
async function echo(self: Self<ssl.SslMessage>, socket: Promise<ssl.SslSocket>): Promise<void> {
  const connection = await socket;
  ssl.unwrap(await ssl.setopts(connection, { active: true }));
  for (;;) {
    const message = await self.receive();
    if (message.type === 'ssl' && message.data instanceof Uint8Array) {
      const sent = await ssl.send(connection, message.data);
      if ('error' in sent) return;
    } else if (message.type === 'ssl_closed' || message.type === 'ssl_error') return;
  }
}

/** `items`: what is asked of each connection; all that is told unasked by default. */
export async function echoServer(
  node: Node,
  options: ssl.TlsServerOptions,
  items?: readonly (keyof ssl.ConnectionInformation)[],
): Promise<OurServer> {
  const outcomes: ('ok' | ssl.SslReason)[] = [];
  let information: Readonly<Record<string, unknown>> = {};
  let opened: (listener: ssl.SslListenSocket) => void = () => {};
  let refused: (error: unknown) => void = () => {};
  const listening = new Promise<ssl.SslListenSocket>((resolve, reject) => {
    opened = resolve;
    refused = reject;
  });
  const acceptor = node.spawn(async (self: Self<ssl.SslMessage>) => {
    const listened = await ssl.listen(self, 0, { ip: '127.0.0.1', ...options, active: false });
    if ('error' in listened) return refused(new Error(ssl.formatError(listened)));
    opened(listened.ok);
    for (;;) {
      const accepted = await ssl.transportAccept(self, listened.ok);
      if ('error' in accepted) return;
      const shaken = await ssl.handshake(self, accepted.ok, 20_000);
      if ('error' in shaken) {
        outcomes.push(shaken.error);
        continue;
      }
      const known = await ssl.connectionInformation(shaken.ok, items);
      if ('ok' in known) information = known.ok;
      outcomes.push('ok');
      let hand: (socket: ssl.SslSocket) => void = () => {};
      const handed = new Promise<ssl.SslSocket>((resolve) => {
        hand = resolve;
      });
      const worker = self.spawn((worker: Self<ssl.SslMessage>) => echo(worker, handed));
      await ssl.controllingProcess(shaken.ok, worker);
      hand(shaken.ok);
    }
  });
  const listener = await listening;
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  return {
    port,
    outcomes,
    information: () => information,
    stop: async () => {
      node.exit(acceptor, 'kill');
      await ssl.close(listener);
    },
  };
}

export interface OurClientResult {
  readonly received: Uint8Array;
  readonly alpn: string | undefined;
  readonly information: Readonly<Record<string, unknown>>;
}

/** Connects, sends, reads as much back, closes. Throws `SslError` when a step fails. */
export function echoClient(
  node: Node,
  port: number,
  options: ssl.TlsClientOptions,
  payload: Uint8Array,
): Promise<OurClientResult> {
  return inProcess(node, async (self) => {
    const socket = ssl.unwrap(
      await ssl.connect(self, '127.0.0.1', port, { ...options, active: false }, 20_000),
    );
    const sending = ssl.send(socket, payload);
    const received = ssl.unwrap(await ssl.recv(socket, payload.length, 60_000));
    ssl.unwrap(await sending);
    const protocol = await ssl.negotiatedProtocol(socket);
    const information = ssl.unwrap(await ssl.connectionInformation(socket));
    await ssl.close(socket);
    if (!(received instanceof Uint8Array)) throw new Error('binary mode gives bytes');
    return {
      received,
      alpn: 'ok' in protocol ? new TextDecoder().decode(protocol.ok) : undefined,
      information,
    };
  });
}

/** Runs a body in a process of its own and gives its outcome to the test. */
export function inProcess<T>(node: Node, body: (self: Self<ssl.SslMessage>) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    node.spawn(async (self: Self<ssl.SslMessage>) => {
      try {
        resolve(await body(self));
      } catch (error) {
        reject(error);
      }
    });
  });
}
