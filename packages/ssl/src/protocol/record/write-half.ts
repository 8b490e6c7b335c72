/**
 * The sending half of the record layer (RFC 8446 §5): messages and data in, pieces for one write out. Sans-IO.
 *
 * A complete object: once the handshake is done it moves to the sender process with its keys, sequence number and
 * byte count. Pieces of protected records are memory of their own; those of unprotected records are views.
 */
import {
  ALERT,
  APPLICATION_DATA,
  CHANGE_CIPHER_SPEC,
  HANDSHAKE,
  HEADER_LENGTH,
  MAX_PLAINTEXT,
} from './content-type.js';
import type { EpochKeys, WriteProtection } from './protection.js';
import { type RecordLimit, unprotectedLimit } from './record-limit.js';

/**
 * Up to here a record is made in one buffer: copying costs less than a second call into the cipher and two more
 * pieces in the write.
 */
const SHORT = 4096;
/** Records that may leave between two looks at `keyUpdateDue` or `sealedRecords`: 1 MiB in fragments of 64 bytes, and alerts. */
const RECORDS_AT_ONCE = 16_640;

export class WriteHalf {
  private protection: WriteProtection | undefined = undefined;
  private recordVersion: number;
  private readonly keyUpdateAt: number;
  private limit: number = MAX_PLAINTEXT;
  /** Of records without protection. */
  private plainLimit: number = MAX_PLAINTEXT;
  private requests = 0;

  /**
   * `keyUpdateAt`: plaintext bytes under one key after which `keyUpdateDue` says so (OTP's option `key_update_at`).
   * `recordVersion`: legacy_record_version of unprotected records; 0x0301 for a client's first hello (§5.1).
   */
  constructor(keyUpdateAt: number, recordVersion = 0x0303) {
    this.keyUpdateAt = keyUpdateAt;
    this.recordVersion = recordVersion;
  }

  /** Whether what is sealed leaves as datagrams, a record each: then nothing is joined and nothing split. */
  get datagrams(): boolean {
    return false;
  }

  /** Over datagrams: our last flight, once more. */
  sealFlight(): Uint8Array[] {
    return [];
  }

  /** Over datagrams: asks whether the peer is where it seems to be, or answers (RFC 9853 §4). */
  sealPathMessage(_message: Uint8Array): Uint8Array[] {
    return [];
  }

