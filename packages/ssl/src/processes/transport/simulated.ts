/**
 * A network in memory for simulations: the same errors as TCP, and all delays, cuts and failures drawn from a given source.
 *
 * Each flight of bytes takes its time by the injected clock, may be cut into pieces, and a connection may break at
 * any moment by chance or by command. Bytes keep their order, as on TCP; nothing here reads another clock.
 */
import type { TransportOptions } from '../../options/config.js';
import { hostName } from '../../values/host-name.js';
import type { Result } from '../../values/terms.js';
import { duplexTransport } from './duplex.js';
import { type DatagramTraits, hosts, SimulatedDatagrams } from './simulated-datagrams.js';
import type {
  AcceptReceiver,
  Address,
  Transport,
  TransportListener,
  TransportProvider,
  TransportReceiver,
  TransportStatistics,
} from './transport.js';
import { TransportCounters } from './transport.js';

/** Timers as the runtime's `Clock` has them. */
export interface NetworkClock {
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  waits?(wait: { describe(): string; readonly over: boolean; fail(error: Error): void }): void;
}

export interface NetworkTraits extends Pick<DatagramTraits, 'loss' | 'doubling'> {
  /** A number in [0, 1); the only source of chance. */
  readonly random: () => number;
  /** Shortest and longest time of a flight, ms. */
  readonly delay: readonly [number, number];
  /** Chance that a flight is cut into pieces. */
  readonly split: number;
  /** Chance per flight that the connection breaks with `econnreset`. */
  readonly cut: number;
  /** Bytes on their way and unread that make `write` say "not yet". */
  readonly window: number;
}

export class SimulatedNetwork implements TransportProvider {
  readonly name = 'simulated';
  readonly datagrams: SimulatedDatagrams;
  readonly #clock: NetworkClock;
  readonly #traits: NetworkTraits;
  readonly #listeners = new Map<number, SimulatedListener>();
  /** Ends that are open; a simulation that is over has none. */
  readonly open: Set<SimulatedTransport> = new Set();
  #nextPort = 32768;
  readonly #cutOff = new Set<string>();
  /** What goes on when a line is mended. */
  #held: (() => void)[] = [];

  constructor(clock: NetworkClock, traits: NetworkTraits) {
    this.#clock = clock;
    this.#traits = traits;
    this.datagrams = new SimulatedDatagrams(clock, traits);
  }

  connect(
    host: string,
    port: number,
    _options: TransportOptions,
    timeout: number | 'infinity',
  ): Promise<Result<Transport>> {
    return new Promise((resolve, reject) => {
      let over = false;
      let timer: unknown;
      const settle = (result: Result<Transport>): void => {
        over = true;
        this.#clock.clearTimeout(timer);
        resolve(result);
      };
      this.#clock.waits?.({
        describe: () => `a connection to ${host}, port ${port}`,
        get over() {
          return over;
        },
        fail: reject,
      });
      this.after(this.#delay(), () => {
        if (over) return;
        const name = hostName(host) ?? host;
        if (hosts.has(name)) this.whenMended(name, () => over || settle(this.#reach(name, port)));
        else settle({ error: 'nxdomain' });
      });
      if (timeout !== 'infinity') timer = this.#clock.setTimeout(() => settle({ error: 'timeout' }), timeout);
    });
  }

  #reach(host: string, port: number): Result<Transport> {
    const listener = this.#listeners.get(port);
    if (listener === undefined) return { error: 'econnrefused' };
    const here: Address = { address: '127.0.0.1', port: this.#freePort() };
    const there: Address = { address: '127.0.0.1', port };
    const client = new SimulatedTransport(this, host, here, there);
    const server = new SimulatedTransport(this, host, there, here);
    client.join(server);
    server.join(client);
    this.after(this.#delay(), () => listener.accept(server));
    return { ok: client };
  }

  /**
   * Cuts servers off, by the names that clients call them by (default: all), as when a cable is pulled: nobody is told, what is
   * sent either way stays under way, and who connects waits. The answer mends it again; then all that was sent arrives.
   */
  partition(...servers: readonly string[]): () => void {
    const cut = servers.length === 0 ? [...hosts] : servers;
    for (const host of cut) {
      if (!hosts.has(host)) throw new RangeError(`${host} is no host of the simulated network`);
      this.#cutOff.add(host);
    }
    return () => {
      for (const host of cut) this.#cutOff.delete(host);
      this.#mended();
    };
  }

  /** @internal Runs `fn` when no partition and no black hole is in the way; at once if there is none. */
  whenMended(line: string | SimulatedTransport, fn: () => void): void {
    const cut =
      typeof line === 'string' ? this.#cutOff.has(line) : line.swallows || this.#cutOff.has(line.host);
    if (!cut) fn();
    else this.#held.push(() => this.whenMended(line, fn));
  }

  #mended(): void {
    const held = this.#held;
    this.#held = [];
    for (const goOn of held) goOn();
  }

  /**
   * From now on what one end of a connection sends, or both, is swallowed, and nobody is told, as behind a firewall that has
   * forgotten it; it is never mended. `client`: the client's address, which is `sockname` there and `peername` here.
   */
  blackHole(client: Address, swallowed: 'client' | 'server' | 'both' = 'both'): void {
    for (const transport of this.open) {
      const role = transport.roleOn(client);
      if (role !== undefined && (swallowed === 'both' || swallowed === role)) transport.swallows = true;
    }
  }

  listen(
    port: number,
    _options: TransportOptions,
    receiver: AcceptReceiver,
  ): Promise<Result<TransportListener>> {
    if (this.#listeners.has(port)) return Promise.resolve({ error: 'eaddrinuse' });
    const taken = port === 0 ? this.#freePort() : port;
    const listener = new SimulatedListener(taken, receiver, () => this.#listeners.delete(taken));
    this.#listeners.set(taken, listener);
    return Promise.resolve({ ok: listener });
  }

  adopt(socket: unknown): Result<Transport> {
    if (!(socket instanceof SimulatedTransport)) return duplexTransport(socket);
    return socket.closed ? { error: 'einval' } : { ok: socket };
  }

  /** Breaks a connection as a reset does: both ends see `econnreset` at once. */
  reset(transport: SimulatedTransport): void {
    transport.breakOff('econnreset');
  }

  /** @internal */
  after(ms: number, fn: () => void): void {
    this.#clock.setTimeout(fn, ms);
  }

  /** @internal The pieces of one flight with the time each takes, or a break. */
  flight(bytes: Uint8Array): readonly Uint8Array[] | 'cut' {
    const { random, split, cut } = this.#traits;
    if (cut > 0 && random() < cut) return 'cut';
    if (bytes.length < 2 || random() >= split) return [bytes];
    const pieces: Uint8Array[] = [];
    let from = 0;
    while (from < bytes.length) {
      const to = Math.min(bytes.length, from + 1 + Math.floor(random() * Math.min(bytes.length, 1500)));
      pieces.push(bytes.subarray(from, to));
      from = to;
    }
    return pieces;
  }

  /** @internal */
  get window(): number {
    return this.#traits.window;
  }

  #delay(): number {
    const [shortest, longest] = this.#traits.delay;
    return shortest + Math.floor(this.#traits.random() * (longest - shortest + 1));
  }

  /** @internal */
  delay(): number {
    return this.#delay();
  }

  #freePort(): number {
    this.#nextPort += 1;
    return this.#nextPort;
  }
}

