/**
 * The connection process, OTP's receiver (`ssl_gen_statem`, `tls_connection`): handshake, decryption, delivery, the
 * owner's monitor, the life of the connection.
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
import type { Config, SocketOptions } from '../../options/config.js';
import type { TlsServerOptions } from '../../options/raw.js';
import {
  activeOutOfRange,
  planSetopts,
  readOptions,
  transportRefused,
} from '../../options/socket-options.js';
import type { Core } from '../../protocol/core.js';
import type { Facts } from '../../protocol/facts.js';
import type { OwnIdentity } from '../../protocol/identity.js';
import type { Failure, Owed, Sink, StapleWish } from '../../protocol/sink.js';
import type { SignatureSchemeName } from '../../values/registry/schemes.js';
import type { Failed, Ok, Result, SslReason } from '../../values/terms.js';
import type { PeerVerdict } from '../../values/x509/verdict.js';
import { Batch } from '../delivery/batch.js';
import { Delivery, type RecvResult } from '../delivery/delivery.js';
import type { Environment } from '../environment.js';
import { layOver } from '../listener/listener-options.js';
import type { Displacement, Occupant, Place } from '../listener/place.js';
import type { Credentials } from '../material/credentials.js';
import type { Transport, TransportReceiver } from '../transport/transport.js';
import { Alarm } from './alarm.js';
import { afterEnd, closedError, codeOf, crashReason, einval, okay } from './connection-answers.js';
import { ConnectionLog } from './connection-log.js';
import { answerQuery } from './connection-queries.js';
import {
  type ConnectionRequest,
  connectionRequests,
  type Downgraded,
  isConnectionRequest,
} from './connection-requests.js';
import { reportFailure } from './failure-report.js';
import { Handshaking, type Postponed } from './handshaking.js';
import { Lifecycle, type LifecycleState } from './lifecycle.js';
import { type Goodbye, Line, type LineHolder } from './line.js';
import { KeyUpdatesAsked, type SenderNotice } from './sender.js';
import { type SslMessage, SslSocket } from './socket.js';

/** What a connection is started with. */
export interface NewConnection {
  readonly environment: Environment;
  readonly transport: Transport;
  readonly config: Config;
  readonly socket: SocketOptions;
  readonly owner: Pid<SslMessage>;
  /** The host argument of `connect`; for an upgrade the peer's address. */
  readonly host: string | undefined;
  /** Its place in the books. */
  readonly place: Place;
}

export interface ConnectionArgs {
  readonly connection: NewConnection;
  readonly sender: Pid<unknown>;
  /** Called in `init` with what the user will hold. */
  readonly made: (socket: SslSocket) => void;
}

type Outcome = Stop<Connection> | undefined;

export class Connection implements Sink, TransportReceiver, LineHolder, Occupant, MemoryUse {
  readonly #self: Self;
  readonly #environment: Environment;
  readonly #line: Line;
  readonly #place: Place;
  readonly #sender: Pid<unknown>;
  readonly #senderMonitor: Ref;
  readonly #socket: SslSocket;
  readonly #delivery: Delivery<SslSocket>;
  readonly #lifecycle: Lifecycle = new Lifecycle();
  #config: Config;
  #owner: Pid<SslMessage>;
  #ownerMonitor: Ref;
  /** What only the handshake needs; dropped with it. */
  #handshake: Handshaking | undefined;
  #core: Core | undefined = undefined;
  #log: ConnectionLog;
  #facts: Facts | undefined = undefined;
  /** Decrypted in this turn. */
  readonly #batch: Batch = new Batch();
  /** The peer sends nothing any more that we would read. */
  #peerDone = false;
  /** This turn has done enough: others run, nothing is read, and the next turn is on its way. */
  #resting = false;
  /** The transport's end, which came while input waits that stands before it. */
  #ending: (() => Outcome) | undefined = undefined;
  #recvAlarm: Alarm<'recv'> | undefined = undefined;
  /** Who wants the bare transport back. */
  #downgrade: Downgrade | undefined = undefined;

