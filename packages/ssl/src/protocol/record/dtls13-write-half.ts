/**
 * The sending half of DTLS 1.3 (RFC 9147 §4, §5.8, §7, §8): records under the keys of their epoch, handshake messages that go
 * out again until they were acknowledged, ACKs. Every piece it seals is one datagram.
 *
 * New keys are written with when the KeyUpdate and all before it was acknowledged; what is to follow that waits until then.
 */
import { concat } from '../../values/wire/join.js';
import { datagramHeaderLength } from '../../values/wire/message-table.js';
import { ACK, encodeAck, numbersIn, type RecordNumber } from './ack.js';
import { HANDSHAKE, RETURN_ROUTABILITY_CHECK } from './content-type.js';
import { DatagramWriteHalf } from './datagram-write-half.js';
import { DTLS_HEADER_LENGTH, putDatagramHeader, putDtlsHeader, SEQUENCE_LIMIT } from './dtls-layout.js';
import { Dtls13WriteKeys } from './dtls13-keys.js';
import { RecordError } from './errors.js';
import { CLIENT_HELLO, leastFragment } from './flight-size.js';
import { putThreeBytes, threeBytes } from './layout.js';
import { Outgoing, type OutgoingMessage, outgoingMessage, type SentPiece } from './outgoing.js';
import type { EpochKeys, WriteProtection } from './protection.js';
import { Tls13WriteProtection } from './tls13-protection.js';

/** Keys of one epoch; `undefined`: none. */
interface WriteEpoch {
  readonly number: number;
  readonly keys: Dtls13WriteKeys | undefined;
}

/** What waits for new keys: messages, or another update. */
type Postponed =
  | { readonly kind: 'messages'; readonly messages: Uint8Array }
  | { readonly kind: 'update'; readonly message: Uint8Array; readonly requests: boolean };

const none: Uint8Array = new Uint8Array(0);
/** legacy_record_version of records without keys (§4). */
const legacyVersion = 0xfefd;
/** §6.1 */
const handshakeEpoch = 2;
/** message_seq has 16 bits. */
const lastNumber = 0xffff;
/** §8: as many epochs as there are numbers of messages, and so one of the two ends first. */
const lastEpoch = 0xffff;

export class Dtls13WriteHalf extends DatagramWriteHalf {
  private epoch: WriteEpoch = { number: 0, keys: undefined };
  /** Epochs that messages under way leave under, besides the present one. */
  private before: readonly WriteEpoch[] = [];
  /** Of the records without keys. */
  private plain: number;
  private readonly updateAt: number;
  private number: number;
  private readonly outgoing = new Outgoing();
  /** A KeyUpdate is under way: the keys that follow it, and whether it asks for the peer's. */
  private pending: { readonly keys: Dtls13WriteKeys; readonly requests: boolean } | undefined = undefined;
  private requesting = false;
  private postponed: readonly Postponed[] = [];
  /** The peer's connection ID; empty: its records have none. */
  private id: Uint8Array = none;
  private acks: readonly RecordNumber[] = [];
  private repeats = false;
  /** Messages have left that are to be acknowledged. */
  onSent: (() => void) | undefined = undefined;
  /** No message has a number any more (§5.2), or no epoch: the connection is at its end. */
  onExhausted: (() => void) | undefined = undefined;

  /** `mtu`: the largest datagram, where it is known; `number`: message_seq of our first message; `plain`: of our first record. */
  constructor(updateAt: number, mtu: number | undefined, number: number, plain: number) {
    super(updateAt, legacyVersion, mtu);
    this.updateAt = updateAt;
    this.number = number;
    this.plain = plain;
  }

  override get keyed(): boolean {
    return this.epoch.keys !== undefined;
  }

  protected override get room(): { readonly longest: number; readonly around: number } {
    return { longest: this.longest, around: this.overheadOf(this.epoch) };
  }

  protected override sealOne(type: number, content: Uint8Array): Uint8Array {
    return this.sealRecord(this.epoch, type, content);
  }

  override setRecordVersion(): void {}

  /** Records with keys bear this connection ID of the peer's from now on (§9). */
  useId(id: Uint8Array): void {
    this.id = id;
  }

  override sealPathMessage(message: Uint8Array): Uint8Array[] {
    return this.keyed ? [this.sealOne(RETURN_ROUTABILITY_CHECK, message)] : [];
  }

  override get sealedBytes(): number {
    return this.epoch.keys?.sealedBytes ?? 0;
  }

  override get sealedRecords(): number {
    return this.epoch.keys?.records ?? 0;
  }

  protected override get recordLimit(): number {
    return this.epoch.keys?.recordLimit ?? Number.POSITIVE_INFINITY;
  }

  override get updatesKeys(): boolean {
    return true;
  }

  /** Once a KeyUpdate is under way those that follow it: what is made with them comes to the peer behind it. */
  override get keys(): EpochKeys | undefined {
    return this.pending?.keys ?? this.epoch.keys;
  }

  override get keyUpdateDue(): boolean {
    const { keys } = this.epoch;
    if (keys === undefined || this.pending !== undefined) return false;
    return keys.sealedBytes >= this.updateAt || keys.records >= this.mostRecords;
  }

