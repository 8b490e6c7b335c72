/**
 * The application's processes (contract §5.1, with the caches one_for_one beside the connections):
 *
 * ssl_sup                          one_for_one
 * ├ ssl_admin_sup                  one_for_one: each cache restarts alone, from empty, and no connection notices
 * │ ├ ssl_pem_cache
 * │ ├ ssl_crl_cache
 * │ ├ ssl_client_session_cache
 * │ └ tls_client_ticket_store
 * └ ssl_connection_sup             one_for_one
 *   ├ tls_sup                      one_for_one
 *   │ ├ tls_connection_sup         simple_one_for_one
 *   │ │ └ one supervisor per connection: sender and receiver, one_for_all; it ends when the receiver ends
 *   │ └ tls_server_sup             one_for_one
 *   │   ├ ssl_listen_tracker_sup   simple_one_for_one: one process per listener
 *   │   ├ ssl_server_session_cache_sup  simple_one_for_one: the sessions of a listener with TLS 1.2 or before
 *   │   ├ ssl_upgrade_server_session_cache_sup  those of all upgraded sockets
 *   │   ├ tls_older_session_ticket_sup  simple_one_for_one: who seals tickets of TLS 1.2 and before, once there are any
 *   │   ├ tls_server_session_ticket_sup  simple_one_for_one: who keeps or seals the tickets of a listener that has such
 *   │   └ tls_anti_replay_sup      simple_one_for_one: its filter of tickets used
 *   └ dtls_sup                     one_for_one
 *     ├ dtls_connection_sup        as tls_connection_sup
 *     └ dtls_server_sup            one_for_all
 *       └ dtls_listener_sup        simple_one_for_one: one demultiplexer per UDP socket
 */
import { startCrlCache } from '@actor-tls/crl-cache';
import {
  type ApplicationSpec,
  type Asking,
  type ChildSpec,
  Exit,
  type Node,
  type Pid,
  type Self,
  type StartChildResult,
  type SupervisorSpec,
  setEnv,
  startApplication,
  startChild,
  startGenServer,
  startSupervisor,
  stopApplication,
} from '@actor-tls/runtime';
import { embeddedTicketKeyStore, startClientTicketStore, startSessionCache } from '@actor-tls/session-store';
import type { ClientConfig, Config, ServerConfig } from '../options/config.js';
import { isStateless } from '../options/rows-resumption.js';
import { sameOptions } from '../options/same-options.js';
import { dtls13Door } from '../protocol/dtls13-door.js';
import { speaksOlder } from '../protocol/hello/version.js';
import type { CryptoEngine } from '../values/crypto/engine.js';
import type { Result, SslReason } from '../values/terms.js';
import { connectionServer } from './connection/connection-server.js';
import type { NewConnection } from './connection/new-connection.js';
import { senderServer } from './connection/sender.js';
import { SslListenSocket, type SslSocket } from './connection/socket.js';
import { type Environment, settingsOf } from './environment.js';
import { Census } from './listener/census.js';
import { type DemultiplexerArgs, demultiplexerServer, listenAgain } from './listener/demultiplexer.js';
import { lastWords } from './listener/last-words.js';
import { type ListenerArgs, listenerServer } from './listener/listener.js';
import { credentialsFrom } from './material/credentials.js';
import { crlReader } from './material/crl-reader.js';
import { crlCacheName } from './material/judgement.js';
import { openPemSource, type PemFiles, pemCacheName } from './material/pem-source.js';
import { RetryCookies } from './material/retry-cookies.js';
import { clientTicketStoreName } from './resumption/client-recognition.js';
import { clientSessionCacheName } from './resumption/client-sessions.js';
import { ListenerSessions, type Sealer } from './resumption/listener-sessions.js';
import { ListenerTickets } from './resumption/listener-tickets.js';
import { backendIn, type SessionKeeping, serverSessionCache } from './resumption/session-processes.js';
import {
  beginFilter,
  olderTicketTracker,
  type TicketKeeping,
  ticketFilter,
  ticketTracker,
} from './resumption/ticket-processes.js';
import type { DatagramReceiver } from './transport/datagram.js';
import { stationary } from './transport/peer-paths.js';
import { PeerTransport } from './transport/peer-transport.js';
import type { Transport, TransportListener, TransportProvider } from './transport/transport.js';

