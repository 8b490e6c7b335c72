/** What DTLS needs of a network: datagrams to and from any address over one socket. */
import type { TransportOptions } from '../../options/config.js';
import type { Result } from '../../values/terms.js';
import type { Address } from './transport.js';

/** Hears one socket, from the event loop. */
export interface DatagramReceiver {
  /** A whole datagram, the receiver's from now on. */
  onDatagram(datagram: Uint8Array, from: Address): void;
  /** The socket is gone; `reason` is a posix name, `undefined` when it was closed in order. */
  onSocketClosed(reason: string | undefined): void;
}

/** An open socket. What it cannot send is lost, as datagrams may be. */
export interface DatagramSocket {
  /** False: much waits here, and `drained` is called when it is gone. */
  send(datagram: Uint8Array, to: Address, drained: () => void): boolean;
  /** Bytes taken and not yet passed on. */
  readonly backlog: number;
  sockname(): Result<Address>;
  close(): void;
}

/** A kind of network that carries datagrams. Errors are those of `gen_udp` (`eaddrinuse`, `nxdomain`, …). */
export interface DatagramProvider {
  /** Opens a socket; port 0: any free one. */
  open(port: number, options: TransportOptions, receiver: DatagramReceiver): Promise<Result<DatagramSocket>>;
  /** Opens one that hears and speaks to one peer alone; `timeout` in ms covers the lookup of its name. */
  connect(
    host: string,
    port: number,
    options: TransportOptions,
    receiver: DatagramReceiver,
    timeout: number | 'infinity',
  ): Promise<Result<{ readonly socket: DatagramSocket; readonly peer: Address }>>;
}
