import {
  createNode,
  type Node,
  type Pid,
  type Self,
  type StartResult,
  silentLogger,
} from '@actor-tls/runtime';
import { SimulatedClock } from '@actor-tls/runtime/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AntiReplayParameters,
  antiReplayInfo,
  checkAntiReplay,
  clientTicketInfo,
  dropTicket,
  findTickets,
  invalidateSession,
  lockTicket,
  lookupSession,
  openAntiReplay,
  registerSession,
  releaseTicket,
  reserveTickets,
  type SessionCacheApi,
  type SessionCacheOptions,
  type StoredSession,
  selectSessions,
  serverTicketInfo,
  sessionBackend,
  sessionCacheInfo,
  startAntiReplay,
  startClientTicketStore,
  startServerTicketStore,
  startSessionCache,
  storeClientTicket,
  storeTicket,
  takeTicket,
} from './index.js';

let clock: SimulatedClock;
let node: Node;
let shell: Self;

beforeEach(() => {
  clock = new SimulatedClock();
  node = createNode({ clock, logger: silentLogger });
  shell = node.shell();
});

afterEach(() => node.stop());

const secret = (text: string) => ({ expose: () => new Uint8Array(Buffer.from(text)) });
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

function pidOf(answer: StartResult): Pid<never> {
  if (answer === 'ignore' || 'error' in answer) throw new Error('not started');
  return answer.ok;
}

/** A process that does nothing until it is told to end. */
function idler(): Pid<unknown> {
  return node.spawn(async (self: Self) => {
    await self.receive();
  });
}

const ignored = (): void => {};

/** Lets casts and everything they set off come to rest. */
const settle = (): Promise<void> => clock.advance(0);

