/**
 * `@actor-tls/ssl`: Erlang/OTP's `ssl`, function by function in the manual's order.
 *
 * `ok` is `{ ok: true }`, `{ok, X}` is `{ ok: X }`, `{error, R}` is `{ error: R }`; `unwrap` throws an `SslError`
 * instead. What makes a socket or waits for one takes the calling process first: it becomes the owner and gets the
 * messages (`SslMessage`). Arguments of a wrong type raise a `TypeError`, as they raise in Erlang.
 */
import type { Duplex } from 'node:stream';
import {
  type ApplicationSpec,
  type Asking,
  type ChildSpec,
  defaultNode,
  type NamedRequest,
  type Node,
  Pid,
  type ReplyOf,
} from '@actor-tls/runtime';
import type { RotationResult } from '@actor-tls/session-store';
import type { ActiveMode, ClientConfig, PacketMode, SocketOptions } from './options/config.js';
import { explained } from './options/explain.js';
import {
  type ParseContext,
  parseClientOptions,
  parseServerOptions,
  snapshotOptions,
} from './options/parse.js';
import type { TlsClientOptions, TlsServerOptions } from './options/raw.js';
import { type OptionValues, readOptions } from './options/socket-options.js';
import {
  type Application,
  type ApplicationOptions,
  applicationOf,
  connectDatagrams,
  sslApplication,
  startConnection,
  startListener,
  startSsl,
  stopSsl,
  upgradeTickets,
} from './processes/application.js';
import type { ConnectionInformation } from './processes/connection/connection-information.js';
import {
  type ConnectionRequests,
  connectionRequests,
  type Downgraded,
} from './processes/connection/connection-requests.js';
import type { HandshakeAnswer } from './processes/connection/handshake-call.js';
import type { PrfSeed } from './processes/connection/prf-answer.js';
import { senderRequests } from './processes/connection/sender.js';
import { SslListenSocket, type SslMessage, SslSocket } from './processes/connection/socket.js';
import { takeEnding } from './processes/connection/unheard-endings.js';
import type { RecvResult } from './processes/delivery/delivery.js';
import { bytesOf, type IoData } from './processes/delivery/iodata.js';
import type { DataMode, DataOf, ReceivedData, ShapeOf } from './processes/delivery/received-data.js';
import {
  type AcceptorPool,
  listenerOf,
  type PoolCalls,
  poolSpec,
} from './processes/listener/acceptor-pool.js';
import type { NodeCounters } from './processes/listener/census.js';
import type { DrainResult } from './processes/listener/draining.js';
import {
  type ListenerCounters,
  type ListenerRequests,
  listenerRequests,
} from './processes/listener/listener.js';
import { keepWritten } from './processes/listener/listener-options.js';
import { nodeNet } from './processes/transport/node-net.js';
import {
  type Address,
  TransportCounters,
  type TransportProvider,
  type TransportStatistics,
} from './processes/transport/transport.js';
import { verifierOf } from './protocol/tls12/key-exchange/srp-verifier.js';
import { tupleText } from './values/address.js';
import * as suites from './values/cipher-suites.js';
import { defaultEngine } from './values/crypto/default-engine.js';
import type { CryptoEngine } from './values/crypto/engine.js';
import { type BlamedCertificate, type FailureCause, localCause, withCause } from './values/failure-cause.js';
import { formatError } from './values/format-error.js';
import { dialledHost } from './values/host.js';
import type { CurveName, Tls13GroupName } from './values/registry/groups.js';
import { type SrpGroupName, srpGroup } from './values/registry/srp-groups.js';
import { type ProtocolVersion, versionRows } from './values/registry/versions.js';
import { Secret } from './values/secret.js';
import { SslError, unwrap } from './values/ssl-error.js';
import type { Failed, Ok, Result } from './values/terms.js';
import type { SrpVerifier } from './values/user-lookup.js';

export type { CrlAnswer, CrlCacheApi, CrlReport, DistributionPoint } from '@actor-tls/crl-cache';
export type { TransportOptions } from './options/config.js';
export type { CrlCacheWish, StaplingWish, TlsClientOptions, TlsServerOptions } from './options/raw.js';
export type { Fleet } from './options/rows-fleet.js';
export type { KeepSecrets, KeyLogFun, KeyLogInfo } from './options/rows-secrets.js';
export type { OptionValues } from './options/socket-options.js';
export type { ConnectionInformation } from './processes/connection/connection-information.js';
export type { Downgraded } from './processes/connection/connection-requests.js';
export type { HandshakeAnswer } from './processes/connection/handshake-call.js';
export type { PrfSeed } from './processes/connection/prf-answer.js';
export { SslListenSocket, type SslMessage, SslSocket } from './processes/connection/socket.js';
export type { OwnerMessage, RecvResult } from './processes/delivery/delivery.js';
export type { IoData } from './processes/delivery/iodata.js';
export type { HttpPacket, HttpText, HttpUri, HttpVersion } from './processes/delivery/packet-http.js';
export type { DataOf, HeaderedData, ReceivedData, ShapeOf } from './processes/delivery/received-data.js';
export type { AcceptorPool } from './processes/listener/acceptor-pool.js';
export type { NodeCounters } from './processes/listener/census.js';
export type { DrainResult } from './processes/listener/draining.js';
export type { ListenerCounters } from './processes/listener/listener.js';
export type { ConnectionCounters } from './processes/listener/tally.js';
export type { TicketStoreCounters } from './processes/resumption/listener-tickets.js';
export type { ResumptionCounters, TicketRefusal } from './processes/resumption/resumption-tally.js';
export type { SessionCounters, SessionRefusal } from './processes/resumption/session-tally.js';
export { duplexTransport } from './processes/transport/duplex.js';
export {
  type AcceptReceiver,
  type Address,
  type Transport,
  TransportCounters,
  type TransportListener,
  type TransportProvider,
  type TransportReceiver,
  type TransportStatistics,
} from './processes/transport/transport.js';
export type { HelloExtensions, ToldKeyShare, ToldPsks } from './protocol/hello/hello-extensions.js';
export * as sslCrlCache from './ssl-crl-cache.js';
export type { SuiteFilters, SuiteMap } from './values/cipher-suites.js';
export { SessionTicket } from './values/session-ticket.js';
export type { Failed, Ok, Result, SslReason } from './values/terms.js';
export type {
  LookedUpKey,
  LookedUpVerifier,
  SrpDerivedKey,
  SrpVerifier,
  UserLookupFun,
} from './values/user-lookup.js';
export type { HostnameCheckHooks, MatchFun, PresentedId, ReferenceId } from './values/x509/hostname.js';
export type { RemoteKey } from './values/x509/key-material.js';
export type { OcspResponseSource, OcspStapleRequest } from './values/x509/ocsp-response-source.js';
export {
  type MatchRule,
  pkixVerifyHostname,
  pkixVerifyHostnameMatchFun,
} from './values/x509/pkix-verify-hostname.js';
export type { BlamedCertificate, FailureCause };
export { formatError, SslError, unwrap };

