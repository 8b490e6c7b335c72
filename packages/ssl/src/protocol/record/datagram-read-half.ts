/**
 * What the receiving halves over datagrams share (RFC 6347 §4.1, RFC 9147 §4): datagrams wait within bounds and are cut into
 * records, what is no peer's is passed over in silence and counted (§4.1.2.7, §4.5.2), and records of an epoch to come wait for
 * its keys. All memory that a stranger can make this hold is bounded.
 */
import type { Path } from '../../values/path.js';
import { MAX_PLAINTEXT } from './content-type.js';
import type { RecordLimit } from './record-limit.js';
import { type Budget, boundless } from './turn-budget.js';

/** A datagram, or a record that was one's. */
export interface Waiting {
  readonly bytes: Uint8Array;
  /** Where it came from, if that is known. */
  readonly path: Path | undefined;
  /** A record in it has borne a connection ID of ours. */
  isOurs?: boolean;
}

/** Bytes of datagrams that wait for their turn. */
const waitingLimit = 65_536;
/** Records and bytes of the epoch to come that wait for its keys. */
const earlyRecords = 16;
const earlyLimit = 32_768;

/** `Found`: what is known of a record that stands whole in its datagram, before it is read. */
export abstract class DatagramReadHalf<Record, Found> {
  private readonly budget: Budget;
  private datagrams: Waiting[] = [];
  /** Where the next record begins in the first datagram. */
  private offset = 0;
  private waiting = 0;
  private early: Waiting[] = [];
  private earlyBytes = 0;
  /** No other keys are to come. */
  protected settled = false;
  private dropped = 0;
  protected longest: number = MAX_PLAINTEXT;

  /** `budget`: spent by each record looked at, be it given out or passed over; when it is used up none is. */
  constructor(budget: Budget = boundless) {
    this.budget = budget;
  }

  /** The record that begins at `at`; `undefined`: it does not stand whole in its datagram, as every record must. */
  protected abstract find(datagram: Uint8Array, at: number): Found | undefined;
  /** Where it ends. */
  protected abstract endOf(found: Found): number;
  /** `undefined`: it is passed over, or kept for keys to come. */
  protected abstract read(datagram: Waiting, at: number, found: Found): Record | undefined;

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

  /** Records that come from now on are no longer than this. */
  limitRecords({ content }: RecordLimit): void {
    this.longest = Math.min(content, MAX_PLAINTEXT);
  }

  /** Copies what waits, whose memory may then be written over. */
  detach(): void {
    this.datagrams = this.datagrams.map((one) => ({ ...one, bytes: new Uint8Array(one.bytes) }));
  }

  /** What waits is nobody's any more. */
  clear(): void {
    this.datagrams = [];
    this.early = [];
    this.offset = 0;
    this.waiting = 0;
    this.earlyBytes = 0;
  }

  /** What nobody has looked at, which is another's from now on. */
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
  next(): Record | undefined {
    for (let [first] = this.datagrams; first !== undefined; [first] = this.datagrams) {
      if (this.budget.spent) return undefined;
      const { bytes } = first;
      const at = this.offset;
      const found = this.find(bytes, at);
      const end = found === undefined ? bytes.length : this.endOf(found);
      this.budget.spend(end - at);
      if (found === undefined) {
        // Where the next would begin is not known.
        this.discard();
        this.leave(first);
        continue;
      }
      this.offset = end;
      if (end === bytes.length) this.leave(first);
      const record = this.read(first, at, found);
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

  /** Other keys are here: what came before them is looked at now. The rest of the datagram under way comes behind it, as it did. */
  protected lookAtEarly(): void {
    const { early } = this;
    this.early = [];
    this.earlyBytes = 0;
    const [first] = this.datagrams;
    if (first !== undefined && this.offset > 0) {
      this.datagrams[0] = { ...first, bytes: first.bytes.subarray(this.offset) };
      this.waiting -= this.offset;
      this.offset = 0;
    }
    this.datagrams.unshift(...early);
    for (const { bytes } of early) this.waiting += bytes.length;
  }

  /** The rest of a datagram is passed over, if it is still under way. */
  protected leaveRest(datagram: Waiting): void {
    if (this.datagrams[0] === datagram) this.leave(datagram);
  }

  private leave({ bytes }: Waiting): void {
    this.datagrams.shift();
    this.waiting -= bytes.length;
    this.offset = 0;
  }

  /** The handshake may still have to come to a record's keys. */
  protected keep(record: Waiting): undefined {
    const { bytes } = record;
    if (this.settled || this.early.length >= earlyRecords || this.earlyBytes + bytes.length > earlyLimit)
      return this.pass();
    this.early.push({ ...record, bytes: new Uint8Array(bytes) });
    this.earlyBytes += bytes.length;
    return undefined;
  }

  protected pass(): undefined {
    this.discard();
    return undefined;
  }
}
