/**
 * The sending half of DTLS: records with epoch and number, and our last flight, which may have to go out again under the
 * keys that each part of it had (RFC 6347 §4.1, §4.2.3, §4.2.4). Every piece it seals is one datagram.
 */
import { concat } from '../../values/wire/join.js';
import { datagramHeaderLength } from '../../values/wire/message-table.js';
import { innerPlaintext, TLS12_CID } from './cid-record.js';
import { CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER_LENGTH, RETURN_ROUTABILITY_CHECK } from './content-type.js';
import { DatagramWriteHalf } from './datagram-write-half.js';
import { DTLS_HEADER_LENGTH, numberOf, putDtlsHeader, SEQUENCE_LIMIT } from './dtls-layout.js';
import { RecordError } from './errors.js';
import { CLIENT_HELLO, leastFragment } from './flight-size.js';
import { putThreeBytes } from './layout.js';
import type { WriteProtection } from './protection.js';

/** Keys of one epoch, and how many records they have sealed. */
interface WriteEpoch {
  readonly number: number;
  readonly protection: WriteProtection | undefined;
  sequence: number;
}

/** A message or change_cipher_spec of a flight, and the epoch it belongs to. */
interface FlightPart {
  readonly epoch: WriteEpoch;
  readonly type: typeof HANDSHAKE | typeof CHANGE_CIPHER_SPEC;
  readonly content: Uint8Array;
}

const lastEpoch = 0xffff;
const changed: Uint8Array = Uint8Array.of(1);

export class DtlsWriteHalf extends DatagramWriteHalf {
  private epoch: WriteEpoch = { number: 0, protection: undefined, sequence: 0 };
  private version: number;
  private flight: FlightPart[] = [];
  /** The last flight of the handshake before, as long as the peer may not have it; and whether it goes out with the next. */
  private before: FlightPart[] = [];
  private bringsBefore = false;

  /** `mtu`: the largest datagram, where it is known. */
  constructor(keyUpdateAt: number, version: number, mtu: number | undefined) {
    super(keyUpdateAt, version, mtu);
    this.version = version;
  }

  override get keyed(): boolean {
    return this.epoch.protection !== undefined;
  }

  protected override get room(): { readonly longest: number; readonly around: number } {
    return { longest: this.longestUnder(this.epoch), around: recordOverhead(this.epoch) };
  }

  protected override sealOne(type: number, content: Uint8Array): Uint8Array {
    return this.sealRecord(this.epoch, type, content);
  }

  override setRecordVersion(version: number): void {
    this.version = version;
  }

  override get sealedBytes(): number {
    return this.epoch.protection?.sealedBytes ?? 0;
  }

  override get sealedRecords(): number {
    return this.keyed ? this.epoch.sequence : 0;
  }

  protected override get recordLimit(): number {
    return this.epoch.protection?.recordLimit ?? Number.POSITIVE_INFINITY;
  }

  override install(protection: WriteProtection): void {
    // §4.1: an epoch does not come twice.
    if (this.epoch.number >= lastEpoch) throw new RecordError('sequence_number_overflow');
    this.epoch = { number: this.epoch.number + 1, protection, sequence: 0 };
  }

  override sealHandshake(): never {
    throw new TypeError('handshake messages leave in flights');
  }

  override sealPathMessage(message: Uint8Array): Uint8Array[] {
    return this.keyed ? [this.sealOne(RETURN_ROUTABILITY_CHECK, message)] : [];
  }

  override changeCipherSpec(): never {
    throw new TypeError('change_cipher_spec leaves in flights');
  }

  // ── Flights ─────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The number of the first record: a server goes on with that of the hello it answers (§4.2.1). Half of all numbers stay
   * ours, whatever number a client has chosen.
   */
  beginAt(sequence: number): void {
    const { epoch } = this;
    if (epoch.number === 0) epoch.sequence = Math.max(epoch.sequence, Math.min(sequence, SEQUENCE_LIMIT / 2));
  }

  /** Number of the record that is sealed next without keys. */
  get plainSequence(): number {
    return this.epoch.number === 0 ? this.epoch.sequence : 0;
  }

  /** A new flight; nobody asks for the one before any more. */
  beginFlight(): void {
    this.flight = [];
  }

  /** Another handshake: the flight that is here goes out again only when the peer shows that it has not got it. */
  setFlightAside(): void {
    this.before = this.flight;
    this.flight = [];
  }

  /** There is no other handshake after all. */
  takeFlightBack(): void {
    this.flight = this.before;
    this.forgetFlightAside();
  }

  /** The peer has got it. */
  forgetFlightAside(): void {
    this.before = [];
    this.bringsBefore = false;
  }

  get hasFlightAside(): boolean {
    return this.before.length > 0;
  }

  /** The next time that flights go out it goes in front. */
  bringFlightAside(): void {
    this.bringsBefore = true;
  }

