import { expect, expectTypeOf, test } from 'vitest';
import {
  createNode,
  Exit,
  type From,
  type GenServer,
  type Node,
  type RequestOf,
  requests,
  type Self,
  silentLogger,
  startGenServer,
  startSupervisor,
} from './index.js';

interface ShelfRequests {
  put(fields: { readonly book: string }): number;
  /** Answers when there is a book. */
  take(): string | undefined;
  fall(): never;
}
interface ShelfNotices {
  dust(fields: { readonly grains: number }): void;
}
interface ShelfMessages {
  closing(): void;
}

const shelf = requests<ShelfRequests>();
const notices = requests<ShelfNotices>();
const messages = requests<ShelfMessages>();

class Shelf {
  readonly books: string[] = [];
  readonly waiting: From<string | undefined>[] = [];
  grains = 0;
}

const server: GenServer<Shelf> = {
  init: () => ({ ok: new Shelf() }),
  handleCall: shelf.handleCall<Shelf>({
    put({ book }, _from, state) {
      const first = state.waiting.shift();
      if (first === undefined) state.books.push(book);
      else first.reply(book);
      return { reply: state.books.length, state };
    },
    take(_request, from, state) {
      const book = state.books.shift();
      if (book === undefined) state.waiting.push(from);
      else from.reply(book);
    },
    fall() {
      throw new Error('too heavy');
    },
  }),
  handleCast: notices.handleCast<Shelf>({
    dust({ grains }, state) {
      state.grains += grains;
    },
  }),
  handleInfo: messages.handleInfo<Shelf>({
    closing: (_message, state) => ({ stop: 'normal', state }),
    DOWN: (_message, state) => ({ stop: 'shutdown', state }),
  }),
};

async function setup(): Promise<{ node: Node; self: Self }> {
  const node = createNode({ logger: silentLogger });
  const self = node.shell();
  await startGenServer(node, server, undefined, { name: 'shelf' });
  return { node, self };
}

test('what is asked is answered, at once or later, to processes and to code that is none', async () => {
  const { node, self } = await setup();
  const later = shelf.ask(self, 'shelf', { type: 'take' });
  expect(await shelf.ask(node, 'shelf', { type: 'put', book: 'Ulysses' })).toBe(0);
  expect(await later).toBe('Ulysses');
  notices.cast(self, 'shelf', { type: 'dust', grains: 3 });
  expect(node.processInfo(node.whereis('shelf') ?? self.pid)?.context).toMatchObject({ grains: 0 });
  expect(await shelf.ask(self, 'shelf', { type: 'put', book: 'Dubliners' })).toBe(1);
  expect(node.processInfo(node.whereis('shelf') ?? self.pid)?.context).toMatchObject({ grains: 3 });
  node.stop();
});

test('who asks what a server does not know fails, and the server lives', async () => {
  const { node, self } = await setup();
  for (const stranger of [{ type: 'burn' }, 'burn', undefined, { type: 'toString' }, { type: '__proto__' }])
    await expect(self.call('shelf', stranger)).rejects.toMatchObject({
      reason: { unknown_request: expect.anything() },
    });
  self.cast('shelf', { type: 'put', book: 'not a cast' });
  self.send('shelf', { type: 'dust', grains: 1 });
  self.send('shelf', { type: 'DOWN' });
  self.send('shelf', { type: 'EXIT' });
  expect(await shelf.ask(self, 'shelf', { type: 'put', book: 'Finnegans Wake' })).toBe(1);
  node.stop();
});

test('a request without a constructor, or inside itself, is unknown like any other', async () => {
  const { node, self } = await setup();
  const ring: unknown[] = [];
  ring.push(ring);
  for (const stranger of [Object.create(null), { constructor: undefined }, ring, [Object.create(null)]])
    await expect(self.call('shelf', stranger)).rejects.toMatchObject({
      reason: { unknown_request: expect.any(String) },
    });
  expect(await shelf.ask(self, 'shelf', { type: 'put', book: 'Exiles' })).toBe(1);
  node.stop();
});

test('messages and the ends of monitored processes reach their functions', async () => {
  const { node, self } = await setup();
  const first = node.whereis('shelf') ?? self.pid;
  const ref = self.monitor(first);
  self.send(first, { type: 'closing' });
  expect(await self.receive('DOWN')).toMatchObject({ ref, reason: 'normal' });
  const watching: GenServer<Shelf> = {
    ...server,
    init(process) {
      process.monitor(self.pid);
      return { ok: new Shelf() };
    },
  };
  await startGenServer(node, watching, undefined, { name: 'watching' });
  const observer = node.shell();
  observer.monitor('watching');
  node.exit(self.pid, 'kill');
  expect(await observer.receive('DOWN')).toMatchObject({ name: 'watching', reason: 'shutdown' });
  node.stop();
});

