/**
 * Record protection of TLS 1.3 (RFC 8446 §5.2–§5.5): per-record nonces, the hidden content type, padding.
 *
 * An idle connection keeps of each direction one traffic secret, one engine key, four numbers. Nonce and additional
 * data are scratch for one synchronous call and shared by all connections.
 */
import type { Aead, DirectOpener, DirectSealer, Opener, Sealer } from '../../values/crypto/engine.js';
import { recordLimit } from '../../values/registry/record-limits.js';
import type { TrafficSecret } from '../tls13/key-schedule.js';
import {
  APPLICATION_DATA,
  CHANGE_CIPHER_SPEC,
  HEADER_LENGTH,
  MAX_EXPANSION,
  MAX_PLAINTEXT,
} from './content-type.js';
import { RecordError } from './errors.js';
import { putHeader, putWord, room, word } from './layout.js';
import type { EpochKeys, OpenedRecord, ReadProtection, WriteProtection } from './protection.js';

const TLS12 = 0x0303;
const nonce: Uint8Array = new Uint8Array(12);
const aad: Uint8Array = new Uint8Array(HEADER_LENGTH);

/** The write_iv as three words: they live in the object's own fields, and a nonce is twelve byte stores. */
abstract class RecordNonce implements EpochKeys {
  readonly aead: Aead;
  readonly trafficSecret: TrafficSecret;
  private readonly iv0: number;
  private readonly iv1: number;
  private readonly iv2: number;
  /** Safe integers hold 2^53 records, more than any limit of §5.5 allows. */
  protected sequence = 0;

  protected constructor(aead: Aead, secret: TrafficSecret, iv: Uint8Array) {
    this.aead = aead;
    this.trafficSecret = secret;
    this.iv0 = word(iv, 0);
    this.iv1 = word(iv, 4);
    this.iv2 = word(iv, 8);
  }

  get epoch(): EpochKeys {
    return this;
  }

  get records(): number {
    return this.sequence;
  }

  get recordLimit(): number {
    return recordLimit(this.aead.name);
  }

  /** Over datagrams (RFC 9147 §4). */
  seek(sequence: number): void {
    this.sequence = sequence;
  }

  /** §5.3: the sequence number, padded to the left, XORed into the IV. */
  protected setNonce(): void {
    const { sequence } = this;
    if (sequence >= Number.MAX_SAFE_INTEGER) throw new RecordError('sequence_number_overflow');
    putWord(nonce, 0, this.iv0);
    putWord(nonce, 4, this.iv1 ^ (sequence / 0x1_0000_0000));
    putWord(nonce, 8, this.iv2 ^ (sequence | 0));
  }
}

/** Keys to read with, made from the peer's traffic secret. */
export class Tls13ReadProtection extends RecordNonce implements ReadProtection {
  readonly headLength = 0;
  readonly tagLength: number;
  /** §5.2 */
  readonly maxExpansion: number = MAX_EXPANSION;
  private readonly opener: Opener;
  readonly direct: DirectOpener | undefined;
  openedType = 0;

  constructor(aead: Aead, secret: TrafficSecret) {
    const { key, iv } = secret.keys(aead);
    super(aead, secret, iv);
    this.tagLength = aead.tagLength;
    this.opener = aead.opener(key);
    this.direct = this.opener.direct;
  }

  get unused(): boolean {
    return this.sequence === 0;
  }

  /** §5: everything but application_data on the outside came unprotected. */
  protects(type: number): boolean {
    return type === APPLICATION_DATA;
  }

  open(
    type: number,
    version: number,
    _head: Uint8Array,
    pieces: Uint8Array[],
    tag: Uint8Array,
    length: number,
  ): OpenedRecord | undefined {
    this.setNonce();
    putHeader(aad, 0, type, version, length);
    const plaintext = this.opener.open(nonce, aad, pieces, tag);
    if (plaintext === undefined) return undefined;
    this.sequence++;
    // §5.4: the full inner plaintext, padding included, is bounded too.
    if (length - tag.length > MAX_PLAINTEXT + 1) throw new RecordError('record_overflow');
    return stripPadding(plaintext);
  }

  openInto(
    type: number,
    version: number,
    chunk: Uint8Array,
    at: number,
    length: number,
    out: Uint8Array,
    outAt: number,
  ): number {
    const { direct, tagLength } = this;
    if (direct === undefined || length < tagLength) return -1;
    this.setNonce();
    putHeader(aad, 0, type, version, length);
    if (!direct.open(nonce, aad, chunk, at, length, out, outAt, this.sequence)) return -1;
    this.sequence++;
    if (length - tagLength > MAX_PLAINTEXT + 1) throw new RecordError('record_overflow');
    // §5.4: the content type is the last byte that is not zero.
    let end = outAt + length - tagLength;
    while (end > outAt && out[end - 1] === 0) end--;
    if (end === outAt) throw new RecordError('no_inner_content_type');
    const inner = out[end - 1] ?? 0;
    // Inside, there is no change_cipher_spec (§5).
    if (inner === CHANGE_CIPHER_SPEC) throw new RecordError('unexpected_record_type');
    this.openedType = inner;
    return end - 1;
  }

