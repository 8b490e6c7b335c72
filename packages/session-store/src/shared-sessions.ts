/** A {@link SessionStore} as the backend of a session cache: each call has its deadline, and a store that is gone is a miss. */
import type { OpenBackend, SessionBackend, SessionBackendMeans } from './session-cache.js';
import { StoreGuard } from './store-guard.js';
import type { SessionStore, StoreCall } from './stores.js';

export interface SharedSessionsOptions {
  /** `session_lifetime`, seconds: as long as the cache's, or the store would keep what nobody wants, or lose what is. */
  readonly lifetime: number;
  /** ms that a call to the store may take; default 250 */
  readonly storeDeadline?: number;
}

export function sharedSessions(store: SessionStore, options: SharedSessionsOptions): SessionBackend {
  return { open: (_role, means) => openBackend(store, options, means) };
}

function openBackend(
  store: SessionStore,
  { lifetime, storeDeadline }: SharedSessionsOptions,
  { clock, logger }: SessionBackendMeans,
): OpenBackend {
  const guard = new StoreGuard({ store: 'sessions', clock, logger, deadline: storeDeadline });
  const ask = async <T>(question: (call: StoreCall) => Promise<T>): Promise<T | undefined> =>
    (await guard.ask(question))?.answer;
  return {
    lookup: (key) => ask((call) => store.lookup(key, call)),
    update: (key, session) => ask((call) => store.update(key, session, lifetime * 1000, call)),
    delete: (key) => ask((call) => store.delete(key, call)),
    selectSession: async (peer) => (await ask((call) => store.selectSession(peer, call))) ?? [],
    // Nobody knows, and nobody asks.
    size: () => 0,
    terminate: () => undefined,
  };
}
