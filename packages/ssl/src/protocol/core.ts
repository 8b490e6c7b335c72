/**
 * The protocol as a synchronous object without I/O: bytes in, calls on a `Sink` out. One per connection.
 *
 * Handshake: the peer's first hello is read, the sink is asked with which options to go on (`askHello`), the version is
 * chosen (`hello/version.ts`), then a `Handshake` runs and is dropped with all its data once it is complete.
 * Connection: records are opened and delivered; what else may come is for the version's `PostHandshake`. Alerts are
 * sent and failures told here and nowhere else, each once.
 */
import { noCompressors } from '../values/compression/compressor.js';
import { dtls13Engine } from '../values/crypto/dtls13-engine.js';
import type { Path } from '../values/path.js';
import { alertByCode, alertCode, type KnownAlert } from '../values/registry/alerts.js';
import { isDtls13Version, type ProtocolVersion, type Tls13Version } from '../values/registry/versions.js';
import type { Secret } from '../values/secret.js';
import { decodeAll } from '../values/wire/codec.js';
import { datagramHeaderLength } from '../values/wire/message-table.js';
import { helloVerifyRequest, helloVerifyRequestCode } from '../values/wire/messages/hello-verify-request.js';
import { DecodeError } from '../values/wire/reader.js';
import { dtls12Messages, tls12Messages } from '../values/wire/tls12-messages.js';
import { type AlertRules, tls13Alerts } from './alert-rules.js';
import type { Channel, Inbound } from './channel.js';
import type { ClientContext, ServerContext } from './contexts.js';
import type { AnswerEvent, ClientHelloEvent, Handshake, HelloEvent, ServerHelloEvent } from './handshake.js';
import {
  type ClientOffer,
  firstOffer,
  offersTls13,
  offerWithCookie,
  type Tls13Offer,
} from './hello/client-hello.js';
import {
  alertsBefore,
  chooseVersion,
  helloMessages,
  helloRecordVersions,
  helloRequestsBefore,
  isTls13,
  selectedVersionOf,
  showsMiddleboxes,
  speaksDtls,
  speaksDtls13,
  stateNameBefore,
} from './hello/version.js';
import { secretLogOf } from './key-log.js';
import type { HandshakeAgain, PostHandshake } from './post-handshake.js';
import { AlertError, type Reason, reasons } from './reasons.js';
import { numberedForm, streamForm } from './record/datagram-form.js';
import { RecordError } from './record/errors.js';
import { Tls13WriteProtection } from './record/tls13-protection.js';
import { type Budget, boundless } from './record/turn-budget.js';
import type { WriteHalf } from './record/write-half.js';
import type {
  ChannelMaker,
  ClientHelloAnswer,
  ClientOptions,
  ClientSettings,
  Dependencies,
  GivenDependencies,
  ServerHelloAnswer,
  ServerOptions,
} from './settings.js';
import type { Failure, Sink, Verdict } from './sink.js';
import { StreamChannel } from './stream-channel.js';
import { tls12Client } from './tls12/client.js';
import { defaultDhParams } from './tls12/key-exchange/dh-params.js';
import { tls12Server } from './tls12/server.js';
import type { GivenTicket, Session12 } from './tls12/session.js';
import type { FoundUser } from './tls12/user.js';
import { tls13Client } from './tls13/client.js';
import { defaultMaxEarlyData, type EarlyDataAllowance } from './tls13/early-data.js';
import { openEarlyKeys } from './tls13/early-keys.js';
import { logEarlyKeys } from './tls13/negotiated.js';
import { sealData } from './tls13/post-handshake.js';
import type { RequestOutcome } from './tls13/post-handshake-authentication.js';
import type { FoundPsk } from './tls13/psk.js';
import { allowanceOf } from './tls13/psk-offer.js';
import { tls13Server } from './tls13/server.js';

/** change_cipher_spec records in one handshake (RFC 8446 §5, §D.4). */
const maxChangeCipherSpecs = 8;
/** HelloVerifyRequests in one handshake: a server's secret may change while its cookie is under way. */
const maxVerifyRequests = 4;
/** Alerts without meaning that are passed over without data between them. */
const maxPassedAlerts = 4;
/** Wishes to begin that are passed over in one handshake, which has begun (RFC 5246 §7.4.1.1). */
const maxHelloRequests = 8;
/** AlertLevel */
const warning = 1;

/** Where the connection is. */
type Phase =
  /** The first hello of the peer is awaited; a client has sent its own. */
  | { readonly kind: 'clientHello'; readonly offer: ClientOffer; readonly context: ClientContext }
  | { readonly kind: 'serverHello'; readonly context: ServerContext }
  | ServerHelloRead
  | ClientHelloRead
  | {
      readonly kind: 'handshake';
      readonly handshake: Handshake;
      /** What holds if the peer does not want to renegotiate; `undefined` in a first handshake. */
      readonly before: PostHandshake | undefined;
    }
  /** A handshake is to run again as soon as this core writes itself. */
  | { readonly kind: 'writeAwaited'; readonly begin: HandshakeAgain; readonly before: PostHandshake }
  /** Application data flows. */
  | { readonly kind: 'connection'; readonly post: PostHandshake }
  /** Nothing more comes in: the peer said so, or the transport ended. */
  | { readonly kind: 'peerClosed' }
  | { readonly kind: 'failed' };

