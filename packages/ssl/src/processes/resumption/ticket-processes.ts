/** The processes of a listener with tickets (contract §5.1): who keeps or seals them, and the filter of those used. */
import type { ChildSpec, Pid, Self, StartResult } from '@actor-tls/runtime';
import {
  openAntiReplay,
  startAntiReplay,
  startServerTicketStore,
  startTicketTracker,
} from '@actor-tls/session-store';
import type { ServerConfig } from '../../options/config.js';
import { isStateless } from '../../options/rows-resumption.js';
import type { CryptoEngine } from '../../values/crypto/engine.js';
import type { Environment } from '../environment.js';
import { keyedHashes } from '../material/keyed-hash.js';
import { freshTicketKey, seededTicketKey, ticketSealer } from './ticket-sealer.js';

/** A listener whose tickets are to be kept. */
export interface TicketKeeping {
  readonly environment: Environment;
  readonly config: ServerConfig;
  readonly listener: Pid<never>;
  /** Names of the processes. */
  readonly store: string;
  readonly filter: string;
}

/** OTP's `tls_server_session_ticket`: each ends normally with its listener, and is started again after a crash. */
export const ticketTracker: ChildSpec<readonly [TicketKeeping]> = {
  id: 'tls_server_session_ticket',
  restart: 'transient',
  shutdown: 4000,
  start: startStore,
};

export const ticketFilter: ChildSpec<readonly [TicketKeeping]> = {
  id: 'tls_anti_replay',
  restart: 'transient',
  shutdown: 4000,
  start: startFilter,
};

function startStore(self: Self<unknown>, keeping: TicketKeeping): Promise<StartResult> {
  const { config, listener, store, environment } = keeping;
  const { engine, settings } = environment;
  if (!isStateless(config.sessionTickets))
    return startServerTicketStore(
      self,
      {
        size: settings.serverTicketStoreSize,
        lifetime: settings.serverTicketLifetime,
        makeIdentities: () => randomIdentities(engine),
        listener,
      },
      { name: store },
    );
  const { statelessTicketsSeed: seed } = config;
  // Without a seed the keys go with the process: what an earlier one sealed nobody can read any more.
  const makeSealer = () =>
    ticketSealer(seed === undefined ? freshTicketKey(engine) : seededTicketKey(seed, engine), engine);
  return startTicketTracker(self, { makeSealer, listener }, { name: store });
}

/** 16 random bytes tell nothing, and need no cipher to do so. */
function randomIdentities(engine: CryptoEngine): (unique: bigint) => Uint8Array {
  return () => new Uint8Array(engine.randomBytes(16));
}

async function startFilter(self: Self<unknown>, keeping: TicketKeeping): Promise<StartResult> {
  const { environment, listener, filter } = keeping;
  const { engine } = environment;
  return startAntiReplay(self, { makeHashes: () => keyedHashes(engine), listener }, { name: filter });
}

/**
 * A new listener's filter begins. Under a seed others may have read the same tickets before: then with a window of
 * refusals, as it does after a crash.
 */
export function beginFilter({ environment, config, listener, filter }: TicketKeeping): Promise<boolean> {
  const { antiReplay, statelessTicketsSeed: seed } = config;
  if (antiReplay === undefined) return Promise.resolve(true);
  return openAntiReplay(
    environment.node,
    filter,
    listener,
    antiReplay,
    seed === undefined ? 'none' : 'unknown',
  );
}