  constructor(self: Self, { connection, sender, made }: ConnectionArgs) {
    const { environment, transport, config, socket, owner, host, place } = connection;
    this.#self = self;
    this.#environment = environment;
    this.#line = new Line(self, transport, sender, environment.settings, this);
    this.#place = place;
    place.taken(this);
    // However this process ends, killed too, its place is free then.
    self.own(place, gone);
    this.#sender = sender;
    this.#config = config;
    this.#log = this.#logOf(config);
    this.#owner = owner;
    this.#ownerMonitor = self.monitor(owner);
    this.#senderMonitor = self.monitor(sender);
    this.#socket = new SslSocket(self.node, self.pid, sender);
    this.#delivery = new Delivery(socket, this.#socket, (message) => this.#tell(message));
    this.#handshake = new Handshaking(host, place);
    made(this.#socket);
  }

  /** What observers see. */
  toJSON(): object {
    return {
      state: this.#lifecycle.state,
      role: this.#config.role,
      owner: this.#owner,
      active: this.#delivery.active,
      buffered: this.#delivery.size,
    };
  }

  /** Bytes that wait here: received and not taken, or of a handshake. */
  memoryUse(): number {
    return this.#delivery.size + (this.#core?.held ?? 0);
  }

  get state(): LifecycleState {
    return this.#lifecycle.state;
  }

  get pid(): Pid<unknown> {
    return this.#self.pid;
  }

  // ── Requests ────────────────────────────────────────────────────────────────────────────────────────

  call(request: ConnectionRequest, from: From): Outcome {
    switch (this.#lifecycle.state) {
      case 'initialHello':
        return this.#callBefore(request, from);
      case 'handshaking':
      case 'userHello':
        return this.#callDuring(request, from);
      case 'connection':
        return this.#callConnected(request, from);
      case 'downgrade':
        from.reply(afterEnd(request));
        return request.type === 'close' ? this.#failDowngrade('closed') : undefined;
      case 'closed':
        from.reply(afterEnd(request));
        return undefined;
    }
  }

  /** After `transport_accept`, before `handshake` (contract §1.1). */
  #callBefore(request: ConnectionRequest, from: From): Outcome {
    switch (request.type) {
      case 'start':
        return this.#start(request.timeout, request.options, connectionRequests.from(request, from));
      case 'controlling_process':
      case 'peername':
      case 'sockname':
      case 'statistics':
      case 'close':
        return this.#callConnected(request, from);
      default:
        from.reply({ error: 'notsup_on_transport_accept_socket' });
        return undefined;
    }
  }