/** What an application is started with; all of it has defaults. */
export interface ApplicationOptions {
  readonly provider: TransportProvider;
  readonly engine: CryptoEngine;
  /** Settings of `ssl`, by OTP's names. */
  readonly env?: Readonly<Record<string, unknown>>;
  /** ms since 1970, for certificates, tickets and CRLs. */
  readonly wallClock?: () => number;
}

/** A running application on one node. */
export interface Application {
  readonly environment: Environment;
  readonly pemFiles: PemFiles;
  readonly supervisor: Pid<unknown>;
  /** Of sockets that came by no listener. */
  readonly upgrades: UpgradeTickets[];
  /** Of upgraded sockets, which share them. */
  readonly sessions: ListenerSessions;
}

const applications = new WeakMap<Node, Application>();

/** The application of a node, if it runs. */
export function applicationOf(node: Node): Application | undefined {
  const application = applications.get(node);
  return application !== undefined && node.isAlive(application.supervisor) ? application : undefined;
}

/**
 * `ssl:start/0,1`: starts the application `ssl` on a node, of type `temporary`; `{ ok: true }` also when it runs already. Its settings
 * are the node's environment of `ssl`, where those given here go first.
 */
export async function startSsl(node: Node, options: ApplicationOptions): Promise<Result<true>> {
  if (applicationOf(node) !== undefined) return { ok: true };
  for (const [key, value] of Object.entries(options.env ?? {})) setEnv(node, 'ssl', key, value);
  const answer = await startApplication(node, sslApplication(options));
  if (answer === 'ok' || applicationOf(node) !== undefined) return { ok: true };
  return { error: reasonOf(answer.error) };
}

/** `application` and `applicationWith`: the application as others name it among those they need; it may be started on any number of nodes. */
export function sslApplication(options: ApplicationOptions): ApplicationSpec {
  const { provider, engine, env = {}, wallClock = Date.now } = options;
  return {
    name: 'ssl',
    description: 'TLS connections as supervised actors',
    env,
    async start(self) {
      const { node } = self;
      const { clock, logger } = node;
      const settings = settingsOf(node);
      const pemFiles = openPemSource(node);
      const credentials = credentialsFrom(pemFiles, { engine, logger, clock, wallClock });
      const census = new Census(settings.maxHandshakeBytes);
      const environment: Environment = {
        node,
        provider,
        engine,
        settings,
        census,
        cookies: new RetryCookies(engine, clock),
        wallClock,
        credentials,
      };
      const started = await startSupervisor(self, tree(environment, pemFiles), { name: 'ssl_sup' });
      if (started !== 'ignore' && 'ok' in started)
        applications.set(node, {
          ...{ environment, pemFiles, supervisor: started.ok, upgrades: [] },
          sessions: upgradeSessions(environment, started.ok),
        });
      return started;
    },
    async prepStop({ node }) {
      await lastWords(node, applicationOf(node)?.environment.census.present() ?? []);
    },
  };
}

/** `ssl:stop/0`: ends the tree, connections say close_notify. `{ not_started: 'ssl' }` when there is none. */
export async function stopSsl(node: Node): Promise<Result<true>> {
  const answer = await stopApplication(node, 'ssl');
  return answer === 'ok' ? { ok: true } : { error: { not_started: 'ssl' } };
}

function tree(environment: Environment, pemFiles: PemFiles): SupervisorSpec {
  const admin = branch('ssl_admin_sup', {
    strategy: 'one_for_one',
    ...often,
    children: caches(environment, pemFiles),
  });
  const tls = branch('tls_sup', {
    strategy: 'one_for_one',
    ...often,
    children: [connectionsOf('tls'), servers],
  });
  const dtls = branch('dtls_sup', {
    strategy: 'one_for_one',
    ...often,
    children: [connectionsOf('dtls'), datagramServers],
  });
  const connection = branch('ssl_connection_sup', {
    strategy: 'one_for_one',
    ...often,
    children: [tls, dtls],
  });
  return { strategy: 'one_for_one', ...often, children: [admin, connection] };
}

