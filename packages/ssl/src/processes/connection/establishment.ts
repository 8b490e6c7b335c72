/**
 * How a connection is established: `ssl:handshake` and `connect` from their call until the core has said how it went.
 * Certificates, keys and trust are read, the core starts, and its questions are answered; so are those of a handshake
 * that runs again. After the peer's hello it may pause (`ssl:handshake_continue/2,3`), and options may follow the name
 * that was asked for.
 */
import type { From, Self } from '@actor-tls/runtime';
import type { ClientConfig, Config } from '../../options/config.js';
import type { Core } from '../../protocol/core.js';
import type { Facts } from '../../protocol/facts.js';
import type { HelloEvent } from '../../protocol/handshake.js';
import { helloExtensions } from '../../protocol/hello/hello-extensions.js';
import type { OwnIdentity } from '../../protocol/own-identity.js';
import type { Failure, Sink, StapleWish } from '../../protocol/sink.js';
import type { Session12, SessionWish } from '../../protocol/tls12/session.js';
import type { UserWish } from '../../protocol/tls12/user.js';
import type { CheckedTicket } from '../../protocol/tls13/post-handshake.js';
import type { PskWish, ReceivedTicket } from '../../protocol/tls13/psk.js';
import type { SignatureSchemeName } from '../../values/registry/schemes.js';
import type { SessionTicket } from '../../values/session-ticket.js';
import type { Result, SslReason } from '../../values/terms.js';
import type { KeyUse } from '../../values/x509/key-use.js';
import type { Delivery } from '../delivery/delivery.js';
import type { Environment } from '../environment.js';
import { layOver } from '../listener/listener-options.js';
import type { Place } from '../listener/place.js';
import type { Credentials } from '../material/credentials.js';
import { type ClientPurpose, ClientRecognition } from '../resumption/client-recognition.js';
import {
  ClientSession,
  forgetSession,
  renewedSession,
  type StandingSession,
} from '../resumption/client-sessions.js';
import { findUser, knowsUsers } from '../resumption/known-users.js';
import type { ListenerSessions } from '../resumption/listener-sessions.js';
import { ServerRecognition } from '../resumption/server-recognition.js';
import type { TransportReceiver } from '../transport/transport.js';
import { asked } from '../user-function.js';
import { Alarm, shorter } from './alarm.js';
import { crashReason, nameOf } from './connection-answers.js';
import type { ContinueCall, StartCall } from './connection-calls.js';
import type { ConnectionLog } from './connection-log.js';
import { type HandshakeAnswer, HandshakeCall } from './handshake-call.js';
import { type AfterHello, type Equipment, HandshakeMeans } from './handshake-means.js';
import { equipmentByName } from './host-equipment.js';
import type { Later } from './later.js';
import type { LifecycleEvent } from './lifecycle.js';
import type { Line } from './line.js';
import { setEmulated } from './live-options.js';
import {
  type Connected,
  type Handshaking,
  type InitialHello,
  isRunning,
  isUnestablished,
  type Life,
  type LifeAfter,
  type UnestablishedLife,
  type UserHello,
} from './lives.js';
import type { NewConnection } from './new-connection.js';
import type { SslSocket } from './socket.js';
import { keepEnding } from './unheard-endings.js';

/** What the core may ask for, and tell of. */
export interface Listening {
  /** Keys that a client offers (RFC 8446 §4.2.11). */
  readonly psks: boolean;
  readonly tickets: boolean;
  /** Keys of users (RFC 4279, RFC 5054). */
  readonly users: boolean;
}

/** The connection that is established; its core speaks to it. */
export interface EstablishmentHolder extends Sink {
  readonly life: Life;
  readonly config: Config;
  readonly socket: SslSocket;
  readonly log: ConnectionLog;
  /** Moves along an event's arrow. */
  go<E extends LifecycleEvent>(event: E, to: LifeAfter<E>): void;
  /** The handshake goes on with something else in it. */
  amend(life: Handshaking | UserHello): void;
  configure(config: Config): void;
  listen(what: Listening): void;
  /** Whether a server is asked for sessions, and for tickets, of TLS 1.2 and before. */
  listenForSessions(sessions: boolean, tickets: boolean): void;
  /** It is over, without a word to the peer. */
  abandon(): void;
}

/** What a connection has for it. */
export interface EstablishmentParts {
  readonly line: Line;
  readonly delivery: Delivery<SslSocket>;
  readonly receiver: TransportReceiver;
  readonly later: Later<unknown>;
}

