/** Errors for those who prefer exceptions: `unwrap` throws what a function answered as `{ error }`. */
import { alertAdvice } from './advice.js';
import { causeOf, type FailureCause } from './failure-cause.js';
import { formatError } from './format-error.js';
import { posixText } from './posix.js';
import type { SslReason } from './terms.js';

const brand: symbol = Symbol.for('@actor-tls/ssl.SslError');

/**
 * An answer `{ error: reason }` as an exception.
 *
 * `code` is stable: POSIX reasons as in Node (`ECONNREFUSED`), else `TLS_` and the reason's tag, for alerts with the
 * alert (`TLS_CLOSED`, `TLS_OPTIONS`, `TLS_ALERT_UNKNOWN_CA`). The message says what happened and what to do next;
 * `cause` says it as data, finer than `code`: a wrong host name, purpose and date have one alert each or share one.
 * `instanceof` also holds across two copies of this package.
 */
export class SslError extends Error {
  readonly code: string;
  /** OTP's term, as the function answered it. */
  readonly reason: SslReason;
  /** What was wrong and what can be done about it, as data; `undefined` where the term says all. */
  override readonly cause: FailureCause | undefined;

  constructor(reason: SslReason) {
    const what = formatError(reason).trimEnd();
    const more = addition(reason, what);
    super(more === undefined ? what : `${what}${/[.!?]$/.test(what) ? '' : '.'} ${more}`);
    this.cause = causeOf(reason);
    this.name = 'SslError';
    this.code = codeOf(reason);
    this.reason = reason;
    Object.defineProperty(this, brand, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isSslError(value);
  }
}

/** Whether a caught value is an `SslError` of any copy of this package. */
export function isSslError(value: unknown): value is SslError {
  return typeof value === 'object' && value !== null && Reflect.get(value, brand) === true;
}

/** The value of `{ ok }`; throws an `SslError` for `{ error }`. */
export function unwrap<T>(result: { readonly ok: T } | { readonly error: SslReason }): T {
  if ('error' in result) throw new SslError(result.error);
  return result.ok;
}

/** Tag and content of a reason: an atom has itself for tag. */
function parts(reason: SslReason): readonly [tag: string, content: unknown] {
  if (typeof reason === 'string') return [reason, undefined];
  return Object.entries(reason)[0] ?? ['unknown', undefined];
}

function codeOf(reason: SslReason): string {
  const [tag, content] = parts(reason);
  if (posixText(tag) !== undefined) return tag.toUpperCase();
  const alert: unknown = tag === 'tls_alert' && Array.isArray(content) ? content[0] : undefined;
  const name = typeof alert === 'string' ? `alert_${alert}` : tag;
  return `TLS_${name.replace(/[^A-Za-z0-9]+/g, '_').toUpperCase()}`;
}

const steps: Readonly<Record<string, string>> = {
  TLS_CLOSED: 'Either side has ended the connection: nothing more can be sent or received on this socket.',
  TLS_TIMEOUT: 'Give more time, or find out why the peer does not answer.',
  TLS_OPTIONS: 'docs/options.md lists every option and its values.',
  TLS_OPTION: 'The option belongs to the other side of a connection.',
  TLS_CONFLICT_OPTIONS: 'Use one of these options, not both.',
  TLS_NOOPTIONS: 'A listener needs at least a certificate and its key.',
  TLS_NOT_OWNER: 'Only the process that owns the socket may do this; controllingProcess hands it over.',
  TLS_SSL_NOT_STARTED: 'Call ssl.start() first.',
  TLS_NO_PEERCERT: 'The peer has shown no certificate; a server asks for one with verify: "verify_peer".',
  TLS_PROTOCOL_NOT_NEGOTIATED: 'Both sides have to name application protocols (ALPN).',
  TLS_RENEGOTIATION_REJECTED: 'The peer does not renegotiate; the connection goes on.',
  TLS_NOTSUP: 'The negotiated version has no such thing.',
  TLS_INVALID_PACKET: 'The data does not fit the packet mode, or is larger than packetSize.',
  SYSTEM_LIMIT:
    'Of a handshake: the listener had as many under way as maxHandshakes, maxHandshakesPerAddress or ' +
    'maxHandshakeBytes allow, and gave this one up to make room.',
  ECONNREFUSED: 'Nothing listens at that address and port.',
  ECONNRESET: 'The peer, or something between, cut the connection.',
  EADDRINUSE: 'Another socket listens on that port already.',
  EADDRNOTAVAIL: 'This machine has no such address.',
  EACCES: 'Ports below 1024 and some files need more rights.',
  EHOSTUNREACH: 'No route leads to that host.',
  ENETUNREACH: 'No route leads to that network.',
  ETIMEDOUT: 'The host does not answer.',
  NXDOMAIN: 'The host name does not exist: look at its spelling and at the DNS.',
  EINVAL: 'The socket is not in a state for this: recv, for one, needs active: false.',
  ENOTCONN: 'A listening socket has no peer.',
  EALREADY: 'Another call of the same kind is waiting.',
};

/** What formatError leaves out: cause and hint of this very failure, else general advice. */
function addition(reason: SslReason, told: string): string | undefined {
  const cause = causeOf(reason);
  if (cause === undefined) return advice(reason, told);
  const { text, hint } = cause;
  const news = (cause.by === 'peer' ? [hint] : [text, hint]).filter(
    (words) => words !== undefined && !told.includes(words),
  );
  return news.length === 0 ? undefined : news.join('; ');
}

/** For a reason of which no more is known: nothing general is said behind something precise. */
function advice(reason: SslReason, told: string): string | undefined {
  const [tag, content] = parts(reason);
  if (tag === 'tls_alert' && Array.isArray(content))
    return told.includes('\n') || !isKnownAlert(content[0]) ? undefined : alertAdvice[content[0]];
  if (tag === 'options') return namesFile(content) ? undefined : steps['TLS_OPTIONS'];
  const code = codeOf(reason);
  return Object.hasOwn(steps, code) ? steps[code] : undefined;
}

/** `{options, {certfile, File, Reason}}`: the reason says it all. */
function namesFile(content: unknown): boolean {
  if (typeof content !== 'object' || content === null) return false;
  return ['certfile', 'keyfile', 'cacertfile', 'dhfile'].some((key) =>
    Array.isArray(Reflect.get(content, key)),
  );
}

function isKnownAlert(name: unknown): name is keyof typeof alertAdvice {
  return typeof name === 'string' && Object.hasOwn(alertAdvice, name);
}
