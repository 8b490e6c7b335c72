/** The processes that keep a server's sessions of TLS 1.2 and before (contract §5.1, §6.5). */
import type { ChildSpec, Pid } from '@actor-tls/runtime';
import { type SessionBackend, startSessionCache } from '@actor-tls/session-store';
import type { Environment } from '../environment.js';

export interface SessionKeeping {
  readonly environment: Environment;
  /** Of the process. */
  readonly name: string;
  /** It ends normally with its listener, and that of upgraded sockets with the application. */
  readonly owner: Pid<never>;
}

/** OTP's `ssl_server_session_cache`: after a crash it starts again from empty. */
export const serverSessionCache: ChildSpec<readonly [SessionKeeping]> = {
  id: 'ssl_server_session_cache',
  restart: 'transient',
  shutdown: 4000,
  start: (self, { environment: { settings, wallClock }, name, owner }) =>
    startSessionCache(
      self,
      {
        role: 'server',
        max: settings.sessionCacheServerMax,
        lifetime: settings.sessionLifetime,
        sweep: 'off',
        listener: owner,
        wallClock,
        ...backendIn(settings.serverSessionBackend),
      },
      { name },
    ),
};

export function backendIn(backend: SessionBackend | undefined): { readonly backend?: SessionBackend } {
  return backend === undefined ? {} : { backend };
}