/** A client has the server's first hello, and waits for what it goes on with. */
interface ServerHelloRead {
  readonly kind: 'serverHelloRead';
  readonly hello: ServerHelloEvent;
  readonly offer: ClientOffer;
  readonly context: ClientContext;
}

/** A server has the client's first hello, and waits for what it goes on with. */
interface ClientHelloRead {
  readonly kind: 'clientHelloRead';
  readonly hello: ClientHelloEvent;
  readonly context: ServerContext;
}

/** An answer to a question of the sink; the core's own is the one to `askHello`. */
type Answer =
  | AnswerEvent
  | { readonly type: 'hello'; readonly options: ClientHelloAnswer | ServerHelloAnswer };

const peerClosed: Phase = { kind: 'peerClosed' };
const failed: Phase = { kind: 'failed' };

export class Core {
  private readonly sink: Sink;
  private readonly budget: Budget;
  /** Over datagrams another goes on when the version is agreed. */
  private channel: Channel;
  /** How a HelloRequest is framed. */
  private readonly olderMessages: Pick<typeof tls12Messages, 'decode'>;
  private phase: Phase;
  private established = false;
  private spoken = false;
  /** Given before the question was put away: handled when the machine is at rest. */
  private answer: Answer | undefined = undefined;
  private working = false;
  private transportEnded = false;
  private changeCipherSpecs = 0;
  private verifyRequests = 0;
  private passedAlerts = 0;
  private helloRequests = 0;
  /** Bytes of the messages that the handshake was handed: as much as it may hold of them. */
  private handshakeBytes = 0;
  /** Flights of the sink's that have left, and that nobody has been told of. */
  private flightsLeft = 0;

  private constructor(sink: Sink, budget: Budget, channel: Channel, phase: Phase) {
    this.sink = sink;
    this.budget = budget;
    this.channel = channel;
    this.olderMessages = channel.takeChangeCipherSpec === undefined ? tls12Messages : dtls12Messages;
    this.phase = phase;
  }

  /** A client. Nothing is sent before `start`. */
  static client(options: ClientOptions, sink: Sink): Core {
    const { config, identities, serverName, budget = boundless } = options;
    const dependencies = completed(options.dependencies, config);
    const ownConnectionId = ownIdOf(options, dependencies);
    const channel = channelOf(options, dependencies, helloRecordVersions(config.versions).first, sink);
    return new Core(sink, budget, channel, {
      kind: 'clientHello',
      offer: firstOffer(config, dependencies, serverName, { ...options, ownConnectionId }),
      context: {
        ...{ config, identities, dependencies, channel, sink },
        greeting: { serverName, statusRequest: options.statusRequest, ownConnectionId },
      },
    });
  }

  /** A server; it waits for the client's hello. */
  static server(options: ServerOptions, sink: Sink): Core {
    const { config, identities, certificateAuthorities, nameUsed = false, budget = boundless } = options;
    const { maxEarlyData = defaultMaxEarlyData, dhParams = defaultDhParams, pskHint } = options;
    const dependencies = completed(options.dependencies, config);
    const channel = channelOf(options, dependencies, helloRecordVersions(config.versions).later, sink);
    return new Core(sink, budget, channel, {
      kind: 'serverHello',
      context: {
        ...{ config, identities, dependencies, certificateAuthorities, nameUsed },
        ...{ maxEarlyData, dhParams, pskHint },
        ...{ channel, sink, ownConnectionId: ownIdOf(options, dependencies) },
      },
    });
  }

  /** A client sends its hello; a server has nothing to do. Call it once. */
  start(): void {
    const { channel, phase } = this;
    if (phase.kind !== 'clientHello') return;
    const { connectionId } = phase.offer.extensions;
    if (connectionId !== undefined) channel.offerConnectionId?.(connectionId.cid);
    channel.addMessage(phase.offer.raw);
    channel.finishFlight();
    channel.setRecordVersion(helloRecordVersions(phase.context.config.versions).later);
    if (offersTls13(phase.offer)) openEarly(phase.offer, phase.context);
  }

  /**
   * Bytes from the transport. They belong to the core from now on: do not write into them. A transport that reads
   * into one buffer again and again calls `detach` before it does so. What the budget does not allow stays, for
   * `resume`. `path`: over datagrams where it came from, for who is to follow a peer that moves.
   */
  receive(chunk: Uint8Array, path?: Path): void {
    if (this.isOver || this.transportEnded) return;
    this.channel.feed(chunk, path);
    this.work();
  }

  /**
   * Others should run now: the budget of this turn is used up, or nearly so. Read nothing more from the transport, and
   * call `resume` in a turn to come.
   */
  get needsRest(): boolean {
    return this.budget.low && !this.isOver;
  }

  /** Another turn: works on with a new budget. */
  resume(): void {
    this.budget.refill();
    this.work();
  }

  /** Bytes of memory that input keeps which is not worked off, and messages of a handshake that is not complete. */
  get held(): number {
    return this.channel.held + this.handshakeBytes;
  }

  /** Copies what waits out of the chunks received, which may then be overwritten. */
  detach(): void {
    this.channel.detach();
  }

