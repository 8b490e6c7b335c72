/**
 * What a request means in each life of a connection: it is answered from what the connection holds, changes the
 * connection, waits for the end of the handshake, or is refused.
 */
import type { From, RequestOf, Self } from '@actor-tls/runtime';
import type { Config } from '../../options/config.js';
import type { Failed, Ok, Result } from '../../values/terms.js';
import type { Delivery } from '../delivery/delivery.js';
import { Alarm } from './alarm.js';
import { answerAfterEnd, closedError, einval, okay, refuse } from './connection-answers.js';
import { askFacts, askTransport } from './connection-queries.js';
import {
  type ConnectionRequest,
  type ConnectionRequests,
  connectionRequests,
  type Downgraded,
} from './connection-requests.js';
import { Downgrade } from './downgrade.js';
import type { HandshakeAnswer, PostponedCall } from './handshake-call.js';
import type { Line } from './line.js';
import { getOptions, setOptions } from './live-options.js';
import type { Connected, Downgrading, Handshaking, InitialHello, Life, Loading, UserHello } from './lives.js';
import type { Owner } from './owner.js';
import { RecvCall } from './recv-call.js';
import type { SslSocket } from './socket.js';

type NamedCall<Type extends keyof ConnectionRequests> = RequestOf<ConnectionRequests, Type>;
/** What is answered in every life but the last. */
type AnytimeCall = NamedCall<'controlling_process' | 'peername' | 'sockname' | 'statistics' | 'close'>;
/** What is asked for with `handshake`. */
export type StartCall = NamedCall<'start'>;
/** What is asked for with `handshakeContinue`. */
export type ContinueCall = NamedCall<'continue'>;

/** The connection that is asked; an `Outcome` that is not `undefined` ends its process. */
export interface CallHolder<Outcome> {
  readonly life: Life;
  readonly config: Config;
  start(life: InitialHello, request: StartCall, from: From<HandshakeAnswer>): Outcome | undefined;
  /** On from a pause. */
  continue(life: UserHello, request: ContinueCall, from: From<HandshakeAnswer>): Outcome | undefined;
  /** An end to it. */
  cancel(life: UserHello): Outcome | undefined;
  /** The owner wants no more of it. */
  leave(): Outcome | undefined;
  requestCertificate(life: Connected, timeout: number | 'infinity', from: From<Result<Uint8Array>>): void;
  renegotiate(life: Connected, from: From<Result<true>>): void;
  startDowngrade(life: Connected, downgrade: Downgrade): void;
  failDowngrade(life: Downgrading, reason: string): void;
  /** The end of a turn that may have moved data. */
  settle(): Outcome | undefined;
}

export class ConnectionCalls<Outcome> {
  readonly #self: Self;
  readonly #line: Line;
  readonly #delivery: Delivery<SslSocket>;
  readonly #owner: Owner;
  readonly #holder: CallHolder<Outcome>;

  constructor(
    self: Self,
    line: Line,
    delivery: Delivery<SslSocket>,
    owner: Owner,
    holder: CallHolder<Outcome>,
  ) {
    this.#self = self;
    this.#line = line;
    this.#delivery = delivery;
    this.#owner = owner;
    this.#holder = holder;
  }

  call(request: ConnectionRequest, from: From): Outcome | undefined {
    const { life } = this.#holder;
    switch (life.state) {
      case 'initialHello':
        return this.#callBefore(life, request, from);
      case 'loading':
      case 'handshaking':
      case 'userHello':
        return this.#callDuring(life, request, from);
      case 'connection':
        return this.#callConnected(life, request, from);
      case 'downgrade':
        answerAfterEnd(request, from);
        if (request.type === 'close') this.#holder.failDowngrade(life, 'closed');
        return this.#holder.settle();
      case 'closed':
        answerAfterEnd(request, from);
        return undefined;
    }
  }

  /** What was asked during the handshake is asked again. */
  replay(postponed: readonly PostponedCall[]): Outcome | undefined {
    for (const { request, from } of postponed) {
      const outcome = this.call(request, from);
      if (outcome !== undefined) return outcome;
    }
    return undefined;
  }

