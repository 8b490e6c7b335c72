/**
 * The receiving half of the record layer (RFC 8446 §5): chunks of a stream in, records out. Sans-IO.
 *
 * Holds at most one incomplete record besides the chunks just fed. Nothing is copied on the way of a record: a
 * record that spans chunks goes to the opener in pieces, and its plaintext comes out in pieces. Where the engine writes
 * where it is told, the records that a chunk holds whole are opened in one run into one piece of memory.
 */
import { join } from '../../values/wire/join.js';
import {
  ALERT,
  APPLICATION_DATA,
  CHANGE_CIPHER_SPEC,
  type ContentType,
  contentType,
  HANDSHAKE,
  HEADER_LENGTH,
  MAX_EXPANSION,
  MAX_PLAINTEXT,
} from './content-type.js';
import { RecordError } from './errors.js';
import type { EpochKeys, OpenedRecord, ReadProtection } from './protection.js';
import type { Aligned } from './reassembly.js';
import { type RecordLimit, unprotectedLimit } from './record-limit.js';
import { type DirectReading, fragmentLength, RecordRun } from './record-run.js';
import { type Budget, boundless } from './turn-budget.js';

/**
 * What came in. A record whose bytes stood in several chunks may come as several of these, in order, but for alerts
 * and change_cipher_spec.
 */
export type InboundRecord = {
  readonly [Type in ContentType]: {
    readonly type: Type;
    /** Empty only for application data. */
    readonly data: Uint8Array;
    /** True: memory of its own, made by decryption. False: a view of the chunk, and the record was not protected. */
    readonly owned: boolean;
  };
}[ContentType];

/** Empty application data records in a row; each costs the reader a decryption and gives nothing. */
const MAX_EMPTY_RECORDS = 32;
const EMPTY: Uint8Array = new Uint8Array(0);
const scratch: Uint8Array = new Uint8Array(HEADER_LENGTH);
/** Of the run that is being opened: a run lasts for one call. */
const run: RecordRun = new RecordRun();

export class ReadHalf {
  private chunks: Uint8Array[] = [];
  /** Where the waiting bytes begin in the first chunk. */
  private offset = 0;
  private waiting = 0;
  private protection: ReadProtection | undefined = undefined;
  /** What is left of a record that was given out in part: its type, and the other pieces. */
  private rest: Uint8Array[] = [];
  private restType: ContentType = 'application_data';
  private restOwned = false;
  /** What was found behind data that was given out. */
  private failure: RecordError | undefined = undefined;
  private emptyRecords = 0;
  /** Bytes of rejected early data that may still be thrown away; negative: none is expected. */
  private skippable = -1;
  private limit: number = MAX_PLAINTEXT;
  /** Of records without protection. */
  private plainLimit: number = MAX_PLAINTEXT;
  /** Of what was protected, with type and padding. */
  private innerLimit: number = Number.MAX_SAFE_INTEGER;
  private readonly budget: Budget;
  /** Of all records once the version is agreed; 0: any. */
  private version = 0;

  /** `budget`: spent by each record read, be it given out or thrown away; when it is used up none is. */
  constructor(budget: Budget = boundless) {
    this.budget = budget;
  }

  /** Bytes fed and not yet given out as records. */
  get buffered(): number {
    return this.waiting;
  }

  /** Bytes of memory that what was fed keeps, at most twice `buffered` once `next` has answered `undefined`. */
  get held(): number {
    let bytes = 0;
    for (const chunk of this.chunks) bytes += chunk.buffer.byteLength;
    return bytes;
  }

  /** Adds bytes from the transport. They must stay unchanged until `next` answers `undefined` and `detach` ran. */
  feed(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.chunks.push(chunk);
    this.waiting += chunk.length;
  }

