/**
 * Where one peer of a datagram socket is: its address, and another that it may have moved to, which is sent copies as far as
 * the anti-amplification limit allows (RFC 9853 §5). Who moves is the protocol's to say.
 */
import { samePath } from '../../values/path.js';
import type { DatagramSocket } from './datagram.js';
import type { Address, TransportPaths } from './transport.js';
import type { UnprovedAddress } from './unproved-address.js';

/** Whoever has the socket. */
export interface PathHost {
  /** A connection ID for the peer; empty where there are none. */
  issueId(): Uint8Array;
  /** It is nobody's any more. */
  retireId(id: Uint8Array): void;
  /** The peer may come from anywhere, by its ID. */
  opened(): void;
  moved(from: Address, to: Address): void;
}

/** Of a peer that has no connection ID, and so does not move. */
export const stationary: PathHost = {
  issueId: () => new Uint8Array(0),
  retireId: ignore,
  opened: ignore,
  moved: ignore,
};

export class PeerPaths implements TransportPaths {
  readonly #socket: DatagramSocket;
  readonly #host: PathHost;
  #current: Address;
  #other: { readonly path: Address; allowance: number } | undefined = undefined;
  #own: Uint8Array | undefined = undefined;
  /** As long as nothing has shown that the peer is where it is. */
  unproved: UnprovedAddress | undefined = undefined;

  constructor(socket: DatagramSocket, current: Address, host: PathHost) {
    this.#socket = socket;
    this.#current = current;
    this.#host = host;
  }

  get current(): Address {
    return this.#current;
  }

  ownId(): Uint8Array {
    this.#own ??= this.#host.issueId();
    return this.#own;
  }

  issue(): Uint8Array {
    return this.#host.issueId();
  }

  retire(id: Uint8Array): void {
    this.#host.retireId(id);
  }

  /** To where the peer is, and to where it may be. */
  send(piece: Uint8Array, drained: () => void): boolean {
    if (this.unproved?.takes(piece.length) === false) return true;
    const taken = this.#socket.send(piece, this.#current, drained);
    this.#sendOther(piece);
    return taken;
  }

  writeTo(pieces: readonly Uint8Array[], path: Address): void {
    for (const piece of pieces) {
      if (isSame(path, this.#other?.path)) this.#sendOther(piece);
      else this.#socket.send(piece, path, ignore);
    }
  }

  proved(): void {
    const { unproved } = this;
    this.unproved = undefined;
    unproved?.proved();
  }

  open(): void {
    this.#host.opened();
  }

  follow(path: Address): void {
    const from = this.#current;
    this.#current = path;
    this.#other = undefined;
    this.#host.moved(from, path);
  }

  allow(path: Address, bytes: number): void {
    if (this.#other !== undefined && isSame(path, this.#other.path)) this.#other.allowance += bytes;
    else this.#other = { path, allowance: bytes };
  }

  forget(): void {
    this.#other = undefined;
  }

  #sendOther(piece: Uint8Array): void {
    const other = this.#other;
    if (other === undefined || piece.length > other.allowance) return;
    other.allowance -= piece.length;
    this.#socket.send(piece, other.path, ignore);
  }
}

function isSame(one: Address, other: Address | undefined): boolean {
  return other !== undefined && samePath(one, other);
}

function ignore(): void {}
