/** A {@link SessionStore} as the backend of a session cache. */
import type { OpenBackend, SessionBackend } from './session-cache.js';
import type { SessionStore } from './stores.js';

export interface SharedSessionsOptions {
  /** `session_lifetime`, seconds: as long as the cache's, or the store would keep what nobody wants, or lose what is. */
  readonly lifetime: number;
  /** ms that a call to the store may take; default 250 */
  readonly storeDeadline?: number;
}

export function sharedSessions(
  store: SessionStore,
  { lifetime, storeDeadline }: SharedSessionsOptions,
): SessionBackend {
  const backend: OpenBackend = {
    lookup: (key, call) => store.lookup(key, call),
    update: (key, session, call) => store.update(key, session, lifetime * 1000, call),
    delete: (key, call) => store.delete(key, call),
    selectSession: (peer, call) => store.selectSession(peer, call),
    // Nobody knows, and nobody asks.
    size: () => 0,
    terminate: () => undefined,
  };
  return { open: () => backend, ...(storeDeadline === undefined ? {} : { deadline: storeDeadline }) };
}
