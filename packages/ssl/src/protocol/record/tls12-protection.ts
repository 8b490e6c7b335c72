/**
 * Record protection of TLS 1.2 by AEADs (RFC 5246 §6.2.3.3): AES-GCM with an explicit part of the nonce in front of the
 * ciphertext (RFC 5288 §3), ChaCha20-Poly1305 without (RFC 7905 §2). The content type stands in the clear.
 *
 * As in TLS 1.3 an idle connection keeps of each direction one engine key and a few numbers.
 */
import type { Aead, DirectOpener, DirectSealer, Opener, Sealer } from '../../values/crypto/engine.js';
import { recordLimit } from '../../values/registry/record-limits.js';
import { CidHead } from './cid-record.js';
import { HEADER_LENGTH } from './content-type.js';
import { RecordError } from './errors.js';
import { putHeader, putSequence, putWord, room, word } from './layout.js';
import type { OpenedRecord, ReadProtection, WriteProtection } from './protection.js';
import type { WriteKey } from './write-key.js';

const TLS12 = 0x0303;
const nonce: Uint8Array = new Uint8Array(12);
/** seq_num, type, version, length (RFC 5246 §6.2.3.3). */
const aad: Uint8Array = new Uint8Array(13);

/** Where the nonce of a record comes from: a part of it travels with the record, or none. */
export type NonceForm = 'explicit' | 'xor';

/** Bytes of key material that an AEAD's nonces are made of. */
export function fixedIvLength(form: NonceForm): number {
  return form === 'explicit' ? 4 : 12;
}

const explicitLength = 8;

abstract class Tls12Nonce {
  /** Bytes of nonce that travel in front of the ciphertext. */
  readonly headLength: number;
  private readonly iv0: number;
  private readonly iv1: number;
  private readonly iv2: number;
  private readonly cidHead: CidHead | undefined;
  protected sequence = 0;

  /** Over datagrams: the epoch, and the record's own number (RFC 6347 §4.1). */
  seek(sequence: number): void {
    this.sequence = sequence;
  }

  protected constructor(form: NonceForm, iv: Uint8Array, cid: Uint8Array | undefined) {
    this.cidHead = cid && new CidHead(cid);
    this.headLength = form === 'explicit' ? explicitLength : 0;
    this.iv0 = word(iv, 0);
    this.iv1 = word(iv, 4);
    this.iv2 = word(iv, 8);
  }

  /** The nonce of the present record; `head` holds the explicit part, if there is one. */
  protected setNonce(head: Uint8Array, at: number): void {
    putWord(nonce, 0, this.iv0);
    if (this.headLength > 0) {
      for (let i = 0; i < explicitLength; i++) nonce[4 + i] = head[at + i] ?? 0;
      return;
    }
    putWord(nonce, 4, this.iv1 ^ (this.sequence / 0x1_0000_0000));
    putWord(nonce, 8, this.iv2 ^ (this.sequence | 0));
  }

  /** Valid until it is asked for again. */
  protected aadOf(type: number, version: number, length: number): Uint8Array {
    const { sequence } = this;
    // RFC 5246 §6.1: it must not wrap.
    if (sequence >= Number.MAX_SAFE_INTEGER) throw new RecordError('sequence_number_overflow');
    if (this.cidHead !== undefined) return this.cidHead.of(sequence, version, length);
    putSequence(aad, 0, sequence);
    putHeader(aad, 8, type, version, length);
    return aad;
  }
}

/** Keys to read with. */
export class Tls12ReadProtection extends Tls12Nonce implements ReadProtection {
  readonly tagLength: number;
  readonly cid: Uint8Array | undefined;
  /** RFC 5246 §6.2.3: a TLSCiphertext may be 2048 bytes longer than its plaintext. */
  readonly maxExpansion = 2048;
  readonly epoch = undefined;
  private readonly opener: Opener;
  readonly direct: DirectOpener | undefined;
  openedType = 0;

  /** `cid`: of the records, if they have one. */
  constructor(aead: Aead, form: NonceForm, { key, iv }: Pick<WriteKey, 'key' | 'iv'>, cid?: Uint8Array) {
    super(form, iv, cid);
    this.cid = cid;
    this.tagLength = aead.tagLength;
    this.opener = aead.opener(key);
    this.direct = this.opener.direct;
  }

  get unused(): boolean {
    return false;
  }

  /** Everything after the peer's change_cipher_spec. */
  protects(): boolean {
    return true;
  }