  /** A whole message, header included, under the keys of now. */
  addMessage(content: Uint8Array): void {
    this.flight.push({ epoch: this.epoch, type: HANDSHAKE, content });
  }

  addChangeCipherSpec(): void {
    this.flight.push({ epoch: this.epoch, type: CHANGE_CIPHER_SPEC, content: changed });
  }

  get hasFlight(): boolean {
    return this.flight.length > 0;
  }

  /** Bytes of messages kept to be sent again. */
  get held(): number {
    let bytes = 0;
    for (const { content } of this.flight) bytes += content.length;
    for (const { content } of this.before) bytes += content.length;
    return bytes;
  }

  /** The flight as datagrams, each with as many records as go in; new numbers each time (§4.2.4). */
  override sealFlight(): Uint8Array[] {
    const parts = this.bringsBefore ? [...this.before, ...this.flight] : this.flight;
    this.bringsBefore = false;
    const packing = new Packing(this.flightSize(isHello(parts[0]) ? 'hello' : 'others'));
    for (const part of parts) {
      if (part.type === CHANGE_CIPHER_SPEC) {
        packing.make(recordOverhead(part.epoch) + changed.length);
        packing.add(this.sealRecord(part.epoch, part.type, part.content));
      } else {
        this.packMessage(part, packing);
      }
    }
    return packing.done();
  }

  /** RFC 6347 §4.2.3 */
  private packMessage({ epoch, content }: FlightPart, packing: Packing): void {
    const body = content.length - datagramHeaderLength;
    const around = recordOverhead(epoch) + datagramHeaderLength;
    let at = 0;
    do {
      packing.make(around + Math.min(body - at, leastFragment));
      // Around a peer's long connection ID a small datagram has no room: it is a larger one, and not thousands of them.
      const left = Math.max(packing.left - around, leastFragment);
      const room = Math.min(left, this.longestUnder(epoch) - datagramHeaderLength);
      const length = Math.min(body - at, Math.max(room, 1));
      const fragment = new Uint8Array(datagramHeaderLength + length);
      fragment.set(content.subarray(0, 6));
      putThreeBytes(fragment, 6, at);
      putThreeBytes(fragment, 9, length);
      const begin = datagramHeaderLength + at;
      fragment.set(content.subarray(begin, begin + length), datagramHeaderLength);
      packing.add(this.sealRecord(epoch, HANDSHAKE, fragment));
      at += length;
    } while (at < body);
  }

  /** RFC 9146 §5: with an ID the content's type counts too. */
  private longestUnder({ protection }: WriteEpoch): number {
    return protection?.cid === undefined ? this.longest : this.longest - 1;
  }

  /** The record of TLS, with another header in front of its fragment. */
  private sealRecord(epoch: WriteEpoch, type: number, content: Uint8Array): Uint8Array {
    const { number, protection, sequence } = epoch;
    if (sequence >= SEQUENCE_LIMIT) throw new RecordError('sequence_number_overflow');
    epoch.sequence += 1;
    protection?.seek(numberOf(number, sequence));
    const cid = protection?.cid;
    const outer = cid === undefined ? type : TLS12_CID;
    const inner = cid === undefined ? content : innerPlaintext(type, content);
    const fragment = protection?.sealShort(outer, inner).subarray(HEADER_LENGTH) ?? content;
    const begin = DTLS_HEADER_LENGTH + (cid?.length ?? 0);
    const record = new Uint8Array(begin + fragment.length);
    putDtlsHeader(record, outer, this.version, number, sequence, fragment.length, cid);
    record.set(fragment, begin);
    return record;
  }
}

/** A ClientHello without keys. */
function isHello(part: FlightPart | undefined): boolean {
  return part?.type === HANDSHAKE && part.epoch.protection === undefined && part.content[0] === CLIENT_HELLO;
}

/** Bytes around the content of a record. */
function recordOverhead({ protection }: WriteEpoch): number {
  if (protection === undefined) return DTLS_HEADER_LENGTH;
  const { overhead, cid } = protection;
  // The type stands behind the content then.
  return DTLS_HEADER_LENGTH + overhead - HEADER_LENGTH + (cid === undefined ? 0 : cid.length + 1);
}

/** Records on their way into datagrams. */
class Packing {
  private readonly size: number;
  private readonly full: Uint8Array[] = [];
  private records: Uint8Array[] = [];
  private bytes = 0;

  constructor(size: number) {
    this.size = size;
  }

  get left(): number {
    return this.size - this.bytes;
  }

  /** A new datagram when this one has no room for so many bytes. */
  make(bytes: number): void {
    if (this.left < bytes) this.close();
  }

  add(record: Uint8Array): void {
    this.records.push(record);
    this.bytes += record.length;
  }

  done(): Uint8Array[] {
    this.close();
    return this.full;
  }

  private close(): void {
    if (this.records.length > 0) this.full.push(concat(this.records));
    this.records = [];
    this.bytes = 0;
  }
}