  /**
   * The transport has ended. What is held back is worked off first; then, unless the peer said so before, the sink
   * hears `peerClosed`: in OTP a missing close_notify is no failure.
   */
  receiveEnd(): void {
    if (this.isOver) return;
    this.transportEnded = true;
    this.work();
  }

  /** The time is over that the sink was asked for (`timer`): what nobody has answered goes out again. */
  timeUp(): void {
    if (this.isOver) return;
    this.channel.timeUp?.();
    this.work();
  }

  /** The time is over that the sink's `paths` were asked for. */
  pathTimeUp(): void {
    if (this.isOver) return;
    try {
      this.channel.pathTimeUp?.();
    } catch (error) {
      this.end(error);
    }
  }

  /** Over datagrams: records that were passed over, since they were not the peer's or came twice (RFC 6347 §4.1.2.7). */
  get discarded(): number {
    return this.channel.discarded ?? 0;
  }

  /** After the peer's close_notify: what came behind it, which is not ours to read (a downgrade gives it away). */
  takeRest(): Uint8Array {
    return this.channel.takeRest();
  }

  /**
   * The peer has sent data or a message since the handshake is complete on this side: so it is on the other, and what a
   * client of TLS 1.3 has shown last was accepted.
   */
  get heard(): boolean {
    return this.spoken;
  }

  /** The peer's first hello is here, whole. */
  get greeted(): boolean {
    return this.phase.kind !== 'serverHello' && this.phase.kind !== 'clientHello';
  }

  /** The question that waits for its answer; while there is one, input is held back (and should not be read). */
  get awaiting(): Answer['type'] | 'write_half' | undefined {
    const { phase } = this;
    if (phase.kind === 'writeAwaited') return 'write_half';
    if (phase.kind === 'handshake') return phase.handshake.awaiting;
    // After the handshake a question holds nothing back: data goes on.
    return phase.kind === 'serverHelloRead' || phase.kind === 'clientHelloRead' ? 'hello' : undefined;
  }

  /**
   * The answer to `askHello`: what this side goes on with from here. Ignored when the connection is over; throws
   * `TypeError` when nothing was asked.
   */
  answerHello(options: ClientHelloAnswer | ServerHelloAnswer): void {
    this.give({ type: 'hello', options });
  }

  /** The answer to `askVerdict`. Ignored when the connection is over; throws `TypeError` when nothing was asked. */
  answerVerdict(verdict: Verdict): void {
    this.give({ type: 'verdict', verdict });
  }

  /** The answer to `askSignature`. Ignored when the connection is over; throws `TypeError` when nothing was asked. */
  answerSignature(signature: Uint8Array): void {
    this.give({ type: 'signature', signature });
  }

  /** The answer to `askStaple`. Ignored when the connection is over; throws `TypeError` when nothing was asked. */
  answerStaple(response: Uint8Array | undefined): void {
    this.give({ type: 'staple', response });
  }

  /** The answer to `askPsk`. Ignored when the connection is over; throws `TypeError` when nothing was asked. */
  answerPsk(found: FoundPsk | undefined): void {
    this.give({ type: 'psk', found });
  }

  /** The answer to `askUser`. Ignored when the connection is over; throws `TypeError` when nothing was asked. */
  answerUser(user: FoundUser | undefined): void {
    this.give({ type: 'user', user });
  }

  /** The answer to `askSession`. Ignored when the connection is over; throws `TypeError` when nothing was asked. */
  answerSession(session: Session12 | undefined): void {
    this.give({ type: 'session', session });
  }

  /** The answer to `askTicket`. Ignored when the connection is over; throws `TypeError` when nothing was asked. */
  answerTicket(ticket: GivenTicket | undefined): void {
    this.give({ type: 'ticket', ticket });
  }

  /** OTP's name of the present state (contract §5.3). */
  get stateName(): string {
    return stateNameOf(this.phase);
  }

  /**
   * Sends application data; false when it cannot be sent: not established, in a handshake, closed, failed, longer than a
   * datagram may be. Throws after `split`.
   */
  send(data: Uint8Array): boolean {
    const write = this.own();
    if (write === undefined || !this.isEstablished || this.isAgain || data.length > write.largest)
      return false;
    if (this.phase.kind === 'connection') this.phase.post.beforeData();
    const pieces = sealData(write, data);
    if (pieces.length > 0) this.sink.write(pieces);
    return true;
  }

  /**
   * Sends data before the handshake is complete (RFC 8446 §2.3), which an attacker may replay. False when it cannot be
   * sent: not offered, refused, ended by the server's Finished, longer than what is left of it or than a datagram may be.
   * What became of it stands in the facts.
   */
  sendEarlyData(data: Uint8Array): boolean {
    const own = this.own();
    const write = own && (this.channel.earlyWriter ?? own);
    if (write?.keyed !== true || data.length > write.largest) return false;
    if (earlyWriteOf(this.phase)?.take(data.length) !== true) return false;
    const pieces = write.sealApplicationData(data);
    if (pieces.length > 0) this.sink.write(pieces);
    return true;
  }

  /**
   * A server answers early data that it accepts before the client's Finished is here (RFC 8446 §2.3): whoever replays the
   * flight learns the length of the answer, and nobody has proved to be there now. False when it cannot be sent: no early
   * data is read just now.
   */
  sendHalfRtt(data: Uint8Array): boolean {
    const write = this.own();
    if (write === undefined || this.phase.kind !== 'handshake') return false;
    if (this.phase.handshake.earlyRead === undefined) return false;
    const pieces = write.sealApplicationData(data);
    if (pieces.length > 0) this.sink.write(pieces);
    return true;
  }