  next(): Tls13ReadProtection {
    const next = new Tls13ReadProtection(this.aead, this.trafficSecret.next());
    this.trafficSecret.zero();
    return next;
  }
}

/** Keys to write with, made from our own traffic secret. */
export class Tls13WriteProtection extends RecordNonce implements WriteProtection {
  readonly overhead: number;
  readonly protectsChangeCipherSpec = false;
  private readonly sealer: Sealer;
  readonly direct: DirectSealer | undefined;
  private sealed = 0;

  constructor(aead: Aead, secret: TrafficSecret) {
    const { key, iv } = secret.keys(aead);
    super(aead, secret, iv);
    this.overhead = HEADER_LENGTH + 1 + aead.tagLength;
    this.sealer = aead.sealer(key);
    this.direct = this.sealer.direct;
  }

  get sealedBytes(): number {
    return this.sealed;
  }

  get sealedRecords(): number {
    return this.records;
  }

  sealShort(type: number, fragment: Uint8Array): Uint8Array {
    const length = fragment.length;
    const record = room(length + this.overhead);
    putHeader(record, 0, APPLICATION_DATA, TLS12, record.length - HEADER_LENGTH);
    record.set(fragment, HEADER_LENGTH);
    record[HEADER_LENGTH + length] = type;
    this.setNonce();
    putHeader(aad, 0, APPLICATION_DATA, TLS12, record.length - HEADER_LENGTH);
    this.sealer.sealInPlace(nonce, aad, record, HEADER_LENGTH, HEADER_LENGTH + length + 1);
    this.sequence++;
    this.sealed += length;
    return record;
  }

  seal(type: number, content: Uint8Array, limit: number, out: Uint8Array[]): void {
    // A record's tail (inner type and tag) and its successor's header are one piece, so n records are 2n+1 pieces.
    const tailLength = 1 + this.aead.tagLength;
    let length = Math.min(limit, content.length) + tailLength;
    let between = room(HEADER_LENGTH);
    putHeader(between, 0, APPLICATION_DATA, TLS12, length);
    for (let start = 0; start < content.length; start += limit) {
      const left = content.length - start;
      const plaintext =
        left === content.length && left <= limit ? content : content.subarray(start, start + limit);
      this.setNonce();
      putHeader(aad, 0, APPLICATION_DATA, TLS12, length);
      const previous = between;
      if (left <= limit) {
        between = room(tailLength);
      } else {
        between = room(tailLength + HEADER_LENGTH);
        length = Math.min(limit, left - limit) + tailLength;
        putHeader(between, tailLength, APPLICATION_DATA, TLS12, length);
      }
      between[0] = type;
      out.push(previous, this.sealer.seal(nonce, aad, plaintext, between, 1));
      this.sequence++;
    }
    out.push(between);
    this.sealed += content.length;
  }

  sealInto(type: number, content: Uint8Array, out: Uint8Array, at: number): number {
    const { direct } = this;
    if (direct === undefined) throw new TypeError('the engine does not write where it is told');
    putHeader(out, at, APPLICATION_DATA, TLS12, content.length + this.overhead - HEADER_LENGTH);
    this.setNonce();
    putHeader(aad, 0, APPLICATION_DATA, TLS12, content.length + this.overhead - HEADER_LENGTH);
    const end = direct.seal(nonce, aad, content, type, out, at + HEADER_LENGTH, this.sequence);
    this.sequence++;
    this.sealed += content.length;
    return end;
  }

  next(): Tls13WriteProtection {
    const next = new Tls13WriteProtection(this.aead, this.trafficSecret.next());
    this.trafficSecret.zero();
    return next;
  }
}

/** §5.4: the content type is the last byte that is not zero. */
function stripPadding(pieces: Uint8Array[]): OpenedRecord {
  for (let last = pieces.pop(); last !== undefined; last = pieces.pop()) {
    let end = last.length;
    while (end > 0 && last[end - 1] === 0) end--;
    if (end === 0) continue;
    const type = last[end - 1] ?? 0;
    // Inside, there is no change_cipher_spec (§5).
    if (type === CHANGE_CIPHER_SPEC) throw new RecordError('unexpected_record_type');
    if (end > 1) pieces.push(last.subarray(0, end - 1));
    let length = 0;
    for (let i = 0; i < pieces.length; i++) length += pieces[i]?.length ?? 0;
    return { type, pieces, length };
  }
  throw new RecordError('no_inner_content_type');
}
