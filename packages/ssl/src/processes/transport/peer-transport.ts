/**
 * One peer's datagrams as a transport: each chunk and each piece is a datagram. It has no end that the peer could see, and
 * what nobody reads in time is dropped, as datagrams may be.
 */
import type { CookieSealer } from '../../protocol/settings.js';
import type { Result } from '../../values/terms.js';
import type { DatagramSocket } from './datagram.js';
import { type PathHost, PeerPaths, stationary } from './peer-paths.js';
import type { Address, Transport, TransportReceiver, TransportStatistics } from './transport.js';
import { TransportCounters } from './transport.js';

/** Bytes that wait for a connection that does not read, and for one that nobody has accepted. */
const waitingLimit = 65_536;
const unacceptedLimit = 8192;
/** What a datagram that waits costs besides its bytes. */
const datagramCost = 128;

export class PeerTransport implements Transport {
  readonly datagrams = true;
  readonly paths: PeerPaths;
  /** Of DTLS 1.3. */
  cookies: CookieSealer | undefined = undefined;
  roundTrip: number | undefined = undefined;
  readonly #socket: DatagramSocket;
  readonly #gone: () => void;
  readonly #counters: TransportCounters = new TransportCounters();
  readonly #drained: () => void = () => this.#receiver?.onDrain();
  #receiver: TransportReceiver | undefined = undefined;
  #waiting: { readonly datagram: Uint8Array; readonly from: Address | undefined }[] = [];
  #bytes = 0;
  #paused = true;
  #closed = false;

  /** `gone`: called once it is closed. `host`: gives connection IDs out and hears where the peer goes. */
  constructor(socket: DatagramSocket, peer: Address, gone: () => void, host: PathHost = stationary) {
    this.#socket = socket;
    this.paths = new PeerPaths(socket, peer, host);
    this.#gone = gone;
  }

  /** A datagram of the peer, from the event loop. An empty one holds nothing of DTLS. */
  arrived(datagram: Uint8Array, from?: Address): void {
    if (this.#closed || datagram.length === 0) return;
    this.paths.unproved?.came(datagram.length);
    const cost = datagram.length + datagramCost;
    if (this.#receiver !== undefined && !this.#paused) {
      this.#counters.received(datagram.length);
      this.#receiver.onChunk(datagram, false, from);
    } else if (this.#bytes + cost <= (this.#receiver ? waitingLimit : unacceptedLimit)) {
      this.#waiting.push({ datagram, from });
      this.#bytes += cost;
    }
  }

  /** The socket is gone, or the peer has begun anew. */
  lost(reason: string | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#receiver?.onClosed(reason);
  }

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver;
    if (this.#closed) queueMicrotask(() => receiver.onClosed(undefined));
    else this.resume();
  }

  write(pieces: readonly Uint8Array[]): boolean {
    if (this.#closed) return true;
    let taken = true;
    for (const piece of pieces) {
      this.#counters.sent(piece.length);
      taken = this.paths.send(piece, this.#drained) && taken;
    }
    return taken;
  }

  get backlog(): number {
    return this.#socket.backlog;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.#waiting.length > 0) queueMicrotask(() => this.#catchUp());
  }

  end(): void {}

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#gone();
    const receiver = this.#receiver;
    if (receiver !== undefined) queueMicrotask(() => receiver.onClosed(undefined));
  }

  peername(): Result<Address> {
    return this.#closed ? { error: 'einval' } : { ok: this.paths.current };
  }

  sockname(): Result<Address> {
    return this.#closed ? { error: 'einval' } : this.#socket.sockname();
  }

  setOptions(): 'einval' {
    return 'einval';
  }

  getOption(): Result<unknown> {
    return { error: 'einval' };
  }

  statistics(): TransportStatistics {
    return this.#counters.statistics(this.backlog);
  }

  release(): never {
    throw new TypeError('a peer of a datagram socket has no socket of its own');
  }

  #catchUp(): void {
    while (!this.#paused && !this.#closed) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const { datagram, from } = next;
      this.#bytes -= datagram.length + datagramCost;
      this.#counters.received(datagram.length);
      this.#receiver?.onChunk(datagram, false, from);
    }
  }
}