  /** The key that goes with a ticket of ours, by its nonce; `undefined` where there are none. */
  ticketPsk(ticketNonce: Uint8Array): Secret | undefined {
    return this.phase.kind === 'connection' ? this.phase.post.ticketPsk(ticketNonce) : undefined;
  }

  /**
   * New keys for what we write, and with `read_write` for what the peer writes too. False and throws as `send`; false
   * also where the version has no key updates.
   */
  updateKeys(which: 'write' | 'read_write'): boolean {
    const write = this.own();
    return write !== undefined && this.phase.kind === 'connection' && this.phase.post.updateKeys(which);
  }

  /**
   * A server asks its client for a certificate (RFC 8446 §4.6.2): the sink hears `askVerdict` and, when the client has
   * answered, `established`. `notsup`: not established, no TLS 1.3, the client has not offered it, or `verify_none`.
   */
  requestCertificate(): RequestOutcome {
    return this.phase.kind === 'connection' ? this.phase.post.requestCertificate() : 'notsup';
  }

  /** The flight that the sink was told of with `owes` has left: the transport has it. */
  flightLeft(): void {
    if (this.phase.kind !== 'connection') return;
    this.flightsLeft += 1;
    this.work();
  }

  /** The holder of the split write half has asked the peer for KeyUpdates (`takeRequests`): those are no idle work. */
  expectKeyUpdates(count: number): void {
    if (this.phase.kind === 'connection') this.phase.post.expectKeyUpdates(count);
  }

  /**
   * We want another handshake (RFC 5246 §7.4.1.1). `begun`: the sink hears `established` with new facts, or
   * `renegotiationRefused`. `busy`: one is under way. `rejected`: with this peer none may be. `never`: the version
   * has none. `closed`: we or the peer have said goodbye.
   */
  renegotiate(): 'begun' | 'busy' | 'rejected' | 'never' | 'closed' {
    const { phase } = this;
    if (this.isAgain) return 'busy';
    if (phase.kind !== 'connection' || this.channel.writer === 'closed') return 'closed';
    const answer = phase.post.renegotiate();
    if (answer === 'asked') return 'begun';
    if (typeof answer === 'string') return answer;
    this.runAgain(answer, phase.post, 'self');
    this.work();
    return 'begun';
  }

  /** A HelloRequest of ours has no answer: another can be sent. */
  forgetRequest(): void {
    if (this.phase.kind === 'connection') this.phase.post.refused();
  }

  /** A client may once more begin a handshake that nobody has asked for; at first it may. */
  allowRenegotiation(): void {
    const { phase } = this;
    if (phase.kind === 'connection') phase.post.allowRenegotiation();
    else if ('before' in phase) phase.before?.allowRenegotiation();
  }

  /** Says close_notify; nothing more is written, reading goes on. Does nothing when said before. Throws after `split`. */
  close(): void {
    if (this.own() === undefined) return;
    this.channel.sendAlert(1, alertCode('close_notify'));
    this.channel.closeWrite();
    // A handshake cannot go on without writing.
    if (!this.established || this.isAgain) this.phase = peerClosed;
  }

  /**
   * Ends the connection with a fatal alert, for a reason that lies outside of the core. `detail` goes into the text.
   * Does nothing when the connection has failed before.
   */
  fail(alert: KnownAlert, detail?: unknown): void {
    if (this.phase.kind === 'failed') return;
    const reason = alert === 'user_canceled' ? 'user_canceled' : 'local_failure';
    this.end(new AlertError(reason, detail, alert));
  }

  /**
   * Gives the write half away, to be used by one other process. From then on that process writes everything: data
   * (`sealData`), close_notify, what the sink is told it `owes`, the alert that `failed` names. Throws `TypeError`
   * unless established and open.
   */
  split(): WriteHalf {
    if (this.own() === undefined || !this.isEstablished) throw new TypeError('nothing to split');
    return this.channel.split();
  }

  /** Takes the write half back: a core that is to be used alone again, a downgrade, a handshake that runs again. */
  join(write: WriteHalf): void {
    this.channel.join(write);
    this.work();
  }

  /** Its holder has said close_notify and keeps the write half: no handshake runs again. */
  goOnSplit(): void {
    const { phase } = this;
    if (phase.kind !== 'writeAwaited') return;
    this.phase = { kind: 'connection', post: phase.before };
    this.work();
  }

  /** Whether another handshake may follow on this connection: then what it needs has to be kept. */
  get again(): 'never' | 'possible' {
    return this.phase.kind === 'connection' ? this.phase.post.again : 'never';
  }

  private get isOver(): boolean {
    return this.phase.kind === 'failed' || this.phase.kind === 'peerClosed';
  }

  /** A handshake runs again, or is about to. */
  private get isAgain(): boolean {
    const { phase } = this;
    return phase.kind === 'writeAwaited' || (phase.kind === 'handshake' && phase.before !== undefined);
  }

  private get isEstablished(): boolean {
    return this.established && this.phase.kind !== 'failed';
  }