/** Intensity and period of every supervisor of the tree (contract §5.1). */
const often = { intensity: 10, period: 3600 };

function branch(name: string, init: SupervisorSpec): ChildSpec {
  return {
    id: name,
    type: 'supervisor',
    shutdown: 'infinity',
    start: (self) => startSupervisor(self, init, { name }),
  };
}

function worker(id: string, start: ChildSpec['start']): ChildSpec {
  return { id, shutdown: 4000, start };
}

function caches({ wallClock, settings, census }: Environment, pemFiles: PemFiles): readonly ChildSpec[] {
  const named = (name: string): { readonly name: string } => ({ name });
  return [
    worker(pemCacheName, (self) => pemFiles.start(self, settings, named(pemCacheName))),
    worker(crlCacheName, (self) =>
      startCrlCache(self, { reader: crlReader, wallClock }, named(crlCacheName)),
    ),
    worker(clientSessionCacheName, (self) =>
      startSessionCache(
        self,
        {
          role: 'client',
          max: settings.sessionCacheClientMax,
          lifetime: settings.sessionLifetime,
          sweep: 'on',
          wallClock,
          ...backendIn(settings.clientSessionBackend),
        },
        named(clientSessionCacheName),
      ),
    ),
    worker(clientTicketStoreName, (self) =>
      startClientTicketStore(
        self,
        {
          size: settings.clientTicketStoreSize,
          lifetime: settings.clientTicketLifetime,
          told: () => census.resumption.client.flat(),
        },
        named(clientTicketStoreName),
      ),
    ),
  ];
}

// ── Connections ─────────────────────────────────────────────────────────────────────────────────────────

const connectionTemplate: ChildSpec<readonly [NewConnection, (socket: SslSocket) => void]> = {
  id: 'tls_connection',
  type: 'supervisor',
  restart: 'temporary',
  shutdown: 'infinity',
  start: startConnectionSupervisor,
};

function connectionsOf(protocol: Config['protocol']): ChildSpec {
  return branch(`${protocol}_connection_sup`, {
    strategy: 'simple_one_for_one',
    intensity: 0,
    period: 3600,
    children: [connectionTemplate],
  });
}

/** OTP's tls_dyn_connection_sup: sender and receiver live and end together, and with nobody else. */
function startConnectionSupervisor(
  self: Self<unknown>,
  connection: NewConnection,
  made: (socket: SslSocket) => void,
): ReturnType<typeof startSupervisor> {
  let sender: Pid<unknown> | undefined;
  return startSupervisor(self, {
    strategy: 'one_for_all',
    intensity: 0,
    period: 3600,
    autoShutdown: 'any_significant',
    children: [
      {
        id: 'sender',
        restart: 'temporary',
        shutdown: 5000,
        start: (supervisor) =>
          startGenServer(supervisor, senderServer, connection.transport).then((started) => {
            if (started !== 'ignore' && 'ok' in started) sender = started.ok;
            return started;
          }),
      },
      {
        id: 'receiver',
        restart: 'temporary',
        significant: true,
        shutdown: 5000,
        start: (supervisor) =>
          sender === undefined
            ? { error: 'no_sender' }
            : startGenServer(supervisor, connectionServer, { connection, sender, made }),
      },
    ],
  });
}

/** Starts the processes of one connection, for `connect` and for a listener; the transport is closed when that fails. */
export async function startConnection(asking: Asking, connection: NewConnection): Promise<Result<SslSocket>> {
  let socket: SslSocket | undefined;
  const started = await startUnder(
    asking,
    `${connection.config.protocol}_connection_sup`,
    connection,
    (made: SslSocket) => {
      socket = made;
    },
  );
  if (socket !== undefined && 'ok' in started) return { ok: socket };
  connection.transport.destroy();
  connection.place.gone();
  return { error: 'error' in started ? reasonOf(started.error) : 'closed' };
}

/** A supervisor that is restarting just now, or dies meanwhile, is an answer like others. */
function startUnder(
  asking: Asking,
  supervisor: string,
  ...args: readonly unknown[]
): Promise<StartChildResult> {
  return startChild(asking, supervisor, ...args).catch((error: unknown) => {
    if (error instanceof Exit) return { error: 'closed' };
    throw error;
  });
}