export class Establishment {
  readonly #self: Self;
  readonly #environment: Environment;
  readonly #line: Line;
  readonly #place: Place;
  readonly #delivery: Delivery<SslSocket>;
  readonly #receiver: TransportReceiver;
  readonly #later: Later<unknown>;
  readonly #afterHello: AfterHello;
  readonly #server: ServerRecognition;
  #client: ClientRecognition | undefined = undefined;
  readonly #sessions: ListenerSessions | undefined;
  #session: ClientSession | undefined = undefined;
  /** What a client of ours has brought to be recognized by, until the handshake is over. */
  #wishedFor: SessionWish | undefined = undefined;
  /** The id by which the table has the session of this connection. */
  #registered: Uint8Array | undefined = undefined;
  readonly #holder: EstablishmentHolder;

  constructor(
    self: Self,
    { environment, place, tickets, sessions, afterHello = equipmentByName }: NewConnection,
    holder: EstablishmentHolder,
    { line, delivery, receiver, later }: EstablishmentParts,
  ) {
    this.#self = self;
    this.#environment = environment;
    this.#line = line;
    this.#place = place;
    this.#delivery = delivery;
    this.#receiver = receiver;
    this.#later = later;
    this.#afterHello = afterHello;
    this.#server = new ServerRecognition(environment, tickets);
    this.#sessions = sessions;
    this.#holder = holder;
  }

  // ── The beginning ───────────────────────────────────────────────────────────────────────────────────

  start({ host }: InitialHello, { timeout, options }: StartCall, from: From<HandshakeAnswer>): void {
    const changed = options && layOver(options, this.#holder.config, this.#environment);
    if (changed !== undefined && 'ok' in changed) {
      this.#holder.configure(changed.ok.config);
      setEmulated(changed.ok.socket, this.#delivery, this.#line);
    }
    const { handshakeDeadline } = this.#holder.config;
    const alarm = new Alarm(this.#self, 'handshake', shorter(timeout, handshakeDeadline));
    const end = handshakeDeadline === 'infinity' ? 'infinity' : this.#now + handshakeDeadline;
    const call = new HandshakeCall(from, alarm, end);
    this.#holder.go('start', { state: 'loading', host, call });
    if (changed !== undefined && 'error' in changed) this.giveUp(changed.error);
    else this.#load();
  }

  get #now(): number {
    return this.#self.node.clock.now();
  }

  #load(): void {
    this.#line.notify({ type: 'handshake' });
    const credentials = this.#environment.credentials(this.#holder.config);
    this.#later.goOnWith(credentials, (loaded) => this.#begin(loaded));
  }

  /** With certificates, keys and trust at hand the core starts. */
  #begin(loaded: Result<Credentials>): void {
    const { life, config } = this.#holder;
    if (life.state !== 'loading') return;
    if ('error' in loaded) {
      this.giveUp(loaded.error);
      return;
    }
    const { engine } = this.#environment;
    const means = HandshakeMeans.of({ config, credentials: loaded.ok }, life.host, engine);
    if (config.role === 'server') this.#shakeHands(means, { ok: undefined });
    else this.#findSession(this.#purpose(means, life.host), means, config);
  }

