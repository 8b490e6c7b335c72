/**
 * What the sending halves over datagrams share (RFC 6347 §4.1.1, RFC 9147 §4.4): a record stands whole in one datagram, which
 * has a size, and nothing is split or joined. Every piece that is sealed is one datagram.
 */
import { ALERT, APPLICATION_DATA, MAX_PLAINTEXT } from './content-type.js';
import { flightSize } from './flight-size.js';
import type { RecordLimit } from './record-limit.js';
import { WriteHalf } from './write-half.js';

export abstract class DatagramWriteHalf extends WriteHalf {
  private readonly mtu: number | undefined;
  private steps = 0;
  protected longest: number = MAX_PLAINTEXT;

  /** `mtu`: the largest datagram, where it is known. */
  constructor(keyUpdateAt: number, recordVersion: number, mtu: number | undefined) {
    super(keyUpdateAt, recordVersion);
    this.mtu = mtu;
  }

  /** Bytes of content that a record under the keys of now has at most, and bytes around them. */
  protected abstract get room(): { readonly longest: number; readonly around: number };
  /** One record under the keys of now. */
  protected abstract sealOne(type: number, content: Uint8Array): Uint8Array;

  override get datagrams(): boolean {
    return true;
  }

  /** A record holds 2^14 bytes at most, and stands in one datagram. */
  override get largest(): number {
    const { longest, around } = this.room;
    return this.mtu === undefined ? longest : Math.max(1, Math.min(longest, this.mtu - around));
  }

  override get longestContent(): number {
    return this.largest;
  }

  /** Records that leave from now on (RFC 6066 §4, RFC 8449 §4). */
  override limitRecords({ content }: RecordLimit): void {
    this.longest = Math.min(content, MAX_PLAINTEXT);
  }

  override drop(): never {
    throw new TypeError('an epoch does not come back');
  }

  override direct(): boolean {
    return false;
  }

  /** One record. Throws `TypeError` before keys are installed, and when it is longer than `largest`. */
  override sealApplicationData(data: Uint8Array): Uint8Array[] {
    if (!this.keyed) throw new TypeError('application data before keys');
    if (data.length > this.largest) throw new TypeError('too long for a datagram');
    return data.length === 0 ? [] : [this.sealOne(APPLICATION_DATA, data)];
  }

  override sealAlert(level: 1 | 2, description: number): Uint8Array[] {
    return [this.sealOne(ALERT, Uint8Array.of(level, description))];
  }

  /** Nothing arrives: perhaps since datagrams are too large (RFC 6347 §4.1.1.1, RFC 9147 §4.4). */
  shrink(): void {
    this.steps += 1;
  }

  /**
   * Bytes of a flight's datagrams at most. A client's hello stands whole in one, however often nobody has answered: a server
   * that keeps nothing of strangers does not put pieces together (RFC 6347 §4.2.1, RFC 9147 §5.1).
   */
  protected flightSize(of: 'hello' | 'others'): number {
    return flightSize(this.mtu, of === 'hello' ? 0 : this.steps);
  }
}
