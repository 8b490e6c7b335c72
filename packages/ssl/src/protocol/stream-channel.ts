/**
 * A channel over a byte stream. Messages under one key are sealed together, so that a server's EncryptedExtensions to
 * Finished are one record, and a flight is one write of one piece: a record costs a cipher context, a write a system
 * call, and several pieces in one write more than copying them.
 */
import type { ProtocolVersion } from '../values/registry/versions.js';
import { concat } from '../values/wire/join.js';
import type { Channel, Inbound, Writer } from './channel.js';
import type { EpochKeys, ReadProtection, WriteProtection } from './record/protection.js';
import { ReadHalf } from './record/read-half.js';
import { HandshakeReassembler } from './record/reassembly.js';
import type { RecordLimit } from './record/record-limit.js';
import { type Budget, boundless } from './record/turn-budget.js';
import { WriteHalf } from './record/write-half.js';
import type { Sink } from './sink.js';

/** What a channel has to know of a connection. */
export interface ChannelSettings {
  /** Longest handshake message, bytes. */
  readonly maxHandshakeSize: number;
  /** Bytes sent under one key before a KeyUpdate is due. */
  readonly keyUpdateAt: number;
  /** How much input is worked off in one go; without one, all. */
  readonly budget?: Budget | undefined;
  /** Over datagrams: those that may be agreed on. */
  readonly versions?: readonly ProtocolVersion[] | undefined;
  /** Over datagrams: the largest, bytes, where it is known. */
  readonly mtu?: number | undefined;
  /** Over datagrams: ms until a flight without an answer goes out again, at first; unset: by what is learned of the path. */
  readonly flightTimeout?: number | undefined;
  /** Over datagrams: ms that the path takes there and back, where it is known. */
  readonly roundTrip?: number | undefined;
  /** Over datagrams: ms of a clock that only goes forwards; without one nothing is learned. */
  readonly now?: (() => number) | undefined;
  /** Over datagrams: what nobody can guess, to ask the peer with where it is. */
  readonly random?: ((length: number) => Uint8Array) | undefined;
}

/** Nothing to send, most of the time: one for all, never written to. */
const nothing: readonly Uint8Array[] = [];

export class StreamChannel implements Channel {
  private readonly sink: Pick<Sink, 'write' | 'trace'>;
  private readonly budget: Budget;
  private readonly read: ReadHalf;
  private readonly reassembler: HandshakeReassembler;
  private write: Writer;
  /** Messages that wait for being sealed under the present keys. */
  private messages: readonly Uint8Array[] = nothing;
  /** Records that wait for the end of the flight. */
  private records: readonly Uint8Array[] = nothing;

  /** `recordVersion`: legacy_record_version of the first hello. */
  constructor(
    { maxHandshakeSize, keyUpdateAt, budget = boundless }: ChannelSettings,
    recordVersion: number,
    sink: Pick<Sink, 'write' | 'trace'>,
  ) {
    this.sink = sink;
    this.budget = budget;
    this.read = new ReadHalf(budget);
    this.reassembler = new HandshakeReassembler(maxHandshakeSize);
    this.write = new WriteHalf(keyUpdateAt, recordVersion);
  }

  // ── What comes in ───────────────────────────────────────────────────────────────────────────────────

  feed(chunk: Uint8Array): void {
    this.read.feed(chunk);
  }

  detach(): void {
    this.read.detach();
  }

  next(): Inbound | undefined {
    for (;;) {
      if (this.budget.spent) return undefined;
      const message = this.reassembler.next();
      if (message !== undefined) {
        this.budget.spend(message.raw.length);
        return message;
      }
      const record = this.read.next();
      if (record === undefined) return undefined;
      this.sink.trace?.('in', record.type, record.data);
      if (record.type !== 'handshake') {
        this.reassembler.assertNotInterleaved();
        return record;
      }
      // An unprotected record is a view of the chunk, and handshake data outlives it.
      this.reassembler.push(record.owned ? record.data : new Uint8Array(record.data));
    }
  }

  takeRest(): Uint8Array {
    return this.read.takeRest();
  }

  get held(): number {
    return this.read.held + this.reassembler.held;
  }

  endPeerFlight(): void {
    this.reassembler.aligned();
  }

  installReadKeys(protection: ReadProtection): void {
    this.read.install(protection, this.reassembler.aligned());
  }

  get readKeys(): EpochKeys | undefined {
    return this.read.keys;
  }

  rekeyRead(): void {
    this.read.rekey(this.reassembler.aligned());
  }

  expectRecordVersion(version: number): void {
    this.read.expectVersion(version);
  }

  limitReading(limit: RecordLimit): void {
    this.read.limitRecords(limit);
  }

  skipEarlyData(bytes: number): void {
    this.read.skipEarlyData(bytes);
  }

  // ── What goes out ───────────────────────────────────────────────────────────────────────────────────

  get writer(): Writer {
    return this.write;
  }

  setRecordVersion(version: number): void {
    this.own().setRecordVersion(version);
  }

  addMessage(message: Uint8Array): void {
    this.sink.trace?.('out', 'handshake', message);
    this.messages = [...this.messages, message];
  }

  addChangeCipherSpec(): void {
    this.seal();
    this.records = [...this.records, ...this.own().changeCipherSpec()];
  }

  finishFlight(): void {
    this.seal();
    const { records } = this;
    if (records.length === 0) return;
    this.records = nothing;
    this.sink.write(records.length === 1 ? records : [concat(records)]);
  }

  installWriteKeys(protection: WriteProtection): void {
    this.seal();
    this.own().install(protection);
  }

  limitWriting(limit: RecordLimit): void {
    this.own().limitRecords(limit);
  }

  dropWriteKeys(): void {
    this.seal();
    this.own().drop();
  }

  sendAlert(level: 1 | 2, code: number): void {
    this.sink.trace?.('out', 'alert', Uint8Array.of(level, code));
    this.messages = nothing;
    this.records = [...this.records, ...this.own().sealAlert(level, code)];
    this.finishFlight();
  }

  split(): WriteHalf {
    const half = this.own();
    this.write = 'split';
    return half;
  }

  join(half: WriteHalf): void {
    if (this.write !== 'split') throw new TypeError('not split');
    this.write = half;
  }

  closeWrite(): void {
    this.write = 'closed';
  }

  private own(): WriteHalf {
    const { write } = this;
    if (write instanceof WriteHalf) return write;
    throw new TypeError(write === 'split' ? 'the write half was split off' : 'nothing is written any more');
  }

  private seal(): void {
    const { messages } = this;
    const [first] = messages;
    if (first === undefined) return;
    this.messages = nothing;
    const sealed = this.own().sealHandshake(messages.length === 1 ? first : concat(messages));
    this.records = this.records.length === 0 ? sealed : [...this.records, ...sealed];
  }
}
