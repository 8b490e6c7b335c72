/**
 * A pool of acceptors as a child specification: what stands between a listening socket and the processes that serve.
 *
 * <name>                  rest_for_one: who comes later depends on who came before
 * ├ <name>_workers        simple_one_for_one: a process for each connection
 * ├ <name>_listener       owns the listening socket
 * └ <name>_acceptors      one_for_one
 *   └ 1 … n               accept, and hand over to a new worker at once
 *
 * The handshake is the worker's: a client that says nothing holds up its own worker and nobody else.
 */
import {
  type Asking,
  type ChildSpec,
  DownMessage,
  type GenServer,
  type Pid,
  requests,
  type Self,
  type SupervisorSpec,
  startChild,
  startGenServer,
  startSupervisor,
} from '@actor-tls/runtime';
import type { TlsServerOptions } from '../../options/raw.js';
import type { HelloExtensions } from '../../protocol/hello/hello-extensions.js';
import type { Result, SslReason } from '../../values/terms.js';
import type { HandshakeAnswer } from '../connection/handshake-call.js';
import type { SslListenSocket, SslMessage, SslSocket } from '../connection/socket.js';

/** What a pool is made of. */
export interface AcceptorPool {
  /** The pool's supervisor is registered by it, its parts by it and `_workers`, `_listener`, `_acceptors`. */
  readonly name: string;
  /** As for `listen`; port 0 is any free one, and stays the same when the listener restarts. */
  readonly port: number;
  readonly options: TlsServerOptions;
  /**
   * Serves one connection, in a process of its own that owns it, after the handshake. The connection closes when the
   * function returns or throws, unless it has another owner by then (`controllingProcess`). `ext`: with `handshake:
   * 'hello'` among the options, what the client's hello says; the handshake is paused then, and the function goes on with it.
   */
  readonly handler: (self: Self<SslMessage>, socket: SslSocket, ext?: HelloExtensions) => unknown;
  /** Processes that accept; default 4. */
  readonly acceptors?: number;
  /** ms that a handshake may take, if that is less than the listener's `handshakeDeadline`. */
  readonly handshakeTimeout?: number | 'infinity';
  /** Told of each handshake that failed; a throw is the worker's crash, and nobody else's. */
  readonly onFailedHandshake?: (reason: SslReason) => void;
  /** ms that connections may go on when the pool is stopped, before they are told close_notify; default 0. */
  readonly drain?: number;
}

/** The functions of ssl that a pool calls. */
export interface PoolCalls {
  listen(self: Self, port: number, options: TlsServerOptions): Promise<Result<SslListenSocket>>;
  sockname(listener: SslListenSocket): Promise<Result<{ readonly port: number }>>;
  accept(self: Self, listener: SslListenSocket): Promise<Result<SslSocket>>;
  own(socket: SslSocket, owner: Pid<SslMessage>): Promise<Result<true>>;
  shakeHands(
    self: Self<SslMessage>,
    socket: SslSocket,
    timeout: number | 'infinity',
  ): Promise<HandshakeAnswer>;
  close(socket: SslSocket): Promise<unknown>;
  drain(listener: SslListenSocket, deadline: number): Promise<unknown>;
}

const defaultAcceptors = 4;
/** ms that the last goodbyes of a drain may take. */
const goodbyes = 7000;

/** `acceptorPool`: the specification of a pool. Throws `TypeError` when `acceptors` is no positive number. */
export function poolSpec(pool: AcceptorPool, calls: PoolCalls): ChildSpec {
  const { acceptors = defaultAcceptors, name } = pool;
  if (!Number.isSafeInteger(acceptors) || acceptors < 1)
    throw new TypeError(`a pool has at least one acceptor, not ${String(acceptors)}`);
  return {
    id: name,
    type: 'supervisor',
    shutdown: 'infinity',
    start: (self) => startSupervisor(self, () => partsOf(pool, acceptors, calls), { name }),
  };
}

/** `poolListener`: the listening socket of a running pool. */
export function listenerOf(asking: Asking, name: string): Promise<SslListenSocket> {
  return ownerRequests.ask(asking, partNames(name).listener, { type: 'socket' });
}

function partNames(name: string): Readonly<Record<'workers' | 'listener' | 'acceptors', string>> {
  return { workers: `${name}_workers`, listener: `${name}_listener`, acceptors: `${name}_acceptors` };
}