  /** Bytes of application data that can be sealed at once. */
  get largest(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** legacy_record_version of the unprotected records to come. */
  setRecordVersion(version: number): void {
    this.recordVersion = version;
  }

  /** One or more whole handshake messages, fragmented where they must be (§5.1). */
  sealHandshake(messages: Uint8Array): Uint8Array[] {
    return this.seal(HANDSHAKE, messages);
  }

  /** Application data of any length; none gives no record. Throws `TypeError` before keys are installed. */
  sealApplicationData(data: Uint8Array): Uint8Array[] {
    if (this.protection === undefined) throw new TypeError('application data before keys');
    return this.seal(APPLICATION_DATA, data);
  }

  /** Whether `sealInto` takes that many bytes of application data now. */
  direct(length: number): boolean {
    return Math.min(length, this.limit) <= (this.protection?.direct?.limit ?? 0);
  }

  /** Bytes of application data in a record at most. */
  get longestContent(): number {
    return this.limit;
  }

  /** Bytes that application data of this length needs as records. */
  sealedLength(length: number): number {
    return length + Math.ceil(length / this.limit) * (this.protection?.overhead ?? 0);
  }

  /** Seals application data into memory that has room for `sealedLength`, from its beginning; answers where it ends. */
  sealInto(data: Uint8Array, out: Uint8Array): number {
    const { protection, limit } = this;
    if (protection === undefined) throw new TypeError('application data before keys');
    if (data.length <= limit) return protection.sealInto(APPLICATION_DATA, data, out, 0);
    let at = 0;
    for (let start = 0; start < data.length; start += limit)
      at = protection.sealInto(APPLICATION_DATA, data.subarray(start, start + limit), out, at);
    return at;
  }

  /** `level` 1 warning, 2 fatal; `description`: AlertDescription's code (§6). */
  sealAlert(level: 1 | 2, description: number): Uint8Array[] {
    return this.seal(ALERT, Uint8Array.of(level, description));
  }

  /** A change_cipher_spec record: under the present keys or, in TLS 1.3, in the clear (RFC 8446 §D.4). */
  changeCipherSpec(): Uint8Array[] {
    const { recordVersion } = this;
    return this.protection?.protectsChangeCipherSpec === true
      ? this.seal(CHANGE_CIPHER_SPEC, Uint8Array.of(1))
      : [Uint8Array.of(CHANGE_CIPHER_SPEC, recordVersion >> 8, recordVersion, 0, 1, 1)];
  }

  /** Whether what leaves now is protected. */
  get keyed(): boolean {
    return this.protection !== undefined;
  }

  /** Everything from now on leaves under these keys. */
  install(protection: WriteProtection): void {
    this.protection = protection;
  }

  /** Everything from now on leaves in the clear: after early data comes a ClientHello that has no keys (§4.1.4). */
  drop(): void {
    this.protection = undefined;
  }

  /** Moves on to our next traffic keys; the KeyUpdate that says so was sealed before (§4.6.3, §7.2). */
  rekey(): void {
    const { protection } = this;
    if (protection === undefined) throw new TypeError('no keys to update');
    this.protection = protection.next();
  }

  /** Over datagrams: a KeyUpdate is under way, before whose end no other may leave (RFC 9147 §8). */
  get updating(): boolean {
    return false;
  }

  /** Then one that is to follow it. `requests`: it asks for the peer's. */
  updateLater(_message: Uint8Array, _requests: boolean): void {}

  /** A KeyUpdate that was sealed asks for the peer's (§4.6.3). */
  countRequest(): void {
    this.requests += 1;
  }

  /** How many of them since this was last asked: whoever reads has as many answers to expect. */
  takeRequests(): number {
    const { requests } = this;
    this.requests = 0;
    return requests;
  }

  /** Bytes under the present keys, of whatever is in records. */
  get sealedBytes(): number {
    return this.protection?.sealedBytes ?? 0;
  }

  /** Records under the present keys. */
  get sealedRecords(): number {
    return this.protection?.sealedRecords ?? 0;
  }

  /** Records under one key after which another is due, those counted that may leave before anybody looks. */
  get mostRecords(): number {
    return this.recordLimit - RECORDS_AT_ONCE;
  }

  /** Records that the cipher bears under one key. */
  protected get recordLimit(): number {
    return this.protection?.recordLimit ?? Number.POSITIVE_INFINITY;
  }

  /** Whether these keys can be updated: in TLS 1.3. */
  get updatesKeys(): boolean {
    return this.protection?.epoch !== undefined;
  }

  /** Keys of TLS 1.3. */
  get keys(): EpochKeys | undefined {
    return this.protection?.epoch;
  }

  /**
   * Whether so much was sent under the present keys that a KeyUpdate is due (§5.5): bytes, or records however short, of
   * which there are never more than the suite allows.
   */
  get keyUpdateDue(): boolean {
    const { protection } = this;
    const epoch = protection?.epoch;
    return (
      protection !== undefined &&
      epoch !== undefined &&
      (protection.sealedBytes >= this.keyUpdateAt || epoch.records >= this.mostRecords)
    );
  }

  /** Lowers the longest fragment sent (max_fragment_length, record_size_limit). */
  limitRecords(limit: RecordLimit): void {
    this.limit = Math.min(limit.content, MAX_PLAINTEXT);
    this.plainLimit = unprotectedLimit(limit);
  }

  private seal(type: number, content: Uint8Array): Uint8Array[] {
    const { protection } = this;
    if (content.length === 0) return [];
    if (protection === undefined) return this.frame(type, content);
    if (content.length <= SHORT && content.length <= this.limit) return [protection.sealShort(type, content)];
    const pieces: Uint8Array[] = [];
    protection.seal(type, content, this.limit, pieces);
    return pieces;
  }

  private frame(type: number, content: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    for (let start = 0; start < content.length; start += this.plainLimit) {
      const fragment = content.subarray(start, start + this.plainLimit);
      const header = new Uint8Array(HEADER_LENGTH);
      header[0] = type;
      header[1] = this.recordVersion >> 8;
      header[2] = this.recordVersion;
      header[3] = fragment.length >> 8;
      header[4] = fragment.length;
      pieces.push(header, fragment);
    }
    return pieces;
  }
}