/** ms, or for ever. */
export type Timeout = number | 'infinity';

/** The calling process: any `self` whose process takes `SslMessage`s (of this data). A shell takes all. */
export interface Caller<Data = ReceivedData> {
  readonly pid: Pid<SslMessage<Data>>;
  readonly node: Node;
}

// ── The application ─────────────────────────────────────────────────────────────────────────────────────

/** What `start` may be told; all of it has defaults. */
export interface StartOptions {
  /** Default: the default node. */
  readonly node?: Node;
  /** Cryptography: default node:crypto, then noble for what it lacks. */
  readonly engine?: CryptoEngine;
  /** The network: default TCP by node:net; `TransportProvider` tells what one of your own has to do. */
  readonly network?: TransportProvider;
  /** The application's environment by OTP's names (contract §4): `{ alert_timeout: 1000 }`. */
  readonly env?: Readonly<Record<string, unknown>>;
  /** ms since 1970, for certificates: default `Date.now`. */
  readonly wallClock?: () => number;
}

/** Starts the application on a node; `ok` also when it runs there already. `ssl:start/0` */
export async function start(options: StartOptions = {}): Promise<Result<true>> {
  const { node = defaultNode() } = options;
  return startSsl(node, applicationOptions(options));
}

/**
 * The application itself, for those who need it: `applications: [ssl.application]` in an application of yours, which
 * `ensureAllStarted` then starts after ssl. For settings other than the defaults see `applicationWith`.
 */
export const application: ApplicationSpec = sslApplication(applicationOptions({}));

/** The application with another engine, network, clock or settings; started on whatever node asks for it. */
export function applicationWith(options: Omit<StartOptions, 'node'>): ApplicationSpec {
  return sslApplication(applicationOptions(options));
}

function applicationOptions(options: StartOptions): ApplicationOptions {
  const { engine = defaultEngine, network = nodeNet, env, wallClock } = options;
  return {
    provider: network,
    engine,
    ...(env === undefined ? {} : { env }),
    ...(wallClock === undefined ? {} : { wallClock }),
  };
}

/** Stops it; connections say close_notify. `{ not_started: 'ssl' }`. `ssl:stop/0` */
export function stop(node: Node = defaultNode()): Promise<Result<true>> {
  return stopSsl(node);
}

// ── Life of a connection ────────────────────────────────────────────────────────────────────────────────

/**
 * Connects, as a client; with an open stream in place of host and port the stream is upgraded: a `net.Socket`, of TCP
 * or a Unix domain socket, or any `Duplex` of bytes. Its certificate is checked for the peer's address, unless
 * `serverNameIndication` says otherwise; a stream without addresses needs it to verify its peer.
 *
 * With `handshake: 'hello'` it answers `{ ok: socket, ext }` once the server's hello is there, for `handshakeContinue`.
 *
 * `timeout` is one deadline for name, transport and handshake. Errors: the transport's (`econnrefused`, `nxdomain`, …),
 * `timeout`, `closed`, `{ tls_alert: [alert, text] }`, `{ options: … }`, `ssl_not_started`. `ssl:connect/2,3,4`
 *
 * `host` is a name (Unicode too), an address as text, or its numbers.
 */
export function connect<
  To extends string | readonly number[] | Duplex,
  Mode extends DataMode = 'binary',
  Packet extends PacketMode = 0,
  Header extends number = 0,
>(
  self: Caller<DataOf<Mode, Packet, Header>>,
  to: To,
  ...rest: ConnectRest<To, TlsClientOptions<Mode, Packet, Header>>
): Promise<HandshakeAnswer<DataOf<Mode, Packet, Header>>>;
export async function connect(
  self: Caller<never>,
  to: unknown,
  ...rest: readonly unknown[]
): Promise<HandshakeAnswer> {
  checkCaller(self);
  if (to === null || (typeof to !== 'string' && typeof to !== 'object'))
    throw new TypeError('connect takes a host and a port, or an open stream');
  if (typeof to !== 'string' && !Array.isArray(to)) return upgradeClient(self, to, rest[0], rest[1]);
  const [port, options = {}, limit = 'infinity'] = rest;
  const timeout = timeoutOf(limit);
  const host = typeof to === 'string' ? to : addressOf(to);
  if (typeof port !== 'number') throw new TypeError('a port is a number');
  const application = applicationOf(self.node);
  if (application === undefined) return notStarted;
  const own = optionsOf(options);
  const config = parseClientOptions(own, contextOf(application));
  if ('error' in config) return config;
  keepForPause(config.ok, own);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    return { error: { options: { cb_info: config.ok.protocol === 'dtls' ? udpCallbacks : tcpCallbacks } } };
  // node:net would take it for localhost.
  if (host === '') return { error: 'nxdomain' };
  const { environment } = application;
  const deadline = deadlineOf(self.node, timeout);
  const dialled = dialledHost(host);
  const transport = await (config.ok.protocol === 'dtls'
    ? connectDatagrams(environment, dialled, port, config.ok, deadline())
    : environment.provider.connect(dialled, port, config.ok.transport, deadline()));
  if ('error' in transport) return transport;
  const connection = await startConnection(self.node, {
    environment,
    transport: transport.ok,
    config: config.ok,
    socket: config.ok.socket,
    owner: self.pid,
    host,
    place: environment.census.place(transport.ok, 'client'),
  });
  return 'error' in connection ? connection : shakeHands(connection.ok, deadline(), undefined);
}

