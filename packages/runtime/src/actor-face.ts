/**
 * Those who observe a process through xstate's API: subscribers of its snapshots and listeners of what a
 * hosted machine emits. Theirs is user code: it runs from the scheduler, and what it throws is logged.
 */
import type { EventObject, Observer, Snapshot, Subscription } from 'xstate';
import type { Logger } from './logger.js';

/** A process as xstate sees it. `context` is a gen-server's state, a machine's context, … */
export type ProcessSnapshot = Snapshot<unknown> & { readonly context?: unknown };

/** Observers and listeners of one process. */
export class ActorFace {
  readonly #logger: Logger;
  readonly #observers = new Set<Observer<ProcessSnapshot>>();
  readonly #listeners = new Map<string, Set<(event: EventObject) => void>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get observed(): boolean {
    return this.#observers.size > 0;
  }

  subscribe(
    next: Observer<ProcessSnapshot> | ((snapshot: ProcessSnapshot) => void) | undefined,
    error: ((error: unknown) => void) | undefined,
    complete: (() => void) | undefined,
  ): Subscription {
    const observer: Observer<ProcessSnapshot> =
      typeof next === 'object'
        ? next
        : {
            ...(next === undefined ? {} : { next }),
            ...(error === undefined ? {} : { error }),
            ...(complete === undefined ? {} : { complete }),
          };
    this.#observers.add(observer);
    return { unsubscribe: () => this.#observers.delete(observer) };
  }

  on(type: string, handler: (event: EventObject) => void): Subscription {
    let listeners = this.#listeners.get(type);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(type, listeners);
    }
    const own = (event: EventObject): void => handler(event);
    listeners.add(own);
    return { unsubscribe: () => listeners.delete(own) };
  }

  next(snapshot: ProcessSnapshot): void {
    for (const observer of this.#observers) this.#safely(() => observer.next?.(snapshot));
  }

  emit(event: EventObject): void {
    for (const type of [event.type, '*']) {
      for (const listener of this.#listeners.get(type) ?? []) this.#safely(() => listener(event));
    }
  }

  /** The last word to all observers. */
  end(snapshot: ProcessSnapshot): void {
    const observers = [...this.#observers];
    this.#observers.clear();
    this.#listeners.clear();
    for (const observer of observers) {
      this.#safely(() => {
        if (snapshot.status === 'error') observer.error?.(snapshot.error);
        else observer.complete?.();
      });
    }
  }

  #safely(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#logger.error({ err: error }, 'an observer of a process threw');
    }
  }
}
