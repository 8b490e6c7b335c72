/** `user_lookup_fun` (contract §2.1) for keys that both sides have before they meet (RFC 8446 §4.2.11, RFC 9258). */
import type { HashName } from './crypto/engine.js';

/** Hashes of the suites of TLS 1.3, which keys are used with. */
export type PskHash = Extract<HashName, 'sha256' | 'sha384'>;

/** A key that was found. */
export interface LookedUpKey {
  /** The key; 32 random bytes are well, and no password ever is (RFC 8446 §4.2.11). */
  readonly ok: Uint8Array;
  /** The hash that it is used with; default `sha256`. */
  readonly hash?: PskHash | undefined;
  /**
   * Given: the key is used by way of the PSK importer (RFC 9258), for each hash that both sides have, and never itself.
   * `context`: what both sides agreed it is for, roles and addresses for instance; a server takes any unless it names one.
   */
  readonly imported?: { readonly context?: Uint8Array | undefined } | undefined;
}

/**
 * The key of an identity: of a client's own `pskIdentity`, or of one that a client has sent to a server, which may hold
 * any bytes. `'error'`: there is none.
 */
export type UserLookupFun<State = unknown> = (
  type: 'psk',
  identity: Uint8Array,
  state: State,
) => LookedUpKey | 'error' | Promise<LookedUpKey | 'error'>;

/** What a user's function has answered; `undefined`: no key. Throws `TypeError` for anything else. */
export function lookedUp(answer: unknown): LookedUpKey | undefined {
  if (answer === 'error') return undefined;
  if (!isKey(answer)) throw new TypeError("user_lookup_fun answers { ok: key } or 'error'");
  return answer;
}

function isKey(answer: unknown): answer is LookedUpKey {
  if (typeof answer !== 'object' || answer === null || !('ok' in answer)) return false;
  const { ok } = answer;
  const hash: unknown = 'hash' in answer ? answer.hash : undefined;
  const imported: unknown = 'imported' in answer ? answer.imported : undefined;
  return (
    ok instanceof Uint8Array &&
    ok.length > 0 &&
    (hash === undefined || hash === 'sha256' || hash === 'sha384') &&
    (imported === undefined || isImport(imported))
  );
}

function isImport(imported: unknown): boolean {
  if (typeof imported !== 'object' || imported === null) return false;
  const context: unknown = 'context' in imported ? imported.context : undefined;
  return context === undefined || (context instanceof Uint8Array && context.length <= 0xffff);
}