/** What a client goes on from after a pause; nobody else asks for it. */
function keepForPause(config: ClientConfig, options: TlsClientOptions): void {
  if (config.handshake === 'hello') keepWritten(config, snapshotOptions(options));
}

/** What follows host or stream in a call of `connect`: one signature, so that a wrong option has one compile error. */
export type ConnectRest<To, Options> = To extends Duplex
  ? [options?: Options, timeout?: Timeout]
  : [port: number, options?: Options, timeout?: Timeout];

/**
 * Upgrade of a plain stream: what is not in the options is taken over from it (passive, binary, no packets). With wrong
 * options it stays as it was.
 */
async function upgradeClient(
  self: Caller,
  socket: unknown,
  options: unknown = {},
  limit: unknown = 'infinity',
): Promise<HandshakeAnswer> {
  const timeout = timeoutOf(limit);
  const application = applicationOf(self.node);
  if (application === undefined) return notStarted;
  const { environment } = application;
  const context = { ...contextOf(application), inheritedSocket: plainSocket };
  const own = optionsOf(options);
  const config = parseClientOptions(own, context);
  if ('error' in config) return config;
  keepForPause(config.ok, own);
  if (config.ok.protocol === 'dtls') return noStream;
  const transport = environment.provider.adopt(socket);
  if ('error' in transport) return transport;
  const peer = transport.ok.peername();
  if ('error' in peer && isNameless(config.ok)) {
    transport.ok.release();
    return needsName;
  }
  const connection = await startConnection(self.node, {
    environment,
    transport: transport.ok,
    config: config.ok,
    socket: config.ok.socket,
    owner: self.pid,
    host: 'ok' in peer ? peer.ok.address : undefined,
    place: environment.census.place(transport.ok, 'client'),
  });
  return 'error' in connection ? connection : shakeHands(connection.ok, timeout, undefined);
}

/**
 * Opens a listening socket that closes with its owner. Options are checked now; files are read when a connection
 * needs them. Port 0: any free one, see `sockname`. Errors: `nooptions`, the transport's (`eaddrinuse`, `eacces`, …),
 * `{ options: … }`. `ssl:listen/2`
 */
export function listen<
  Mode extends DataMode = 'binary',
  Packet extends PacketMode = 0,
  Header extends number = 0,
>(
  self: Caller<DataOf<Mode, Packet, Header>>,
  port: number,
  options: TlsServerOptions<Mode, Packet, Header>,
): Promise<Result<SslListenSocket<DataOf<Mode, Packet, Header>>>>;
export async function listen(
  self: Caller<never>,
  port: number,
  options: TlsServerOptions,
): Promise<Result<SslListenSocket>> {
  checkCaller(self);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new TypeError(`${String(port)} is no port: a number from 0, any free one, to 65535`);
  const application = applicationOf(self.node);
  if (application === undefined) return notStarted;
  if (Object.keys(optionsOf(options)).length === 0) return { error: 'nooptions' };
  const own = snapshotOptions(options);
  const config = parseServerOptions(own, contextOf(application));
  if ('error' in config) return config;
  keepWritten(config.ok, own);
  return startListener(application, { port, config: config.ok, owner: self.pid });
}

/**
 * Waits for a connection; the caller owns it. The handshake is for `handshake`. Any number may wait. Errors:
 * `timeout`, `closed` (also when the listener closes meanwhile). `ssl:transport_accept/1,2`
 */
export function transportAccept<Data extends ReceivedData>(
  self: Caller<Data>,
  listener: SslListenSocket<Data>,
  timeout?: Timeout,
): Promise<Result<SslSocket<Data>>>;
export async function transportAccept(
  self: Caller,
  listener: SslListenSocket,
  timeout: Timeout = 'infinity',
): Promise<Result<SslSocket>> {
  checkCaller(self);
  const limit = timeoutOf(timeout);
  return askListener(listener, { type: 'accept', owner: self.pid, timeout: limit }, closed);
}

/**
 * The server's handshake, on a socket of `transportAccept`, with options laid over the listener's; or on an open
 * stream (a `net.Socket`, of TCP or a Unix domain socket, or any `Duplex` of bytes), which is upgraded. After any error
 * the connection is gone. With `handshake: 'hello'` it answers `{ ok: socket, ext }` once the client's hello is there, for
 * `handshakeContinue` or `handshakeCancel`. Errors as for `connect`, and files: `{ options: { certfile: [file, reason] } }`.
 * `ssl:handshake/1,2,3`
 */
export function handshake<
  On extends SslSocket | Duplex,
  Mode extends DataMode = never,
  Packet extends PacketMode = never,
  Header extends number = never,
>(
  self: Caller<ShakenData<On, Mode, Packet, Header>>,
  socket: On,
  ...rest: HandshakeRest<On, TlsServerOptions<Mode, Packet, Header>>
): Promise<HandshakeAnswer<ShakenData<On, Mode, Packet, Header>>>;
export async function handshake(
  self: Caller<never>,
  socket: SslSocket | SslListenSocket | Duplex,
  second: TlsServerOptions | Timeout = 'infinity',
  third: Timeout = 'infinity',
): Promise<HandshakeAnswer> {
  checkCaller(self);
  if (socket instanceof SslListenSocket) return enotconn;
  if (typeof second !== 'object') {
    if (!(socket instanceof SslSocket)) throw new TypeError('a plain stream needs options');
    return shakeHands(socket, timeoutOf(second), undefined);
  }
  const timeout = timeoutOf(third);
  const application = applicationOf(self.node);
  if (application === undefined) return notStarted;
  const options = snapshotOptions(plainly(optionsOf(second)));
  if (socket instanceof SslSocket) return shakeHands(socket, timeout, options);
  return upgradeServer(self, socket, options, timeout, application);
}

/** What follows the socket in a call of `handshake`; a plain stream needs options. */
export type HandshakeRest<On, Options> = On extends SslSocket
  ? [options?: Options | Timeout, timeout?: Timeout]
  : [options: Options, timeout?: Timeout];

