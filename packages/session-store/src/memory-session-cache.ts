/** The built-in backend: a map in this thread. How many entries there may be is the cache process's affair. */
import {
  type SessionCacheApi,
  type SessionKey,
  type StoredSession,
  sessionKeyText,
} from './session-cache-api.js';

interface Row {
  readonly key: SessionKey;
  readonly session: StoredSession;
}

export type MemorySessions = Map<string, Row>;

export const memorySessionCache: SessionCacheApi<MemorySessions> = {
  init: () => new Map(),
  terminate: (rows) => rows.clear(),
  lookup: (rows, key) => rows.get(sessionKeyText(key))?.session,
  update(rows, key, session) {
    rows.set(sessionKeyText(key), { key, session });
  },
  delete(rows, key) {
    rows.delete(sessionKeyText(key));
  },
  foldl(rows, fun, acc) {
    let result = acc;
    for (const { session } of rows.values()) result = fun(session, result);
    return result;
  },
  size: (rows) => rows.size,
};
