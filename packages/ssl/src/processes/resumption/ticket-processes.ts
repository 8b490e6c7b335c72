/** The processes of a listener with tickets (contract §5.1): who keeps or seals them, and the filter of those used. */
import type { ChildSpec, Pid, Self, StartResult } from '@actor-tls/runtime';
import {
  openAntiReplay,
  StoreWrapping,
  startAntiReplay,
  startServerTicketStore,
  startTicketTracker,
  type TicketKeySource,
  type TicketKeyStore,
  type TicketKeysOptions,
} from '@actor-tls/session-store';
import type { ServerConfig } from '../../options/config.js';
import { isStateless } from '../../options/rows-resumption.js';
import type { CryptoEngine } from '../../values/crypto/engine.js';
import { Secret } from '../../values/secret.js';
import type { Environment } from '../environment.js';
import { keyedHashes } from '../material/keyed-hash.js';
import { ticketCrypto } from '../material/ticket-crypto.js';

/** A listener whose tickets are to be kept. */
export interface TicketKeeping {
  readonly environment: Environment;
  readonly config: ServerConfig;
  readonly listener: Pid<never>;
  /** Names of the processes. */
  readonly store: string;
  readonly filter: string;
  /** Where the keys of its own tickets stand: they outlive the process that seals with them. */
  readonly ownKeys: TicketKeyStore;
}

/** OTP's `tls_server_session_ticket`: each ends normally with its listener, and is started again after a crash. */
export const ticketTracker: ChildSpec<readonly [TicketKeeping]> = {
  id: 'tls_server_session_ticket',
  restart: 'transient',
  shutdown: 4000,
  start: startStore,
};

/** The same for tickets of TLS 1.2 and before alone (RFC 5077), of a listener that seals no others. */
export const olderTicketTracker: ChildSpec<readonly [TicketKeeping]> = {
  ...ticketTracker,
  start: startSealer,
};

export const ticketFilter: ChildSpec<readonly [TicketKeeping]> = {
  id: 'tls_anti_replay',
  restart: 'transient',
  shutdown: 4000,
  start: startFilter,
};

function startStore(self: Self<unknown>, keeping: TicketKeeping): Promise<StartResult> {
  const { config, listener, store, environment } = keeping;
  if (!isStateless(config.sessionTickets))
    return startServerTicketStore(
      self,
      {
        size: environment.settings.serverTicketStoreSize,
        lifetime: environment.settings.serverTicketLifetime,
        makeIdentities: () => randomIdentities(environment.engine),
        listener,
      },
      { name: store },
    );
  return startSealer(self, keeping);
}

/** Who seals under a ring of keys, and opens. */
function startSealer(self: Self<unknown>, keeping: TicketKeeping): Promise<StartResult> {
  const { config, listener, store, environment } = keeping;
  const { engine, settings } = environment;
  const keys: TicketKeysOptions = {
    crypto: ticketCrypto(engine),
    ticketLifetime: settings.serverTicketLifetime,
    ticketKeyLifetime: config.ticketKeyLifetime,
    source: keySource(keeping),
    wallClock: environment.wallClock,
    ...fleetTimes(config),
  };
  return startTicketTracker(self, { keys, listener }, { name: store });
}

/** Without a seed and a store to share, the keys go with the listener: what an earlier one sealed nobody can read any more. */
function keySource({ config, ownKeys, environment: { engine } }: TicketKeeping): TicketKeySource {
  const { statelessTicketsSeed: seed, fleet, fleetSeed } = config;
  if (seed !== undefined) return { from: 'seed', seed: new Secret(seed) };
  const store = fleet.ticketKeyStore ?? ownKeys;
  if (fleetSeed === undefined) return { from: 'store', store };
  return { from: 'store', store, wrapping: new StoreWrapping(ticketCrypto(engine), new Secret(fleetSeed)) };
}

/** What a fleet says of its times, where it does. */
function fleetTimes({ fleet: { clockTolerance, storeDeadline } }: ServerConfig): {
  readonly clockTolerance?: number;
  readonly storeDeadline?: number;
} {
  return {
    ...(clockTolerance === undefined ? {} : { clockTolerance }),
    ...(storeDeadline === undefined ? {} : { storeDeadline }),
  };
}

/** 16 random bytes tell nothing, and need no cipher to do so. */
function randomIdentities(engine: CryptoEngine): (unique: bigint) => Uint8Array {
  return () => new Uint8Array(engine.randomBytes(16));
}

async function startFilter(self: Self<unknown>, keeping: TicketKeeping): Promise<StartResult> {
  const { environment, listener, filter, config } = keeping;
  const { engine } = environment;
  const { replayStore: store } = config.fleet;
  const shared = store === undefined ? {} : { store, ...fleetTimes(config) };
  const options = { makeHashes: () => keyedHashes(engine), listener, ...shared };
  return startAntiReplay(self, options, { name: filter });
}

/**
 * A new listener's filter begins. Under a seed, or keys of a fleet, others may have read the same tickets before: then with a window of
 * refusals, as it does after a crash; a fleet that shares what was seen needs none.
 */
export function beginFilter({ environment, config, listener, filter }: TicketKeeping): Promise<boolean> {
  const { antiReplay, statelessTicketsSeed: seed, fleet } = config;
  if (antiReplay === undefined) return Promise.resolve(true);
  return openAntiReplay(
    environment.node,
    filter,
    listener,
    antiReplay,
    seed === undefined && fleet.ticketKeyStore === undefined ? 'none' : 'unknown',
  );
}
