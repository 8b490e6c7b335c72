/**
 * The connection process, OTP's receiver (`ssl_gen_statem`, `tls_connection`): handshake, decryption, delivery, the
 * owner's monitor. What exists when is told by its present life (`lives.ts`).
 *
 * It is the only reader of the transport, and its only writer until the handshake is done; then the write half goes
 * to the sender process. The core below it never waits: what needs the outside is asked through the sink and answered
 * in a later turn, or at once when the answer is known.
 */
import {
  DownMessage,
  type From,
  type GenServer,
  isOrderly,
  type MemoryUse,
  type Pid,
  type Ref,
  type Self,
  type Stop,
} from '@actor-tls/runtime';
import type { Config } from '../../options/config.js';
import type { Core } from '../../protocol/core.js';
import type { Facts } from '../../protocol/facts.js';
import type { HelloEvent } from '../../protocol/handshake.js';
import type { OwnIdentity } from '../../protocol/own-identity.js';
import type { WriteHalf } from '../../protocol/record/write-half.js';
import type { Failure, Owed, Sink, StapleWish } from '../../protocol/sink.js';
import type { SignatureSchemeName } from '../../values/registry/schemes.js';
import type { Failed, Ok, Result, SslReason } from '../../values/terms.js';
import { Batch } from '../delivery/batch.js';
import { Delivery } from '../delivery/delivery.js';
import type { Environment } from '../environment.js';
import { layOver } from '../listener/listener-options.js';
import type { Displacement, Occupant, Place } from '../listener/place.js';
import type { Credentials } from '../material/credentials.js';
import { Alarm, shorter } from './alarm.js';
import { closedError, codeOf, crashReason, nameOf } from './connection-answers.js';
import { type CallHolder, ConnectionCalls, type StartCall } from './connection-calls.js';
import { ConnectionLog } from './connection-log.js';
import { type ConnectionRequest, type Downgraded, isConnectionRequest } from './connection-requests.js';
import { Downgrade } from './downgrade.js';
import { logFailure } from './failure-report.js';
import { HandshakeCall } from './handshake-call.js';
import { type AfterHello, type Equipment, HandshakeMeans, sameEquipment } from './handshake-means.js';
import { Intake, type IntakeHolder, type TransportEnd } from './intake.js';
import { Later } from './later.js';
import { arrow, type LifecycleEvent, type LifecycleState } from './lifecycle.js';
import { type Goodbye, Line, type LineHolder } from './line.js';
import { setEmulated } from './live-options.js';
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
  type UnestablishedLife,
} from './lives.js';
import type { ConnectionArgs } from './new-connection.js';
import { Owner } from './owner.js';
import { KeyUpdatesAsked, WriteHalfReturned } from './sender.js';
import { SslSocket } from './socket.js';

type Outcome = Stop<Connection> | undefined;

