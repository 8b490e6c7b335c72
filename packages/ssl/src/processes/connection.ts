/**
 * The connection process, OTP's receiver (`ssl_gen_statem`, `tls_connection`): handshake, decryption, delivery, the
 * owner's monitor, the life of the connection.
 *
 * It is the only reader of the transport, and its only writer until the handshake is done; then the write half goes
 * to the sender process. The core below it never waits: what needs the outside is asked through the sink and answered
 * in a later turn, or at once when the answer is known.
 */
import {
  type From,
  type GenServer,
  isOrderly,
  type Pid,
  type Ref,
  type Self,
  type Stop,
} from '@actor-tls/runtime';
import type { Config, RemoteKey, SocketOptions } from '../options/config.js';
import { activeOutOfRange, planSetopts, readOptions, transportRefused } from '../options/socket-options.js';
import { Core } from '../protocol/core.js';
import type { Facts } from '../protocol/facts.js';
import type { OwnIdentity } from '../protocol/identity.js';
import type { Failure, Sink, StapleWish } from '../protocol/sink.js';
import { alertText } from '../values/alert-text.js';
import { type AlertDescription, alertCode } from '../values/registry/alerts.js';
import type { SignatureSchemeName } from '../values/registry/schemes.js';
import type { Result, SslReason } from '../values/terms.js';
import { parseAddress } from '../values/x509/hostname.js';
import { nonceExtensions } from '../values/x509/ocsp.js';
import type { HostReference } from '../values/x509/peer-verification.js';
import { explain, type PeerVerdict } from '../values/x509/verdict.js';
import { connectionInformation } from './connection-information.js';
import { ConnectionLog } from './connection-log.js';
import { type ConnectionRequest, isConnectionRequest, type Reconfigure } from './connection-requests.js';
import type { Credentials } from './credentials.js';
import { Delivery } from './delivery.js';
import type { Environment } from './environment.js';
import { judgePeer } from './judgement.js';
import { Lifecycle, type LifecycleState } from './lifecycle.js';
import type { HandshakeOver } from './listener.js';
import { isDown } from './requests.js';
import type { SendResult } from './send-queue.js';
import type { SenderNotice, SenderRequest } from './sender.js';
import { type SslMessage, SslSocket } from './socket.js';
import type { Transport, TransportReceiver } from './transport/transport.js';

export interface ConnectionArgs {
  readonly environment: Environment;
  readonly transport: Transport;
  readonly config: Config;
  readonly socket: SocketOptions;
  readonly owner: Pid<SslMessage>;
  readonly sender: Pid<unknown>;
  /** The host argument of `connect`; for an upgrade the peer's address. */
  readonly host: string | undefined;
  /** Who counts handshakes under way. */
  readonly listener: Pid<HandshakeOver> | undefined;
  /** Called in `init` with what the user will hold. */
  readonly made: (socket: SslSocket) => void;
}

/** What the peer is told last. After an alert of ours it gets time to read it. */
type Goodbye = 'close_notify' | 'nothing' | { readonly alert: number };

/** ms that close waits for the sender (contract §1.2). */
const closePatience = 5000;
/** bytes, RFC 8954 §2.1 */
const nonceLength = 32;
/**
 * Small records of one chunk are joined to one message; from here on a batch goes out as it is, since joining full
 * records would copy the bulk of the data once more.
 */
const fullBatch = 8192;
/** Bytes that an idle passive connection reads ahead at most. */
const readAheadBytes = 1 << 20;

/** A timer's message; cancelled timers may have sent theirs already, so each is known by identity. */
class Alarm {
  readonly kind: 'handshake' | 'recv' | 'linger' | 'downgrade';
  ref: Ref | undefined = undefined;
  constructor(kind: Alarm['kind']) {
    this.kind = kind;
  }
}

type Outcome = Stop<Connection> | undefined;

