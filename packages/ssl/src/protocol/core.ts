/**
 * The protocol as a synchronous object without I/O: bytes in, calls on a `Sink` out. One per connection.
 *
 * Handshake: the version is chosen by the first hello (`hello/version.ts`), then a `Handshake` runs and is dropped
 * with all its data once it is complete. Connection: records are opened and delivered; KeyUpdates and tickets are
 * handled by `tls13/post-handshake.ts`. Alerts are sent and failures told here and nowhere else, each once.
 */
import { alertByCode, alertCode, type KnownAlert } from '../values/registry/alerts.js';
import { handshakeByCode } from '../values/wire/handshake.js';
import { DecodeError } from '../values/wire/reader.js';
import type { Facts } from './facts.js';
import { type AnswerEvent, type Handshake, messageEvent } from './handshake.js';
import { type ClientOffer, firstOffer } from './hello/client-hello.js';
import { chooseVersion, selectedDialect } from './hello/version.js';
import { AlertError, type Reason, reasons } from './reasons.js';
import { RecordError } from './record/errors.js';
import { type InboundRecord, ReadHalf } from './record/read-half.js';
import { type HandshakeMessage, HandshakeReassembler } from './record/reassembly.js';
import { type Budget, boundless } from './record/turn-budget.js';
import { WriteHalf } from './record/write-half.js';
import type { ClientOptions, Dependencies, GivenDependencies, ServerOptions } from './settings.js';
import type { Failure, Sink, Verdict } from './sink.js';
import { StreamTransport } from './stream-transport.js';
import { type ClientContext, tls13Client } from './tls13/client.js';
import {
  type KeyUpdateRequest,
  readKeyUpdate,
  readNewSessionTicket,
  sealData,
  sealKeyUpdate,
} from './tls13/post-handshake.js';
import { type ServerContext, tls13Server } from './tls13/server.js';

/** change_cipher_spec records that are dropped in one handshake (RFC 8446 §5, §D.4). */
const maxChangeCipherSpecs = 8;
/** KeyUpdates of the peer that neither ask for ours nor answer it, without data between them. */
const maxIdleKeyUpdates = 32;
/** user_canceled alerts that are passed over in one connection (RFC 8446 §6.1). */
const maxUserCanceled = 4;
const warning = 1;

/** Where the connection is. */
type Phase =
  /** The first hello of the peer is awaited; a client has sent its own. */
  | { readonly kind: 'clientHello'; readonly offer: ClientOffer; readonly context: ClientContext }
  | { readonly kind: 'serverHello'; readonly context: ServerContext }
  | { readonly kind: 'handshake'; readonly handshake: Handshake }
  /** Application data flows. */
  | { readonly kind: 'connection'; readonly role: 'client' | 'server' }
  /** Nothing more comes in: the peer said so, or the transport ended. */
  | { readonly kind: 'peerClosed' }
  | { readonly kind: 'failed' };

const peerClosed: Phase = { kind: 'peerClosed' };
const failed: Phase = { kind: 'failed' };
const clientConnection: Phase = { kind: 'connection', role: 'client' };
const serverConnection: Phase = { kind: 'connection', role: 'server' };

const stateNames: Readonly<Record<Exclude<Phase['kind'], 'handshake'>, string>> = {
  clientHello: 'wait_sh',
  serverHello: 'start',
  connection: 'connection',
  peerClosed: 'connection',
  failed: 'connection',
};

/** Who writes: the core, the holder of the split write half, or nobody any more. */
type Writing = WriteHalf | 'split' | 'closed';

export class Core {
  private readonly sink: Sink;
  private readonly budget: Budget;
  private readonly read: ReadHalf;
  private readonly reassembler: HandshakeReassembler;
  private write: Writing;
  /** Until the handshake is complete. */
  private transport: StreamTransport | undefined;
  private phase: Phase = failed;
  private established = false;
  /** Given before the question was put away: handled when the machine is at rest. */
  private answer: AnswerEvent | undefined = undefined;
  private working = false;
  private transportEnded = false;
  private changeCipherSpecs = 0;
  private userCanceled = 0;
  private idleKeyUpdates = 0;
  /** KeyUpdates that we have asked the peer for and that have not come. */
  private expectedKeyUpdates = 0;
  /** The peer has asked for a KeyUpdate and not got it. */
  private owesKeyUpdate = false;
  /** Bytes of the messages that the handshake was handed: as much as it may hold of them. */
  private handshakeBytes = 0;