/** What a socket delivers after its handshake: options that say nothing leave it as the listener's had it. */
export type ShakenData<On, Mode, Packet, Header> =
  On extends SslSocket<infer Data extends ReceivedData>
    ? [Mode | Packet | Header] extends [never]
      ? Data
      : ReceivedData
    : DataOf<Or<Mode, 'binary'>, Or<Packet, 0>, Or<Header, 0>>;

type Or<Given, Default> = [Given] extends [never] ? Default : Given;

async function upgradeServer(
  self: Caller,
  socket: Duplex,
  options: TlsServerOptions,
  timeout: Timeout,
  application: Application,
): Promise<HandshakeAnswer> {
  const { environment } = application;
  const config = parseServerOptions(options, { ...contextOf(application), inheritedSocket: plainSocket });
  if ('error' in config) return config;
  keepWritten(config.ok, options);
  if (config.ok.protocol === 'dtls') return noStream;
  const deadline = deadlineOf(self.node, timeout);
  // At once: what comes meanwhile has to wait for us, and an error needs somebody who hears it.
  const transport = environment.provider.adopt(socket);
  if ('error' in transport) return transport;
  const tickets = await upgradeTickets(application, config.ok).catch((error: unknown) => {
    transport.ok.destroy();
    throw error;
  });
  const connection = await startConnection(self.node, {
    environment,
    transport: transport.ok,
    config: config.ok,
    socket: config.ok.socket,
    owner: self.pid,
    host: undefined,
    sessions: application.sessions,
    place: environment.census.place(transport.ok, 'server'),
    tickets,
  });
  return 'error' in connection ? connection : shakeHands(connection.ok, deadline(), undefined);
}

/**
 * On with a handshake that has paused (`handshake: 'hello'`), with options laid over those before. The time of the whole
 * handshake (`handshakeDeadline`) has gone on through the pause, `timeout` counts from here. Errors: `timeout` when there
 * was none left, `closed`, `{ tls_alert: … }`, `{ options: … }`, after which the connection is gone; `einval` when it is
 * not paused. `ssl:handshake_continue/2,3`
 */
export async function handshakeContinue<Data extends ReceivedData>(
  socket: SslSocket<Data>,
  options: TlsClientOptions | TlsServerOptions,
  timeout: Timeout = 'infinity',
): Promise<Result<SslSocket<Data>>> {
  const limit = timeoutOf(timeout);
  const own = snapshotOptions(plainly(optionsOf(options)));
  const answer = await ask(socket, { type: 'continue', timeout: limit, options: own }, closed);
  if ('ok' in answer) return { ok: socket };
  return answer.error === 'closed' ? { error: takeEnding(socket) ?? 'closed' } : answer;
}

/**
 * Gives up a handshake that has paused; the peer hears `user_canceled`. Errors: `closed`, `einval` when it is not paused.
 * `ssl:handshake_cancel/1`
 */
export function handshakeCancel(socket: SslSocket): Promise<Result<true>> {
  return ask(socket, { type: 'cancel' }, closed);
}

/**
 * Gives the connection another owner, which gets what is received from now on; what was delivered stays in the old
 * mailbox. Any process may call it. `ok` also for a dead process: then the connection closes. `ssl:controlling_process/2`
 */
export function controllingProcess<Data extends ReceivedData>(
  socket: SslSocket<Data> | SslListenSocket<Data>,
  owner: Pid<SslMessage<Data>>,
): Promise<Result<true>>;
export async function controllingProcess(
  socket: SslSocket | SslListenSocket,
  owner: Pid<SslMessage>,
): Promise<Result<true>> {
  if (!(owner instanceof Pid)) throw new TypeError('an owner is a pid');
  const request = { type: 'controlling_process', owner } as const;
  return socket instanceof SslListenSocket
    ? askListener(socket, request, closed)
    : ask(socket, request, closed);
}

/**
 * Takes a listener out of service: no new connections, those that are there go on. Answers when the last one has ended;
 * those that are there after `deadline` ms are told close_notify and closed. The listener is closed then. Whoever is
 * in a handshake may finish it. Error: `closed`. Ours.
 */
export async function drain(listener: SslListenSocket, deadline: Timeout): Promise<Result<DrainResult>> {
  return askListener(listener, { type: 'drain', deadline: timeoutOf(deadline) }, closed);
}

/**
 * A child specification for a supervisor of yours: listens, accepts, and serves each connection in a process of its
 * own, which shakes hands itself. Ours.
 *
 * A worker's crash closes its connection and is nobody else's; an acceptor's restarts it; when the listening socket
 * is lost a new one is opened, and connections go on. A port in use or wrong options are why the pool does not start.
 */
export function acceptorPool(pool: AcceptorPool): ChildSpec {
  return poolSpec(pool, poolCalls);
}

/** The listening socket of the pool of this name: for `sockname`, `listenerCounters`, `drain`. Ours. */
export function poolListener(asking: Asking, name: string): Promise<SslListenSocket> {
  return listenerOf(asking, name);
}

const poolCalls: PoolCalls = {
  listen,
  sockname,
  accept: (self, listener) => transportAccept(self, listener),
  own: controllingProcess,
  shakeHands: (self, socket, timeout) => handshake(self, socket, timeout),
  close: (socket) => close(socket),
  drain,
};

/** Has `close` take TLS off a connection. */
export interface DowngradeWish {
  /** How long the peer may take to say close_notify. */
  readonly downgrade: Timeout;
}

/**
 * Ends the connection or listener: close_notify, then the transport. Always `ok`.
 *
 * With `{ downgrade: timeout }` it takes TLS off and gives the transport back, once the peer has said close_notify too.
 * Errors: `timeout` (the connection is gone), `closed`, `tcp_closed`, `enotconn`. `ssl:close/1,2`
 */
export function close<How extends Timeout | DowngradeWish = 'infinity'>(
  socket: SslSocket | SslListenSocket,
  how?: How,
): Promise<How extends DowngradeWish ? Downgraded | Failed : Ok>;
export async function close(
  socket: SslSocket | SslListenSocket,
  how: Timeout | DowngradeWish = 'infinity',
): Promise<Ok | Downgraded | Failed> {
  if (typeof how === 'object' && how !== null) {
    const timeout = timeoutOf(how.downgrade);
    return socket instanceof SslListenSocket ? enotconn : ask(socket, { type: 'downgrade', timeout }, closed);
  }
  timeoutOf(how);
  if (socket instanceof SslListenSocket) await askListener(socket, { type: 'close' }, okay);
  else await ask(socket, { type: 'close' }, okay);
  return okay;
}

