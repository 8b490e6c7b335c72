/**
 * What a connection needs of a transport: bytes in order both ways, with backpressure both ways.
 *
 * `node-net.ts` is TCP and Unix domain sockets, `duplex.ts` any other stream, `simulated.ts` a network in memory.
 * Whatever a transport tells its receiver it tells from the event loop or a timer, never from inside a call of the
 * receiver's.
 */

import type { TransportOptions } from '../../options/config.js';
import type { CookieSealer } from '../../protocol/settings.js';
import type { Paths } from '../../protocol/sink.js';
import type { Result } from '../../values/terms.js';
import type { DatagramProvider } from './datagram.js';

/** Hears one transport. No method is called after `onClosed`. */
export interface TransportReceiver {
  /** Bytes: the receiver's from now on, or lent to it until it returns. `path`: where a datagram came from. */
  onChunk(chunk: Uint8Array, lent: boolean, path?: Address): void;
  /** The peer has ended its side; no chunk follows. */
  onEnd(): void;
  /** The backlog that `write` left is gone. */
  onDrain(): void;
  /** The transport is gone. Why it broke, a posix name where there is one (`econnreset`); `undefined` when it was closed in order. */
  onClosed(reason: string | undefined): void;
}

/** One end of a connected stream, or of datagrams to and from one peer, paused until `start`. */
export interface Transport {
  /** Whether chunks and pieces are datagrams: then nothing is in order, and no end is seen. */
  readonly datagrams?: boolean;
  /** Of datagrams: the addresses of the peer. */
  readonly paths?: TransportPaths;
  /** Of DTLS 1.3: what is in the cookies of the peer, which has brought one or may be asked for it. */
  readonly cookies?: CookieSealer | undefined;
  /** Of one that has brought a cookie: ms that it took. */
  readonly roundTrip?: number | undefined;
  /** Begins to tell, and to read. A second call replaces the receiver. */
  start(receiver: TransportReceiver): void;
  /** Takes all pieces, in one go. True: the system has them all. False: some wait here, `onDrain` follows. */
  write(pieces: readonly Uint8Array[]): boolean;
  /**
   * The same of one piece of memory that is lent: the caller's again when the answer is true, else at `onDrain`. A
   * transport without this is given memory that nobody writes to any more.
   */
  writeLent?(piece: Uint8Array): boolean;
  /** Bytes that `write` took and the system has not. */
  readonly backlog: number;
  pause(): void;
  resume(): void;
  /** Ends the own side after everything written; the peer sees `onEnd`. Reading goes on. */
  end(): void;
  /** Closes both sides; what the system has not taken yet is lost. `onClosed` follows unless it came already. */
  destroy(): void;
  peername(): Result<Address>;
  sockname(): Result<Address>;
  /** `einval` for what the transport does not know; then nothing was set. */
  setOptions(options: Readonly<Record<string, unknown>>): 'ok' | 'einval';
  getOption(name: string): Result<unknown>;
  statistics(): TransportStatistics;
  /** Stops telling and gives the bare socket away (downgrade): for node:net a paused `Socket`, else a paused stream. */
  release(): unknown;
}

/** A peer that may move. */
export interface TransportPaths extends Omit<Paths, 'timer' | 'owes'> {
  /** The connection ID of what comes to us, the same at every call: unguessable, and unique where it arrives (RFC 9146 §3). */
  ownId(): Uint8Array;
}

export interface Address {
  readonly address: string;
  readonly port: number;
}

/** The items of `inet:getstat/1`: octets, packets, largest, average, mean deviation; `sendPend` is the backlog. */
export interface TransportStatistics {
  readonly recvOct: number;
  readonly recvCnt: number;
  readonly recvMax: number;
  readonly recvAvg: number;
  readonly recvDvi: number;
  readonly sendOct: number;
  readonly sendCnt: number;
  readonly sendMax: number;
  readonly sendAvg: number;
  readonly sendPend: number;
}

export interface TransportListener {
  sockname(): Result<Address>;
  /** No new connections; those that exist live on. */
  close(): void;
}

/** Hears one listener, from the event loop. */
export interface AcceptReceiver {
  onAccept(transport: Transport): void;
  /** The listening socket broke, `reason` is a posix name. */
  onListenerClosed(reason: string | undefined): void;
}

/** A kind of network. Errors are those of `gen_tcp` (`econnrefused`, `nxdomain`, `eaddrinuse`, `timeout`, …). */
export interface TransportProvider {
  readonly name: string;
  /** `timeout` in ms covers name lookup and connection. */
  connect(
    host: string,
    port: number,
    options: TransportOptions,
    timeout: number | 'infinity',
  ): Promise<Result<Transport>>;
  listen(
    port: number,
    options: TransportOptions,
    receiver: AcceptReceiver,
  ): Promise<Result<TransportListener>>;
  /** Of the same network, for DTLS; absent where there is none. */
  readonly datagrams?: DatagramProvider | undefined;
  /** A transport of an open stream that the user made (upgrade), see `duplexTransport`; `einval` for what is none. */
  adopt(socket: unknown): Result<Transport>;
}

/** Running figures behind `statistics`. */
export class TransportCounters {
  recvOct = 0;
  recvCnt = 0;
  recvMax = 0;
  #recvDeviation = 0;
  sendOct = 0;
  sendCnt = 0;
  sendMax = 0;

  received(bytes: number): void {
    this.recvOct += bytes;
    this.recvCnt += 1;
    if (bytes > this.recvMax) this.recvMax = bytes;
    this.#recvDeviation += Math.abs(bytes - this.recvOct / this.recvCnt);
  }

  sent(bytes: number): void {
    this.sendOct += bytes;
    this.sendCnt += 1;
    if (bytes > this.sendMax) this.sendMax = bytes;
  }

  statistics(sendPend: number): TransportStatistics {
    const each = (sum: number, count: number): number => (count === 0 ? 0 : Math.trunc(sum / count));
    return {
      recvOct: this.recvOct,
      recvCnt: this.recvCnt,
      recvMax: this.recvMax,
      recvAvg: each(this.recvOct, this.recvCnt),
      recvDvi: each(this.#recvDeviation, this.recvCnt),
      sendOct: this.sendOct,
      sendCnt: this.sendCnt,
      sendMax: this.sendMax,
      sendAvg: each(this.sendOct, this.sendCnt),
      sendPend,
    };
  }
}