// ── Listeners ───────────────────────────────────────────────────────────────────────────────────────────

const listenerTemplate: ChildSpec<readonly [ListenerArgs]> = {
  id: 'ssl_listener',
  restart: 'temporary',
  shutdown: 4000,
  start: (self, args) => startGenServer(self, listenerServer, args),
};

/** One for one, unlike OTP's: tickets that are lost, again and again even, end no listener. */
const servers = branch('tls_server_sup', {
  strategy: 'one_for_one',
  ...often,
  children: [
    branch('ssl_listen_tracker_sup', {
      strategy: 'simple_one_for_one',
      intensity: 0,
      period: 3600,
      children: [listenerTemplate],
    }),
    branch('ssl_server_session_cache_sup', {
      strategy: 'simple_one_for_one',
      ...often,
      children: [serverSessionCache],
    }),
    branch('ssl_upgrade_server_session_cache_sup', {
      strategy: 'simple_one_for_one',
      ...often,
      children: [serverSessionCache],
    }),
    branch('tls_older_session_ticket_sup', {
      strategy: 'simple_one_for_one',
      ...often,
      children: [olderTicketTracker],
    }),
    branch('tls_server_session_ticket_sup', {
      strategy: 'simple_one_for_one',
      ...often,
      children: [ticketTracker],
    }),
    branch('tls_anti_replay_sup', { strategy: 'simple_one_for_one', ...often, children: [ticketFilter] }),
  ],
});

const demultiplexerTemplate: ChildSpec<readonly [DemultiplexerArgs]> = {
  id: 'dtls_packet_demux',
  restart: 'temporary',
  shutdown: 4000,
  start: (self, args) => startGenServer(self, demultiplexerServer, args),
};

const datagramServers = branch('dtls_server_sup', {
  strategy: 'one_for_all',
  ...often,
  children: [
    branch('dtls_listener_sup', {
      strategy: 'simple_one_for_one',
      intensity: 0,
      period: 3600,
      children: [demultiplexerTemplate],
    }),
  ],
});

/** A listener's transports, each a peer of one UDP socket. */
function overDatagrams(
  { node, provider, engine }: Environment,
  config: ServerConfig,
): Pick<TransportProvider, 'listen'> {
  const idLength = config.connectionId?.length ?? 0;
  return {
    async listen(port, options, receiver) {
      const { datagrams } = provider;
      if (datagrams === undefined) return { error: 'eprotonosupport' };
      const door13 = dtls13Door(
        engine,
        () => node.clock.now(),
        config,
        config.earlyData === 'enabled' ? 'trusted' : 'asked',
      );
      const again = listenAgain(node, port, options, idLength, receiver, door13);
      if (again !== undefined) return again;
      let listener: TransportListener | undefined;
      const made = (opened: TransportListener): void => {
        listener = opened;
      };
      const args: DemultiplexerArgs = {
        port,
        options,
        provider: datagrams,
        engine,
        door13,
        receiver,
        idLength,
        made,
      };
      const started = await startUnder(node, 'dtls_listener_sup', args);
      if (listener !== undefined && 'ok' in started) return { ok: listener };
      return { error: 'error' in started ? reasonOf(started.error) : 'closed' };
    },
  };
}

/** A transport to one peer, over a UDP socket of its own. */
export async function connectDatagrams(
  { provider, engine }: Environment,
  host: string,
  port: number,
  { transport: options, connectionId }: ClientConfig,
  timeout: number | 'infinity',
): Promise<Result<Transport>> {
  if (provider.datagrams === undefined) return { error: 'eprotonosupport' };
  let transport: PeerTransport | undefined;
  const receiver: DatagramReceiver = {
    onDatagram: (datagram, from) => transport?.arrived(datagram, from),
    onSocketClosed: (reason) => transport?.lost(reason),
  };
  const opened = await provider.datagrams.connect(host, port, options, receiver, timeout);
  if ('error' in opened) return opened;
  const { socket, peer } = opened.ok;
  // Nobody else is at the socket: any ID will do.
  const issueId = (): Uint8Array => engine.randomBytes(connectionId?.length ?? 0);
  transport = new PeerTransport(socket, peer, () => socket.close(), { ...stationary, issueId });
  return { ok: transport };
}

