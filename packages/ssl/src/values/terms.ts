/**
 * Results and error terms in OTP's words (contract §1, §9).
 *
 * `{ok, X}` is `{ ok: X }`, `{error, R}` is `{ error: R }`; in R an atom is a string, `{tag, A}` is `{ tag: A }`,
 * `{tag, A, B}` is `{ tag: [A, B] }`.
 */
import type { AlertDescription } from './registry/alerts.js';

/** Why a call failed, or a connection ended. */
export type SslReason =
  | string
  | { readonly tls_alert: readonly [AlertDescription, string] }
  | { readonly options: unknown }
  | { readonly option: unknown }
  | { readonly [tag: string]: unknown };

export type Failed = { readonly error: SslReason };
export type Result<T> = { readonly ok: T } | Failed;
/** Erlang's bare `ok`. */
export type Ok = { readonly ok: true };
