/** Rings of ticket keys and where their keys come from, with ssl's cryptography, on simulated time. */
import { inspect } from 'node:util';
import { type Logger, observe, type Pid, type Self, type StartResult } from '@actor-tls/runtime';
import { createTestNode, type TestNode } from '@actor-tls/runtime/testing';
import {
  embeddedTicketKeyStore,
  type KeysAnswer,
  openTickets,
  reserveNonces,
  rotateTicketKeys,
  type StoredKeys,
  StoreWrapping,
  sealTickets,
  startTicketTracker,
  type TicketKeySource,
  type TicketKeyStore,
  type TicketKeysOptions,
  type TicketPurpose,
  ticketKeysInfo,
} from '@actor-tls/session-store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SecretBytes } from '../../packages/session-store/src/secret-bytes.js';
import { type TicketKey, TicketKeyRing } from '../../packages/session-store/src/ticket-key-ring.js';
import { ticketCrypto } from '../../packages/ssl/src/processes/material/ticket-crypto.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Secret } from '../../packages/ssl/src/values/secret.js';

const crypto = ticketCrypto(defaultEngine);
const secret = (text: string): Secret => new Secret(new TextEncoder().encode(text));
const textOf = (content: { expose(): Uint8Array } | undefined): string | undefined =>
  content === undefined ? undefined : new TextDecoder().decode(content.expose());

/** A Saturday in 2026: periods of a seed are counted from 1970. */
const EPOCH = Date.UTC(2026, 10, 28);

let world: TestNode;
let self: Self;
let warnings: string[];

beforeEach(() => {
  warnings = [];
  const warn = (fields: object, text: string): void => {
    warnings.push(`${text} ${inspect(fields)}`);
  };
  const logger: Logger = { error: warn, warn, info: () => undefined, debug: () => undefined };
  world = createTestNode({ logger, trace: 'off' });
  self = world.node.shell();
});

afterEach(() => world.stop());

function pidOf(answer: StartResult): Pid<never> {
  if (answer === 'ignore' || 'error' in answer) throw new Error(`not started: ${inspect(answer)}`);
  return answer.ok;
}

const wallClock = (): number => EPOCH + world.clock.now();

type Server = Pid<never>;

function startServer(options: Partial<TicketKeysOptions> = {}): Promise<Server> {
  const keys = {
    crypto,
    ticketLifetime: 20,
    ticketKeyLifetime: 10,
    clockTolerance: 2,
    wallClock,
    ...options,
  };
  return world.run(startTicketTracker(world.node, { keys })).then(pidOf);
}

async function seal(server: Server, text: string, purpose?: TicketPurpose): Promise<Uint8Array> {
  const [ticket] = await sealTickets(self, server, [secret(text)], purpose);
  if (ticket === undefined) throw new Error('no ticket');
  return ticket;
}

async function open(
  server: Server,
  ticket: Uint8Array,
  purpose?: TicketPurpose,
): Promise<string | undefined> {
  const [content] = await openTickets(self, server, [ticket], purpose);
  return textOf(content);
}

/** How many of these it opens. */
async function opened(server: Server, tickets: readonly Uint8Array[]): Promise<number> {
  const contents = await openTickets(self, server, tickets);
  return contents.filter((content) => textOf(content) === 'content').length;
}

const nameOf = (ticket: Uint8Array): string => Buffer.from(ticket.subarray(0, 16)).toString('hex');
const fromStore = (store: TicketKeyStore, wrapping?: StoreWrapping): TicketKeySource =>
  wrapping === undefined ? { from: 'store', store } : { from: 'store', store, wrapping };

/** A register as a fleet has one, that can be late, gone, or lose what it has. */
class FakeStore implements TicketKeyStore {
  keys: StoredKeys | undefined = undefined;
  state: 'well' | 'gone' | 'silent' = 'well';
  /** ms until an answer */
  delay = 0;
  swaps = 0;
  readonly now: (() => number) | undefined;

  constructor(now?: () => number) {
    this.now = now;
  }