describe('session cache', () => {
  const session = (id: number, likeness = `like ${id}`): StoredSession => ({
    sessionId: bytes(id),
    createdAt: clock.now(),
    likeness,
    content: secret(`session ${id}`),
  });

  async function start(options: Partial<SessionCacheOptions> = {}): Promise<Pid<never>> {
    return pidOf(
      await startSessionCache(node, {
        role: 'client',
        max: 3,
        lifetime: 100,
        sweep: 'off',
        wallClock: clock.now,
        ...options,
      }),
    );
  }

  it('finds what was registered, by peer and id', async () => {
    const cache = await start();
    registerSession(shell, cache, 'a:1', session(1), 'always');
    expect((await lookupSession(shell, cache, { peer: 'a:1', sessionId: bytes(1) }))?.likeness).toBe(
      'like 1',
    );
    expect(await lookupSession(shell, cache, { peer: 'b:1', sessionId: bytes(1) })).toBeUndefined();
  });

  it('selects the living sessions of a peer, youngest first', async () => {
    const cache = await start();
    registerSession(shell, cache, 'a:1', session(1), 'always');
    await clock.advance(60_000);
    registerSession(shell, cache, 'a:1', session(2), 'always');
    registerSession(shell, cache, 'b:1', session(3), 'always');
    const ids = async () => (await selectSessions(shell, cache, 'a:1')).map((found) => found.sessionId[0]);
    expect(await ids()).toEqual([2, 1]);
    await clock.advance(40_000);
    expect(await ids()).toEqual([2]);
  });

  it('the oldest goes when there is no room', async () => {
    const cache = await start();
    for (let id = 1; id <= 4; id += 1) registerSession(shell, cache, 'a:1', session(id), 'always');
    expect((await selectSessions(shell, cache, 'a:1')).map((found) => found.sessionId[0])).toEqual([2, 3, 4]);
    expect(await sessionCacheInfo(shell, cache)).toMatchObject({ size: 3, pushedOut: 1, backendFailures: 0 });
  });

  it('a peer with whom a client has session after session pushes out its own; a server’s have no peer', async () => {
    const cache = await start({ max: 20 });
    registerSession(shell, cache, 'b:1', session(0), 'always');
    for (let id = 1; id <= 30; id += 1) registerSession(shell, cache, 'a:1', session(id), 'always');
    registerSession(shell, cache, 'a:1', session(20), 'always');
    registerSession(shell, cache, 'a:1', session(31), 'always');
    const ids = async (peer: string) =>
      (await selectSessions(shell, cache, peer)).map((found) => found.sessionId[0]).sort();
    expect(await ids('a:1')).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]);
    expect(await ids('b:1')).toEqual([0]);
    expect(await sessionCacheInfo(shell, cache)).toMatchObject({ size: 17, pushedOut: 15 });
    const server = await start({ role: 'server', max: 20 });
    for (let id = 1; id <= 30; id += 1) registerSession(shell, server, '', session(id), 'always');
    expect(await sessionCacheInfo(shell, server)).toMatchObject({ size: 20, pushedOut: 10 });
  });

  it('sessions take so many bytes, however few they are, and one that is larger is not kept', async () => {
    const rows = new Map<string, StoredSession>();
    const told: SessionCacheApi<undefined> = {
      init: () => undefined,
      terminate: () => {},
      lookup: (_handle, { sessionId }) => rows.get(String(sessionId)),
      update: (_handle, { sessionId }, kept) => rows.set(String(sessionId), kept),
      delete: (_handle, { sessionId }) => rows.delete(String(sessionId)),
      size: () => rows.size,
    };
    const cache = await start({ max: 100, maxBytes: 5000, backend: sessionBackend(told) });
    const large = (id: number, length: number): StoredSession => ({
      ...session(id),
      content: secret('x'.repeat(length)),
    });
    for (const id of [1, 2, 3]) registerSession(shell, cache, `${id}:1`, large(id, 1000), 'always');
    registerSession(shell, cache, '4:1', large(4, 2000), 'always');
    registerSession(shell, cache, '5:1', large(5, 5000), 'always');
    expect(await sessionCacheInfo(shell, cache)).toMatchObject({ size: 2, bytes: 4024, pushedOut: 3 });
    expect([...rows.keys()]).toEqual(['3', '4']);
    // Who has asked for many gets many.
    const roomy = await start({ max: 40_000 });
    const wide = large(1, 4096);
    for (let id = 0; id < 4000; id += 1)
      registerSession(shell, roomy, String(id), { ...wide, sessionId: bytes(id >> 8, id & 255) }, 'always');
    await settle();
    expect(await sessionCacheInfo(shell, roomy)).toMatchObject({ size: 4000, pushedOut: 0 });
  });

  it('a unique registration adds nothing like what is there and alive', async () => {
    const cache = await start();
    registerSession(shell, cache, 'a:1', session(1, 'same'), 'unique');
    registerSession(shell, cache, 'a:1', session(2, 'same'), 'unique');
    registerSession(shell, cache, 'b:1', session(3, 'same'), 'unique');
    expect((await sessionCacheInfo(shell, cache)).size).toBe(2);
    await clock.advance(100_000);
    registerSession(shell, cache, 'a:1', session(4, 'same'), 'unique');
    expect((await selectSessions(shell, cache, 'a:1')).map((found) => found.sessionId[0])).toEqual([4]);
  });

  it('an invalidated session is not found', async () => {
    const cache = await start();
    registerSession(shell, cache, 'a:1', session(1), 'always');
    invalidateSession(shell, cache, { peer: 'a:1', sessionId: bytes(1) });
    expect(await lookupSession(shell, cache, { peer: 'a:1', sessionId: bytes(1) })).toBeUndefined();
  });

  it('the sweep drops what has expired, first 5 s after a lifetime, then every minute', async () => {
    const cache = await start({ sweep: 'on' });
    registerSession(shell, cache, 'a:1', session(1), 'always');
    await clock.advance(104_999);
    expect((await sessionCacheInfo(shell, cache)).size).toBe(1);
    registerSession(shell, cache, 'b:1', session(2), 'always');
    await clock.advance(1);
    expect((await sessionCacheInfo(shell, cache)).size).toBe(1);
    await clock.advance(120_000);
    expect((await sessionCacheInfo(shell, cache)).size).toBe(0);
  });

  it("a server's cache ends normally with its listener", async () => {
    const listener = idler();
    const cache = await start({ role: 'server', listener });
    const ref = shell.monitor(cache);
    node.exit(listener, 'kill');
    expect(await shell.receive({ type: 'DOWN', ref })).toMatchObject({ reason: 'normal' });
  });

  it('a backend that answers later holds up nobody else', async () => {
    let answer: (session: StoredSession | undefined) => void = () => {};
    const slow: SessionCacheApi<undefined> = {
      init: () => Promise.resolve(undefined),
      terminate: () => {},
      lookup: () => new Promise((resolve) => (answer = resolve)),
      update: () => Promise.resolve(),
      delete: () => {},
      size: () => 0,
    };
    const cache = await start({ backend: sessionBackend(slow) });
    const found = lookupSession(shell, cache, { peer: 'a:1', sessionId: bytes(1) });
    await settle();
    expect((await sessionCacheInfo(shell, cache)).size).toBe(0);
    answer(session(1));
    expect((await found)?.likeness).toBe('like 1');
  });

  it('a backend that fails is a miss, counted, and ends nothing', async () => {
    const broken: SessionCacheApi<undefined> = {
      init: () => undefined,
      terminate: () => {},
      lookup: () => {
        throw new Error('no connection');
      },
      update: () => Promise.reject(new Error('no connection')),
      delete: () => {},
      selectSession: () => Promise.reject(new Error('no connection')),
      size: () => 0,
    };
    const cache = await start({ backend: sessionBackend(broken) });
    registerSession(shell, cache, 'a:1', session(1), 'always');
    expect(await lookupSession(shell, cache, { peer: 'a:1', sessionId: bytes(1) })).toBeUndefined();
    expect(await selectSessions(shell, cache, 'a:1')).toEqual([]);
    expect((await sessionCacheInfo(shell, cache)).backendFailures).toBe(3);
  });

  it('a backend that hangs costs 256 calls, and whoever asks it a quarter of a second', async () => {
    let calls = 0;
    const hang = (): Promise<never> => {
      calls += 1;
      return new Promise(() => {});
    };
    const hanging: SessionCacheApi<undefined> = {
      init: () => undefined,
      terminate: () => {},
      lookup: hang,
      update: hang,
      delete: hang,
      size: () => 0,
    };
    const cache = await start({ backend: sessionBackend(hanging) });
    const key = { peer: 'a:1', sessionId: bytes(1) };
    const answers: unknown[] = [];
    for (let n = 0; n < 300; n += 1) {
      void lookupSession(shell, cache, key).then((answer) => answers.push(answer));
      registerSession(shell, cache, 'a:1', session(1), 'always');
    }
    await sessionCacheInfo(shell, cache);
    await clock.advance(250);
    await settle();
    expect(answers).toEqual(Array(300).fill(undefined));
    expect(calls).toBe(256);
    const { backendFailures } = await sessionCacheInfo(shell, cache);
    expect(backendFailures).toBe(600);
  });

  it('a backend that answers later loses all that has expired, as fast as it takes calls', async () => {
    const rows = new Set<string>();
    const later: SessionCacheApi<undefined> = {
      init: () => undefined,
      terminate: () => {},
      lookup: () => undefined,
      update: (_handle, { sessionId }) => rows.add(String(sessionId)),
      async delete(_handle, { sessionId }) {
        await Promise.resolve();
        rows.delete(String(sessionId));
      },
      size: () => rows.size,
    };
    const cache = await start({ backend: sessionBackend(later), sweep: 'on', max: 1000, lifetime: 3600 });
    for (let id = 0; id < 600; id += 1)
      registerSession(
        shell,
        cache,
        `a:${id}`,
        { ...session(1), sessionId: bytes(id >> 8, id & 255) },
        'always',
      );
    await sessionCacheInfo(shell, cache);
    expect(rows.size).toBe(600);
    await clock.advance(3_605_000 + 2000);
    expect(rows.size).toBe(0);
  });

  it.each([
    ['null', null],
    ['a text', 'none'],
    ['a session without content', { sessionId: bytes(1), createdAt: 1e15, likeness: '' }],
    ['a list', [null]],
  ])('a backend that answers %s for a session is a miss, at once or later', async (_what, nonsense) => {
    const answers = [(): unknown => nonsense, (): unknown => Promise.resolve(nonsense)];
    for (const answer of answers) {
      // What JavaScript may answer, whatever the types say.
      const odd: SessionCacheApi<undefined> = JSON.parse('{}');
      Object.assign(odd, {
        init: ignored,
        terminate: ignored,
        update: ignored,
        delete: ignored,
        size: () => 0,
      });
      Object.assign(odd, { lookup: answer, selectSession: answer });
      const cache = await start({ backend: sessionBackend(odd) });
      expect(await lookupSession(shell, cache, { peer: 'a:1', sessionId: bytes(1) })).toBeUndefined();
      expect(await selectSessions(shell, cache, 'a:1')).toEqual([]);
      expect((await sessionCacheInfo(shell, cache)).size).toBe(0);
    }
  });

  it('a backend is closed when the cache is killed', async () => {
    let closed = 0;
    const backend: SessionCacheApi<undefined> = {
      init: () => undefined,
      terminate: () => {
        closed += 1;
      },
      lookup: () => undefined,
      update: () => {},
      delete: () => {},
      size: () => 0,
    };
    const cache = await start({ backend: sessionBackend(backend) });
    node.exit(cache, 'kill');
    await settle();
    expect(closed).toBe(1);
  });

  it('a dead cache is one that knows nothing', async () => {
    expect(await lookupSession(shell, 'nobody', { peer: 'a:1', sessionId: bytes(1) })).toBeUndefined();
    registerSession(shell, 'nobody', 'a:1', session(1), 'always');
    const cache = await start();
    node.exit(cache, 'kill');
    expect(await selectSessions(shell, cache, 'a:1')).toEqual([]);
  });

  it('neither state nor report shows what a session contains', async () => {
    const cache = await start();
    registerSession(shell, cache, 'a:1', session(1), 'always');
    await settle();
    expect(JSON.stringify(node.processInfo(cache)?.context)).toBe('{}');
  });
});