  /** The write half, `undefined` when nothing may be written any more. */
  private own(): WriteHalf | undefined {
    const { writer } = this.channel;
    if (writer === 'split') throw new TypeError('the write half was split off');
    return writer === 'closed' || this.phase.kind === 'failed' ? undefined : writer;
  }

  /** What is asked in the middle of data. */
  private get asked(): Answer['type'] | undefined {
    return this.phase.kind === 'connection' ? this.phase.post.asks : undefined;
  }

  private give(answer: Answer): void {
    if (this.isOver) return;
    // While a handler is at work the question may have been put just now; the machine is told when it rests.
    if (!this.working && this.awaiting !== answer.type && this.asked !== answer.type)
      throw new TypeError(`no ${answer.type} was asked for`);
    this.answer = answer;
    this.work();
  }

  /** Works off answers, handshake messages and records until nothing is left or an answer is awaited. */
  private work(): void {
    if (this.working) return;
    this.working = true;
    try {
      while (!this.isOver && this.advance());
      if (this.phase.kind === 'connection') this.phase.post.inputDone();
      if (this.transportEnded && !this.isOver && this.awaiting === undefined && !this.budget.spent)
        this.closeRead();
    } catch (error) {
      this.end(error);
    } finally {
      this.working = false;
    }
  }

  /** One step; false when there is nothing to do. */
  private advance(): boolean {
    const { answer } = this;
    if (answer !== undefined) {
      this.answer = undefined;
      this.takeAnswer(answer);
      return true;
    }
    if (this.flightsLeft > 0 && this.phase.kind === 'connection') {
      this.flightsLeft -= 1;
      this.phase.post.flightLeft();
      return true;
    }
    const { phase } = this;
    if (phase.kind === 'writeAwaited' && this.channel.writer !== 'split') {
      this.beginAgain(phase.begin, phase.before);
      return true;
    }
    if (this.awaiting !== undefined) return false;
    const inbound = this.channel.next();
    if (inbound === undefined) return this.stepsOverCipherChange();
    this.receiveInbound(inbound);
    return true;
  }

  /** Over datagrams change_cipher_spec counts when it is due, whatever it overtook. */
  private stepsOverCipherChange(): boolean {
    const { phase, channel } = this;
    if (channel.takeChangeCipherSpec === undefined || phase.kind !== 'handshake') return false;
    if (!phase.handshake.awaitsChangeCipherSpec || !channel.takeChangeCipherSpec()) return false;
    phase.handshake.receiveChangeCipherSpec();
    return true;
  }

  private takeAnswer(answer: Answer): void {
    const { phase } = this;
    switch (phase.kind) {
      case 'handshake':
        if (answer.type === 'hello') break;
        phase.handshake.answer(answer);
        this.checkEstablished(phase.handshake);
        return;
      case 'serverHelloRead':
        if (answer.type !== 'hello' || isForServer(answer.options)) break;
        this.beginClient(phase, answer.options);
        return;
      case 'clientHelloRead':
        if (answer.type !== 'hello' || !isForServer(answer.options)) break;
        this.beginServer(phase, answer.options);
        return;
      case 'connection':
        if (answer.type === 'hello') break;
        phase.post.answer(answer);
        return;
      default:
    }
    throw new TypeError(`no ${answer.type} was asked for`);
  }

  private receiveInbound(inbound: Inbound): void {
    switch (inbound.type) {
      case 'message':
        this.receiveMessage(inbound.code, inbound.raw);
        return;
      case 'application_data':
        this.receiveData(inbound.data, inbound.owned);
        return;
      case 'alert':
        this.receiveAlert(inbound.data[0] ?? 0, inbound.data[1] ?? 0);
        return;
      case 'change_cipher_spec':
        this.receiveChangeCipherSpec(inbound.data);
        return;
    }
  }

  private receiveData(data: Uint8Array, owned: boolean): void {
    const { phase } = this;
    if (phase.kind === 'handshake' && phase.before === undefined) {
      this.receiveEarlyData(phase.handshake, data, owned);
      return;
    }
    const post = this.deliversFor(phase);
    if (post === undefined) throw new AlertError('unexpected_application_data');
    this.spoken = true;
    if (data.length === 0) return;
    this.passedAlerts = 0;
    post.dataCame();
    this.sink.deliver(data, owned);
  }

  /** Data may come while a handshake runs again, until its keys are in use that nothing has proved yet. */
  private deliversFor(phase: Phase): PostHandshake | undefined {
    if (phase.kind === 'connection') return phase.post;
    return phase.kind === 'handshake' && this.changeCipherSpecs === 0 ? phase.before : undefined;
  }

  /** RFC 8446 §4.2.10 */
  private receiveEarlyData({ earlyRead }: Handshake, data: Uint8Array, owned: boolean): void {
    if (earlyRead === undefined) throw new AlertError('unexpected_application_data');
    if (!earlyRead.take(data.length)) throw new AlertError('too_much_early_data');
    if (data.length > 0) this.sink.deliverEarly?.(data, owned);
  }