/**
 * `write` says close_notify and sends no more; reading goes on until the peer ends too. `read_write` ends both ways, as
 * `close`. `read` takes nothing more, and as in OTP the connection ends with it: its owner hears `ssl_closed`.
 * Errors: `closed`, `enotconn`. `ssl:shutdown/2`
 */
export async function shutdown(
  socket: SslSocket | SslListenSocket,
  how: 'read' | 'write' | 'read_write',
): Promise<Result<true>> {
  if (how !== 'read' && how !== 'write' && how !== 'read_write')
    throw new TypeError(`shutdown: ${String(how)}`);
  return socket instanceof SslListenSocket ? enotconn : ask(socket, { type: 'shutdown', how }, closed);
}

// ── Data, options, information ──────────────────────────────────────────────────────────────────────────

/**
 * Sends all of the data, whole and in the order of calls, however many processes send; answers when the transport has
 * it. Leave the bytes alone until then. Errors: `closed`, `timeout` (`sendTimeout`), `enotconn`,
 * `{ badarg: { packet_to_large: [length, max] } }`. `ssl:send/2`
 */
export function send(socket: SslSocket | SslListenSocket, data: IoData): Promise<Result<true>> {
  try {
    if (socket instanceof SslListenSocket) return Promise.resolve(enotconn);
    const request = { type: 'send', data: bytesOf(data) } as const;
    if (request.data.length > longestAtOnce)
      return senderRequests.askOr(socket.node, socket.sender, request, senderGone, Infinity);
    const answer = senderRequests.askNow(socket.node, socket.sender, request, senderGone);
    if (answer instanceof Promise) return answer;
    return 'ok' in answer ? sent : Promise.resolve(answer);
  } catch (error) {
    return Promise.reject(error);
  }
}

const sent: Promise<Result<true>> = Promise.resolve({ ok: true });
/** Longer sends take their turn: carried out in the caller's they would keep other processes waiting. */
const longestAtOnce = 4096;

function senderGone(): Result<true> {
  return closed;
}

/**
 * Takes received data on a passive socket: `length` bytes, or with 0 what is there (at least one byte). In packet
 * modes one packet, whatever the length. Errors: `timeout` (nothing is lost), `closed`, `einval` (not passive),
 * `ealready` (another waits), `{ invalid_packet: data }`, `{ tls_alert: … }`, `enotconn`. `ssl:recv/2,3`
 */
export function recv<Data extends ReceivedData>(
  socket: SslSocket<Data> | SslListenSocket<Data>,
  length: number,
  timeout?: Timeout,
): Promise<RecvResult<Data>>;
export async function recv(
  socket: SslSocket | SslListenSocket,
  length: number,
  timeout: Timeout = 'infinity',
): Promise<RecvResult> {
  if (!Number.isInteger(length) || length < 0) throw new TypeError(`recv: ${String(length)} is no length`);
  const limit = timeoutOf(timeout);
  if (socket instanceof SslListenSocket) return enotconn;
  return ask(socket, { type: 'recv', length, timeout: limit }, closed);
}

/** What `setopts` takes on every socket; see `ShapeOf` for the rest. */
export interface SettableOptions {
  /** `active`: a number adds to the running count. */
  readonly active?: ActiveMode | undefined;
  /** `packet_size`: largest packet, bytes; 0: no limit. */
  readonly packetSize?: number | undefined;
  /** `nodelay` of TCP. */
  readonly nodelay?: boolean | undefined;
  /** `keepalive` of TCP. */
  readonly keepalive?: boolean | undefined;
}

/**
 * Sets options: `mode`, `packet`, `header`, `active`, `packetSize` in the order given, then those of the transport
 * (`nodelay`, `keepalive`). On a listener: for later connections. A socket whose type tells what it delivers takes no
 * options that would make it untrue: `const any: SslSocket = socket` takes all. Errors: `closed`, `{ options: … }`.
 * `ssl:setopts/2`
 */
export async function setopts<Data extends ReceivedData>(
  socket: SslSocket<Data> | SslListenSocket<Data>,
  options: SettableOptions & ShapeOf<Data>,
): Promise<Result<true>> {
  const plain = plainly(options);
  if (socket instanceof SslSocket)
    return withWords(await ask(socket, { type: 'set_options', options: plain }, closed));
  return withWords(await askListener(socket, { type: 'set_options', options: plain }, closed));
}

/** Options by name, in reverse of the asked order as in OTP. Errors: `closed`, `{ options: … }`. `ssl:getopts/2` */
export function getopts<Name extends keyof OptionValues>(
  socket: SslSocket | SslListenSocket,
  names: readonly Name[],
): Promise<Result<Pick<OptionValues, Name>>>;
export async function getopts(
  socket: SslSocket | SslListenSocket,
  names: readonly string[],
): Promise<Result<Raw>> {
  if (socket instanceof SslSocket)
    return withWords(await ask(socket, { type: 'get_options', names }, closed));
  const template = await askListener(socket, { type: 'options' }, closed);
  return 'error' in template ? template : withWords(readOptions(names, template, () => undefined));
}

/** What went through the transport: bytes, chunks, sizes; zeros for a listener. Errors: `einval`. `ssl:getstat/1,2` */
export async function getstat(
  socket: SslSocket | SslListenSocket,
  items?: readonly (keyof TransportStatistics)[],
): Promise<Result<Partial<TransportStatistics>>> {
  const all = await statisticsOf(socket);
  if ('error' in all || items === undefined) return all;
  checkList(items);
  const known = items.every((item) => Object.hasOwn(all.ok, item));
  return known ? { ok: Object.fromEntries(items.map((item) => [item, all.ok[item]])) } : einval;
}

async function statisticsOf(socket: SslSocket | SslListenSocket): Promise<Result<TransportStatistics>> {
  if (socket instanceof SslSocket) return ask(socket, { type: 'statistics' }, einval);
  const alive = await askListener(socket, { type: 'sockname' }, einval);
  return 'error' in alive ? alive : { ok: new TransportCounters().statistics(0) };
}

