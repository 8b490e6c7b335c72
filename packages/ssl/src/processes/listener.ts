/**
 * A listening socket's process: OTP's listen tracker and the acceptors' queue in one (contract §1.2).
 *
 * It keeps the options that accepted connections start with, hands out connections, and limits how many are between
 * accept and established. It ends with its owner; connections live on.
 */
import { type From, type GenServer, type Node, Pid, type Ref, type Self } from '@actor-tls/runtime';
import type { ServerConfig, SocketOptions } from '../options/config.js';
import type { Result } from '../values/terms.js';
import { callGuard, isDown, isMessage } from './requests.js';
import type { SslMessage, SslSocket } from './socket.js';
import type { Transport, TransportListener, TransportProvider } from './transport/transport.js';

export type ListenerRequest =
  | { readonly type: 'accept'; readonly owner: Pid<SslMessage>; readonly timeout: number | 'infinity' }
  | { readonly type: 'close' }
  | { readonly type: 'sockname' }
  | { readonly type: 'options' }
  /** `ssl:setopts/2`: `change` gives the new template, or says what is wrong. */
  | {
      readonly type: 'set_options';
      readonly change: (template: SocketOptions) => {
        readonly options: SocketOptions;
        readonly result: unknown;
      };
    }
  | { readonly type: 'controlling_process'; readonly owner: Pid<SslMessage> }
  | { readonly type: 'counters' };

const isListenerRequest = callGuard<ListenerRequest>(
  'accept',
  'close',
  'sockname',
  'options',
  'set_options',
  'controlling_process',
  'counters',
);

/** From a connection to its listener: it is past its handshake, one way or the other. */
export interface HandshakeOver {
  readonly type: 'handshake_over';
  readonly connection: Pid<never>;
}

/** How many connections came, and why some were sent away. */
export interface ListenerCounters {
  readonly accepted: number;
  /** Closed at once because `maxHandshakes` were under way. */
  readonly refusedHandshakes: number;
  /** Closed at once because nobody accepted those before. */
  readonly refusedBacklog: number;
  readonly handshakes: number;
  readonly waiting: number;
}

export interface ListenerArgs {
  readonly port: number;
  readonly config: ServerConfig;
  readonly provider: TransportProvider;
  readonly owner: Pid<SslMessage>;
  /** Starts the processes of an accepted connection. */
  readonly startConnection: (accepted: Accepted) => Promise<Result<SslSocket>>;
}

export interface Accepted {
  readonly transport: Transport;
  readonly config: ServerConfig;
  readonly socket: SocketOptions;
  readonly owner: Pid<SslMessage>;
  readonly listener: Pid<HandshakeOver>;
}

interface Acceptor {
  readonly from: From;
  readonly owner: Pid<SslMessage>;
  readonly timer: Ref | undefined;
}

/** Accepted transports that nobody has asked for yet. */
const defaultBacklog = 1024;

class AcceptTimeout {
  readonly acceptor: Acceptor;
  constructor(acceptor: Acceptor) {
    this.acceptor = acceptor;
  }
}

/** State of the listener process. */
export class Listener {
  readonly #self: Self;
  readonly #node: Node;
  readonly #args: ListenerArgs;
  readonly #socket: TransportListener;
  #template: SocketOptions;
  #ownerMonitor: Ref;
  readonly #queue: Transport[] = [];
  readonly #acceptors: Set<Acceptor> = new Set();
  /** Connections in their handshake, by the monitor that tells of their end. */
  readonly #handshakes: Map<Pid<never>, Ref> = new Map();
  /** Connections being started: neither in the queue nor in `#handshakes`. */
  #starting = 0;
  #accepted = 0;
  #refusedHandshakes = 0;
  #refusedBacklog = 0;

  constructor(self: Self, args: ListenerArgs, socket: TransportListener) {
    this.#self = self;
    this.#node = self.node;
    this.#args = args;
    this.#socket = socket;
    this.#template = args.config.socket;
    this.#ownerMonitor = self.monitor(args.owner);
  }

  toJSON(): object {
    return this.counters();
  }

