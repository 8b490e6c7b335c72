/**
 * A listening socket's process: OTP's listen tracker and the acceptors' queue in one (contract §1.2).
 *
 * It keeps the options that `ssl:listen/2` was given, hands out connections (`ssl:transport_accept/1,2`), and limits
 * how many are between accept and established. It ends with its owner; connections live on.
 */
import {
  type Counts,
  type CountsToTell,
  DownMessage,
  type From,
  type GenServer,
  type Node,
  type Pid,
  type Ref,
  type Requests,
  requests,
  type Self,
  type Stop,
} from '@actor-tls/runtime';
import type { RotationResult } from '@actor-tls/session-store';
import type { ServerConfig, SocketOptions } from '../../options/config.js';
import type { Secret } from '../../values/secret.js';
import type { Ok, Result } from '../../values/terms.js';
import { connectionRequests } from '../connection/connection-requests.js';
import type { SslMessage, SslSocket } from '../connection/socket.js';
import type { ListenerTickets, TicketStoreCounters } from '../resumption/listener-tickets.js';
import type { ResumptionCounters } from '../resumption/resumption-tally.js';
import type { SessionCounters, SessionTally } from '../resumption/session-tally.js';
import type { Address, Transport, TransportListener, TransportProvider } from '../transport/transport.js';
import type { ListenerBooks, ListenerLimits } from './census.js';
import type { DoorCounters } from './door.js';
import { Drain, DrainDeadline, type DrainResult } from './draining.js';
import { changedTemplate } from './listener-options.js';
import type { Place } from './place.js';
import type { ConnectionCounters } from './tally.js';

type Timeout = number | 'infinity';

/** What a listener is asked. */
export interface ListenerRequests {
  accept(fields: { readonly owner: Pid<SslMessage>; readonly timeout: Timeout }): Result<SslSocket>;
  close(): Ok;
  sockname(): Result<Address>;
  /** The template of later connections. */
  options(): SocketOptions;
  /** `ssl:setopts/2`. */
  set_options(fields: { readonly options: unknown }): Result<true>;
  controlling_process(fields: { readonly owner: Pid<SslMessage> }): Result<true>;
  counters(): ListenerCounters;
  rotate_ticket_keys(fields: { readonly seed: Secret | undefined }): RotationResult;
  /** No newcomers; answers when everybody has left, or was sent away at the deadline. Then the listener ends. */
  drain(fields: { readonly deadline: Timeout }): Result<DrainResult>;
}

export const listenerRequests: Requests<ListenerRequests> = requests<ListenerRequests>();

/** How many connections came to a listener, why some were sent away, and what became of the others. */
export interface ListenerCounters extends ConnectionCounters, DoorCounters {
  readonly accepted: number;
  /** Closed at once because nobody accepted those before. */
  readonly refusedBacklog: number;
  /** Nobody has accepted them yet. */
  readonly waiting: number;
  /** Of listeners with `sessionTickets`: handshakes by ticket, and why others were not. */
  readonly resumption?: ResumptionCounters & Partial<TicketStoreCounters>;
  /** Of listeners of TLS 1.2 and before: handshakes by id or by ticket, and why others were not. */
  readonly sessions?: SessionCounters;
}

export interface ListenerArgs {
  readonly port: number;
  readonly config: ServerConfig;
  readonly provider: Pick<TransportProvider, 'listen'>;
  readonly owner: Pid<SslMessage>;
  readonly openBooks: (limits: ListenerLimits) => ListenerBooks;
  readonly tickets?: ListenerTickets | undefined;
  readonly sessions?: { readonly tally: SessionTally } | undefined;
  /** Starts the processes of an accepted connection. */
  readonly startConnection: (accepted: AcceptedTransport) => Promise<Result<SslSocket>>;
}

/** A transport that somebody has asked for: what its connection is started with. */
export interface AcceptedTransport {
  readonly transport: Transport;
  readonly config: ServerConfig;
  readonly socket: SocketOptions;
  readonly owner: Pid<SslMessage>;
  readonly place: Place;
}

interface Acceptor {
  readonly from: From<Result<SslSocket>>;
  readonly owner: Pid<SslMessage>;
  timer: Ref | undefined;
}

/** Accepted transports that nobody has asked for yet. */
const defaultBacklog = 1024;

class AcceptTimeout {
  readonly acceptor: Acceptor;
  constructor(acceptor: Acceptor) {
    this.acceptor = acceptor;
  }
}

/** The transport has closed the listening socket. */
class SocketClosed {
  readonly reason: string | undefined;
  constructor(reason: string | undefined) {
    this.reason = reason;
  }
}

/** State of the listener process. */
export class Listener implements CountsToTell {
  readonly #self: Self;
  readonly #node: Node;
  readonly #args: ListenerArgs;
  readonly #socket: TransportListener;
  readonly #books: ListenerBooks;
  #template: SocketOptions;
  #ownerMonitor: Ref;
  readonly #queue: Place[] = [];
  readonly #acceptors: Set<Acceptor> = new Set();
  #draining: Drain | undefined = undefined;
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

