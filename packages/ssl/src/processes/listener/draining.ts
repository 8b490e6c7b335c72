/**
 * `drain`: the end of a listener that lets its connections finish. No new ones are taken, and those that are still open
 * at the deadline are ended with close_notify.
 */
import type { From, Self, Stop } from '@actor-tls/runtime';
import { connectionRequests } from '../connection/connection-requests.js';
import type { Tally } from './tally.js';

/** How a listener was drained. */
export interface DrainResult {
  /** Connections that ended by themselves. */
  readonly finished: number;
  /** Connections that were there at the deadline, and were told close_notify. */
  readonly closed: number;
}

/** Who is told, in a turn of its process, that everybody has left. */
export interface Drainable {
  drained(): Stop<unknown> | undefined;
}

/** The time of a drain is over. */
export class DrainDeadline {
  readonly draining: Drain;

  constructor(draining: Drain) {
    this.draining = draining;
  }
}

/** ms that a goodbye may take; the connection itself waits no longer for its sender. */
const goodbyePatience = 6000;

export class Drain {
  readonly #self: Self;
  readonly #listener: Drainable;
  readonly #tally: Tally;
  readonly #waiting: From<{ readonly ok: DrainResult }>[] = [];
  readonly #present: number;
  #closed = 0;
  #late = false;

  constructor(self: Self, listener: Drainable, tally: Tally) {
    this.#self = self;
    this.#listener = listener;
    this.#tally = tally;
    this.#present = tally.present.size;
    tally.onEmpty = () => this.#tellEnd();
  }

  /** Nobody is there. */
  get isOver(): boolean {
    return this.#tally.present.size === 0;
  }

  /** The deadline is over: who comes to life now comes too late. */
  get late(): boolean {
    return this.#late;
  }

  /** Somebody waits for the end. Of several deadlines the first counts. */
  wait(from: From<{ readonly ok: DrainResult }>, deadline: number | 'infinity'): void {
    this.#waiting.push(from);
    if (deadline !== 'infinity') this.#self.sendAfter(deadline, this.#self.pid, new DrainDeadline(this));
  }

  /** The deadline: says goodbye to all who are there. */
  sendAway(): void {
    if (this.#late) return;
    this.#late = true;
    const { node } = this.#self;
    const occupants = [...this.#tally.present].flatMap(({ occupant }) => occupant ?? []);
    this.#closed = occupants.length;
    const goodbyes = occupants.map(({ pid }) =>
      connectionRequests.askOr(node, pid, { type: 'close' }, () => undefined, goodbyePatience),
    );
    void Promise.all(goodbyes).then(() => this.#tellEnd());
  }

  result(): { readonly ok: DrainResult } {
    return { ok: { finished: this.#present - this.#closed, closed: this.#closed } };
  }

  answer(): void {
    for (const from of this.#waiting.splice(0)) from.reply(this.result());
  }

  #tellEnd(): void {
    const { node, pid } = this.#self;
    node.ioTurn(pid, drainedTurn, this.#listener, undefined);
  }
}

function drainedTurn(listener: Drainable): Stop<unknown> | undefined {
  return listener.drained();
}
