/**
 * Handshake messages over a byte stream. Messages under one key are sealed together, so that a server's
 * EncryptedExtensions to Finished are one record, and a flight is one write of one piece: a record costs a cipher
 * context, a write a system call, and several pieces in one write more than copying them.
 */
import { concat } from '../values/wire/join.js';
import type { MessageTransport } from './message-transport.js';
import type { ReadProtection, WriteProtection } from './record/protection.js';
import type { ReadHalf } from './record/read-half.js';
import type { HandshakeReassembler } from './record/reassembly.js';
import type { WriteHalf } from './record/write-half.js';
import type { Sink } from './sink.js';

export class StreamTransport implements MessageTransport {
  private readonly read: ReadHalf;
  private readonly write: WriteHalf;
  private readonly reassembler: HandshakeReassembler;
  private readonly sink: Sink;
  /** Messages that wait for being sealed under the present keys. */
  private messages: Uint8Array[] = [];
  /** Records that wait for the end of the flight. */
  private records: Uint8Array[] = [];

  constructor(read: ReadHalf, write: WriteHalf, reassembler: HandshakeReassembler, sink: Sink) {
    this.read = read;
    this.write = write;
    this.reassembler = reassembler;
    this.sink = sink;
  }

  addMessage(message: Uint8Array): void {
    this.sink.trace?.('out', 'handshake', message);
    this.messages.push(message);
  }

  addChangeCipherSpec(): void {
    this.seal();
    this.records.push(...this.write.changeCipherSpec());
  }

  finishFlight(): void {
    this.seal();
    if (this.records.length === 0) return;
    const { records } = this;
    this.records = [];
    this.sink.write(records.length === 1 ? records : [concat(records)]);
  }

  endPeerFlight(): void {
    this.reassembler.aligned();
  }

  installReadKeys(protection: ReadProtection): void {
    this.read.install(protection, this.reassembler.aligned());
  }

  installWriteKeys(protection: WriteProtection): void {
    this.seal();
    this.write.install(protection);
  }

  skipEarlyData(bytes: number): void {
    this.read.skipEarlyData(bytes);
  }

  /** An alert ends the flight: messages not sealed yet are dropped, what was sealed before goes first. */
  sendAlert(level: 1 | 2, code: number): void {
    this.messages = [];
    this.records.push(...this.write.sealAlert(level, code));
    this.finishFlight();
  }

  private seal(): void {
    const { messages } = this;
    const [first] = messages;
    if (first === undefined) return;
    this.messages = [];
    this.records.push(...this.write.sealHandshake(messages.length === 1 ? first : concat(messages)));
  }
}
