/**
 * What the owner gets of the received data, and when: queue, active modes, packet modes, `recv` (contract §3, §2.7).
 *
 * Plain logic: bytes go in, messages and answers come out through one injected function and the caller's own reply.
 * It does not know who the owner is, so a hand-over in between loses nothing and doubles nothing.
 */
import type { ActiveMode, PacketMode, SocketOptions } from '../../options/config.js';
import type { SessionTicket } from '../../values/session-ticket.js';
import type { SslReason } from '../../values/terms.js';
import { decodePacket, mayEnd, type PacketEnd } from './packet.js';
import type { HttpPacket } from './packet-http.js';
import type { ReceivedData } from './received-data.js';

/** What the owner of a socket is told. `Socket` is whatever stands for the connection. */
export type OwnerMessage<Socket, Data = ReceivedData> =
  | {
      readonly type: 'ssl';
      readonly socket: Socket;
      readonly data: Data;
      /** All or some of it came before the handshake was complete: it may be a replay (RFC 8446 §8). */
      readonly earlyData?: true;
    }
  /** `{ssl, session_ticket, Ticket}`: a ticket for `useTicket`, with `sessionTickets: 'manual'`. */
  | { readonly type: 'session_ticket'; readonly socket: Socket; readonly ticket: SessionTicket }
  /** `{ssl, S, {early_data, accepted | rejected}}`: what became of a client's early data. Rejected, it was not read. */
  | { readonly type: 'early_data'; readonly socket: Socket; readonly status: 'accepted' | 'rejected' }
  | { readonly type: 'ssl_closed'; readonly socket: Socket }
  | { readonly type: 'ssl_error'; readonly socket: Socket; readonly reason: SslReason }
  | { readonly type: 'ssl_passive'; readonly socket: Socket };

/** `earlyData`: as in `OwnerMessage`. */
export type RecvResult<Data = ReceivedData> =
  | { readonly ok: Data; readonly earlyData?: true }
  | { readonly error: SslReason };

/** How the data ended: the peer closed, or the connection failed with an alert. */
export type End = { readonly type: 'closed' } | { readonly type: 'failed'; readonly reason: SslReason };

/** The emulated options as they are now; `httpHeaders`: headers are expected, not a start line. */
export interface EmulatedOptions {
  readonly mode: SocketOptions['mode'];
  readonly packet: PacketMode;
  readonly packetSize: number;
  readonly header: number;
  readonly active: ActiveMode;
  readonly httpHeaders: boolean;
}

/** The largest value of the counter behind `{active, N}`. */
const largestCount = 32767;
const smallestCount = -32768;

/** Packets that an active owner is sent in one turn: one costs some 2 µs here, and a record may hold 16,384. */
const turnPackets = 256;

export class Delivery<Socket> {
  #mode: SocketOptions['mode'];
  #packet: PacketMode;
  #packetSize: number;
  #header: number;
  #active: ActiveMode;
  readonly #socket: Socket;
  readonly #tell: (message: OwnerMessage<Socket>) => void;
  /** Batches in order; those before `#head` are consumed. */
  #queue: Uint8Array[] = [];
  #head = 0;
  /** Bytes in the queue. */
  #size = 0;
  /** Bytes at the front of the queue that came before the handshake was complete. */
  #early = 0;
  /** In the http modes: a request or status line was delivered and headers follow. */
  #httpHeaders = false;
  /** The queue is one piece, the beginning of a packet, and only bytes that bring this can end it. */
  #awaited: PacketEnd | undefined = undefined;
  #recv: { readonly length: number; readonly reply: (result: RecvResult) => void } | undefined = undefined;
  #end: End | undefined = undefined;
  #over = false;
  /** Packets sent to an active owner since the last rest. */
  #packets = 0;

  constructor(options: SocketOptions, socket: Socket, tell: (message: OwnerMessage<Socket>) => void) {
    this.#mode = options.mode;
    this.#packet = options.packet;
    this.#packetSize = options.packetSize;
    this.#header = options.header;
    this.#active = activeAtStart(options.active);
    this.#socket = socket;
    this.#tell = tell;
  }

  get active(): ActiveMode {
    return this.#active;
  }

  /** Bytes received and not yet delivered. */
  get size(): number {
    return this.#size;
  }

  /** The owner has been told of the end, or never will be: the connection has nothing more to do. */
  get over(): boolean {
    return this.#over;
  }

  /** Whether more bytes from the transport are asked for (contract §3, flow control). */
  get demand(): boolean {
    return !this.#over && (this.#active !== false || this.#recv !== undefined || this.#size === 0);
  }

  /** The owner was sent so many packets that others should run first: `resume` in a turn to come. */
  get needsRest(): boolean {
    return this.#packets >= turnPackets;
  }

  /** Another turn: on with what waits, and then the end. */
  resume(): void {
    this.#packets = 0;
    this.#drain();
    this.#tellEnd();
  }

  /** The emulated options as they are now. */
  options(): EmulatedOptions {
    return {
      mode: this.#mode,
      packet: this.#packet,
      packetSize: this.#packetSize,
      header: this.#header,
      active: this.#active,
      httpHeaders: this.#httpHeaders,
    };
  }

