/**
 * Redis (or Valkey) as far as the stores need it: one command, over whichever client a program has. No client is imported
 * here; which one it is is told by its shape.
 */

/** Runs a Lua script: all that is asked of a client. Of another client users make this object themselves. */
export interface RedisScripts {
  /** Replies of Lua: strings, numbers, `null`, and lists of them. */
  run(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
}

/** `redis` (node-redis), its clusters, pools and sentinels too: `eval` with an object. */
export interface NodeRedisClient {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** `ioredis` and `iovalkey`, their clusters too: `eval` with a number of keys. */
export interface IoRedisClient {
  eval(script: string, numberOfKeys: number, ...keysAndArgs: string[]): Promise<unknown>;
  defineCommand(name: string, definition: { lua: string }): unknown;
}

export type RedisClient = RedisScripts | NodeRedisClient | IoRedisClient;

/** Throws `TypeError` for what is none of these. */
export function redisScripts(client: RedisClient): RedisScripts {
  if (!('eval' in client)) return checked(client);
  if (isIoRedis(client)) {
    return { run: (script, keys, args) => client.eval(script, keys.length, ...keys, ...args) };
  }
  return { run: (script, keys, args) => client.eval(script, { keys: [...keys], arguments: [...args] }) };
}

function checked(scripts: RedisScripts): RedisScripts {
  if (typeof scripts.run !== 'function') throw new TypeError('this is no client of Redis that is known here');
  return scripts;
}

function isIoRedis(client: NodeRedisClient | IoRedisClient): client is IoRedisClient {
  return 'defineCommand' in client && typeof client.defineCommand === 'function';
}

/** A reply as text; clients may be told to give bytes. `undefined` for Lua's `false`. */
export function replyText(reply: unknown): string | undefined {
  if (reply === null || reply === undefined || reply === false) return undefined;
  if (typeof reply === 'string') return reply;
  if (typeof reply === 'number' || typeof reply === 'bigint') return String(reply);
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString('latin1');
  throw new TypeError('a reply of no shape');
}

export function replyList(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw new TypeError('a reply of no shape');
  return reply;
}

/** Bytes travel as text, for no client needs an option then. */
export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}

export function toBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64url'));
}

/**
 * Names of keys. The braces make them one hash slot, so that scripts with several of them run in a cluster.
 * @param prefix of one fleet; default `actor-tls`
 */
export function keyNamer(prefix = 'actor-tls'): (...parts: readonly string[]) => string {
  if (/[{}]/.test(prefix)) throw new RangeError('a prefix with braces in it');
  return (...parts) => [`{${prefix}}`, ...parts].join(':');
}
