/**
 * What a half of the record layer asks of the keys installed in it. TLS 1.3 is `tls13-protection.ts`; older
 * versions put their own protection under the same halves.
 */
import type { DirectOpener, DirectSealer } from '../../values/crypto/engine.js';
import type { TrafficSecret } from '../tls13/key-schedule.js';

/** A record after its protection was removed. */
export interface OpenedRecord {
  /** The true content type's code. */
  readonly type: number;
  /** The plaintext, in adjacent pieces, none of them empty; freshly allocated. */
  readonly pieces: Uint8Array[];
  /** Bytes in all pieces. */
  readonly length: number;
}

/** What is known of keys that can be updated: those of TLS 1.3. */
export interface EpochKeys {
  /** What Finished after the handshake is made with (RFC 8446 §4.4.4). */
  readonly trafficSecret: TrafficSecret;
  /** Records protected so far. */
  readonly records: number;
  /** How many there may be (RFC 8446 §5.5). */
  readonly recordLimit: number;
}

/** Keys and sequence number of one epoch of reading. */
export interface ReadProtection {
  /** `undefined`: TLS 1.2, which has no others. */
  readonly epoch: EpochKeys | undefined;
  /** Over datagrams, which bring their records' numbers: that of the record to open next, epoch included. */
  seek(sequence: number): void;
  /** DTLS 1.2: the connection ID that records under these keys bear (RFC 9146 §4); else they have none. */
  readonly cid?: Uint8Array | undefined;
  /** True for the outer content types that must be protected under these keys. */
  protects(type: number): boolean;
  /** True while no record has been opened: the peer may not have these keys yet. */
  readonly unused: boolean;
  /** Bytes at the start of a fragment that `open` wants apart: an explicit nonce. */
  readonly headLength: number;
  /** Bytes at the end of a fragment that `open` wants apart: an AEAD's tag. */
  readonly tagLength: number;
  /** Bytes that a protected fragment may be longer than the longest plaintext. */
  readonly maxExpansion: number;
  /**
   * Removes the protection from a record's fragment of `length` bytes, given as a head, adjacent pieces, none of them
   * empty, and a tag. The length was checked against `maxExpansion`. `undefined` when it does not authenticate; the
   * sequence number then stays. Throws `RecordError`.
   */
  open(
    type: number,
    version: number,
    head: Uint8Array,
    pieces: Uint8Array[],
    tag: Uint8Array,
    length: number,
  ): OpenedRecord | undefined;
  /** Of an engine that writes where it is told: the longest fragment that `openInto` takes now, and memory for it. */
  readonly direct: Pick<DirectOpener, 'limit' | 'allocate'> | undefined;
  /** Content type's code of the record that `openInto` opened last. */
  readonly openedType: number;
  /**
   * Opens the fragment of `length` bytes that stands in `chunk` from `at` on, into `out` from `outAt` on, where there is
   * room for `length` bytes. Answers where the plaintext ends, or -1 when the fragment does not authenticate; nothing has
   * changed then. Throws `RecordError`.
   */
  openInto(
    type: number,
    version: number,
    chunk: Uint8Array,
    at: number,
    length: number,
    out: Uint8Array,
    outAt: number,
  ): number;
  /** The following generation of keys (RFC 8446 §7.2). */
  next(): ReadProtection;
}

/** Keys and sequence number of one epoch of writing. */
export interface WriteProtection {
  /** Bytes that a protected record is longer than its plaintext, header included. */
  readonly overhead: number;
  /** Over datagrams: the number of the record to seal next, epoch included. */
  seek(sequence: number): void;
  /** DTLS 1.2: the connection ID that records under these keys bear (RFC 9146 §4); else they have none. */
  readonly cid?: Uint8Array | undefined;
  /** Whether a change_cipher_spec leaves under these keys (TLS 1.2) or in the clear (RFC 8446 §D.4). */
  readonly protectsChangeCipherSpec: boolean;
  /** `undefined`: TLS 1.2, where `next` gives no others. */
  readonly epoch: EpochKeys | undefined;
  /** Plaintext bytes sealed under these keys. */
  readonly sealedBytes: number;
  /** Records sealed under these keys. */
  readonly sealedRecords: number;
  /** How many there may be (RFC 8446 §5.5, RFC 9325 §4.4); `Infinity` where no RFC has a number. */
  readonly recordLimit: number;
  /** Seals a short fragment as one complete record in memory that nobody else writes to. */
  sealShort(type: number, fragment: Uint8Array): Uint8Array;
  /**
   * Seals `content` as records of at most `limit` plaintext bytes; appends the pieces to `out`. No piece aliases
   * the content, which is read in place.
   */
  seal(type: number, content: Uint8Array, limit: number, out: Uint8Array[]): void;
  /** Of an engine that writes where it is told: the longest fragment that `sealInto` takes now. */
  readonly direct: Pick<DirectSealer, 'limit'> | undefined;
  /**
   * Seals `content`, of at most `direct.limit` bytes, as one record into `out` from `at` on, where there is room for
   * `overhead` more. Answers where it ends.
   */
  sealInto(type: number, content: Uint8Array, out: Uint8Array, at: number): number;
  /** The following generation of keys (RFC 8446 §7.2). */
  next(): WriteProtection;
}
