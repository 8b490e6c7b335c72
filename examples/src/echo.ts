/**
 * An echo server as an application of its own:
 *
 * echo_sup                 rest_for_one: who comes later depends on who came before
 * ├ echo_worker_sup        one_for_one
 * │ ├ echo_worker_1        owns connections and sends back what they bring
 * │ └ echo_worker_2
 * └ echo_pool              ssl's pool of acceptors
 *   ├ echo_pool_workers    shake hands, hand over to the workers in turn
 *   ├ echo_pool_listener   owns the listening socket
 *   └ echo_pool_acceptors
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
  /** ms that connections may go on when the application is stopped. */
  readonly drain: number;
  /** Told of each handshake that failed. */
  readonly onFailedHandshake: (reason: ssl.SslReason) => void;
}

export function echoApplication(options: EchoOptions): ApplicationSpec {
  return {
    name: 'echo',
    description: 'sends back what comes',
    applications: [ssl.application],
    start: (self) => startSupervisor(self, tree(options), { name: 'echo_sup' }),
  };
}

/** The port that the listener has got. */
export async function echoPort(node: Node): Promise<number> {
  const listener = await ssl.poolListener(node, poolName);
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
const poolName = 'echo_pool';

function tree(options: EchoOptions): SupervisorSpec {
  return {
    strategy: 'rest_for_one',
    children: [
      supervisor(
        'echo_worker_sup',
        workers.map((id) => ({ id, start: (self) => startGenServer(self, worker, undefined, { name: id }) })),
      ),
      pool(options),
    ],
  };
}

function supervisor(id: string, children: readonly ChildSpec[]): ChildSpec {
  const spec: SupervisorSpec = { strategy: 'one_for_one', intensity: 10, period: 10, children };
  return { id, type: 'supervisor', start: (self) => startSupervisor(self, spec, { name: id }) };
}

/** Accepts; a process for each connection shakes hands, and gives it to the workers in turn. */
function pool({ port, tls, drain, onFailedHandshake }: EchoOptions): ChildSpec {
  let turn = 0;
  return ssl.acceptorPool({
    name: poolName,
    port,
    options: tls,
    acceptors: 2,
    drain,
    onFailedHandshake,
    async handler(self, connection) {
      turn += 1;
      const next = self.whereis(workers[turn % workers.length] ?? '');
      // Between death and restart of a worker the connection closes with this process: the client may come again.
      if (next !== undefined) await handOver(self, connection, next);
    },
  });
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
