/** What the connections of one node share: network, cryptography, settings of the application. */
import { getEnv, type Node } from '@actor-tls/runtime';
import type { SessionBackend } from '@actor-tls/session-store';
import type { Config } from '../options/config.js';
import type { CookieSealer } from '../protocol/settings.js';
import type { CryptoEngine } from '../values/crypto/engine.js';
import { type ProtocolVersion, versionRows } from '../values/registry/versions.js';
import type { Result } from '../values/terms.js';
import type { Census } from './listener/census.js';
import type { Credentials } from './material/credentials.js';
import { backendOf } from './resumption/session-backend.js';
import type { TransportProvider } from './transport/transport.js';

/** The application's environment (contract §4), with its defaults filled in. */
export interface ApplicationSettings {
  /** `protocol_version` and `dtls_protocol_version`: what `versions` is by default, if they say so. */
  readonly protocolVersions: readonly ProtocolVersion[] | undefined;
  /** Chunks that an idle passive connection reads ahead. */
  readonly internalActiveN: number;
  /** ms that a connection that failed waits for the peer to read our alert. */
  readonly alertTimeout: number;
  /** ms between two looks at the files in the PEM cache. */
  readonly pemCacheClean: number;
  /** Nothing is kept of PEM files. */
  readonly bypassPemCache: boolean;
  /** seconds */
  readonly sessionLifetime: number;
  readonly sessionCacheClientMax: number;
  readonly sessionCacheServerMax: number;
  /** `session_cb`: where a client's sessions are kept; in memory unless given. A call that takes over 250 ms is a miss. */
  readonly clientSessionBackend: SessionBackend | undefined;
  readonly serverSessionBackend: SessionBackend | undefined;
  /** seconds */
  readonly clientTicketLifetime: number;
  readonly clientTicketStoreSize: number;
  /** Tickets that a server sends after a handshake. */
  readonly serverTicketsAmount: number;
  /** seconds */
  readonly serverTicketLifetime: number;
  readonly serverTicketStoreSize: number;
  /** Bytes of early data that a ticket allows. */
  readonly serverMaxEarlyData: number;
  /** Bytes that all unfinished handshakes of the node may hold together. */
  readonly maxHandshakeBytes: number;
}

/** The node's settings of `ssl`; a value of the wrong type means the default. */
export function settingsOf(node: Node): ApplicationSettings {
  const whole = (key: string, least: number, otherwise: number): number => {
    const value = getEnv(node, 'ssl', key);
    return typeof value === 'number' && Number.isInteger(value) && value >= least ? value : otherwise;
  };
  return {
    protocolVersions: bothOf(
      versionsOf(getEnv(node, 'ssl', 'protocol_version'), 'tls'),
      versionsOf(getEnv(node, 'ssl', 'dtls_protocol_version'), 'dtls'),
    ),
    internalActiveN: whole('internal_active_n', 1, 100),
    alertTimeout: whole('alert_timeout', 0, 5000),
    pemCacheClean: whole('ssl_pem_cache_clean', 1, 120_000),
    sessionLifetime: whole('session_lifetime', 1, 86_400),
    sessionCacheClientMax: whole('session_cache_client_max', 1, 1000),
    sessionCacheServerMax: whole('session_cache_server_max', 1, 1000),
    clientSessionBackend: backendOf(node, 'client'),
    serverSessionBackend: backendOf(node, 'server'),
    clientTicketLifetime: whole('client_session_ticket_lifetime', 1, 7200),
    clientTicketStoreSize: whole('client_session_ticket_store_size', 1, 1000),
    serverTicketsAmount: whole('server_session_tickets_amount', 1, 3),
    serverTicketLifetime: atMost(604_800, whole('server_session_ticket_lifetime', 1, 7200), 7200),
    serverTicketStoreSize: whole('server_session_ticket_store_size', 1, 1000),
    serverMaxEarlyData: whole('server_session_ticket_max_early_data', 0, 16_384),
    maxHandshakeBytes: whole('max_handshake_bytes', 1, 67_108_864),
    bypassPemCache: getEnv(node, 'ssl', 'bypass_pem_cache') === true,
  };
}

function atMost(most: number, value: number, otherwise: number): number {
  return value > most ? otherwise : value;
}

/** A version or a list of them; anything else is as good as nothing. */
function versionsOf(value: unknown, kind: 'tls' | 'dtls'): readonly ProtocolVersion[] | undefined {
  const wanted: readonly unknown[] = Array.isArray(value) ? value : [value];
  const named = versionRows.filter(({ name, protocol }) => protocol === kind && wanted.includes(name));
  return named.length > 0 && named.length === wanted.length ? named.map(({ name }) => name) : undefined;
}

function bothOf(
  tls: readonly ProtocolVersion[] | undefined,
  dtls: readonly ProtocolVersion[] | undefined,
): readonly ProtocolVersion[] | undefined {
  return dtls === undefined ? tls : [...(tls ?? []), ...dtls];
}

export interface Environment {
  readonly node: Node;
  readonly provider: TransportProvider;
  readonly engine: CryptoEngine;
  readonly settings: ApplicationSettings;
  readonly census: Census;
  /** What servers do not keep between the hellos of a retried handshake. */
  readonly cookies: CookieSealer;
  /** ms since 1970, for certificates. */
  readonly wallClock: () => number;
  /** Certificates, keys and trust of a config; at once when they are known, else read through the PEM cache. */
  readonly credentials: (config: Config) => Result<Credentials> | Promise<Result<Credentials>>;
}