test('a name whose process dies over the question is asked once more, a pid and a slow one are not', async () => {
  const node = createNode({ logger: silentLogger });
  const self = node.shell();
  let falls = 0;
  const fragile: GenServer<Shelf> = {
    init: () => ({ ok: new Shelf() }),
    handleCall: shelf.handleCall<Shelf>({
      put: (_request, _from, state) => ({ reply: falls, state }),
      take() {},
      fall() {
        falls += 1;
        throw new Error('too heavy');
      },
    }),
  };
  await startSupervisor(self, {
    intensity: 10,
    children: [{ id: 'shelf', start: (sup) => startGenServer(sup, fragile, undefined, { name: 'shelf' }) }],
  });
  expect(await shelf.askOr(node, 'shelf', { type: 'fall' }, () => 'missed')).toBe('missed');
  expect(falls).toBe(2);
  expect(await shelf.askOr(self, 'shelf', { type: 'fall' }, () => 'missed')).toBe('missed');
  expect(falls).toBe(4);
  const pid = node.whereis('shelf') ?? self.pid;
  expect(await shelf.askOr(self, pid, { type: 'fall' }, ({ reason }) => String(reason))).toContain(
    'too heavy',
  );
  expect(falls).toBe(5);
  expect(await shelf.askOr(self, 'shelf', { type: 'take' }, ({ reason }) => reason, 5)).toBe('timeout');
  expect(await shelf.askOr(self, 'shelf', { type: 'put', book: '' }, () => 'missed')).toBe(5);
  node.stop();
  expect(await shelf.askOr(node, 'shelf', { type: 'take' }, ({ reason }) => reason)).toBe('noproc');
});

test('the end of the one who asks is thrown, and not taken for an answer', async () => {
  const { node, self } = await setup();
  node.exit(self.pid, 'kill');
  expect(() => shelf.askOr(self, 'shelf', { type: 'take' }, () => 'missed')).toThrow(Exit);
  node.stop();
});

test('requests, replies and what is kept for later are checked by the compiler', () => {
  type Request = RequestOf<ShelfRequests>;
  expectTypeOf<Extract<Request, { type: 'put' }>['book']>().toEqualTypeOf<string>();
  const ask = (self: Self) => shelf.ask(self, 'shelf', { type: 'put', book: '' });
  expectTypeOf(ask).returns.toEqualTypeOf<Promise<number>>();
  const wrong = (self: Self, from: From<string | undefined>) => {
    // @ts-expect-error no such request
    void shelf.ask(self, 'shelf', { type: 'burn' });
    // @ts-expect-error a field is missing
    void shelf.ask(self, 'shelf', { type: 'put' });
    // @ts-expect-error a field of another type
    void shelf.ask(self, 'shelf', { type: 'put', book: 7 });
    // @ts-expect-error not what is answered
    from.reply(7);
    // @ts-expect-error no answer is forgotten
    shelf.handleCall<Shelf>({ put: (_request, _from, state) => ({ reply: 1, state }), take() {} });
    shelf.handleCall<Shelf>({
      // @ts-expect-error not what a `put` is answered
      put: (_request, _from, state) => ({ reply: 'one', state }),
      take() {},
      fall() {},
    });
    // @ts-expect-error the guard knows them all
    shelf.guard({ put: true });
    const functions = requests<{ change(fields: { readonly how: () => void }): void }>();
    // @ts-expect-error a function is no field of a request
    void functions.ask(self, 'shelf', { type: 'change', how: () => undefined });
  };
  expect(wrong).toBeTypeOf('function');
  const isRequest = shelf.guard({ put: true, take: true, fall: true });
  expect([{ type: 'put' }, { type: 'burn' }, 'put', null].map(isRequest)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test('one who ends before he asks again hears nothing, and nobody else of it', async () => {
  const { node, self } = await setup();
  const unheard: unknown[] = [];
  const hear = (reason: unknown): unknown => unheard.push(reason);
  process.on('unhandledRejection', hear);
  const asking = node.spawn((asker: Self) => {
    // Nobody is there: it is asked once more, in a turn to come.
    void shelf.askOr(asker, 'nobody', { type: 'take' }, () => 'missed').then(() => unheard.push('an answer'));
    return new Promise(() => {});
  });
  await new Promise<void>((go) => self.afterIo(go));
  const again = node.spawn((asker: Self) => {
    void shelf.askOr(asker, 'nobody', { type: 'take' }, () => 'missed').then(() => unheard.push('an answer'));
    throw new Exit('over');
  });
  node.exit(asking, 'kill');
  for (let turn = 0; turn < 5; turn += 1) await new Promise((go) => setImmediate(go));
  process.off('unhandledRejection', hear);
  expect(node.isAlive(again)).toBe(false);
  expect(unheard.filter((what) => what !== 'an answer')).toEqual([]);
  node.stop();
});