  read(known: string | undefined): Promise<KeysAnswer> {
    return this.#later(() => (this.keys?.tag === known && known !== undefined ? 'unchanged' : this.keys));
  }

  replace(expected: string | undefined, keys: StoredKeys): Promise<KeysAnswer> {
    return this.#later(() => {
      if (this.keys?.tag !== expected) return this.keys;
      this.keys = keys;
      this.swaps += 1;
      return 'unchanged';
    });
  }

  #later(answer: () => KeysAnswer['keys']): Promise<KeysAnswer> {
    if (this.state === 'silent') return new Promise(() => undefined);
    if (this.state === 'gone') return Promise.reject(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }));
    const told = (): KeysAnswer => ({ keys: answer(), now: this.now?.() });
    if (this.delay === 0) return Promise.resolve(told());
    return new Promise((resolve) => world.clock.setTimeout(() => resolve(told()), this.delay));
  }
}

describe('a ring of ticket keys', () => {
  const key = (sealsFrom: number): TicketKey => ({
    name: crypto.randomBytes(16),
    secret: new SecretBytes(crypto.randomBytes(32)),
    sealsFrom,
  });
  const ringOf = (...keys: readonly TicketKey[]): TicketKeyRing => {
    const ring = new TicketKeyRing(crypto, { keepFor: 100, limit: 10 });
    ring.put(keys);
    return ring;
  };
  const content = new TextEncoder().encode('content');

  it('opens what it sealed, for what it was sealed, and nothing that was changed by a bit', () => {
    const ring = ringOf(key(0));
    const ticket = ring.seal('tls13', content, 5) ?? new Uint8Array(0);
    expect(textOf(ring.open('tls13', ticket))).toBe('content');
    expect(ring.open('tls12', ticket)).toBeUndefined();
    for (let bit = 0; bit < ticket.length * 8; bit += 1) {
      const changed = Uint8Array.from(ticket);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(ring.open('tls13', changed)).toBeUndefined();
    }
    for (let length = 0; length < ticket.length; length += 1)
      expect(ring.open('tls13', ticket.subarray(0, length))).toBeUndefined();
    expect(ring.open('tls13', new Uint8Array([...ticket, 0]))).toBeUndefined();
  });

  it('a ticket of no key of ours costs no decryption', () => {
    let derived = 0;
    const counting = {
      ...crypto,
      expand: (...args: Parameters<typeof crypto.expand>) => {
        derived += 1;
        return crypto.expand(...args);
      },
    };
    const ring = new TicketKeyRing(counting, { keepFor: 100, limit: 10 });
    ring.put([key(0), key(1), key(2)]);
    expect(ring.open('tls13', crypto.randomBytes(200))).toBeUndefined();
    expect(derived).toBe(0);
    expect(ring.info()).toMatchObject({ unknownKey: 1, forged: 0 });
  });

  it('seals with the key whose time has come, and opens with those before and after', () => {
    const keys = [key(0), key(10), key(20)];
    const ring = ringOf(...keys.toReversed());
    const used = [-5, 0, 9, 10, 19, 20, 99].map((now) => {
      const ticket = ring.seal('tls13', content, now) ?? new Uint8Array(0);
      expect(ring.open('tls13', ticket)).toBeDefined();
      return keys.findIndex(({ name }) => Buffer.compare(name, ticket.subarray(0, 16)) === 0);
    });
    expect(used).toEqual([0, 0, 0, 1, 1, 2, 2]);
  });

  it('overwrites a key when its last ticket has died, and not before', () => {
    const [first, second] = [key(0), key(10)];
    const ring = ringOf(first, second);
    ring.sweep(109);
    expect(ring.size).toBe(2);
    ring.sweep(110);
    expect(ring.size).toBe(1);
    expect(first.secret.expose().every((byte) => byte === 0)).toBe(true);
    expect(second.secret.expose().some((byte) => byte !== 0)).toBe(true);
    // The last one has no end: something has to seal.
    ring.sweep(1e12);
    expect(ring.size).toBe(1);
    ring.clear();
    expect(second.secret.expose().every((byte) => byte === 0)).toBe(true);
  });

  it('two tickets of one content have nothing in common but the name of their key', () => {
    const ring = ringOf(key(0));
    const [one, two] = [1, 2].map(() => ring.seal('tls13', content, 0) ?? new Uint8Array(0));
    expect(one?.subarray(0, 16)).toEqual(two?.subarray(0, 16));
    expect(one?.subarray(16, 40)).not.toEqual(two?.subarray(16, 40));
    expect(one?.subarray(40)).not.toEqual(two?.subarray(40));
  });

  it('a content that is too long for a ticket is not sealed', () => {
    const ring = ringOf(key(0));
    const longest = 0xffff - 16 - 40;
    expect(ring.seal('tls13', new Uint8Array(longest), 0)).toHaveLength(0xffff);
    expect(ring.seal('tls13', new Uint8Array(longest + 1), 0)).toBeUndefined();
  });

  it('has so many keys and no more; what is left out is wiped', () => {
    const keys = Array.from({ length: 12 }, (_, at) => key(at));
    expect(ringOf(...keys).size).toBe(10);
    expect(keys[11]?.secret.expose().every((byte) => byte === 0)).toBe(true);
  });
});

