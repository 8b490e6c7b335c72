/**
 * Where sessions (TLS ≤ 1.2) are kept: OTP's behaviour `ssl_session_cache_api`. Users may implement it over a store
 * of their own; every answer may be a promise, so that the store may be in another process or machine.
 *
 * What is kept is bytes: the layer above encodes a session, so that a backend need not understand one.
 */

/** One session with what a cache must know of it. */
export interface StoredSession {
  /** 1 to 32 bytes */
  readonly sessionId: Uint8Array;
  /** ms since 1970 */
  readonly createdAt: number;
  /**
   * Equal for two sessions of which one is enough: same peer and own certificate, compression, suite, SRP name,
   * curve. Said by the layer above.
   */
  readonly likeness: string;
  /** The encoded session; holds its master secret. */
  readonly content: Secret;
}

/** Bytes in a box that does not print them; whoever made the content has the class. */
export interface Secret {
  expose(): Uint8Array;
}

/** OTP's `{partial_key, session_id}`. */
export interface SessionKey {
  /** `host:port` on a client; the listener's name, or empty, on a server. */
  readonly peer: string;
  readonly sessionId: Uint8Array;
}

/** A backend's functions; each gets the handle that `init` gave. */
export interface SessionCacheApi<Handle = unknown> {
  init(role: 'client' | 'server', args: unknown): Handle | Promise<Handle>;
  terminate(handle: Handle): unknown;
  lookup(handle: Handle, key: SessionKey): StoredSession | undefined | Promise<StoredSession | undefined>;
  update(handle: Handle, key: SessionKey, session: StoredSession): unknown;
  delete(handle: Handle, key: SessionKey): unknown;
  /** Sessions with that peer, in any order; without it the cache looks up those that it put in itself. */
  selectSession?(handle: Handle, peer: string): readonly StoredSession[] | Promise<readonly StoredSession[]>;
  /** `lists:foldl` over all sessions. */
  foldl?<A>(handle: Handle, fun: (session: StoredSession, acc: A) => A, acc: A): A | Promise<A>;
  size(handle: Handle): number | Promise<number>;
}

/** A key as text, for maps. */
export function sessionKeyText({ peer, sessionId }: SessionKey): string {
  return `${Buffer.from(sessionId.buffer, sessionId.byteOffset, sessionId.length).toString('hex')}@${peer}`;
}