/** How many connections came to a listener, what became of them, how many were sent away and why. Ours. */
export function listenerCounters(listener: SslListenSocket): Promise<ListenerCounters | Failed> {
  return askListener(listener, { type: 'counters' }, closed);
}

/**
 * Has the next key of a listener's stateless tickets seal: at once, or where servers share a store as soon as all know it.
 * Tickets that live are still taken. With `statelessTicketsSeed` a new seed is needed, of 16 bytes at least: it opens at
 * once and seals after a while, in which the other servers are to be told too. Errors: those of `RotationResult`. Ours.
 */
export function rotateTicketKeys(
  listener: SslListenSocket,
  seed?: Uint8Array,
): Promise<RotationResult | Failed> {
  const own = seed === undefined ? undefined : new Secret(new Uint8Array(seed));
  return askListener(listener, { type: 'rotate_ticket_keys', seed: own }, closed);
}

/** What all connections of a node did, by side: handshakes, bytes, who is there now. Error: `ssl_not_started`. Ours. */
export function nodeCounters(node: Node = defaultNode()): NodeCounters | Failed {
  return applicationOf(node)?.environment.census.counters() ?? notStarted;
}

/** Address and port of the peer. Errors: `enotconn` (listener), `einval`. `ssl:peername/1` */
export async function peername(socket: SslSocket | SslListenSocket): Promise<Result<Address>> {
  return socket instanceof SslListenSocket ? enotconn : ask(socket, { type: 'peername' }, einval);
}

/** Own address and port. Errors: `einval`. `ssl:sockname/1` */
export async function sockname(socket: SslSocket | SslListenSocket): Promise<Result<Address>> {
  return socket instanceof SslListenSocket
    ? askListener(socket, { type: 'sockname' }, einval)
    : ask(socket, { type: 'sockname' }, einval);
}

/** The peer's certificate, DER. Errors: `no_peercert`, `closed`, `enotconn`. `ssl:peercert/1` */
export async function peercert(socket: SslSocket | SslListenSocket): Promise<Result<Uint8Array>> {
  return socket instanceof SslListenSocket ? enotconn : ask(socket, { type: 'peercert' }, closed);
}

/**
 * Asks the client of an established connection for its certificate (RFC 8446 §4.6.2), DER, and answers when it has shown
 * one that is good by the options of the server; data flows meanwhile. One that is not good ends the connection, as in
 * the handshake. After a `timeout` (ms) the request stands: its answer is still judged, and the next call waits for it.
 * Errors: `no_peercert` when the client has none to show, `timeout`, `notsup` (a client, TLS 1.2, a client without
 * `postHandshakeAuth`, a server with `verify_none`), `{ tls_alert: … }`, `closed`, `enotconn`. Ours.
 */
export async function requestCertificate(
  socket: SslSocket | SslListenSocket,
  timeout: Timeout = 'infinity',
): Promise<Result<Uint8Array>> {
  const limit = timeoutOf(timeout);
  return socket instanceof SslListenSocket
    ? enotconn
    : ask(socket, { type: 'request_certificate', timeout: limit }, closed);
}

/** The protocol agreed by ALPN, or by NPN before TLS 1.3. Errors: `protocol_not_negotiated`, `closed`, `enotconn`. `ssl:negotiated_protocol/1` */
export async function negotiatedProtocol(socket: SslSocket | SslListenSocket): Promise<Result<Uint8Array>> {
  return socket instanceof SslListenSocket ? enotconn : ask(socket, { type: 'negotiated_protocol' }, closed);
}

/**
 * What the connection agreed on and its options; with `items` only those, secrets too if named (`clientRandom`,
 * `serverRandom`, `keylog`). Unknown and undefined items are left out. Errors: `closed`, `enotconn`.
 * `ssl:connection_information/1,2`
 */
export function connectionInformation<Item extends keyof ConnectionInformation>(
  socket: SslSocket | SslListenSocket,
  items?: readonly Item[],
): Promise<Result<Pick<ConnectionInformation, Item>>>;
export async function connectionInformation(
  socket: SslSocket | SslListenSocket,
  items?: readonly string[],
): Promise<Result<Raw>> {
  if (items !== undefined) checkList(items);
  return socket instanceof SslListenSocket ? enotconn : ask(socket, { type: 'information', items }, closed);
}

/**
 * Another handshake on the connection, in TLS 1.2 and before (RFC 5246 §7.4.1.1). Answers when it is done; sends wait meanwhile.
 * Errors: `renegotiation_rejected` (the peer does not, or cannot bind it to the first: RFC 5746; the connection goes on),
 * `already_renegotiating`, `closed`, `enotconn`, `notsup` in TLS 1.3. `ssl:renegotiate/1`
 */
export async function renegotiate(socket: SslSocket | SslListenSocket): Promise<Result<true>> {
  return socket instanceof SslListenSocket ? enotconn : ask(socket, { type: 'renegotiate' }, closed);
}

/**
 * New keys for what we send, and with `read_write` for what the peer sends too (RFC 8446 §4.6.3). Errors: `closed`,
 * `{ illegal_parameter: type }`, `notsup` in TLS 1.2. `ssl:update_keys/2`
 */
export async function updateKeys(
  socket: SslSocket | SslListenSocket,
  type: 'write' | 'read_write',
): Promise<Result<true>> {
  if (socket instanceof SslListenSocket || (type !== 'write' && type !== 'read_write'))
    return { error: { illegal_parameter: type } };
  const request = { type: 'update_keys', peerToo: type === 'read_write' } as const;
  return senderRequests.askOr(socket.node, socket.sender, request, senderGone, Infinity);
}

/**
 * `length` bytes of the connection's PRF (RFC 5246 §5), at most 65,535: from the master secret or from bytes of the
 * caller's, over a label and a seed of bytes and of the handshake's randoms. Errors: `badarg` for wrong arguments,
 * `undefined` in TLS 1.3, which has no PRF, `closed`, `enotconn`. `ssl:prf/5`
 */