  /**
   * The next record, or `undefined` when more bytes are needed or the budget is spent. Throws `RecordError`; the half
   * must not be used after that.
   */
  next(): InboundRecord | undefined {
    const { budget } = this;
    for (;;) {
      if (this.rest.length > 0) return this.giveRest();
      if (this.failure !== undefined) throw this.failure;
      if (budget.spent) return undefined;
      if (this.waiting < HEADER_LENGTH) return this.settle();
      const { offset } = this;
      const first = this.chunks[0] ?? EMPTY;
      const header = first.length - offset >= HEADER_LENGTH ? first : this.gatherHeader();
      const at = header === first ? offset : 0;
      const code = header[at] ?? 0;
      const length = ((header[at + 3] ?? 0) << 8) | (header[at + 4] ?? 0);
      const type = contentType(code);
      if (type === undefined) throw new RecordError('unknown_content_type');
      // The minor byte is ignored (§5.1); another major byte is no TLS at all.
      if (header[at + 1] !== 3) throw new RecordError('wrong_record_version');
      // RFC 5246 §6.2.1; TLS 1.3 ignores it (§5.1).
      if (this.version !== 0 && header[at + 2] !== (this.version & 0xff))
        throw new RecordError('wrong_record_version');
      const { protection } = this;
      const isProtected = protection?.protects(code) ?? false;
      const expansion = isProtected ? (protection?.maxExpansion ?? 0) : MAX_EXPANSION;
      if (length > this.longest(isProtected, expansion)) throw new RecordError('record_overflow');
      if (this.waiting < HEADER_LENGTH + length) return this.settle();
      const version = 0x0300 | (header[at + 2] ?? 0);
      const direct = protection?.direct;
      if (
        isProtected &&
        protection !== undefined &&
        direct !== undefined &&
        length <= direct.limit &&
        header === first &&
        this.skippable < 0 &&
        first.length - offset >= HEADER_LENGTH + length
      )
        return this.openRun(protection, direct, first);
      budget.spend(length);
      this.drop(HEADER_LENGTH);
      const record =
        isProtected && protection !== undefined
          ? this.openProtected(protection, code, version, length)
          : this.acceptUnprotected(code, type, this.take(length), length);
      if (record !== undefined) return record;
    }
  }

  /**
   * Installs the first keys, or those of the next epoch. Throws `excess_handshake_data` when a part of the record
   * that carried the last message is still to be given out.
   */
  install(protection: ReadProtection, _aligned: Aligned): void {
    if (this.rest.length > 0) throw new RecordError('excess_handshake_data');
    this.protection = protection;
  }

  /** Moves on to the peer's next traffic keys, after its KeyUpdate (§4.6.3, §7.2). */
  rekey(aligned: Aligned): void {
    const { protection } = this;
    if (protection === undefined) throw new TypeError('no keys to update');
    this.install(protection.next(), aligned);
  }

  /** The peer's keys, of TLS 1.3. */
  get keys(): EpochKeys | undefined {
    return this.protection?.epoch;
  }

  /** From now on every record must be of this version: TLS 1.2 and before. */
  expectVersion(version: number): void {
    this.version = version;
  }

  /**
   * A server that does not accept early data throws it away unread: application data that comes before keys do
   * (after a HelloRetryRequest) and records that do not open, until one does (§4.2.10).
   * `bytes`: how much at most, `max_early_data_size` with room for padding and tags.
   */
  skipEarlyData(bytes: number): void {
    this.skippable = bytes;
  }

  /** Lowers the longest plaintext accepted (max_fragment_length, record_size_limit). */
  limitRecords(limit: RecordLimit): void {
    this.limit = Math.min(limit.content, MAX_PLAINTEXT);
    this.plainLimit = unprotectedLimit(limit);
    if (limit.inner !== undefined) this.innerLimit = limit.inner;
  }

  /** All bytes fed and not given out, which are no records of ours any more. */
  takeRest(): Uint8Array {
    const rest = this.waiting === 0 ? EMPTY : this.copyWaiting();
    this.chunks = [];
    this.offset = 0;
    this.waiting = 0;
    return rest;
  }

  /** Copies what waits out of the transport's memory, which may then be overwritten. */
  detach(): void {
    if (!this.restOwned && this.rest.length > 0) this.rest = this.rest.map((piece) => new Uint8Array(piece));
    if (this.waiting === 0) return;
    this.chunks = [this.copyWaiting()];
    this.offset = 0;
  }

