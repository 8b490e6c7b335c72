/**
 * Counts of connections: of one listener, of a node's servers, of its clients. Counting is an addition; the bytes of
 * open connections are asked of their transports when somebody wants to know.
 */
import type { Place } from './place.js';

/** What became of connections. */
export interface ConnectionCounters {
  /** Handshakes under way. */
  readonly handshakes: number;
  /** Handshakes that succeeded, ever. */
  readonly established: number;
  /**
   * Handshakes that failed, ever, by reason: `timeout`, `closed`, `displaced_full`, `displaced_share`,
   * `displaced_memory`, the reason of an alert of ours, `peer_` and the name of an alert of the peer's.
   */
  readonly failed: Readonly<Record<string, number>>;
  /** Established connections that are there. */
  readonly live: number;
  /** Bytes of the transports, those of connections that have ended too. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export class Tally {
  readonly #above: Tally | undefined;
  readonly #present: Set<Place> = new Set();
  readonly #failed: Map<string, number> = new Map();
  #handshakes = 0;
  #established = 0;
  #live = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  /** Called when nobody is there any more. */
  onEmpty: (() => void) | undefined = undefined;

  /** `above`: counts the same once more. */
  constructor(above?: Tally) {
    this.#above = above;
  }

  /** Those who are there: waiting, in their handshake, established. */
  get present(): ReadonlySet<Place> {
    return this.#present;
  }

  /** Of `listenerCounters` and `nodeCounters` what connections count. */
  counters(): ConnectionCounters {
    let { bytesIn, bytesOut } = { bytesIn: this.#bytesIn, bytesOut: this.#bytesOut };
    for (const { transport } of this.#present) {
      const { recvOct, sendOct } = transport.statistics();
      bytesIn += recvOct;
      bytesOut += sendOct;
    }
    return {
      handshakes: this.#handshakes,
      established: this.#established,
      failed: Object.fromEntries(this.#failed),
      live: this.#live,
      bytesIn,
      bytesOut,
    };
  }

  came(place: Place): void {
    this.#present.add(place);
    this.#above?.came(place);
  }

  /** Somebody has accepted it: its handshake counts from now on. */
  began(): void {
    this.#handshakes += 1;
    this.#above?.began();
  }

  succeeded(): void {
    this.#handshakes -= 1;
    this.#established += 1;
    this.#live += 1;
    this.#above?.succeeded();
  }

  failed(reason: string): void {
    this.#handshakes -= 1;
    this.#failed.set(reason, (this.#failed.get(reason) ?? 0) + 1);
    this.#above?.failed(reason);
  }

  /** An established connection has ended. */
  ended(): void {
    this.#live -= 1;
    this.#above?.ended();
  }

  left(place: Place): void {
    const { recvOct, sendOct } = place.transport.statistics();
    this.#bytesIn += recvOct;
    this.#bytesOut += sendOct;
    this.#present.delete(place);
    this.#above?.left(place);
    if (this.#present.size === 0) this.onEmpty?.();
  }
}