  /** Application keys come with the end of the handshake's flight; the epochs before may still be needed to repeat it. */
  override install(protection: WriteProtection): void {
    if (!(protection instanceof Tls13WriteProtection)) throw new TypeError('keys of another version');
    const { number } = this.epoch;
    this.enter({ number: number === 0 ? handshakeEpoch : number + 1, keys: new Dtls13WriteKeys(protection) });
  }

  override changeCipherSpec(): never {
    throw new TypeError('DTLS 1.3 has no change_cipher_spec');
  }

  // ── Messages after the handshake ────────────────────────────────────────────────────────────────────

  /** Whole messages in TLS's form, which leave at once, or when new keys are in use. */
  override sealHandshake(messages: Uint8Array): Uint8Array[] {
    if (this.pending !== undefined || this.postponed.length > 0) {
      this.postponed = [...this.postponed, { kind: 'messages', messages }];
      this.onSent?.();
      return [];
    }
    return this.sealMessages(messages);
  }

  /** With the next `sealFlight`, or later, whole messages leave. */
  sendWithNext(messages: Uint8Array): void {
    this.postponed = [...this.postponed, { kind: 'messages', messages }];
  }

  private sealMessages(messages: Uint8Array): Uint8Array[] {
    const added: OutgoingMessage[] = [];
    for (let at = 0; at < messages.length; ) {
      const end = at + 4 + threeBytes(messages, at + 1);
      if (this.number > lastNumber) {
        this.onExhausted?.();
        return [];
      }
      added.push(this.addMessage(messages.subarray(at, end)));
      at = end;
    }
    this.onSent?.();
    return this.pack(added);
  }

  override countRequest(): void {
    super.countRequest();
    this.requesting = true;
  }

  /** The KeyUpdate has left before (§8). */
  override rekey(): void {
    const { number, keys } = this.epoch;
    if (keys === undefined) throw new TypeError('no keys to update');
    if (number >= lastEpoch) this.onExhausted?.();
    else this.pending = { keys: keys.next(), requests: this.requesting };
    this.requesting = false;
  }

  /** What was sent before it has to be acknowledged first. */
  override get updating(): boolean {
    return this.pending !== undefined || this.hasFlight || this.postponed.length > 0;
  }

  /**
   * §8: no KeyUpdate before all that is under way was acknowledged. One that is under way is as good as another, unless that
   * asks for the peer's and it does not; of those that wait there is one.
   */
  override updateLater(message: Uint8Array, requests: boolean): void {
    // What it waits for may have been given up.
    this.onSent?.();
    if (this.pending !== undefined && (this.pending.requests || !requests)) return;
    const waiting = this.postponed.find((one) => one.kind === 'update');
    if (waiting !== undefined && (waiting.requests || !requests)) return;
    this.postponed = [
      ...this.postponed.filter((one) => one !== waiting),
      { kind: 'update', message, requests },
    ];
  }

  // ── Flights ─────────────────────────────────────────────────────────────────────────────────────────

  /** A whole message in TLS's form, under the keys of now. */
  addMessage(raw: Uint8Array): OutgoingMessage {
    if (this.number > lastNumber) throw new RecordError('sequence_number_overflow');
    const message = outgoingMessage(raw, this.epoch.number, this.number);
    this.number += 1;
    this.outgoing.add(message);
    return message;
  }

  /** Whether there is something that the peer may not have. */
  get hasFlight(): boolean {
    return !this.outgoing.isEmpty;
  }

  /** The peer has all of it, as what it has sent shows. */
  forgetFlight(): void {
    this.outgoing.clear();
    this.before = [];
  }

  /** An ACK has come. True when something was news. */
  acknowledge(records: readonly RecordNumber[]): boolean {
    const news = this.outgoing.acknowledge(records);
    if (this.outgoing.isEmpty) {
      this.before = [];
      if (this.pending !== undefined) this.useNewKeys(this.pending.keys);
    }
    return news;
  }

  /** Bytes of messages kept to be sent again, or later. */
  get held(): number {
    return this.postponed.reduce(
      (sum, one) => sum + (one.kind === 'messages' ? one.messages.length : one.message.length),
      this.outgoing.held,
    );
  }

  /** With the next `sealFlight` these are acknowledged. */
  acknowledgeWithNext(records: readonly RecordNumber[]): void {
    this.acks = records;
  }

  /** With the next `sealFlight` all leaves that the peer may not have. */
  repeatWithNext(): void {
    this.repeats = true;
  }

  /** Something has waited for an ACK, which is here. */
  get hasPostponed(): boolean {
    const [next] = this.postponed;
    if (next === undefined || this.pending !== undefined) return false;
    return next.kind === 'messages' || !this.hasFlight;
  }

