import type { LogFields, Logger } from '@actor-tls/runtime';
import { SimulatedClock } from '@actor-tls/runtime/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { StoreGuard } from './store-guard.js';

let clock: SimulatedClock;
let lines: { readonly level: string; readonly fields: LogFields }[];
let guard: StoreGuard;

const never = (): Promise<never> => new Promise(() => undefined);
const failing = (error: unknown) => () => Promise.reject(error);
const ask = async <T>(question: () => T | PromiseLike<T>): Promise<T | 'no answer'> => {
  const answered = await guard.ask(question);
  return answered === undefined ? 'no answer' : answered.answer;
};

beforeEach(() => {
  clock = new SimulatedClock();
  lines = [];
  const at = (level: string) => (fields: LogFields) => {
    lines.push({ level, fields });
  };
  const logger: Logger = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
  guard = new StoreGuard({ store: 'test', clock, logger, deadline: 100, maxOutstanding: 3 });
});

const warnings = () => lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields);

describe('a guarded store', () => {
  it('answers, at once or later', async () => {
    expect(await ask(() => 1)).toBe(1);
    expect(await ask(() => Promise.resolve(undefined))).toBeUndefined();
    expect(guard.info()).toMatchObject({ answered: 2, failed: 0, outstanding: 0 });
    expect(clock.pending).toBe(0);
  });

  it('that throws, rejects or takes too long gives no answer, and nobody waits beyond the deadline', async () => {
    const thrown = () => {
      throw new Error('no');
    };
    expect(await ask(thrown)).toBe('no answer');
    expect(await ask(failing('no'))).toBe('no answer');
    let signal: AbortSignal | undefined;
    const late = guard.ask((call) => {
      signal = call.signal;
      return never();
    });
    let over = false;
    void late.then(() => {
      over = true;
    });
    await clock.advance(99);
    expect(over).toBe(false);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    expect(over).toBe(true);
    expect(signal?.aborted).toBe(true);
    expect(guard.info()).toMatchObject({ failed: 3, outstanding: 1 });
  });

  it('is asked by so many at once and no more, calls included that nobody waits for any more', async () => {
    const late = [1, 2, 3].map(() => ask(never));
    expect(await ask(() => 1)).toBe('no answer');
    await clock.advance(100);
    await Promise.all(late);
    expect(await ask(() => 1)).toBe('no answer');
    expect(guard.info()).toMatchObject({ outstanding: 3, refused: 2 });
  });

  it('that answers at once is asked by any number at once', async () => {
    const many = Array.from({ length: 10 }, (_, n) => ask(() => n));
    expect(await Promise.all(many)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('that has lost calls for good is asked again after half a minute', async () => {
    const lost = [1, 2, 3].map(() => ask(never));
    await clock.advance(30_000);
    await Promise.all(lost);
    expect(await ask(() => 1)).toBe(1);
  });

  it('an answer that comes after the deadline frees its place and is no answer', async () => {
    let answer: (value: number) => void = () => undefined;
    const late = ask(() => new Promise<number>((resolve) => (answer = resolve)));
    await clock.advance(100);
    expect(await late).toBe('no answer');
    answer(1);
    await clock.advance(0);
    expect(guard.info()).toMatchObject({ outstanding: 0, answered: 0 });
  });

  it('that is gone is asked four times a second by one, and all are let through when it answers', async () => {
    for (let n = 0; n < 5; n += 1) await ask(failing(new Error('gone')));
    expect(guard.info().state).toBe('gone');
    let asked = 0;
    const question = () => {
      asked += 1;
      return Promise.reject(new Error('gone'));
    };
    for (let n = 0; n < 1000; n += 1) {
      await ask(question);
      await clock.advance(1);
    }
    expect(asked).toBeGreaterThanOrEqual(3);
    expect(asked).toBeLessThanOrEqual(5);
    await clock.advance(250);
    expect(await Promise.all([ask(() => 1), ask(() => 2)])).toEqual([1, 'no answer']);
    expect(await Promise.all([ask(() => 1), ask(() => 2)])).toEqual([1, 2]);
    expect(guard.info().state).toBe('answering');
  });

  it('is told of once a minute, and once when it is back', async () => {
    for (let second = 0; second < 125; second += 1) {
      await ask(failing(new Error('gone')));
      await clock.advance(1000);
    }
    expect(warnings()).toHaveLength(3);
    expect(warnings().map(({ calls }) => calls)).toEqual([1, 60, 60]);
    await ask(() => 1);
    await ask(() => 1);
    expect(lines.filter(({ level }) => level === 'info')).toHaveLength(1);
  });

  it('a flood of calls to it writes no more lines', async () => {
    await ask(failing(new Error('gone')));
    for (let n = 0; n < 1000; n += 1) {
      await ask(failing(new Error('gone')));
      await ask(() => 1);
    }
    expect(warnings()).toHaveLength(1);
    expect(lines.length).toBe(2);
  });

  it('the log has the kind of an error and nothing else of it', async () => {
    const told: unknown[] = [];
    for (const error of [
      new Error('OOM command not allowed when used memory'),
      new Error("ERR unknown command 'EVAL', with args beginning with: 'a-secret'"),
      Object.assign(new Error('connect to a-secret'), { code: 'ECONNREFUSED' }),
      new TypeError('a-secret is none'),
      'a-secret',
    ]) {
      lines = [];
      await ask(failing(error));
      told.push(warnings()[0]?.['why']);
      expect(JSON.stringify(lines)).not.toContain('a-secret');
      await clock.advance(60_000);
    }
    expect(told).toEqual(['OOM', 'ERR', 'ECONNREFUSED', 'TypeError', 'an error']);
  });
});