function partsOf(pool: AcceptorPool, acceptors: number, calls: PoolCalls): SupervisorSpec {
  const { workers, listener, acceptors: accepting } = partNames(pool.name);
  const { drain = 0 } = pool;
  const home = new Home(pool, calls);
  return {
    strategy: 'rest_for_one',
    children: [
      branch(workers, { strategy: 'simple_one_for_one', children: [workerSpec(pool, calls)] }),
      {
        id: listener,
        shutdown: drain + goodbyes,
        start: (self) => startGenServer(self, listenerOwner, home, { name: listener }),
      },
      branch(accepting, {
        children: Array.from({ length: acceptors }, (_, index) => acceptorSpec(index + 1, pool.name, calls)),
      }),
    ],
  };
}

function branch(name: string, init: SupervisorSpec): ChildSpec {
  return {
    id: name,
    type: 'supervisor',
    shutdown: 'infinity',
    start: (self) => startSupervisor(self, init, { name }),
  };
}

// ── The listening socket ────────────────────────────────────────────────────────────────────────────────

interface OwnerRequests {
  socket(): SslListenSocket;
}

const ownerRequests = requests<OwnerRequests>();

/** What the owner of the listening socket needs, at each of its starts. */
class Home {
  readonly pool: AcceptorPool;
  readonly calls: PoolCalls;
  /** The port that was got first. */
  port: number;

  constructor(pool: AcceptorPool, calls: PoolCalls) {
    this.pool = pool;
    this.calls = calls;
    this.port = pool.port;
  }

  async listen(self: Self): Promise<Result<SslListenSocket>> {
    const listening = await this.calls.listen(self, this.port, this.pool.options);
    if ('error' in listening) return listening;
    const name = await this.calls.sockname(listening.ok);
    if ('ok' in name) this.port = name.ok.port;
    return listening;
  }
}

interface OwnerState {
  readonly home: Home;
  readonly socket: SslListenSocket;
}

const listenerOwner: GenServer<OwnerState, Home> = {
  label: 'ssl_pool_listener',
  async init(self, home) {
    // So that `terminate` runs when the pool is stopped.
    self.trapExit(true);
    const listening = await home.listen(self);
    if ('error' in listening) return { stop: listening.error };
    self.monitor(listening.ok.listener);
    return { ok: { home, socket: listening.ok } };
  },
  handleCall: ownerRequests.handleCall<OwnerState>({
    socket: (_request, _from, state) => ({ reply: state.socket, state }),
  }),
  handleInfo(message, state) {
    // Closed or drained by somebody else it ends in order, and so does the accepting.
    if (!(message instanceof DownMessage) || message.reason === 'normal') return undefined;
    return { stop: { listener_died: message.reason }, state };
  },
  async terminate(_reason, { home, socket }) {
    const { drain = 0 } = home.pool;
    if (drain > 0) await home.calls.drain(socket, drain);
  },
};

// ── Accepting and serving ───────────────────────────────────────────────────────────────────────────────

/** Ends in order when the listener has closed, and is started anew with it. */
function acceptorSpec(id: number, name: string, calls: PoolCalls): ChildSpec {
  const { workers } = partNames(name);
  const accept = async (self: Self): Promise<void> => {
    const listener = await listenerOf(self, name);
    for (;;) {
      const accepted = await calls.accept(self, listener);
      if ('error' in accepted) return;
      const started = await startChild(self, workers, accepted.ok);
      if ('error' in started) await calls.close(accepted.ok);
    }
  };
  return {
    id,
    restart: 'transient',
    start: (self) => ({ ok: self.spawnLink(accept, { label: 'ssl_acceptor' }) }),
  };
}

/** Takes the connection over by itself: until then the acceptor owns it, and after that its end does not matter. */
function workerSpec(pool: AcceptorPool, calls: PoolCalls): ChildSpec<readonly [SslSocket]> {
  const { handler, handshakeTimeout = 'infinity', onFailedHandshake } = pool;
  return {
    id: 'worker',
    restart: 'temporary',
    start(supervisor, socket) {
      const serve = async (self: Self<SslMessage>): Promise<void> => {
        await calls.own(socket, self.pid);
        const shaken = await calls.shakeHands(self, socket, handshakeTimeout);
        if ('ok' in shaken) await handler(self, shaken.ok, shaken.ext);
        else onFailedHandshake?.(shaken.error);
      };
      return { ok: supervisor.spawnLink(serve, { label: handler.name || 'worker' }) };
    },
  };
}
