/** The stores in a real Redis, over each of the three clients. */
import {
  createNode,
  type LogFields,
  type Node,
  type Pid,
  type Self,
  type StartResult,
} from '@actor-tls/runtime';
import {
  checkAntiReplay,
  lookupSession,
  openAntiReplay,
  openTickets,
  type RedisClient,
  redisReplayStore,
  redisScripts,
  redisSessionStore,
  redisTicketKeyStore,
  registerSession,
  rotateTicketKeys,
  type StoredSession,
  StoreWrapping,
  sealTickets,
  selectSessions,
  sessionCacheInfo,
  sharedSessions,
  startAntiReplay,
  startSessionCache,
  startTicketTracker,
  ticketKeysInfo,
} from '@actor-tls/session-store';
import { Redis as IoRedis } from 'ioredis';
import { Redis as IoValkey } from 'iovalkey';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keyedHashes } from '../../packages/ssl/src/processes/material/keyed-hash.js';
import { ticketCrypto } from '../../packages/ssl/src/processes/material/ticket-crypto.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Secret } from '../../packages/ssl/src/values/secret.js';
import { patience } from '../support/patience.js';
import { describeWithRedis, type RedisServer, startRedis } from '../support/redis-server.js';

const crypto = ticketCrypto(defaultEngine);
const secret = (text: string): Secret => new Secret(new TextEncoder().encode(text));
const call = { deadline: 1000, signal: new AbortController().signal };
const parameters = { window: 1, hashes: 5, bits: 10_007 };

interface Connected {
  readonly client: RedisClient;
  close(): void;
}

const silent = (): void => undefined;

const clients: Readonly<Record<string, (port: number) => Promise<Connected>>> = {
  async redis(port) {
    const reconnectStrategy = (): number => 50;
    const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy } });
    client.on('error', silent);
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async ioredis(port) {
    const client = new IoRedis(port, '127.0.0.1', { retryStrategy: () => 50, lazyConnect: true });
    client.on('error', silent);
    await client.connect();
    return { client, close: () => client.disconnect() };
  },
  async iovalkey(port) {
    const client = new IoValkey(port, '127.0.0.1', { retryStrategy: () => 50, lazyConnect: true });
    client.on('error', silent);
    await client.connect();
    return { client, close: () => client.disconnect() };
  },
};

let server: RedisServer;
let node: Node;
let self: Self;
let warnings: LogFields[];
let prefix: string;
let prefixes = 0;
const open: Connected[] = [];

async function connect(kind = 'redis', port = server.port): Promise<RedisClient> {
  const connected = await clients[kind]?.(port);
  if (connected === undefined) throw new Error(`no client ${kind}`);
  open.push(connected);
  return connected.client;
}

function pidOf(answer: StartResult): Pid<never> {
  if (answer === 'ignore' || 'error' in answer) throw new Error('not started');
  return answer.ok;
}

async function startServer(client: RedisClient, wrapping?: StoreWrapping): Promise<Pid<never>> {
  const store = redisTicketKeyStore(client, { prefix });
  const source = wrapping === undefined ? { store } : { store, wrapping };
  const keys = {
    crypto,
    ticketLifetime: 60,
    ticketKeyLifetime: 1,
    clockTolerance: 2,
    source: { from: 'store' as const, ...source },
  };
  return pidOf(await startTicketTracker(node, { keys }));
}

const seal = async (tracker: Pid<never>): Promise<Uint8Array> =>
  (await sealTickets(self, tracker, [secret('content')]))[0] ?? new Uint8Array(0);
const opens = async (tracker: Pid<never>, ticket: Uint8Array): Promise<boolean> =>
  (await openTickets(self, tracker, [ticket]))[0] !== undefined;
const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

beforeAll(async () => {
  server = await startRedis();
});

beforeEach(() => {
  warnings = [];
  const warn = (fields: LogFields): void => {
    warnings.push(fields);
  };
  node = createNode({ logger: { error: warn, warn, info: silent, debug: silent } });
  self = node.shell();
  prefixes += 1;
  prefix = `test ${prefixes}`;
});

