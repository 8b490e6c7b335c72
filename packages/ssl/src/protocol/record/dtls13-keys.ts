/**
 * The keys of one epoch of DTLS 1.3 (RFC 9147 §4.2.3, §4.5): records are those of TLS 1.3 but for their header, which is the
 * additional data, and their number, which is hidden. The nonce is made of the number alone, without the epoch.
 */
import type { Aead, Opener, RecordNumberCipher, Sealer } from '../../values/crypto/engine.js';
import { recordLimitsOf } from '../../values/registry/record-limits.js';
import { join } from '../../values/wire/join.js';
import type { TrafficSecret } from '../tls13/key-schedule.js';
import { MAX_PLAINTEXT } from './content-type.js';
import { SEQUENCE_LIMIT } from './dtls-layout.js';
import {
  MAX_UNIFIED_HEADER,
  nearestSequence,
  putUnifiedHeader,
  UNIFIED_HEADER_LENGTH,
  UNIFIED_ID_AT,
  type UnifiedHeader,
} from './dtls13-header.js';
import { RecordError } from './errors.js';
import { room } from './layout.js';
import type { EpochKeys } from './protection.js';
import { ReplayWindow } from './replay-window.js';

/** What keys are made of: those that the handlers of TLS 1.3 hand over. */
export interface KeySource {
  readonly aead: Aead;
  readonly trafficSecret: TrafficSecret;
}

/** A record that was opened. */
export interface Opened13 {
  /** ContentType's code. */
  readonly type: number;
  readonly data: Uint8Array;
  readonly sequence: number;
  /** Newer than all that came under these keys. */
  readonly newest: boolean;
}

/** Bytes of ciphertext that the mask of a number is made of. */
const sampleLength = 16;
const numberLength = 2;
/** Scratch for one synchronous call. */
const nonce: Uint8Array = new Uint8Array(12);
const header: Uint8Array = new Uint8Array(MAX_UNIFIED_HEADER);
const empty: Uint8Array = new Uint8Array(0);

abstract class Dtls13Keys implements EpochKeys {
  readonly aead: Aead;
  readonly trafficSecret: TrafficSecret;
  protected readonly numbers: RecordNumberCipher;
  protected readonly key: Uint8Array;
  private readonly iv: Uint8Array;
  /** Records protected so far. */
  records = 0;

  protected constructor({ aead, trafficSecret }: KeySource) {
    const { key, iv } = trafficSecret.keys(aead);
    this.aead = aead;
    this.trafficSecret = trafficSecret;
    this.key = key;
    this.iv = iv;
    this.numbers = aead.recordNumbers(trafficSecret.recordNumberKey(aead));
  }

  get recordLimit(): number {
    return recordLimitsOf(this.aead.name)?.records ?? Infinity;
  }

  /** Those of the epoch to come (RFC 8446 §7.2). */
  protected nextSource(): KeySource {
    return { aead: this.aead, trafficSecret: this.trafficSecret.next() };
  }

  protected setNonce(sequence: number): void {
    nonce.set(this.iv);
    let left = sequence;
    for (let i = 11; i >= 4; i--) {
      nonce[i] = (nonce[i] ?? 0) ^ (left % 256);
      left = Math.floor(left / 256);
    }
  }
}

/** Of the peer. */
export class Dtls13ReadKeys extends Dtls13Keys {
  private readonly opener: Opener;
  private readonly window: ReplayWindow = new ReplayWindow();
  /** One more than the greatest number that came. */
  private expected = 0;
  /** Records that did not open. */
  forgeries = 0;

  constructor(source: KeySource) {
    super(source);
    this.opener = this.aead.opener(this.key);
  }

  /**
   * Opens a record, whose header stands in the datagram from `at` on. `undefined`: it came before, is none of the peer's, or
   * has nothing in it. Throws `too_many_forgeries`.
   */
  open(
    datagram: Uint8Array,
    at: number,
    { idLength, sequenceLength, begin, end }: UnifiedHeader,
  ): Opened13 | undefined {
    const { tagLength } = this.aead;
    const length = end - begin;
    if (length < sampleLength || length <= tagLength) return undefined;
    const mask = this.numbers.mask(datagram.subarray(begin, begin + sampleLength));
    const aad = header.subarray(0, begin - at);
    aad.set(datagram.subarray(at, begin));
    let low = 0;
    const numberAt = UNIFIED_ID_AT + idLength;
    for (let i = 0; i < sequenceLength; i++) {
      const byte = (aad[numberAt + i] ?? 0) ^ (mask[i] ?? 0);
      aad[numberAt + i] = byte;
      low = (low << 8) | byte;
    }
    const sequence = nearestSequence(low, sequenceLength, this.expected);
    if (!this.window.isNew(sequence)) return undefined;
    const plaintext = this.unseal(datagram, begin, end, aad, sequence);
    if (plaintext === undefined) return this.countForgery();
    this.window.add(sequence);
    const newest = sequence >= this.expected;
    if (newest) this.expected = sequence + 1;
    this.records += 1;
    return inner(plaintext, sequence, newest);
  }

