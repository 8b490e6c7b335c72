/**
 * Peers that were let in for their early data, without a cookie (RFC 9147 §5.1): so many at once, and each for so long, since
 * nothing has shown that they are where they say. Who comes when there are enough is asked for a cookie, as all others are.
 */
import type { Clock } from '@actor-tls/runtime';
import { UnprovedAddress } from '../transport/unproved-address.js';
import type { Peer } from './peers.js';

const mostPeers = 32;
/** ms from our first answer: time for the peer's, and for what gets lost to go out again. */
const patience = 10_000;

export class UnprovedPeers {
  readonly #clock: Clock;
  /** With the timer that each has since it was answered. */
  readonly #timers: Map<Peer, unknown> = new Map();
  readonly #expired: (peer: Peer) => void;

  /** `expired`: called, in no turn, for a peer whose time is over. */
  constructor(clock: Clock, expired: (peer: Peer) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  get size(): number {
    return this.#timers.size;
  }

  get isFull(): boolean {
    return this.#timers.size >= mostPeers;
  }

  /** A newcomer, from whom nothing has been taken yet. */
  add(peer: Peer): void {
    this.#timers.set(peer, undefined);
    peer.transport.paths.unproved = new UnprovedAddress(
      () => this.#begin(peer),
      () => this.remove(peer),
    );
  }

  /** It has proved to be there, or has left. */
  remove(peer: Peer): void {
    const timer = this.#timers.get(peer);
    if (timer !== undefined) this.#clock.clearTimeout(timer);
    this.#timers.delete(peer);
  }

  /** All are gone. */
  clear(): void {
    for (const peer of [...this.#timers.keys()]) this.remove(peer);
  }

  #begin(peer: Peer): void {
    if (this.#timers.has(peer))
      this.#timers.set(
        peer,
        this.#clock.setTimeout(() => this.#expired(peer), patience),
      );
  }
}
