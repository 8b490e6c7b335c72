/**
 * What early data was seen, in Redis: a key for each binder that is set once and goes by itself (RFC 8446 §8.1).
 *
 * Redis may forget: it is restarted, with an older snapshot or none; a replica takes over that had not heard of all; keys
 * are evicted or flushed. So a mark says which server process has been remembering, since when, and how many keys it had
 * evicted; where any of it is not as it was, nothing counts as new for the lifetime of an element (RFC 8446 §8.2). Mark and
 * element are looked at in one step.
 */
import { keyNamer, type RedisClient, type RedisScripts, redisScripts, replyText, toText } from './redis.js';
import type { RedisStoreOptions } from './redis-key-store.js';
import type { ReplayStore } from './stores.js';

export function redisReplayStore(client: RedisClient, options: RedisStoreOptions = {}): ReplayStore {
  return new RedisReplayStore(redisScripts(client), keyNamer(options.prefix));
}

/** KEYS: mark, element; ARGV: the element's lifetime in ms. Answers 1 for a new one. */
const CLAIM = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local who = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local evicted = string.match(redis.call('INFO', 'stats'), 'evicted_keys:(%d+)')
if not who or not evicted then return redis.error_reply('NOINFO of this server') end
local me = who .. ' ' .. evicted
local mark = redis.call('GET', KEYS[1])
local since = now
if mark then
  local at, by = string.match(mark, '^(%d+) (.*)$')
  if by == me and tonumber(at) <= now then since = tonumber(at) end
end
if not mark or since == now then redis.call('SET', KEYS[1], string.format('%d', now) .. ' ' .. me) end
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then return 0 end
if now - since < tonumber(ARGV[1]) then return 0 end
return 1`;

/** A binder is a hash: 32 bytes of it are enough to tell it from all others. */
const ENOUGH = 32;

class RedisReplayStore implements ReplayStore {
  readonly #redis: RedisScripts;
  readonly #nameOf: (...parts: readonly string[]) => string;

  constructor(redis: RedisScripts, nameOf: (...parts: readonly string[]) => string) {
    this.#redis = redis;
    this.#nameOf = nameOf;
  }

  async claim(element: Uint8Array, lifetime: number): Promise<'new' | 'seen'> {
    const keys = [this.#nameOf('replay'), this.#nameOf('seen', toText(element.subarray(0, ENOUGH)))];
    const reply = await this.#redis.run(CLAIM, keys, [String(Math.ceil(lifetime))]);
    return replyText(reply) === '1' ? 'new' : 'seen';
  }
}
