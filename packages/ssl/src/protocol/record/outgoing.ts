/**
 * Handshake messages of DTLS 1.3 on their way (RFC 9147 §5.8, §7.2): what of them the peer has not shown to have, and which
 * record held what, so that an ACK spares what it names.
 */
import type { RecordNumber } from './ack.js';

/** A message that leaves until it was acknowledged. */
export interface OutgoingMessage {
  /** The epoch whose keys it leaves under, each time. */
  readonly epoch: number;
  /** Of the epoch's records; `undefined`: TLS's form has it in its first four bytes. */
  readonly number: number;
  /** HandshakeType's code. */
  readonly code: number;
  readonly body: Uint8Array;
  /** What the peer may not have: in order, apart from each other. Of an empty body its header: as if that were a byte. */
  missing: readonly Range[];
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** A piece of a message in a record. */
export interface SentPiece extends Range {
  readonly message: OutgoingMessage;
}

/** Records whose contents are remembered; of those before nobody need hear any more. */
const mostRecords = 1024;

/** In TLS's form, without numbers: type, length of three bytes, body. */
export function outgoingMessage(raw: Uint8Array, epoch: number, number: number): OutgoingMessage {
  const body = raw.subarray(4);
  const missing = [{ from: 0, to: Math.max(body.length, 1) }];
  return { epoch, number, code: raw[0] ?? 0, body, missing };
}

export class Outgoing {
  private list: readonly OutgoingMessage[] = [];
  private sent: Map<string, readonly SentPiece[]> = new Map();

  /** Messages of which the peer may not have all. */
  get messages(): readonly OutgoingMessage[] {
    return this.list;
  }

  get isEmpty(): boolean {
    return this.list.length === 0;
  }

  /** Bytes of memory. */
  get held(): number {
    return this.list.reduce((sum, { body }) => sum + body.length, 0);
  }

  add(message: OutgoingMessage): void {
    this.list = [...this.list, message];
  }

  /** The peer has it all. */
  clear(): void {
    this.list = [];
    this.sent.clear();
  }

  /** A record with these pieces has left. */
  note(record: RecordNumber, pieces: readonly SentPiece[]): void {
    const [oldest] = this.sent.keys();
    if (this.sent.size >= mostRecords && oldest !== undefined) this.sent.delete(oldest);
    this.sent.set(nameOf(record), pieces);
  }

  /** The peer has these records. True when that was news of a message. Each counts once, however often it is named. */
  acknowledge(records: readonly RecordNumber[]): boolean {
    let news = false;
    for (const record of records) {
      const name = nameOf(record);
      for (const { message, from, to } of this.sent.get(name) ?? []) {
        const left = message.missing.flatMap((range) => without(range, from, to));
        if (left.length === message.missing.length && sizeOf(left) === sizeOf(message.missing)) continue;
        message.missing = left;
        news = true;
      }
      this.sent.delete(name);
    }
    if (news) this.list = this.list.filter(({ missing }) => missing.length > 0);
    if (this.isEmpty) this.sent.clear();
    return news;
  }
}

function nameOf({ epoch, sequence }: RecordNumber): string {
  return `${epoch}.${sequence}`;
}

function sizeOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** What is left of a range. */
function without(range: Range, from: number, to: number): readonly Range[] {
  if (to <= range.from || from >= range.to) return [range];
  const left: Range[] = [];
  if (from > range.from) left.push({ from: range.from, to: from });
  if (to < range.to) left.push({ from: to, to: range.to });
  return left;
}