  private constructor(
    sink: Sink,
    { config, budget = boundless }: ClientOptions | ServerOptions,
    write: WriteHalf,
    phase: (transport: StreamTransport) => Phase,
  ) {
    this.sink = sink;
    this.budget = budget;
    this.read = new ReadHalf(budget);
    this.reassembler = new HandshakeReassembler(config.maxHandshakeSize);
    this.write = write;
    const transport = new StreamTransport(this.read, write, this.reassembler, sink);
    this.transport = transport;
    this.phase = phase(transport);
  }

  /** A client. Nothing is sent before `start`. */
  static client(options: ClientOptions, sink: Sink): Core {
    const { config, identities, serverName, statusRequest } = options;
    const dependencies = completed(options.dependencies);
    const write = new WriteHalf(config.keyUpdateAt, 0x0301);
    return new Core(sink, options, write, (transport) => ({
      kind: 'clientHello',
      offer: firstOffer(config, dependencies, serverName, statusRequest),
      context: { config, identities, dependencies, transport, sink },
    }));
  }

  /** A server; it waits for the client's hello. */
  static server(options: ServerOptions, sink: Sink): Core {
    const { config, identities, certificateAuthorities } = options;
    const dependencies = completed(options.dependencies);
    const write = new WriteHalf(config.keyUpdateAt);
    return new Core(sink, options, write, (transport) => ({
      kind: 'serverHello',
      context: { config, identities, dependencies, certificateAuthorities, transport, sink },
    }));
  }

  /** A client sends its hello; a server has nothing to do. Call it once. */
  start(): void {
    const { phase, write } = this;
    if (phase.kind !== 'clientHello' || !(write instanceof WriteHalf)) return;
    const { transport } = phase.context;
    transport.addMessage(phase.offer.raw);
    transport.finishFlight();
    // RFC 8446 §5.1: only the first hello may say 0x0301.
    write.setRecordVersion(0x0303);
  }

  /**
   * Bytes from the transport. They belong to the core from now on: do not write into them. A transport that reads
   * into one buffer again and again calls `detach` before it does so. What the budget does not allow stays, for
   * `resume`.
   */
  receive(chunk: Uint8Array): void {
    if (this.isOver || this.transportEnded) return;
    this.read.feed(chunk);
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
    return this.read.held + this.reassembler.held + this.handshakeBytes;
  }