describe('the keys of one server', () => {
  it('turn by themselves, and at no rotation is a ticket refused that lives', async () => {
    const server = await startServer();
    const tickets: { readonly ticket: Uint8Array; readonly at: number }[] = [];
    const names = new Set<string>();
    for (let second = 0; second < 120; second += 1) {
      const ticket = await seal(server, 'content');
      tickets.push({ ticket, at: second });
      names.add(nameOf(ticket));
      await world.advance(1000);
      const alive = tickets.filter(({ at }) => second + 1 - at < 20).map(({ ticket }) => ticket);
      expect(await opened(server, alive)).toBe(alive.length);
    }
    expect(names.size).toBe(12);
    // Those of 20 s and 2 s of tolerance, the present and the next one.
    expect((await ticketKeysInfo(self, server))?.keys).toBeLessThanOrEqual(5);
    expect(await open(server, tickets[0]?.ticket ?? new Uint8Array(0))).toBeUndefined();
  });

  it('turn when they are told to, at once', async () => {
    const server = await startServer();
    const before = await seal(server, 'before');
    await world.advance(1);
    expect(await rotateTicketKeys(self, server)).toBe('ok');
    const after = await seal(server, 'after');
    expect(nameOf(after)).not.toBe(nameOf(before));
    expect(await open(server, before)).toBe('before');
    expect(await open(server, after)).toBe('after');
  });

  it('a flood of rotations ends at a limit, and no ticket that lives is refused', async () => {
    const server = await startServer({ maxKeys: 50 });
    const ticket = await seal(server, 'content');
    let last: unknown;
    for (let n = 0; n < 60; n += 1) last = await rotateTicketKeys(self, server);
    expect(last).toEqual({ error: 'ring_full' });
    expect((await ticketKeysInfo(self, server))?.keys).toBeLessThanOrEqual(50);
    expect(await open(server, ticket)).toBe('content');
    expect(await open(server, await seal(server, 'more'))).toBe('more');
  });

  it('outlive the process, where its store does', async () => {
    const source = fromStore(embeddedTicketKeyStore());
    const server = await startServer({ source });
    const ticket = await seal(server, 'content');
    world.kill(server);
    await world.settle();
    expect(await sealTickets(self, server, [secret('x')])).toEqual([]);
    expect(await rotateTicketKeys(self, server)).toEqual({ error: 'closed' });
    expect(await open(await startServer({ source }), ticket)).toBe('content');
    expect(await open(await startServer(), ticket)).toBeUndefined();
  });

  it('are shown neither by a snapshot nor by an inspector', async () => {
    const seen = new Set<string>();
    const spying = {
      ...crypto,
      expand: (key: Uint8Array, ...rest: [Uint8Array, number]) => {
        seen.add(Buffer.from(key).toString('hex'));
        return crypto.expand(key, ...rest);
      },
    };
    const server = await startServer({ crypto: spying });
    await seal(server, 'content');
    expect(seen.size).toBeGreaterThan(0);
    const shown = inspect(observe(world.node), { depth: 20, showHidden: true });
    for (const key of seen) {
      expect(shown).not.toContain(key);
      expect(shown).not.toContain([...Buffer.from(key, 'hex')].slice(0, 6).join(', '));
    }
  });

  it('that would be too many are refused when the tracker begins', async () => {
    const keys = { crypto, ticketLifetime: 7200, ticketKeyLifetime: 0.5 };
    expect(await startTicketTracker(world.node, { keys })).toMatchObject({
      error: { error: expect.any(RangeError) },
    });
    const zero = { crypto, ticketLifetime: 7200, ticketKeyLifetime: 0 };
    expect(await startTicketTracker(world.node, { keys: zero })).toMatchObject({
      error: { error: expect.any(RangeError) },
    });
  });
});