afterEach(() => {
  node.stop();
  for (const connected of open.splice(0)) connected.close();
});

afterAll(() => server.kill());

describeWithRedis.each(Object.keys(clients))('Redis by the client %s', (kind) => {
  it('hands ticket keys round: what one server seals another opens, and one rotates for both', async () => {
    const [one, two] = [await startServer(await connect(kind)), await startServer(await connect(kind))];
    const ticket = await seal(one);
    expect(await opens(two, ticket)).toBe(true);
    expect(await rotateTicketKeys(self, two)).toBe('ok');
    await wait(1500);
    const later = await seal(one);
    expect(later.subarray(0, 16)).not.toEqual(ticket.subarray(0, 16));
    expect([await opens(two, later), await opens(two, ticket), await opens(one, ticket)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(warnings).toEqual([]);
  });

  it('says of an element once that it is new, to however many ask at the same time', async () => {
    const store = redisReplayStore(await connect(kind), { prefix });
    const element = crypto.randomBytes(32);
    // Nothing is new for the lifetime of an element after it began to remember.
    expect(await store.claim(crypto.randomBytes(32), 300, call)).toBe('seen');
    await wait(350);
    const answers = await Promise.all(Array.from({ length: 200 }, () => store.claim(element, 300, call)));
    expect(answers.filter((answer) => answer === 'new')).toHaveLength(1);
    await wait(350);
    expect(await store.claim(element, 300, call)).toBe('new');
  });

  it('keeps sessions for their time, by id and by peer', async () => {
    const store = redisSessionStore(await connect(kind), { prefix });
    const session = (id: number): StoredSession => ({
      sessionId: Uint8Array.of(id, 255),
      createdAt: 1000 + id,
      likeness: `like ${id} ü`,
      content: secret(`master secret ${id}`),
    });
    const key = (id: number) => ({ peer: 'host:443', sessionId: Uint8Array.of(id, 255) });
    for (let id = 1; id <= 40; id += 1) await store.update(key(id), session(id), 60_000 + id, call);
    const found = await store.lookup(key(7), call);
    expect(found).toMatchObject({ createdAt: 1007, likeness: 'like 7 ü', sessionId: Uint8Array.of(7, 255) });
    expect(new TextDecoder().decode(found?.content.expose())).toBe('master secret 7');
    const ofPeer = await store.selectSession('host:443', call);
    expect(ofPeer.map(({ createdAt }) => createdAt).sort()).toEqual(
      Array.from({ length: 32 }, (_, n) => 1009 + n),
    );
    await store.delete(key(40), call);
    expect(await store.lookup(key(40), call)).toBeUndefined();
    expect(await store.selectSession('host:443', call)).toHaveLength(31);
    expect(await store.selectSession('another:443', call)).toEqual([]);
    await store.update(
      { peer: '', sessionId: Uint8Array.of(1) },
      { ...session(1), sessionId: Uint8Array.of(1) },
      50,
      call,
    );
    await wait(80);
    expect(await store.lookup({ peer: '', sessionId: Uint8Array.of(1) }, call)).toBeUndefined();
  });
});

it('what is no client of Redis is told at once', () => {
  expect(() => redisScripts({} as RedisClient)).toThrow(TypeError);
  expect(() => redisTicketKeyStore({ run: async () => [] }, { prefix: '{}' })).toThrow(RangeError);
});

describeWithRedis('what stands in Redis', () => {
  it('under a wrapping tells nothing of sessions, and what was put in another place is not believed', async () => {
    const wrapping = new StoreWrapping(crypto, secret('a seed for the wrapping'));
    const client = await connect();
    const store = redisSessionStore(client, { prefix, wrapping });
    const key = { peer: 'host:1', sessionId: Uint8Array.of(1) };
    const session = {
      sessionId: key.sessionId,
      createdAt: 1,
      likeness: 'like',
      content: secret('a master secret'),
    };
    await store.update(key, session, 60_000, call);
    const scripts = redisScripts(client);
    const name = `{${prefix}}:session:01@host:1`;
    const value = String(await scripts.run("return redis.call('GET', KEYS[1])", [name], []));
    expect(Buffer.from(value, 'base64url').toString('latin1')).not.toContain('master');
    expect((await store.lookup(key, call))?.likeness).toBe('like');
    await scripts.run(
      "return redis.call('SET', KEYS[1], ARGV[1])",
      [`{${prefix}}:session:01@host:2`],
      [value],
    );
    expect(await store.lookup({ ...key, peer: 'host:2' }, call)).toBeUndefined();
    const plain = redisSessionStore(client, { prefix });
    expect(await plain.lookup(key, call)).toBeUndefined();
  });

  it('of any bytes is a session, or none: reading never throws', async () => {
    const client = await connect();
    const scripts = redisScripts(client);
    const store = redisSessionStore(client, { prefix });
    const key = { peer: 'host:1', sessionId: Uint8Array.of(1) };
    const whole = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 65, 66]);
    for (let length = 0; length <= whole.length; length += 1) {
      const value = whole.subarray(0, length).toString('base64url');
      await scripts.run(
        "return redis.call('SET', KEYS[1], ARGV[1])",
        [`{${prefix}}:session:01@host:1`],
        [value],
      );
      const found = await store.lookup(key, call);
      expect(found === undefined).toBe(length < 14);
    }
  });

  it('goes with the fleet: ticket keys have an end there too', async () => {
    const client = await connect();
    await startServer(client);
    const left = await redisScripts(client).run(
      "return redis.call('PTTL', KEYS[1])",
      [`{${prefix}}:keys`],
      [],
    );
    expect(Number(left)).toBeGreaterThan(60_000);
    expect(Number(left)).toBeLessThan(70_000);
  });
});