  #purpose({ equipment, serverName, reference }: HandshakeMeans, host: string | undefined): ClientPurpose {
    const peer = this.#line.transport.peername();
    const { address, port } = 'ok' in peer ? peer.ok : { address: '', port: 0 };
    const environment = this.#environment;
    return { environment, equipment, host: host ?? address, port, serverName, reference };
  }

  #findSession(purpose: ClientPurpose, means: HandshakeMeans, config: ClientConfig): void {
    if (!ClientSession.isWanted(config)) this.#recognizeBy(purpose, means, config);
    else
      this.#later.goOnWith(ClientSession.prepare(purpose, config), (session) => {
        this.#session = session;
        this.#recognizeBy(purpose, means, config);
      });
  }

  #recognizeBy(purpose: ClientPurpose, means: HandshakeMeans, config: ClientConfig): void {
    if (!ClientRecognition.isWanted(config)) this.#shakeHands(means, { ok: undefined });
    else this.#later.goOnWith(this.#recognize(purpose, config), (client) => this.#goOnWith(means, client));
  }

  /** What a client may be recognized by is looked for. An error is what the user's function has thrown. */
  #recognize(purpose: ClientPurpose, config: ClientConfig): Promise<Result<ClientRecognition>> {
    return asked(() => ClientRecognition.prepare(purpose, config, this.#self.pid));
  }

  #goOnWith(means: HandshakeMeans, client: Result<ClientRecognition>): void {
    if (this.#holder.life.state === 'loading') this.#shakeHands(means, client);
    else if ('ok' in client) client.ok.release();
  }

  #shakeHands(means: HandshakeMeans, recognized: Result<ClientRecognition | undefined>): void {
    const { life, config } = this.#holder;
    if (life.state !== 'loading') return;
    const client = 'ok' in recognized ? recognized.ok : undefined;
    this.#client = client;
    this.#listen(config);
    const { paths } = this.#line.transport;
    const core = means.makeCore(this.#environment, this.#holder, {
      resumption: client?.resumption,
      sessions: this.#session?.sessions,
      ownConnectionId: paths && config.connectionId && (() => paths.ownId()),
      cookies: this.#line.transport.cookies,
      roundTrip: this.#line.transport.roundTrip,
      now: () => this.#now,
    });
    this.#holder.go('loaded', { state: 'handshaking', call: life.call, means, core });
    if ('error' in recognized) core.fail('internal_error', { user_lookup_fun: recognized.error });
    else if (client?.tooMuchEarlyData === true) core.fail('illegal_parameter', 'too_much_early_data');
    else this.#greet(core, client);
  }

  #listen(config: Config): void {
    const tickets = this.#client?.takesTickets === true;
    this.#holder.listen({ psks: this.#server.wants(config), tickets, users: knowsUsers(config) });
    this.#listenForSessions(config);
  }

  #greet(core: Core, client: ClientRecognition | undefined): void {
    core.start();
    if (client?.earlyData !== undefined) core.sendEarlyData(client.earlyData);
    client?.offered();
    this.#line.flush();
    this.#line.start(this.#receiver);
  }

  // ── What the core asks ──────────────────────────────────────────────────────────────────────────────

  askHello(hello: HelloEvent): void {
    const { life, config } = this.#holder;
    if (life.state !== 'handshaking') return;
    this.#session?.heard(hello);
    if (config.handshake === 'hello') {
      this.#pause(life, hello);
      return;
    }
    const chosen = this.#afterHello(hello, life.means.equipment, this.#environment);
    if (chosen instanceof Promise)
      this.#holder.go('paused', { ...life, state: 'userHello', hello, waitsFor: 'options' });
    this.#later.goOnWith(chosen, (equipment) => this.#continue(equipment));
  }

  /** Whoever waits gets the hello, and says with which options to go on. A hello that is none fails in the core. */
  #pause(life: Handshaking, hello: HelloEvent): void {
    const sha256 = this.#environment.engine.hash('sha256');
    if (sha256 === undefined) throw new TypeError('no SHA-256');
    const ext = helloExtensions(hello, sha256);
    this.#holder.go('paused', { ...life, state: 'userHello', hello, waitsFor: 'user' });
    life.call.pause({ ok: this.#holder.socket, ext });
  }

  /** `ssl:handshake_continue/2,3` */
  continue(life: UserHello, { timeout, options }: ContinueCall, from: From<HandshakeAnswer>): void {
    const { deadline } = life.call;
    const left = deadline === 'infinity' ? deadline : Math.max(0, deadline - this.#now);
    life.call.resume(from, new Alarm(this.#self, 'handshake', shorter(timeout, left)));
    this.#holder.amend({ ...life, waitsFor: 'options' });
    const changed = layOver(options, this.#holder.config, this.#environment);
    if ('error' in changed) {
      this.#refuse(changed.error, life.core);
      return;
    }
    const { config, socket } = changed.ok;
    this.#holder.configure(config);
    setEmulated(socket, this.#delivery, this.#line);
    this.#later.goOnWith(this.#environment.credentials(config), (loaded) =>
      this.#choose(life.hello, config, loaded),
    );
  }

  /** After a pause, with its options read. */
  #choose(hello: HelloEvent, config: Config, loaded: Result<Credentials>): void {
    if (this.#holder.life.state !== 'userHello') return;
    const chosen =
      'error' in loaded
        ? loaded
        : this.#afterHello(hello, { config, credentials: loaded.ok }, this.#environment);
    this.#later.goOnWith(chosen, (equipment) => this.#continue(equipment));
  }

  /** `ssl:handshake_cancel/1` */
  cancel({ call, core }: UserHello): void {
    call.giveUp();
    core.fail('user_canceled');
  }

  /** Options that lead nowhere: the peer hears that it is our fault, whoever waits hears which. */
  #refuse(reason: SslReason, core: Core): void {
    this.disappoint(reason);
    core.fail('internal_error', { options: optionIn(reason) });
  }

  /** The handshake goes on, with these options from here. */
  #continue(chosen: Result<Equipment>): void {
    const { life } = this.#holder;
    if (life.state !== 'userHello' && life.state !== 'handshaking') return;
    const { call, core } = life;
    if ('error' in chosen) {
      if (optionIn(chosen.error) === undefined) core.fail('internal_error', { hello: chosen.error });
      else this.#refuse(chosen.error, core);
      return;
    }
    const { equipment } = life.means;
    const means = chosen.ok === equipment ? life.means : life.means.goOnWith(chosen.ok);
    if (
      this.#client?.standsUnder(chosen.ok, means.reference) === false ||
      this.#session?.standsUnder(chosen.ok, means.reference) === false
    ) {
      // What the server may have been recognized by was judged under options that hold no more.
      core.fail('handshake_failure', 'ticket_of_another_policy');
      return;
    }
    this.#listen(chosen.ok.config);
    if (chosen.ok !== equipment) this.#holder.configure(chosen.ok.config);
    if (life.state === 'userHello') this.#holder.go('continue', { state: 'handshaking', call, core, means });
    else this.#holder.amend({ ...life, means });
    core.answerHello(means.afterHello());
  }

  #listenForSessions(config: Config): void {
    const sessions = this.#sessions;
    if (sessions !== undefined && config.role === 'server')
      this.#holder.listenForSessions(sessions.keeps(config), sessions.givesTickets(config));
  }

  askSession(wish: SessionWish): void {
    const { core, means } = this.#asking;
    this.#wishedFor = wish;
    const found = this.#sessions?.find(wish, means.equipment);
    this.#later.goOnWith(found, (session) => core.answerSession(session));
  }

  askTicket(session: Session12): void {
    const { core, means } = this.#asking;
    const sealed = this.#sessions?.seal(session, means.equipment);
    this.#later.goOnWith(sealed, (ticket) => core.answerTicket(ticket));
  }

  /** The connection stands, and what it leaves of TLS 1.2 or before is kept; a client's, for its user to ask for. */
  keepSession({ means }: Handshaking, facts: Facts): StandingSession | undefined {
    if (facts.session === undefined) return undefined;
    if (facts.role === 'server') {
      this.#registered = idInTable(facts, this.#wishedFor);
      this.#sessions?.register(facts, means.equipment);
    }
    this.#wishedFor = undefined;
    const standing = this.#session?.established(facts, means.equipment);
    this.#session = undefined;
    return standing;
  }

  /** A fatal alert (RFC 5246 §7.2.2). Of a handshake only a client's session: nobody has proved who he is. */
  forgetSession(life: Life, failure: Failure): void {
    if (life.state !== 'connection') {
      if (failure.by === 'peer') this.#session?.failed();
      return;
    }
    if (life.session !== undefined) forgetSession(this.#environment, life.session);
    if (this.#registered !== undefined) this.#sessions?.forget(this.#registered);
  }

  /** A handshake has run again: what a user may keep is of that one. */
  renewSession(standing: StandingSession | undefined, facts: Facts): StandingSession | undefined {
    return standing && renewedSession(standing, facts, this.#environment);
  }

  askPsk(wish: PskWish): void {
    const { core, means } = this.#asking;
    this.#later.goOnWith(this.#server.find(wish, means.equipment), (found) => {
      if ('ok' in found) core.answerPsk(found.ok);
      else core.fail('internal_error', { user_lookup_fun: found.error });
    });
  }

  askUser(wish: UserWish): void {
    const { core, means } = this.#asking;
    const { engine } = this.#environment;
    this.#later.goOnWith(findUser(wish, means.equipment.config, engine), (found) => {
      if ('ok' in found) core.answerUser(found.ok);
      else core.fail('internal_error', { user_lookup_fun: found.error });
    });
  }

  /** Whether tickets follow the handshake. */
  issuesTickets({ means }: Handshaking): boolean {
    return this.#server.issues(means.equipment);
  }

  /** The connection stands: a server sends tickets, a client hears of its early data. */
  established({ means, core }: Handshaking, facts: Facts): 'accepted' | 'rejected' | undefined {
    if (facts.role === 'client') return this.#clientEstablished(facts);
    const issued = this.#server.established(facts, means.equipment, (nonce) => core.ticketPsk(nonce));
    this.#sendTickets(issued, means);
    return undefined;
  }

  #clientEstablished(facts: Facts): 'accepted' | 'rejected' | undefined {
    const { client: tally } = this.#environment.census.resumption;
    tally.established(facts, this.#client?.offersTicket === true);
    this.#client?.done();
    const outcome = this.#client?.earlyOutcome(facts);
    if (outcome !== undefined) tally.earlyData(outcome, facts.earlyBytes);
    return outcome;
  }

  /** A client has shown its certificate after the handshake: tickets from here on are of one that is known by it. */
  shown({ means, core }: Connected, facts: Facts): void {
    if (means === 'spent' || !this.#server.issues(means.equipment)) return;
    this.#sendTickets(
      this.#server.shown(facts, means.equipment, (nonce) => core.ticketPsk(nonce)),
      means,
    );
  }

  #sendTickets(issued: Promise<readonly CheckedTicket[]>, { equipment }: HandshakeMeans): void {
    this.#later.goOnWith(issued, (tickets) => {
      if (tickets.length > 0) this.#avoidDelay(equipment.config);
      this.#line.notify({ type: 'session_tickets', tickets });
    });
  }

  /**
   * Nobody answers tickets: the first short piece of data behind them would wait until the peer acknowledges them, 40 ms
   * on most systems (RFC 896, RFC 1122 §4.2.3.2). So it does not wait, unless the user wants it to.
   */
  #avoidDelay({ transport }: Config): void {
    if (transport.nodelay === undefined && !this.#line.gone)
      this.#line.transport.setOptions({ nodelay: true });
  }

  /** A ticket that its owner is to have. */
  ticket(received: ReceivedTicket, facts: Facts): SessionTicket | undefined {
    return this.#client?.take(received, facts);
  }

  askVerdict(chain: readonly Uint8Array[], staple: Uint8Array | undefined, use: KeyUse): void {
    const { core, means } = this.#asking;
    const verdict = means.judge({ chain, staple, use }, this.#environment, this.#holder.log);
    this.#later.goOnWith(verdict, (found) => {
      if ('reject' in found) means.explanation = found.reject.explanation;
      core.answerVerdict(found);
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
    const { life } = this.#holder;
    if (!('means' in life) || life.means === 'spent') throw new TypeError('asked without a handshake');
    return { core: life.core, means: life.means };
  }

  // ── There will be no connection ─────────────────────────────────────────────────────────────────────

  /** The handshake is given up without a word to the peer. */
  giveUp(reason: SslReason): void {
    this.#holder.log.report('info', { reason }, 'handshake given up');
    this.disappoint(reason);
    this.#holder.abandon();
  }

  /** Whoever waits for the handshake hears that there will be none, and it is counted. */
  disappoint(reason: SslReason): void {
    const { life } = this.#holder;
    if (!isUnestablished(life)) return;
    this.#place.failed(nameOf(reason));
    if (life.state !== 'initialHello' && !life.call.answer({ error: reason }))
      keepEnding(this.#holder.socket, reason);
  }

  /** Nobody has the socket yet: whoever waits for the handshake, and the peer, are all there is to tell. */
  terminate(life: UnestablishedLife, orderly: boolean): void {
    this.disappoint(orderly ? 'closed' : crashReason(this.#holder.config));
    if ('call' in life) life.call.endPostponed();
    if (isRunning(life)) {
      if (orderly) life.core.close();
      else life.core.fail('internal_error');
    }
    this.#line.flush();
  }
}

/** Which option is wrong, by its name alone: its value may be a secret. `undefined`: it is no matter of options. */
function optionIn(reason: SslReason): string | undefined {
  if (typeof reason !== 'object') return undefined;
  if (!('options' in reason))
    return Object.keys(reason).find((tag) => tag.endsWith('option') || tag.endsWith('options'));
  const { options } = reason;
  const term: unknown = Array.isArray(options) ? options.at(-1) : options;
  return typeof term === 'object' && term !== null ? (Object.keys(term)[0] ?? '') : '';
}

/** A ticket is in no table: the id beside it is of the client's choice (RFC 5077 §3.4), and may be another's. */
function idInTable(
  { sessionId, sessionResumption }: Facts,
  wish: SessionWish | undefined,
): Uint8Array | undefined {
  const byTicket = sessionResumption && wish?.ticket !== undefined;
  return byTicket || sessionId.length === 0 ? undefined : sessionId;
}
