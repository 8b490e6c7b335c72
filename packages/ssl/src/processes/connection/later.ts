/** What a connection goes on with in a turn of its own: answers that come later, and work put off. */
import type { Self } from '@actor-tls/runtime';

export class Later<Outcome> {
  readonly #self: Self;
  /** Ends each turn. */
  readonly #settle: () => Outcome;

  constructor(self: Self, settle: () => Outcome) {
    this.#self = self;
    this.#settle = settle;
  }

  /** In a turn of the process. */
  turn(work: () => Outcome | undefined): void {
    this.#self.node.ioTurn(this.#self.pid, run, work, undefined);
  }

  /**
   * Goes on with an answer: now, within the turn that has asked, or in a turn of its own when it comes later. A promise
   * that is rejected is the process's crash.
   */
  goOnWith<T>(answer: T | Promise<T>, goOn: (answer: T) => void): void {
    if (!(answer instanceof Promise)) {
      goOn(answer);
      return;
    }
    answer.then(
      (known) =>
        this.turn(() => {
          goOn(known);
          return this.#settle();
        }),
      (error: unknown) =>
        this.turn(() => {
          throw error;
        }),
    );
  }
}

function run(work: () => unknown): unknown {
  return work();
}