describe('server ticket store', () => {
  async function start(listener?: Pid<never>): Promise<Pid<never>> {
    const makeIdentities = () => (unique: bigint) => bytes(0xaa, Number(unique));
    const options = { size: 2, lifetime: 10, makeIdentities };
    return pidOf(
      await startServerTicketStore(node, listener === undefined ? options : { ...options, listener }),
    );
  }

  it('counts its nonces in 64 bits and gives each ticket an identity', async () => {
    const store = await start();
    await reserveTickets(shell, store, 2);
    expect(await reserveTickets(shell, store, 1)).toEqual([
      { identity: bytes(0xaa, 2), nonce: bytes(0, 0, 0, 0, 0, 0, 0, 2) },
    ]);
  });

  it('finds what is alive of the tickets offered, in their order, and takes each once', async () => {
    const store = await start();
    const [one, two] = [secret('one'), secret('two')];
    storeTicket(shell, store, bytes(1), one);
    await clock.advance(1);
    storeTicket(shell, store, bytes(2), two);
    await clock.advance(9_998);
    const offered = [bytes(9), bytes(2), bytes(1)];
    expect(await findTickets(shell, store, offered)).toEqual([undefined, two, one]);
    await clock.advance(1);
    expect(await findTickets(shell, store, offered)).toEqual([undefined, two, undefined]);
    expect(await takeTicket(shell, store, bytes(2))).toBe(true);
    expect(await takeTicket(shell, store, bytes(2))).toBe(false);
    expect(await findTickets(shell, store, offered)).toEqual([undefined, undefined, undefined]);
  });

  it('a full store loses its oldest ticket', async () => {
    const store = await start();
    for (const id of [1, 2, 3]) storeTicket(shell, store, bytes(id), secret(''));
    expect(await findTickets(shell, store, [bytes(1), bytes(2)])).toEqual([undefined, expect.anything()]);
  });

  it('a store that holds too many bytes loses its oldest tickets', async () => {
    const options = { size: 100, lifetime: 10, maxBytes: 1000, makeIdentities: () => () => bytes(0) };
    const store = pidOf(await startServerTicketStore(node, options));
    const content = secret('x'.repeat(200));
    for (const id of [1, 2, 3]) storeTicket(shell, store, bytes(id), content);
    storeTicket(shell, store, bytes(3), content);
    expect(await serverTicketInfo(shell, store)).toEqual({ size: 2, bytes: 912, pushedOut: 1 });
    expect(await findTickets(shell, store, [bytes(1)])).toEqual([undefined]);
    await takeTicket(shell, store, bytes(2));
    await takeTicket(shell, store, bytes(3));
    expect(await serverTicketInfo(shell, store)).toEqual({ size: 0, bytes: 0, pushedOut: 1 });
    expect(JSON.stringify(node.processInfo(store)?.context)).toBe('{"size":0,"bytes":0,"pushedOut":1}');
  });

  it('ends normally with its listener, and a dead one gives no tickets', async () => {
    const listener = idler();
    const store = await start(listener);
    const ref = shell.monitor(store);
    node.exit(listener, 'kill');
    expect(await shell.receive({ type: 'DOWN', ref })).toMatchObject({ reason: 'normal' });
    expect(await reserveTickets(shell, store, 3)).toEqual([]);
    expect(await findTickets(shell, store, [bytes(1)])).toEqual([]);
    expect(await takeTicket(shell, store, bytes(1))).toBe(false);
  });
});

