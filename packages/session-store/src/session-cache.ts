/**
 * The process that keeps sessions of TLS ≤ 1.2: one per node for clients (`ssl_manager`'s table in OTP), one per
 * listener for servers (`ssl_server_session_cache`). Contract: at most `max` entries, the oldest goes first; at each
 * registration the oldest goes if it has expired; an expired session is not found. Besides, unlike OTP's, there are at
 * most so many bytes, and on a client so many sessions of one peer.
 *
 * The process keeps the order, the backend the sessions. If the backend fails or is slow only whoever asked feels it:
 * a failed lookup is a miss, as is one without an answer within the deadline, and the process answers others meanwhile.
 */
import {
  type Asker,
  type From,
  type GenServer,
  type Node,
  type Pid,
  requests,
  type Self,
  type ServerRef,
  type StartOptions,
  type StartResult,
  startGenServer,
} from '@actor-tls/runtime';
import { BoundedTable } from './bounded-table.js';
import { memorySessionCache } from './memory-session-cache.js';
import {
  type SessionCacheApi,
  type SessionKey,
  type StoredSession,
  sessionKeyText,
} from './session-cache-api.js';
import { StoreGuard } from './store-guard.js';
import type { StoreCall } from './stores.js';

export interface SessionCacheOptions {
  readonly role: 'client' | 'server';
  /** `session_cache_client_max`, `session_cache_server_max` */
  readonly max: number;
  /** What all contents may take, bytes; default 16 MiB, and no less than 1 KiB for each of `max`. */
  readonly maxBytes?: number;
  /** A client's sessions with one peer; the oldest goes. Default 16. */
  readonly maxPerPeer?: number;
  /** `session_lifetime`, seconds */
  readonly lifetime: number;
  /** Sweeps for expired sessions: first after lifetime + 5 s, then every 60 s (OTP's client table). */
  readonly sweep: 'on' | 'off';
  /** `session_cb` and `session_cb_init_args`; default: memory */
  readonly backend?: SessionBackend;
  /** A server's cache ends normally with its listener. */
  readonly listener?: Pid<never>;
  /** ms since 1970; default `Date.now` */
  readonly wallClock?: () => number;
}

/** A backend with the argument of its `init`, its handle's type sealed in. */
export interface SessionBackend {
  open(role: 'client' | 'server'): OpenBackend | Promise<OpenBackend>;
  /** ms that a call may take; default 250. What comes later is no answer. At most 256 calls are out at once. */
  readonly deadline?: number;
}

/** A backend bound to its handle. */
export interface OpenBackend {
  lookup(key: SessionKey, call: StoreCall): StoredSession | undefined | Promise<StoredSession | undefined>;
  update(key: SessionKey, session: StoredSession, call: StoreCall): unknown;
  delete(key: SessionKey, call: StoreCall): unknown;
  selectSession?(peer: string, call: StoreCall): readonly StoredSession[] | Promise<readonly StoredSession[]>;
  size(): number | Promise<number>;
  terminate(): unknown;
}

export function sessionBackend<Handle>(api: SessionCacheApi<Handle>, args?: unknown): SessionBackend {
  const bind = (handle: Handle): OpenBackend => {
    const { selectSession } = api;
    return {
      lookup: (key) => api.lookup(handle, key),
      update: (key, session) => api.update(handle, key, session),
      delete: (key) => api.delete(handle, key),
      ...(selectSession === undefined
        ? {}
        : { selectSession: (peer: string) => selectSession.call(api, handle, peer) }),
      size: () => api.size(handle),
      terminate: () => api.terminate(handle),
    };
  };
  return {
    open(role) {
      const handle = api.init(role, args);
      return handle instanceof Promise ? handle.then(bind) : bind(handle);
    },
  };
}

export function startSessionCache(
  parent: Self<never> | Self | Node,
  options: SessionCacheOptions,
  start?: StartOptions,
): Promise<StartResult> {
  return startGenServer(parent, sessionCache, options, start);
}

/** A session of this id that is alive, or `undefined`. */
export function lookupSession(
  asker: Asker,
  cache: ServerRef,
  key: SessionKey,
): Promise<StoredSession | undefined> {
  return sessions.askOr(asker, cache, { type: 'lookup_session', key }, () => undefined);
}

/** A client's living sessions with a peer, youngest first. */
export function selectSessions(
  asker: Asker,
  cache: ServerRef,
  peer: string,
): Promise<readonly StoredSession[]> {
  return sessions.askOr(asker, cache, { type: 'select_sessions', peer }, () => []);
}

/** Keeps a session; `unique` only if no living one of the same peer is like it (`reuse_sessions: true`, `save`). */
export function registerSession(
  asker: Asker,
  cache: ServerRef,
  peer: string,
  session: StoredSession,
  which: 'always' | 'unique',
): void {
  changes.cast(asker, cache, { type: 'register_session', peer, session, which });
}

