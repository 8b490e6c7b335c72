/**
 * The connection process, OTP's receiver (`ssl_gen_statem`, `tls_connection`): handshake, decryption, delivery, the
 * owner's monitor. What exists when is told by its present life (`lives.ts`).
 *
 * It is the only reader of the transport, and its only writer until the handshake is done; then the write half goes
 * to the sender process. The core below it never waits: what needs the outside is asked through the sink and answered
 * in a later turn, or at once when the answer is known.
 *
 * Here is what happens to it, whoever asks: what core and transport say, messages, the end of a turn and its own. What
 * it does when asked is in `connection-calls.ts`, how it is established in `establishment.ts`.
 */
import {
  DownMessage,
  type From,
  isOrderly,
  type MemoryUse,
  type Pid,
  type Ref,
  type Self,
  type Stop,
} from '@actor-tls/runtime';
import type { Config } from '../../options/config.js';
import type { Authentication } from '../../protocol/authentication.js';
import type { Core } from '../../protocol/core.js';
import type { Facts } from '../../protocol/facts.js';
import type { HelloEvent } from '../../protocol/handshake.js';
import type { OwnIdentity } from '../../protocol/own-identity.js';
import type { WriteHalf } from '../../protocol/record/write-half.js';
import type { Failure, PostHandshakeReply, Sink, StapleWish } from '../../protocol/sink.js';
import type { Session12, SessionWish } from '../../protocol/tls12/session.js';
import type { UserWish } from '../../protocol/tls12/user.js';
import type { PskWish, ReceivedTicket } from '../../protocol/tls13/psk.js';
import type { SignatureSchemeName } from '../../values/registry/schemes.js';
import type { Result, SslReason } from '../../values/terms.js';
import type { KeyUse } from '../../values/x509/key-use.js';
import { Batch } from '../delivery/batch.js';
import { Delivery } from '../delivery/delivery.js';
import type { Displacement, Occupant, Place } from '../listener/place.js';
import type { Address } from '../transport/transport.js';
import { Alarm } from './alarm.js';
import { CertificateCalls } from './certificate-calls.js';
import { codeOf, crashReason } from './connection-answers.js';
import { type CallHolder, ConnectionCalls, type ContinueCall, type StartCall } from './connection-calls.js';
import { ConnectionLog } from './connection-log.js';
import type { ConnectionRequest } from './connection-requests.js';
import type { Downgrade } from './downgrade.js';
import { EarlyData } from './early-data.js';
import { Establishment, type EstablishmentHolder, type Listening } from './establishment.js';
import { logFailure } from './failure-report.js';
import type { HandshakeAnswer, HandshakeCall } from './handshake-call.js';
import { Intake, type IntakeHolder, type TransportEnd } from './intake.js';
import { KeyLogger } from './key-logger.js';
import { Later } from './later.js';
import { arrow, type LifecycleEvent, type LifecycleState } from './lifecycle.js';
import { type Goodbye, Line, type LineHolder } from './line.js';
import {
  type Connected,
  closed,
  connected,
  type Downgrading,
  explanationIn,
  type Handshaking,
  type InitialHello,
  isRunning,
  isUnestablished,
  type Life,
  type LifeAfter,
  type UserHello,
} from './lives.js';
import type { ConnectionArgs } from './new-connection.js';
import { Owner } from './owner.js';
import { PathChanges } from './path-changes.js';
import { Renegotiations } from './renegotiations.js';
import { KeyUpdatesAsked, RenegotiationDue, WriteHalfKept, WriteHalfReturned } from './sender.js';
import { SslSocket } from './socket.js';

type Outcome = Stop<Connection> | undefined;

/**
 * ms for a server's first word, which most have by then: a ticket. OpenSSL, that answers a wish for new keys with its next
 * data, would lose a CertificateRequest of its own meanwhile.
 */
const confirmPatience = 100;

