/**
 * The limits on a listener's unfinished handshakes: how many connections may be between accept and established, all
 * together and from one address, and which one is given up for a newcomer when there are too many.
 *
 * First to be given up is the connection whose peer has been silent longest: an honest client has sent its ClientHello
 * after one round trip, so connections that are opened and left silent keep nobody out. When all have sent theirs, the
 * one is given up that has owed the rest of its handshake longest. A handshake that waits for us (for a signature or a
 * verdict) is never given up.
 *
 * Whose handshake has failed is out of the house, and lingers until its peer has read the alert. As many may linger as
 * may be inside; beyond that the one that does so longest is hurried out, since a stranger need not leave.
 */

import type { Transport } from '../transport/transport.js';
import { addressGroup } from './address-group.js';
import type { HandshakeMemory } from './handshake-memory.js';
import { type Displacement, Place, type Stage } from './place.js';
import type { Tally } from './tally.js';

/** The listener's options. */
export interface DoorLimits {
  readonly maxHandshakes: number;
  readonly maxHandshakesPerAddress: number | 'infinity';
}

/** Who was sent away, and why. */
export interface DoorCounters {
  /** Closed at once because `maxHandshakes` were under way and none of them was to blame. */
  readonly refusedHandshakes: number;
  /** Closed at once because their address had its share and none of its handshakes was to blame. */
  readonly refusedAddress: number;
  /** Unfinished handshakes given up for a newcomer: the house was full. */
  readonly displacedFull: number;
  /** Unfinished handshakes given up for another of the same address, which had its share. */
  readonly displacedShare: number;
  /** Unfinished handshakes given up for the bytes that they held. */
  readonly displacedMemory: number;
  /** Bytes that unfinished handshakes hold now. */
  readonly heldBytes: number;
}

export class Door {
  readonly #limits: DoorLimits;
  readonly #tally: Tally;
  readonly #memory: HandshakeMemory;
  /** Unfinished ones, and those of them whose peers we wait for, the longest first. */
  readonly #inside: Set<Place> = new Set();
  readonly #silent: Set<Place> = new Set();
  readonly #talking: Set<Place> = new Set();
  readonly #groups: Map<string, Set<Place>> = new Map();
  /** Failed, and still there; the longest first. */
  readonly #lingering: Set<Place> = new Set();
  #refusedHandshakes = 0;
  #refusedAddress = 0;
  #displacedFull = 0;
  #displacedShare = 0;

  constructor(limits: DoorLimits, tally: Tally, memory: HandshakeMemory) {
    this.#limits = limits;
    this.#tally = tally;
    this.#memory = memory;
  }

  /** Of `listenerCounters` what the door counts. */
  counters(): DoorCounters {
    return {
      refusedHandshakes: this.#refusedHandshakes,
      refusedAddress: this.#refusedAddress,
      displacedFull: this.#displacedFull,
      displacedShare: this.#displacedShare,
      displacedMemory: this.#memory.displaced,
      heldBytes: this.#memory.held,
    };
  }

  /** A place for a newcomer, or `undefined`: it has to be sent away. */
  admit(transport: Transport): Place | undefined {
    const group = addressGroup(transport);
    if (!this.#hasShare(group)) {
      this.#refusedAddress += 1;
      return undefined;
    }
    if (!this.#hasRoom()) {
      this.#refusedHandshakes += 1;
      return undefined;
    }
    const place = new Place(transport, { tally: this.#tally, memory: this.#memory, door: this }, group);
    this.#enter(place);
    return place;
  }

  /** @internal A place has come to another stage. */
  moved(place: Place, from: Stage): void {
    this.#waiters(from)?.delete(place);
    this.#waiters(place.stage)?.add(place);
    switch (place.stage) {
      case 'established':
        this.#leave(place);
        return;
      case 'failed':
        this.#leave(place);
        this.#linger(place);
        return;
      case 'gone':
        this.#lingering.delete(place);
        return;
      default:
    }
  }

  #hasShare(group: string | undefined): boolean {
    const { maxHandshakesPerAddress: share } = this.#limits;
    const ofGroup = group === undefined ? undefined : this.#groups.get(group);
    if (share === 'infinity' || ofGroup === undefined || ofGroup.size < share) return true;
    if (!displace(first(ofGroup, 'silent') ?? first(ofGroup, 'talking'), 'share')) return false;
    this.#displacedShare += 1;
    return true;
  }

  #hasRoom(): boolean {
    if (this.#inside.size < this.#limits.maxHandshakes) return true;
    const [oldest] = this.#silent.size > 0 ? this.#silent : this.#talking;
    if (!displace(oldest, 'full')) return false;
    this.#displacedFull += 1;
    return true;
  }

  #enter(place: Place): void {
    this.#inside.add(place);
    const { group } = place;
    if (group === undefined) return;
    const ofGroup = this.#groups.get(group);
    if (ofGroup === undefined) this.#groups.set(group, new Set([place]));
    else ofGroup.add(place);
  }

  #leave(place: Place): void {
    this.#inside.delete(place);
    const { group } = place;
    const ofGroup = group === undefined ? undefined : this.#groups.get(group);
    ofGroup?.delete(place);
    if (group !== undefined && ofGroup?.size === 0) this.#groups.delete(group);
  }

  #linger(place: Place): void {
    this.#lingering.add(place);
    if (this.#lingering.size <= this.#limits.maxHandshakes) return;
    const [longest] = this.#lingering;
    if (longest === undefined) return;
    this.#lingering.delete(longest);
    longest.hurry();
  }

  #waiters(stage: Stage): Set<Place> | undefined {
    return stage === 'silent' ? this.#silent : stage === 'talking' ? this.#talking : undefined;
  }
}

/** The first to come of those at a stage. */
function first(places: Iterable<Place>, stage: Stage): Place | undefined {
  for (const place of places) if (place.stage === stage) return place;
  return undefined;
}

function displace(place: Place | undefined, why: Displacement): boolean {
  place?.displace(why);
  return place !== undefined;
}
