/**
 * `user_lookup_fun` (contract §2.1): keys that both sides have before they meet (RFC 8446 §4.2.11, RFC 9258, RFC 4279), and what a
 * server knows of the users of SRP (RFC 5054 §2.4).
 */
import type { DhParams } from './crypto/dh-parameter.js';
import type { HashName } from './crypto/engine.js';
import { isSrpGroup, type SrpGroupName, srpGroup, srpGroupNames } from './registry/srp-groups.js';

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

/** A user of SRP that was found (RFC 5054 §2.4): the group, the salt, and the verifier of the password. */
export interface LookedUpVerifier {
  readonly ok: SrpVerifier | SrpDerivedKey;
}

interface SrpSalted {
  /** One of RFC 5054 appendix A, by name or by its numbers. */
  readonly group: SrpGroupName | DhParams;
  /** 1..255 bytes */
  readonly salt: Uint8Array;
}

/** What `srpVerifier` makes: whoever steals it has to try passwords. */
export interface SrpVerifier extends SrpSalted {
  /** v = g^x % N, big endian. */
  readonly verifier: Uint8Array;
}

/** As OTP has it: x = SHA1(Salt | SHA1(Username | ":" | Password)). Whoever steals it is the user. */
export interface SrpDerivedKey extends SrpSalted {
  readonly derivedKey: Uint8Array;
}

type LookupAnswer = LookedUpKey | LookedUpVerifier | 'error';

/**
 * `psk`: the key of an identity, of a client's own `pskIdentity` or of one that a client has sent to a server. `srp`: what
 * a server knows of a user. Names may hold any bytes when a client has sent them. `'error'`: there is none.
 */
export type UserLookupFun<State = unknown> = (
  type: 'psk' | 'srp',
  name: Uint8Array,
  state: State,
) => LookupAnswer | Promise<LookupAnswer>;

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

/** What is known of a user of SRP; the answer's bytes, not copies. */
export interface FoundVerifier {
  readonly group: DhParams;
  readonly salt: Uint8Array;
  readonly secret: { readonly verifier: Uint8Array } | { readonly derivedKey: Uint8Array };
}

/** The same of an answer for `srp`; `undefined`: no such user. */
export function lookedUpVerifier(answer: unknown): FoundVerifier | undefined {
  if (answer === 'error') return undefined;
  const ok: unknown = typeof answer === 'object' && answer !== null && 'ok' in answer ? answer.ok : undefined;
  const found = typeof ok === 'object' && ok !== null ? verifierIn(ok) : undefined;
  if (found === undefined)
    throw new TypeError("user_lookup_fun answers { ok: { group, salt, verifier } } or 'error' for srp");
  return found;
}

function verifierIn(ok: object): FoundVerifier | undefined {
  const group = 'group' in ok ? groupIn(ok.group) : undefined;
  const salt: unknown = 'salt' in ok ? ok.salt : undefined;
  const verifier: unknown = 'verifier' in ok ? ok.verifier : undefined;
  const derivedKey: unknown = 'derivedKey' in ok ? ok.derivedKey : undefined;
  if (group === undefined || !isShort(salt, 255)) return undefined;
  if (isShort(verifier, group.prime.length)) return { group, salt, secret: { verifier } };
  // SHA-1 of anything is as long.
  return isShort(derivedKey, 20) ? { group, salt, secret: { derivedKey } } : undefined;
}

function groupIn(group: unknown): DhParams | undefined {
  const name = srpGroupNames.find((known) => known === group);
  if (name !== undefined) return srpGroup(name);
  return isParams(group) && isSrpGroup(group) ? group : undefined;
}

function isParams(group: unknown): group is DhParams {
  return (
    typeof group === 'object' &&
    group !== null &&
    'prime' in group &&
    'generator' in group &&
    group.prime instanceof Uint8Array &&
    group.generator instanceof Uint8Array
  );
}

function isShort(value: unknown, most: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length > 0 && value.length <= most;
}
