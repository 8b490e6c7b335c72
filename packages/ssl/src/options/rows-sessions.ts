/** Rows of sessions of TLS 1.2 and before (contract §2.2, §2.3, §6.5). */
import type { ReuseSessionFun } from '../values/reuse-session.js';
import { badValue } from './option-error.js';
import { asItIs, flag, isList, type Option, oneOf, untold } from './row.js';
import { isOptionObject } from './socket-options.js';

const older = ['tlsv1', 'tlsv1.1', 'tlsv1.2'] as const;

/** What `reuseSession` has come to. */
export type SessionChoice =
  | { readonly kind: 'any' }
  /** A client: that one or none. */
  | { readonly kind: 'id'; readonly id: Uint8Array }
  | { readonly kind: 'data'; readonly id: Uint8Array; readonly data: Uint8Array }
  /** A server. */
  | { readonly kind: 'policy'; readonly fun: ReuseSessionFun };

export class SessionRows {
  /** `reuse_sessions`: whether sessions are kept and resumed; a client's `save` keeps all and offers none by itself. */
  readonly reuseSessions: Option<'both', boolean | 'save'> = {
    otp: 'reuse_sessions',
    side: 'both',
    needsVersions: older,
    default: true,
    tell: asItIs,
    note: {
      values: 'boolean; of a client also save: keeps each, offers only what reuseSession names',
      default: 'true',
      source: 'ssl:client_option(), ssl:server_option(), RFC 5246 §7.3',
    },
    parse: (value) => (typeof value === 'boolean' ? value : oneOf('reuseSessions', 'save')(value)),
  };

  /** `reuse_session`: a client's session by its id, or with its data; a server's function that says which are resumed. */
  readonly reuseSession: Option<
    'both',
    | Uint8Array
    | { readonly id: Uint8Array; readonly data: Uint8Array }
    | readonly [id: Uint8Array, data: Uint8Array]
    | ReuseSessionFun,
    SessionChoice,
    undefined
  > = {
    otp: 'reuse_session',
    side: 'both',
    needsVersions: older,
    default: { kind: 'any' },
    kept: 'secret',
    tell: untold,
    note: {
      values:
        'client session id, or { id, data } of connectionInformation (sessionId, sessionData); server (id, peerCertificate, 0, suite) => boolean, at once or later',
      default: 'client none, server all',
      source: 'ssl:client_option(), ssl:server_option()',
    },
    parse: (value) =>
      sessionChoice(value) ?? badValue('reuseSession', value instanceof Uint8Array ? 'bytes' : value),
  };

  /** Ours: tickets of TLS 1.2 and before (RFC 5077), which OTP has not; with `reuseSessions` only. */
  readonly olderSessionTickets: Option<'both', boolean> = {
    otp: undefined,
    side: 'both',
    needsVersions: older,
    default: true,
    tell: asItIs,
    note: {
      values: 'boolean: whether a server gives tickets to clients that take them, and a client takes them',
      default: 'true',
      source: 'ours, RFC 5077',
    },
    parse: flag('olderSessionTickets'),
  };
}

function sessionChoice(value: unknown): SessionChoice | undefined {
  if (value instanceof Uint8Array) return { kind: 'id', id: value };
  if (isPolicy(value)) return { kind: 'policy', fun: value };
  const [id, data, ...more] = isList(value)
    ? value
    : isOptionObject(value)
      ? [value['id'], value['data']]
      : [];
  return id instanceof Uint8Array && data instanceof Uint8Array && more.length === 0
    ? { kind: 'data', id, data }
    : undefined;
}

function isPolicy(value: unknown): value is ReuseSessionFun {
  return typeof value === 'function';
}