  toldCounts(): Counts {
    const { failed, resumption, sessions, ...counters } = this.counters();
    return {
      ...counters,
      failed,
      ...(resumption && { resumption: countsIn(resumption) }),
      ...(sessions && { sessions: { ...sessions, refused: { ...sessions.refused } } }),
    };
  }

  sockname(): Result<Address> {
    return this.#socket.sockname();
  }

  get template(): SocketOptions {
    return this.#template;
  }

  setOptions(raw: unknown): Result<true> {
    const { options, result } = changedTemplate(this.#template, raw, this.#args.config.protocol);
    this.#template = options;
    return result;
  }

  changeOwner(owner: Pid<SslMessage>): void {
    this.#self.demonitor(this.#ownerMonitor, { flush: true });
    this.#ownerMonitor = this.#self.monitor(owner);
  }

  /** `listenerCounters` */
  counters(): ListenerCounters {
    const { tickets, sessions } = this.#args;
    return {
      accepted: this.#accepted,
      refusedBacklog: this.#refusedBacklog,
      waiting: this.#queue.length,
      ...this.#books.door.counters(),
      ...this.#books.tally.counters(),
      ...(tickets === undefined ? {} : { resumption: tickets.tally.counters() }),
      ...(sessions === undefined ? {} : { sessions: sessions.tally.counters() }),
    };
  }

  /** A listener without stateless tickets has no keys to turn. */
  async rotateTicketKeys(seed: Secret | undefined): Promise<RotationResult> {
    return (await this.#args.tickets?.rotateKeys(seed)) ?? { error: 'no_keys' };
  }

  /** The same with what the processes of its tickets hold. */
  async countersAndSizes(): Promise<ListenerCounters> {
    const counters = this.counters();
    const { resumption } = counters;
    const sizes = await this.#args.tickets?.sizes();
    return resumption === undefined ? counters : { ...counters, resumption: { ...resumption, ...sizes } };
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
    // The transport may have had it before the listening socket closed: nobody would ever accept it.
    if (this.#draining !== undefined) return undefined;
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

  drain(deadline: Timeout, from: From<Result<DrainResult>>): Stop<Listener, Result<DrainResult>> | undefined {
    this.#draining ??= this.#shut();
    if (this.#draining.isOver) return { stop: 'normal', reply: this.#draining.result(), state: this };
    this.#draining.wait(from, deadline);
    return undefined;
  }

  /** Before anybody hears of it, for who connects then is refused. */
  close(): void {
    this.#self.disown(this.#socket);
    this.#socket.close();
  }

  /** Whoever waits unaccepted is sent away, and so is whoever wants to accept. */
  #shut(): Drain {
    this.close();
    this.abandon();
    this.terminate();
    this.#acceptors.clear();
    return new Drain(this.#self, this, this.#books.tally);
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

  accept(owner: Pid<SslMessage>, timeout: Timeout, from: From<Result<SslSocket>>): void {
    if (this.#draining !== undefined) {
      from.reply({ error: 'closed' });
      return;
    }
    const acceptor: Acceptor = { from, owner, timer: undefined };
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
          void connectionRequests.askOr(
            this.#node,
            started.ok.connection,
            { type: 'close' },
            ignore,
            Infinity,
          );
      });
  }
}

function countsIn({ refused, earlyData, full, resumed, external, issued }: ResumptionCounters): Counts {
  return { full, resumed, external, issued, refused: { ...refused }, earlyData: { ...earlyData } };
}

function startedTurn(from: From<Result<SslSocket>>, started: Result<SslSocket>): void {
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
        if (node.isAlive(pid)) node.send(pid, new SocketClosed(reason));
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
  handleCall: listenerRequests.handleCall<Listener>({
    accept: ({ owner, timeout }, from, listener) => listener.accept(owner, timeout, from),
    close(_request, _from, listener) {
      listener.close();
      return { stop: 'normal', reply: { ok: true }, state: listener };
    },
    sockname: (_request, from, listener) => from.reply(listener.sockname()),
    options: (_request, from, listener) => from.reply(listener.template),
    set_options: ({ options }, from, listener) => from.reply(listener.setOptions(options)),
    controlling_process({ owner }, from, listener) {
      listener.changeOwner(owner);
      from.reply({ ok: true });
    },
    rotate_ticket_keys: ({ seed }, from, listener) => {
      void listener.rotateTicketKeys(seed).then((result) => from.reply(result));
    },
    counters: (_request, from, listener) => {
      void listener.countersAndSizes().then((counters) => from.reply(counters));
    },
    drain: ({ deadline }, from, listener) => listener.drain(deadline, from),
  }),
  handleInfo(message, listener) {
    if (message instanceof DownMessage)
      return listener.down(message.ref) ? { stop: 'normal', state: listener } : undefined;
    if (message instanceof AcceptTimeout) listener.acceptTimeout(message);
    else if (message instanceof DrainDeadline) message.draining.sendAway();
    else if (message instanceof SocketClosed && listener.socketClosed())
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

function ignore(): void {}
