/**
 * Handshake messages from the fragments that records carry (RFC 8446 §4, §5.1).
 */
import { RecordError } from './errors.js';
import { threeBytes } from './layout.js';

/** One complete handshake message. */
export interface HandshakeMessage {
  readonly type: 'message';
  /** HandshakeType's code. */
  readonly code: number;
  /** Header and body, as they enter the transcript. */
  readonly raw: Uint8Array;
}

const brand: unique symbol = Symbol('aligned');

/**
 * Proof that no handshake byte waits in the reassembler, which installing read keys demands (RFC 8446 §5.1:
 * messages must not span a key change). Only `HandshakeReassembler.aligned` makes one. It speaks of the moment it
 * was made in: use it at once, never keep it.
 */
export interface Aligned {
  readonly [brand]: true;
}

const ALIGNED: Aligned = Object.freeze({ [brand]: true as const });
const HEADER_LENGTH = 4;
/** bytes */
const SMALLEST_SLACK = 64;
const EMPTY: Uint8Array = new Uint8Array(0);

/** Feed it fragments, take messages. Buffers at most one incomplete message besides the fragment just fed. */
export class HandshakeReassembler {
  /** Bytes `start` to `end` of `bytes` are waiting; `bytes` is a fragment or, when `own`, our buffer. */
  private bytes: Uint8Array = EMPTY;
  private start = 0;
  private end = 0;
  private own = false;
  private readonly maxHandshakeSize: number;

  /** `maxHandshakeSize`: longest body that is accepted, bytes (OTP's option). */
  constructor(maxHandshakeSize: number) {
    this.maxHandshakeSize = maxHandshakeSize;
  }

  /** Handshake bytes not yet given out. */
  get pending(): number {
    return this.end - this.start;
  }

  /** Bytes of memory that they keep. */
  get held(): number {
    return this.bytes.buffer.byteLength;
  }

  /**
   * Adds a record's content, not empty. The array must stay unchanged until `next` has answered `undefined`;
   * what is left over then was copied.
   */
  push(fragment: Uint8Array): void {
    if (this.start === this.end) {
      this.bytes = fragment;
      this.start = 0;
      this.end = fragment.length;
      this.own = false;
      return;
    }
    this.reserve(fragment.length);
    this.bytes.set(fragment, this.end);
    this.end += fragment.length;
  }

  /**
   * The next complete message, a view of a fragment or of a buffer that is not written again, or `undefined` when
   * more bytes are needed. Throws `handshake_message_too_large` as soon as the header says so.
   */
  next(): HandshakeMessage | undefined {
    const { bytes, start } = this;
    const pending = this.end - start;
    if (pending >= HEADER_LENGTH) {
      const length = threeBytes(bytes, start + 1);
      if (length > this.maxHandshakeSize) throw new RecordError('handshake_message_too_large');
      const end = start + HEADER_LENGTH + length;
      if (end <= this.end) {
        this.start = end;
        if (end === this.end) this.clear();
        const raw = bytes.subarray(start, end);
        return { type: 'message', code: bytes[start] ?? 0, raw };
      }
    }
    if (pending > 0 && !this.own) this.reserve(0);
    return undefined;
  }

  /** Throws `excess_handshake_data` when handshake bytes wait, be they a part of a message or a whole one. */
  aligned(): Aligned {
    if (this.start !== this.end) throw new RecordError('excess_handshake_data');
    return ALIGNED;
  }

  /** Throws when a record of another type may not come now: in the middle of a handshake message (§5.1). */
  assertNotInterleaved(): void {
    if (this.start !== this.end) throw new RecordError('interleaved_handshake_message');
  }

  /**
   * Moves what waits into a buffer of our own with room for `more` bytes, and an eighth on top so that small fragments
   * are not copied again and again. It grows with what has arrived, not with what was announced: unfinished messages
   * of many peers cost hardly more memory than they sent.
   */
  private reserve(more: number): void {
    const pending = this.end - this.start;
    // Room behind: messages given out are views of what lies before, which stays as it is.
    if (this.own && this.end + more <= this.bytes.length) return;
    const needed = pending + more;
    const grown = new Uint8Array(needed + Math.max(needed >> 3, SMALLEST_SLACK));
    grown.set(this.bytes.subarray(this.start, this.end));
    this.bytes = grown;
    this.start = 0;
    this.end = pending;
    this.own = true;
  }

  private clear(): void {
    this.bytes = EMPTY;
    this.start = 0;
    this.end = 0;
    this.own = false;
  }
}