/** Forgets a session, after a fatal alert of the peer (RFC 5246 §7.2). */
export function invalidateSession(asker: Asker, cache: ServerRef, key: SessionKey): void {
  changes.cast(asker, cache, { type: 'invalidate_session', key });
}

/** Counters of the cache, zeros when it is dead. */
export function sessionCacheInfo(asker: Asker, cache: ServerRef): Promise<SessionCacheInfo> {
  const none = { size: 0, bytes: 0, pushedOut: 0, backendFailures: 0 };
  return sessions.askOr(asker, cache, { type: 'session_cache_info' }, () => none);
}

export interface SessionCacheInfo {
  readonly size: number;
  /** Of the contents, wherever they are. */
  readonly bytes: number;
  /** Sessions that had to make room. */
  readonly pushedOut: number;
  readonly backendFailures: number;
}

interface SessionRequests {
  lookup_session(fields: { readonly key: SessionKey }): StoredSession | undefined;
  select_sessions(fields: { readonly peer: string }): readonly StoredSession[];
  session_cache_info(): SessionCacheInfo;
}

interface SessionChanges {
  register_session(fields: {
    readonly peer: string;
    readonly session: StoredSession;
    readonly which: 'always' | 'unique';
  }): void;
  invalidate_session(fields: { readonly key: SessionKey }): void;
}

interface SessionMessages {
  sweep_sessions(): void;
}

const sessions = requests<SessionRequests>();
const changes = requests<SessionChanges>();
const sweeps = requests<SessionMessages>();

const sessionCache: GenServer<SessionTable, SessionCacheOptions> = {
  label: 'session_cache',
  async init(self, options) {
    const backend = options.backend ?? sessionBackend(memorySessionCache);
    const opened = self.own(await backend.open(options.role), (open) => {
      void attempt(() => open.terminate());
    });
    const { clock, logger } = self.node;
    const guard = new StoreGuard({ store: 'sessions', clock, logger, deadline: backend.deadline });
    if (options.listener !== undefined) self.monitor(options.listener);
    if (options.sweep === 'on') {
      self.sendAfter(options.lifetime * 1000 + 5000, self.pid, { type: 'sweep_sessions' });
    }
    return { ok: new SessionTable(options, opened, guard) };
  },
  handleCall: sessions.handleCall<SessionTable>({
    lookup_session: ({ key }, from, table) => table.lookup(key, from),
    select_sessions: ({ peer }, from, table) => table.select(peer, from),
    session_cache_info: (_request, _from, table) => ({ reply: table.info(), state: table }),
  }),
  handleCast: changes.handleCast<SessionTable>({
    register_session: ({ peer, session, which }, table) => table.register(peer, session, which),
    invalidate_session: ({ key }, table) => table.remove(key),
  }),
  handleInfo: sweeps.handleInfo<SessionTable>({
    sweep_sessions(_message, table, self) {
      const next = table.sweep() === 'done' ? 60_000 : 1000;
      self.sendAfter(next, self.pid, { type: 'sweep_sessions' });
    },
    DOWN: (_message, table) => ({ stop: 'normal', state: table }),
  }),
};

/** What an entry of the order needs for being found and dropped. */
interface OrderEntry {
  readonly key: SessionKey;
  readonly likeness: string;
  /** bytes */
  readonly size: number;
}

/** Certificates of peers are in it. */
const defaultMaxBytes = 1 << 24;
/** What all sessions without certificates have room in. */
const usualSize = 1024;
const defaultMaxPerPeer = 16;
/** What an entry takes besides its content. */
const entryOverhead = 512;

/** The state. Its fields are private, so that no report or inspector shows a session. */
class SessionTable {
  readonly #lifetime: number;
  readonly #now: () => number;
  readonly #backend: OpenBackend;
  readonly #guard: StoreGuard;
  readonly #order: BoundedTable<string, OrderEntry>;
  readonly #byPeer: Map<string, Set<string>> = new Map();
  readonly #maxPerPeer: number;
  #backendFailures = 0;

  constructor(options: SessionCacheOptions, backend: OpenBackend, guard: StoreGuard) {
    this.#lifetime = options.lifetime * 1000;
    this.#now = options.wallClock ?? Date.now;
    this.#backend = backend;
    this.#guard = guard;
    const { max, maxBytes = Math.max(defaultMaxBytes, max * usualSize) } = options;
    this.#order = new BoundedTable(max, { maxBytes, sizeOf: ({ size }) => size });
    this.#maxPerPeer = options.role === 'client' ? (options.maxPerPeer ?? defaultMaxPerPeer) : max;
  }

  info(): SessionCacheInfo {
    const { size, bytes, pushedOut } = this.#order;
    return { size, bytes, pushedOut, backendFailures: this.#backendFailures };
  }

  lookup(key: SessionKey, from: From<StoredSession | undefined>): void {
    void this.#ask((call) => this.#backend.lookup(key, call)).then((session) =>
      from.reply(this.#isAlive(session) ? session : undefined),
    );
  }

  select(peer: string, from: From<readonly StoredSession[]>): void {
    void this.#selected(peer).then((sessions) => {
      const alive: StoredSession[] = sessions.filter((session) => this.#isAlive(session));
      from.reply(alive.sort((a, b) => b.createdAt - a.createdAt));
    });
  }

