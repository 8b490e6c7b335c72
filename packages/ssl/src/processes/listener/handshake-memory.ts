/**
 * A budget of bytes that unfinished handshakes may hold together: one for each listener, and above them one for the
 * node. The handshake that holds most is given up first. An honest hello comes in one piece or two and holds little, so
 * it is never given up while there are large messages of which only a part was sent.
 */
import type { Place } from './place.js';

export class HandshakeMemory {
  readonly #limit: number;
  readonly #above: HandshakeMemory | undefined;
  readonly #holders: Set<Place> = new Set();
  #held = 0;
  #displaced = 0;

  /** `limit`: bytes; `above`: a budget that counts the same bytes once more. */
  constructor(limit: number, above?: HandshakeMemory) {
    this.#limit = limit;
    this.#above = above;
  }

  /** Bytes held now. */
  get held(): number {
    return this.#held;
  }

  /** Handshakes given up so far for what they held. */
  get displaced(): number {
    return this.#displaced;
  }

  /** A place holds other than `before`. Gives up the largest until the rest fits. */
  changed(place: Place, before: number): void {
    this.#count(place, before);
    while (this.#held > this.#limit) {
      this.#displaced += 1;
      this.#largest()?.displace('memory');
    }
    // What was given up here has told the budget above by itself.
  }

  #count(place: Place, before: number): void {
    this.#held += place.held - before;
    if (place.held > 0) this.#holders.add(place);
    else this.#holders.delete(place);
    this.#above?.changed(place, before);
  }

  #largest(): Place | undefined {
    let largest: Place | undefined;
    for (const place of this.#holders)
      if (largest === undefined || place.held > largest.held) largest = place;
    return largest;
  }
}
