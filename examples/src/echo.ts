/**
 * An echo server as an application of its own:
 *
 * echo_sup                rest_for_one: who comes later depends on who came before
 * ├ echo_listener         owns the listening socket
 * ├ echo_worker_sup       one_for_one
 * │ ├ echo_worker_1       owns connections and sends back what they bring
 * │ └ echo_worker_2
 * └ echo_acceptor_sup     one_for_one
 *   ├ echo_acceptor_1     accepts, shakes hands, hands over to the workers in turn
 *   └ echo_acceptor_2
 */
import {
  type ApplicationSpec,
  type ChildSpec,
  type GenServer,
  type Node,
  type Pid,
  type Self,
  type SupervisorSpec,
  startGenServer,
  startSupervisor,
} from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';

export interface EchoOptions {
  /** 0 for any free one */
  readonly port: number;
  /** Certificate and key, and whatever else the listener is to have. */
  readonly tls: ssl.TlsServerOptions;
  /** Told of each handshake that failed. */
  readonly onFailedHandshake: (reason: ssl.SslReason) => void;
}

export function echoApplication(options: EchoOptions): ApplicationSpec {
  return {
    name: 'echo',
    description: 'sends back what comes',
    start: (self) => startSupervisor(self, tree(options), { name: 'echo_sup' }),
  };
}

/** The port that the listener has got. */
export async function echoPort(node: Node): Promise<number> {
  const listener = await node.call<ssl.SslListenSocket>('echo_listener', 'socket');
  return ssl.unwrap(await ssl.sockname(listener)).port;
}

/** The name of a worker that has a connection now. */
export async function busyWorker(node: Node): Promise<string | undefined> {
  for (const name of workers) {
    if ((await node.call<number>(name, 'connections')) > 0) return name;
  }
  return undefined;
}

const workers = ['echo_worker_1', 'echo_worker_2'];
const acceptors = ['echo_acceptor_1', 'echo_acceptor_2'];

function tree(options: EchoOptions): SupervisorSpec {
  return {
    strategy: 'rest_for_one',
    children: [
      {
        id: 'echo_listener',
        start: (self) => startGenServer(self, listener, options, { name: 'echo_listener' }),
      },
      supervisor(
        'echo_worker_sup',
        workers.map((id) => ({ id, start: (self) => startGenServer(self, worker, undefined, { name: id }) })),
      ),
      supervisor(
        'echo_acceptor_sup',
        acceptors.map((id) => ({
          id,
          start: (self) => ({ ok: self.spawnLink(acceptor(options), { name: id }) }),
        })),
      ),
    ],
  };
}

function supervisor(id: string, children: readonly ChildSpec[]): ChildSpec {
  const spec: SupervisorSpec = { strategy: 'one_for_one', intensity: 10, period: 10, children };
  return { id, type: 'supervisor', start: (self) => startSupervisor(self, spec, { name: id }) };
}

/** Opens the listening socket and keeps it: a listening socket closes with its owner. */
const listener: GenServer<ssl.SslListenSocket, EchoOptions> = {
  label: 'echo_listener',
  async init(self, { port, tls }) {
    const opened = await ssl.listen(self, port, tls);
    return 'ok' in opened ? { ok: opened.ok } : { stop: opened.error };
  },
  handleCall: (_request, _from, socket) => ({ reply: socket, state: socket }),
};

/** Accepts for ever. What it has accepted is its own until a worker gets it. */
function acceptor({ onFailedHandshake }: EchoOptions): (self: Self<ssl.SslMessage>) => Promise<void> {
  return async function echo_acceptor(self) {
    const socket = await self.call<ssl.SslListenSocket>('echo_listener', 'socket');
    for (let turn = 0; ; turn += 1) {
      const accepted = await ssl.transportAccept(self, socket);
      if ('error' in accepted) return self.exit('shutdown');
      const connection = await ssl.handshake(self, accepted.ok, 5000);
      if ('error' in connection) {
        onFailedHandshake(connection.error);
        continue;
      }
      const next = self.whereis(workers[turn % workers.length] ?? '');
      // Between death and restart of a worker: the client may come again.
      if (next === undefined) await ssl.close(connection.ok);
      else await handOver(self, connection.ok, next);
    }
  };
}

async function handOver(
  self: Self<ssl.SslMessage>,
  connection: ssl.SslSocket,
  owner: Pid<WorkerMessage>,
): Promise<void> {
  await ssl.controllingProcess(connection, owner);
  self.send(owner, { type: 'serve', connection });
}

type WorkerMessage = ssl.SslMessage | { readonly type: 'serve'; readonly connection: ssl.SslSocket };

/**
 * Owns connections and echoes. With `active: 'once'` a client that does not read its echo is not read from either, and
 * what waits here is never more than one message of each connection.
 */
const worker: GenServer<Set<ssl.SslSocket>> = {
  label: 'echo_worker',
  init: () => ({ ok: new Set() }),
  handleCall: (_request, _from, connections) => ({ reply: connections.size, state: connections }),
  handleInfo(message, connections) {
    if (!isWorkerMessage(message)) return undefined;
    switch (message.type) {
      case 'serve':
        connections.add(message.connection);
        void ssl.setopts(message.connection, { active: 'once' });
        return undefined;
      case 'ssl':
        if (message.data instanceof Uint8Array) void echo(message.socket, message.data);
        return undefined;
      case 'ssl_closed':
      case 'ssl_error':
        connections.delete(message.socket);
        return undefined;
      case 'ssl_passive':
        return undefined;
    }
  },
};

/** Sends, and only then asks for more. When the connection is gone the worker hears of it by message. */
async function echo(socket: ssl.SslSocket, data: Uint8Array): Promise<void> {
  if ('ok' in (await ssl.send(socket, data))) await ssl.setopts(socket, { active: 'once' });
}

function isWorkerMessage(message: unknown): message is WorkerMessage {
  return typeof message === 'object' && message !== null && 'type' in message;
}