describe('client ticket store', () => {
  const peer = { host: 'h', port: 443, sni: 'h' };
  const wish = { peer, prfs: ['sha256'] };
  const ticket = (name: string, changes: object = {}) => ({
    cipher: 'aes_128_gcm',
    prf: 'sha256',
    lifetime: 1000,
    maxEarlyData: 0,
    content: secret(name),
    ...changes,
  });
  const nameOf = (found: { content: { expose(): Uint8Array } } | undefined): string | undefined =>
    found === undefined ? undefined : Buffer.from(found.content.expose()).toString();

  async function start(size = 10): Promise<Pid<never>> {
    return pidOf(await startClientTicketStore(node, { size, lifetime: 100 }));
  }

  it('gives the youngest ticket of this host, port and name, once at a time', async () => {
    const store = await start();
    storeClientTicket(shell, store, peer, ticket('old'));
    storeClientTicket(shell, store, peer, ticket('young'));
    storeClientTicket(shell, store, { ...peer, port: 444 }, ticket('other port'));
    storeClientTicket(shell, store, { ...peer, sni: undefined }, ticket('no name'));
    const [one, two] = [idler(), idler()];
    expect(nameOf(await lockTicket(shell, store, one, wish))).toBe('young');
    expect(nameOf(await lockTicket(shell, store, two, wish))).toBe('old');
    expect(await lockTicket(shell, store, two, { ...wish, prfs: ['sha384'] })).toBeUndefined();
    expect(await clientTicketInfo(shell, store)).toMatchObject({ size: 4, locked: 2, pushedOut: 0 });
  });

  it('a lock is free again when its process ends or gives it back', async () => {
    const store = await start();
    storeClientTicket(shell, store, peer, ticket('t'));
    const [one, two] = [idler(), idler()];
    await lockTicket(shell, store, one, wish);
    expect(await lockTicket(shell, store, two, wish)).toBeUndefined();
    node.exit(one, 'kill');
    const lent = await lockTicket(shell, store, two, wish);
    expect(nameOf(lent)).toBe('t');
    releaseTicket(shell, store, lent?.id ?? 0);
    expect(nameOf(await lockTicket(shell, store, idler(), wish))).toBe('t');
    expect(node.processInfo(store)?.monitors).toHaveLength(1);
  });

  it('a ticket that was offered is gone', async () => {
    const store = await start();
    storeClientTicket(shell, store, peer, ticket('t'));
    const owner = idler();
    const lent = await lockTicket(shell, store, owner, wish);
    dropTicket(shell, store, lent?.id ?? 0);
    expect(await lockTicket(shell, store, owner, wish)).toBeUndefined();
    expect(await clientTicketInfo(shell, store)).toMatchObject({ size: 0, locked: 0, pushedOut: 0 });
    expect(node.processInfo(store)?.monitors).toEqual([]);
  });

  it("a ticket dies with the server's lifetime or ours, and one of lifetime zero is not kept", async () => {
    const store = await start();
    storeClientTicket(shell, store, peer, ticket('ours ends first'));
    storeClientTicket(shell, store, peer, ticket('theirs ends first', { lifetime: 50 }));
    storeClientTicket(shell, store, peer, ticket('never', { lifetime: 0 }));
    await clock.advance(50_000);
    const owner = idler();
    expect(nameOf(await lockTicket(shell, store, owner, wish))).toBe('ours ends first');
    node.exit(owner, 'kill');
    await clock.advance(50_000);
    expect(await clientTicketInfo(shell, store)).toMatchObject({ size: 0 });
  });

  it('the sweep spares what is locked', async () => {
    const store = await start();
    storeClientTicket(shell, store, peer, ticket('t'));
    await lockTicket(shell, store, idler(), wish);
    await clock.advance(100_000);
    expect(await clientTicketInfo(shell, store)).toMatchObject({ size: 1, locked: 1 });
  });

  it('with early data only a ticket of that cipher with room for it will do', async () => {
    const store = await start();
    storeClientTicket(shell, store, peer, ticket('fits', { maxEarlyData: 100 }));
    storeClientTicket(shell, store, peer, ticket('too small', { maxEarlyData: 99 }));
    storeClientTicket(shell, store, peer, ticket('wrong cipher', { maxEarlyData: 100, cipher: 'chacha20' }));
    const earlyData = { ciphers: ['aes_128_gcm'], size: 100 };
    const owner = idler();
    expect(nameOf(await lockTicket(shell, store, owner, { ...wish, earlyData }))).toBe('fits');
    const more = { ...earlyData, size: 101 };
    expect(await lockTicket(shell, store, owner, { ...wish, earlyData: more })).toBeUndefined();
  });

  it('a peer that sends ticket after ticket pushes out its own, and all of them take so many bytes', async () => {
    const options = { size: 100, lifetime: 100, maxPerPeer: 2, maxBytes: 2000 };
    const store = pidOf(await startClientTicketStore(node, options));
    const other = { ...peer, host: 'other' };
    storeClientTicket(shell, store, other, ticket('kept'));
    for (const name of ['1', '2', '3']) storeClientTicket(shell, store, peer, ticket(name));
    expect(await clientTicketInfo(shell, store)).toEqual({ size: 3, locked: 0, pushedOut: 1, bytes: 1542 });
    expect(nameOf(await lockTicket(shell, store, idler(), { ...wish, peer: other }))).toBe('kept');
    storeClientTicket(shell, store, { ...peer, port: 1 }, ticket('x'.repeat(600)));
    expect(await clientTicketInfo(shell, store)).toMatchObject({ size: 2, pushedOut: 3 });
  });

  it('a ticket is lent to those alone who judge as it was judged', async () => {
    const store = await start();
    storeClientTicket(shell, store, { ...peer, policy: 'one' }, ticket('strict'));
    expect(await lockTicket(shell, store, idler(), wish)).toBeUndefined();
    const other = { ...wish, peer: { ...peer, policy: 'two' } };
    expect(await lockTicket(shell, store, idler(), other)).toBeUndefined();
    const same = { ...wish, peer: { ...peer, policy: 'one' } };
    expect(nameOf(await lockTicket(shell, store, idler(), same))).toBe('strict');
  });

  it('a full store loses its oldest ticket, its lock with it', async () => {
    const store = await start(1);
    storeClientTicket(shell, store, peer, ticket('old'));
    await lockTicket(shell, store, idler(), wish);
    storeClientTicket(shell, store, peer, ticket('young'));
    expect(await clientTicketInfo(shell, store)).toMatchObject({ size: 1, locked: 0, pushedOut: 1 });
  });
});

