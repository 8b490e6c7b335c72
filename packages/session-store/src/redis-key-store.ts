/** Ticket keys in Redis: one value, swapped by a script, and Redis's clock for all servers. */
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
import type { KeysAnswer, StoredKeys, TicketKeyStore } from './stores.js';

export interface RedisStoreOptions {
  /** In front of all keys in Redis; one for each fleet. Default `actor-tls`; no braces. */
  readonly prefix?: string;
}

export function redisTicketKeyStore(client: RedisClient, options: RedisStoreOptions = {}): TicketKeyStore {
  return new RedisKeyStore(redisScripts(client), keyNamer(options.prefix)('keys'));
}

/** The value is `<tag> <keys>`. The answer: value, `0` for none or `1` for a known one, then seconds and microseconds. */
const READ = `
local value = redis.call('GET', KEYS[1])
local time = redis.call('TIME')
if not value then value = '0' end
if ARGV[1] ~= '' and string.sub(value, 1, #ARGV[1] + 1) == ARGV[1] .. ' ' then value = '1' end
return { value, time[1], time[2] }`;

const REPLACE = `
local value = redis.call('GET', KEYS[1])
local time = redis.call('TIME')
local stands = ''
if value then stands = string.match(value, '^%S+') else value = '0' end
if stands == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  value = '1'
end
return { value, time[1], time[2] }`;

class RedisKeyStore implements TicketKeyStore {
  readonly #redis: RedisScripts;
  readonly #key: string;

  constructor(redis: RedisScripts, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  async read(known: string | undefined): Promise<KeysAnswer> {
    return answerOf(await this.#redis.run(READ, [this.#key], [known ?? '']));
  }

  async replace(expected: string | undefined, keys: StoredKeys, lifetime: number): Promise<KeysAnswer> {
    const value = `${keys.tag} ${toText(keys.bytes)}`;
    return answerOf(
      await this.#redis.run(REPLACE, [this.#key], [expected ?? '', value, String(Math.ceil(lifetime))]),
    );
  }
}

function answerOf(reply: unknown): KeysAnswer {
  const [value, seconds, microseconds] = replyList(reply).map(replyText);
  const now = Number(seconds) * 1000 + Number(microseconds) / 1000;
  if (value === '0') return { keys: undefined, now };
  if (value === '1') return { keys: 'unchanged', now };
  const [tag = '', bytes = ''] = (value ?? '').split(' ');
  return { keys: { tag, bytes: toBytes(bytes) }, now };
}