describe('servers with one seed', () => {
  const seed = secret('a seed that is told by hand, 32 B');
  const ahead = (ms: number) => () => wallClock() + ms;

  it('open each other’s tickets, with clocks that differ by seconds, through all rotations', async () => {
    const servers = await Promise.all(
      [0, 1900, -1900].map((ms) => startServer({ source: { from: 'seed', seed }, wallClock: ahead(ms) })),
    );
    const tickets: Uint8Array[] = [];
    for (let step = 0; step < 80; step += 1) {
      for (const server of servers) tickets.push(await seal(server, 'content'));
      const alive = tickets.slice(-3 * 30);
      for (const server of servers) expect(await opened(server, alive)).toBe(alive.length);
      await world.advance(617);
    }
    expect(new Set(tickets.map(nameOf)).size).toBeGreaterThan(4);
  });

  it('open those of before a restart', async () => {
    const first = await startServer({ source: { from: 'seed', seed } });
    const ticket = await seal(first, 'content');
    world.kill(first);
    await world.advance(15_000);
    expect(await open(await startServer({ source: { from: 'seed', seed } }), ticket)).toBe('content');
  });

  it('do not open those of another seed, or of another length of periods', async () => {
    const ticket = await seal(await startServer({ source: { from: 'seed', seed } }), 'content');
    const other = await startServer({ source: { from: 'seed', seed: secret('another') } });
    const longer = await startServer({ source: { from: 'seed', seed }, ticketKeyLifetime: 11 });
    expect(await open(other, ticket)).toBeUndefined();
    expect(await open(longer, ticket)).toBeUndefined();
  });

  it('change it one after the other without refusing a ticket', async () => {
    const servers = await Promise.all([1, 2].map(() => startServer({ source: { from: 'seed', seed } })));
    const [one, two] = servers;
    if (one === undefined || two === undefined) throw new Error('no servers');
    expect(await rotateTicketKeys(self, one)).toEqual({ error: 'seeded' });
    const tickets: Uint8Array[] = [];
    const next = secret('the next seed');
    for (let second = 0; second < 90; second += 1) {
      if (second === 13) expect(await rotateTicketKeys(self, one, next)).toBe('ok');
      if (second === 19) expect(await rotateTicketKeys(self, two, next)).toBe('ok');
      for (const server of servers) tickets.push(await seal(server, 'content'));
      const alive = tickets.slice(-2 * 19);
      for (const server of servers) expect(await opened(server, alive)).toBe(alive.length);
      await world.advance(1000);
    }
    const renewed = await startServer({ source: { from: 'seed', seed: next } });
    expect(await open(renewed, tickets.at(-1) ?? new Uint8Array(0))).toBe('content');
  });

  it('know them again when the clock was set back by a day', async () => {
    let day = 0;
    const clock = () => wallClock() + day;
    const server = await startServer({ source: { from: 'seed', seed }, wallClock: clock });
    day = -86_400_000;
    await world.advance(10_000);
    const other = await startServer({ source: { from: 'seed', seed }, wallClock: clock });
    expect(await open(other, await seal(server, 'content'))).toBe('content');
  });

  it('an empty seed, and too many, are refused', async () => {
    const start = (source: TicketKeySource) =>
      startTicketTracker(world.node, { keys: { crypto, ticketLifetime: 20, ticketKeyLifetime: 10, source } });
    const failed = { error: { error: expect.any(RangeError) } };
    expect(await start({ from: 'seed', seed: secret('') })).toMatchObject(failed);
    const server = await startServer({ source: { from: 'seed', seed } });
    for (let n = 1; n < 8; n += 1)
      expect(await rotateTicketKeys(self, server, secret(`seed ${n}`))).toBe('ok');
    expect(await rotateTicketKeys(self, server, seed)).toEqual({ error: 'ring_full' });
  });
});

