/**
 * The peers of one UDP socket: found by address, and those that have a connection ID by that, wherever they are (RFC 9146
 * §3). Several may be at one address; there the newcomer is found, and the others by their IDs.
 */
import { ConnectionIds } from '../transport/connection-ids.js';
import type { DatagramSocket } from '../transport/datagram.js';
import type { PathHost } from '../transport/peer-paths.js';
import { PeerTransport } from '../transport/peer-transport.js';
import type { Address } from '../transport/transport.js';

/** A peer, until it has left. */
export class Peer implements PathHost {
  readonly transport: PeerTransport;
  /** Random of the hello that it came with: another one is a new beginning. */
  readonly random: string;
  readonly #peers: Peers;
  /** It has a connection ID, and may come from anywhere. */
  #isOpen = false;

  constructor(peers: Peers, socket: DatagramSocket, from: Address, random: string, left: () => void) {
    this.#peers = peers;
    this.random = random;
    this.transport = new PeerTransport(
      socket,
      from,
      () => {
        peers.forget(this);
        left();
      },
      this,
    );
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  issueId(): Uint8Array {
    return this.#peers.issueTo(this);
  }

  retireId(id: Uint8Array): void {
    this.#peers.retireId(this, id);
  }

  opened(): void {
    this.#isOpen = true;
  }

  moved(from: Address, to: Address): void {
    this.#peers.move(this, from, to);
  }
}

export class Peers {
  readonly #byPlace: Map<string, Peer> = new Map();
  readonly #ids: ConnectionIds<Peer>;
  readonly #all: Set<Peer> = new Set();

  /** `idLength`: bytes of the connection IDs that peers are given; 0: none. */
  constructor(random: (length: number) => Uint8Array, idLength: number) {
    this.#ids = new ConnectionIds(random, idLength);
  }

  get size(): number {
    return this.#all.size;
  }

  counts(): { readonly peers: number; readonly places: number; readonly ids: number } {
    return { peers: this.#all.size, places: this.#byPlace.size, ids: this.#ids.size };
  }

  /** IDs of another length, as soon as nobody has one. */
  resizeIds(length: number): void {
    this.#ids.resize(length);
  }

  /** Whose ID a datagram begins with. */
  byId(datagram: Uint8Array): Peer | undefined {
    return this.#ids.holderOf(datagram);
  }

  /** `place`: `placeOf` its address. */
  at(place: string): Peer | undefined {
    return this.#byPlace.get(place);
  }

  /**
   * A newcomer has its address, and ends who was there before (RFC 6347 §4.2.8), but for who is found by an ID: that one may
   * be elsewhere by now, and somebody else here.
   */
  add(peer: Peer): void {
    const place = placeOf(peer.transport.paths.current);
    const before = this.#byPlace.get(place);
    if (before !== undefined && !before.isOpen) {
      this.forget(before);
      before.transport.lost(undefined);
    }
    this.#byPlace.set(place, peer);
    this.#all.add(peer);
  }

  /** It has left. */
  forget(peer: Peer): void {
    this.#all.delete(peer);
    this.#ids.retire(peer);
    this.#leave(peer, peer.transport.paths.current);
  }

  /** The socket is gone. */
  lost(reason: string | undefined): void {
    for (const peer of [...this.#all]) {
      this.forget(peer);
      peer.transport.lost(reason);
    }
  }

  /** Who has left gets none. */
  issueTo(peer: Peer): Uint8Array {
    return this.#all.has(peer) ? this.#ids.issue(peer) : new Uint8Array(0);
  }

  /** One of a peer's is nobody's any more. */
  retireId(peer: Peer, id: Uint8Array): void {
    this.#ids.retireOne(peer, id);
  }

  /** An address where somebody else has come meanwhile stays that one's. */
  move(peer: Peer, from: Address, to: Address): void {
    if (!this.#all.has(peer)) return;
    this.#leave(peer, from);
    if (!this.#byPlace.has(placeOf(to))) this.#byPlace.set(placeOf(to), peer);
  }

  #leave(peer: Peer, from: Address): void {
    if (this.#byPlace.get(placeOf(from)) === peer) this.#byPlace.delete(placeOf(from));
  }
}

/** An address in one spelling. */
export function placeOf({ address, port }: Address): string {
  return `${address}|${port}`;
}
