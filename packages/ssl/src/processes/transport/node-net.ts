/**
 * TCP over node:net.
 *
 * One function per kind of event, which finds its transport on the socket: five closures per socket would be most
 * of what an idle connection keeps.
 */
import { connect, createServer, type Server, Socket } from 'node:net';
import { systemClock } from '@actor-tls/runtime';
import type { TransportOptions } from '../../options/config.js';
import type { Result } from '../../values/terms.js';
import { carriesBytes, duplexTransport } from './duplex.js';
import { nodeDgram } from './node-dgram.js';
import { posixName } from './node-error.js';
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

const transportOf: unique symbol = Symbol('actor-tls transport');
/** A socket that knows its transport. */
type Carrier = Socket & { [transportOf]?: NodeTransport };

const empty = new Uint8Array(0);

/**
 * What all sockets that we connect read into, since a chunk is worked off before the next is read. A buffer of its own
 * for every 64 KB read is a third of all memory that bulk data passes through, and the collector runs so much more
 * often. Node has nothing like it for sockets that are accepted. Of each chunk the beginning of a record stays, which is
 * copied and opened in two pieces: 256 KB in place of node's 64 give a fifth more than the buffer alone.
 */
let readBuffer: Uint8Array | undefined;
const readBufferBytes = 262_144;

/**
 * Options that every socket of node:net sets for itself, to these values. On Node 20 it adds them to a copy of what it is
 * given, and an object that is copied and added to gets a hidden class of its own, which no inline cache knows: a socket
 * costs 12 µs in place of 0.4.
 */
const asNodeSetsThem = { emitClose: false, autoDestroy: true, decodeStrings: false };

export const nodeNet: TransportProvider = {
  name: 'tcp',
  datagrams: nodeDgram,

  connect(host, port, options, timeout): Promise<Result<Transport>> {
    readBuffer ??= new Uint8Array(readBufferBytes);
    // Node calls it on the socket, Bun on nothing.
    const callback = (bytes: number, buffer: Uint8Array): boolean => onRead.call(socket, bytes, buffer);
    const onread = { buffer: readBuffer, callback };
    let socket: Socket;
    return new Promise((resolve) => {
      socket = connect({
        onread,
        host,
        port,
        allowHalfOpen: true,
        noDelay: options.nodelay ?? true,
        keepAlive: options.keepalive ?? false,
        ...asNodeSetsThem,
        ...(options.ip === undefined ? {} : { localAddress: options.ip }),
        ...(options.family === undefined ? {} : { family: options.family }),
      });
      const timer =
        timeout === 'infinity'
          ? undefined
          : systemClock.setTimeout(() => {
              settle({ error: 'timeout' });
            }, timeout);
      const onError = (error: Error): void => settle({ error: posixName(error) });
      const onConnect = (): void => {
        socket.pause();
        settle({ ok: new NodeTransport(socket, options) });
      };
      function settle(result: Result<Transport>): void {
        systemClock.clearTimeout(timer);
        socket.off('error', onError);
        socket.off('connect', onConnect);
        if ('error' in result) {
          // What else goes wrong with it is of no interest.
          socket.on('error', ignore);
          socket.destroy();
        }
        resolve(result);
      }
      socket.on('error', onError);
      socket.on('connect', onConnect);
    });
  },

  listen(port, options, receiver): Promise<Result<TransportListener>> {
    return new Promise((resolve) => {
      const server = createServer({
        allowHalfOpen: true,
        pauseOnConnect: true,
        noDelay: options.nodelay ?? true,
        keepAlive: options.keepalive ?? false,
      });
      const onError = (error: Error): void => resolve({ error: posixName(error) });
      server.once('error', onError);
      server.once('listening', () => {
        server.off('error', onError);
        resolve({ ok: new NodeListener(server, options, receiver) });
      });
      server.listen({
        port,
        ...(options.ip === undefined
          ? options.family === 4
            ? { host: '0.0.0.0' }
            : {}
          : { host: options.ip }),
        ...(options.backlog === undefined ? {} : { backlog: options.backlog }),
        ...(options.family === 6 ? { ipv6Only: true } : {}),
      });
    });
  },

  adopt(socket): Result<Transport> {
    if (!(socket instanceof Socket)) return duplexTransport(socket);
    const carrier: Carrier = socket;
    const taken = carrier[transportOf] !== undefined;
    if (taken || socket.pending || !carriesBytes(socket)) return { error: 'einval' };
    socket.pause();
    return { ok: new NodeTransport(socket, {}) };
  },
};

class NodeTransport implements Transport {
  readonly #socket: Carrier;
  readonly counters: TransportCounters = new TransportCounters();
  receiver: TransportReceiver | undefined = undefined;
  /** Posix name of the error that broke it. */
  failure: string | undefined = undefined;
  closed = false;
  ended = false;
  #nodelay: boolean;
  #keepalive: boolean;
  /** As it was before, and is again when the socket is given back. */
  readonly #allowHalfOpen: boolean;
  /** Called when a backlog that is too small for node's `drain` event has gone; made at the first such. */
  #flushed: (() => void) | undefined = undefined;

  constructor(socket: Socket, options: TransportOptions) {
    const carrier: Carrier = socket;
    carrier[transportOf] = this;
    this.#socket = carrier;
    this.#nodelay = options.nodelay ?? true;
    this.#keepalive = options.keepalive ?? false;
    this.#allowHalfOpen = socket.allowHalfOpen;
    socket.allowHalfOpen = true;
    carrier.on('error', onError);
    carrier.on('close', onClose);
  }