export class Connection
  implements
    Sink,
    IntakeHolder<Stop<Connection>>,
    LineHolder,
    Occupant,
    MemoryUse,
    CallHolder<Stop<Connection>>,
    EstablishmentHolder
{
  readonly #self: Self;
  readonly #line: Line;
  readonly #place: Place;
  readonly #senderMonitor: Ref;
  readonly #socket: SslSocket;
  readonly #delivery: Delivery<SslSocket>;
  readonly #owner: Owner;
  readonly #intake: Intake<Stop<Connection>>;
  readonly #later: Later<Outcome>;
  readonly #establishment: Establishment;
  readonly #calls: ConnectionCalls<Stop<Connection>>;
  readonly #certificates: CertificateCalls;
  readonly #renegotiations: Renegotiations;
  #life: Life;
  #config: Config;
  #log: ConnectionLog;
  #keyLogger: KeyLogger | undefined;
  askPsk: ((wish: PskWish) => void) | undefined = undefined;
  askUser: ((wish: UserWish) => void) | undefined = undefined;
  ticket: ((ticket: ReceivedTicket) => void) | undefined = undefined;
  askSession: ((wish: SessionWish) => void) | undefined = undefined;
  askTicket: ((session: Session12) => void) | undefined = undefined;
  /** Decrypted before the handshake is complete: for whoever will be the owner then. */
  #early: EarlyData | undefined = undefined;
  /** Decrypted in this turn. */
  readonly #batch: Batch = new Batch();
  #retransmission: Alarm | undefined = undefined;
  #paths: PathChanges | undefined = undefined;

  constructor(self: Self, { connection, sender, made }: ConnectionArgs) {
    const { environment, transport, config, socket, owner, host, place } = connection;
    this.#self = self;
    this.#line = new Line(self, transport, sender, environment.settings, this);
    this.#place = place;
    place.taken(this);
    // However this process ends, killed too, its place is free then.
    self.own(place, gone);
    this.#config = config;
    this.#log = ConnectionLog.of(config, transport, self.node.logger);
    this.#keyLogger = KeyLogger.of(config, this.#log);
    this.#owner = new Owner(self, owner);
    this.#senderMonitor = self.monitor(sender);
    this.#socket = new SslSocket(self.node, self.pid, sender);
    this.#delivery = new Delivery(socket, this.#socket, (message) => this.#owner.tell(message));
    this.#intake = new Intake(self, sender, this.#line, this);
    this.#later = new Later(self, () => this.settle());
    this.#establishment = new Establishment(self, connection, this, {
      line: this.#line,
      delivery: this.#delivery,
      receiver: this.#intake,
      later: this.#later,
    });
    this.#calls = new ConnectionCalls(self, this.#line, this.#delivery, this.#owner, this);
    this.#certificates = new CertificateCalls(self);
    this.#renegotiations = new Renegotiations(self);
    this.#life = { state: 'initialHello', host };
    made(this.#socket);
  }

  /** What observers see. */
  toJSON(): object {
    return {
      state: this.state,
      role: this.#config.role,
      owner: this.#owner.pid,
      active: this.#delivery.active,
      buffered: this.#delivery.size,
    };
  }

  /** Bytes that wait here: received and not taken, or of a handshake. */
  memoryUse(): number {
    const held = isRunning(this.#life) ? this.#life.core.held : 0;
    return this.#delivery.size + (this.#early?.length ?? 0) + held;
  }

  get state(): LifecycleState {
    return this.#life.state;
  }

  get life(): Life {
    return this.#life;
  }

  get config(): Config {
    return this.#config;
  }

  get socket(): SslSocket {
    return this.#socket;
  }

  get log(): ConnectionLog {
    return this.#log;
  }

  get pid(): Pid<unknown> {
    return this.#self.pid;
  }

  /** Moves along an event's arrow; nothing changes when there is none from here. */
  go<E extends LifecycleEvent>(event: E, to: LifeAfter<E>): void {
    if (arrow(this.#life.state, event) === to.state) this.#life = to;
  }

  /** The same life, with something else in it. */
  amend(life: Handshaking | UserHello | Connected): void {
    this.#life = life;
  }

  // ── Requests ────────────────────────────────────────────────────────────────────────────────────────

  call(request: ConnectionRequest, from: From): Outcome {
    return this.#calls.call(request, from);
  }

  /** The owner wants no more of it, or is no more. */
  leave(): Outcome {
    this.#delivery.discard();
    this.#part('close_notify');
    return this.settle();
  }

  // ── The handshake ───────────────────────────────────────────────────────────────────────────────────

  start(life: InitialHello, request: StartCall, from: From<HandshakeAnswer>): Outcome {
    this.#establishment.start(life, request, from);
    return this.settle();
  }

  continue(life: UserHello, request: ContinueCall, from: From<HandshakeAnswer>): Outcome {
    this.#establishment.continue(life, request, from);
    return this.settle();
  }

  cancel(life: UserHello): Outcome {
    this.#establishment.cancel(life);
    return this.settle();
  }

  askHello(hello: HelloEvent): void {
    this.#establishment.askHello(hello);
  }

  askVerdict(chain: readonly Uint8Array[], staple: Uint8Array | undefined, use: KeyUse): void {
    this.#establishment.askVerdict(chain, staple, use);
  }

  askSignature(scheme: SignatureSchemeName, data: Uint8Array, identity: OwnIdentity): void {
    this.#establishment.askSignature(scheme, data, identity);
  }

  askStaple(wish: StapleWish): void {
    this.#establishment.askStaple(wish);
  }

  /** Others need the place more. */
  displaced(why: Displacement): void {
    this.#later.turn(() => {
      if (!isUnestablished(this.#life) || !this.#line.open) return undefined;
      this.#log.report('info', { why }, 'handshake displaced');
      this.#establishment.giveUp('system_limit');
      return this.settle();
    });
  }

  /** Too many linger after their handshakes have failed. */
  hurried(): void {
    this.#later.turn(() => {
      this.#line.lingered();
      return this.settle();
    });
  }

  // ── What the core says ──────────────────────────────────────────────────────────────────────────────

  write(pieces: readonly Uint8Array[]): void {
    this.#line.write(pieces);
  }

  deliver(data: Uint8Array, owned: boolean): void {
    const full = this.#batch.add(owned ? data : new Uint8Array(data));
    // Over datagrams a record is a message.
    if (full || this.#line.transport.datagrams === true) this.#flushBatch();
  }

  get keyLog(): KeyLogger['tell'] | undefined {
    return this.#keyLogger?.tell;
  }

  /** As long as no handshake is complete nobody can have it; how much there may be is the ticket's to say. */
  deliverEarly(data: Uint8Array): void {
    this.#early ??= new EarlyData(this.#line.transport.datagrams === true ? 'apart' : 'joined');
    this.#early.add(data);
  }

  /** Whether the core may ask for keys, and tell of tickets: what it may not it keeps nothing for. */
  listen({ psks, tickets, users }: Listening): void {
    this.askUser = users ? (wish) => this.#establishment.askUser(wish) : undefined;
    this.askPsk = psks ? (wish) => this.#establishment.askPsk(wish) : undefined;
    this.ticket = tickets ? (received) => this.#takeTicket(received) : undefined;
  }

  listenForSessions(sessions: boolean, tickets: boolean): void {
    this.askSession = sessions ? (wish) => this.#establishment.askSession(wish) : undefined;
    this.askTicket = tickets ? (session) => this.#establishment.askTicket(session) : undefined;
  }

  #takeTicket(received: ReceivedTicket): void {
    const life = this.#life;
    const ticket = life.state === 'connection' ? this.#establishment.ticket(received, life.facts) : undefined;
    if (ticket !== undefined) this.#owner.tell({ type: 'session_ticket', socket: this.#socket, ticket });
  }

  established(facts: Facts, shown?: Authentication): void {
    const life = this.#life;
    if (life.state === 'handshaking') this.#connect(life, facts);
    else if (life.state === 'connection') this.#connectAgain(life, facts);
    else if (life.state === 'downgrade') this.#goOnSending(life);
    if (shown !== undefined) this.#certificates.answered(shown);
    if (shown?.kind === 'certificate' && life.state === 'connection') this.#establishment.shown(life, facts);
  }

  #connect(life: Handshaking, facts: Facts): void {
    const { call, core } = life;
    this.go('established', connected(life, facts));
    // The last flight leaves before the sender can write.
    this.#line.handOver({
      type: 'connection',
      half: core.split(),
      receiver: this.#self.pid,
      packet: this.#delivery.options().packet,
      sendTimeout: this.#config.transport.sendTimeout ?? 'infinity',
      tickets: this.#establishment.issuesTickets(life) ? 'follow' : 'none',
      renegotiateAt: this.#config.renegotiateAt,
    });
    // However this process ends, killed too, the owner is told: what a process owns is closed after it.
    this.#self.own(this, tellOwnerOfEnd);
    this.#place.established();
    if (this.#wantsConfirmation(facts)) this.#awaitConfirmation(call);
    else call.answer({ ok: this.#socket });
    this.#keepSession(life, facts);
    const status = this.#establishment.established(life, facts);
    if (status !== undefined) this.#owner.tell({ type: 'early_data', socket: this.#socket, status });
    for (const data of this.#early?.finish() ?? []) this.#delivery.pushEarly(data);
    this.#early = undefined;
    const postponed = call.takePostponed();
    if (postponed.length > 0) this.#later.turn(() => this.#calls.replay(postponed));
  }

  #keepSession(life: Handshaking, facts: Facts): void {
    this.listenForSessions(false, false);
    const session = this.#establishment.keepSession(life, facts);
    if (session !== undefined && this.#life.state === 'connection') this.amend({ ...this.#life, session });
  }

  /** A handshake has run again, or a side has shown who it is: what is known is what that has found out. */
  #connectAgain(life: Connected, facts: Facts): void {
    this.amend({ ...life, facts, session: this.#establishment.renewSession(life.session, facts) });
    this.#goOnSending(life);
  }

  /** What a handshake needed to write with is the sender's again. */
  #goOnSending({ core }: Connected | Downgrading): void {
    if (!this.#line.writes) return;
    this.#line.handOverAgain(core.split());
    this.#renegotiations.done();
  }

  #wantsConfirmation({ unconfirmed }: Facts): boolean {
    return this.#config.role === 'client' && this.#config.confirm && unconfirmed;
  }

  #awaitConfirmation(call: HandshakeCall): void {
    if (this.#life.state !== 'connection') return;
    this.amend({ ...this.#life, unconfirmed: call });
    new Alarm(this.#self, 'confirm', confirmPatience);
  }

  /** The server may have nothing to say: asked for new keys it answers, once it has accepted what we have shown. */
  #askForWord(): void {
    if (this.#life.state === 'connection' && this.#life.unconfirmed !== undefined)
      this.#line.notify({ type: 'owed', what: 'key_update_request' });
  }

  /** The server has spoken: whoever waits for its word has it before what it has said. */
  #hear(): void {
    const life = this.#life;
    if (life.state !== 'connection' || !life.core.heard) return;
    this.#keyLogger?.settled();
    const { unconfirmed } = life;
    if (unconfirmed === undefined) return;
    this.amend({ ...life, unconfirmed: undefined });
    unconfirmed.answer({ ok: this.#socket });
  }

  /** It will not: the caller hears why, and nobody else, since nobody has the socket. */
  #disconfirm(reason: SslReason): void {
    const life = this.#life;
    if (life.state !== 'connection' || life.unconfirmed === undefined) return;
    this.amend({ ...life, unconfirmed: undefined });
    life.unconfirmed.answer({ error: reason });
    this.#delivery.discard();
  }

  requestCertificate(
    { core }: Connected,
    timeout: number | 'infinity',
    from: From<Result<Uint8Array>>,
  ): void {
    if (this.#line.open && !this.#line.peerDone) this.#certificates.ask(core, timeout, from);
    else from.reply({ error: 'closed' });
  }

  /** Over datagrams: when what nobody has answered goes out again. */
  timer(ms: number | undefined): void {
    this.#retransmission?.cancel();
    this.#retransmission = ms === undefined ? undefined : new Alarm(this.#self, 'retransmit', ms);
  }

  /** Over datagrams: made when somebody asks, for few have a peer that may move. */
  get paths(): PathChanges | undefined {
    if (this.#line.transport.paths === undefined) return undefined;
    const moved = (to: Address): void => this.#log.report('info', { to }, 'the peer has moved');
    this.#paths ??= new PathChanges(this.#self, this.#line, moved);
    return this.#paths;
  }

  renegotiate({ core }: Connected, from: From<Result<true>>): void {
    if (this.#line.open) this.#renegotiations.ask(core, this.#config.handshakeDeadline, from);
    else from.reply({ error: 'closed' });
  }

  /** A handshake is to run again, and needs the write half: `core.join`. */
  askWriteHalf(by: 'self' | 'peer'): void {
    this.#renegotiations.started(this.#config.handshakeDeadline);
    if (by === 'peer' && this.#config.role === 'server') this.#renegotiations.clientBegan();
    this.#line.takeBack();
  }

  renegotiationRefused(): void {
    const life = this.#life;
    this.#renegotiations.refused();
    if (life.state === 'connection' || life.state === 'downgrade') this.#goOnSending(life);
  }

  /** So many records were sent that it is time; a peer that does not want to is asked again after as many more. */
  #renegotiateByItself(): void {
    const life = this.#life;
    if (life.state === 'connection' && this.#line.open && life.core.renegotiate() === 'begun')
      this.#renegotiations.started(this.#config.handshakeDeadline);
  }

  /** It takes too long: a client that was asked may never begin, but one that has begun holds up what is to be sent. */
  #giveUpRenegotiation(): void {
    const life = this.#life;
    if (!isRunning(life) || !this.#line.open) return;
    if (!this.#line.sends) {
      life.core.fail('handshake_failure', { renegotiation: 'timeout' });
      return;
    }
    life.core.forgetRequest();
    this.#renegotiations.refused();
  }

  #writeHalfReturned(half: WriteHalf): Outcome {
    if (this.#line.returned(half) && isRunning(this.#life)) this.#life.core.join(half);
    return this.settle();
  }

  /** Our side has said close_notify: no handshake can run again. */
  #writeHalfKept(): Outcome {
    this.#line.kept();
    this.#renegotiations.end();
    if (isRunning(this.#life)) {
      this.#life.core.goOnSplit();
      this.#life.core.forgetRequest();
    }
    return this.settle();
  }

  peerClosed(): void {
    this.#line.peerSaidClose();
    this.#flushBatch();
    this.#disconfirm('closed');
    this.#endCalls('closed');
    const life = this.#life;
    switch (life.state) {
      case 'downgrade':
        if (!this.#line.sends) {
          this.failDowngrade(life, 'closed');
          return;
        }
        // What follows is for whoever gets the transport; chunks that wait for their turn come before this one.
        this.#line.transport.pause();
        this.#later.turn(() => this.#peerDoneForDowngrade());
        return;
      case 'connection':
        this.#delivery.end({ type: 'closed' });
        // A handshake that runs again will not end any more, and without its end nobody can send.
        if (this.#line.ended || !this.#line.sends) this.#part('close_notify');
        return;
      default:
        this.#establishment.disappoint('closed');
        this.#log.report('info', {}, 'the peer left during the handshake');
        this.#delivery.discard();
    }
    if (this.#line.ended) this.#part('close_notify');
  }

  failed(failure: Failure): void {
    this.#flushBatch();
    const life = this.#life;
    const reason = logFailure(failure, this.#config, this.#log, {
      verdict: failure.by === 'self' ? explanationIn(life) : undefined,
      unread: isRunning(life) ? life.core.takeRest() : new Uint8Array(),
    });
    if (isUnestablished(life)) this.#place.failed(failure.reason ?? `${failure.by}_${failure.alert}`);
    this.#establishment.disappoint(reason);
    this.#keyLogger?.failed();
    this.#disconfirm(reason);
    this.#endCalls(reason);
    this.#establishment.forgetSession(life, failure);
    // Who takes TLS off has closed: the answer of that call is all there is to tell.
    if (life.state === 'downgrade') life.downgrade.fail(reason);
    if (life.state === 'connection') this.#delivery.end({ type: 'failed', reason });
    else this.#delivery.discard();
    this.#part(failure.by === 'peer' ? 'nothing' : { alert: codeOf(failure.alert) });
    this.#end('failed');
  }

  trace(direction: 'in' | 'out', kind: string, bytes: Uint8Array): void {
    if (this.#log.traces) this.#log.trace(direction, kind, bytes);
  }

  owes(what: PostHandshakeReply): void {
    if (typeof what === 'string') this.#line.notify({ type: 'owed', what });
    else this.#later.goOnWith(this.#line.sendFlight(what), (sent) => this.#flightLeft(sent));
  }

  /** `sent`: else it never will be, since our side is closed, and a request that did not leave has no answer. */
  #flightLeft(sent: boolean): void {
    if (!sent) this.#certificates.end('closed');
    if (isRunning(this.#life)) this.#life.core.flightLeft();
  }

  // ── What the transport says ─────────────────────────────────────────────────────────────────────────

  chunk(chunk: Uint8Array, lent: boolean, path?: Address): Outcome {
    const life = this.#life;
    if (!this.#line.open || !isRunning(life)) return undefined;
    if (life.state === 'downgrade' && this.#line.peerDone) {
      life.downgrade.keep(lent ? new Uint8Array(chunk) : chunk);
      return undefined;
    }
    life.core.receive(chunk, path);
    if (lent) life.core.detach();
    if (!this.#delivery.demand) this.#line.readAhead();
    return this.settle();
  }

  transportEnds(end: TransportEnd): Outcome {
    if (end.type === 'ended') this.#peerEnded();
    else this.#transportGone(end.reason);
    return this.settle();
  }

  /** As OTP's sockets do (exit_on_close): a stream that the peer has ended takes no data of ours any more. */
  #peerEnded(): void {
    const life = this.#life;
    if (life.state === 'downgrade') {
      // It stands behind the last chunk, and so need not wait for what else may have its turn.
      if (this.#line.peerDone) life.downgrade.peerDone();
      if (!life.downgrade.isDone) this.failDowngrade(life, 'tcp_closed');
    } else if (this.#line.peerEnded()) {
      if (isRunning(life)) life.core.receiveEnd();
      // With an answer awaited the core has not come to the end yet: `peerClosed` follows.
      if (!isRunning(life) || life.core.awaiting === undefined) this.#part('close_notify');
    }
  }

  #transportGone(reason: string | undefined): void {
    if (reason !== undefined) this.#log.report('info', { reason }, 'transport closed');
    if (this.#line.open) {
      if (isRunning(this.#life)) {
        this.#life.core.receiveEnd();
        // A write half that is on its way back does not come any more.
        this.#life.core.goOnSplit();
      } else this.#delivery.discard();
    }
    this.#line.closed();
    this.#place.hangUp();
    if (this.#life.state === 'downgrade') this.failDowngrade(this.#life, 'tcp_closed');
  }

  workOn(): Outcome {
    if (this.#line.open && isRunning(this.#life)) this.#life.core.resume();
    this.#delivery.resume();
    return this.settle();
  }

  // ── The bare transport is given back ────────────────────────────────────────────────────────────────

  /** `ssl:close/2` with a new owner: both sides say close_notify, then the bare transport is given back. */
  startDowngrade({ core, means }: Connected, downgrade: Downgrade): void {
    this.#endCalls('closed');
    this.go('downgrade', { state: 'downgrade', core, means, downgrade });
    if (this.#line.peerDone) downgrade.peerDone();
    this.#later.goOnWith(this.#line.sayClose(), (said) => this.#saidForDowngrade(said));
  }

  #saidForDowngrade(said: boolean): void {
    const life = this.#life;
    if (life.state !== 'downgrade') return;
    if (said) life.downgrade.goodbyeSaid();
    else this.failDowngrade(life, 'closed');
  }

  #peerDoneForDowngrade(): Outcome {
    const life = this.#life;
    if (life.state === 'downgrade') life.downgrade.peerDone();
    return this.settle();
  }

  /** When both have said close_notify. */
  #tryDowngrade({ downgrade, core }: Downgrading): Outcome {
    if (!downgrade.giveBack(this.#line, core)) return undefined;
    this.#delivery.discard();
    this.go('close', closed);
    return { stop: { shutdown: 'downgrade' }, state: this };
  }

  failDowngrade({ downgrade }: Downgrading, reason: string): void {
    downgrade.fail(reason);
    this.abandon();
  }

  // ── Messages ────────────────────────────────────────────────────────────────────────────────────────

  info(message: unknown): Outcome {
    if (message instanceof DownMessage) return this.#down(message.ref);
    if (message instanceof Alarm) return message.cancelled ? undefined : this.#ring(message);
    if (message instanceof WriteHalfReturned) return this.#writeHalfReturned(message.half);
    if (message instanceof WriteHalfKept) return this.#writeHalfKept();
    if (message instanceof RenegotiationDue) {
      this.#renegotiateByItself();
      return this.settle();
    }
    if (message instanceof KeyUpdatesAsked && isRunning(this.#life))
      this.#life.core.expectKeyUpdates(message.count);
    return undefined;
  }

  #down(ref: Ref): Outcome {
    if (this.#owner.isMonitoredBy(ref)) return this.leave();
    if (ref === this.#senderMonitor && this.#line.open) {
      // The write half is lost with its process: all that is left is to tell who waits, or the owner.
      const reason = crashReason(this.#config);
      const life = this.#life;
      this.#establishment.disappoint(reason);
      this.#disconfirm(reason);
      this.#endCalls(reason);
      if (life.state === 'downgrade') life.downgrade.fail(reason);
      if (life.state === 'connection') this.#delivery.end({ type: 'failed', reason });
      return { stop: { shutdown: 'sender_died' }, state: this };
    }
    return undefined;
  }

  #ring(alarm: Alarm): Outcome {
    switch (alarm.kind) {
      case 'handshake':
        if (isUnestablished(this.#life)) this.#establishment.giveUp('timeout');
        else this.#giveUpUnconfirmed();
        break;
      case 'certificate':
        this.#certificates.rung(alarm);
        break;
      case 'confirm':
        this.#askForWord();
        break;
      case 'renegotiation':
        this.#giveUpRenegotiation();
        break;
      case 'client_renegotiation':
        if (isRunning(this.#life)) this.#life.core.allowRenegotiation();
        break;
      case 'downgrade':
        if (this.#life.state === 'downgrade') this.failDowngrade(this.#life, 'timeout');
        break;
      case 'recv':
        this.#delivery.abandonRecv('timeout');
        break;
      case 'linger':
        this.#line.lingered();
        break;
      case 'retransmit':
        if (isRunning(this.#life)) this.#life.core.timeUp();
        break;
      case 'path':
        if (isRunning(this.#life)) this.#life.core.pathTimeUp();
        break;
    }
    return this.settle();
  }

  #giveUpUnconfirmed(): void {
    this.#disconfirm('timeout');
    this.#part('close_notify');
  }

  // ── The end of a turn, and of the connection ────────────────────────────────────────────────────────

  /** After anything that may have moved data: write, deliver, regulate reading, see whether all is over. */
  settle(): Outcome {
    this.#line.flush();
    this.#flushBatch();
    const life = this.#life;
    if (life.state === 'handshaking' || life.state === 'userHello') this.#progress(life.core);
    if (!this.#delivery.over) {
      this.#restWhenDue(life);
      if (isRunning(life) && this.#line.open) this.#intake.regulate(life, this.#delivery);
      return life.state === 'downgrade' ? this.#tryDowngrade(life) : undefined;
    }
    if (life.state !== 'closed') this.#conclude();
    return this.#line.done ? { stop: 'normal', state: this } : undefined;
  }

  /** How far the peer is and what is held for it. */
  #progress({ awaiting, greeted, held }: Core): void {
    const bytes = held + (this.#early?.length ?? 0);
    this.#place.progress(awaiting !== undefined ? 'ours' : greeted ? 'talking' : 'silent', bytes);
  }

  /** When this turn has done enough, others run first. */
  #restWhenDue(life: Life): void {
    if (this.#delivery.needsRest || (this.#line.open && isRunning(life) && life.core.needsRest))
      this.#intake.rest();
  }

  /** The owner has been told, or needs not be: whoever asks now hears that it is over. */
  #conclude(): void {
    const life = this.#life;
    this.#end('close');
    this.#part('close_notify', life);
  }

  /** Over: whoever still waits for this life hears it. An established connection that failed still delivers: no arrow. */
  #end(event: 'failed' | 'close'): void {
    this.timer(undefined);
    this.#paths?.timer(undefined);
    const life = this.#life;
    if (arrow(life.state, event) === undefined) return;
    this.#establishment.disappoint('closed');
    this.#disconfirm('closed');
    this.#endCalls('closed');
    this.go(event, closed);
    if (life.state === 'downgrade') life.downgrade.fail('closed');
    if ('call' in life) life.call.endPostponed();
  }

  /** Over, without a word to the peer. */
  abandon(): void {
    this.#delivery.discard();
    this.#part('nothing');
    this.#end('failed');
  }

  #flushBatch(): void {
    this.#hear();
    const batch = this.#batch.take();
    if (batch !== undefined && !this.#isUnwanted) this.#delivery.push(batch);
  }

  /** TLS is taken off and the owner is passive: nobody can ask for data any more, and the peer may send without end. */
  get #isUnwanted(): boolean {
    return this.#life.state === 'downgrade' && this.#delivery.active === false;
  }

  #part(goodbye: Goodbye, life: Life = this.#life): void {
    this.#line.part(goodbye, () => {
      if (isRunning(life)) life.core.close();
    });
  }

  /** The goodbye is out, or was given up. */
  said(linger: boolean): Outcome {
    this.#line.said(linger);
    return this.settle();
  }

  /** The process ends, by itself or because it was told to, or because it failed. */
  terminate(reason: unknown): void {
    if (reason === 'normal') return;
    const orderly = isOrderly(reason);
    const life = this.#life;
    switch (life.state) {
      case 'initialHello':
      case 'loading':
      case 'handshaking':
      case 'userHello':
        this.#establishment.terminate(life, orderly);
        return;
      case 'downgrade':
        // Who takes TLS off has closed: the answer of that call is all there is to tell.
        life.downgrade.fail(orderly ? 'closed' : crashReason(this.#config));
        this.#delivery.discard();
        return;
      case 'connection': {
        const told: SslReason = orderly ? 'closed' : crashReason(this.#config);
        this.#disconfirm(told);
        this.#endCalls(told);
        if (this.#line.writes) {
          if (orderly) life.core.close();
          else life.core.fail('internal_error');
          this.#line.flush();
        }
        this.#delivery.endNow(orderly ? { type: 'closed' } : { type: 'failed', reason: told });
        this.#delivery.abandonRecv(told);
        return;
      }
      case 'closed':
        return;
    }
  }

  /** Whoever waits for the peer to do something hears that it will not. */
  #endCalls(reason: SslReason): void {
    this.#certificates.end(reason);
    this.#renegotiations.end();
  }

  /** Tells the owner, unless it has heard of the end already or need not. */
  tellEnd(): void {
    // As in `terminate`: who takes TLS off hears it from that call.
    if (this.#life.state === 'downgrade') return;
    this.#delivery.endNow({ type: 'failed', reason: crashReason(this.#config) });
  }

  // ── What all of this uses ───────────────────────────────────────────────────────────────────────────

  /** Another config in place of the one before. */
  configure(config: Config): void {
    this.#config = config;
    this.#log = ConnectionLog.of(config, this.#line.transport, this.#self.node.logger);
    this.#keyLogger = KeyLogger.of(config, this.#log);
  }
}

function gone(place: Place): void {
  place.gone();
}

function tellOwnerOfEnd(connection: Connection): void {
  connection.tellEnd();
}