  call(
    request: ListenerRequest,
    from: From,
  ): { readonly stop: 'normal'; readonly reply: unknown } | undefined {
    switch (request.type) {
      case 'accept':
        this.#accept(request.owner, request.timeout, from);
        return undefined;
      case 'close':
        return { stop: 'normal', reply: { ok: true } };
      case 'sockname':
        from.reply(this.#socket.sockname());
        return undefined;
      case 'options':
        from.reply(this.#template);
        return undefined;
      case 'set_options': {
        const { options, result } = request.change(this.#template);
        this.#template = options;
        from.reply(result);
        return undefined;
      }
      case 'controlling_process':
        this.#self.demonitor(this.#ownerMonitor, { flush: true });
        this.#ownerMonitor = this.#self.monitor(request.owner);
        from.reply({ ok: true });
        return undefined;
      case 'counters':
        from.reply(this.counters());
        return undefined;
    }
  }

  counters(): ListenerCounters {
    return {
      accepted: this.#accepted,
      refusedHandshakes: this.#refusedHandshakes,
      refusedBacklog: this.#refusedBacklog,
      handshakes: this.#handshakes.size + this.#starting,
      waiting: this.#queue.length,
    };
  }

  /** A connection came in. */
  arrived(transport: Transport): void {
    const { maxHandshakes, transport: options } = this.#args.config;
    if (this.#queue.length + this.#handshakes.size + this.#starting >= maxHandshakes) {
      this.#refusedHandshakes += 1;
      transport.destroy();
      return;
    }
    if (this.#queue.length >= Math.max(options.backlog ?? defaultBacklog, 1)) {
      this.#refusedBacklog += 1;
      transport.destroy();
      return;
    }
    this.#accepted += 1;
    this.#queue.push(transport);
    this.#match();
  }

  /** True when the listener has to end: its owner is gone. */
  down(ref: Ref, pid: Pid<never> | undefined): boolean {
    if (ref === this.#ownerMonitor) return true;
    if (pid !== undefined && this.#handshakes.get(pid) === ref) this.#handshakes.delete(pid);
    return false;
  }

  handshakeOver(connection: Pid<never>): void {
    const monitor = this.#handshakes.get(connection);
    if (monitor === undefined) return;
    this.#handshakes.delete(connection);
    this.#self.demonitor(monitor, { flush: true });
  }

  acceptTimeout({ acceptor }: AcceptTimeout): void {
    if (this.#acceptors.delete(acceptor)) acceptor.from.reply({ error: 'timeout' });
  }

  terminate(): void {
    for (const acceptor of this.#acceptors) acceptor.from.reply({ error: 'closed' });
  }

  /** Nobody will ask for those who wait. */
  abandon(): void {
    for (const transport of this.#queue.splice(0)) transport.destroy();
  }

  #accept(owner: Pid<SslMessage>, timeout: number | 'infinity', from: From): void {
    const acceptor: { from: From; owner: Pid<SslMessage>; timer: Ref | undefined } = {
      from,
      owner,
      timer: undefined,
    };
    if (timeout !== 'infinity')
      acceptor.timer = this.#self.sendAfter(timeout, this.#self.pid, new AcceptTimeout(acceptor));
    this.#acceptors.add(acceptor);
    this.#match();
  }

  /** Gives waiting connections to waiting acceptors, each in order of arrival. */
  #match(): void {
    for (const acceptor of this.#acceptors) {
      if (this.#queue.length === 0) return;
      this.#acceptors.delete(acceptor);
      if (acceptor.timer !== undefined) this.#self.cancelTimer(acceptor.timer);
      // An acceptor that died while it waited takes no connection with it.
      if (!this.#node.isAlive(acceptor.owner)) continue;
      const transport = this.#queue.shift();
      if (transport !== undefined) this.#start(transport, acceptor);
    }
  }

  #start(transport: Transport, { from, owner }: Acceptor): void {
    this.#starting += 1;
    const listener = this.#self.pid;
    const { config } = this.#args;
    this.#args
      .startConnection({ transport, config, socket: this.#template, owner, listener })
      .then((started) => {
        const told = this.#node.ioTurn(listener, startedTurn, this, { started, transport, from });
        // The listener ended meanwhile, and its acceptors heard `closed`: nobody would ever close this one.
        if (!told && 'ok' in started)
          this.#node.call(started.ok.connection, { type: 'close' }, Infinity).catch(() => {});
      });
  }

  started({ started, transport, from }: Started): void {
    this.#starting -= 1;
    if ('ok' in started) {
      const { connection } = started.ok;
      this.#handshakes.set(connection, this.#self.monitor(connection));
    } else transport.destroy();
    from.reply(started);
  }
}

interface Started {
  readonly started: Result<SslSocket>;
  readonly transport: Transport;
  readonly from: From;
}

function startedTurn(listener: Listener, started: Started): void {
  listener.started(started);
}

function arrivedTurn(listener: Listener, transport: Transport): void {
  listener.arrived(transport);
}

/** Callbacks of the listener process. `init` fails with what `gen_tcp:listen/2` would. */
export const listenerServer: GenServer<Listener, ListenerArgs> = {
  label: 'ssl_listener',
  async init(self, args) {
    self.trapExit(true);
    const { node, pid } = self;
    // The transport may call before `listen` has answered; then the listener does not exist yet.
    let listener: Listener | undefined;
    const early: Transport[] = [];
    const opened = await args.provider.listen(args.port, args.config.transport, {
      onAccept(transport) {
        if (listener === undefined) early.push(transport);
        else if (!node.ioTurn(pid, arrivedTurn, listener, transport)) transport.destroy();
      },
      onListenerClosed(reason) {
        if (node.isAlive(pid)) node.send(pid, { type: 'listener_closed', reason });
      },
    });
    if ('error' in opened) return { stop: opened.error };
    if (!self.alive) {
      // Killed before it could own the socket: nobody else would close it.
      opened.ok.close();
      for (const transport of early) transport.destroy();
      return { stop: 'killed' };
    }
    self.own(opened.ok, close);
    listener = new Listener(self, args, opened.ok);
    self.own(listener, abandon);
    for (const transport of early) listener.arrived(transport);
    return { ok: listener };
  },
  handleCall(request, from, listener) {
    if (!isListenerRequest(request)) return undefined;
    const result = listener.call(request, from);
    return result === undefined ? undefined : { ...result, state: listener };
  },
  handleInfo(message, listener) {
    if (isDown(message))
      return listener.down(message.ref, message.pid) ? { stop: 'normal', state: listener } : undefined;
    if (message instanceof AcceptTimeout) listener.acceptTimeout(message);
    else if (isHandshakeOver(message)) listener.handshakeOver(message.connection);
    else if (isMessage(message, 'listener_closed')) return { stop: 'normal', state: listener };
    return undefined;
  },
  terminate(_reason, listener) {
    listener.terminate();
  },
};

function abandon(listener: Listener): void {
  listener.abandon();
}

function close(socket: TransportListener): void {
  socket.close();
}

function isHandshakeOver(message: unknown): message is HandshakeOver {
  return isMessage(message, 'handshake_over') && 'connection' in message && message.connection instanceof Pid;
}