  start(receiver: TransportReceiver): void {
    const first = this.receiver === undefined;
    this.receiver = receiver;
    if (this.closed) {
      queueMicrotask(() => receiver.onClosed(this.failure));
      return;
    }
    if (!first) return;
    this.#socket.on('data', onData);
    this.#socket.on('end', onEnd);
    this.#socket.on('drain', onDrain);
    this.#socket.resume();
  }

  write(pieces: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    let bytes = 0;
    if (pieces.length === 1) {
      const piece = pieces[0] ?? empty;
      bytes = piece.length;
      socket.write(piece);
    } else {
      socket.cork();
      for (const piece of pieces) {
        bytes += piece.length;
        socket.write(piece);
      }
      socket.uncork();
    }
    this.counters.sent(bytes);
    return this.#written();
  }

  /** Node has given it to the system when nothing waits, and reads from it until then. */
  writeLent(piece: Uint8Array): boolean {
    this.#socket.write(piece);
    this.counters.sent(piece.length);
    return this.#written();
  }

  #written(): boolean {
    const socket = this.#socket;
    if (socket.writableLength === 0) return true;
    if (!socket.writableNeedDrain) {
      // Below its high-water mark node tells nobody when the rest has gone; a write's callback does.
      this.#flushed ??= () => onDrain.call(socket);
      socket.write(empty, this.#flushed);
    }
    return false;
  }

  get backlog(): number {
    return this.#socket.writableLength;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    if (!this.#socket.writableEnded) this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  peername(): Result<Address> {
    const { remoteAddress, remotePort } = this.#socket;
    if (remoteAddress === undefined || remotePort === undefined) return { error: 'einval' };
    return { ok: { address: remoteAddress, port: remotePort } };
  }

  sockname(): Result<Address> {
    const { localAddress, localPort } = this.#socket;
    if (this.closed || localAddress === undefined || localPort === undefined) return { error: 'einval' };
    return { ok: { address: localAddress, port: localPort } };
  }

  setOptions(options: Readonly<Record<string, unknown>>): 'ok' | 'einval' {
    for (const [key, value] of Object.entries(options))
      if ((key !== 'nodelay' && key !== 'keepalive') || typeof value !== 'boolean') return 'einval';
    if (this.closed) return 'einval';
    const { nodelay, keepalive } = options;
    if (typeof nodelay === 'boolean') {
      this.#nodelay = nodelay;
      this.#socket.setNoDelay(nodelay);
    }
    if (typeof keepalive === 'boolean') {
      this.#keepalive = keepalive;
      this.#socket.setKeepAlive(keepalive);
    }
    return 'ok';
  }

  getOption(name: string): Result<unknown> {
    if (name === 'nodelay') return { ok: this.#nodelay };
    if (name === 'keepalive') return { ok: this.#keepalive };
    return { error: 'einval' };
  }

  statistics(): TransportStatistics {
    return this.counters.statistics(this.#socket.writableLength);
  }

  release(): Socket {
    const socket = this.#socket;
    socket.pause();
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.off('drain', onDrain);
    socket.off('error', onError);
    socket.off('close', onClose);
    socket.allowHalfOpen = this.#allowHalfOpen;
    delete socket[transportOf];
    return socket;
  }
}

class NodeListener implements TransportListener {
  readonly #server: Server;

  constructor(server: Server, options: TransportOptions, receiver: AcceptReceiver) {
    this.#server = server;
    server.on('connection', (socket) => receiver.onAccept(new NodeTransport(socket, options)));
    server.on('error', (error) => receiver.onListenerClosed(posixName(error)));
    server.on('close', () => receiver.onListenerClosed(undefined));
  }

  sockname(): Result<Address> {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') return { error: 'einval' };
    return { ok: { address: address.address, port: address.port } };
  }

  close(): void {
    this.#server.close();
  }
}

/** In place of `data`, for sockets that we connect. False: stop reading. */
function onRead(this: Carrier, bytes: number, buffer: Uint8Array): boolean {
  const transport = this[transportOf];
  // Whoever got the socket by a downgrade reads it as any other.
  if (transport === undefined) return this.push(Buffer.from(buffer.subarray(0, bytes)));
  transport.counters.received(bytes);
  transport.receiver?.onChunk(buffer.subarray(0, bytes), true);
  return true;
}

function onData(this: Carrier, chunk: Uint8Array): void {
  const transport = this[transportOf];
  if (transport === undefined) return;
  transport.counters.received(chunk.length);
  transport.receiver?.onChunk(chunk, false);
}

function onEnd(this: Carrier): void {
  const transport = this[transportOf];
  if (transport === undefined || transport.ended) return;
  transport.ended = true;
  transport.receiver?.onEnd();
}

function onDrain(this: Carrier): void {
  if (this.writableLength === 0) this[transportOf]?.receiver?.onDrain();
}

function onError(this: Carrier, error: Error): void {
  const transport = this[transportOf];
  if (transport !== undefined) transport.failure ??= posixName(error);
}

function onClose(this: Carrier): void {
  const transport = this[transportOf];
  if (transport === undefined || transport.closed) return;
  transport.closed = true;
  transport.receiver?.onClosed(transport.failure);
}

function ignore(): void {}
