/** Sessions of TLS ≤ 1.2 in Redis: a value for each, which goes by itself, and for each peer a list of the youngest. */
import {
  keyNamer,
  type RedisClient,
  type RedisScripts,
  redisScripts,
  replyList,
  replyText,
  toBytes,
  toText,
} from './redis.js';
import type { RedisStoreOptions } from './redis-key-store.js';
import { type SessionKey, type StoredSession, sessionKeyText } from './session-cache-api.js';
import { decodeSession, encodeSession } from './session-record.js';
import type { StoreWrapping } from './store-wrapping.js';
import type { SessionStore } from './stores.js';

export interface RedisSessionOptions extends RedisStoreOptions {
  /** Encrypts the sessions, which hold master secrets. */
  readonly wrapping?: StoreWrapping;
}

export function redisSessionStore(client: RedisClient, options: RedisSessionOptions = {}): SessionStore {
  return new RedisSessionStore(redisScripts(client), keyNamer(options.prefix), options.wrapping);
}

/** Sessions of one peer that can be selected. */
const MOST_OF_PEER = 32;

/** KEYS: session, peer; ARGV: value, lifetime, id. A peer's members have the time of their end as score. */
const UPDATE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if #KEYS == 1 then return 1 end
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -${MOST_OF_PEER} - 1)
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1`;

const DELETE = `
redis.call('DEL', KEYS[1])
if #KEYS == 2 then redis.call('ZREM', KEYS[2], ARGV[1]) end
return 1`;

const GET = `return redis.call('MGET', unpack(KEYS))`;

const IDS = `return redis.call('ZREVRANGE', KEYS[1], 0, -1)`;

class RedisSessionStore implements SessionStore {
  readonly #redis: RedisScripts;
  readonly #nameOf: (...parts: readonly string[]) => string;
  readonly #wrapping: StoreWrapping | undefined;

  constructor(
    redis: RedisScripts,
    nameOf: (...parts: readonly string[]) => string,
    wrapping: StoreWrapping | undefined,
  ) {
    this.#redis = redis;
    this.#nameOf = nameOf;
    this.#wrapping = wrapping;
  }

  async lookup(key: SessionKey): Promise<StoredSession | undefined> {
    const [found] = await this.#get([key]);
    return found;
  }

  update(key: SessionKey, session: StoredSession, lifetime: number): Promise<unknown> {
    const value = toText(encodeSession(key, session, this.#wrapping));
    const args = [value, String(Math.ceil(lifetime)), toText(key.sessionId)];
    return this.#redis.run(UPDATE, this.#names(key), args);
  }

  delete(key: SessionKey): Promise<unknown> {
    return this.#redis.run(DELETE, this.#names(key), [toText(key.sessionId)]);
  }

  async selectSession(peer: string): Promise<readonly StoredSession[]> {
    const ids = replyList(await this.#redis.run(IDS, [this.#nameOf('peer', peer)], []));
    const keys = ids.slice(0, MOST_OF_PEER).map((id) => ({ peer, sessionId: toBytes(replyText(id) ?? '') }));
    return keys.length === 0 ? [] : this.#get(keys);
  }

  async #get(keys: readonly SessionKey[]): Promise<readonly StoredSession[]> {
    const names = keys.map((key) => this.#nameOf('session', sessionKeyText(key)));
    const values = replyList(await this.#redis.run(GET, names, []));
    return keys.flatMap((key, index) => {
      const value = replyText(values[index]);
      const session = value === undefined ? undefined : decodeSession(key, toBytes(value), this.#wrapping);
      return session === undefined ? [] : [session];
    });
  }

  /** A server's sessions are found by their id alone: it has no list of them. */
  #names(key: SessionKey): readonly string[] {
    const session = this.#nameOf('session', sessionKeyText(key));
    return key.peer === '' ? [session] : [session, this.#nameOf('peer', key.peer)];
  }
}
