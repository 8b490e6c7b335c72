/**
 * Any stream of bytes of node:stream as a transport: a WebSocket's, an HTTP/2 stream, another TLS connection, one end
 * of a pair. It is what a user upgrades who has no socket of node:net, and the short way to a `TransportProvider`.
 *
 * Of a stream that others wrote nothing is taken for granted: that it drains, closes when it is destroyed, is silent
 * after its end, or throws nothing from its methods.
 */
import { Duplex } from 'node:stream';
import type { Result } from '../../values/terms.js';
import { posixName } from './node-error.js';
import type { Address, Transport, TransportReceiver, TransportStatistics } from './transport.js';
import { TransportCounters } from './transport.js';

/** Streams that carry a connection now: a second one on top would take its bytes. */
const carrying = new WeakSet<Duplex>();
const einval = { error: 'einval' } as const;

/**
 * A transport over an open stream, paused until the connection reads. `einval`: it is no stream, is in object mode, has
 * an encoding set, is read by a `readable` listener, is ended or destroyed on either side, or carries a connection.
 */
export function duplexTransport(stream: unknown): Result<Transport> {
  if (!isDuplex(stream) || !carriesBytes(stream) || carrying.has(stream)) return einval;
  return { ok: new DuplexTransport(stream) };
}

/** Streams of other copies of node:stream (the package readable-stream) are none of node's class, and as good. */
function isDuplex(value: unknown): value is Duplex {
  if (value instanceof Duplex) return true;
  if (typeof value !== 'object' || value === null) return false;
  const methods = [
    'on',
    'off',
    'read',
    'write',
    'cork',
    'uncork',
    'end',
    'pause',
    'destroy',
    'listenerCount',
  ];
  return (
    methods.every((method) => typeof Reflect.get(value, method) === 'function') &&
    typeof Reflect.get(value, 'writableLength') === 'number'
  );
}

/** Whether a stream is open both ways, and of bytes that nobody else is reading. */
export function carriesBytes(stream: Duplex): boolean {
  const objects = stream.readableObjectMode || stream.writableObjectMode;
  const text = typeof stream.readableEncoding === 'string';
  const open = stream.readable && stream.writable && !stream.destroyed;
  // Who listens for `readable` will read.
  return open && !objects && !text && stream.listenerCount('readable') === 0;
}

class DuplexTransport implements Transport {
  readonly #stream: Duplex;
  readonly #counters: TransportCounters = new TransportCounters();
  /** As its user had it: a stream must not end our side because the peer has ended its own. */
  readonly #allowHalfOpen: boolean;
  #receiver: TransportReceiver | undefined = undefined;
  #failure: string | undefined = undefined;
  #ended = false;
  #closed = false;
  #paused = false;
  /** Another look at what the stream holds will come. */
  #looking = false;
  /** A write was answered with false. */
  #behind = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#allowHalfOpen = stream.allowHalfOpen;
    stream.allowHalfOpen = true;
    stream.pause();
    stream.on('error', this.#onError);
    stream.on('close', this.#onClose);
    carrying.add(stream);
  }

  start(receiver: TransportReceiver): void {
    const first = this.#receiver === undefined;
    this.#receiver = receiver;
    if (this.#closed) {
      queueMicrotask(() => receiver.onClosed(this.#failure));
      return;
    }
    if (!first) return;
    this.#stream.on('readable', this.#look);
    this.#stream.on('end', this.#onEnd);
    this.#lookSoon();
  }

  write(pieces: readonly Uint8Array[]): boolean {
    const stream = this.#stream;
    let bytes = 0;
    this.#attempt(() => {
      stream.cork();
      pieces.forEach((piece, index) => {
        bytes += piece.length;
        if (index < pieces.length - 1) stream.write(piece);
        else stream.write(piece, this.#onWritten);
      });
      stream.uncork();
    });
    this.#counters.sent(bytes);
    // A stream that has failed holds nothing, and has delivered nothing either.
    this.#behind = stream.writableLength > 0 || !stream.writable;
    return !this.#behind;
  }

  get backlog(): number {
    return this.#stream.writableLength;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#lookSoon();
  }

  end(): void {
    if (!this.#stream.writableEnded) this.#attempt(() => this.#stream.end());
  }

  /** Not every stream says `close` when it is destroyed, and a connection must not wait for one. */
  destroy(): void {
    try {
      this.#stream.destroy();
    } catch {
      // It is given up, whatever it thinks of that.
    }
    this.#onClose();
  }

  peername(): Result<Address> {
    return einval;
  }

  sockname(): Result<Address> {
    return einval;
  }

  setOptions(options: Readonly<Record<string, unknown>>): 'ok' | 'einval' {
    return Object.keys(options).length === 0 ? 'ok' : 'einval';
  }

  getOption(): Result<unknown> {
    return einval;
  }

  statistics(): TransportStatistics {
    return this.#counters.statistics(this.backlog);
  }

  release(): Duplex {
    const stream = this.#stream;
    stream.off('readable', this.#look);
    stream.off('end', this.#onEnd);
    stream.off('error', this.#onError);
    stream.off('close', this.#onClose);
    stream.pause();
    stream.allowHalfOpen = this.#allowHalfOpen;
    this.#closed = true;
    this.#receiver = undefined;
    carrying.delete(stream);
    return stream;
  }

  /** What a method of the stream throws breaks this transport and nothing else. */
  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#break(reasonOf(error));
    }
  }

  #break(reason: string): void {
    this.#failure ??= reason;
    this.destroy();
  }

  /**
   * Takes what the stream holds, and looks again when others had their turn. It is asked, and not left to flow: one that
   * flows may give its data from inside a write at the other end, without end and before anybody could pause it.
   */
  readonly #look = (): void => {
    if (this.#looking || this.#paused || this.#ended || this.#closed) return;
    const chunk = this.#read();
    if (chunk === null) return;
    if (!(chunk instanceof Uint8Array)) {
      this.#break('einval');
      return;
    }
    this.#lookSoon();
    this.#counters.received(chunk.length);
    // Lent: whoever made the stream may use its buffer again.
    this.#receiver?.onChunk(chunk, true);
  };

  #lookSoon(): void {
    if (this.#looking) return;
    this.#looking = true;
    setImmediate(() => {
      this.#looking = false;
      this.#look();
    });
  }

  #read(): unknown {
    try {
      return this.#stream.read();
    } catch (error) {
      this.#break(reasonOf(error));
      return null;
    }
  }

  readonly #onEnd = (): void => {
    if (this.#ended || this.#closed) return;
    this.#ended = true;
    this.#receiver?.onEnd();
  };

  /** Of a write that failed the stream tells by its end, and nobody may think before that it went out. */
  readonly #onWritten = (error?: Error | null): void => {
    if (error || !this.#behind || this.#closed || this.#stream.writableLength > 0) return;
    this.#behind = false;
    this.#receiver?.onDrain();
  };

  readonly #onError = (error: unknown): void => {
    this.#break(reasonOf(error));
  };

  readonly #onClose = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    // A stream may close while it is written to, and that is inside a call of the receiver's.
    queueMicrotask(() => this.#receiver?.onClosed(this.#failure));
  };
}

/** For the log: streams of others have errors of their own. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'einval';
  const name = posixName(error);
  return name === 'einval' ? error.message.slice(0, 200) : name;
}
