/**
 * The receiving half of DTLS 1.3's record layer (RFC 9147 §4): datagrams in, records out. Sans-IO.
 *
 * What is malformed, of an epoch that nobody has, comes twice or does not open is passed over in silence and counted (§4.5.2).
 * Of each epoch that is kept there is one whose low bits a record can have, so that one key is tried for each. Records of
 * epochs to come wait within bounds as long as the handshake runs.
 */

import { ACK } from './ack.js';
import { type ContentType, contentType, MAX_PLAINTEXT } from './content-type.js';
import { DTLS_HEADER_LENGTH, DTLS_MAJOR, sequenceIn } from './dtls-layout.js';
import { isUnified, type UnifiedHeader, unifiedHeaderAt } from './dtls13-header.js';
import type { Dtls13ReadKeys } from './dtls13-keys.js';
import type { RecordLimit } from './record-limit.js';
import { type Budget, boundless } from './turn-budget.js';

/** A record that came. */
export interface Dtls13Record {
  readonly type: ContentType | 'ack';
  readonly data: Uint8Array;
  /** 0: without keys, and so anybody can have sent it. */
  readonly epoch: number;
  readonly sequence: number;
}

interface ReadEpoch {
  readonly number: number;
  readonly keys: Dtls13ReadKeys;
}

/** Bytes of datagrams that wait for their turn. */
const waitingLimit = 65_536;
/** Records and bytes of epochs to come that wait for their keys. */
const earlyRecords = 16;
const earlyLimit = 32_768;
/** §6.1: early data, of which none is read, and the keys of the handshake. */
const earlyDataEpoch = 1;
const handshakeEpoch = 2;
/** The present epoch and the one before: a peer that has not had our ACK writes under that (§8). */
const epochsKept = 2;

export class Dtls13ReadHalf {
  private readonly budget: Budget;
  private datagrams: Uint8Array[] = [];
  /** Where the next record begins in the first datagram. */
  private offset = 0;
  private waiting = 0;
  /** The newest first. */
  private epochs: readonly ReadEpoch[] = [];
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

  /** The newest whose keys are here; 0: none are. */
  get epoch(): number {
    return this.epochs[0]?.number ?? 0;
  }

  get keys(): Dtls13ReadKeys | undefined {
    return this.epochs[0]?.keys;
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
  next(): Dtls13Record | undefined {
    for (let datagram = this.datagrams[0]; datagram !== undefined; datagram = this.datagrams[0]) {
      if (this.budget.spent) return undefined;
      const at = this.offset;
      const header = isUnified(datagram[at]) ? unifiedHeaderAt(datagram, at) : undefined;
      const end = header?.end ?? plainEnd(datagram, at);
      this.budget.spend((end ?? datagram.length) - at);
      if (end === undefined) {
        // Where the next would begin is not known.
        this.discard();
        this.leave(datagram);
        continue;
      }
      this.offset = end;
      if (end === datagram.length) this.leave(datagram);
      const record =
        header === undefined ? this.readPlain(datagram, at, end) : this.readProtected(datagram, at, header);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  /** The handshake is over: nothing comes without keys, and nothing waits for keys. */
  settle(): void {
    this.early = [];
    this.earlyBytes = 0;
    this.settled = true;
  }

  /** The keys of the next epoch. What came before them is looked at now. */
  install(keys: Dtls13ReadKeys): void {
    const number = this.epoch === 0 ? handshakeEpoch : this.epoch + 1;
    this.epochs = [{ number, keys }, ...this.epochs].slice(0, epochsKept);
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

  private readPlain(datagram: Uint8Array, at: number, end: number): Dtls13Record | undefined {
    const type = recordType(datagram[at] ?? 0);
    const epoch = ((datagram[at + 3] ?? 0) << 8) | (datagram[at + 4] ?? 0);
    const data = datagram.subarray(at + DTLS_HEADER_LENGTH, end);
    if (this.settled || type === undefined || type === 'application_data' || datagram[at + 1] !== DTLS_MAJOR)
      return this.pass();
    if (epoch !== 0 || data.length > MAX_PLAINTEXT) return this.pass();
    return { type, data, epoch, sequence: sequenceIn(datagram, at) };
  }

  private readProtected(datagram: Uint8Array, at: number, header: UnifiedHeader): Dtls13Record | undefined {
    const epoch = this.epochs.find(({ number }) => (number & 3) === header.epochBits);
    if (epoch === undefined)
      return header.epochBits === earlyDataEpoch ? this.pass() : this.keep(datagram.subarray(at, header.end));
    const opened = epoch.keys.open(datagram, at, header);
    const type = opened && recordType(opened.type);
    if (opened === undefined || type === undefined || opened.data.length > this.longest) return this.pass();
    return { type, data: opened.data, epoch: epoch.number, sequence: opened.sequence };
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

function recordType(code: number): ContentType | 'ack' | undefined {
  return code === ACK ? 'ack' : contentType(code);
}

/** Where a record without keys ends; `undefined`: it does not stand whole in its datagram, as every record must. */
function plainEnd(datagram: Uint8Array, at: number): number | undefined {
  if (isUnified(datagram[at]) || datagram.length - at < DTLS_HEADER_LENGTH) return undefined;
  const end = at + DTLS_HEADER_LENGTH + (((datagram[at + 11] ?? 0) << 8) | (datagram[at + 12] ?? 0));
  return end > datagram.length ? undefined : end;
}
