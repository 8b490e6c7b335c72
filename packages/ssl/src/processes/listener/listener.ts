/**
 * A listening socket's process: OTP's listen tracker and the acceptors' queue in one (contract §1.2).
 *
 * It keeps the options that `ssl:listen/2` was given, hands out connections (`ssl:transport_accept/1,2`), and limits how many are between
 * accept and established. It ends with its owner; connections live on.
 */
import type { From, GenServer, Node, Pid, Ref, Self, Stop } from '@actor-tls/runtime';
import type { ServerConfig, SocketOptions } from '../../options/config.js';
import type { Result } from '../../values/terms.js';
import type { SslMessage, SslSocket } from '../connection/socket.js';
import { callGuard, isDown, isMessage } from '../requests.js';
import type { Transport, TransportListener, TransportProvider } from '../transport/transport.js';
import type { ListenerBooks, ListenerLimits } from './census.js';
import type { DoorCounters } from './door.js';
import { DrainDeadline, Draining } from './draining.js';
import type { Place } from './place.js';
import type { ConnectionCounters } from './tally.js';

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
  | { readonly type: 'counters' }
  /** No newcomers; answers when everybody has left, or was sent away at the deadline. Then the listener ends. */
  | { readonly type: 'drain'; readonly deadline: number | 'infinity' };

const isListenerRequest = callGuard<ListenerRequest>(
  'accept',
  'close',
  'sockname',
  'options',
  'set_options',
  'controlling_process',
  'counters',
  'drain',
);

/** How many connections came to a listener, why some were sent away, and what became of the others. */
export interface ListenerCounters extends ConnectionCounters, DoorCounters {
  readonly accepted: number;
  /** Closed at once because nobody accepted those before. */
  readonly refusedBacklog: number;
  /** Nobody has accepted them yet. */
  readonly waiting: number;
}

export interface ListenerArgs {
  readonly port: number;
  readonly config: ServerConfig;
  readonly provider: TransportProvider;
  readonly owner: Pid<SslMessage>;
  readonly openBooks: (limits: ListenerLimits) => ListenerBooks;
  /** Starts the processes of an accepted connection. */
  readonly startConnection: (accepted: Accepted) => Promise<Result<SslSocket>>;
}

export interface Accepted {
  readonly transport: Transport;
  readonly config: ServerConfig;
  readonly socket: SocketOptions;
  readonly owner: Pid<SslMessage>;
  readonly place: Place;
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
  readonly #books: ListenerBooks;
  #template: SocketOptions;
  #ownerMonitor: Ref;
  readonly #queue: Place[] = [];
  readonly #acceptors: Set<Acceptor> = new Set();
  #draining: Draining | undefined = undefined;
  #accepted = 0;
  #refusedBacklog = 0;

  constructor(self: Self, args: ListenerArgs, socket: TransportListener) {
    this.#self = self;
    this.#node = self.node;
    this.#args = args;
    this.#socket = socket;
    this.#template = args.config.socket;
    this.#books = args.openBooks(args.config);
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
      case 'drain':
        return this.#drain(request.deadline, from);
    }
  }

  /** `listenerCounters` */
  counters(): ListenerCounters {
    return {
      accepted: this.#accepted,
      refusedBacklog: this.#refusedBacklog,
      waiting: this.#queue.length,
      ...this.#books.door.counters(),
      ...this.#books.tally.counters(),
    };
  }

  /** A connection came in. */
  arrived(transport: Transport): void {
    const place = this.#admit(transport);
    if (place === undefined) {
      transport.destroy();
      return;
    }
    this.#accepted += 1;
    this.#queue.push(place);
    this.#match();
  }

  #admit(transport: Transport): Place | undefined {
    const { backlog = defaultBacklog } = this.#args.config.transport;
    if (this.#queue.length < Math.max(backlog, 1)) return this.#books.door.admit(transport);
    this.#refusedBacklog += 1;
    return undefined;
  }

  /** True when the listener has to end: its owner is gone. */
  down(ref: Ref): boolean {
    return ref === this.#ownerMonitor;
  }

  acceptTimeout({ acceptor }: AcceptTimeout): void {
    if (this.#acceptors.delete(acceptor)) acceptor.from.reply({ error: 'timeout' });
  }

  terminate(): void {
    for (const acceptor of this.#acceptors) acceptor.from.reply({ error: 'closed' });
  }

  /** The transport has closed the listening socket. True when that is the end: nobody here has asked for it. */
  socketClosed(): boolean {
    return this.#draining === undefined;
  }

  #drain(
    deadline: number | 'infinity',
    from: From,
  ): { readonly stop: 'normal'; readonly reply: unknown } | undefined {
    this.#draining ??= this.#shut();
    if (this.#draining.isOver) return { stop: 'normal', reply: this.#draining.result() };
    this.#draining.wait(from, deadline);
    return undefined;
  }

  /** Whoever waits unaccepted is sent away, and so is whoever wants to accept. */
  #shut(): Draining {
    this.#self.disown(this.#socket);
    this.#socket.close();
    this.abandon();
    this.terminate();
    this.#acceptors.clear();
    return new Draining(this.#self, this, this.#books.tally);
  }

  /** Everybody has left. */
  drained(): Stop<Listener> | undefined {
    if (this.#draining === undefined) return undefined;
    this.#draining.answer();
    return { stop: 'normal', state: this };
  }

  /** Nobody will ask for those who wait. */
  abandon(): void {
    for (const place of this.#queue.splice(0)) {
      place.transport.destroy();
      place.gone();
    }
  }

  #accept(owner: Pid<SslMessage>, timeout: number | 'infinity', from: From): void {
    if (this.#draining !== undefined) {
      from.reply({ error: 'closed' });
      return;
    }
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
      const place = this.#queue.shift();
      if (place !== undefined) this.#start(place, acceptor);
    }
  }

  #start(place: Place, { from, owner }: Acceptor): void {
    place.accepted();
    const listener = this.#self.pid;
    const { config } = this.#args;
    this.#args
      .startConnection({ transport: place.transport, config, socket: this.#template, owner, place })
      .then((started) => {
        const told = this.#node.ioTurn(listener, startedTurn, from, started);
        // The listener ended meanwhile, and its acceptors heard `closed`: nobody would ever close this one.
        const late = !told || this.#draining?.late === true;
        if (late && 'ok' in started)
          this.#node.call(started.ok.connection, { type: 'close' }, Infinity).catch(() => {});
      });
  }
}

function startedTurn(from: From, started: Result<SslSocket>): void {
  from.reply(started);
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
    if (isDown(message)) return listener.down(message.ref) ? { stop: 'normal', state: listener } : undefined;
    if (message instanceof AcceptTimeout) listener.acceptTimeout(message);
    else if (message instanceof DrainDeadline) message.draining.sendAway();
    else if (isMessage(message, 'listener_closed') && listener.socketClosed())
      return { stop: 'normal', state: listener };
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