export class Connection implements Sink, TransportReceiver {
  readonly #self: Self;
  readonly #environment: Environment;
  readonly #transport: Transport;
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
  /** Written by the core in this turn. */
  #out: Uint8Array[] = [];
  /** Decrypted in this turn. */
  #batch: Uint8Array[] = [];
  /** Bytes in it. */
  #batched = 0;
  /** Chunks that may still be read without anybody asking for them. */
  #credit: number;
  #paused = false;
  /** The peer sends nothing any more that we would read. */
  #peerDone = false;
  #transportEnded = false;
  #transportGone = false;
  #split = false;
  #recvAlarm: Alarm | undefined = undefined;
  /** The transport's end: under way, or done. The process ends when it is done and the owner has been told. */
  #parting: 'no' | 'talking' | 'lingering' | 'done' = 'no';
  /** Callers of close, answered when the goodbye is out. */
  readonly #closers: From[] = [];

  constructor(self: Self, args: ConnectionArgs) {
    const { environment, transport, config, owner, sender } = args;
    this.#self = self;
    this.#environment = environment;
    this.#transport = transport;
    this.#sender = sender;
    this.#config = config;
    this.#log = this.#logOf(config);
    this.#owner = owner;
    this.#ownerMonitor = self.monitor(owner);
    this.#senderMonitor = self.monitor(sender);
    this.#socket = new SslSocket(self.node, self.pid, sender);
    this.#delivery = new Delivery(args.socket, this.#socket, (message) => this.#tell(message));
    this.#handshake = new Handshaking(args.host, args.listener);
    this.#credit = environment.settings.internalActiveN;
    args.made(this.#socket);
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

  get state(): LifecycleState {
    return this.#lifecycle.state;
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
      case 'downgrade':
        return this.#callConnected(request, from);
      case 'closed':
        from.reply(afterEnd(request));
        return undefined;
    }
  }

  /** After `transport_accept`, before `handshake` (contract §1.1). */
  #callBefore(request: ConnectionRequest, from: From): Outcome {
    switch (request.type) {
      case 'start':
        return this.#start(request.timeout, request.reconfigure, from);
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
        from.reply({ error: 'einval' });
        return undefined;
      case 'recv':
        return this.#recv(request.length, request.timeout, from);
      case 'set_options':
        from.reply(this.#setOptions(request.options));
        return this.#settle();
      case 'get_options':
        from.reply(this.#getOptions(request.names));
        return undefined;
      case 'statistics':
        from.reply(this.#transportGone ? einval : { ok: this.#transport.statistics() });
        return undefined;
      case 'peername':
        from.reply(this.#transportGone ? einval : this.#transport.peername());
        return undefined;
      case 'sockname':
        from.reply(this.#transportGone ? einval : this.#transport.sockname());
        return undefined;
      case 'peercert': {
        const peer = this.#facts?.peerChain[0];
        from.reply(peer === undefined ? { error: 'no_peercert' } : { ok: peer });
        return undefined;
      }
      case 'negotiated_protocol': {
        const alpn = this.#facts?.alpn;
        from.reply(alpn === undefined ? { error: 'protocol_not_negotiated' } : { ok: alpn });
        return undefined;
      }
      case 'information':
        from.reply(
          this.#facts === undefined
            ? closedError
            : { ok: connectionInformation(this.#facts, this.#config, request.items) },
        );
        return undefined;
      case 'controlling_process':
        this.#changeOwner(request.owner);
        from.reply(okay);
        return undefined;
      case 'close':
        return this.#close(from);
      case 'downgrade':
        from.reply({ error: 'notsup' });
        return undefined;
      case 'shutdown':
        return this.#shutdown(request.how, from);
    }
  }

  #recv(length: number, timeout: number | 'infinity', from: From): Outcome {
    let alarm: Alarm | undefined;
    let answered = false;
    this.#delivery.recv(length, (result) => {
      answered = true;
      if (alarm !== undefined) {
        this.#cancel(alarm);
        this.#recvAlarm = undefined;
      }
      from.reply(result);
    });
    if (!answered && timeout !== 'infinity') {
      alarm = this.#alarm('recv', timeout);
      this.#recvAlarm = alarm;
    }
    return this.#settle();
  }

  #setOptions(raw: unknown): unknown {
    const plan = planSetopts(raw);
    const { active } = plan.socket;
    let error = plan.error;
    if (!this.#setEmulated(plan.socket) && typeof active === 'number') error = activeOutOfRange(active);
    if (error === undefined && plan.transport !== undefined) {
      const refused = this.#transportGone || this.#transport.setOptions(plan.transport) === 'einval';
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

  #getOptions(names: unknown): unknown {
    const emulated = this.#delivery.options();
    return readOptions(names, emulated, (name) => {
      const value = this.#transport.getOption(name);
      return 'ok' in value ? value.ok : undefined;
    });
  }

  /** Moves the monitor; what was delivered stays with the old owner, what follows goes to the new one. */
  #changeOwner(owner: Pid<SslMessage>): void {
    this.#self.demonitor(this.#ownerMonitor, { flush: true });
    this.#owner = owner;
    this.#ownerMonitor = this.#self.monitor(owner);
  }

  #close(from: From): Outcome {
    this.#closers.push(from);
    this.#delivery.discard();
    this.#part('close_notify');
    return this.#settle();
  }

  /** `ssl:shutdown/2`: close_notify and the end of our side; reading goes on until the peer ends too. */
  #shutdown(how: 'read' | 'write' | 'read_write', from: From): Outcome {
    if (how === 'read') {
      this.#delivery.end({ type: 'closed' });
      from.reply(okay);
      return this.#settle();
    }
    // What was sent before goes out before, however slow the peer: ended too early it would be lost.
    void this.#ask({ type: 'close' }, Infinity).then((said) => {
      if (said) this.#transport.end();
      from.reply(said ? okay : closedError);
    });
    return undefined;
  }