  /** Copies what waits out of the chunks received, which may then be overwritten. */
  detach(): void {
    this.read.detach();
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

  /** After the peer's close_notify: what came behind it, which is not ours to read (a downgrade gives it away). */
  takeRest(): Uint8Array {
    return this.read.takeRest();
  }

  /** The question that waits for its answer; while there is one, input is held back (and should not be read). */
  get awaiting(): AnswerEvent['type'] | undefined {
    const { phase } = this;
    return phase.kind === 'handshake' ? phase.handshake.awaiting : undefined;
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

  /** OTP's name of the present state (contract §5.3). */
  get stateName(): string {
    const { phase } = this;
    return phase.kind === 'handshake' ? phase.handshake.stateName : stateNames[phase.kind];
  }

  /** Sends application data; false when it cannot be sent: not established, closed, failed. Throws after `split`. */
  send(data: Uint8Array): boolean {
    const write = this.own();
    if (write === undefined || !this.isEstablished) return false;
    // RFC 8446 §4.6.3: before our next data; once, however many were asked for until then.
    if (this.owesKeyUpdate) this.updateKeys('write');
    const pieces = sealData(write, data);
    if (pieces.length > 0) this.sink.write(pieces);
    return true;
  }

  /** New keys for what we write, and with `read_write` for what the peer writes too. False and throws as `send`. */
  updateKeys(which: 'write' | 'read_write'): boolean {
    const write = this.own();
    if (write === undefined || this.phase.kind !== 'connection') return false;
    this.owesKeyUpdate = false;
    this.sink.write(sealKeyUpdate(write, which === 'write' ? 'update_not_requested' : 'update_requested'));
    return true;
  }

  /** The holder of the split write half has asked the peer for KeyUpdates (`takeRequests`): those are no idle work. */
  expectKeyUpdates(count: number): void {
    this.expectedKeyUpdates += count;
  }

  /** Says close_notify; nothing more is written, reading goes on. Does nothing when said before. Throws after `split`. */
  close(): void {
    if (this.own() === undefined) return;
    this.sendAlert('warning', 'close_notify');
    this.write = 'closed';
    // A handshake cannot go on without writing.
    if (!this.established) this.phase = peerClosed;
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
   * (`sealData`), close_notify, the KeyUpdate that `keyUpdateRequested` asks for, the alert that `failed` names.
   * Throws `TypeError` unless established and open.
   */
  split(): WriteHalf {
    const write = this.own();
    if (write === undefined || !this.isEstablished) throw new TypeError('nothing to split');
    this.write = 'split';
    return write;
  }

  /** Takes the write half back: a core that is to be used alone again, a downgrade. */
  join(write: WriteHalf): void {
    if (this.write !== 'split') throw new TypeError('not split');
    this.write = write;
  }

  private get isOver(): boolean {
    return this.phase.kind === 'failed' || this.phase.kind === 'peerClosed';
  }

  private get isEstablished(): boolean {
    return this.established && this.phase.kind !== 'failed';
  }

  /** The write half, `undefined` when nothing may be written any more. */
  private own(): WriteHalf | undefined {
    if (this.write === 'split') throw new TypeError('the write half was split off');
    return this.write === 'closed' || this.phase.kind === 'failed' ? undefined : this.write;
  }

  private give(answer: AnswerEvent): void {
    if (this.isOver) return;
    // While a handler is at work the question may have been put just now; the machine is told when it rests.
    if (!this.working && this.awaiting !== answer.type)
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
      this.tellKeyUpdateOwed();
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
    const { phase } = this;
    if (phase.kind === 'handshake') {
      const { answer } = this;
      if (answer !== undefined) {
        this.answer = undefined;
        phase.handshake.answer(answer);
        this.checkEstablished(phase.handshake);
        return true;
      }
      if (phase.handshake.awaiting !== undefined) return false;
    }
    if (this.budget.spent) return false;
    const message = this.reassembler.next();
    if (message !== undefined) {
      this.budget.spend(message.raw.length);
      this.receiveMessage(message);
      return true;
    }
    const record = this.read.next();
    if (record === undefined) return false;
    this.receiveRecord(record);
    return true;
  }

  private receiveRecord(record: InboundRecord): void {
    const { type, data } = record;
    this.sink.trace?.('in', type, data);
    switch (type) {
      case 'application_data':
        this.reassembler.assertNotInterleaved();
        if (this.phase.kind !== 'connection') throw new AlertError('unexpected_application_data');
        if (data.length === 0) return;
        this.idleKeyUpdates = 0;
        this.sink.deliver(data, record.owned);
        return;
      case 'handshake':
        // An unprotected record is a view of the chunk, and handshake data outlives it.
        this.reassembler.push(record.owned ? data : new Uint8Array(data));
        return;
      case 'alert':
        this.reassembler.assertNotInterleaved();
        this.receiveAlert(data);
        return;
      case 'change_cipher_spec':
        this.reassembler.assertNotInterleaved();
        this.receiveChangeCipherSpec(data);
        return;
    }
  }

  private receiveMessage({ type, raw }: HandshakeMessage): void {
    this.sink.trace?.('in', 'message', raw);
    const { phase } = this;
    if (!this.established) this.handshakeBytes += raw.length;
    switch (phase.kind) {
      case 'clientHello':
        this.receiveFirstServerHello(type, raw, phase.offer, phase.context);
        return;
      case 'serverHello':
        this.receiveFirstClientHello(type, raw, phase.context);
        return;
      case 'handshake':
        phase.handshake.receive(type, raw);
        this.checkEstablished(phase.handshake);
        return;
      case 'connection':
        this.receivePostHandshake(type, raw, phase.role);
        return;
      case 'peerClosed':
      case 'failed':
        return;
    }
  }

  /** The client's version is what the server selects. */
  private receiveFirstServerHello(
    code: number,
    raw: Uint8Array,
    offer: ClientOffer,
    context: ClientContext,
  ): void {
    if (handshakeByCode(code) !== 'server_hello')
      throw new AlertError('unexpected_message', { unexpected: code });
    const event = messageEvent('server_hello', raw);
    switch (selectedDialect(event.body, context.config.versions)) {
      case 'tls13':
        this.begin(tls13Client(offer, context)).deliver(event);
    }
  }

  private receiveFirstClientHello(code: number, raw: Uint8Array, context: ServerContext): void {
    if (handshakeByCode(code) !== 'client_hello')
      throw new AlertError('unexpected_message', { unexpected: code });
    const event = messageEvent('client_hello', raw);
    switch (chooseVersion(event.body, context.config.versions)) {
      case 'tls13':
        this.begin(tls13Server(context)).deliver(event);
    }
  }

  private begin(handshake: Handshake): Handshake {
    const { phase } = this;
    if (phase.kind !== 'clientHello' && phase.kind !== 'serverHello') throw new TypeError('begun before');
    this.phase = { kind: 'handshake', handshake };
    return handshake;
  }

  /** When the handshake is complete it is dropped, with everything in it. */
  private checkEstablished(handshake: Handshake): void {
    const { facts } = handshake;
    if (facts === undefined || this.phase.kind !== 'handshake') return;
    this.phase = facts.role === 'client' ? clientConnection : serverConnection;
    this.established = true;
    this.transport = undefined;
    this.handshakeBytes = 0;
    this.sink.established(facts);
  }

  /** RFC 8446 §4.6 */
  private receivePostHandshake(code: number, raw: Uint8Array, role: Facts['role']): void {
    const type = handshakeByCode(code);
    if (type === 'key_update') {
      this.receiveKeyUpdate(readKeyUpdate(raw));
      return;
    }
    if (type === 'new_session_ticket' && role === 'client') {
      readNewSessionTicket(raw);
      return;
    }
    throw new AlertError('unexpected_message', { unexpected: type ?? code });
  }

  /** RFC 8446 §4.6.3 */
  private receiveKeyUpdate(request: KeyUpdateRequest): void {
    if (request === 'update_requested') this.owesKeyUpdate = true;
    else this.countIdleKeyUpdate();
    this.read.rekey(this.reassembler.aligned());
  }

  /** What answers a request of ours is not idle, however little the peer says otherwise. */
  private countIdleKeyUpdate(): void {
    if (this.write instanceof WriteHalf) this.expectedKeyUpdates += this.write.takeRequests();
    if (this.expectedKeyUpdates > 0) {
      this.expectedKeyUpdates -= 1;
      return;
    }
    this.idleKeyUpdates += 1;
    if (this.idleKeyUpdates > maxIdleKeyUpdates) throw new AlertError('too_many_key_updates');
  }

  /**
   * Whoever has the write half answers all requests of a turn at once. A core that writes itself does so with its next
   * data: nobody tells it whether the peer reads, and an answer for each request could be without end.
   */
  private tellKeyUpdateOwed(): void {
    if (!this.owesKeyUpdate || this.write !== 'split') return;
    this.owesKeyUpdate = false;
    this.sink.keyUpdateRequested();
  }

  /**
   * RFC 8446 §6; in TLS 1.3 every alert but close_notify is an error, whatever its level. §6.1: user_canceled is none
   * either. As a warning it only announces close_notify, which some (Java) never send without it.
   */
  private receiveAlert(data: Uint8Array): void {
    const alert = alertByCode(data[1] ?? 0);
    if (alert === 'close_notify') this.closeRead();
    else if (alert === 'user_canceled' && data[0] === warning) this.countUserCanceled();
    else this.tellFailure({ by: 'peer', alert, state: this.stateName, reason: undefined, detail: undefined });
  }

  private countUserCanceled(): void {
    this.userCanceled += 1;
    if (this.userCanceled > maxUserCanceled) throw new AlertError('too_many_warnings');
  }

  /** RFC 8446 §5: dropped between the first hello and the peer's Finished, if it holds the byte 1. */
  private receiveChangeCipherSpec(data: Uint8Array): void {
    if (data.length !== 1 || data[0] !== 1) throw new AlertError('unexpected_change_cipher_spec');
    const { kind } = this.phase;
    if (kind !== 'handshake' && kind !== 'clientHello') throw new AlertError('unexpected_change_cipher_spec');
    this.changeCipherSpecs += 1;
    if (this.changeCipherSpecs > maxChangeCipherSpecs) throw new AlertError('too_many_change_cipher_specs');
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
    if (this.write instanceof WriteHalf) this.sendAlert('fatal', alert);
    this.tellFailure({ by: 'self', alert, state, reason, detail });
  }

  private tellFailure(failure: Failure): void {
    this.phase = failed;
    this.answer = undefined;
    this.sink.failed(failure);
  }

  private sendAlert(level: 'warning' | 'fatal', alert: KnownAlert): void {
    const { transport, write } = this;
    if (!(write instanceof WriteHalf)) return;
    const levelCode = level === 'warning' ? 1 : 2;
    this.sink.trace?.('out', 'alert', Uint8Array.of(levelCode, alertCode(alert)));
    // What the handshake has sealed already goes first (the change_cipher_spec record, a ServerHello).
    if (transport !== undefined) transport.sendAlert(levelCode, alertCode(alert));
    else this.sink.write(write.sealAlert(levelCode, alertCode(alert)));
  }
}

function completed({ engine, random, keyShare }: GivenDependencies): Dependencies {
  return {
    engine,
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