/** Opens a listening socket; errors are `gen_tcp:listen/2`'s. */
export async function startListener(
  application: Application,
  listener: Omit<ListenerArgs, 'provider' | 'startConnection' | 'openBooks' | 'tickets' | 'sessions'>,
): Promise<Result<SslListenSocket>> {
  const { environment } = application;
  const tickets = ticketsOf(environment, listener.config);
  const sessions = sessionsOf(environment, listener.config, tickets);
  const args: ListenerArgs = {
    ...listener,
    tickets: tickets?.tickets,
    sessions: sessions?.sessions,
    provider:
      listener.config.protocol === 'dtls'
        ? overDatagrams(environment, listener.config)
        : environment.provider,
    openBooks: (limits) => environment.census.openListener(limits),
    startConnection: (accepted) =>
      startConnection(environment.node, {
        environment,
        host: undefined,
        tickets: tickets?.tickets,
        sessions: sessions?.sessions,
        ...accepted,
      }),
  };
  const started = await startUnder(environment.node, 'ssl_listen_tracker_sup', args);
  if ('error' in started) return { error: reasonOf(started.error) };
  const { ok: pid } = started;
  if (pid === undefined) return { error: 'closed' };
  if (tickets !== undefined && !(await keepTickets(tickets, environment, listener.config, pid))) {
    environment.node.exit(pid, 'shutdown');
    return { error: 'closed' };
  }
  if (sessions !== undefined && !(await keepSessions(sessions, environment, pid))) {
    environment.node.exit(pid, 'shutdown');
    return { error: 'closed' };
  }
  return { ok: new SslListenSocket(environment.node, pid) };
}

/** A listener's tickets, and the names of the processes that have them. */
interface OwnTickets {
  readonly tickets: ListenerTickets;
  readonly store: string;
  readonly filter: string;
}

/** Names on one node have to differ, and a listener's own is not known before it runs. */
let listenersWithTickets = 0;

function ticketsOf(environment: Environment, config: ServerConfig): OwnTickets | undefined {
  if (config.sessionTickets === 'disabled') return undefined;
  listenersWithTickets += 1;
  const store = `tls_server_session_ticket_${listenersWithTickets}`;
  const filter = `tls_anti_replay_${listenersWithTickets}`;
  return { tickets: new ListenerTickets(environment, store, filter, config), store, filter };
}

/** Sets of ticket options of upgraded sockets that have tickets: programs have one or two. */
const mostUpgradeTickets = 8;

/**
 * Tickets of sockets that are upgraded on the server's side, which come by no listener: those with the same ticket options
 * have them together, for as long as the node's listeners would live. `undefined`: none, for the options, or for want of
 * room or of processes.
 */
export async function upgradeTickets(
  { environment, upgrades }: Application,
  config: ServerConfig,
): Promise<ListenerTickets | undefined> {
  const { node } = environment;
  const keeper = node.whereis('tls_server_sup');
  if (config.sessionTickets === 'disabled' || keeper === undefined) return undefined;
  const options = ticketOptions(config);
  const known = upgrades.find((one) => one.keeper === keeper && sameOptions(one.options, options));
  if (known !== undefined) return known.tickets;
  upgrades.splice(0, upgrades.length, ...upgrades.filter((one) => node.isAlive(one.keeper)));
  const own = upgrades.length < mostUpgradeTickets ? ticketsOf(environment, config) : undefined;
  if (own === undefined) return undefined;
  const started = keepTickets(own, environment, config, keeper);
  const tickets = started.then((ok) => (ok ? own.tickets : undefined));
  upgrades.push({ keeper, options, tickets });
  return tickets;
}

/** Tickets that upgraded sockets of the same options have together. */
export interface UpgradeTickets {
  /** They end with it. */
  readonly keeper: Pid<never>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly tickets: Promise<ListenerTickets | undefined>;
}

