/**
 * Datagrams over a network in memory: each is late, lost or doubled by the network's whims, and so they arrive in any
 * order. Nothing here reads another clock than the injected one.
 */
import type { TransportOptions } from '../../options/config.js';
import { hostName } from '../../values/host-name.js';
import type { Result } from '../../values/terms.js';
import type { DatagramProvider, DatagramReceiver, DatagramSocket } from './datagram.js';
import type { NetworkClock } from './simulated.js';
import type { Address } from './transport.js';

export interface DatagramTraits {
  /** A number in [0, 1); the only source of chance. */
  readonly random: () => number;
  /** Shortest and longest time of a datagram, ms. */
  readonly delay: readonly [number, number];
  /** Chance that one is lost. */
  readonly loss?: number | undefined;
  /** Chance that one arrives twice. */
  readonly doubling?: number | undefined;
}

/** Hosts that exist in simulated networks; all others are `nxdomain`. */
export const hosts: ReadonlySet<string> = new Set([
  'localhost',
  '127.0.0.1',
  '::1',
  'server.test',
  'client.test',
]);
const here = '127.0.0.1';

export class SimulatedDatagrams implements DatagramProvider {
  readonly #clock: NetworkClock;
  readonly #traits: DatagramTraits;
  /** Open sockets by port; a simulation that is over has none. */
  readonly sockets: Map<number, SimulatedDatagramSocket> = new Map();
  #nextPort = 49_152;

  constructor(clock: NetworkClock, traits: DatagramTraits) {
    this.#clock = clock;
    this.#traits = traits;
  }

  async open(
    port: number,
    _options: TransportOptions,
    receiver: DatagramReceiver,
  ): Promise<Result<DatagramSocket>> {
    return this.#open(port, undefined, receiver);
  }

  async connect(
    host: string,
    port: number,
    _options: TransportOptions,
    receiver: DatagramReceiver,
  ): Promise<Result<{ readonly socket: DatagramSocket; readonly peer: Address }>> {
    if (!hosts.has(hostName(host) ?? host)) return { error: 'nxdomain' };
    const peer = { address: here, port };
    const socket = this.#open(0, port, receiver);
    return 'error' in socket ? socket : { ok: { socket: socket.ok, peer } };
  }

  /** A NAT has whoever speaks from a port speak from another one: what is sent to the old one is lost. Answers the new one. */
  move(port: number): number {
    const socket = this.sockets.get(port);
    if (socket === undefined) throw new RangeError(`nobody is at port ${port}`);
    const to = this.#nextPort++;
    this.sockets.delete(port);
    this.sockets.set(to, socket);
    socket.move(to);
    return to;
  }

  /** @internal A datagram is on its way. */
  carry(datagram: Uint8Array, from: number, to: number): void {
    const { random, loss = 0, doubling = 0 } = this.#traits;
    if (random() < loss) return;
    this.#deliver(datagram, from, to);
    if (random() < doubling) this.#deliver(datagram, from, to);
  }

  #deliver(datagram: Uint8Array, from: number, to: number): void {
    const { delay, random } = this.#traits;
    const [shortest, longest] = delay;
    const after = shortest + Math.floor(random() * (longest - shortest + 1));
    const bytes = new Uint8Array(datagram);
    this.#clock.setTimeout(() => this.sockets.get(to)?.arrived(bytes, from), after);
  }

  #open(port: number, peer: number | undefined, receiver: DatagramReceiver): Result<SimulatedDatagramSocket> {
    if (this.sockets.has(port)) return { error: 'eaddrinuse' };
    const own = port === 0 ? this.#nextPort++ : port;
    const socket = new SimulatedDatagramSocket(this, own, peer, receiver);
    this.sockets.set(own, socket);
    return { ok: socket };
  }
}

class SimulatedDatagramSocket implements DatagramSocket {
  readonly backlog = 0;
  readonly #network: SimulatedDatagrams;
  #port: number;
  readonly #peer: number | undefined;
  readonly #receiver: DatagramReceiver;

  constructor(
    network: SimulatedDatagrams,
    port: number,
    peer: number | undefined,
    receiver: DatagramReceiver,
  ) {
    this.#network = network;
    this.#port = port;
    this.#peer = peer;
    this.#receiver = receiver;
  }

  move(port: number): void {
    this.#port = port;
  }

  arrived(datagram: Uint8Array, from: number): void {
    if (this.#peer === undefined || this.#peer === from)
      this.#receiver.onDatagram(datagram, { address: here, port: from });
  }

  send(datagram: Uint8Array, to: Address): boolean {
    if (this.#isOpen) this.#network.carry(datagram, this.#port, to.port);
    return true;
  }

  sockname(): Result<Address> {
    return this.#isOpen ? { ok: { address: here, port: this.#port } } : { error: 'einval' };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#network.sockets.delete(this.#port);
    queueMicrotask(() => this.#receiver.onSocketClosed(undefined));
  }

  get #isOpen(): boolean {
    return this.#network.sockets.get(this.#port) === this;
  }
}