  /** In memory that nobody else writes to. */
  private unseal(
    datagram: Uint8Array,
    begin: number,
    end: number,
    aad: Uint8Array,
    sequence: number,
  ): Uint8Array | undefined {
    const { direct } = this.opener;
    const { tagLength } = this.aead;
    const length = end - begin;
    this.setNonce(sequence);
    if (direct !== undefined && length <= direct.limit) {
      const into = direct.allocate(length - tagLength);
      return direct.open(nonce, aad, datagram, begin, length, into, 0, sequence) ? into : undefined;
    }
    const tag = datagram.subarray(end - tagLength, end);
    const pieces = this.opener.open(nonce, aad, [datagram.subarray(begin, end - tagLength)], tag);
    if (pieces === undefined) return undefined;
    const [first = empty] = pieces;
    return pieces.length <= 1 ? first : join(pieces, new Uint8Array(length - tagLength));
  }

  next(): Dtls13ReadKeys {
    const next = new Dtls13ReadKeys(this.nextSource());
    this.trafficSecret.zero();
    return next;
  }

  /** §4.5.3: whoever goes on after what does not open gives a forger as many tries. */
  private countForgery(): undefined {
    this.forgeries += 1;
    if (this.forgeries >= (recordLimitsOf(this.aead.name)?.forgeries ?? Infinity))
      throw new RecordError('too_many_forgeries');
    return undefined;
  }
}

/** Our own. */
export class Dtls13WriteKeys extends Dtls13Keys {
  private readonly sealer: Sealer;
  sealedBytes = 0;

  constructor(source: KeySource) {
    super(source);
    this.sealer = this.aead.sealer(this.key);
  }

  /** Bytes of a record around its content, but for a connection ID. */
  get overhead(): number {
    return UNIFIED_HEADER_LENGTH + 1 + this.aead.tagLength;
  }

  /** A whole record, in memory that nobody else writes to. `id`: the peer's connection ID; empty: none. */
  seal(epoch: number, id: Uint8Array, type: number, content: Uint8Array): Uint8Array {
    const sequence = this.records;
    if (sequence >= SEQUENCE_LIMIT) throw new RecordError('sequence_number_overflow');
    const { tagLength } = this.aead;
    // §4.2.3: there must be enough to make the mask of.
    const inside = Math.max(content.length + 1, sampleLength - tagLength);
    const begin = UNIFIED_HEADER_LENGTH + id.length;
    const end = begin + inside;
    const record = room(end + tagLength);
    putUnifiedHeader(record, epoch, id, sequence % 0x1_0000, inside + tagLength);
    const aad = header.subarray(0, begin);
    aad.set(record.subarray(0, begin));
    this.setNonce(sequence);
    const { direct } = this.sealer;
    if (direct !== undefined && content.length <= direct.limit && inside === content.length + 1)
      direct.seal(nonce, aad, content, type, record, begin, sequence);
    else {
      record.set(content, begin);
      record.fill(0, begin + content.length, end);
      record[begin + content.length] = type;
      this.sealer.sealInPlace(nonce, aad, record, begin, end);
    }
    const mask = this.numbers.mask(record.subarray(begin, begin + sampleLength));
    const numberAt = UNIFIED_ID_AT + id.length;
    for (let i = 0; i < numberLength; i++)
      record[numberAt + i] = (record[numberAt + i] ?? 0) ^ (mask[i] ?? 0);
    this.records += 1;
    this.sealedBytes += content.length;
    return record;
  }

  next(): Dtls13WriteKeys {
    const next = new Dtls13WriteKeys(this.nextSource());
    this.trafficSecret.zero();
    return next;
  }
}

/** RFC 8446 §5.4: the content type is the last byte that is not zero. */
function inner(plaintext: Uint8Array, sequence: number, newest: boolean): Opened13 | undefined {
  let end = plaintext.length;
  while (end > 0 && plaintext[end - 1] === 0) end--;
  if (end === 0 || end - 1 > MAX_PLAINTEXT) return undefined;
  return { type: plaintext[end - 1] ?? 0, data: plaintext.subarray(0, end - 1), sequence, newest };
}