  register(peer: string, session: StoredSession, which: 'always' | 'unique'): void {
    const oldest = this.#order.oldest();
    if (oldest !== undefined && oldest.insertedAt + this.#lifetime <= this.#now())
      this.remove(oldest.value.key);
    if (which === 'unique' && this.#hasLike(peer, session.likeness)) return;
    const key: SessionKey = { peer, sessionId: session.sessionId };
    const text = sessionKeyText(key);
    const ofPeer = this.#placeOf(peer, text);
    const { createdAt, likeness, content } = session;
    const size = content.expose().length + entryOverhead;
    const victims = this.#order.set(text, { key, likeness, size }, createdAt);
    for (const victim of victims) this.#forget(victim.key, victim.value.key);
    if (ofPeer.has(text)) void this.#ask((call) => this.#backend.update(key, session, call));
  }

  /** The peer's sessions, this one the last of them; a peer that has its share makes room itself. */
  #placeOf(peer: string, text: string): Set<string> {
    const before = this.#byPeer.get(peer);
    before?.delete(text);
    if (before !== undefined && before.size >= this.#maxPerPeer) this.#pushOut(before.values().next().value);
    const ofPeer = this.#byPeer.get(peer) ?? new Set();
    this.#byPeer.set(peer, ofPeer.add(text));
    return ofPeer;
  }

  #pushOut(text: string | undefined): void {
    const entry = text === undefined ? undefined : this.#order.get(text);
    if (text === undefined || entry === undefined) return;
    this.#order.pushOut(text);
    this.#forget(text, entry.key);
  }

  remove(key: SessionKey): void {
    const text = sessionKeyText(key);
    this.#order.delete(text);
    this.#forget(text, key);
  }

  /** `later`: the backend takes no more calls just now; what is left has to wait, or it would keep it for ever. */
  sweep(): 'done' | 'later' {
    const limit = this.#now() - this.#lifetime;
    for (const [text, { key }, createdAt] of this.#order.entries()) {
      if (createdAt > limit) continue;
      if (!this.#guard.hasRoom) return 'later';
      this.#order.delete(text);
      this.#forget(text, key);
    }
    return 'done';
  }

  #forget(text: string, key: SessionKey): void {
    const ofPeer = this.#byPeer.get(key.peer);
    ofPeer?.delete(text);
    if (ofPeer?.size === 0) this.#byPeer.delete(key.peer);
    void this.#ask((call) => this.#backend.delete(key, call));
  }

  #hasLike(peer: string, likeness: string): boolean {
    const limit = this.#now() - this.#lifetime;
    for (const text of this.#byPeer.get(peer) ?? []) {
      const createdAt = this.#order.insertedAt(text) ?? 0;
      if (createdAt > limit && this.#order.get(text)?.likeness === likeness) return true;
    }
    return false;
  }

  async #selected(peer: string): Promise<readonly StoredSession[]> {
    const { selectSession } = this.#backend;
    if (selectSession === undefined) return this.#lookupAll(peer);
    const found = await this.#ask(async (call) => {
      const sessions = await selectSession(peer, call);
      if (!Array.isArray(sessions)) throw new TypeError('no list of sessions');
      return sessions;
    });
    return found ?? [];
  }

  async #lookupAll(peer: string): Promise<readonly StoredSession[]> {
    const keys = [...(this.#byPeer.get(peer) ?? [])].flatMap((text) => this.#order.get(text)?.key ?? []);
    const found = await Promise.all(keys.map((key) => this.#ask((call) => this.#backend.lookup(key, call))));
    return found.filter((session) => session !== undefined);
  }

  /** `session`: what a backend has answered, whose word nobody has checked. */
  #isAlive(session: unknown): session is StoredSession {
    return isSession(session) && session.createdAt + this.#lifetime > this.#now();
  }

  /** What the backend answers; `undefined`, and counted, when it does not. Never rejects. */
  async #ask<T>(question: (call: StoreCall) => T | PromiseLike<T>): Promise<T | undefined> {
    const answered = await this.#guard.ask(question);
    if (answered === undefined) this.#backendFailures += 1;
    return answered?.answer;
  }
}

function isSession(answer: unknown): answer is StoredSession {
  if (typeof answer !== 'object' || answer === null) return false;
  if (!('sessionId' in answer && 'createdAt' in answer && 'content' in answer)) return false;
  const { sessionId, createdAt, content } = answer;
  const holds = typeof content === 'object' && content !== null && 'expose' in content;
  return sessionId instanceof Uint8Array && typeof createdAt === 'number' && holds;
}

async function attempt(action: () => unknown): Promise<void> {
  try {
    await action();
  } catch {
    // A backend that fails to close has nothing left to tell.
  }
}