  private receiveMessage(code: number, raw: Uint8Array): void {
    this.sink.trace?.('in', 'message', raw);
    const { phase } = this;
    if (!this.established || phase.kind === 'handshake') this.handshakeBytes += raw.length;
    if (helloRequestsIn(phase) === 'ignored' && tls12Messages.byCode(code) === 'hello_request') {
      this.ignoreHelloRequest(raw);
      return;
    }
    switch (phase.kind) {
      case 'clientHello':
        this.receiveFirstServerHello(code, raw, phase.offer, phase.context);
        return;
      case 'serverHello':
        this.receiveFirstClientHello(code, raw, phase.context);
        return;
      case 'handshake':
        if (code === helloVerifyRequestCode && this.takesCookieAgain(phase, raw)) return;
        phase.handshake.receive(code, raw);
        this.checkEstablished(phase.handshake);
        return;
      case 'connection': {
        const again = phase.post.receive(code, raw);
        if (again !== undefined) this.runAgain(again, phase.post, 'peer');
        this.spoken = true;
        return;
      }
      case 'serverHelloRead':
      case 'clientHelloRead':
      case 'writeAwaited':
      case 'peerClosed':
      case 'failed':
        return;
    }
  }

  /** A handshake is to begin on a connection that has had one; until this core writes, input is held back. */
  private runAgain(begin: HandshakeAgain, before: PostHandshake, by: 'self' | 'peer'): void {
    this.phase = { kind: 'writeAwaited', begin, before };
    if (this.channel.writer === 'split') this.sink.askWriteHalf?.(by);
  }

  private beginAgain(begin: HandshakeAgain, before: PostHandshake): void {
    this.resetCounts();
    this.channel.handshakeAgain?.();
    this.phase = { kind: 'handshake', handshake: begin(), before };
  }

  private resetCounts(): void {
    this.changeCipherSpecs = 0;
    this.verifyRequests = 0;
    this.helloRequests = 0;
    this.handshakeBytes = 0;
  }

  /** RFC 5246 §7.4.1.1: we are at it already; it is no part of what Finished proves. */
  private ignoreHelloRequest(raw: Uint8Array): void {
    this.olderMessages.decode('hello_request', raw);
    this.helloRequests += 1;
    if (this.helloRequests > maxHelloRequests) throw new AlertError('too_many_renegotiations');
  }

  private receiveFirstServerHello(
    code: number,
    raw: Uint8Array,
    offer: ClientOffer,
    context: ClientContext,
  ): void {
    const { versions } = context.config;
    if (code === helloVerifyRequestCode && speaksDtls(versions)) {
      this.receiveVerifyRequest(raw, offer, context);
      return;
    }
    const messages = helloMessages(versions);
    if (messages.byCode(code) !== 'server_hello')
      throw new AlertError('unexpected_message', { unexpected: code });
    const hello: ServerHelloEvent = { type: 'server_hello', body: messages.decode('server_hello', raw), raw };
    this.phase = { kind: 'serverHelloRead', hello, offer, context };
    if (this.sink.askHello === undefined) this.answerHello(context);
    else this.sink.askHello(hello);
  }

  /** RFC 6347 §4.2.1: the server wants its cookie back; neither hello so far is of the transcript (§4.2.6). */
  private receiveVerifyRequest(raw: Uint8Array, offer: ClientOffer, context: ClientContext): void {
    const { channel } = context;
    const again = offerWithCookie(offer, this.cookieOf(raw));
    channel.addMessage(again.raw);
    channel.finishFlight();
    this.phase = { kind: 'clientHello', offer: again, context };
  }

  /** The same of a handshake that runs again. */
  private takesCookieAgain(
    { handshake, before }: Extract<Phase, { readonly kind: 'handshake' }>,
    raw: Uint8Array,
  ): boolean {
    if (
      before?.takeCookie === undefined ||
      !handshake.unanswered ||
      this.channel.handshakeAgain === undefined
    )
      return false;
    this.phase = { kind: 'handshake', handshake: before.takeCookie(this.cookieOf(raw)), before };
    return true;
  }

  private cookieOf(raw: Uint8Array): Uint8Array {
    this.verifyRequests += 1;
    if (this.verifyRequests > maxVerifyRequests) throw new AlertError('unexpected_message');
    const { cookie } = decodeAll(helloVerifyRequest, raw.subarray(datagramHeaderLength));
    this.channel.endPeerFlight();
    return new Uint8Array(cookie);
  }

  private receiveFirstClientHello(code: number, raw: Uint8Array, context: ServerContext): void {
    const messages = helloMessages(context.config.versions);
    if (messages.byCode(code) !== 'client_hello')
      throw new AlertError('unexpected_message', { unexpected: code });
    const hello: ClientHelloEvent = { type: 'client_hello', body: messages.decode('client_hello', raw), raw };
    this.phase = { kind: 'clientHelloRead', hello, context };
    if (this.sink.askHello === undefined) this.answerHello(context);
    else this.sink.askHello(hello);
  }

