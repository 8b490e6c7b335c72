/**
 * Peers that were let in for their early data, without a cookie (RFC 9147 §5.1): so many at once, and each for so long, since
 * nothing has shown that they are where they say. Who comes when there are enough is asked for a cookie, as all others are.
 *
 * One that leaves, or is turned away, without having proved anything has its place for as long: whoever makes up addresses is
 * let in at that rate and no faster, however soon it fails.
 */
import type { Clock } from '@actor-tls/runtime';
import { UnprovedAddress } from '../transport/unproved-address.js';
import type { Peer } from './peers.js';

const mostPeers = 32;
/** ms from our first answer: time for the peer's, and for what gets lost to go out again. */
const patience = 10_000;

export class UnprovedPeers {
  readonly #clock: Clock;
  /** With the timer that each has since it was answered, or has left. */
  readonly #places: Map<Peer, unknown> = new Map();
  readonly #expired: (peer: Peer) => void;

  /** `expired`: called, in no turn, for a peer whose time is over, be it there or not. */
  constructor(clock: Clock, expired: (peer: Peer) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  get size(): number {
    return this.#places.size;
  }

  get isFull(): boolean {
    return this.#places.size >= mostPeers;
  }

  /** A newcomer, from whom nothing has been taken yet. */
  add(peer: Peer): void {
    this.#places.set(peer, undefined);
    peer.transport.paths.unproved = new UnprovedAddress(
      () => this.#begin(peer),
      () => this.#free(peer),
    );
  }

  /** It has left. */
  left(peer: Peer): void {
    this.#begin(peer);
  }

  /** Nobody is let in any more. */
  clear(): void {
    for (const peer of [...this.#places.keys()]) this.#free(peer);
  }

  #begin(peer: Peer): void {
    if (!this.#places.has(peer) || this.#places.get(peer) !== undefined) return;
    const over = (): void => {
      this.#places.delete(peer);
      this.#expired(peer);
    };
    this.#places.set(peer, this.#clock.setTimeout(over, patience));
  }

  #free(peer: Peer): void {
    const timer = this.#places.get(peer);
    if (timer !== undefined) this.#clock.clearTimeout(timer);
    this.#places.delete(peer);
  }
}
