/**
 * The receiving half of DTLS's record layer (RFC 6347 §4.1): datagrams in, records out. Sans-IO.
 *
 * Whoever can send a datagram can send anything: what is malformed, of another epoch, comes twice or does not open is
 * passed over in silence and counted (§4.1.2.7). Records of the epoch to come, which have overtaken the change of keys, wait
 * within bounds. All memory that a stranger can make this hold is bounded.
 */
import type { Path } from '../../values/path.js';
import { join } from '../../values/wire/join.js';
import { readInnerPlaintext, TLS12_CID } from './cid-record.js';
import { type ContentType, datagramContentType, MAX_PLAINTEXT } from './content-type.js';
import { CID_AT, DTLS_HEADER_LENGTH, DTLS_MAJOR, numberOf, sequenceIn } from './dtls-layout.js';
import { RecordError } from './errors.js';
import type { ReadProtection } from './protection.js';
import type { RecordLimit } from './record-limit.js';
import { ReplayWindow } from './replay-window.js';
import { type Budget, boundless } from './turn-budget.js';

/** A record that came. */
export interface DtlsRecord {
  readonly type: ContentType | 'return_routability_check';
  readonly data: Uint8Array;
  /** Whether it was opened with keys: anybody can have sent one that was not. */
  readonly authentic: boolean;
  /** Its sequence number. */
  readonly sequence: number;
  /** Whether it is authentic, and newer than all that came under these keys. */
  readonly newest: boolean;
  /** Where its datagram came from, if that is known. */
  readonly path: Path | undefined;
  /** Bytes, header included. */
  readonly size: number;
}

/** A datagram, or a record that was one's. */
interface Waiting {
  readonly bytes: Uint8Array;
  readonly path: Path | undefined;
}

/** Bytes of datagrams that wait for their turn. */
const waitingLimit = 65_536;
/** Records and bytes of the epoch to come that wait for its keys. */
const earlyRecords = 16;
const earlyLimit = 32_768;
/** RFC 5246 §6.2.3 */
const maxExpansion = 2048;
const empty: Uint8Array = new Uint8Array(0);

export class DtlsReadHalf {
  private readonly budget: Budget;
  private datagrams: Waiting[] = [];
  /** Where the next record begins in the first datagram. */
  private offset = 0;
  private waiting = 0;
  private epoch = 0;
  private protection: ReadProtection | undefined = undefined;
  private window: ReplayWindow = new ReplayWindow();
  private early: Waiting[] = [];
  private earlyBytes = 0;
  private settled = false;
  private dropped = 0;
  private longest: number = MAX_PLAINTEXT;
  /** Bytes of the connection ID that records may have which come to us. */
  private cidLength = 0;

  /** `budget`: spent by each record looked at, be it given out or passed over; when it is used up none is. */
  constructor(budget: Budget = boundless) {
    this.budget = budget;
  }

  /** Records and datagrams passed over. */
  get discarded(): number {
    return this.dropped;
  }

  /** Bytes that wait. */
  get held(): number {
    return this.waiting + this.earlyBytes;
  }

  /** A datagram; dropped when too much waits already. It must stay unchanged until `held` is 0. */
  feed(bytes: Uint8Array, path?: Path): void {
    if (bytes.length === 0) return;
    if (this.waiting + bytes.length > waitingLimit) {
      this.discard();
      return;
    }
    this.datagrams.push({ bytes, path });
    this.waiting += bytes.length;
  }

  /** So long is the connection ID that the peer is told of: records that bear one can be told apart from now on. */
  expectIds(length: number): void {
    this.cidLength = length;
  }

  /** Records that come from now on are no longer than this. */
  limitRecords({ content }: RecordLimit): void {
    this.longest = Math.min(content, MAX_PLAINTEXT);
  }

  /** Copies what waits, whose memory may then be written over. */
  detach(): void {
    this.datagrams = this.datagrams.map(({ bytes, path }) => ({ bytes: new Uint8Array(bytes), path }));
  }

  /** What waits is nobody's any more. */
  clear(): void {
    this.datagrams = [];
    this.early = [];
    this.offset = 0;
    this.waiting = 0;
    this.earlyBytes = 0;
  }

  /** What waits, for another half to go on with. */
  handOver(): readonly Uint8Array[] {
    const [first, ...others] = this.datagrams;
    const rest =
      first === undefined ? [] : [first.bytes.subarray(this.offset), ...others.map(({ bytes }) => bytes)];
    this.clear();
    return rest;
  }

  /** Something that a record held was passed over too. */
  discard(): void {
    this.dropped += 1;
  }

