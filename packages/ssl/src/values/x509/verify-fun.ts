/** The `verify_fun` of users: it is told what is found out about each certificate, and answers whether it will do. */

/** Answers of a `verify_fun` (contract §7.3). */
export type VerifyFunAnswer<S> =
  | { readonly valid: S }
  | { readonly valid_peer: S }
  | { readonly fail: unknown }
  | { readonly unknown: S };
export type VerifyFunEvent =
  | { readonly bad_cert: unknown }
  | { readonly extension: { readonly oid: string; readonly critical: boolean; readonly value: Uint8Array } }
  | 'valid'
  | 'valid_peer';
/** `fun/3` and `fun/4` in one: the DER comes last. It may answer a promise. */
export type VerifyFun = (
  certificate: unknown,
  event: VerifyFunEvent,
  state: unknown,
  der: Uint8Array,
) => VerifyFunAnswer<unknown> | Promise<VerifyFunAnswer<unknown>>;
