/**
 * What TLS 1.2 and its predecessors do after the handshake: they may renegotiate, or say that they do not (RFC 5246 §7.2.2,
 * §7.4.1.1, RFC 5746 §4). A peer that wishes it again and again without any data does not get far.
 */
import { alertCode } from '../../values/registry/alerts.js';
import { type AlertRules, tls12Alerts } from '../alert-rules.js';
import type { Channel } from '../channel.js';
import { type ClientHelloEvent, eventOf, type Handshake } from '../handshake.js';
import type { HandshakeAgain, PostHandshake, RenegotiationAnswer } from '../post-handshake.js';
import { AlertError } from '../reasons.js';
import { WriteHalf } from '../record/write-half.js';
import type { Sink } from '../sink.js';
import { mayFollow, type Previous, type RenegotiationSettings } from './renegotiation.js';

/** Wishes to renegotiate without data between them. */
const maxIdleWishes = 8;
const warning = 1;
/** Bytes that leave under new keys without any data: Finished, a HelloRequest, refusals. */
const idleBytes = 64;

/** What a side of a connection has to do with handshakes that may follow. */
interface Following {
  readonly previous: Previous;
  readonly config: RenegotiationSettings;
}

type PostSink = Pick<Sink, 'owes' | 'askWriteHalf'>;

/** What both sides have in common. */
abstract class Tls12PostHandshake implements PostHandshake {
  abstract readonly role: 'client' | 'server';
  readonly alerts: AlertRules = tls12Alerts;
  readonly again: 'never' | 'possible';
  protected readonly previous: Previous;
  protected readonly channel: Channel;
  protected readonly sink: PostSink;
  private owesRefusal = false;

  constructor(channel: Channel, sink: PostSink, { previous, config }: Following) {
    this.channel = channel;
    this.sink = sink;
    this.previous = previous;
    this.again = mayFollow(previous, config) ? 'possible' : 'never';
  }

  abstract receive(code: number, raw: Uint8Array): HandshakeAgain | undefined;

  abstract renegotiate(): RenegotiationAnswer;

  abstract refused(): boolean;

  allowRenegotiation(): void {
    this.previous.wishes.open = true;
  }

  dataCame(): void {
    this.previous.wishes.idle = 0;
  }

  inputDone(): void {
    if (!this.owesRefusal) return;
    this.owesRefusal = false;
    const { writer } = this.channel;
    if (writer === 'split') this.sink.owes('no_renegotiation');
    else if (writer instanceof WriteHalf) this.channel.sendAlert(warning, alertCode('no_renegotiation'));
  }

  beforeData(): void {}

  get asks(): undefined {
    return undefined;
  }

  answer(): never {
    throw new TypeError('nothing is asked after the handshake');
  }

  /** Nor is the client asked again who it is: that was a renegotiation. */
  requestCertificate(): 'notsup' {
    return 'notsup';
  }

  flightLeft(): void {}

  updateKeys(): boolean {
    return false;
  }

  ticketPsk(): undefined {}

  expectKeyUpdates(): void {}

  /** A wish of the peer's that nobody has asked for. */
  protected countWish(): void {
    const { wishes } = this.previous;
    wishes.idle += 1;
    if (wishes.idle > maxIdleWishes) throw new AlertError('too_many_renegotiations');
  }

  /** Whether a handshake could be written. */
  protected get mayWrite(): boolean {
    const { writer } = this.channel;
    return writer === 'split' ? this.sink.askWriteHalf !== undefined : writer !== 'closed';
  }

  protected refuse(): void {
    // Who has said close_notify says nothing any more.
    this.owesRefusal = this.channel.writer !== 'closed';
  }
}

/** How a client begins again. */
interface Beginning {
  /** Says hello. */
  begin(previous: Previous): Handshake;
  /** Says it once more, with a cookie (RFC 6347 §4.2.1). */
  withCookie(previous: Previous, cookie: Uint8Array): Handshake;
}

export class ClientPostHandshake extends Tls12PostHandshake {
  readonly role = 'client';
  private readonly beginning: Beginning;

  constructor(channel: Channel, sink: PostSink, following: Following, beginning: Beginning) {
    super(channel, sink, following);
    this.beginning = beginning;
  }

  takeCookie(cookie: Uint8Array): Handshake {
    return this.beginning.withCookie(this.previous, cookie);
  }

  receive(code: number, raw: Uint8Array): HandshakeAgain | undefined {
    const { messages } = this.previous.version;
    const type = messages.byCode(code);
    if (type !== 'hello_request') throw new AlertError('unexpected_message', { unexpected: type ?? code });
    messages.decode(type, raw);
    this.channel.endPeerFlight();
    this.countWish();
    if (this.again === 'possible' && this.mayWrite) return this.start;
    this.refuse();
    return undefined;
  }

  renegotiate(): RenegotiationAnswer {
    return this.again === 'possible' && this.mayWrite ? this.start : 'rejected';
  }

  /** A client has begun when it hears that there will be none: nothing is open here. */
  refused(): boolean {
    return false;
  }

  private readonly start: HandshakeAgain = () => {
    const { writer } = this.channel;
    // Whoever takes our data is not idle.
    if (writer instanceof WriteHalf && writer.sealedBytes > idleBytes) this.dataCame();
    return this.beginning.begin(this.previous);
  };
}

export class ServerPostHandshake extends Tls12PostHandshake {
  readonly role = 'server';
  private readonly begin: (hello: ClientHelloEvent, previous: Previous) => Handshake;
  private readonly clientsMay: boolean;

  /** `begin`: answers the client's hello. `clientsMay`: begin one that we have not asked for. */
  constructor(
    channel: Channel,
    sink: PostSink,
    following: Following,
    clientsMay: boolean,
    begin: (hello: ClientHelloEvent, previous: Previous) => Handshake,
  ) {
    super(channel, sink, following);
    this.clientsMay = clientsMay;
    this.begin = begin;
  }

  receive(code: number, raw: Uint8Array): HandshakeAgain | undefined {
    const { messages } = this.previous.version;
    const type = messages.byCode(code);
    if (type !== 'client_hello') throw new AlertError('unexpected_message', { unexpected: type ?? code });
    const hello = eventOf(messages, type, raw);
    this.channel.endPeerFlight();
    const { previous } = this;
    const { wishes } = previous;
    if (!wishes.asked) this.countWish();
    const welcome = wishes.asked || (this.clientsMay && wishes.open);
    if (this.again === 'never' || !welcome || !this.mayWrite) {
      this.refuse();
      return undefined;
    }
    // One that was not asked for costs the client its next for a while.
    if (!wishes.asked) wishes.open = false;
    wishes.asked = false;
    return () => this.begin(hello, previous);
  }

  /** RFC 5246 §7.4.1.1: the client is asked to begin. */
  renegotiate(): RenegotiationAnswer {
    const { wishes, version } = this.previous;
    if (this.again === 'never' || !this.mayWrite) return 'rejected';
    if (wishes.asked) return 'busy';
    wishes.asked = true;
    this.requestHello(version.messages.encode('hello_request', true));
    return 'asked';
  }

  refused(): boolean {
    const { asked } = this.previous.wishes;
    this.previous.wishes.asked = false;
    if (asked) this.channel.handshakeRefused?.();
    return asked;
  }

  private requestHello(message: Uint8Array): void {
    const { channel } = this;
    if (channel.requestHello !== undefined) channel.requestHello(message);
    else if (channel.writer === 'split') this.sink.owes('hello_request');
    else {
      channel.addMessage(message);
      channel.finishFlight();
    }
  }
}