  /** One batch of decrypted data, the owner's from now on: in raw mode it is one message, or one `recv(0)`. */
  push(batch: Uint8Array): void {
    if (batch.length === 0 || this.#over) return;
    if (this.#size === 0 && this.#active !== false && this.#isRaw && !this.needsRest) {
      this.#give(batch, false);
      return;
    }
    const last = this.#queue.at(-1)?.at(-1);
    this.#queue.push(batch);
    this.#size += batch.length;
    // Without this a long line in many small records would be joined anew for each of them.
    const within = this.#packetSize === 0 || this.#size < this.#packetSize;
    if (this.#awaited !== undefined && within && !mayEnd(this.#awaited, last, batch)) return;
    this.#drain();
  }

  /** What came before the handshake was complete: in front of all else, and marked where it is delivered. */
  pushEarly(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#over) return;
    this.#queue.push(bytes);
    this.#size += bytes.length;
    this.#early += bytes.length;
    this.#drain();
  }

  /** No more data will come. */
  end(end: End): void {
    if (this.#over || this.#end !== undefined) return;
    this.#end = end;
    this.#tellEnd();
  }

  /** As `end`, when no other turn will come: what waits is delivered at once. */
  endNow(end: End): void {
    this.#packets = Number.NEGATIVE_INFINITY;
    this.#drain();
    this.end(end);
    this.#tellEnd();
  }

  /**
   * `ssl:recv/3` without its timer. The reply comes at once or later; `length` 0 takes what is there.
   * Refused with `einval` in an active mode and `ealready` while another waits.
   */
  recv(length: number, reply: (result: RecvResult) => void): void {
    const refused = this.#over
      ? 'closed'
      : this.#active !== false
        ? 'einval'
        : this.#recv !== undefined
          ? 'ealready'
          : undefined;
    if (refused !== undefined) {
      reply({ error: refused });
      return;
    }
    this.#recv = { length, reply };
    this.#drain();
    if (this.#recv !== undefined) this.#tellEnd();
  }

  /** The waiting `recv` gives up with this reason; the data stays. */
  abandonRecv(reason: SslReason): void {
    const waiting = this.#recv;
    this.#recv = undefined;
    waiting?.reply({ error: reason });
  }

  /** The owner closed, or is gone: nothing more is delivered; a waiting `recv` hears `closed`. */
  discard(): void {
    this.#over = true;
    this.#queue = [];
    this.#head = 0;
    this.#size = 0;
    this.#early = 0;
    this.abandonRecv('closed');
  }

  setMode(mode: SocketOptions['mode']): void {
    this.#mode = mode;
  }

  setPacket(packet: PacketMode): void {
    this.#packet = packet;
    this.#httpHeaders = false;
    this.#awaited = undefined;
  }

  setPacketSize(size: number): void {
    this.#packetSize = size;
    this.#awaited = undefined;
  }

  setHeader(bytes: number): void {
    this.#header = bytes;
  }

  /**
   * Sets the active mode (contract §3): a number adds to a running counter. False when it does not fit, and nothing
   * has changed. Delivery of waiting data waits for `settle`, so that all options of one call count.
   */
  setActive(active: ActiveMode): boolean {
    if (typeof active !== 'number') {
      this.#active = active;
      return true;
    }
    const sum = active + (typeof this.#active === 'number' ? this.#active : 0);
    if (active < smallestCount || active > largestCount || sum < smallestCount || sum > largestCount)
      return false;
    if (sum > 0) {
      this.#active = sum;
    } else {
      this.#active = false;
      this.#tell({ type: 'ssl_passive', socket: this.#socket });
    }
    return true;
  }

  /** After options changed: delivers what the mode now allows, and the end if it has come. */
  settle(): void {
    if (this.#over || this.#active === false) return;
    // A recv that waited when an active mode was set would never be answered: the data goes to the owner.
    if (this.#recv !== undefined) this.abandonRecv('einval');
    this.#drain();
    this.#tellEnd();
  }

  /** Delivers as long as there is a taker and a whole packet. */
  #drain(): void {
    this.#awaited = undefined;
    while (this.#size > 0 && !this.#over && (this.#active !== false || this.#recv !== undefined)) {
      if (this.#active !== false && this.needsRest) return;
      const early = this.#early > 0;
      const data = this.#isRaw ? this.#takeRaw() : this.#takePacket();
      if (data === 'wait') return;
      if (data === 'invalid') {
        this.#packetError();
        return;
      }
      this.#give(data.data, early);
    }
  }

  get #isRaw(): boolean {
    return this.#packet === 'raw' || this.#packet === 0;
  }

  #takeRaw(): { readonly data: Uint8Array } | 'wait' {
    const length = this.#active !== false || this.#recv === undefined ? 0 : this.#recv.length;
    if (length === 0) return { data: this.#shift() };
    return this.#size < length ? 'wait' : { data: this.#take(length) };
  }

  #takePacket(): { readonly data: Uint8Array | HttpPacket } | 'wait' | 'invalid' {
    const type = this.#httpHeaders ? (this.#packet === 'http_bin' ? 'httph_bin' : 'httph') : this.#packet;
    for (;;) {
      const front = this.#queue[this.#head] ?? new Uint8Array(0);
      const decoded = decodePacket(type, front, this.#packetSize);
      if (decoded === 'invalid') return 'invalid';
      if ('packet' in decoded) {
        this.#consume(decoded.used);
        return { data: decoded.packet };
      }
      // The front does not hold it. When all of the queue might, join and look again.
      if (front.length === this.#size || (decoded.more ?? 0) > this.#size) {
        this.#awaited = decoded.until;
        return 'wait';
      }
      const early = this.#early;
      this.#unshift(this.#take(decoded.more ?? this.#size));
      this.#early = early;
    }
  }

  #give(data: Uint8Array | HttpPacket, early: boolean): void {
    const formed = data instanceof Uint8Array ? this.#form(data) : data;
    if (typeof data === 'object' && !(data instanceof Uint8Array)) {
      const startLine = 'http_request' in data || 'http_response' in data;
      if (startLine && (this.#packet === 'http' || this.#packet === 'http_bin')) this.#httpHeaders = true;
    }
    if (data === 'http_eoh') this.#httpHeaders = false;
    if (this.#active === false) {
      const waiting = this.#recv;
      this.#recv = undefined;
      waiting?.reply(early ? { ok: formed, earlyData: true } : { ok: formed });
      return;
    }
    // The counter goes down first: whoever handles the message sees the mode that holds after it.
    const active = this.#active;
    if (active === 'once' || active === 1) this.#active = false;
    else if (typeof active === 'number') this.#active = active - 1;
    this.#packets += 1;
    const message = { type: 'ssl', socket: this.#socket, data: formed } as const;
    this.#tell(early ? { ...message, earlyData: true } : message);
    if (active === 1) this.#tell({ type: 'ssl_passive', socket: this.#socket });
  }

  #form(data: Uint8Array): ReceivedData {
    if (this.#mode === 'list') return Array.from(data);
    const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.length);
    if (this.#header === 0) return bytes;
    const numbers: (number | Buffer)[] = Array.from(bytes.subarray(0, this.#header));
    if (bytes.length >= this.#header) numbers.push(bytes.subarray(this.#header));
    return numbers;
  }

  /** The end of the data goes to whoever may hear it now; an idle passive owner hears it when it asks. */
  #tellEnd(): void {
    const end = this.#end;
    if (end === undefined || this.#over) return;
    if (this.#active === false && this.#recv === undefined) return;
    // Whole packets may still wait.
    if (this.needsRest && this.#size > 0) return;
    this.#over = true;
    const reason: SslReason = end.type === 'closed' ? 'closed' : end.reason;
    if (this.#active === false) this.abandonRecv(reason);
    else if (end.type === 'closed') this.#tell({ type: 'ssl_closed', socket: this.#socket });
    else this.#tell({ type: 'ssl_error', socket: this.#socket, reason });
  }

  /** A packet that cannot be: told once, with all that was received; the connection then ends without `ssl_closed`. */
  #packetError(): void {
    const all = this.#take(this.#size);
    const reason: SslReason = { invalid_packet: this.#mode === 'list' ? Array.from(all) : all };
    this.#over = true;
    if (this.#active === false) this.abandonRecv(reason);
    else this.#tell({ type: 'ssl_error', socket: this.#socket, reason });
  }

  #shift(): Uint8Array {
    const front = this.#queue[this.#head] ?? new Uint8Array(0);
    this.#consume(front.length);
    return front;
  }

  /** Drops bytes from the front entry. */
  #consume(bytes: number): void {
    const front = this.#queue[this.#head];
    if (front === undefined) return;
    this.#size -= bytes;
    this.#early = Math.max(0, this.#early - bytes);
    if (bytes < front.length) {
      this.#queue[this.#head] = front.subarray(bytes);
      return;
    }
    this.#head += 1;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head > 64 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Takes exactly `bytes`, of which there are enough, as one piece. */
  #take(bytes: number): Uint8Array {
    const front = this.#queue[this.#head] ?? new Uint8Array(0);
    if (front.length >= bytes) {
      const piece = front.subarray(0, bytes);
      this.#consume(bytes);
      return piece;
    }
    const joined = Buffer.allocUnsafeSlow(bytes);
    let filled = 0;
    while (filled < bytes) {
      const next = this.#queue[this.#head];
      if (next === undefined) break;
      const part = Math.min(next.length, bytes - filled);
      joined.set(part === next.length ? next : next.subarray(0, part), filled);
      filled += part;
      this.#consume(part);
    }
    return joined;
  }

  #unshift(piece: Uint8Array): void {
    this.#size += piece.length;
    if (this.#head > 0) this.#queue[--this.#head] = piece;
    else this.#queue.unshift(piece);
  }
}

/** `{active, 0}` and below in the first options: OTP counts on below zero (†); ours is passive. */
function activeAtStart(active: ActiveMode): ActiveMode {
  return typeof active === 'number' && active <= 0 ? false : active;
}
