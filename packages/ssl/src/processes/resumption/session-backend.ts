/**
 * `session_cb` and `session_cb_init_args` of the application's environment (contract §4): a user's place for sessions, a
 * behaviour `ssl_session_cache_api` or a backend made of one. `client_` and `server_` before the names speak of one side.
 */
import { getEnv, type Node } from '@actor-tls/runtime';
import { type SessionBackend, type SessionCacheApi, sessionBackend } from '@actor-tls/session-store';

/** `undefined`: memory, also for what is none. */
export function backendOf(node: Node, role: 'client' | 'server'): SessionBackend | undefined {
  const of = (key: string): unknown => getEnv(node, 'ssl', `${role}_${key}`) ?? getEnv(node, 'ssl', key);
  const wanted = of('session_cb');
  if (isBackend(wanted)) return wanted;
  return isCacheApi(wanted) ? sessionBackend(wanted, of('session_cb_init_args')) : undefined;
}

function isBackend(value: unknown): value is SessionBackend {
  return hasFunctions(value, ['open']);
}

function isCacheApi(value: unknown): value is SessionCacheApi {
  return hasFunctions(value, ['init', 'terminate', 'lookup', 'update', 'delete', 'size']);
}

function hasFunctions(value: unknown, names: readonly string[]): boolean {
  const found: Readonly<Record<string, unknown>> = Object(value);
  return names.every((name) => typeof found[name] === 'function');
}