describe('anti-replay', () => {
  const parameters: AntiReplayParameters = { window: 10, hashes: 5, bits: 10_000 };
  const hashWith = (factor: number) => (element: Uint8Array) =>
    element.reduce((sum, byte) => (sum * factor + byte) % 1_000_003, 7);
  const makeHashes = () => [hashWith(31), hashWith(37)] as const;

  it('an element is new once, per listener', async () => {
    const store = pidOf(await startAntiReplay(node, { makeHashes }));
    const [one, two] = [idler(), idler()];
    expect(await openAntiReplay(shell, store, one, parameters)).toBe(true);
    expect(await openAntiReplay(shell, store, two, parameters)).toBe(true);
    const check = (tracker: Pid<never>) => checkAntiReplay(shell, store, tracker, parameters, bytes(1, 2, 3));
    expect(await check(one)).toBe('new');
    expect(await check(one)).toBe('seen');
    expect(await check(two)).toBe('new');
    expect(await antiReplayInfo(shell, store)).toEqual({ filters: 2, bytes: 7500, fresh: 2, seen: 1 });
  });

  it('after a crash everything counts as seen for two windows, and is known after them', async () => {
    const name = 'anti_replay';
    const tracker = idler();
    const first = pidOf(await startAntiReplay(node, { makeHashes }, { name }));
    await openAntiReplay(shell, name, tracker, parameters);
    const check = (...element: number[]) =>
      checkAntiReplay(shell, name, tracker, parameters, bytes(...element));
    expect(await check(1)).toBe('new');
    node.exit(first, 'kill');
    expect(await check(2)).toBe('seen');
    await startAntiReplay(node, { makeHashes }, { name });
    expect(await check(1)).toBe('seen');
    expect(await check(3)).toBe('seen');
    await clock.advance(19_999);
    expect(await check(4)).toBe('seen');
    await clock.advance(1);
    expect(await check(5)).toBe('new');
    expect(await check(3)).toBe('seen');
  });

  it('after a crash in which nobody has asked for two windows, the first who does is believed', async () => {
    const name = 'anti_replay';
    const tracker = idler();
    const first = pidOf(await startAntiReplay(node, { makeHashes }, { name }));
    await openAntiReplay(shell, name, tracker, parameters);
    node.exit(first, 'kill');
    await startAntiReplay(node, { makeHashes }, { name });
    await clock.advance(20_000);
    expect(await checkAntiReplay(shell, name, tracker, parameters, bytes(1))).toBe('new');
    expect(await checkAntiReplay(shell, name, tracker, parameters, bytes(1))).toBe('seen');
  });

  it('tickets that others may have seen used begin with two windows of refusals', async () => {
    const store = pidOf(await startAntiReplay(node, { makeHashes }));
    const tracker = idler();
    await openAntiReplay(shell, store, tracker, parameters, 'unknown');
    const check = (...element: number[]) =>
      checkAntiReplay(shell, store, tracker, parameters, bytes(...element));
    await clock.advance(19_999);
    expect(await check(1)).toBe('seen');
    await clock.advance(1);
    expect(await check(1)).toBe('seen');
    expect(await check(2)).toBe('new');
  });

  it('a listener’s own ends with it', async () => {
    const listener = idler();
    const store = pidOf(await startAntiReplay(node, { makeHashes, listener }));
    await openAntiReplay(shell, store, listener, parameters);
    const ref = shell.monitor(store);
    node.exit(listener, 'kill');
    expect(await shell.receive({ type: 'DOWN', ref })).toMatchObject({ reason: 'normal' });
  });

  it('a filter goes with its tracker, and there is a limit to their number', async () => {
    const store = pidOf(await startAntiReplay(node, { makeHashes, maxFilters: 1 }));
    const [one, two] = [idler(), idler()];
    await openAntiReplay(shell, store, one, parameters);
    expect(await openAntiReplay(shell, store, two, parameters)).toBe(false);
    expect(await checkAntiReplay(shell, store, two, parameters, bytes(1))).toBe('seen');
    node.exit(one, 'kill');
    await settle();
    expect(await openAntiReplay(shell, store, two, parameters)).toBe(true);
    expect(await checkAntiReplay(shell, store, two, parameters, bytes(2))).toBe('new');
  });
});
