/**
 * The receiving half of DTLS's record layer (RFC 6347 §4.1): datagrams in, records out. Sans-IO.
 *
 * Whoever can send a datagram can send anything: what is malformed, of another epoch, comes twice or does not open is
 * passed over in silence and counted (§4.1.2.7). Records of the epoch to come, which have overtaken the change of keys, wait
 * within bounds.
 */
import type { Path } from '../../values/path.js';
import { join } from '../../values/wire/join.js';
import { readInnerPlaintext, TLS12_CID } from './cid-record.js';
import { type ContentType, datagramContentType, MAX_PLAINTEXT } from './content-type.js';
import { DatagramReadHalf, type Waiting } from './datagram-read-half.js';
import { CID_AT, DTLS_HEADER_LENGTH, DTLS_MAJOR, numberOf, sequenceIn } from './dtls-layout.js';
import { RecordError } from './errors.js';
import type { ReadProtection } from './protection.js';
import { ReplayWindow } from './replay-window.js';

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
  /** Of one without keys: whether its number has come before. Then it is the network's doing, unless the other was forged. */
  readonly isCopy: boolean;
  /** Where its datagram came from, if that is known. */
  readonly path: Path | undefined;
  /** Bytes, header included. */
  readonly size: number;
}

/** RFC 5246 §6.2.3 */
const maxExpansion = 2048;
const empty: Uint8Array = new Uint8Array(0);

export class DtlsReadHalf extends DatagramReadHalf<DtlsRecord, number> {
  private epoch = 0;
  private protection: ReadProtection | undefined = undefined;
  private window: ReplayWindow = new ReplayWindow();
  /** Bytes of the connection ID that records may have which come to us. */
  private cidLength = 0;

  /** The records of this epoch that have come. */
  get come(): ReplayWindow {
    return this.window;
  }

  /** So long is the connection ID that the peer is told of: records that bear one can be told apart from now on. */
  expectIds(length: number): void {
    this.cidLength = length;
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
    this.lookAtEarly();
  }

  /** By where it ends. */
  protected override find(datagram: Uint8Array, at: number): number | undefined {
    return recordEnd(datagram, at, this.cidLength);
  }

  protected override endOf(end: number): number {
    return end;
  }

  protected override read(datagram: Waiting, at: number, end: number): DtlsRecord | undefined {
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
      if (outer === TLS12_CID && this.window.isNew(sequence)) this.leaveRest(datagram);
      return this.pass();
    }
    const inner = outer === TLS12_CID ? readInnerPlaintext(opened) : { type: outer, content: opened };
    const type = inner && datagramContentType(inner.type);
    if (inner === undefined || type === undefined || inner.content.length > this.longest) return this.pass();
    const authentic = protection !== undefined;
    // That a number was forged bars no record: it counts for what a copy would have us send, and for nothing else.
    const isCopy = !authentic && this.window.meet(sequence);
    return { type, data: inner.content, authentic, sequence, newest, isCopy, path, size: end - at };
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
