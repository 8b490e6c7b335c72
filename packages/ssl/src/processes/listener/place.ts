/**
 * What is counted of one connection, from its arrival to its end: by which counters, how far its handshake is, how much
 * memory that holds, and which process to tell when the handshake is given up in favour of others.
 */
import type { Pid } from '@actor-tls/runtime';
import type { Transport } from '../transport/transport.js';
import type { Door } from './door.js';
import type { HandshakeMemory } from './handshake-memory.js';
import type { Tally } from './tally.js';

/** How far a connection is. */
export type Stage =
  /** Nobody has accepted it. */
  | 'waiting'
  /** Accepted, and nobody has asked for its handshake. */
  | 'accepted'
  /** Its peer owes a whole hello. */
  | 'silent'
  /** Its peer has said hello and owes the rest. */
  | 'talking'
  /** Something of ours is awaited: a verdict, a signature, a file. */
  | 'ours'
  | 'established'
  /** The handshake has failed. */
  | 'failed'
  | 'gone';

/** Why a handshake is given up: for a newcomer to a full house, for one of its own address, for the bytes it holds. */
export type Displacement = 'full' | 'share' | 'memory';

/** The process in a place. */
export interface Occupant {
  readonly pid: Pid<unknown>;
  /** The place is somebody else's: give the handshake up. */
  displaced(why: Displacement): void;
  /** The handshake has failed, and too many linger after theirs: its peer has had its time. */
  hurried(): void;
}

/** The counters and limits that a connection counts in. */
export interface Books {
  readonly tally: Tally;
  readonly memory: HandshakeMemory;
  /** Who limits the handshakes of a listener; clients and upgrades have come by no door. */
  readonly door: Door | undefined;
}

export class Place {
  readonly transport: Transport;
  /** Whose share it counts to. */
  readonly group: string | undefined;
  readonly #books: Books;
  #stage: Stage = 'waiting';
  #held = 0;
  #occupant: Occupant | undefined = undefined;
  #onHangUp: (() => void) | undefined = undefined;

  constructor(transport: Transport, books: Books, group?: string) {
    this.transport = transport;
    this.group = group;
    this.#books = books;
    books.tally.came(this);
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** Bytes that its unfinished handshake holds. */
  get held(): number {
    return this.#held;
  }

  /** The connection's process, once there is one. */
  get occupant(): Occupant | undefined {
    return this.#occupant;
  }

  /** Somebody has asked for it. */
  accepted(): void {
    if (this.#stage !== 'waiting') return;
    this.#move('accepted');
    this.#books.tally.began();
  }

  taken(occupant: Occupant): void {
    this.#occupant = occupant;
  }

  /** The handshake has come so far and holds so many bytes. */
  progress(stage: 'silent' | 'talking' | 'ours', held: number): void {
    if (!this.#isOpen) return;
    this.#move(stage);
    this.#hold(held);
  }

  established(): void {
    if (!this.#isOpen) return;
    this.#move('established');
    this.#books.tally.succeeded();
  }

  /** The handshake is over; only the first reason counts. */
  failed(reason: string): void {
    if (!this.#isOpen) return;
    const counted = this.#stage !== 'waiting';
    this.#move('failed');
    if (counted) this.#books.tally.failed(reason);
  }

  /** Gives the handshake up; the place is free at once, whatever its process has still to do. */
  displace(why: Displacement): void {
    if (!this.#isOpen) return;
    this.failed(`displaced_${why}`);
    this.#occupant?.displaced(why);
  }

  /** Its handshake has failed, and it has to be gone now. */
  hurry(): void {
    this.#occupant?.hurried();
  }

  /** The connection has ended, whatever way. */
  gone(): void {
    if (this.#stage === 'gone') return;
    this.failed('crashed');
    if (this.#stage === 'established') this.#books.tally.ended();
    this.#move('gone');
    this.#occupant = undefined;
    this.#books.tally.left(this);
    this.hangUp();
  }

  /** The transport has closed; a passive owner may still have to fetch what came. */
  hangUp(): void {
    this.#onHangUp?.();
  }

  /** Settles when the transport closes, or the connection ends in another way. */
  whenHungUp(): Promise<void> {
    if (this.#stage === 'gone') return Promise.resolve();
    return new Promise((resolve) => {
      this.#onHangUp = resolve;
    });
  }

  get #isOpen(): boolean {
    return this.#stage !== 'established' && this.#stage !== 'failed' && this.#stage !== 'gone';
  }

  #move(to: Stage): void {
    const from = this.#stage;
    if (from === to) return;
    this.#stage = to;
    this.#books.door?.moved(this, from);
    if (!this.#isOpen) this.#hold(0);
  }

  #hold(bytes: number): void {
    const before = this.#held;
    if (bytes === before) return;
    this.#held = bytes;
    this.#books.memory.changed(this, before);
  }
}