  /**
   * Opens the records that stand whole in the first chunk, one behind the other into the same memory, so that the data of
   * several comes out in one piece. What is wrong with one, or is no data, is told after the data in front of it.
   */
  private openRun(protection: ReadProtection, direct: DirectReading, chunk: Uint8Array): InboundRecord {
    run.begin(direct, protection.tagLength, chunk, this.offset);
    try {
      while (this.openNext(protection, direct, chunk));
    } catch (error) {
      if (run.isEmpty || !(error instanceof RecordError)) throw error;
      this.failure = error;
    }
    if (run.isEmpty) {
      const apart = this.giveRest();
      if (apart !== undefined) return apart;
    }
    return { type: 'application_data', data: run.take(), owned: true };
  }

  /** Opens the next record of a run; false when none is to follow. */
  private openNext(protection: ReadProtection, direct: DirectReading, chunk: Uint8Array): boolean {
    const { budget, offset } = this;
    const length = fragmentLength(chunk, offset);
    const begin = run.end;
    const version = 0x0300 | (chunk[offset + 2] ?? 0);
    const at = offset + HEADER_LENGTH;
    const end = protection.openInto(chunk[offset] ?? 0, version, chunk, at, length, run.out, begin);
    if (end < 0) throw new RecordError('bad_record_mac');
    budget.spend(length);
    this.drop(HEADER_LENGTH + length);
    this.checkLength(end - begin, length - protection.headLength - protection.tagLength);
    const code = protection.openedType;
    if (code !== APPLICATION_DATA) {
      // Copied: `slice` of a Buffer, which an engine may have allocated, would be a view of what is written over.
      this.setApart(code, new Uint8Array(run.out.subarray(begin, end)));
      return false;
    }
    this.check(code, end - begin);
    run.end = end;
    return run.hasNext() && !budget.spent && fragmentLength(chunk, this.offset) <= direct.limit;
  }

  /** A record that is no data, given out when what came before it is. */
  private setApart(code: number, data: Uint8Array): void {
    const type = contentType(code);
    if (type === undefined) throw new RecordError('unknown_content_type');
    this.check(code, data.length);
    this.rest = [data];
    this.restType = type;
    this.restOwned = true;
  }

  private openProtected(
    protection: ReadProtection,
    code: number,
    version: number,
    length: number,
  ): InboundRecord | undefined {
    const { headLength, tagLength } = protection;
    let opened: OpenedRecord | undefined;
    if (length < headLength + tagLength) {
      this.drop(length);
    } else {
      const head = headLength === 0 ? EMPTY : this.takeWhole(headLength);
      const pieces = this.take(length - headLength - tagLength);
      opened = protection.open(code, version, head, pieces, this.takeWhole(tagLength), length);
    }
    if (opened === undefined) {
      if (this.skippable < 0) throw new RecordError('bad_record_mac');
      return this.skip(length);
    }
    this.skippable = -1;
    const type = contentType(opened.type);
    if (type === undefined) throw new RecordError('unknown_content_type');
    this.checkLength(opened.length, length - headLength - tagLength);
    return this.give(opened.type, type, opened.pieces, opened.length, true);
  }

  private acceptUnprotected(
    code: number,
    type: ContentType,
    pieces: Uint8Array[],
    length: number,
  ): InboundRecord | undefined {
    if (code === APPLICATION_DATA) {
      if (this.skippable < 0) throw new RecordError('unexpected_record_type');
      return this.skip(length);
    }
    const { protection } = this;
    if (protection !== undefined && code !== CHANGE_CIPHER_SPEC) {
      // A peer that could not make sense of our hello has no keys: its alert comes in the clear. Somebody on the
      // path could send it as well, but could as easily break the connection with a garbled record.
      if (code !== ALERT || !protection.unused) throw new RecordError('unexpected_record_type');
    }
    // §4.2.10: early data ends before the second hello; between its pieces and behind it there is none to skip.
    if (code === HANDSHAKE) this.skippable = -1;
    return this.give(code, type, pieces, length, false);
  }

  private give(
    code: number,
    type: ContentType,
    pieces: Uint8Array[],
    length: number,
    owned: boolean,
  ): InboundRecord {
    this.check(code, length);
    if (length === 0) return { type, data: EMPTY, owned };
    const first = pieces[0] ?? EMPTY;
    if (pieces.length === 1) return { type, data: first, owned };
    if (code === ALERT || code === CHANGE_CIPHER_SPEC) {
      return { type, data: join(pieces, new Uint8Array(length)), owned };
    }
    pieces.shift();
    this.rest = pieces;
    this.restType = type;
    this.restOwned = owned;
    return { type, data: first, owned };
  }