export class Connection
  implements
    Sink,
    IntakeHolder<Stop<Connection>>,
    LineHolder,
    Occupant,
    MemoryUse,
    CallHolder<Stop<Connection>>
{
  readonly #self: Self;
  readonly #environment: Environment;
  readonly #line: Line;
  readonly #place: Place;
  readonly #senderMonitor: Ref;
  readonly #socket: SslSocket;
  readonly #delivery: Delivery<SslSocket>;
  readonly #afterHello: AfterHello;
  readonly #owner: Owner;
  readonly #intake: Intake<Stop<Connection>>;
  readonly #later: Later<Outcome>;
  readonly #calls: ConnectionCalls<Stop<Connection>>;
  #life: Life;
  #config: Config;
  #log: ConnectionLog;
  /** Decrypted in this turn. */
  readonly #batch: Batch = new Batch();

  constructor(self: Self, { connection, sender, made }: ConnectionArgs) {
    const { environment, transport, config, socket, owner, host, place, afterHello } = connection;
    this.#self = self;
    this.#environment = environment;
    this.#line = new Line(self, transport, sender, environment.settings, this);
    this.#place = place;
    place.taken(this);
    // However this process ends, killed too, its place is free then.
    self.own(place, gone);
    this.#config = config;
    this.#log = this.#logOf(config);
    this.#owner = new Owner(self, owner);
    this.#senderMonitor = self.monitor(sender);
    this.#socket = new SslSocket(self.node, self.pid, sender);
    this.#delivery = new Delivery(socket, this.#socket, (message) => this.#owner.tell(message));
    this.#afterHello = afterHello ?? sameEquipment;
    this.#intake = new Intake(self, sender, this.#line, this);
    this.#later = new Later(self, () => this.settle());
    this.#calls = new ConnectionCalls(self, this.#line, this.#delivery, this.#owner, this);
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
    return this.#delivery.size + held;
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

  get pid(): Pid<unknown> {
    return this.#self.pid;
  }

  /** Moves along an event's arrow; false, and nothing changes, when there is none from here. */
  #go<E extends LifecycleEvent>(event: E, to: LifeAfter<E>): boolean {
    if (arrow(this.#life.state, event) !== to.state) return false;
    this.#life = to;
    return true;
  }

  // ── Requests ────────────────────────────────────────────────────────────────────────────────────────

  call(request: ConnectionRequest, from: From): Outcome {
    return this.#calls.call(request, from);
  }

  close(from: From<Ok>): Outcome {
    this.#line.closer(from);
    this.#delivery.discard();
    this.#part('close_notify');
    return this.settle();
  }

  // ── Before and during the handshake ─────────────────────────────────────────────────────────────────

  start({ host }: InitialHello, { timeout, options }: StartCall, from: From<Result<SslSocket>>): Outcome {
    const changed = options && layOver(options, this.#config, this.#environment);
    if (changed !== undefined && 'ok' in changed) {
      this.#configure(changed.ok.config);
      setEmulated(changed.ok.socket, this.#delivery, this.#line);
    }
    const limit = shorter(timeout, this.#config.handshakeDeadline);
    this.#go('start', {
      state: 'loading',
      host,
      call: new HandshakeCall(from, new Alarm(this.#self, 'handshake', limit)),
    });
    if (changed !== undefined && 'error' in changed) this.#refuse(changed.error);
    else this.#load();
    return this.settle();
  }

  #load(): void {
    this.#line.notify({ type: 'handshake' });
    this.#later.goOnWith(this.#environment.credentials(this.#config), (loaded) => this.#begin(loaded));
  }

  /** With certificates, keys and trust at hand the core starts. */
  #begin(loaded: Result<Credentials>): void {
    const life = this.#life;
    if (life.state !== 'loading') return;
    if ('error' in loaded) {
      this.#refuse(loaded.error);
      return;
    }
    const { engine } = this.#environment;
    const means = HandshakeMeans.of({ config: this.#config, credentials: loaded.ok }, life.host, engine);
    const core = means.makeCore(engine, this);
    this.#go('loaded', { state: 'handshaking', call: life.call, means, core });
    core.start();
    this.#line.flush();
    this.#line.start(this.#intake);
  }

  /** Others need the place more. */
  displaced(why: Displacement): void {
    this.#later.turn(() => {
      if (!isUnestablished(this.#life) || !this.#line.open) return undefined;
      this.#log.report('info', { why }, 'handshake displaced');
      this.#refuse('system_limit');
      return this.settle();
    });
  }

  /** The handshake is given up without a word to the peer. */
  #refuse(reason: SslReason): void {
    this.#log.report('info', { reason }, 'handshake given up');
    this.#disappoint(reason);
    this.#delivery.discard();
    this.#part('nothing');
    this.#end('failed');
  }

  /** Whoever waits for the handshake hears that there will be none, and it is counted. */
  #disappoint(reason: SslReason): void {
    const life = this.#life;
    if (!isUnestablished(life)) return;
    this.#place.failed(nameOf(reason));
    if (life.state !== 'initialHello') life.call.answer({ error: reason });
  }

  // ── What the core asks ──────────────────────────────────────────────────────────────────────────────

  askHello(hello: HelloEvent): void {
    const life = this.#life;
    if (life.state !== 'handshaking') return;
    const chosen = this.#afterHello(hello, life.means.equipment);
    if (chosen instanceof Promise) this.#go('paused', { ...life, state: 'userHello', hello });
    this.#later.goOnWith(chosen, (equipment) => this.#continue(equipment));
  }

  /** The handshake goes on, with these options from here. */
  #continue(chosen: Result<Equipment>): void {
    const life = this.#life;
    if (life.state !== 'userHello' && life.state !== 'handshaking') return;
    const { call, core } = life;
    if ('error' in chosen) {
      core.fail('internal_error', { hello: chosen.error });
      return;
    }
    const means = chosen.ok === life.means.equipment ? life.means : this.#reequip(life.means, chosen.ok);
    if (life.state === 'userHello') this.#go('continue', { state: 'handshaking', call, core, means });
    else this.#life = { ...life, means };
    core.answerHello(means.afterHello());
  }

  #reequip(means: HandshakeMeans, equipment: Equipment): HandshakeMeans {
    this.#configure(equipment.config);
    return means.goOnWith(equipment);
  }

  askVerdict(chain: readonly Uint8Array[], staple: Uint8Array | undefined): void {
    const { core, means } = this.#asking;
    this.#later.goOnWith(means.judge(chain, staple, this.#environment, this.#log), (verdict) => {
      if ('reject' in verdict) means.explanation = verdict.reject.explanation;
      core.answerVerdict(verdict);
    });
  }

  askSignature(scheme: SignatureSchemeName, data: Uint8Array, identity: OwnIdentity): void {
    const { core, means } = this.#asking;
    this.#later.goOnWith(means.sign(scheme, data, identity), (answer) => {
      if ('ok' in answer) core.answerSignature(answer.ok);
      else core.fail('internal_error', { sign: answer.error });
    });
  }

  askStaple(wish: StapleWish): void {
    const { core, means } = this.#asking;
    this.#later.goOnWith(means.staple(wish), (response) => core.answerStaple(response));
  }

  /** Which core asks, and what it is answered from. An answer that comes when all is over means nothing to it. */
  get #asking(): { readonly core: Core; readonly means: HandshakeMeans } {
    const life = this.#life;
    if (!('means' in life) || life.means === 'spent') throw new TypeError('asked without a handshake');
    return { core: life.core, means: life.means };
  }

  // ── What the core says ──────────────────────────────────────────────────────────────────────────────

  write(pieces: readonly Uint8Array[]): void {
    this.#line.write(pieces);
  }

  deliver(data: Uint8Array, owned: boolean): void {
    if (this.#batch.add(owned ? data : new Uint8Array(data))) this.#flushBatch();
  }

  established(facts: Facts): void {
    const life = this.#life;
    if (life.state === 'handshaking') this.#connect(life, facts);
    else if (life.state === 'connection') this.#connectAgain(life, facts);
  }

  #connect(life: Handshaking, facts: Facts): void {
    const { call, core } = life;
    this.#go('established', connected(life, facts));
    // The last flight leaves before the sender can write.
    this.#line.handOver({
      type: 'connection',
      half: core.split(),
      receiver: this.#self.pid,
      packet: this.#delivery.options().packet,
      sendTimeout: this.#config.transport.sendTimeout ?? 'infinity',
    });
    // However this process ends, killed too, the owner is told: what a process owns is closed after it.
    this.#self.own(this, tellOwnerOfEnd);
    this.#place.established();
    call.answer({ ok: this.#socket });
    const postponed = call.takePostponed();
    if (postponed.length > 0) this.#later.turn(() => this.#calls.replay(postponed));
  }

  /** A handshake has run again: what is known is what it has found out, and the sender writes on. */
  #connectAgain(life: Connected, facts: Facts): void {
    this.#life = { ...life, facts };
    this.#line.handOverAgain(life.core.split());
  }

  /** A handshake is to run again, and needs the write half: `core.join`. */
  askWriteHalf(): void {
    this.#line.takeBack();
  }

  #writeHalfReturned(half: WriteHalf): void {
    if (this.#line.returned(half) && isRunning(this.#life)) this.#life.core.join(half);
  }

  peerClosed(): void {
    this.#line.peerSaidClose();
    this.#flushBatch();
    switch (this.#life.state) {
      case 'downgrade':
        // What follows is for whoever gets the transport.
        this.#line.transport.pause();
        return;
      case 'connection':
        this.#delivery.end({ type: 'closed' });
        return;
      default:
        this.#disappoint('closed');
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
    this.#disappoint(reason);
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

  owes(what: Owed): void {
    this.#line.notify({ type: 'owed', what });
  }

  // ── What the transport says ─────────────────────────────────────────────────────────────────────────

  chunk(chunk: Uint8Array, lent: boolean): Outcome {
    const life = this.#life;
    if (!this.#line.open || !isRunning(life)) return undefined;
    life.core.receive(chunk);
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
    if (life.state === 'downgrade') this.failDowngrade(life, 'tcp_closed');
    else if (this.#line.peerEnded()) {
      if (isRunning(life)) life.core.receiveEnd();
      // With an answer awaited the core has not come to the end yet: `peerClosed` follows.
      if (!isRunning(life) || life.core.awaiting === undefined) this.#part('close_notify');
    }
  }

  #transportGone(reason: string | undefined): void {
    if (reason !== undefined) this.#log.report('info', { reason }, 'transport closed');
    if (this.#line.open) {
      if (isRunning(this.#life)) this.#life.core.receiveEnd();
      else this.#delivery.discard();
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
  startDowngrade(
    { core }: Connected,
    timeout: number | 'infinity',
    from: From<Downgraded | Failed>,
  ): Outcome {
    if (!this.#line.open) {
      from.reply(closedError);
      return undefined;
    }
    this.#delivery.abandonRecv('closed');
    const downgrade = new Downgrade(from, new Alarm(this.#self, 'downgrade', timeout));
    this.#go('downgrade', { state: 'downgrade', core, downgrade });
    this.#later.goOnWith(this.#line.sayClose(), (said) => this.#saidForDowngrade(said));
    return undefined;
  }

  #saidForDowngrade(said: boolean): void {
    const life = this.#life;
    if (life.state !== 'downgrade') return;
    if (said) life.downgrade.goodbyeSaid();
    else this.failDowngrade(life, 'closed');
  }

  /** When both have said close_notify. */
  #tryDowngrade({ downgrade, core }: Downgrading): Outcome {
    if (!downgrade.giveBack(this.#line, core)) return undefined;
    this.#delivery.discard();
    this.#go('close', closed);
    return { stop: { shutdown: 'downgrade' }, state: this };
  }

  failDowngrade({ downgrade }: Downgrading, reason: string): void {
    downgrade.fail(reason);
    this.#delivery.discard();
    this.#part('nothing');
    this.#end('failed');
  }

  // ── Messages ────────────────────────────────────────────────────────────────────────────────────────

  info(message: unknown): Outcome {
    if (message instanceof DownMessage) return this.#down(message.ref);
    if (message instanceof Alarm) return message.cancelled ? undefined : this.#ring(message);
    if (message instanceof WriteHalfReturned) this.#writeHalfReturned(message.half);
    if (message instanceof KeyUpdatesAsked && isRunning(this.#life))
      this.#life.core.expectKeyUpdates(message.count);
    return undefined;
  }

  #down(ref: Ref): Outcome {
    if (this.#owner.isMonitoredBy(ref)) {
      this.#delivery.discard();
      this.#part('close_notify');
      return this.settle();
    }
    if (ref === this.#senderMonitor && this.#line.open) {
      // The write half is lost with its process: all that is left is to tell the owner.
      const reason = crashReason(this.#config);
      this.#disappoint(reason);
      if (!isUnestablished(this.#life)) this.#delivery.end({ type: 'failed', reason });
      return { stop: { shutdown: 'sender_died' }, state: this };
    }
    return undefined;
  }

  #ring({ kind }: Alarm): Outcome {
    switch (kind) {
      case 'handshake':
        this.#refuse('timeout');
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
    }
    return this.settle();
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
    this.#place.progress(awaiting !== undefined ? 'ours' : greeted ? 'talking' : 'silent', held);
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
    const life = this.#life;
    if (arrow(life.state, event) === undefined) return;
    this.#disappoint('closed');
    this.#go(event, closed);
    if (life.state === 'downgrade') life.downgrade.fail('closed');
    if ('call' in life) life.call.endPostponed();
  }

  #flushBatch(): void {
    const batch = this.#batch.take();
    if (batch !== undefined) this.#delivery.push(batch);
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
        this.#terminateUnestablished(life, orderly);
        return;
      case 'downgrade':
        // Who takes TLS off has closed: the answer of that call is all there is to tell.
        life.downgrade.fail(orderly ? 'closed' : crashReason(this.#config));
        this.#delivery.discard();
        return;
      case 'connection': {
        const told: SslReason = orderly ? 'closed' : crashReason(this.#config);
        this.#delivery.endNow(orderly ? { type: 'closed' } : { type: 'failed', reason: told });
        this.#delivery.abandonRecv(told);
        return;
      }
      case 'closed':
        return;
    }
  }

  /** Nobody has the socket yet: whoever waits for the handshake, and the peer, are all there is to tell. */
  #terminateUnestablished(life: UnestablishedLife, orderly: boolean): void {
    this.#disappoint(orderly ? 'closed' : crashReason(this.#config));
    if ('call' in life) life.call.endPostponed();
    if (isRunning(life)) {
      if (orderly) life.core.close();
      else life.core.fail('internal_error');
    }
    this.#line.flush();
  }

  /** Tells the owner, unless it has heard of the end already or need not. */
  tellEnd(): void {
    this.#delivery.endNow({ type: 'failed', reason: crashReason(this.#config) });
  }

  // ── What all of this uses ───────────────────────────────────────────────────────────────────────────

  /** Another config in place of the one before. */
  #configure(config: Config): void {
    this.#config = config;
    this.#log = this.#logOf(config);
  }

  #logOf({ logLevel, protocol, role }: Config): ConnectionLog {
    return new ConnectionLog(this.#self.node.logger, logLevel, () => {
      const peer = this.#line.transport.peername();
      return { protocol, role, ...('ok' in peer ? { peer: peer.ok } : {}) };
    });
  }
}

function gone(place: Place): void {
  place.gone();
}

function tellOwnerOfEnd(connection: Connection): void {
  connection.tellEnd();
}

/** Callbacks of the connection process. */
export const connectionServer: GenServer<Connection, ConnectionArgs> = {
  label: 'tls_connection',
  init(self, args) {
    self.trapExit(true);
    return { ok: new Connection(self, args) };
  },
  handleCall(request, from, connection) {
    return isConnectionRequest(request) ? connection.call(request, from) : undefined;
  },
  handleInfo(message, connection) {
    return connection.info(message);
  },
  terminate(reason, connection) {
    connection.terminate(reason);
  },
};
