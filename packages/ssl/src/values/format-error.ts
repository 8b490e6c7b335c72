/** `ssl:format_error/1`: what an error term says, in words (contract §9.3). */
import { causeOf, type FailureCause } from './failure-cause.js';
import { notation } from './notation.js';
import { posixText } from './posix.js';

const files: Readonly<Record<string, string>> = {
  certfile: 'Invalid certificate file ',
  keyfile: 'Invalid key file ',
  cacertfile: 'Invalid CA certificate file ',
  dhfile: 'Invalid DH params file ',
};

/**
 * Text for an error: a reason, or `{ error: reason }`. Text that is no atom stands for itself. Terms inside a text are
 * written as users write them (`{ verify: 'x' }`), where OTP writes `{verify,x}`.
 */
export function formatError(reason: unknown): string {
  if (typeof reason === 'string') return formatAtom(reason);
  const [tag, value] = only(reason) ?? [undefined, undefined];
  switch (tag) {
    case 'error':
      return formatError(value);
    case 'tls_alert':
      return alertTextOf(value) ?? unexpected(reason);
    case 'options':
      return withWords(
        reason,
        Array.isArray(value) ? unexpected(reason) : formatOptions(value, causeOf(reason)),
      );
    default:
      return withWords(reason, unexpected(reason));
  }
}

/** OTP's text, then what we know of the cause: of a key that does not fit, for one, a term shows nothing. */
function withWords(reason: unknown, text: string): string {
  const cause = causeOf(reason);
  return cause === undefined || text.endsWith(cause.text) ? text : `${text}: ${cause.text}`;
}

function formatAtom(reason: string): string {
  if (reason === 'closed') return 'TLS connection is closed';
  return posixText(reason) ?? (isAtom(reason) ? `Unexpected error: ${reason}` : reason);
}

function formatOptions(value: unknown, cause: FailureCause | undefined): string {
  const [key, inner] = only(value) ?? [undefined, undefined];
  if (key === 'socket_options') {
    // {socket_options, Options, Why} and {socket_options, Options}.
    if (Array.isArray(inner) && inner.length === 2)
      return `Invalid transport socket option ${notation(inner[0])}: ${formatError(inner[1])}`;
    return `Invalid socket option: ${notation(inner)}`;
  }
  const start = key !== undefined && Object.hasOwn(files, key) ? files[key] : undefined;
  if (
    key !== undefined &&
    start !== undefined &&
    Array.isArray(inner) &&
    inner.length === 2 &&
    typeof inner[0] === 'string'
  )
    return `${start}${inner[0]}: ${cause?.text ?? fileReason(key, inner[1])}`;
  return `Invalid TLS option: ${notation(value)}`;
}

/** A posix name, our decoder's own words, or OTP's for whatever else it may be. */
function fileReason(key: string, reason: unknown): string {
  if (typeof reason === 'string' && !isAtom(reason)) return reason;
  if (Array.isArray(reason) && reason.length === 0) return `no ${contents[key] ?? 'content'} in it`;
  const [tag, why] = only(reason) ?? [undefined, undefined];
  if (tag === 'bad_pem' && typeof why === 'string') return why;
  return (tag === 'error' ? posixText(why) : undefined) ?? 'decoding error';
}

const contents: Readonly<Record<string, string>> = {
  certfile: 'certificate',
  keyfile: 'private key',
  cacertfile: 'certificate',
};

function alertTextOf(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const text: unknown = value[1];
  return typeof text === 'string' ? text : undefined;
}

function unexpected(reason: unknown): string {
  return `Unexpected error: ${notation(reason)}`;
}

/** The one field of an object that stands for a tagged tuple. */
function only(value: unknown): readonly [string, unknown] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
    return undefined;
  const entries = Object.entries(value);
  return entries.length === 1 ? entries[0] : undefined;
}

/** What Erlang would write as an atom without quotes. */
function isAtom(text: string): boolean {
  return /^[a-z][a-zA-Z0-9_@]*$/.test(text);
}