export async function prf(
  socket: SslSocket | SslListenSocket,
  secret: Uint8Array | 'master_secret',
  label: Uint8Array | string,
  seed: readonly PrfSeed[],
  length: number,
): Promise<Result<Uint8Array>> {
  if (socket instanceof SslListenSocket) return enotconn;
  return ask(socket, { type: 'prf', secret, label, seed, length }, closed);
}

/**
 * Key material that both sides derive from the connection and nobody else (RFC 8446 §7.5, RFC 5705): bytes of the wanted
 * lengths, one for each label and its context. `no_context` is an empty one in TLS 1.3, and another in TLS 1.2. What it
 * comes of in TLS 1.3 is overwritten after the call, unless `consumeSecret` is false. Labels are ASCII. Errors:
 * `bad_input`, `exporter_master_secret_already_consumed`, `closed`, `enotconn`. `ssl:export_key_materials/4,5` of OTP 27
 */
export async function exportKeyMaterials(
  socket: SslSocket | SslListenSocket,
  labels: readonly (Uint8Array | string)[],
  contexts: readonly (Uint8Array | 'no_context')[],
  wantedLengths: readonly number[],
  consumeSecret = true,
): Promise<Result<readonly Uint8Array[]>> {
  if (socket instanceof SslListenSocket) return enotconn;
  const asked = { labels, contexts, wantedLengths, consumeSecret, early: false };
  return ask(socket, { type: 'export_key_materials', ...asked }, closed);
}

/**
 * `exportKeyMaterials` for one label, which answers its bytes themselves: what most have a use for. Errors: as there.
 * Ours, RFC 8446 §7.5, RFC 5705
 */
export async function exportKeyMaterial(
  socket: SslSocket | SslListenSocket,
  label: Uint8Array | string,
  context: Uint8Array | 'no_context',
  wantedLength: number,
  consumeSecret = true,
): Promise<Result<Uint8Array>> {
  const answer = await exportKeyMaterials(socket, [label], [context], [wantedLength], consumeSecret);
  if ('error' in answer) return answer;
  const [material] = answer.ok;
  return material === undefined ? { error: 'bad_input' } : { ok: material };
}

/**
 * The same from what both sides knew before the server had answered, where early data was accepted: whoever replays the
 * client's first message gets the same bytes. Errors besides: `undefined` without early data. Ours, RFC 8446 §7.5
 */
export async function exportEarlyKeyMaterials(
  socket: SslSocket | SslListenSocket,
  labels: readonly (Uint8Array | string)[],
  contexts: readonly (Uint8Array | 'no_context')[],
  wantedLengths: readonly number[],
  consumeSecret = true,
): Promise<Result<readonly Uint8Array[]>> {
  if (socket instanceof SslListenSocket) return enotconn;
  const asked = { labels, contexts, wantedLengths, consumeSecret, early: true };
  return ask(socket, { type: 'export_key_materials', ...asked }, closed);
}

/** Versions by protocol: what is offered unless said otherwise, and what can be. `ssl:versions/0` */
export function versions(): {
  readonly sslApp: string;
  readonly supported: readonly ProtocolVersion[];
  readonly supportedDtls: readonly ProtocolVersion[];
  readonly available: readonly ProtocolVersion[];
  readonly availableDtls: readonly ProtocolVersion[];
  readonly implemented: readonly ProtocolVersion[];
  readonly implementedDtls: readonly ProtocolVersion[];
} {
  const built = (protocol: 'tls' | 'dtls'): readonly ProtocolVersion[] =>
    versionRows.filter((row) => row.protocol === protocol && row.built).map((row) => row.name);
  const tls = built('tls');
  const dtls = built('dtls');
  return {
    sslApp: '0.1.0',
    supported: tls,
    supportedDtls: dtls,
    available: tls,
    availableDtls: dtls,
    implemented: tls,
    implementedDtls: dtls,
  };
}

/** Has certificate and key files read anew. `ssl:clear_pem_cache/0` */
export async function clearPemCache(node: Node = defaultNode()): Promise<Ok> {
  await applicationOf(node)?.pemFiles.clear();
  return okay;
}

// ── Users of SRP ────────────────────────────────────────────────────────────────────────────────────────

/**
 * What a server keeps of a user of SRP in place of the password (RFC 5054 §2.4), for `userLookupFun` to answer: salt,
 * group and verifier. One group and one length of salt for all users, so that one that there is not looks like the
 * others. Throws `TypeError` for a name of none or more than 255 bytes, and where the engine has no finite fields. Ours.
 */
export function srpVerifier(
  username: string,
  password: string,
  { group = 'srp_2048', salt, node = defaultNode() }: SrpVerifierOptions = {},
): SrpVerifier {
  const name = text.encode(username);
  if (name.length === 0 || name.length > 255) throw new TypeError('a username has 1 to 255 bytes');
  const engine = engineOf(node);
  const salted = salt === undefined ? engine.randomBytes(16) : new Uint8Array(salt);
  const user = { username: name, password: text.encode(password) };
  return { group, salt: salted, verifier: verifierOf(srpGroup(group), salted, user, engine).expose() };
}

const text = new TextEncoder();

/** For `srpVerifier`. */
export interface SrpVerifierOptions {
  /** RFC 5054 appendix A; default `srp_2048`. */
  readonly group?: SrpGroupName;
  /** 1..255 bytes; 16 random ones by default. */
  readonly salt?: Uint8Array;
  readonly node?: Node;
}

// ── Cipher suites, curves, groups ───────────────────────────────────────────────────────────────────────

export const cipherSuites: typeof suites.cipherSuites = suites.cipherSuites;
export const suiteToStr: typeof suites.suiteToStr = suites.suiteToStr;
export const suiteToOpensslStr: typeof suites.suiteToOpensslStr = suites.suiteToOpensslStr;
export const strToSuite: typeof suites.strToSuite = suites.strToSuite;

/** The suites that pass the filters and that the engine has. `ssl:filter_cipher_suites/2` */
export function filterCipherSuites(
  list: readonly suites.SuiteMap[],
  filters: suites.SuiteFilters,
  node: Node = defaultNode(),
): suites.SuiteMap[] {
  return suites.filterCipherSuites(list, filters, suites.engineSuiteSupport(engineOf(node)));
}

