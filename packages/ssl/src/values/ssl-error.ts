/** Errors for those who prefer exceptions: `unwrap` throws what a function answered as `{ error }`. */
import { formatError } from './format-error.js';
import { posixText } from './posix.js';
import type { SslReason } from './terms.js';

const brand: symbol = Symbol.for('@actor-tls/ssl.SslError');

/**
 * An answer `{ error: reason }` as an exception.
 *
 * `code` is stable: POSIX reasons as in Node (`ECONNREFUSED`), else `TLS_` and the reason's tag, for alerts with the
 * alert (`TLS_CLOSED`, `TLS_OPTIONS`, `TLS_ALERT_UNKNOWN_CA`). The message says what happened and what to do next.
 * `instanceof` also holds across two copies of this package.
 */
export class SslError extends Error {
  readonly code: string;
  /** OTP's term, as the function answered it. */
  readonly reason: SslReason;

  constructor(reason: SslReason) {
    const advice = nextStep(reason);
    const what = formatError(reason).trimEnd();
    super(advice === undefined ? what : `${what}${/[.!?]$/.test(what) ? '' : '.'} ${advice}`);
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
  TLS_ALERT_UNKNOWN_CA:
    "The chain ends in no trusted CA: give the CA's certificate in cacerts or cacertfile of the side that checks.",
  TLS_ALERT_CERTIFICATE_EXPIRED: 'A certificate is out of its dates, or a clock is wrong.',
  TLS_ALERT_CERTIFICATE_REVOKED: 'The certificate was revoked: a new one is needed.',
  TLS_ALERT_CERTIFICATE_REQUIRED: 'The server asks for a client certificate: give cert and key.',
  TLS_ALERT_BAD_CERTIFICATE: 'A certificate of the chain breaks a rule; the text above names it.',
  TLS_ALERT_HANDSHAKE_FAILURE:
    'The sides share no parameters, or the certificate does not fit the host; compare versions, ciphers and names.',
  TLS_ALERT_INSUFFICIENT_SECURITY:
    'The sides share no cipher suite or group: compare ciphers and supportedGroups.',
  TLS_ALERT_PROTOCOL_VERSION: 'The sides share no protocol version: compare versions.',
  TLS_ALERT_NO_APPLICATION_PROTOCOL: 'The sides share no application protocol: compare the ALPN lists.',
  TLS_ALERT_UNRECOGNIZED_NAME: 'The server has nothing for that host name: look at serverNameIndication.',
  TLS_ALERT_DECRYPT_ERROR: 'A signature or Finished is wrong: does the key fit the certificate?',
};

/** What a person can do about it, in one sentence. */
function nextStep(reason: SslReason): string | undefined {
  const [tag, content] = parts(reason);
  if (tag === 'options' && typeof content === 'object' && content !== null) {
    if ('insufficient_crypto_support' in content)
      return 'This release does not speak that version: leave it out of versions.';
    if ('socket_options' in content)
      return 'Nobody knows such an option, or not with this value: docs/options.md.';
    if ('cacertfile' in content && content.cacertfile === '')
      return 'verify_peer needs trusted certificates: give cacerts or cacertfile.';
    const file = ['certfile', 'keyfile', 'cacertfile', 'dhfile'].some((key) =>
      Array.isArray(Reflect.get(content, key)),
    );
    if (file) return 'It has to be a readable PEM file with the expected content.';
  }
  const code = codeOf(reason);
  return Object.hasOwn(steps, code) ? steps[code] : undefined;
}
