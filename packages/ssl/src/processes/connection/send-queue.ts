/**
 * The sender's work: one queue of atomic sends, encrypted and given to the transport in order (contract §1.3 `send`).
 *
 * Plain logic over a write half and a transport. While the transport has a backlog nothing more is encrypted, so a
 * slow peer costs the memory of what the callers gave and not a second copy of it. Short sends that wait together leave
 * as full records in one write; each is answered when the transport has its own bytes.
 *
 * The write half can be given back while a handshake runs again, and be taken again: what is queued waits meanwhile.
 */
import type { WriteHalf } from '../../protocol/record/write-half.js';
import type { Flight, PathMessage } from '../../protocol/sink.js';
import {
  type CheckedTicket,
  type KeyUpdateRequest,
  sealKeyUpdate,
  sealNewSessionTickets,
} from '../../protocol/tls13/post-handshake.js';
import { sealFlight } from '../../protocol/tls13/post-handshake-authentication.js';
import { alertCode } from '../../values/registry/alerts.js';
import type { Result, SslReason } from '../../values/terms.js';
import { concat } from '../../values/wire/join.js';
import { tls12Messages } from '../../values/wire/tls12-messages.js';
import { largestPacket, packetHeader } from '../delivery/packet.js';
import type { TransportPaths } from '../transport/transport.js';
import { giveSealingMemory, takeSealingMemory } from './sealing-memory.js';

export type SendResult = Result<true>;

/** Who waits for a send: answered once. */
export interface Waiter {
  reply(result: SendResult): void;
}

/** The part of a transport that is written to. */
export interface Outlet {
  write(pieces: readonly Uint8Array[]): boolean;
  /** The same of lent memory: free again when the answer is true, else when the backlog is gone. */
  writeLent?(piece: Uint8Array): boolean;
  /** Bytes taken and not yet passed on. */
  readonly backlog: number;
  /** Over datagrams: what leaves for one address of the peer alone. */
  readonly paths?: Pick<TransportPaths, 'writeTo'>;
}

/**
 * Bytes encrypted before the transport is asked whether it still follows, and before I/O has its chance: what is
 * encrypted far ahead of the network leaves the processor's cache before it is written, and outlives young collections.
 */
const stride = 64 * 1024;
/** Records in the same time: a peer may ask for records of 64 bytes (RFC 8449 §4), of which each costs as much as a long one. */
const strideRecords = 64;
/** Sends up to this length that wait together are joined: copying costs less than a record and a write for each. */
const joinable = 8192;
const helloRequest = tls12Messages.encode('hello_request', true);

interface Entry {
  readonly kind: 'data' | 'alert' | Flight;
  /** Of data and alerts. */
  readonly bytes: Uint8Array;
  /** Bytes already written. */
  done: number;
  waiter: Waiter | undefined;
  /** Called when it is answered. */
  answered: (() => void) | undefined;
}

export class SendQueue {
  /** Whether `updateKeys` means anything: TLS 1.3. */
  readonly updatesKeys: boolean;
  /** `away`: given back until `takeAgain`, nothing can be sealed. */
  #half: WriteHalf | 'away';
  readonly #outlet: Outlet;
  readonly #queue: Entry[] = [];
  /** Fully written, waiting for the backlog to go. */
  readonly #written: Entry[] = [];
  #blocked = false;
  /** So much was written that I/O is to have its chance first. */
  #resting = false;
  #sinceRest = 0;
  #hurries = false;
  /** Tickets are on their way, and go first. */
  #held = false;
  /** What the transport still reads from. */
  #lent: Uint8Array | undefined = undefined;
  readonly #afterIo: (go: () => void) => void;
  #closed = false;
  /** Who waits for close_notify to go out; undefined when it has, or was never asked for. */
  #closers: Waiter[] | undefined = undefined;
  /** A KeyUpdate or a refusal that waits for the backlog to go. */
  #owed: KeyUpdateRequest | 'no_renegotiation' | undefined = undefined;
  /** A HelloRequest likewise. */
  #owesHelloRequest = false;
  /** Records under the present keys at which another handshake is due. */
  #renegotiationDueAt: number;
  readonly #renegotiateAt: number;
  /** A fatal alert that waits for the half to come again. */
  #fatal: { readonly description: number; readonly waiter: Waiter } | undefined = undefined;
  #packet: 0 | 1 | 2 | 4 = 0;
  /** Bytes of data in the queue. */
  #waiting = 0;