  /** After `transport_accept`, before `handshake`. */
  #callBefore(life: InitialHello, request: ConnectionRequest, from: From): Outcome | undefined {
    switch (request.type) {
      case 'start':
        return this.#holder.start(life, request, connectionRequests.from(request, from));
      case 'controlling_process':
      case 'peername':
      case 'sockname':
      case 'statistics':
      case 'close':
        return this.#callAnytime(request, from);
      default:
        refuse(request, from, { error: 'notsup_on_transport_accept_socket' });
        return undefined;
    }
  }

  #callDuring(
    life: Loading | Handshaking | UserHello,
    request: ConnectionRequest,
    from: From,
  ): Outcome | undefined {
    switch (request.type) {
      case 'controlling_process':
      case 'peername':
      case 'sockname':
      case 'statistics':
      case 'close':
        return this.#callAnytime(request, from);
      case 'get_options':
        connectionRequests.reply(request, from, getOptions(request.names, this.#delivery, this.#line));
        return undefined;
      case 'continue':
      case 'cancel':
        if (life.state === 'userHello' && life.waitsFor === 'user')
          return this.#callPaused(life, request, from);
        refuse(request, from, einval);
        return undefined;
      default:
        life.call.postpone(request, from);
        return undefined;
    }
  }

  #callPaused(life: UserHello, request: NamedCall<'continue' | 'cancel'>, from: From): Outcome | undefined {
    if (request.type === 'continue')
      return this.#holder.continue(life, request, connectionRequests.from(request, from));
    connectionRequests.reply(request, from, okay);
    return this.#holder.cancel(life);
  }

  #callConnected(life: Connected, request: ConnectionRequest, from: From): Outcome | undefined {
    switch (request.type) {
      case 'start':
      case 'continue':
      case 'cancel':
        refuse(request, from, einval);
        return undefined;
      case 'recv':
        return this.#recv(request, new RecvCall(connectionRequests.from(request, from)));
      case 'set_options':
        connectionRequests.reply(request, from, setOptions(request.options, this.#delivery, this.#line));
        return this.#holder.settle();
      case 'get_options':
        connectionRequests.reply(request, from, getOptions(request.names, this.#delivery, this.#line));
        return undefined;
      case 'peercert':
      case 'negotiated_protocol':
      case 'information':
      case 'prf':
      case 'export_key_materials':
        askFacts(request, from, life, this.#holder.config);
        return undefined;
      case 'request_certificate':
        this.#holder.requestCertificate(life, request.timeout, connectionRequests.from(request, from));
        return this.#holder.settle();
      case 'renegotiate':
        this.#holder.renegotiate(life, connectionRequests.from(request, from));
        return this.#holder.settle();
      case 'downgrade':
        // Of datagrams there is nothing bare to give back.
        if (this.#line.transport.datagrams === true) {
          refuse(request, from, { error: 'notsup' });
          return undefined;
        }
        return this.#downgrade(life, request.timeout, connectionRequests.from(request, from));
      case 'shutdown':
        return this.#shutdown(request.how, connectionRequests.from(request, from));
      default:
        return this.#callAnytime(request, from);
    }
  }

  #callAnytime(request: AnytimeCall, from: From): Outcome | undefined {
    switch (request.type) {
      case 'controlling_process':
        this.#owner.change(request.owner);
        connectionRequests.reply(request, from, okay);
        return undefined;
      case 'close':
        return this.#close(connectionRequests.from(request, from));
      case 'statistics':
      case 'peername':
      case 'sockname':
        askTransport(request, from, this.#line);
        return undefined;
    }
  }

  #recv({ length, timeout }: NamedCall<'recv'>, call: RecvCall): Outcome | undefined {
    this.#delivery.recv(length, (result) => call.reply(result));
    call.wait(this.#self, timeout);
    return this.#holder.settle();
  }

  #close(from: From<Ok>): Outcome | undefined {
    this.#line.closer(from);
    return this.#holder.leave();
  }

  #downgrade(
    life: Connected,
    timeout: number | 'infinity',
    from: From<Downgraded | Failed>,
  ): Outcome | undefined {
    if (!this.#line.open) {
      from.reply(closedError);
      return undefined;
    }
    this.#delivery.abandonRecv('closed');
    this.#holder.startDowngrade(life, new Downgrade(from, new Alarm(this.#self, 'downgrade', timeout)));
    return this.#holder.settle();
  }

  /** `ssl:shutdown/2`. After `write` reading goes on until the peer ends too; `read_write` is the owner's own end. */
  #shutdown(how: 'read' | 'write' | 'read_write', from: From<Result<true>>): Outcome | undefined {
    switch (how) {
      case 'read':
        this.#delivery.end({ type: 'closed' });
        from.reply(okay);
        return this.#holder.settle();
      case 'write':
        void this.#line.endOutput().then((said) => from.reply(said ? okay : closedError));
        return undefined;
      case 'read_write':
        return this.#close(from);
    }
  }
}