  // ── Handshake ───────────────────────────────────────────────────────────────────────────────────────

  #start(timeout: number | 'infinity', reconfigure: Reconfigure | undefined, from: From): Outcome {
    const handshake = this.#handshake;
    if (handshake === undefined || !this.#lifecycle.go('start')) return undefined;
    handshake.from = from;
    if (reconfigure !== undefined) {
      const changed = reconfigure(this.#config);
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
    if (limit !== Infinity) handshake.alarm = this.#alarm('handshake', limit);
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
    handshake.credentials = loaded.ok;
    const config = this.#config;
    const { engine } = this.#environment;
    const { identities, certificateAuthorities } = loaded.ok;
    if (config.role === 'client') {
      const { serverName, reference } = names(config.serverNameIndication, handshake.host);
      handshake.reference = reference;
      const { stapling } = config;
      if (stapling?.ocspNonce === true) handshake.nonce = engine.randomBytes(nonceLength);
      const requestExtensions = handshake.nonce ? nonceExtensions(handshake.nonce) : new Uint8Array();
      const statusRequest = stapling && { responderIds: [], requestExtensions };
      const dependencies = { engine };
      this.#core = Core.client({ config, identities, dependencies, serverName, statusRequest }, this);
    } else {
      const dependencies = { engine };
      this.#core = Core.server({ config, identities, dependencies, certificateAuthorities }, this);
    }
    this.#core.start();
    this.#flushOut();
    this.#transport.start(this);
    return undefined;
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
    if ('reject' in verdict && handshake !== undefined)
      handshake.explanation = explain(verdict.reject.explanation);
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
    for (const piece of pieces) this.#out.push(piece);
  }

  deliver(data: Uint8Array, owned: boolean): void {
    this.#batch.push(owned ? data : data.slice());
    this.#batched += data.length;
    if (this.#batched >= fullBatch) this.#flushBatch();
  }

  established(facts: Facts): void {
    const core = this.#core;
    const handshake = this.#handshake;
    if (core === undefined || handshake === undefined) return;
    this.#facts = facts;
    this.#lifecycle.go('established');
    // The last flight leaves before the sender can write.
    this.#flushOut();
    const half = core.split();
    this.#split = true;
    this.#notify({
      type: 'connection',
      half,
      receiver: this.#self.pid,
      packet: this.#delivery.options().packet,
      sendTimeout: this.#config.transport.sendTimeout ?? 'infinity',
      lastWill: () => this.#delivery.end({ type: 'failed', reason: crashReason(this.#config) }),
    });
    this.#handshake = undefined;
    this.#cancel(handshake.alarm);
    if (handshake.listener !== undefined)
      this.#self.send(handshake.listener, { type: 'handshake_over', connection: this.#self.pid });
    handshake.answer({ ok: this.#socket });
    if (handshake.postponed.length > 0) this.#later(postponedTurn, handshake.postponed);
  }

  peerClosed(): void {
    this.#peerDone = true;
    this.#flushBatch();
    this.#handshake?.answer(closedError);
    if (this.#split) this.#delivery.end({ type: 'closed' });
    else this.#delivery.discard();
  }

  failed(failure: Failure): void {
    this.#flushBatch();
    const reason = this.#alertReason(failure);
    this.#handshake?.answer({ error: reason });
    if (this.#split) this.#delivery.end({ type: 'failed', reason });
    else this.#delivery.discard();
    this.#part(failure.by === 'peer' ? 'nothing' : { alert: codeOf(failure.alert) });
  }

  askVerdict(chain: readonly Uint8Array[], staple: Uint8Array | undefined): void {
    const handshake = this.#handshake;
    const credentials = handshake?.credentials;
    if (handshake === undefined || credentials === undefined) return;
    const { nonce, reference: host } = handshake;
    const environment = this.#environment;
    const config = this.#config;
    const verdict = judgePeer({
      chain,
      staple,
      nonce,
      config,
      credentials,
      environment,
      host,
      log: this.#log,
    });
    if (verdict instanceof Promise) verdict.then((answer) => this.#later(verdictTurn, answer));
    else this.#answerVerdict(verdict);
  }

  askSignature(scheme: SignatureSchemeName, data: Uint8Array, identity: OwnIdentity): void {
    const key = this.#handshake?.credentials?.remoteKeys.get(identity);
    if (key === undefined) throw new TypeError('a remote key without anybody who signs');
    signElsewhere(key, scheme, data).then((answer) => this.#later(signatureTurn, answer));
  }

  askStaple(wish: StapleWish): void {
    const response = this.#handshake?.credentials?.staplers.get(wish.identity)?.response(wish);
    if (response instanceof Promise) response.then((found) => this.#later(stapleTurn, found));
    else this.#core?.answerStaple(response);
  }

  trace(direction: 'in' | 'out', kind: string, bytes: Uint8Array): void {
    if (this.#log.traces) this.#log.trace(direction, kind, bytes);
  }

  keyUpdateRequested(): void {
    this.#notify({ type: 'key_update_requested' });
  }

  // ── What the transport says; each in a turn of the process ──────────────────────────────────────────

  onChunk(chunk: Uint8Array): void {
    this.#self.node.ioTurn(this.#self.pid, chunkTurn, this, chunk);
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

  chunk(chunk: Uint8Array): Outcome {
    if (this.#parting !== 'no') return undefined;
    this.#core?.receive(chunk);
    if (!this.#delivery.demand) this.#credit -= 1;
    return this.#settle();
  }

  /** As OTP's sockets do (exit_on_close): a stream that the peer has ended takes no data of ours any more. */
  transportEnded(): Outcome {
    this.#transportEnded = true;
    if (this.#parting === 'lingering') this.#parted();
    else if (this.#parting === 'no') {
      this.#core?.receiveEnd();
      this.#part('close_notify');
    }
    return this.#settle();
  }

  transportClosed(_reason: string | undefined): Outcome {
    this.#transportGone = true;
    if (this.#parting === 'no') {
      if (this.#core !== undefined) this.#core.receiveEnd();
      else this.#delivery.discard();
    }
    this.#parted();
    return this.#settle();
  }

  // ── Messages ────────────────────────────────────────────────────────────────────────────────────────

  info(message: unknown): Outcome {
    if (isDown(message)) return this.#down(message.ref);
    if (message instanceof Alarm) return this.#ring(message);
    return undefined;
  }

  #down(ref: Ref): Outcome {
    if (ref === this.#ownerMonitor) {
      this.#delivery.discard();
      this.#part('close_notify');
      return this.#settle();
    }
    if (ref === this.#senderMonitor && this.#parting === 'no') {
      // The write half is lost with its process: all that is left is to tell the owner.
      const reason = crashReason(this.#config);
      this.#handshake?.answer({ error: reason });
      if (this.#split) this.#delivery.end({ type: 'failed', reason });
      return { stop: { shutdown: 'sender_died' }, state: this };
    }
    return undefined;
  }

  #ring(alarm: Alarm): Outcome {
    switch (alarm.kind) {
      case 'handshake':
        if (this.#handshake?.alarm !== alarm) return undefined;
        return this.#refuse('timeout');
      case 'recv':
        if (this.#recvAlarm !== alarm) return undefined;
        this.#recvAlarm = undefined;
        this.#delivery.abandonRecv('timeout');
        return this.#settle();
      case 'linger':
        this.#parted();
        return this.#settle();
      case 'downgrade':
        return undefined;
    }
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
    if (this.#out.length > 0) this.#flushOut();
    if (this.#batch.length > 0) this.#flushBatch();
    if (!this.#delivery.over) {
      if (this.#parting === 'no') this.#regulate();
      return undefined;
    }
    if (this.#lifecycle.state !== 'closed') this.#conclude();
    if (this.#parting !== 'done') return undefined;
    return { stop: 'normal', state: this };
  }

  /** The owner has been told, or needs not be: whoever asks now hears that it is over. */
  #conclude(): void {
    this.#lifecycle.go('close');
    const handshake = this.#handshake;
    if (handshake !== undefined) {
      this.#cancel(handshake.alarm);
      handshake.answer(closedError);
      for (const { request, from } of handshake.postponed.splice(0)) from.reply(afterEnd(request));
    }
    this.#part('close_notify');
  }

  #flushOut(): void {
    const pieces = this.#out;
    this.#out = [];
    if (!this.#transportGone) this.#transport.write(pieces);
  }

  #flushBatch(): void {
    const batch = this.#batch;
    const [first] = batch;
    if (first === undefined) return;
    const bytes = this.#batched;
    this.#batched = 0;
    if (batch.length === 1) {
      batch.length = 0;
      this.#delivery.push(first);
    } else {
      this.#batch = [];
      this.#delivery.push(join(batch, bytes));
    }
  }

  /** Backpressure to the transport (contract §3): idle passive connections read ahead a little. */
  #regulate(): void {
    const delivery = this.#delivery;
    const core = this.#core;
    if (core === undefined) return;
    if (core.awaiting === undefined && delivery.demand) {
      this.#credit = this.#environment.settings.internalActiveN;
      if (this.#paused) {
        this.#paused = false;
        this.#transport.resume();
      }
      return;
    }
    if (this.#paused || (this.#credit > 0 && delivery.size < readAheadBytes && core.awaiting === undefined))
      return;
    this.#paused = true;
    this.#transport.pause();
  }

  /** Says goodbye to the peer, then closes the transport, not before the peer could read what we sent. */
  #part(goodbye: Goodbye): void {
    if (this.#parting !== 'no') return;
    if (goodbye === 'nothing' || this.#transportGone) {
      this.#parted();
      return;
    }
    this.#parting = 'talking';
    const alert = typeof goodbye === 'object' ? goodbye.alert : undefined;
    if (this.#split) {
      // What the peer still sends must be read: a socket closed with unread bytes is reset, and a reset takes along
      // what of ours the peer has not got yet.
      const linger = alert !== undefined || !this.#peerDone;
      const request: SenderRequest =
        alert === undefined ? { type: 'close' } : { type: 'alert', description: alert };
      void this.#ask(request, closePatience).then((said) => this.#later(saidTurn, said && linger));
      return;
    }
    // Before the split the core writes itself, and has written its alert already.
    if (alert === undefined) this.#core?.close();
    this.#flushOut();
    this.#said(alert !== undefined);
  }

  /** The sender has put the goodbye out, or could not: then nothing of ours is worth waiting for. */
  said(linger: boolean): Outcome {
    this.#said(linger);
    return this.#settle();
  }

  /** Ends our side and waits a while (`alert_timeout`) for the peer to have read all and to end too. */
  #said(linger: boolean): void {
    if (this.#parting !== 'talking') return;
    this.#answerClosers();
    if (!linger || this.#transportGone || this.#transportEnded) {
      this.#parted();
      return;
    }
    this.#parting = 'lingering';
    this.#transport.end();
    if (this.#paused) this.#transport.resume();
    this.#alarm('linger', this.#environment.settings.alertTimeout);
  }

  #answerClosers(): void {
    for (const from of this.#closers.splice(0)) from.reply(okay);
  }

  #parted(): void {
    if (this.#parting === 'done') return;
    this.#parting = 'done';
    this.#answerClosers();
    this.#notify({ type: 'transport_closed' });
    if (!this.#transportGone) this.#transport.destroy();
  }

  /** The process ends, by itself or because it was told to, or because it failed. */
  terminate(reason: unknown): void {
    if (reason === 'normal') return;
    const orderly = isOrderly(reason);
    const told: SslReason = orderly ? 'closed' : crashReason(this.#config);
    this.#handshake?.answer({ error: told });
    for (const { request, from } of this.#handshake?.postponed ?? []) from.reply(afterEnd(request));
    if (this.#split) {
      this.#delivery.end(orderly ? { type: 'closed' } : { type: 'failed', reason: told });
      this.#delivery.abandonRecv(told);
      return;
    }
    // Nobody has the socket yet: whoever waits for the handshake is all there is to tell.
    if (!orderly) this.#core?.fail('internal_error');
    else this.#core?.close();
    this.#flushOut();
  }

  /** `{tls_alert, {Alert, Text}}` of a connection that failed; it is logged too. */
  #alertReason(failure: Failure): SslReason {
    const { protocol, role } = this.#config;
    const explanation = failure.by === 'self' ? this.#handshake?.explanation : undefined;
    const text = alertText({ protocol, role, ...failure, explanation });
    const { alert, by, detail, reason, state } = failure;
    this.#log.report('notice', { alert, by, state, reason, detail, explanation }, text.trimEnd());
    return { tls_alert: [alert, text] };
  }

  #logOf({ logLevel, protocol, role }: Config): ConnectionLog {
    const peer = this.#transport.peername();
    const about = { protocol, role, ...('ok' in peer ? { peer: peer.ok } : {}) };
    return new ConnectionLog(this.#self.node.logger, logLevel, about);
  }

  // ── Small change ────────────────────────────────────────────────────────────────────────────────────

  #tell(message: SslMessage): void {
    this.#self.node.send(this.#owner, message);
  }

  #notify(notice: SenderNotice): void {
    this.#self.cast(this.#sender, notice);
  }

  /** Whether the sender has put it out; it has not if it is gone, or does not come to it in time. */
  async #ask(request: SenderRequest, patience: number): Promise<boolean> {
    try {
      const result = await this.#self.node.call<SendResult>(this.#sender, request, patience);
      return 'ok' in result;
    } catch {
      return false;
    }
  }

  #later<A>(turn: (connection: Connection, argument: A) => unknown, argument: A): void {
    const { node, pid } = this.#self;
    node.ioTurn(pid, turn, this, argument);
  }

  #alarm(kind: Alarm['kind'], ms: number): Alarm {
    const alarm = new Alarm(kind);
    alarm.ref = this.#self.sendAfter(ms, this.#self.pid, alarm);
    return alarm;
  }

  #cancel(alarm: Alarm | undefined): void {
    if (alarm?.ref !== undefined) this.#self.cancelTimer(alarm.ref);
  }
}

interface Postponed {
  readonly request: ConnectionRequest;
  readonly from: From;
}

/** What exists from accept or connect until the handshake is done. */
class Handshaking {
  readonly host: string | undefined;
  readonly listener: Pid<HandshakeOver> | undefined;
  readonly postponed: Postponed[] = [];
  from: From | undefined = undefined;
  alarm: Alarm | undefined = undefined;
  credentials: Credentials | undefined = undefined;
  reference: HostReference | undefined = undefined;
  /** What a stapled response has to bear. */
  nonce: Uint8Array | undefined = undefined;
  /** Why the peer's certificates were refused, for people. */
  explanation: string | undefined = undefined;

  constructor(host: string | undefined, listener: Pid<HandshakeOver> | undefined) {
    this.host = host;
    this.listener = listener;
  }

  /** Answers whoever waits for the handshake; only the first answer counts. */
  answer(result: Result<SslSocket>): void {
    const { from } = this;
    this.from = undefined;
    from?.reply(result);
  }
}

const okay = { ok: true };
const closedError: { readonly error: SslReason } = { error: 'closed' };
const einval = { error: 'einval' };
const drained: SenderNotice = { type: 'drained' };

/** What a call gets when the connection is over (contract §1.1). */
function afterEnd(request: ConnectionRequest): unknown {
  switch (request.type) {
    case 'close':
      return okay;
    case 'peername':
    case 'sockname':
    case 'statistics':
      return einval;
    default:
      return closedError;
  }
}

/** What is told when one of our own processes crashed. */
function crashReason({ protocol, role }: Config): SslReason {
  const alert = 'internal_error';
  return { tls_alert: [alert, alertText({ protocol, role, state: 'connection', by: 'self', alert })] };
}

function codeOf(alert: AlertDescription): number {
  return alert === 'unsupported/unknown_alert' ? 0 : alertCode(alert);
}

/** Which name a client sends and checks (contract §2.2, §10; an address as host is checked as one). */
function names(
  sni: string | 'disable' | undefined,
  host: string | undefined,
): { readonly serverName: string | undefined; readonly reference: HostReference | undefined } {
  if (sni === 'disable') return { serverName: undefined, reference: undefined };
  const name = sni ?? host?.replace(/\.$/, '');
  if (name === undefined) return { serverName: undefined, reference: undefined };
  const address = parseAddress(name);
  if (address !== undefined) return { serverName: undefined, reference: { type: 'address', address } };
  return { serverName: name, reference: { type: 'sni', name } };
}

function join(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function chunkTurn(connection: Connection, chunk: Uint8Array): Outcome {
  return connection.chunk(chunk);
}

function endTurn(connection: Connection): Outcome {
  return connection.transportEnded();
}

function closedTurn(connection: Connection, reason: string | undefined): Outcome {
  return connection.transportClosed(reason);
}

/** Asks for a signature; whatever goes wrong is the answer. */
async function signElsewhere(
  key: RemoteKey,
  scheme: SignatureSchemeName,
  data: Uint8Array,
): Promise<Result<Uint8Array>> {
  try {
    const signature: unknown = await key.sign(scheme, data);
    return signature instanceof Uint8Array && signature.length > 0 && signature.length <= 0xffff
      ? { ok: signature }
      : { error: 'no_signature' };
  } catch (error) {
    return { error: error instanceof Error ? error.message : { thrown: error } };
  }
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

function crashTurn(_connection: Connection, error: unknown): never {
  throw error;
}

function saidTurn(connection: Connection, linger: boolean): Outcome {
  return connection.said(linger);
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