/** The preferred suites first, in the list or not; filters pick them from the list. `ssl:prepend_cipher_suites/2` */
export function prependCipherSuites(
  preferred: readonly suites.SuiteMap[] | suites.SuiteFilters,
  list: readonly suites.SuiteMap[],
  node: Node = defaultNode(),
): suites.SuiteMap[] {
  return suites.prependCipherSuites(preferred, list, suites.engineSuiteSupport(engineOf(node)));
}

/** The deferred suites last. `ssl:append_cipher_suites/2` */
export function appendCipherSuites(
  deferred: readonly suites.SuiteMap[] | suites.SuiteFilters,
  list: readonly suites.SuiteMap[],
  node: Node = defaultNode(),
): suites.SuiteMap[] {
  return suites.appendCipherSuites(deferred, list, suites.engineSuiteSupport(engineOf(node)));
}

/** Curves of TLS 1.2 and before that the engine has; raises for TLS 1.3. `ssl:eccs/0,1` */
export function eccs(version?: ProtocolVersion, node: Node = defaultNode()): CurveName[] {
  const engine = engineOf(node);
  return suites.eccs((name) => engine.supportsKey('ec', name), version);
}

/** The engine that the node's application was started with; before it is started, the one it would take. */
function engineOf(node: Node): CryptoEngine {
  return applicationOf(node)?.environment.engine ?? defaultEngine;
}

/** Groups of TLS 1.3: all, or those offered by default. `ssl:groups/0,1` */
export function groups(which: 'all' | 'default' = 'all'): Tls13GroupName[] {
  return suites.groups(which);
}

// ── How it is done ──────────────────────────────────────────────────────────────────────────────────────

type Raw = Readonly<Record<string, unknown>>;
const okay: Ok = Object.freeze({ ok: true });
const closed: Failed = Object.freeze({ error: 'closed' });
const einval: Failed = Object.freeze({ error: 'einval' });
const enotconn: Failed = Object.freeze({ error: 'enotconn' });
const notStarted: Failed = Object.freeze({ error: 'ssl_not_started' });
/** DTLS over a stream is nothing. */
const noStream: Failed = Object.freeze({ error: { options: { protocol: 'dtls' } } });
/** `cb_info` as OTP names its transports. */
const udpCallbacks = ['gen_udp', 'udp', 'udp_closed', 'udp_error', 'udp_passive'];
const tcpCallbacks = ['gen_tcp', 'tcp', 'tcp_closed', 'tcp_error', 'tcp_passive'];
/** A peer without an address, whose name nobody gave: any certificate of any trusted CA would do. */
const needsName: Failed = Object.freeze({
  error: withCause(
    { options: ['dependency', { verify: 'serverNameIndication' }] },
    localCause(
      'missing_dependency',
      'a peer without an address is verified by its name alone',
      "give serverNameIndication: the name in its certificate, or 'disable'",
    ),
  ),
});
/** The emulated options that a plain socket has. */
const plainSocket: SocketOptions = { mode: 'binary', packet: 0, packetSize: 0, header: 0, active: false };

function contextOf({ environment }: Application): ParseContext {
  return { engine: environment.engine, defaultVersions: environment.settings.protocolVersions };
}

function isNameless({ verify, serverNameIndication }: ClientConfig): boolean {
  return verify === 'verify_peer' && serverNameIndication === undefined;
}

/** A call of the connection process; `absent` is the answer when it is no more. */
function ask<K extends keyof ConnectionRequests, Absent>(
  socket: SslSocket,
  request: NamedRequest<ConnectionRequests, K>,
  absent: Absent,
): Promise<ReplyOf<ConnectionRequests, K> | Absent> {
  return connectionRequests.askOr(socket.node, socket.connection, request, () => absent, Infinity);
}

function askListener<K extends keyof ListenerRequests, Absent>(
  socket: SslListenSocket,
  request: NamedRequest<ListenerRequests, K>,
  absent: Absent,
): Promise<ReplyOf<ListenerRequests, K> | Absent> {
  return listenerRequests.askOr(socket.node, socket.listener, request, () => absent, Infinity);
}

function shakeHands(
  socket: SslSocket,
  timeout: Timeout,
  options: TlsServerOptions | undefined,
): Promise<HandshakeAnswer> {
  return ask(socket, { type: 'start', timeout, options }, closed);
}

/** What is wrong with an option in words, beside OTP's term. */
function withWords<T>(result: Result<T>): Result<T> {
  return 'error' in result ? { error: explained(result.error) } : result;
}

/** Who comes from OTP forgets the process that asks: what it becomes the owner of would be told to nobody. */
function checkCaller(self: unknown): asserts self is Caller {
  const right = typeof self === 'object' && self !== null && 'pid' in self && self.pid instanceof Pid;
  if (!right)
    throw new TypeError('the first argument is the calling process: its `self`, or a shell of a node');
}

function checkList(items: unknown): void {
  if (!Array.isArray(items)) throw new TypeError('items are a list of names');
}

/** A copy, made by the caller: a getter that throws, throws at whoever wrote it, not in the connection. */
function plainly<T>(options: T): T {
  return typeof options === 'object' && options !== null && !Array.isArray(options)
    ? { ...options }
    : options;
}

function optionsOf(options: unknown): TlsClientOptions {
  if (typeof options !== 'object' || options === null) throw new TypeError('options are an object');
  return options;
}

function timeoutOf(timeout: unknown): Timeout {
  if (timeout === 'infinity') return timeout;
  if (typeof timeout === 'number' && Number.isInteger(timeout) && timeout >= 0) return timeout;
  throw new TypeError(`a timeout is a whole number of milliseconds or 'infinity', not ${String(timeout)}`);
}

/** What is left of a timeout, at each asking. */
function deadlineOf(node: Node, timeout: Timeout): () => Timeout {
  if (timeout === 'infinity') return () => 'infinity';
  const end = node.clock.now() + timeout;
  return () => Math.max(0, Math.ceil(end - node.clock.now()));
}

function addressOf(numbers: readonly unknown[]): string {
  const text = tupleText(numbers);
  if (text === undefined) throw new TypeError('an address has four or eight numbers');
  return text;
}