  /** The client's version is what the server selects, of those offered and still wanted. */
  private beginClient({ hello, offer, context }: ServerHelloRead, options: ClientHelloAnswer): void {
    const { config, identities } = options;
    this.phase = { kind: 'clientHello', offer, context: { ...context, config, identities } };
    const version = selectedVersionOf(hello.body, context.config.versions);
    if (!config.versions.includes(version)) throw new AlertError('unsupported_version');
    const answered: ClientContext = { ...context, config, identities, channel: this.agree(version) };
    if (isTls13(version)) {
      if (!offersTls13(offer)) throw new TypeError('a version that was not offered');
      if (this.verifyRequests > 0) throw new AlertError('late_version');
      this.begin(tls13Client(offer, answered)).deliver(transcribed(hello, version));
    } else {
      if (offersTls13(offer) && offer.early.kind === 'offered')
        throw new AlertError('older_version_after_early_data');
      const sent = this.numbered(offer, context.config.versions);
      this.beginOlder(tls12Client(version, sent, answered)).deliver(hello);
    }
  }

  private beginServer({ hello, context }: ClientHelloRead, options: ServerHelloAnswer): void {
    const { config, identities, certificateAuthorities, nameUsed = false } = options;
    const { dhParams = context.dhParams, pskHint = context.pskHint } = options;
    const chosen: ServerContext = {
      ...context,
      ...{ config, identities, certificateAuthorities, nameUsed, dhParams, pskHint },
    };
    this.phase = { kind: 'serverHello', context: chosen };
    const version = chooseVersion(hello.body, config.versions);
    const answered: ServerContext = { ...chosen, channel: this.agree(version) };
    if (isTls13(version)) this.begin(tls13Server(answered)).deliver(transcribed(hello, version));
    else this.beginOlder(tls12Server(version, answered)).deliver(hello);
  }

  private agree(version: ProtocolVersion): Channel {
    this.channel = this.channel.agree?.(version) ?? this.channel;
    return this.channel;
  }

  /** What was sent in a form of DTLS 1.3 enters the transcript of an older version as it left: with its number. */
  private numbered(offer: ClientOffer, versions: readonly ProtocolVersion[]): ClientOffer {
    if (!speaksDtls13(versions)) return offer;
    return { ...offer, raw: numberedForm(offer.raw, this.verifyRequests) };
  }

  private begin(handshake: Handshake): Handshake {
    const { phase } = this;
    if (phase.kind !== 'clientHello' && phase.kind !== 'serverHello') throw new TypeError('begun before');
    this.phase = { kind: 'handshake', handshake, before: undefined };
    return handshake;
  }

  /** Only TLS 1.3 has a change_cipher_spec that means nothing (RFC 8446 §5). */
  private beginOlder(handshake: Handshake): Handshake {
    if (this.changeCipherSpecs > 0) throw new AlertError('unexpected_change_cipher_spec');
    return this.begin(handshake);
  }

  /** When the handshake is complete it is dropped, with everything in it. */
  private checkEstablished(handshake: Handshake): void {
    const { facts } = handshake;
    if (facts === undefined || this.phase.kind !== 'handshake') return;
    this.phase = { kind: 'connection', post: handshake.postHandshake(this.channel, this.sink) };
    this.channel.handshakeDone?.();
    this.established = true;
    this.resetCounts();
    this.sink.established(facts);
  }

  private receiveAlert(level: number, code: number): void {
    const alert = alertByCode(code);
    if (alert === 'no_renegotiation' && level === warning && this.takeRefusal()) return;
    switch (alertRules(this.phase)(level, alert)) {
      case 'closes':
        this.closeRead();
        return;
      case 'fails':
        this.tellFailure({ by: 'peer', alert, state: this.stateName, reason: undefined, detail: undefined });
        return;
      case 'passes':
        this.passedAlerts += 1;
        if (this.passedAlerts > maxPassedAlerts) throw new AlertError('too_many_warnings');
        return;
    }
  }

  /** RFC 5246 §7.2.2: the peer does not want to, and all is as it was; false when there was nothing to refuse. */
  private takeRefusal(): boolean {
    const { phase } = this;
    if (phase.kind === 'handshake' && phase.before !== undefined && phase.handshake.unanswered) {
      this.resetCounts();
      this.channel.handshakeRefused?.();
      this.phase = { kind: 'connection', post: phase.before };
    } else if (phase.kind !== 'connection' || !phase.post.refused()) return false;
    this.sink.renegotiationRefused?.();
    return true;
  }

  /** RFC 8446 §5, RFC 5246 §7.1: between the first hello and the peer's Finished, the byte 1. */
  private receiveChangeCipherSpec(data: Uint8Array): void {
    if (data.length !== 1 || data[0] !== 1) throw new AlertError('unexpected_change_cipher_spec');
    const { phase } = this;
    if (phase.kind !== 'handshake' && phase.kind !== 'clientHello')
      throw new AlertError('unexpected_change_cipher_spec');
    this.changeCipherSpecs += 1;
    if (this.changeCipherSpecs > maxChangeCipherSpecs) throw new AlertError('too_many_change_cipher_specs');
    if (phase.kind === 'handshake') phase.handshake.receiveChangeCipherSpec();
  }

  private closeRead(): void {
    this.phase = peerClosed;
    this.sink.peerClosed();
  }

  /** The one place where an error becomes an alert and a failure. */
  private end(error: unknown): void {
    if (this.phase.kind === 'failed') return;
    const { reason, alert, detail } = alertOf(error);
    const state = this.stateName;
    const { writer } = this.channel;
    if (writer !== 'split' && writer !== 'closed') this.channel.sendAlert(2, alertCode(alert));
    this.tellFailure({ by: 'self', alert, state, reason, detail });
  }