  #callDuring(request: ConnectionRequest, from: From): Outcome {
    switch (request.type) {
      case 'controlling_process':
      case 'peername':
      case 'sockname':
      case 'statistics':
      case 'close':
      case 'get_options':
        return this.#callConnected(request, from);
      default:
        this.#handshake?.postponed.push({ request, from });
        return undefined;
    }
  }

  #callConnected(request: ConnectionRequest, from: From): Outcome {
    switch (request.type) {
      case 'start':
        from.reply(einval);
        return undefined;
      case 'recv':
        return this.#recv(request.length, request.timeout, connectionRequests.from(request, from));
      case 'set_options':
        connectionRequests.reply(request, from, this.#setOptions(request.options));
        return this.#settle();
      case 'get_options':
        connectionRequests.reply(request, from, this.#getOptions(request.names));
        return undefined;
      case 'statistics':
      case 'peername':
      case 'sockname':
      case 'peercert':
      case 'negotiated_protocol':
      case 'information':
        answerQuery(request, from, { line: this.#line, facts: this.#facts, config: this.#config });
        return undefined;
      case 'controlling_process':
        this.#changeOwner(request.owner);
        connectionRequests.reply(request, from, okay);
        return undefined;
      case 'close':
        return this.#close(connectionRequests.from(request, from));
      case 'downgrade':
        return this.#startDowngrade(request.timeout, connectionRequests.from(request, from));
      case 'shutdown':
        return this.#shutdown(request.how, connectionRequests.from(request, from));
    }
  }

  #recv(length: number, timeout: number | 'infinity', from: From<RecvResult>): Outcome {
    let alarm: Alarm<'recv'> | undefined;
    let answered = false;
    this.#delivery.recv(length, (result) => {
      answered = true;
      if (alarm !== undefined) {
        alarm.cancel();
        this.#recvAlarm = undefined;
      }
      from.reply(result);
    });
    if (!answered && timeout !== 'infinity') {
      alarm = new Alarm(this.#self, 'recv', timeout);
      this.#recvAlarm = alarm;
    }
    return this.#settle();
  }

  #setOptions(raw: unknown): Result<true> {
    const plan = planSetopts(raw);
    const { active } = plan.socket;
    let error = plan.error;
    if (!this.#setEmulated(plan.socket) && typeof active === 'number') error = activeOutOfRange(active);
    if (error === undefined && plan.transport !== undefined) {
      const refused = this.#line.gone || this.#line.transport.setOptions(plan.transport) === 'einval';
      if (refused) error = transportRefused(plan.transport);
    }
    this.#delivery.settle();
    return error === undefined ? okay : { error };
  }

  /** False when the number for `active` does not fit on the count. */
  #setEmulated({ mode, packet, packetSize, header, active }: Partial<SocketOptions>): boolean {
    const delivery = this.#delivery;
    if (mode !== undefined) delivery.setMode(mode);
    if (packet !== undefined) {
      delivery.setPacket(packet);
      this.#notify({ type: 'packet', packet });
    }
    if (packetSize !== undefined) delivery.setPacketSize(packetSize);
    if (header !== undefined) delivery.setHeader(header);
    return active === undefined || delivery.setActive(active);
  }

  #getOptions(names: unknown): ReturnType<typeof readOptions> {
    const emulated = this.#delivery.options();
    return readOptions(names, emulated, (name) => {
      const value = this.#line.transport.getOption(name);
      return 'ok' in value ? value.ok : undefined;
    });
  }

  /** Moves the monitor; what was delivered stays with the old owner, what follows goes to the new one. */
  #changeOwner(owner: Pid<SslMessage>): void {
    this.#self.demonitor(this.#ownerMonitor, { flush: true });
    this.#owner = owner;
    this.#ownerMonitor = this.#self.monitor(owner);
  }

  #close(from: From<Ok>): Outcome {
    this.#line.closer(from);
    this.#delivery.discard();
    this.#part('close_notify');
    return this.#settle();
  }

  /** `ssl:shutdown/2`. After `write` reading goes on until the peer ends too; `read_write` is the owner's own end. */
  #shutdown(how: 'read' | 'write' | 'read_write', from: From<Result<true>>): Outcome {
    switch (how) {
      case 'read':
        this.#delivery.end({ type: 'closed' });
        from.reply(okay);
        return this.#settle();
      case 'write':
        void this.#line.endOutput().then((said) => from.reply(said ? okay : closedError));
        return undefined;
      case 'read_write':
        return this.#close(from);
    }
  }

  /** `ssl:close/2` with a new owner: both sides say close_notify, then the bare transport is given back. */
  #startDowngrade(timeout: number | 'infinity', from: From<Downgraded | Failed>): Outcome {
    if (!this.#line.open || !this.#lifecycle.go('downgrade')) {
      from.reply(closedError);
      return undefined;
    }
    this.#delivery.abandonRecv('closed');
    const alarm = timeout === 'infinity' ? undefined : new Alarm(this.#self, 'downgrade', timeout);
    this.#downgrade = { from, alarm, said: false };
    void this.#line.sayClose().then((said) => this.#later(saidForDowngradeTurn, said));
    return undefined;
  }

  saidForDowngrade(said: boolean): Outcome {
    const downgrade = this.#downgrade;
    if (downgrade === undefined) return undefined;
    if (!said) return this.#failDowngrade('closed');
    downgrade.said = true;
    return this.#tryDowngrade();
  }

  /** When both have said close_notify. What came after the peer's is not TLS any more, and goes with the transport. */
  #tryDowngrade(): Outcome {
    const downgrade = this.#downgrade;
    if (downgrade === undefined || !downgrade.said || !this.#peerDone) return undefined;
    this.#downgrade = undefined;
    downgrade.alarm?.cancel();
    const rest = this.#core?.takeRest() ?? new Uint8Array();
    const transport = this.#line.release();
    downgrade.from.reply(rest.length === 0 ? { ok: transport } : { ok: transport, data: Buffer.from(rest) });
    this.#delivery.discard();
    return { stop: { shutdown: 'downgrade' }, state: this };
  }

  #failDowngrade(reason: string): Outcome {
    const downgrade = this.#downgrade;
    this.#downgrade = undefined;
    downgrade?.alarm?.cancel();
    downgrade?.from.reply({ error: reason });
    this.#delivery.discard();
    this.#part('nothing');
    return this.#settle();
  }

  // ── Handshake ───────────────────────────────────────────────────────────────────────────────────────

  #start(
    timeout: number | 'infinity',
    options: TlsServerOptions | undefined,
    from: From<Result<SslSocket>>,
  ): Outcome {
    const handshake = this.#handshake;
    if (handshake === undefined || !this.#lifecycle.go('start')) return undefined;
    handshake.from = from;
    if (options !== undefined) {
      const changed = layOver(options, this.#config, this.#environment);
      if ('error' in changed) return this.#refuse(changed.error);
      this.#config = changed.ok.config;
      this.#log = this.#logOf(this.#config);
      this.#setEmulated(changed.ok.socket);
    }
    const { handshakeDeadline: deadline } = this.#config;
    const limit = Math.min(
      timeout === 'infinity' ? Infinity : timeout,
      deadline === 'infinity' ? Infinity : deadline,
    );
    if (limit !== Infinity) handshake.alarm = new Alarm(this.#self, 'handshake', limit);
    this.#notify({ type: 'handshake' });
    const credentials = this.#environment.credentials(this.#config);
    if (!(credentials instanceof Promise)) return this.begin(credentials);
    credentials.then(
      (loaded) => this.#later(beginTurn, loaded),
      (error: unknown) => this.#later(crashTurn, error),
    );
    return undefined;
  }

  /** With certificates, keys and trust at hand the core starts. */
  begin(loaded: Result<Credentials>): Outcome {
    const handshake = this.#handshake;
    if (handshake === undefined || this.#lifecycle.state !== 'handshaking') return undefined;
    if ('error' in loaded) return this.#refuse(loaded.error);
    this.#core = handshake.makeCore(loaded.ok, this.#config, this.#environment.engine, this);
    this.#core.start();
    this.#line.flush();
    this.#line.start(this);
    handshake.progress(this.#core);
    return undefined;
  }

  /** Others need the place more. */
  displaced(why: Displacement): void {
    this.#later(displacedTurn, why);
  }

  giveWay(why: Displacement): Outcome {
    if (this.#handshake === undefined || !this.#line.open) return undefined;
    this.#log.report('info', { why }, 'handshake displaced');
    return this.#refuse('system_limit');
  }

  /** The handshake is given up without a word to the peer. */
  #refuse(reason: SslReason): Outcome {
    this.#log.report('info', { reason }, 'handshake given up');
    this.#handshake?.answer({ error: reason });
    this.#delivery.discard();
    this.#part('nothing');
    return this.#settle();
  }

  verdict(verdict: PeerVerdict): Outcome {
    this.#answerVerdict(verdict);
    return this.#settle();
  }

  #answerVerdict(verdict: PeerVerdict): void {
    const handshake = this.#handshake;
    if ('reject' in verdict && handshake !== undefined) handshake.explanation = verdict.reject.explanation;
    this.#core?.answerVerdict(verdict);
  }

  /** A key that lives elsewhere has signed, or has not. */
  signature(answer: Result<Uint8Array>): Outcome {
    if ('ok' in answer) this.#core?.answerSignature(answer.ok);
    else this.#core?.fail('internal_error', { sign: answer.error });
    return this.#settle();
  }

  staple(response: Uint8Array | undefined): Outcome {
    this.#core?.answerStaple(response);
    return this.#settle();
  }

  // ── What the core says ──────────────────────────────────────────────────────────────────────────────

  write(pieces: readonly Uint8Array[]): void {
    this.#line.write(pieces);
  }

  deliver(data: Uint8Array, owned: boolean): void {
    if (this.#batch.add(owned ? data : new Uint8Array(data))) this.#flushBatch();
  }

  established(facts: Facts): void {
    const core = this.#core;
    const handshake = this.#handshake;
    if (core === undefined || handshake === undefined) return;
    this.#facts = facts;
    this.#lifecycle.go('established');
    // The last flight leaves before the sender can write.
    this.#line.handOver({
      type: 'connection',
      half: core.split(),
      receiver: this.#self.pid,
      packet: this.#delivery.options().packet,
      sendTimeout: this.#config.transport.sendTimeout ?? 'infinity',
    });
    // However this process ends, killed too, the owner is told: its last will is opened like a port is closed.
    this.#self.own(this, openWill);
    this.#handshake = undefined;
    handshake.alarm?.cancel();
    handshake.answer({ ok: this.#socket });
    if (handshake.postponed.length > 0) this.#later(postponedTurn, handshake.postponed);
  }

  peerClosed(): void {
    this.#peerDone = true;
    this.#flushBatch();
    // What follows is for whoever gets the transport.
    if (this.#downgrade !== undefined) {
      this.#line.transport.pause();
      return;
    }
    this.#handshake?.answer(closedError);
    if (this.#facts !== undefined) this.#delivery.end({ type: 'closed' });
    else {
      this.#log.report('info', {}, 'the peer left during the handshake');
      this.#delivery.discard();
    }
  }

  failed(failure: Failure): void {
    this.#flushBatch();
    const reason = this.#alertReason(failure);
    if (this.#handshake !== undefined) this.#place.failed(failure.reason ?? `${failure.by}_${failure.alert}`);
    this.#handshake?.answer({ error: reason });
    // Who takes TLS off has closed: the answer of that call is all there is to tell.
    this.#downgrade?.from.reply({ error: reason });
    if (this.#facts !== undefined && this.#downgrade === undefined)
      this.#delivery.end({ type: 'failed', reason });
    else this.#delivery.discard();
    this.#part(failure.by === 'peer' ? 'nothing' : { alert: codeOf(failure.alert) });
  }

  askVerdict(chain: readonly Uint8Array[], staple: Uint8Array | undefined): void {
    const verdict = this.#handshake?.judge(chain, staple, this.#config, this.#environment, this.#log);
    if (verdict === undefined) return;
    if (verdict instanceof Promise) verdict.then((answer) => this.#later(verdictTurn, answer));
    else this.#answerVerdict(verdict);
  }

  askSignature(scheme: SignatureSchemeName, data: Uint8Array, identity: OwnIdentity): void {
    this.#handshake?.sign(scheme, data, identity).then((answer) => this.#later(signatureTurn, answer));
  }

  askStaple(wish: StapleWish): void {
    const response = this.#handshake?.staple(wish);
    if (response instanceof Promise) response.then((found) => this.#later(stapleTurn, found));
    else this.#core?.answerStaple(response);
  }

  trace(direction: 'in' | 'out', kind: string, bytes: Uint8Array): void {
    if (this.#log.traces) this.#log.trace(direction, kind, bytes);
  }

  owes(what: Owed): void {
    this.#notify({ type: 'owed', what });
  }

  // ── What the transport says; each in a turn of the process ──────────────────────────────────────────

  onChunk(chunk: Uint8Array, lent: boolean): void {
    const { node, pid } = this.#self;
    if (!lent) node.ioTurn(pid, chunkTurn, this, chunk);
    else if (node.isIdle(pid)) node.ioTurn(pid, lentTurn, this, chunk);
    else node.ioTurn(pid, chunkTurn, this, new Uint8Array(chunk));
  }

  onEnd(): void {
    this.#self.node.ioTurn(this.#self.pid, endTurn, this, undefined);
  }

  onDrain(): void {
    this.#self.node.cast(this.#sender, drained);
  }

  onClosed(reason: string | undefined): void {
    this.#self.node.ioTurn(this.#self.pid, closedTurn, this, reason);
  }

  chunk(chunk: Uint8Array, lent: boolean): Outcome {
    if (!this.#line.open) return undefined;
    this.#core?.receive(chunk);
    if (lent) this.#core?.detach();
    if (!this.#delivery.demand) this.#line.readAhead();
    return this.#settle();
  }

  /** The next turn of the event loop: on with the input, and then with what stands behind it. */
  rested(): Outcome {
    this.#resting = false;
    if (this.#line.open) this.#core?.resume();
    this.#delivery.resume();
    const outcome = this.#settle();
    const ending = this.#ending;
    if (outcome !== undefined || this.#resting || ending === undefined) return outcome;
    this.#ending = undefined;
    return ending();
  }

  /** As OTP's sockets do (exit_on_close): a stream that the peer has ended takes no data of ours any more. */
  transportEnded(): Outcome {
    if (this.#resting && this.#line.open) return this.#afterInput(() => this.transportEnded());
    if (this.#downgrade !== undefined) return this.#failDowngrade('tcp_closed');
    if (this.#line.peerEnded()) {
      this.#core?.receiveEnd();
      this.#part('close_notify');
    }
    return this.#settle();
  }

  transportClosed(reason: string | undefined): Outcome {
    if (this.#resting && this.#line.open) return this.#afterInput(() => this.transportClosed(reason));
    if (reason !== undefined) this.#log.report('info', { reason }, 'transport closed');
    if (this.#line.open) {
      if (this.#core !== undefined) this.#core.receiveEnd();
      else this.#delivery.discard();
    }
    this.#line.closed();
    this.#place.hangUp();
    return this.#downgrade === undefined ? this.#settle() : this.#failDowngrade('tcp_closed');
  }

  #afterInput(ending: () => Outcome): undefined {
    this.#ending = ending;
  }

  // ── Messages ────────────────────────────────────────────────────────────────────────────────────────

  info(message: unknown): Outcome {
    if (message instanceof DownMessage) return this.#down(message.ref);
    if (message instanceof Alarm) return this.#ring(message);
    if (message instanceof KeyUpdatesAsked) this.#core?.expectKeyUpdates(message.count);
    return undefined;
  }

  #down(ref: Ref): Outcome {
    if (ref === this.#ownerMonitor) {
      this.#delivery.discard();
      this.#part('close_notify');
      return this.#settle();
    }
    if (ref === this.#senderMonitor && this.#line.open) {
      // The write half is lost with its process: all that is left is to tell the owner.
      const reason = crashReason(this.#config);
      this.#handshake?.answer({ error: reason });
      if (this.#facts !== undefined) this.#delivery.end({ type: 'failed', reason });
      return { stop: { shutdown: 'sender_died' }, state: this };
    }
    return undefined;
  }

  #ring(alarm: Alarm<string>): Outcome {
    if (alarm === this.#handshake?.alarm) return this.#refuse('timeout');
    if (alarm === this.#downgrade?.alarm) return this.#failDowngrade('timeout');
    if (alarm === this.#recvAlarm) {
      this.#recvAlarm = undefined;
      this.#delivery.abandonRecv('timeout');
    } else if (alarm.kind === 'linger') this.#line.lingered();
    return this.#settle();
  }

  /** Something was postponed until the handshake was done. */
  replay(postponed: readonly Postponed[]): Outcome {
    for (const { request, from } of postponed) {
      const outcome = this.call(request, from);
      if (outcome !== undefined) return outcome;
    }
    return undefined;
  }

  // ── The end of a turn, and of the connection ────────────────────────────────────────────────────────

  /** After anything that may have moved data: write, deliver, regulate reading, see whether all is over. */
  #settle(): Outcome {
    this.#line.flush();
    this.#flushBatch();
    if (this.#core !== undefined) this.#handshake?.progress(this.#core);
    const delivery = this.#delivery;
    if (!delivery.over) {
      this.#restWhenDue();
      if (this.#core !== undefined && this.#line.open) this.#regulate(this.#core);
      return this.#tryDowngrade();
    }
    if (this.#lifecycle.state !== 'closed') this.#conclude();
    return this.#line.done ? { stop: 'normal', state: this } : undefined;
  }

  /** When this turn has done enough, others run first. */
  #restWhenDue(): void {
    const due = this.#delivery.needsRest || (this.#line.open && this.#core?.needsRest === true);
    if (!due || this.#resting) return;
    this.#resting = true;
    this.#self.node.ioTurnLater(this.#self.pid, restedTurn, this, undefined);
  }

  /** Nothing is read while an answer is awaited, in a rest, and when what follows is for whoever gets the transport. */
  #regulate(core: Core): void {
    const { demand, size } = this.#delivery;
    const leaving = this.#downgrade !== undefined;
    const held = this.#resting || core.awaiting !== undefined || (leaving && this.#peerDone);
    this.#line.regulate(demand || leaving, size, held);
  }

  /** The owner has been told, or needs not be: whoever asks now hears that it is over. */
  #conclude(): void {
    this.#lifecycle.go('close');
    this.#downgrade?.from.reply(closedError);
    const handshake = this.#handshake;
    if (handshake !== undefined) {
      handshake.alarm?.cancel();
      handshake.answer(closedError);
      for (const { request, from } of handshake.postponed.splice(0)) from.reply(afterEnd(request));
    }
    this.#part('close_notify');
  }

  #flushBatch(): void {
    const batch = this.#batch.take();
    if (batch !== undefined) this.#delivery.push(batch);
  }

  #part(goodbye: Goodbye): void {
    this.#line.part(goodbye, this.#peerDone, () => this.#core?.close());
  }

  /** The goodbye is out, or was given up. */
  said(linger: boolean): Outcome {
    this.#line.said(linger);
    return this.#settle();
  }

  /** The process ends, by itself or because it was told to, or because it failed. */
  terminate(reason: unknown): void {
    if (reason === 'normal') return;
    const orderly = isOrderly(reason);
    const told: SslReason = orderly ? 'closed' : crashReason(this.#config);
    this.#handshake?.answer({ error: told });
    for (const { request, from } of this.#handshake?.postponed ?? []) from.reply(afterEnd(request));
    if (this.#facts !== undefined) {
      this.#delivery.endNow(orderly ? { type: 'closed' } : { type: 'failed', reason: told });
      this.#delivery.abandonRecv(told);
      return;
    }
    // Nobody has the socket yet: whoever waits for the handshake is all there is to tell.
    if (!orderly) this.#core?.fail('internal_error');
    else this.#core?.close();
    this.#line.flush();
  }

  /** Tells the owner, unless it has heard of the end already or need not. */
  lastWill(): void {
    this.#delivery.endNow({ type: 'failed', reason: crashReason(this.#config) });
  }

  /** `{tls_alert, {Alert, Text}}` of a connection that failed; it is logged too. */
  #alertReason(failure: Failure): SslReason {
    const report = reportFailure(failure, this.#config, {
      verdict: failure.by === 'self' ? this.#handshake?.explanation : undefined,
      unread: this.#core?.takeRest() ?? new Uint8Array(),
    });
    const { alert, by, detail, reason, state } = failure;
    const { text, explanation } = report;
    this.#log.report('notice', { alert, by, state, reason, detail, explanation }, text.trimEnd());
    return report.reason;
  }

  #logOf({ logLevel, protocol, role }: Config): ConnectionLog {
    return new ConnectionLog(this.#self.node.logger, logLevel, () => {
      const peer = this.#line.transport.peername();
      return { protocol, role, ...('ok' in peer ? { peer: peer.ok } : {}) };
    });
  }

  // ── Small change ────────────────────────────────────────────────────────────────────────────────────

  #tell(message: SslMessage): void {
    this.#self.node.send(this.#owner, message);
  }

  #notify(notice: SenderNotice): void {
    this.#line.notify(notice);
  }

  #later<A>(turn: (connection: Connection, argument: A) => unknown, argument: A): void {
    const { node, pid } = this.#self;
    node.ioTurn(pid, turn, this, argument);
  }
}

/** A caller who gets the transport back when both sides have said close_notify. */
interface Downgrade {
  readonly from: From<Downgraded | Failed>;
  readonly alarm: Alarm<'downgrade'> | undefined;
  /** Ours is out. */
  said: boolean;
}

const drained: SenderNotice = { type: 'drained' };

function gone(place: Place): void {
  place.gone();
}

function openWill(connection: Connection): void {
  connection.lastWill();
}

function chunkTurn(connection: Connection, chunk: Uint8Array): Outcome {
  return connection.chunk(chunk, false);
}

function lentTurn(connection: Connection, chunk: Uint8Array): Outcome {
  return connection.chunk(chunk, true);
}

function restedTurn(connection: Connection): Outcome {
  return connection.rested();
}

function endTurn(connection: Connection): Outcome {
  return connection.transportEnded();
}

function closedTurn(connection: Connection, reason: string | undefined): Outcome {
  return connection.transportClosed(reason);
}

function signatureTurn(connection: Connection, answer: Result<Uint8Array>): Outcome {
  return connection.signature(answer);
}

function stapleTurn(connection: Connection, response: Uint8Array | undefined): Outcome {
  return connection.staple(response);
}

function verdictTurn(connection: Connection, verdict: PeerVerdict): Outcome {
  return connection.verdict(verdict);
}

function beginTurn(connection: Connection, loaded: Result<Credentials>): Outcome {
  return connection.begin(loaded);
}

function displacedTurn(connection: Connection, why: Displacement): Outcome {
  return connection.giveWay(why);
}

function crashTurn(_connection: Connection, error: unknown): never {
  throw error;
}

function saidForDowngradeTurn(connection: Connection, said: boolean): Outcome {
  return connection.saidForDowngrade(said);
}

function postponedTurn(connection: Connection, postponed: readonly Postponed[]): Outcome {
  return connection.replay(postponed);
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