  /**
   * `afterIo`: calls back when I/O that is ready has had its chance. `renegotiateAt`: records after which another handshake
   * is due, where keys cannot be updated; a cipher may bear fewer.
   */
  constructor(
    half: WriteHalf,
    outlet: Outlet,
    afterIo: (go: () => void) => void,
    renegotiateAt: number = Number.POSITIVE_INFINITY,
  ) {
    this.#renegotiateAt = renegotiateAt;
    this.#renegotiationDueAt = this.#dueAfter(half);
    this.#afterIo = afterIo;
    this.#half = half;
    this.updatesKeys = half.updatesKeys;
    this.#outlet = outlet;
  }

  /**
   * Gives the write half back, for a handshake that runs again: all that was taken until now was written before it.
   * `undefined` when it was given back already, and when our side is closed: nothing may follow close_notify.
   */
  giveBack(): WriteHalf | undefined {
    const half = this.#half;
    if (half === 'away' || this.#closed) return undefined;
    this.#half = 'away';
    // The handshake that was to be asked for runs.
    this.#owesHelloRequest = false;
    return half;
  }

  /** On with the half as it is now, first with what is owed, then with what was queued meanwhile. */
  takeAgain(half: WriteHalf): void {
    this.#half = half;
    this.#renegotiationDueAt = this.#dueAfter(half);
    const fatal = this.#fatal;
    this.#fatal = undefined;
    if (fatal !== undefined) {
      this.#writeFatal(half, fatal.description, fatal.waiter);
      return;
    }
    if (!this.#blocked) this.#writeOwed();
    this.flush();
  }

  /** Whether a peer that does not read holds up what comes. */
  get blocked(): boolean {
    return this.#blocked;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Sends that wait. */
  get length(): number {
    return this.#queue.length + this.#written.length;
  }

  /** Bytes that nobody has taken yet. */
  get bytes(): number {
    return this.#waiting;
  }

  /** Only modes 1, 2 and 4 frame what is sent. */
  setPacket(packet: unknown): void {
    this.#packet = packet === 1 || packet === 2 || packet === 4 ? packet : 0;
  }

  /**
   * One atomic send. Answers `{packet_to_large, …}` at once, else when the transport has all of it. `more`: others follow
   * at once, and then a `flush`.
   */
  send(data: Uint8Array, waiter: Waiter, more: boolean): PendingSend | undefined {
    if (this.#closed) {
      waiter.reply({ error: 'closed' });
      return undefined;
    }
    const packet = this.#packet;
    if (this.#half !== 'away' && data.length > this.#half.largest) {
      waiter.reply({ error: { emsgsize: [data.length, this.#half.largest] } });
      return undefined;
    }
    let bytes = data;
    if (packet !== 0) {
      const largest = largestPacket(packet);
      if (data.length > largest) {
        waiter.reply({ error: { badarg: { packet_to_large: [data.length, largest] } } });
        return undefined;
      }
      bytes = Buffer.concat([packetHeader(packet, data.length), data]);
    } else if (data.length === 0) {
      waiter.reply({ ok: true });
      return undefined;
    }
    const entry: Entry = { kind: 'data', bytes, done: 0, waiter, answered: undefined };
    this.#queue.push(entry);
    this.#waiting += bytes.length;
    if (!more || this.#waiting >= stride) this.flush();
    if (entry.waiter === undefined) return undefined;
    return {
      giveUp: (reason) => answer(entry, { error: reason }),
      whenAnswered(go): void {
        entry.answered = go;
      },
    };
  }

  /** close_notify after everything queued; no send is taken any more. The waiter hears when the transport has it. */
  close(description: number, waiter: Waiter): void {
    if (this.#closed) {
      if (this.#closers === undefined) waiter.reply({ ok: true });
      else this.#closers.push(waiter);
      return;
    }
    this.#closed = true;
    const closers = [waiter];
    this.#closers = closers;
    const all: Waiter = {
      reply: (result) => {
        this.#closers = undefined;
        for (const one of closers) one.reply(result);
      },
    };
    this.#queue.push({
      kind: 'alert',
      bytes: Uint8Array.of(1, description),
      done: 0,
      waiter: all,
      answered: undefined,
    });
    this.flush();
  }

  /** Handshake messages that stand together, after everything queued. The waiter hears when the transport has them. */
  flight(flight: Flight, waiter: Waiter): void {
    if (this.#closed) {
      waiter.reply({ error: 'closed' });
      return;
    }
    this.#queue.push({ kind: flight, bytes: nothing, done: 0, waiter, answered: undefined });
    this.flush();
  }

  /** A fatal alert before anything queued, whose senders hear `closed`. After close_notify there is nothing to say. */
  fail(description: number, waiter: Waiter): void {
    if (this.#closed && !this.#queue.some(({ kind }) => kind === 'alert')) {
      waiter.reply({ ok: true });
      return;
    }
    this.drop('closed');
    if (this.#half === 'away') this.#fatal = { description, waiter };
    else this.#writeFatal(this.#half, description, waiter);
  }

  #writeFatal(half: WriteHalf, description: number, waiter: Waiter): void {
    this.#written.push({
      kind: 'alert',
      bytes: Uint8Array.of(2, description),
      done: 2,
      waiter,
      answered: undefined,
    });
    this.#blocked = !this.#outlet.write(half.sealAlert(2, description)) || this.#blocked;
    if (!this.#blocked) this.#acknowledge();
  }

  /** Nothing is taken or written any more; all who wait hear the reason. */
  drop(reason: SslReason): void {
    this.#closed = true;
    this.#owed = undefined;
    this.#owesHelloRequest = false;
    this.#fatal?.waiter.reply({ error: reason });
    this.#fatal = undefined;
    this.#waiting = 0;
    for (const entry of this.#queue.splice(0)) answer(entry, { error: reason });
    for (const entry of this.#written.splice(0)) answer(entry, { error: reason });
  }

  /**
   * KeyUpdate (RFC 8446 §4.6.3), between any two records. While the transport has a backlog one waits, however many
   * are asked for: a peer that asks and does not read must not make us write. What is asked of the peer is not lost.
   */
  updateKeys(request: KeyUpdateRequest): void {
    if (this.#closed) return;
    if (this.#owed !== 'update_requested') this.#owed = request;
    if (!this.#blocked) this.#writeOwed();
  }

  /** The peer of TLS 1.2 wants to renegotiate; it hears once that we do not (RFC 5246 §7.2.2). */
  refuseRenegotiation(): void {
    if (this.#closed) return;
    this.#owed = 'no_renegotiation';
    if (!this.#blocked) this.#writeOwed();
  }

  /** Data waits until tickets were sent, or `release`: a peer that leaves after its answer has them then. */
  holdForTickets(): void {
    this.#held = true;
  }

  /** They are a gift: a peer that does not read what it was sent gets none. Then what was held leaves. */
  sendTickets(tickets: readonly CheckedTicket[]): void {
    const half = this.#half;
    if (!this.#closed && !this.#blocked && half !== 'away' && tickets.length > 0) {
      const pieces = sealNewSessionTickets(half, tickets);
      this.#blocked = !this.#outlet.write(half.datagrams ? pieces : [concat(pieces)]);
    }
    this.release();
  }

  /** Nothing is held any more. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.flush();
  }

  /** Over datagrams: the peer has not got the last flight of our handshake (RFC 6347 §4.2.4). */
  sendFlightAgain(): void {
    const half = this.#half;
    if (this.#closed || half === 'away' || this.#blocked) return;
    this.#blocked = !this.#outlet.write(half.sealFlight());
  }

  /** Over datagrams: a check of an address, or an answer to one; one that cannot leave now is lost, as datagrams may be. */
  sendPathMessage({ pathMessage, path }: PathMessage): void {
    const half = this.#half;
    if (this.#closed || half === 'away' || this.#blocked) return;
    const pieces = half.sealPathMessage(pathMessage);
    if (path === undefined || this.#outlet.paths === undefined) this.#blocked = !this.#outlet.write(pieces);
    else this.#outlet.paths.writeTo(pieces, path);
  }

  /** A server of TLS 1.2 wants to renegotiate (RFC 5246 §7.4.1.1). */
  requestHello(): void {
    if (this.#closed) return;
    this.#owesHelloRequest = true;
    if (!this.#blocked) this.#writeOwed();
  }

  /** Whether so many records have left that another handshake is due; after a refusal after as many again. */
  takeRenegotiationDue(): boolean {
    const half = this.#half;
    if (half === 'away' || half.updatesKeys || half.sealedRecords < this.#renegotiationDueAt) return false;
    this.#renegotiationDueAt = this.#dueAfter(half);
    return !this.#closed;
  }

  /** What the user wants, and what the cipher bears (RFC 9325 §4.4). */
  #dueAfter(half: WriteHalf): number {
    return half.sealedRecords + Math.min(this.#renegotiateAt, half.mostRecords);
  }

  #writeOwed(): void {
    const owed = this.#owed;
    const half = this.#half;
    if (half === 'away') return;
    if (this.#owesHelloRequest) {
      this.#owesHelloRequest = false;
      // Over datagrams it is a flight, which the half has.
      const request = half.datagrams ? half.sealFlight() : half.sealHandshake(helloRequest);
      this.#blocked = !this.#outlet.write(request);
    }
    if (owed === undefined) return;
    this.#owed = undefined;
    const pieces =
      owed === 'no_renegotiation'
        ? half.sealAlert(1, alertCode('no_renegotiation'))
        : sealKeyUpdate(half, owed);
    this.#blocked = !this.#outlet.write(pieces) || this.#blocked;
  }

  /** KeyUpdates that were asked of the peer since this was last called. */
  takeRequests(): number {
    return this.#half === 'away' ? 0 : this.#half.takeRequests();
  }

  /** The transport's backlog is gone. */
  drained(): void {
    // The message may be older than what was written since.
    if (!this.#blocked || this.#outlet.backlog > 0) return;
    this.#blocked = false;
    if (this.#lent !== undefined) giveSealingMemory(this.#lent);
    this.#lent = undefined;
    if (this.#resting) return;
    this.#acknowledge();
    this.#writeOwed();
    this.flush();
  }

  /** No other turn will come: what waits for one is written now, as far as the transport takes it. */
  hurry(): void {
    this.#hurries = true;
    this.#held = false;
    this.#rested();
    this.flush();
  }

  #rested(): void {
    if (!this.#resting) return;
    this.#resting = false;
    this.#sinceRest = 0;
    if (this.#blocked) return;
    this.#acknowledge();
    this.#writeOwed();
    this.flush();
  }

  /** Writes what waits, as far as the transport takes it. */
  flush(): void {
    while (!this.#blocked && !this.#resting && !this.#held) {
      const entry = this.#queue[0];
      const half = this.#half;
      if (entry === undefined || half === 'away') return;
      if (entry.kind === 'alert') this.#writeAlert(entry, half);
      else if (entry.kind === 'data') this.#writeData(entry, half);
      else this.#writeFlight(entry.kind, half);
    }
  }

  #writeAlert(entry: Entry, half: WriteHalf): void {
    this.#blocked = !this.#outlet.write(half.sealAlert(1, entry.bytes[1] ?? 0));
    this.#leave(1);
  }

  #writeFlight(flight: Flight, half: WriteHalf): void {
    this.#blocked = !this.#outlet.write(sealFlight(half, flight));
    this.#leave(1);
  }

  #writeData(entry: Entry, half: WriteHalf): void {
    if (half.keyUpdateDue && !this.#outlet.write(sealKeyUpdate(half, 'update_requested')))
      this.#blocked = true;
    const most = Math.min(stride, strideRecords * half.longestContent);
    const joined = entry.done === 0 && !half.datagrams ? this.#joinable(most) : 1;
    const data = joined > 1 ? this.#join(joined) : partOf(entry, most);
    this.#waiting -= data.length;
    this.#sinceRest += data.length;
    if (!this.#seal(data, half)) this.#blocked = true;
    if (this.#sinceRest >= most && !this.#hurries) {
      this.#resting = true;
      this.#afterIo(() => this.#rested());
    }
    if (joined > 1) this.#leave(joined);
    else if (entry.done === entry.bytes.length) this.#leave(1);
  }

  /** Into memory that is lent where engine and transport can; true when the transport has it all. */
  #seal(data: Uint8Array, half: WriteHalf): boolean {
    const outlet = this.#outlet;
    if (outlet.writeLent === undefined || !half.direct(data.length))
      return outlet.write(half.sealApplicationData(data));
    const memory = takeSealingMemory(half.sealedLength(data.length));
    const taken = outlet.writeLent(memory.subarray(0, half.sealInto(data, memory)));
    if (taken) giveSealingMemory(memory);
    else this.#lent = memory;
    return taken;
  }

  /** How many sends at the front are short and fit in one write together. */
  #joinable(most: number): number {
    let count = 0;
    let bytes = 0;
    for (; count < this.#queue.length; count += 1) {
      const entry = this.#queue[count];
      if (entry === undefined || entry.kind !== 'data' || entry.bytes.length > joinable) break;
      bytes += entry.bytes.length;
      if (bytes > most) break;
    }
    return count;
  }

  #join(count: number): Uint8Array {
    const parts = this.#queue.slice(0, count).map(({ bytes }) => bytes);
    return concat(parts);
  }

  /** Those at the front were written. In one cut: to shift them one by one moves all others each time. */
  #leave(count: number): void {
    for (const entry of this.#queue.splice(0, count)) {
      entry.done = entry.bytes.length;
      if (this.#blocked || this.#resting) this.#written.push(entry);
      else answer(entry, sent);
    }
  }

  #acknowledge(): void {
    for (const entry of this.#written.splice(0)) answer(entry, { ok: true });
  }
}

/** A send that waits for the transport. */
export interface PendingSend {
  /** `send_timeout`: the caller hears the reason; what was taken is still sent. */
  giveUp(reason: SslReason): void;
  /** Calls back once it is answered, however that is. */
  whenAnswered(go: () => void): void;
}

const sent: SendResult = { ok: true };
const nothing: Uint8Array = new Uint8Array(0);

/** The next piece of a send, which is then written. */
function partOf(entry: Entry, most: number): Uint8Array {
  const begin = entry.done;
  entry.done = Math.min(entry.bytes.length, begin + most);
  return begin === 0 && entry.done === entry.bytes.length
    ? entry.bytes
    : entry.bytes.subarray(begin, entry.done);
}

function answer(entry: Entry, result: SendResult): void {
  const { waiter, answered } = entry;
  if (waiter === undefined) return;
  entry.waiter = undefined;
  entry.answered = undefined;
  waiter.reply(result);
  answered?.();
}