  /** The next record that is the peer's as far as can be known; `undefined`: none waits, or the budget is spent. */
  next(): DtlsRecord | undefined {
    for (let [first] = this.datagrams; first !== undefined; [first] = this.datagrams) {
      if (this.budget.spent) return undefined;
      const { bytes } = first;
      const at = this.offset;
      const end = recordEnd(bytes, at, this.cidLength);
      this.budget.spend((end ?? bytes.length) - at);
      if (end === undefined) {
        // Where the next would begin is not known.
        this.discard();
        this.leave(first);
        continue;
      }
      this.offset = end;
      if (end === bytes.length) this.leave(first);
      const record = this.read(first, at, end);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  /** No other keys are to come: nothing waits for them. */
  settle(): void {
    this.early = [];
    this.earlyBytes = 0;
    this.settled = true;
  }

  /** Others are, for a handshake begins again. */
  expectKeys(): void {
    this.settled = false;
  }

  /** The keys of the next epoch. What came before them is looked at now. */
  install(protection: ReadProtection): void {
    this.epoch += 1;
    this.protection = protection;
    this.window = new ReplayWindow();
    const { early } = this;
    this.early = [];
    this.earlyBytes = 0;
    const [first] = this.datagrams;
    // The rest of the datagram under way comes behind them, as it did.
    if (first !== undefined && this.offset > 0) {
      this.datagrams[0] = { bytes: first.bytes.subarray(this.offset), path: first.path };
      this.waiting -= this.offset;
      this.offset = 0;
    }
    this.datagrams.unshift(...early);
    for (const { bytes } of early) this.waiting += bytes.length;
  }

  private leave({ bytes }: Waiting): void {
    this.datagrams.shift();
    this.waiting -= bytes.length;
    this.offset = 0;
  }

  private read(datagram: Waiting, at: number, end: number): DtlsRecord | undefined {
    const { bytes, path } = datagram;
    const outer = bytes[at] ?? 0;
    const epoch = ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0);
    if (bytes[at + 1] !== DTLS_MAJOR || !isKnown(outer)) return this.pass();
    if (epoch === this.epoch + 1) return this.keep({ bytes: bytes.subarray(at, end), path });
    if (epoch !== this.epoch || !this.bearsItsId(bytes, at)) return this.pass();
    const sequence = sequenceIn(bytes, at);
    const { protection } = this;
    const newest = protection !== undefined && this.window.isNewest(sequence);
    const begin = at + this.headerLength(outer);
    const opened =
      protection === undefined
        ? bytes.subarray(begin, end)
        : this.open(protection, bytes, at, begin, end, sequence);
    if (opened === undefined) {
      // Whoever has guessed the ID gets one try with each datagram.
      if (outer === TLS12_CID && this.datagrams[0] === datagram && this.window.isNew(sequence))
        this.leave(datagram);
      return this.pass();
    }
    const inner = outer === TLS12_CID ? readInnerPlaintext(opened) : { type: outer, content: opened };
    const type = inner && datagramContentType(inner.type);
    if (inner === undefined || type === undefined || inner.content.length > this.longest) return this.pass();
    const authentic = protection !== undefined;
    return { type, data: inner.content, authentic, sequence, newest, path, size: end - at };
  }

  private headerLength(type: number): number {
    return DTLS_HEADER_LENGTH + (type === TLS12_CID ? this.cidLength : 0);
  }

  /** RFC 9146 §3: under keys with an ID no record comes without it, and under others none with one. */
  private bearsItsId(bytes: Uint8Array, at: number): boolean {
    const cid = this.protection?.cid;
    if (cid === undefined || bytes[at] !== TLS12_CID) return cid === undefined && bytes[at] !== TLS12_CID;
    return cid.length === this.cidLength && cid.every((byte, index) => byte === bytes[at + CID_AT + index]);
  }

  /** What nobody signed moves no window: a forged number would shut the peer's records out. */
  private open(
    protection: ReadProtection,
    datagram: Uint8Array,
    at: number,
    begin: number,
    end: number,
    sequence: number,
  ): Uint8Array | undefined {
    if (!this.window.isNew(sequence)) return undefined;
    const { headLength, tagLength } = protection;
    const length = end - begin;
    if (length < headLength + tagLength) return undefined;
    const type = datagram[at] ?? 0;
    const version = (DTLS_MAJOR << 8) | (datagram[at + 2] ?? 0);
    protection.seek(numberOf(this.epoch, sequence));
    const { direct } = protection;
    if (direct !== undefined && length - headLength <= direct.limit) {
      const into = direct.allocate(length);
      const last =
        openOrNot(() => protection.openInto(type, version, datagram, begin, length, into, 0)) ?? -1;
      if (last < 0) return undefined;
      this.window.add(sequence);
      return into.subarray(0, last);
    }
    const sealed = datagram.subarray(begin + headLength, end - tagLength);
    const opened = openOrNot(() =>
      protection.open(
        type,
        version,
        datagram.subarray(begin, begin + headLength),
        sealed.length === 0 ? [] : [sealed],
        datagram.subarray(end - tagLength, end),
        length,
      ),
    );
    if (opened === undefined) return undefined;
    this.window.add(sequence);
    const [first = empty] = opened.pieces;
    return opened.pieces.length <= 1 ? first : join(opened.pieces, new Uint8Array(opened.length));
  }

  /** The handshake may still have to come to these keys. */
  private keep({ bytes, path }: Waiting): undefined {
    if (this.settled || this.early.length >= earlyRecords || this.earlyBytes + bytes.length > earlyLimit)
      return this.pass();
    this.early.push({ bytes: new Uint8Array(bytes), path });
    this.earlyBytes += bytes.length;
    return undefined;
  }

  private pass(): undefined {
    this.discard();
    return undefined;
  }
}

/** Types that a record shows. */
function isKnown(type: number): boolean {
  return type === TLS12_CID || datagramContentType(type) !== undefined;
}

/** Where a record ends; `undefined`: it does not stand whole in its datagram, as every record must (§4.1.1). */
function recordEnd(datagram: Uint8Array, at: number, cidLength: number): number | undefined {
  const begin = at + DTLS_HEADER_LENGTH + (datagram[at] === TLS12_CID ? cidLength : 0);
  if (datagram.length < begin) return undefined;
  const length = ((datagram[begin - 2] ?? 0) << 8) | (datagram[begin - 1] ?? 0);
  const end = begin + length;
  return length > MAX_PLAINTEXT + maxExpansion || end > datagram.length ? undefined : end;
}

/** A record that its protection finds fault with is one that does not open. */
function openOrNot<T>(open: () => T | undefined): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}