describeWithRedis('a fleet whose Redis', () => {
  let own: RedisServer;

  afterEach(() => own.kill());

  async function startAll(extra: readonly string[] = [], storeDeadline = 250) {
    own = await startRedis(undefined, ...extra);
    const client = await connect('redis', own.port);
    const tracker = await startServer(client);
    const replay = pidOf(
      await startAntiReplay(node, {
        makeHashes: () => keyedHashes(defaultEngine),
        store: redisReplayStore(client, { prefix }),
        clockTolerance: 0.5,
        storeDeadline,
      }),
    );
    await openAntiReplay(self, replay, tracker, parameters, 'unknown');
    const early = () => checkAntiReplay(self, replay, tracker, parameters, crypto.randomBytes(32));
    await expect.poll(early, { timeout: patience }).toBe('new');
    return { client, tracker, early };
  }

  /** The longest of some questions to all stores, ms. */
  async function longest(questions: readonly (() => Promise<unknown>)[]): Promise<number> {
    let most = 0;
    for (const question of questions) {
      const from = performance.now();
      await question();
      most = Math.max(most, performance.now() - from);
    }
    return most;
  }

  it('hangs: tickets are sealed and opened on, early data is refused, nobody waits, and all comes back', async () => {
    const { tracker, early } = await startAll();
    const ticket = await seal(tracker);
    own.pause();
    expect(await early()).toBe('seen');
    const slowest = await longest(
      Array.from({ length: 20 }, () => async () => {
        expect(await early()).toBe('seen');
        expect(await opens(tracker, await seal(tracker))).toBe(true);
        expect(await opens(tracker, ticket)).toBe(true);
      }),
    );
    // The deadline is 250 ms; what is more is the machine's.
    expect(slowest).toBeLessThan(2000);
    expect(warnings.filter(({ store }) => store === 'replay')).toHaveLength(1);
    own.resume();
    await expect.poll(early, { timeout: patience }).toBe('new');
    expect(await opens(tracker, ticket)).toBe(true);
  });

  it('is killed and started again, empty: early data is refused for as long as what it forgot is worth something', async () => {
    const { tracker, early } = await startAll();
    const ticket = await seal(tracker);
    const port = own.port;
    await own.kill();
    expect(await early()).toBe('seen');
    await wait(500);
    own = await startRedis(port);
    const back = performance.now();
    await expect.poll(early, { timeout: patience, interval: 20 }).toBe('new');
    // Two windows of a second, and half a second by which clocks may differ.
    expect(performance.now() - back).toBeGreaterThan(2400);
    await expect
      .poll(async () => (await ticketKeysInfo(self, tracker))?.store?.state, { timeout: patience })
      .toBe('answering');
    // Its keys were put back: a server that begins now opens what was sealed before.
    expect(await opens(await startServer(await connect('redis', port)), ticket)).toBe(true);
    expect(warnings.filter(({ store }) => store === 'replay')).toHaveLength(1);
  });

  it('is restarted with an older snapshot: its mark does not vouch for what came after', async () => {
    const { client, early } = await startAll();
    const scripts = redisScripts(client);
    const mark = `{${prefix}}:replay`;
    const before = String(await scripts.run("return redis.call('GET', KEYS[1])", [mark], []));
    const port = own.port;
    await own.kill();
    own = await startRedis(port);
    const other = redisScripts(await connect('redis', port));
    await other.run("return redis.call('SET', KEYS[1], ARGV[1])", [mark], [before]);
    const store = redisReplayStore(other, { prefix });
    expect(await store.claim(crypto.randomBytes(32), 1000, call)).toBe('seen');
    await expect.poll(early, { timeout: patience }).toBe('new');
  });

  it('has evicted keys: nothing is new until what was evicted is worth nothing', async () => {
    own = await startRedis(undefined, '--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-lru');
    const scripts = redisScripts(await connect('redis', own.port));
    const store = redisReplayStore(scripts, { prefix });
    const lifetime = 1000;
    await store.claim(crypto.randomBytes(32), lifetime, call);
    await wait(lifetime + 50);
    expect(await store.claim(crypto.randomBytes(32), lifetime, call)).toBe('new');
    const fill = "for i = 1, 400 do redis.call('SET', ARGV[1] .. i, string.rep('x', 10000)) end return 1";
    await scripts.run(fill, [], [prefix]);
    expect(await store.claim(crypto.randomBytes(32), lifetime, call)).toBe('seen');
  });

  it('is full: early data is refused, tickets go on, and a line says OOM', async () => {
    const { tracker, early } = await startAll(['--maxmemory-policy', 'noeviction'], patience);
    own.configure('maxmemory', '1');
    expect(await early()).toBe('seen');
    expect(await opens(tracker, await seal(tracker))).toBe(true);
    expect(warnings).toContainEqual(expect.objectContaining({ store: 'replay', why: 'OOM' }));
    own.configure('maxmemory', '0');
    await expect.poll(early, { timeout: patience }).toBe('new');
  });

  it('keeps sessions: those of another server are found, and a gone one is a miss within the deadline', async () => {
    own = await startRedis();
    const start = async () => {
      const store = redisSessionStore(await connect('redis', own.port), { prefix });
      const backend = sharedSessions(store, { lifetime: 60 });
      const options = { role: 'client', max: 10, lifetime: 60, sweep: 'off', backend } as const;
      return pidOf(await startSessionCache(node, options));
    };
    const [one, two] = [await start(), await start()];
    const sessionId = Uint8Array.of(1, 2, 3);
    const session = { sessionId, createdAt: Date.now(), likeness: 'like', content: secret('content') };
    registerSession(self, one, 'host:443', session, 'always');
    const key = { peer: 'host:443', sessionId };
    await expect
      .poll(async () => (await lookupSession(self, two, key))?.likeness, { timeout: patience })
      .toBe('like');
    expect(await selectSessions(self, two, 'host:443')).toHaveLength(1);
    own.pause();
    const slowest = await longest([
      async () => expect(await lookupSession(self, two, key)).toBeUndefined(),
      async () => expect(await selectSessions(self, two, 'host:443')).toEqual([]),
    ]);
    expect(slowest).toBeLessThan(2000);
    expect((await sessionCacheInfo(self, two)).size).toBe(0);
    own.resume();
    await expect
      .poll(async () => (await lookupSession(self, two, key))?.likeness, { timeout: patience })
      .toBe('like');
  });
});

describe('a server of Redis for tests', () => {
  it('is ended by its pid', () => expect(server.pid).toBeGreaterThan(0));
});