/** What the processes of tickets are made of; what else counts stands in each ticket's policy. */
function ticketOptions(config: ServerConfig): Readonly<Record<string, unknown>> {
  const { sessionTickets, antiReplay, ticketKeyLifetime, statelessTicketsSeed, fleet, fleetSeed } = config;
  return { sessionTickets, antiReplay, ticketKeyLifetime, statelessTicketsSeed, fleet, fleetSeed };
}

/** Starts who keeps a listener's tickets, before anybody can have connected. False when one does not start. */
async function keepTickets(
  { tickets, store, filter }: OwnTickets,
  environment: Environment,
  config: ServerConfig,
  listener: Pid<never>,
): Promise<boolean> {
  const ownKeys = embeddedTicketKeyStore();
  const keeping: TicketKeeping = { environment, config, listener, store, filter, ownKeys };
  tickets.belongTo(listener);
  const started = await startUnder(environment.node, 'tls_server_session_ticket_sup', keeping);
  if ('error' in started) return false;
  if (config.antiReplay === undefined) return true;
  const filtering = await startUnder(environment.node, 'tls_anti_replay_sup', keeping);
  return 'ok' in filtering && (await beginFilter(keeping));
}

/** A listener's sessions of TLS 1.2 and before. */
interface OwnSessions {
  readonly sessions: ListenerSessions;
  readonly cache: string;
  /** Whose they are, once it runs. */
  readonly owner: { pid: Pid<never> | undefined };
}

let listenersWithSessions = 0;

function sessionsOf(
  environment: Environment,
  config: ServerConfig,
  tickets: OwnTickets | undefined,
): OwnSessions | undefined {
  if (!speaksOlder(config.versions)) return undefined;
  listenersWithSessions += 1;
  const cache = `ssl_server_session_cache_${listenersWithSessions}`;
  const owner: OwnSessions['owner'] = { pid: undefined };
  // One ring of keys for the tickets of all versions, where there is one.
  const sealer: Sealer =
    tickets !== undefined && isStateless(config.sessionTickets)
      ? { name: tickets.store, start: () => Promise.resolve(true) }
      : olderSealer(environment, `tls_older_session_ticket_${listenersWithSessions}`, owner);
  return { sessions: new ListenerSessions(environment, cache, sealer), cache, owner };
}

function olderSealer(environment: Environment, name: string, owner: OwnSessions['owner']): Sealer {
  const ownKeys = embeddedTicketKeyStore();
  return {
    name,
    async start(config) {
      if (owner.pid === undefined) return false;
      const keeping: TicketKeeping = {
        ...{ environment, config, ownKeys },
        ...{ listener: owner.pid, store: name, filter: name },
      };
      return 'ok' in (await startUnder(environment.node, 'tls_older_session_ticket_sup', keeping));
    },
  };
}

async function keepSessions(
  { cache, owner }: OwnSessions,
  environment: Environment,
  listener: Pid<never>,
): Promise<boolean> {
  owner.pid = listener;
  const keeping: SessionKeeping = { environment, name: cache, owner: listener };
  return 'ok' in (await startUnder(environment.node, 'ssl_server_session_cache_sup', keeping));
}

/** Registered name of the table of upgraded sockets. */
const upgradeSessionCacheName = 'ssl_unknown_listener';

/** Its processes start with the first upgrade. */
function upgradeSessions(environment: Environment, supervisor: Pid<never>): ListenerSessions {
  const keeping: SessionKeeping = { environment, name: upgradeSessionCacheName, owner: supervisor };
  const sealer = olderSealer(environment, 'tls_older_session_ticket_0', { pid: supervisor });
  return new ListenerSessions(environment, upgradeSessionCacheName, sealer, async () => {
    // Each handshake comes by here: the supervisor is asked by the first.
    if (environment.node.whereis(upgradeSessionCacheName) !== undefined) return;
    await startUnder(environment.node, 'ssl_upgrade_server_session_cache_sup', keeping);
  });
}

/** Reasons of our own processes are terms already; anything else is told as text. */
function reasonOf(reason: unknown): SslReason {
  return typeof reason === 'string' ? reason : { internal_error: reason };
}