it('a server numbers its tickets, and opens those that it can of several', async () => {
  const server = await startServer();
  expect(await reserveNonces(self, server, 2)).toEqual(
    [0, 1].map((n) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, n)),
  );
  const ticket = await seal(server, 'content');
  const contents = await openTickets(self, server, [Uint8Array.of(77), ticket]);
  expect(contents.map(textOf)).toEqual([undefined, 'content']);
});

describe('servers with one store', () => {
  async function fleet(store: TicketKeyStore, count = 3): Promise<Server[]> {
    const servers: Server[] = [];
    for (let n = 0; n < count; n += 1) servers.push(await startServer({ source: fromStore(store) }));
    return servers;
  }

  /** Each server seals, and each opens what any has sealed in the last 19 s, for so many seconds. */
  async function checkAll(servers: readonly Server[], seconds: number, tickets: Uint8Array[] = []) {
    for (let second = 0; second < seconds; second += 1) {
      for (const server of servers) tickets.push(await seal(server, 'content'));
      const alive = tickets.slice(-servers.length * 19);
      for (const server of servers) expect(await opened(server, alive)).toBe(alive.length);
      await world.advance(1000);
    }
    return tickets;
  }

  it('have the same keys; one of them rotates and the others follow', async () => {
    const store = new FakeStore();
    const servers = await fleet(store);
    const tickets = await checkAll(servers, 100);
    const names = new Set(tickets.map(nameOf));
    expect(names.size).toBe(10);
    // A swap for each key, and one when it began: not one for each server.
    expect(store.swaps).toBeLessThanOrEqual(names.size + 3);
  });

  it('need no agreement of their own clocks, since the store has one', async () => {
    const store = new FakeStore(() => EPOCH + world.clock.now());
    const servers: Server[] = [];
    for (const wrong of [0, 3_600_000, -7_200_000])
      servers.push(await startServer({ source: fromStore(store), wallClock: () => wallClock() + wrong }));
    const tickets = await checkAll(servers, 50);
    expect(new Set(tickets.map(nameOf)).size).toBe(5);
  });

  it('bear clocks that differ by seconds, where the store has none', async () => {
    const store = new FakeStore();
    const servers: Server[] = [];
    for (const wrong of [0, 1500, -1500])
      servers.push(await startServer({ source: fromStore(store), wallClock: () => wallClock() + wrong }));
    await checkAll(servers, 50);
  });

  it('rotate together when one is told to, and refuse nothing meanwhile', async () => {
    const store = new FakeStore();
    const servers = await fleet(store);
    const before = await checkAll(servers, 3);
    const [, second] = servers;
    if (second === undefined) throw new Error('no server');
    expect(await world.run(rotateTicketKeys(self, second))).toBe('ok');
    const after = await checkAll(servers, 8, [...before]);
    const late = after.slice(-3).map(nameOf);
    expect(new Set(late).size).toBe(1);
    expect(before.map(nameOf)).not.toContain(late[0]);
  });

  it('all rotate at once a hundred times and still agree', async () => {
    const store = new FakeStore();
    store.delay = 5;
    const servers = await fleet(store);
    for (let round = 0; round < 100; round += 1) {
      const results = Promise.all(servers.map((server) => rotateTicketKeys(self, server)));
      expect(await world.run(results)).toEqual(['ok', 'ok', 'ok']);
      await world.advance(50);
    }
    await checkAll(servers, 10);
  });

  it('that is lost is filled again from what they have, and refuse nothing', async () => {
    const store = new FakeStore();
    const servers = await fleet(store);
    const tickets = await checkAll(servers, 15);
    store.keys = undefined;
    await checkAll(servers, 40, tickets);
    expect(store.keys).toBeDefined();
  });

  it('that is lost and filled by a newcomer first: the others add theirs', async () => {
    const store = new FakeStore();
    const servers = await fleet(store);
    const tickets = await checkAll(servers, 15);
    store.keys = undefined;
    const newcomer = await startServer({ source: fromStore(store) });
    await world.advance(10_000);
    for (const ticket of tickets.slice(-3)) expect(await open(newcomer, ticket)).toBe('content');
    await checkAll([...servers, newcomer], 40);
  });

  it.each(['gone', 'silent'] as const)(
    'that is %s: they go on with the keys they have, and agree again when it is back',
    async (state) => {
      const store = new FakeStore();
      const servers = await fleet(store);
      const tickets = await checkAll(servers, 15);
      store.state = state;
      await checkAll(servers, 130, tickets);
      expect(warnings.length).toBeGreaterThanOrEqual(3);
      expect(warnings.length).toBeLessThanOrEqual(3 * 3);
      expect((await ticketKeysInfo(self, servers[0] ?? 'nobody'))?.store?.state).toBe('gone');
      store.state = 'well';
      await world.advance(3000);
      const after = await checkAll(servers, 30);
      expect(new Set(after.map(nameOf)).size).toBeGreaterThanOrEqual(3);
      expect((await ticketKeysInfo(self, servers[0] ?? 'nobody'))?.store?.state).toBe('answering');
    },
  );

  it('that is silent when a server begins holds it up no longer than the deadline', async () => {
    const store = new FakeStore();
    store.state = 'silent';
    const from = world.clock.now();
    const server = await startServer({ source: fromStore(store), storeDeadline: 100 });
    expect(world.clock.now() - from).toBeLessThanOrEqual(101);
    const ticket = await seal(server, 'content');
    expect(await open(server, ticket)).toBe('content');
    const rotated = world.clock.now();
    expect(await world.run(rotateTicketKeys(self, server))).toEqual({ error: 'store_unavailable' });
    expect(world.clock.now() - rotated).toBeLessThanOrEqual(500);
    expect(nameOf(await seal(server, 'more'))).not.toBe(nameOf(ticket));
    expect(await open(server, ticket)).toBe('content');
  });

  it('that comes late: servers with keys of their own become a fleet', async () => {
    const store = new FakeStore();
    store.state = 'gone';
    const servers = await fleet(store);
    const alone = await Promise.all(servers.map((server) => seal(server, 'content')));
    expect(new Set(alone.map(nameOf)).size).toBe(3);
    store.state = 'well';
    await world.advance(10_000);
    for (const server of servers) expect(await opened(server, alone)).toBe(3);
    await checkAll(servers, 40);
  });

  it('that answers nonsense is as good as gone, and what it holds is left there', async () => {
    const store = new FakeStore();
    const strange = { tag: 'tag', bytes: Uint8Array.of(9, 9, 9) };
    store.keys = strange;
    const server = await startServer({ source: fromStore(store) });
    await world.advance(5000);
    expect(await open(server, await seal(server, 'content'))).toBe('content');
    expect(store.keys).toBe(strange);
    await world.advance(60_000);
    expect((await ticketKeysInfo(self, server))?.store?.state).toBe('gone');
    expect(warnings[0]).toContain('it holds what this fleet did not write');
    for (const answer of [
      undefined,
      null,
      7,
      { keys: 5 },
      { keys: 'unchanged' },
      { keys: undefined, now: NaN },
    ]) {
      const wrong = { read: async () => answer, replace: async () => answer } as unknown as TicketKeyStore;
      const another = await startServer({ source: fromStore(wrong) });
      expect(await open(another, await seal(another, 'content'))).toBe('content');
    }
  });

  it('under a wrapping holds nothing of the keys, and believes nobody without the seed', async () => {
    const wrapping = new StoreWrapping(crypto, secret('a seed for the wrapping'));
    const store = new FakeStore();
    const used = new Set<string>();
    const spying = {
      ...crypto,
      seal: (...args: Parameters<typeof crypto.seal>) => crypto.seal(...args),
      randomBytes: (length: number) => {
        const bytes = crypto.randomBytes(length);
        if (length === 32) used.add(Buffer.from(bytes).toString('hex'));
        return bytes;
      },
    };
    const one = await startServer({ source: fromStore(store, wrapping), crypto: spying });
    const stored = Buffer.from(store.keys?.bytes ?? []).toString('hex');
    expect(used.size).toBeGreaterThan(1);
    for (const key of used) expect(stored).not.toContain(key);
    const two = await startServer({ source: fromStore(store, wrapping) });
    const ticket = await seal(one, 'content');
    expect(await open(two, ticket)).toBe('content');
    const stranger = await startServer({
      source: fromStore(store, new StoreWrapping(crypto, secret('another seed, as long'))),
    });
    expect(await open(stranger, ticket)).toBeUndefined();
    const plain = await startServer({ source: fromStore(store) });
    expect(await open(plain, ticket)).toBeUndefined();
    expect(Buffer.from(store.keys?.bytes ?? []).toString('hex')).toBe(stored);
    expect(() => new StoreWrapping(crypto, secret('too short'))).toThrow(RangeError);
  });

  it('a key that has died and was wiped does not come back as zeros while a swap fails', async () => {
    const store = new FakeStore();
    const server = await startServer({ source: fromStore(store) });
    const dead = nameOf(await seal(server, 'content'));
    await world.advance(12_000);
    store.replace = () => Promise.reject(new Error('read only'));
    await world.advance(60_000);
    const zeros = new TicketKeyRing(crypto, { keepFor: 1, limit: 1 });
    const name = Uint8Array.from(Buffer.from(dead, 'hex'));
    zeros.put([{ name, secret: new SecretBytes(new Uint8Array(32)), sealsFrom: 0 }]);
    const forged = zeros.seal('tls13', new TextEncoder().encode('content'), 0) ?? new Uint8Array(0);
    expect(await open(server, forged)).toBeUndefined();
    expect(await ticketKeysInfo(self, server)).toMatchObject({ forged: 0, unknownKey: 1 });
  });

  it('a key of a far future in it, or a thousand dead ones, stop no rotation', async () => {
    const store = new FakeStore();
    const first = await startServer({ source: fromStore(store) });
    const entry = store.keys?.bytes.slice(1, 57) ?? new Uint8Array(56);
    const bytes = new Uint8Array(1 + 1001 * 56).fill(0);
    bytes[0] = 1;
    for (let n = 0; n < 1001; n += 1) {
      bytes.set(crypto.randomBytes(48), 1 + n * 56);
      new DataView(bytes.buffer).setFloat64(1 + n * 56 + 48, n === 1000 ? EPOCH * 2 : n);
    }
    bytes.set(entry, 1 + 999 * 56);
    store.keys = { tag: 'theirs', bytes };
    const second = await startServer({ source: fromStore(store) });
    const names = new Set<string>();
    for (let second_ = 0; second_ < 40; second_ += 1) {
      names.add(nameOf(await seal(second, 'content')));
      expect(await open(first, await seal(first, 'own'))).toBe('own');
      await world.advance(1000);
    }
    expect(names.size).toBeGreaterThanOrEqual(4);
    expect((await ticketKeysInfo(self, second))?.keys).toBeLessThan(10);
  });
});

describe('tickets of both families', () => {
  it('are told apart by what they are for', async () => {
    const server = await startServer();
    const older = await seal(server, 'twelve', 'tls12');
    expect(await open(server, older, 'tls12')).toBe('twelve');
    expect(await open(server, older)).toBeUndefined();
    expect(await ticketKeysInfo(self, server)).toMatchObject({
      sealed: 1,
      opened: 1,
      forged: 1,
      unknownKey: 0,
    });
  });
});