  /** Longest fragment of a record that may begin; what it holds is measured once it is open. */
  private longest(isProtected: boolean, expansion: number): number {
    // Early data that is thrown away was sent before any limit was known.
    if (this.skippable >= 0) return MAX_PLAINTEXT + expansion;
    return isProtected ? this.limit + expansion : this.plainLimit;
  }

  /** `content` of an opened record, and `inner`: that with type and padding. */
  private checkLength(content: number, inner: number): void {
    if (content > this.limit || inner > this.innerLimit) throw new RecordError('record_overflow');
  }

  private check(code: number, length: number): void {
    if (code === APPLICATION_DATA) {
      if (length > 0) this.emptyRecords = 0;
      else if (++this.emptyRecords > MAX_EMPTY_RECORDS) throw new RecordError('too_many_empty_records');
    } else if (length === 0) {
      throw new RecordError('empty_fragment');
    } else if (code === ALERT && length !== 2) {
      // §5.1: an alert is neither fragmented nor coalesced.
      throw new RecordError('malformed_alert');
    }
  }

  /** The header counts too, so that empty records come to an end. */
  private skip(length: number): undefined {
    this.skippable -= HEADER_LENGTH + length;
    if (this.skippable < 0) throw new RecordError('too_much_skipped_early_data');
  }

  private giveRest(): InboundRecord | undefined {
    const data = this.rest.shift();
    return data && { type: this.restType, data, owned: this.restOwned };
  }

  /** A header that spans chunks, in scratch. */
  private gatherHeader(): Uint8Array {
    let filled = 0;
    for (let i = 0, from = this.offset; filled < HEADER_LENGTH; i++, from = 0) {
      const chunk = this.chunks[i] ?? EMPTY;
      for (; from < chunk.length && filled < HEADER_LENGTH; from++) scratch[filled++] = chunk[from] ?? 0;
    }
    return scratch;
  }

  private drop(length: number): void {
    let left = length + this.offset;
    for (let chunk = this.chunks[0]; chunk !== undefined && left >= chunk.length; chunk = this.chunks[0]) {
      left -= chunk.length;
      this.chunks.shift();
    }
    this.offset = left;
    this.waiting -= length;
  }

  private take(length: number): Uint8Array[] {
    if (length === 0) return [];
    const first = this.chunks[0] ?? EMPTY;
    const end = this.offset + length;
    if (end < first.length) {
      const piece = first.subarray(this.offset, end);
      this.offset = end;
      this.waiting -= length;
      return [piece];
    }
    const pieces: Uint8Array[] = [];
    let left = length;
    for (let i = 0, from = this.offset; left > 0; i++, from = 0) {
      const chunk = this.chunks[i] ?? EMPTY;
      const to = Math.min(chunk.length, from + left);
      pieces.push(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
      left -= to - from;
    }
    this.drop(length);
    return pieces;
  }

  private takeWhole(length: number): Uint8Array {
    const pieces = this.take(length);
    return pieces.length === 1 ? (pieces[0] ?? EMPTY) : join(pieces, new Uint8Array(length));
  }

  /**
   * Nothing more can be given out. A few bytes must not keep a large chunk alive while the peer is silent, nor many
   * small chunks the objects around them.
   */
  private settle(): undefined {
    if (this.waiting === 0) return;
    const first = this.chunks[0] ?? EMPTY;
    const crumb = this.chunks.length === 1 && this.waiting * 2 < first.buffer.byteLength;
    if (crumb || this.chunks.length > 16) this.detach();
  }

  private copyWaiting(): Uint8Array {
    const copy = new Uint8Array(this.waiting);
    let at = 0;
    for (let i = 0, from = this.offset; i < this.chunks.length; i++, from = 0) {
      const chunk = this.chunks[i] ?? EMPTY;
      copy.set(from === 0 ? chunk : chunk.subarray(from), at);
      at += chunk.length - from;
    }
    return copy;
  }
}
