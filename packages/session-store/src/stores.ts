/**
 * What a fleet of servers shares, as interfaces that users can implement over whatever they have: ticket keys, what
 * early data was seen, sessions of TLS ≤ 1.2.
 *
 * None of it is needed for a handshake. A store that throws, rejects, answers nonsense or not at all within its deadline
 * costs a full handshake, and early data that is refused. Each function is called with a {@link StoreCall}; an answer
 * that comes after the deadline is ignored.
 */
import type { SessionKey, StoredSession } from './session-cache-api.js';

/** What a store is told of one call. */
export interface StoreCall {
  /** ms from now in which the answer has to come */
  readonly deadline: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** The keys of a fleet as a store keeps them: bytes that it need not understand. They are secrets; see `StoreWrapping`. */
export interface StoredKeys {
  /** Another for other bytes; at most 64 characters. */
  readonly tag: string;
  readonly bytes: Uint8Array;
}

export interface KeysAnswer {
  /** `unchanged` when the asker knows them already, `undefined` when there are none. */
  readonly keys: StoredKeys | 'unchanged' | undefined;
  /**
   * ms since 1970 by a clock that all servers share. With it their own clocks do not matter; without it they must agree to
   * within `clockTolerance`.
   */
  readonly now?: number | undefined;
}

/**
 * One register with compare-and-swap. Servers read it from time to time; the one who finds that a rotation is due swaps
 * the next keys in, and of several who do, one wins: that is the election.
 */
export interface TicketKeyStore {
  /** What stands there; `known` is the tag of what the asker has. */
  read(known: string | undefined, call: StoreCall): Promise<KeysAnswer>;
  /**
   * Puts `keys` in the place of those with the tag `expected` (`undefined`: of none), in one step. Answers what stands
   * there afterwards: `unchanged` for `keys` themselves. May forget them after `lifetime` ms.
   */
  replace(
    expected: string | undefined,
    keys: StoredKeys,
    lifetime: number,
    call: StoreCall,
  ): Promise<KeysAnswer>;
  /**
   * ms from a change until all servers have read it; a new key seals not before. Default: two readings and a deadline. 0
   * where only one server reads.
   */
  readonly spread?: number;
}

/** Who was here first (RFC 8446 §8.1), over all servers. */
export interface ReplayStore {
  /**
   * `new` for the first who claims this element (a PSK binder, 32 to 64 bytes) within `lifetime` ms, in one step; `seen` for
   * all others, and whenever the store cannot know: a store that has lost what it knew (a restart, an eviction, a flush)
   * answers `seen` for `lifetime` ms from then on (RFC 8446 §8.2).
   */
  claim(element: Uint8Array, lifetime: number, call: StoreCall): Promise<'new' | 'seen'>;
}

/** Sessions of TLS ≤ 1.2. What an implementation answers is checked for its age by the cache. */
export interface SessionStore {
  lookup(key: SessionKey, call: StoreCall): Promise<StoredSession | undefined>;
  /** Keeps a session for at most `lifetime` ms. */
  update(key: SessionKey, session: StoredSession, lifetime: number, call: StoreCall): Promise<unknown>;
  delete(key: SessionKey, call: StoreCall): Promise<unknown>;
  /** Sessions with that peer, in any order, as many as it likes. */
  selectSession(peer: string, call: StoreCall): Promise<readonly StoredSession[]>;
}
