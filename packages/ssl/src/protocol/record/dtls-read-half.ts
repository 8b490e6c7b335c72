/**
 * The receiving half of DTLS's record layer (RFC 6347 §4.1): datagrams in, records out. Sans-IO.
 *
 * Whoever can send a datagram can send anything: what is malformed, of another epoch, comes twice or does not open is
 * passed over in silence and counted (§4.1.2.7). Records of the epoch to come, which have overtaken the change of keys, wait
 * within bounds. All memory that a stranger can make this hold is bounded.
 */
import { join } from '../../values/wire/join.js';
import { type ContentType, contentType, MAX_PLAINTEXT } from './content-type.js';
import { DTLS_HEADER_LENGTH, DTLS_MAJOR, numberOf, sequenceIn } from './dtls-layout.js';
import { RecordError } from './errors.js';
import type { ReadProtection } from './protection.js';
import type { RecordLimit } from './record-limit.js';
import { ReplayWindow } from './replay-window.js';
import { type Budget, boundless } from './turn-budget.js';

/** A record that came. */
export interface DtlsRecord {
  readonly type: ContentType;
  readonly data: Uint8Array;
  /** Whether it was opened with keys: anybody can have sent one that was not. */
  readonly authentic: boolean;
  /** Its sequence number. */
  readonly sequence: number;
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
  private datagrams: Uint8Array[] = [];
  /** Where the next record begins in the first datagram. */
  private offset = 0;
  private waiting = 0;
  private epoch = 0;
  private protection: ReadProtection | undefined = undefined;
  private window: ReplayWindow = new ReplayWindow();
  private early: Uint8Array[] = [];
  private earlyBytes = 0;
  private settled = false;
  private dropped = 0;
  private longest: number = MAX_PLAINTEXT;

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
  feed(datagram: Uint8Array): void {
    if (datagram.length === 0) return;
    if (this.waiting + datagram.length > waitingLimit) {
      this.discard();
      return;
    }
    this.datagrams.push(datagram);
    this.waiting += datagram.length;
  }

  /** Records that come from now on are no longer than this. */
  limitRecords({ content }: RecordLimit): void {
    this.longest = Math.min(content, MAX_PLAINTEXT);
  }

  /** Copies what waits, whose memory may then be written over. */
  detach(): void {
    this.datagrams = this.datagrams.map((datagram) => new Uint8Array(datagram));
  }

  /** What waits is nobody's any more. */
  clear(): void {
    this.datagrams = [];
    this.early = [];
    this.offset = 0;
    this.waiting = 0;
    this.earlyBytes = 0;
  }

  /** Something that a record held was passed over too. */
  discard(): void {
    this.dropped += 1;
  }

  /** The next record that is the peer's as far as can be known; `undefined`: none waits, or the budget is spent. */
  next(): DtlsRecord | undefined {
    for (let datagram = this.datagrams[0]; datagram !== undefined; datagram = this.datagrams[0]) {
      if (this.budget.spent) return undefined;
      const at = this.offset;
      const end = recordEnd(datagram, at);
      this.budget.spend((end ?? datagram.length) - at);
      if (end === undefined) {
        // Where the next would begin is not known.
        this.discard();
        this.leave(datagram);
        continue;
      }
      this.offset = end;
      if (end === datagram.length) this.leave(datagram);
      const record = this.read(datagram, at, end);
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
      this.datagrams[0] = first.subarray(this.offset);
      this.waiting -= this.offset;
      this.offset = 0;
    }
    this.datagrams.unshift(...early);
    for (const { length } of early) this.waiting += length;
  }

  private leave(datagram: Uint8Array): void {
    this.datagrams.shift();
    this.waiting -= datagram.length;
    this.offset = 0;
  }

  private read(datagram: Uint8Array, at: number, end: number): DtlsRecord | undefined {
    const type = contentType(datagram[at] ?? 0);
    const epoch = ((datagram[at + 3] ?? 0) << 8) | (datagram[at + 4] ?? 0);
    if (type === undefined || datagram[at + 1] !== DTLS_MAJOR) return this.pass();
    if (epoch === this.epoch + 1) return this.keep(datagram.subarray(at, end));
    if (epoch !== this.epoch) return this.pass();
    const sequence = sequenceIn(datagram, at);
    const { protection } = this;
    const data =
      protection === undefined
        ? datagram.subarray(at + DTLS_HEADER_LENGTH, end)
        : this.open(protection, datagram, at, end, sequence);
    if (data === undefined || data.length > this.longest) return this.pass();
    return { type, data, authentic: protection !== undefined, sequence };
  }

  /** What nobody signed moves no window: a forged number would shut the peer's records out. */
  private open(
    protection: ReadProtection,
    datagram: Uint8Array,
    at: number,
    end: number,
    sequence: number,
  ): Uint8Array | undefined {
    if (!this.window.isNew(sequence)) return undefined;
    const { headLength, tagLength } = protection;
    const begin = at + DTLS_HEADER_LENGTH;
    const length = end - begin;
    if (length < headLength + tagLength) return undefined;
    const sealed = datagram.subarray(begin + headLength, end - tagLength);
    const version = (DTLS_MAJOR << 8) | (datagram[at + 2] ?? 0);
    protection.seek(numberOf(this.epoch, sequence));
    const opened = openOrNot(() =>
      protection.open(
        datagram[at] ?? 0,
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
  private keep(record: Uint8Array): undefined {
    if (this.settled || this.early.length >= earlyRecords || this.earlyBytes + record.length > earlyLimit)
      return this.pass();
    this.early.push(new Uint8Array(record));
    this.earlyBytes += record.length;
    return undefined;
  }

  private pass(): undefined {
    this.discard();
    return undefined;
  }
}

/** Where a record ends; `undefined`: it does not stand whole in its datagram, as every record must (§4.1.1). */
function recordEnd(datagram: Uint8Array, at: number): number | undefined {
  if (datagram.length - at < DTLS_HEADER_LENGTH) return undefined;
  const length = ((datagram[at + 11] ?? 0) << 8) | (datagram[at + 12] ?? 0);
  const end = at + DTLS_HEADER_LENGTH + length;
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