class SimulatedListener implements TransportListener {
  readonly #port: number;
  readonly #receiver: AcceptReceiver;
  readonly #forget: () => void;
  #closed = false;

  constructor(port: number, receiver: AcceptReceiver, forget: () => void) {
    this.#port = port;
    this.#receiver = receiver;
    this.#forget = forget;
  }

  accept(transport: SimulatedTransport): void {
    if (this.#closed) transport.breakOff('econnreset');
    else this.#receiver.onAccept(transport);
  }

  sockname(): Result<Address> {
    return this.#closed ? { error: 'einval' } : { ok: { address: '127.0.0.1', port: this.#port } };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget();
    this.#receiver.onListenerClosed(undefined);
  }
}

/** What travels or waits: bytes, or the end of the stream. */
type Parcel = Uint8Array | 'end';

/** One end of a simulated connection. */
export class SimulatedTransport implements Transport {
  readonly #network: SimulatedNetwork;
  /** The server's name as its client called it. */
  readonly host: string;
  /** @internal See `SimulatedNetwork.blackHole`. */
  swallows = false;
  readonly #here: Address;
  readonly #there: Address;
  readonly #counters: TransportCounters = new TransportCounters();
  #peer: SimulatedTransport | undefined = undefined;
  #receiver: TransportReceiver | undefined = undefined;
  /** Arrived and not yet told: paused, or told one per event. */
  readonly #arrived: Parcel[] = [];
  #paused = true;
  #telling = false;
  /** Arrival time of the last flight, so that none overtakes another: flights queue behind it. */
  #inFlight: Parcel[] = [];
  #flying = false;
  /** Bytes written that the peer's receiver has not been told of. */
  #unread = 0;
  #blocked = false;
  #ended = false;
  /** The line is cut, which both ends hear a little later: nothing behind the lost bytes arrives. */
  #severed = false;
  closed = false;
  /** The connection was reset: what was on its way is lost. */
  broken = false;

  constructor(network: SimulatedNetwork, host: string, here: Address, there: Address) {
    this.#network = network;
    this.host = host;
    this.#here = here;
    this.#there = there;
    network.open.add(this);
  }

  /** @internal */
  join(peer: SimulatedTransport): void {
    this.#peer = peer;
  }