  private tellFailure(failure: Failure): void {
    this.phase = failed;
    this.answer = undefined;
    this.sink.failed(failure);
  }
}

/** RFC 8446 §2.3: keys for what goes out before the server answers; §D.4: change_cipher_spec stands in front of it. */
function openEarly({ early, hello }: Tls13Offer, { channel, config, sink }: ClientContext): void {
  if (early.kind !== 'offered') return;
  logEarlyKeys(early, secretLogOf(sink, hello.random));
  if (showsMiddleboxes(config)) channel.addChangeCipherSpec();
  openEarlyKeys(new Tls13WriteProtection(early.suite.aead, early.secret), channel);
  channel.finishFlight();
}

/** How much a client may still send early, if it may at all. */
function earlyWriteOf(phase: Phase): EarlyDataAllowance | undefined {
  switch (phase.kind) {
    case 'clientHello':
      return offersTls13(phase.offer) ? allowanceOf(phase.offer.early) : undefined;
    case 'handshake':
      return phase.handshake.earlyWrite;
    default:
      return undefined;
  }
}

/** What a HelloRequest is that comes while a handshake runs. */
function helloRequestsIn(phase: Phase): 'ignored' | 'refused' {
  switch (phase.kind) {
    case 'clientHello':
      return helloRequestsBefore(phase.context.config.versions);
    case 'handshake':
      return phase.handshake.helloRequests;
    default:
      return 'refused';
  }
}

function stateNameOf(phase: Phase): string {
  switch (phase.kind) {
    case 'clientHello':
    case 'serverHello':
      return stateNameBefore(phase.kind, phase.context.config.versions);
    case 'serverHelloRead':
    case 'clientHelloRead':
      return 'user_hello';
    case 'handshake':
      return phase.handshake.stateName;
    case 'connection':
    case 'writeAwaited':
    case 'peerClosed':
    case 'failed':
      return 'connection';
  }
}

function alertRules(phase: Phase): AlertRules {
  switch (phase.kind) {
    case 'clientHello':
    case 'serverHelloRead':
      return alertsBefore(phase.context.config.versions);
    case 'handshake':
      return phase.handshake.alerts;
    case 'connection':
      return phase.post.alerts;
    case 'writeAwaited':
      return phase.before.alerts;
    case 'serverHello':
    case 'clientHelloRead':
    case 'peerClosed':
    case 'failed':
      return tls13Alerts;
  }
}

function isForServer(options: ClientHelloAnswer | ServerHelloAnswer): options is ServerHelloAnswer {
  return 'certificateAuthorities' in options;
}

const overStream: ChannelMaker = (settings, version, out) => new StreamChannel(settings, version, out);

/** Over a stream, unless somebody brings a channel of their own. */
function channelOf(
  options: ClientOptions | ServerOptions,
  { random, now }: Dependencies,
  recordVersion: number,
  sink: Sink,
): Channel {
  const { config, budget, channel } = options;
  const { maxHandshakeSize, keyUpdateAt, mtu, flightTimeout, versions } = config;
  const roundTrip = 'roundTrip' in options ? options.roundTrip : undefined;
  if (channel === undefined && speaksDtls(versions))
    throw new TypeError('DTLS needs a channel over datagrams');
  const make = channel ?? overStream;
  const datagrams = { mtu, flightTimeout, roundTrip, now, versions, random };
  return make({ maxHandshakeSize, keyUpdateAt, budget, ...datagrams }, recordVersion, sink);
}

/** Of a listener without IDs, though options by name may let a client have some for what it is sent. */
const noConnectionId = (): Uint8Array => new Uint8Array(0);

/** Once: it stays what the peer was told. */
function ownIdOf(
  { config, ownConnectionId }: Pick<ClientOptions | ServerOptions, 'config' | 'ownConnectionId'>,
  { random }: Dependencies,
): () => Uint8Array {
  const { connectionId } = config;
  if (connectionId === undefined) return noConnectionId;
  let own: Uint8Array | undefined;
  return () => {
    own ??= ownConnectionId?.() ?? random(connectionId.length);
    return own;
  };
}

/** A hello in the form that enters the transcript of the version: what comes over datagrams has a number. */
function transcribed<Hello extends HelloEvent>(hello: Hello, version: Tls13Version): Hello {
  return isDtls13Version(version) ? { ...hello, raw: streamForm(hello.raw) } : hello;
}

function completed(
  { engine, random, keyShare, now, compressors = noCompressors, cookies }: GivenDependencies,
  { versions }: Pick<ClientSettings, 'versions'>,
): Dependencies {
  return {
    engine: speaksDtls13(versions) ? dtls13Engine(engine) : engine,
    ...{ compressors, cookies, now },
    random: random ?? ((length) => engine.randomBytes(length)),
    keyShare: keyShare ?? ((group) => group.generate()),
  };
}

function alertOf(error: unknown): { reason: Reason; alert: KnownAlert; detail: unknown } {
  if (error instanceof AlertError) return error;
  if (error instanceof RecordError) {
    return { reason: error.reason, alert: reasons[error.reason].alert, detail: undefined };
  }
  if (error instanceof DecodeError) {
    return { reason: 'malformed_message', alert: 'decode_error', detail: error.message };
  }
  return { reason: 'internal_error', alert: 'internal_error', detail: error };
}
