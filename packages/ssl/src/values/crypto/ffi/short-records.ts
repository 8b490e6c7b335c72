/**
 * Short records of AES-GCM by the WebAssembly of the default engine (`node/short-gcm.ts`), all others by libcrypto: up to
 * some length the five calls that a record takes cost more than all the work on it.
 */
import type { AeadName, DirectOpener, DirectSealer } from '../engine.js';
import { secretInput } from '../node/platform.js';
import { type ShortOpener, type ShortSealer, shortOpener, shortSealer } from '../node/short-gcm.js';
import { checkRange, TAG_LENGTH } from './cipher-context.js';

/**
 * Longest content, bytes. µs by WebAssembly and by FFI, AES-128, Node 20: seal 64 bytes 0.7 and 1.2, open 1.3 and 1.8; seal
 * 128 1.2 and 1.4, open 1.5 and 2.0; from 200 to 250 bytes on libcrypto is faster. With AES-256, Node 24: at 128 the same.
 */
const LONGEST = 128;
/** TLS has 5 and 13; WebAssembly has not room for all. */
const LONGEST_AAD = 16;

/** `long`, and another way for what is short, where there is one. */
export function withShortSealer(name: AeadName, key: Uint8Array, long: DirectSealer): DirectSealer {
  if (name === 'chacha20_poly1305') return long;
  return new EitherSealer(() => shortSealer(secretInput(key), key.length), long);
}

export function withShortOpener(name: AeadName, key: Uint8Array, long: DirectOpener): DirectOpener {
  if (name === 'chacha20_poly1305') return long;
  return new EitherOpener(() => shortOpener(secretInput(key), key.length), long);
}

/** The way for short records, made with the first of them: handshake keys see none. Not to be printed, it has a key. */
abstract class Either<Short extends ShortSealer | ShortOpener> {
  #make: (() => Short | undefined) | undefined;
  #short: Short | undefined = undefined;

  constructor(make: () => Short | undefined) {
    this.#make = make;
  }

  /** For one that is short; `undefined` while it does not pay. */
  protected shortWay(): Short | undefined {
    if (this.#make !== undefined) {
      this.#short = this.#make();
      this.#make = undefined;
    }
    const short = this.#short;
    if (short === undefined || short.limit > 0) return short;
    short.count();
    return undefined;
  }
}

class EitherSealer extends Either<ShortSealer> implements DirectSealer {
  readonly limit: number;
  private readonly long: DirectSealer;

  constructor(make: () => ShortSealer | undefined, long: DirectSealer) {
    super(make);
    this.limit = long.limit;
    this.long = long;
  }

  seal(
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    trailer: number,
    out: Uint8Array,
    at: number,
    sequence: number,
  ): number {
    const { length } = plaintext;
    if (length <= LONGEST && aad.length <= LONGEST_AAD) {
      checkRange(out, at, length + (trailer < 0 ? 0 : 1) + TAG_LENGTH);
      const short = this.shortWay();
      if (short !== undefined) return short.seal(nonce, aad, plaintext, trailer, out, at, sequence);
    }
    return this.long.seal(nonce, aad, plaintext, trailer, out, at, sequence);
  }
}

class EitherOpener extends Either<ShortOpener> implements DirectOpener {
  readonly limit: number;
  private readonly long: DirectOpener;

  constructor(make: () => ShortOpener | undefined, long: DirectOpener) {
    super(make);
    this.limit = long.limit;
    this.long = long;
  }

  allocate(bytes: number): Uint8Array {
    return this.long.allocate(bytes);
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    chunk: Uint8Array,
    at: number,
    length: number,
    out: Uint8Array,
    outAt: number,
    sequence: number,
  ): boolean {
    if (length <= LONGEST + 1 + TAG_LENGTH && aad.length <= LONGEST_AAD) {
      checkRange(chunk, at, length);
      checkRange(out, outAt, length - TAG_LENGTH);
      const short = this.shortWay();
      if (short !== undefined) return short.open(nonce, aad, chunk, at, length, out, outAt, sequence);
    }
    return this.long.open(nonce, aad, chunk, at, length, out, outAt, sequence);
  }
}