  /** @internal Which end of the connection this is whose client has that address, if it is one. */
  roleOn({ port }: Address): 'client' | 'server' | undefined {
    if (this.#here.port === port) return 'client';
    return this.#there.port === port ? 'server' : undefined;
  }

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver;
    if (this.closed) {
      this.#network.after(0, () => receiver.onClosed('econnreset'));
      return;
    }
    this.resume();
  }

  writeLent(piece: Uint8Array): boolean {
    return this.write([piece]);
  }

  write(pieces: readonly Uint8Array[]): boolean {
    if (this.closed || this.#ended) return true;
    // The real kernel copies too: the caller may use its buffers again.
    const bytes = Buffer.concat(pieces);
    this.#counters.sent(bytes.length);
    if (bytes.length > 0) {
      this.#unread += bytes.length;
      const flight = this.#network.flight(bytes);
      if (flight === 'cut') {
        this.#severed = true;
        this.#network.after(this.#network.delay(), () => this.breakOff('econnreset'));
      } else this.#fly(flight);
    }
    this.#blocked = this.#unread > this.#network.window;
    return !this.#blocked;
  }

  get backlog(): number {
    return this.#blocked ? this.#unread : 0;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#tellLater();
  }

  end(): void {
    if (this.#ended || this.closed) return;
    this.#ended = true;
    this.#fly(['end']);
  }

  destroy(): void {
    if (this.closed) return;
    const unreadHere = this.#arrived.some((parcel) => parcel !== 'end');
    this.#close(undefined);
    // As the kernel does: closing with unread bytes resets, else what was written still arrives and then the end.
    if (unreadHere) this.#network.whenMended(this, () => this.#peer?.breakOff('econnreset'));
    else if (!this.#ended) {
      this.#ended = true;
      this.#fly(['end']);
    }
  }

  /** The connection breaks for both ends. */
  breakOff(reason: string): void {
    this.#inFlight = [];
    this.broken = true;
    this.#close(reason);
    const peer = this.#peer;
    if (peer !== undefined && !peer.closed) {
      peer.broken = true;
      peer.#inFlight = [];
      peer.#close(reason);
    }
  }

  peername(): Result<Address> {
    return this.closed ? { error: 'einval' } : { ok: this.#there };
  }

  sockname(): Result<Address> {
    return this.closed ? { error: 'einval' } : { ok: this.#here };
  }

  setOptions(options: Readonly<Record<string, unknown>>): 'ok' | 'einval' {
    return Object.keys(options).every((key) => key === 'nodelay' || key === 'keepalive') ? 'ok' : 'einval';
  }

  getOption(name: string): Result<unknown> {
    return name === 'nodelay' || name === 'keepalive' ? { ok: true } : { error: 'einval' };
  }

  statistics(): TransportStatistics {
    return this.#counters.statistics(this.backlog);
  }

  release(): unknown {
    this.pause();
    this.#receiver = undefined;
    return this;
  }

  #fly(parcels: readonly Parcel[]): void {
    if (this.#severed) return;
    this.#inFlight.push(...parcels);
    if (!this.#flying) this.#nextFlight();
  }

  #nextFlight(): void {
    this.#flying = this.#inFlight.length > 0;
    if (!this.#flying) return;
    this.#network.after(this.#network.delay(), () => this.#network.whenMended(this, () => this.#land()));
  }

  #land(): void {
    const parcel = this.#inFlight.shift();
    const peer = this.#peer;
    if (parcel !== undefined && peer !== undefined) peer.#arrive(parcel);
    this.#nextFlight();
  }

  #arrive(parcel: Parcel): void {
    if (this.closed) {
      // Bytes for a socket that is gone are answered with a reset.
      if (parcel !== 'end') this.#network.whenMended(this, () => this.#peer?.breakOff('econnreset'));
      return;
    }
    this.#arrived.push(parcel);
    this.#tellLater();
  }

  /** One event per parcel, each in a timer of its own, as a socket's events are. */
  #tellLater(): void {
    if (this.#telling || this.#paused || this.#arrived.length === 0) return;
    this.#telling = true;
    this.#network.after(0, () => {
      this.#telling = false;
      if (this.closed || this.#paused) return;
      const parcel = this.#arrived.shift();
      if (parcel === undefined) return;
      if (parcel === 'end') this.#receiver?.onEnd();
      else {
        this.#counters.received(parcel.length);
        const peer = this.#peer;
        if (peer !== undefined) peer.#wasRead(parcel.length);
        this.#receiver?.onChunk(parcel, false);
      }
      this.#tellLater();
    });
  }

  #wasRead(bytes: number): void {
    this.#unread -= bytes;
    if (!this.#blocked || this.#unread > this.#network.window / 2) return;
    this.#blocked = false;
    this.#network.after(0, () => {
      if (!this.closed && !this.#blocked) this.#receiver?.onDrain();
    });
  }

  #close(reason: string | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.#network.open.delete(this);
    const receiver = this.#receiver;
    if (receiver !== undefined) this.#network.after(0, () => receiver.onClosed(reason));
  }
}