  /** What is due: an ACK, what is to be repeated, what has waited for new keys. */
  override sealFlight(): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    if (this.acks.length > 0) pieces.push(this.sealAck());
    if (this.repeats) pieces.push(...this.pack(this.outgoing.messages));
    this.acks = [];
    this.repeats = false;
    pieces.push(...this.sealPostponed());
    return pieces;
  }

  /** The newest of them, as many as a datagram has room for (§7.1). */
  private sealAck(): Uint8Array {
    const room = this.flightSize('others') - this.overheadOf(this.epoch);
    return this.sealOne(ACK, encodeAck(this.acks.slice(-Math.max(numbersIn(room), 1))));
  }

  private sealPostponed(): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    while (this.hasPostponed) {
      const [next, ...others] = this.postponed;
      this.postponed = others;
      if (next === undefined) break;
      pieces.push(...this.sealMessages(next.kind === 'messages' ? next.messages : next.message));
      if (next.kind === 'messages') continue;
      if (next.requests) this.countRequest();
      this.rekey();
    }
    return pieces;
  }

  private useNewKeys(keys: Dtls13WriteKeys): void {
    this.pending = undefined;
    this.epoch = { number: this.epoch.number + 1, keys };
  }

  private enter(epoch: WriteEpoch): void {
    this.before = [...this.before, this.epoch];
    this.epoch = epoch;
  }

  private epochOf({ epoch: number }: OutgoingMessage): WriteEpoch {
    return this.before.find((epoch) => epoch.number === number) ?? this.epoch;
  }

  /** As few datagrams as they fit into; messages of one epoch share a record (§5.5). */
  private pack(messages: readonly OutgoingMessage[]): Uint8Array[] {
    const datagrams: Uint8Array[] = [];
    const size = this.flightSize(messages[0]?.code === CLIENT_HELLO ? 'hello' : 'others');
    let records: Uint8Array[] = [];
    let left = size;
    let open: OpenRecord | undefined;
    const closeRecord = (): void => {
      if (open !== undefined) records.push(this.sealFragments(open));
      open = undefined;
    };
    const closeDatagram = (): void => {
      closeRecord();
      if (records.length > 0) datagrams.push(concat(records));
      records = [];
      left = size;
    };
    for (const message of messages) {
      const epoch = this.epochOf(message);
      if (open !== undefined && open.epoch !== epoch) closeRecord();
      for (const range of message.missing) {
        for (let at = range.from; at < range.to; ) {
          const around = datagramHeaderLength + (open === undefined ? this.overheadOf(epoch) : 0);
          const inRecord = this.longest - (open?.length ?? 0) - datagramHeaderLength;
          const room = Math.min(left - around, inRecord);
          if (room < 1 && open !== undefined) {
            // Another record, or another datagram.
            if (inRecord <= left - around) closeRecord();
            else closeDatagram();
            continue;
          }
          if (room < 1 && records.length > 0) {
            closeDatagram();
            continue;
          }
          const isFirst = open === undefined && records.length === 0;
          const least = isFirst ? Math.min(leastFragment, inRecord) : 1;
          const to = Math.min(range.to, at + Math.max(room, least));
          const fragment = fragmentOf(message, at, to);
          open ??= { epoch, fragments: [], pieces: [], length: 0 };
          open.fragments.push(fragment);
          open.pieces.push({ message, from: at, to });
          open.length += fragment.length;
          left -= around + fragment.length - datagramHeaderLength;
          at = to;
        }
      }
    }
    closeDatagram();
    return datagrams;
  }

  private sealFragments({ epoch, fragments, pieces }: OpenRecord): Uint8Array {
    const sequence = epoch.keys?.records ?? this.plain;
    const record = this.sealRecord(epoch, HANDSHAKE, concat(fragments));
    this.outgoing.note({ epoch: epoch.number, sequence }, pieces);
    return record;
  }

  /** Bytes around the content of a record. */
  private overheadOf({ keys }: WriteEpoch): number {
    return keys === undefined ? DTLS_HEADER_LENGTH : keys.overhead + this.id.length;
  }

  private sealRecord({ number, keys }: WriteEpoch, type: number, content: Uint8Array): Uint8Array {
    if (keys !== undefined) return keys.seal(number, this.id, type, content);
    if (this.plain >= SEQUENCE_LIMIT) throw new RecordError('sequence_number_overflow');
    const record = new Uint8Array(DTLS_HEADER_LENGTH + content.length);
    putDtlsHeader(record, type, legacyVersion, 0, this.plain, content.length);
    record.set(content, DTLS_HEADER_LENGTH);
    this.plain += 1;
    return record;
  }
}

/** A record that is being filled with fragments. */
interface OpenRecord {
  readonly epoch: WriteEpoch;
  readonly fragments: Uint8Array[];
  readonly pieces: SentPiece[];
  length: number;
}

/** §5.2 */
function fragmentOf({ code, number, body }: OutgoingMessage, from: number, to: number): Uint8Array {
  const bytes = body.subarray(from, to);
  const fragment = new Uint8Array(datagramHeaderLength + bytes.length);
  putDatagramHeader(fragment, 0, code, number, body.length);
  putThreeBytes(fragment, 6, bytes.length === 0 ? 0 : from);
  putThreeBytes(fragment, 9, bytes.length);
  fragment.set(bytes, datagramHeaderLength);
  return fragment;
}