  open(
    type: number,
    version: number,
    head: Uint8Array,
    pieces: Uint8Array[],
    tag: Uint8Array,
    length: number,
  ): OpenedRecord | undefined {
    const plaintextLength = length - this.headLength - this.tagLength;
    this.setNonce(head, 0);
    const plaintext = this.opener.open(nonce, this.aadOf(type, version, plaintextLength), pieces, tag);
    if (plaintext === undefined) return undefined;
    this.sequence++;
    return { type, pieces: plaintext, length: plaintextLength };
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
    const { direct, headLength, tagLength, sequence } = this;
    if (direct === undefined || length < headLength + tagLength) return -1;
    const sealed = length - headLength;
    this.setNonce(chunk, at);
    const head = this.aadOf(type, version, sealed - tagLength);
    if (!direct.open(nonce, head, chunk, at + headLength, sealed, out, outAt, sequence)) return -1;
    this.sequence++;
    this.openedType = type;
    return outAt + sealed - tagLength;
  }

  next(): never {
    throw new TypeError('TLS 1.2 has no key updates');
  }
}

/** Keys to write with. */
export class Tls12WriteProtection extends Tls12Nonce implements WriteProtection {
  readonly overhead: number;
  readonly cid: Uint8Array | undefined;
  readonly recordLimit: number;
  readonly protectsChangeCipherSpec = true;
  readonly epoch = undefined;
  private readonly tagLength: number;
  private readonly sealer: Sealer;
  readonly direct: DirectSealer | undefined;
  private readonly version: number;
  private sealed = 0;

  /** `version`: on the wire. `cid`: of the records, if they have one. */
  constructor(
    aead: Aead,
    form: NonceForm,
    { key, iv }: Pick<WriteKey, 'key' | 'iv'>,
    version: number = TLS12,
    cid?: Uint8Array,
  ) {
    super(form, iv, cid);
    this.cid = cid;
    this.version = version;
    this.tagLength = aead.tagLength;
    this.recordLimit = recordLimit(aead.name);
    this.overhead = HEADER_LENGTH + this.headLength + aead.tagLength;
    this.sealer = aead.sealer(key);
    this.direct = this.sealer.direct;
  }

  get sealedBytes(): number {
    return this.sealed;
  }

  get sealedRecords(): number {
    return this.sequence;
  }

  sealShort(type: number, fragment: Uint8Array): Uint8Array {
    const start = HEADER_LENGTH + this.headLength;
    const record = room(fragment.length + this.overhead);
    if (this.direct !== undefined && fragment.length <= this.direct.limit) {
      this.sealInto(type, fragment, record, 0);
      return record;
    }
    this.putHead(record, 0, type, fragment.length);
    record.set(fragment, start);
    this.setNonce(record, HEADER_LENGTH);
    const head = this.aadOf(type, this.version, fragment.length);
    this.sealer.sealInPlace(nonce, head, record, start, start + fragment.length);
    this.sequence++;
    this.sealed += fragment.length;
    return record;
  }

  seal(type: number, content: Uint8Array, limit: number, out: Uint8Array[]): void {
    // A record's tag and its successor's header are one piece, so n records are 2n+1 pieces.
    const headLength = HEADER_LENGTH + this.headLength;
    let between = room(headLength);
    let headAt = 0;
    for (let start = 0; start < content.length; start += limit) {
      const plaintext = content.subarray(start, start + limit);
      this.putHead(between, headAt, type, plaintext.length);
      this.setNonce(between, headAt + HEADER_LENGTH);
      const head = this.aadOf(type, this.version, plaintext.length);
      const previous = between;
      between = room(start + limit < content.length ? this.tagLength + headLength : this.tagLength);
      headAt = this.tagLength;
      out.push(previous, this.sealer.seal(nonce, head, plaintext, between, 0));
      this.sequence++;
    }
    out.push(between);
    this.sealed += content.length;
  }

  sealInto(type: number, content: Uint8Array, out: Uint8Array, at: number): number {
    const { direct, sequence } = this;
    if (direct === undefined) throw new TypeError('the engine does not write where it is told');
    this.putHead(out, at, type, content.length);
    this.setNonce(out, at + HEADER_LENGTH);
    const head = this.aadOf(type, this.version, content.length);
    const end = direct.seal(nonce, head, content, -1, out, at + HEADER_LENGTH + this.headLength, sequence);
    this.sequence++;
    this.sealed += content.length;
    return end;
  }

  next(): never {
    throw new TypeError('TLS 1.2 has no key updates');
  }

  /** The header, and behind it the explicit nonce: the sequence number, which never comes twice. */
  private putHead(into: Uint8Array, at: number, type: number, plaintextLength: number): void {
    putHeader(into, at, type, this.version, plaintextLength + this.overhead - HEADER_LENGTH);
    if (this.headLength > 0) putSequence(into, at + HEADER_LENGTH, this.sequence);
  }
}
