/**
 * Between a process and a store of somebody else's making: no call takes longer than its deadline, only so many are out
 * at once, and one that is gone is asked by a single call now and then, so that nobody else waits for it. It is told of in
 * the log once a minute, without anything that went to the store.
 */
import { type Clock, isThenable, type Logger } from '@actor-tls/runtime';
import type { StoreCall } from './stores.js';

export interface StoreGuardOptions {
  /** What the store is called in the log. */
  readonly store: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** ms; default 250 */
  readonly deadline?: number | undefined;
  /** Calls that may be out at once, those included that are not waited for any more; default 256. */
  readonly maxOutstanding?: number | undefined;
}

export interface StoreGuardInfo {
  /** `gone`: it has failed so often that only now and then a call goes to it. */
  readonly state: 'answering' | 'gone';
  readonly outstanding: number;
  readonly answered: number;
  /** Calls that threw, rejected or took too long. */
  readonly failed: number;
  /** Calls that were not made, since the store was gone or too many were out. */
  readonly refused: number;
}

export const STORE_DEADLINE = 250;

/** Failures in a row after which a store counts as gone. */
const PATIENCE = 5;
/** ms between two calls to a store that is gone. */
const BETWEEN_PROBES = 250;
/** ms between two lines in the log. */
const BETWEEN_LINES = 60_000;
/** A call that has no answer after so many ms never gets one: its place is free again. */
const LOST = 30_000;

/** What a question throws at an answer that makes no sense; its text, unlike that of others, goes into the log. */
export class Nonsense extends Error {}

type Outcome<T> = { readonly answer: T } | { readonly error: unknown };

export class StoreGuard {
  readonly deadline: number;
  readonly #options: StoreGuardOptions;
  readonly #maxOutstanding: number;
  /** When each call that is out was made. */
  readonly #outstanding: Set<{ readonly since: number }> = new Set();
  #inARow = 0;
  #probedAt = Number.NEGATIVE_INFINITY;
  #toldAt = Number.NEGATIVE_INFINITY;
  #failedSinceTold = 0;
  #why = 'too many calls are out';
  #hasTold = false;
  #answered = 0;
  #failed = 0;
  #refused = 0;

  constructor(options: StoreGuardOptions) {
    this.#options = options;
    this.deadline = options.deadline ?? STORE_DEADLINE;
    this.#maxOutstanding = options.maxOutstanding ?? 256;
  }

  /** Whether a call would be made now, other than to see whether the store is there again. */
  get hasRoom(): boolean {
    return this.#inARow < PATIENCE && this.#hasPlace(this.#options.clock.now());
  }

  /** What the store answers, or `undefined` when it does not. Never rejects. What answers at once has no place among those out. */
  async ask<T>(
    question: (call: StoreCall) => T | PromiseLike<T>,
  ): Promise<{ readonly answer: T } | undefined> {
    const { clock } = this.#options;
    if (!this.#mayAsk(clock.now())) {
      this.#refused += 1;
      this.#tell();
      return undefined;
    }
    const abort = new AbortController();
    const asked = this.#put(question, { deadline: this.deadline, signal: abort.signal });
    const outcome = await (asked instanceof Promise ? this.#within(abort, asked) : asked);
    if (outcome !== undefined && 'answer' in outcome) {
      this.#hasAnswered();
      return outcome;
    }
    this.#hasFailed(outcome === undefined ? `no answer within ${this.deadline} ms` : kindOf(outcome.error));
    return undefined;
  }

  info(): StoreGuardInfo {
    return {
      state: this.#inARow >= PATIENCE ? 'gone' : 'answering',
      outstanding: this.#outstanding.size,
      answered: this.#answered,
      failed: this.#failed,
      refused: this.#refused,
    };
  }

  #put<T>(
    question: (call: StoreCall) => T | PromiseLike<T>,
    call: StoreCall,
  ): Outcome<T> | Promise<Outcome<T>> {
    const place = { since: this.#options.clock.now() };
    this.#outstanding.add(place);
    const over = (outcome: Outcome<T>): Outcome<T> => {
      this.#outstanding.delete(place);
      return outcome;
    };
    try {
      const answer = question(call);
      if (!isThenable(answer)) return over({ answer });
      const later = new Promise<T>((resolve) => resolve(answer));
      return later.then(
        (value) => over({ answer: value }),
        (error: unknown) => over({ error }),
      );
    } catch (error) {
      return over({ error });
    }
  }

  async #within<T>(abort: AbortController, asked: Promise<T>): Promise<T | undefined> {
    const { clock } = this.#options;
    let timer: unknown;
    const late = new Promise<undefined>((resolve) => {
      // Answers that came while this thread was busy lie unread when its timers fire: they are read before the second.
      timer = clock.setTimeout(() => {
        timer = clock.setTimeout(() => resolve(undefined), 0);
      }, this.deadline);
    });
    const outcome = await Promise.race([asked, late]);
    clock.clearTimeout(timer);
    if (outcome === undefined) abort.abort();
    return outcome;
  }

  #mayAsk(now: number): boolean {
    if (!this.#hasPlace(now)) return false;
    if (this.#inARow < PATIENCE) return true;
    if (now - this.#probedAt < BETWEEN_PROBES) return false;
    this.#probedAt = now;
    return true;
  }

  #hasPlace(now: number): boolean {
    if (this.#outstanding.size >= this.#maxOutstanding) this.#forgetLost(now);
    return this.#outstanding.size < this.#maxOutstanding;
  }

  #forgetLost(now: number): void {
    for (const place of this.#outstanding) {
      if (now - place.since < LOST) return;
      this.#outstanding.delete(place);
    }
  }

  #hasAnswered(): void {
    this.#answered += 1;
    this.#inARow = 0;
    if (!this.#hasTold) return;
    this.#hasTold = false;
    this.#options.logger.info({ store: this.#options.store }, 'a store answers again');
  }

  #hasFailed(why: string): void {
    this.#failed += 1;
    this.#inARow += 1;
    this.#why = why;
    this.#tell();
  }

  #tell(): void {
    this.#failedSinceTold += 1;
    const now = this.#options.clock.now();
    if (now - this.#toldAt < BETWEEN_LINES) return;
    const { store, logger } = this.#options;
    logger.warn(
      { store, why: this.#why, calls: this.#failedSinceTold },
      'a store does not answer: handshakes are full ones',
    );
    this.#toldAt = now;
    this.#failedSinceTold = 0;
    this.#hasTold = true;
  }
}

/**
 * The kind of an error, never its text: Redis repeats the arguments of a command that it does not know, and they are
 * secrets. `OOM`, `LOADING`, `ECONNREFUSED` stand in the code or are the first word; else there is the class.
 */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an error';
  if (error instanceof Nonsense) return error.message;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    /^[A-Z][A-Z_0-9]{1,30}$/.exec(code)?.[0] ??
    /^[A-Z]{2,20}(?=\s)/.exec(error.message)?.[0] ??
    error.constructor.name
  );
}
