/** UDP over node:dgram. */
import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIPv6 } from 'node:net';
import { systemClock } from '@actor-tls/runtime';
import type { TransportOptions } from '../../options/config.js';
import type { Result } from '../../values/terms.js';
import type { DatagramProvider, DatagramReceiver, DatagramSocket } from './datagram.js';
import { posixName } from './node-error.js';
import type { Address } from './transport.js';

/** Bytes that wait before who sends is told to wait too. */
const patience = 262_144;

export const nodeDgram: DatagramProvider = {
  async open(port, options, receiver): Promise<Result<DatagramSocket>> {
    const six = options.family === 6 || (options.family === undefined && isIPv6(options.ip ?? ''));
    const socket = make(six, options);
    const bound = await settled(socket, (done) =>
      socket.bind({ port, ...(options.ip === undefined ? {} : { address: options.ip }) }, done),
    );
    return 'error' in bound ? bound : { ok: new NodeDatagramSocket(socket, undefined, receiver) };
  },

  async connect(host, port, options, receiver, timeout) {
    const found = await addressOf(host, options.family, timeout);
    if ('error' in found) return found;
    const socket = make(found.ok.family === 6, options);
    if (options.ip !== undefined) {
      const bound = await settled(socket, (done) => socket.bind({ address: options.ip }, done));
      if ('error' in bound) return bound;
    }
    const { address } = found.ok;
    const connected = await settled(socket, (done) => socket.connect(port, address, done));
    if ('error' in connected) return connected;
    const peer = { address, port };
    return { ok: { socket: new NodeDatagramSocket(socket, peer, receiver), peer } };
  },
};

function make(six: boolean, { family, reuseaddr, recbuf, sndbuf }: TransportOptions): Socket {
  const options: SocketOptions = {
    type: six ? 'udp6' : 'udp4',
    // Peers are numbers: nobody is to be looked up.
    lookup: (address, _options, callback) => callback(null, address, six ? 6 : 4),
    ...(family === 6 ? { ipv6Only: true } : {}),
    ...(reuseaddr === true ? { reuseAddr: true } : {}),
    ...(recbuf === undefined ? {} : { recvBufferSize: recbuf }),
    ...(sndbuf === undefined ? {} : { sendBufferSize: sndbuf }),
  };
  return createSocket(options);
}

/** Binds or connects; a socket that cannot is closed. */
function settled(socket: Socket, go: (done: (error?: Error) => void) => void): Promise<Result<true>> {
  return new Promise((resolve) => {
    const onError = (error: Error): void => {
      socket.on('error', ignore);
      close(socket);
      resolve({ error: posixName(error) });
    };
    socket.once('error', onError);
    try {
      go((error) => {
        socket.off('error', onError);
        // A socket that cannot connect says so here, and not by its event.
        if (error === undefined) resolve({ ok: true });
        else onError(error);
      });
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

interface Found {
  readonly address: string;
  readonly family: number;
}

function addressOf(
  host: string,
  family: 4 | 6 | undefined,
  timeout: number | 'infinity',
): Promise<Result<Found>> {
  return new Promise((resolve) => {
    const timer =
      timeout === 'infinity'
        ? undefined
        : systemClock.setTimeout(() => resolve({ error: 'timeout' }), timeout);
    lookup(host, { family: family ?? 0 }, (error, address, found) => {
      systemClock.clearTimeout(timer);
      resolve(error === null ? { ok: { address, family: found } } : { error: posixName(error) });
    });
  });
}

class NodeDatagramSocket implements DatagramSocket {
  readonly #socket: Socket;
  readonly #peer: Address | undefined;
  #backlog = 0;
  #closed = false;
  #waiting: Set<() => void> = new Set();

  constructor(socket: Socket, peer: Address | undefined, receiver: DatagramReceiver) {
    this.#socket = socket;
    this.#peer = peer;
    socket.on('message', (datagram: Buffer, { address, port }: RemoteInfo) => {
      // Nothing can be sent to port 0, and so nothing from there is answered (RFC 768: no port at all).
      if (port !== 0) receiver.onDatagram(datagram, { address, port });
    });
    // ICMP can be forged, and a port that is closed now may be open when the flight goes out again.
    socket.on('error', ignore);
    socket.on('close', () => {
      this.#closed = true;
      receiver.onSocketClosed(undefined);
    });
  }

  get backlog(): number {
    return this.#backlog;
  }

  send(datagram: Uint8Array, to: Address, drained: () => void): boolean {
    if (this.#closed) return true;
    this.#backlog += datagram.length;
    if (!this.#handOver(datagram, to)) {
      this.#backlog -= datagram.length;
      return true;
    }
    if (this.#backlog <= patience) return true;
    this.#waiting.add(drained);
    return false;
  }

  sockname(): Result<Address> {
    if (this.#closed) return { error: 'einval' };
    const { address, port } = this.#socket.address();
    return { ok: { address, port } };
  }

  close(): void {
    if (!this.#closed) close(this.#socket);
    this.#closed = true;
  }

  /** False: node throws at what it finds wrong with a datagram, which is lost as one that the system refuses. */
  #handOver(datagram: Uint8Array, { address, port }: Address): boolean {
    const sent = (): void => this.#sent(datagram.length);
    try {
      if (this.#peer === undefined) this.#socket.send(datagram, port, address, sent);
      else this.#socket.send(datagram, sent);
      return true;
    } catch {
      return false;
    }
  }

  #sent(bytes: number): void {
    this.#backlog -= bytes;
    if (this.#backlog > 0 || this.#waiting.size === 0) return;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const drained of waiting) drained();
  }
}

function close(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // It was closed before.
  }
}

function ignore(): void {}
