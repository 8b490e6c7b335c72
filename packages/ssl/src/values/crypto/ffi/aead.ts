/**
 * AEADs of libcrypto: AES-GCM (SP 800-38D), ChaCha20-Poly1305 (RFC 8439). What is short goes another way once it pays,
 * `short-records.ts`.
 */
import { Secret } from '../../secret.js';
import type {
  Aead,
  AeadName,
  DirectOpener,
  DirectSealer,
  Opener,
  RecordNumberCipher,
  Sealer,
} from '../engine.js';
import { recordNumberCipher } from '../node/record-number.js';
import { CipherContext, ContextPool, checkRange, NONCE_LENGTH, TAG_LENGTH } from './cipher-context.js';
import { at, COPIED, held, type Libcrypto } from './libcrypto.js';
import { withShortOpener, withShortSealer } from './short-records.js';

/** RFC 8446 §5.2: 2^14 bytes and the inner content type. */
const SEAL_LIMIT = 16_385;
/** RFC 8446 §5.2: 2^14 + 256, and a tag. */
const OPEN_LIMIT = 16_384 + 256 + TAG_LENGTH;

/** Bytes up to this many cost little to fill with zeros. */
const ZEROED = 8192;

export class FfiAead implements Aead {
  readonly name: AeadName;
  readonly keyLength: number;
  readonly nonceLength: number = NONCE_LENGTH;
  readonly tagLength: number = TAG_LENGTH;
  private readonly libcrypto: Libcrypto;
  private readonly sealing: ContextPool;
  private readonly opening: ContextPool;
  private users = 0;

  private constructor(libcrypto: Libcrypto, name: AeadName, cipher: number, keyLength: number) {
    this.name = name;
    this.keyLength = keyLength;
    this.libcrypto = libcrypto;
    this.sealing = new ContextPool(() => new CipherContext(libcrypto, cipher, 1));
    this.opening = new ContextPool(() => new CipherContext(libcrypto, cipher, 0));
  }

  /** `cipher` is OpenSSL's name. `undefined` where its configuration has it not. */
  static of(libcrypto: Libcrypto, name: AeadName, cipher: string, keyLength: number): FfiAead | undefined {
    const fetched = libcrypto.fetch(libcrypto.call.fetchCipher, cipher);
    return fetched === 0 ? undefined : new FfiAead(libcrypto, name, fetched, keyLength);
  }

  sealer(key: Uint8Array): Sealer {
    const direction = this.direction(this.sealing, key);
    return new FfiSealer(direction, withShortSealer(this.name, key, new FfiDirectSealer(direction)));
  }

  opener(key: Uint8Array): Opener {
    const direction = this.direction(this.opening, key);
    return new FfiOpener(direction, withShortOpener(this.name, key, new FfiDirectOpener(direction)));
  }

  /** One block: a call into C costs more than it. */
  recordNumbers(key: Uint8Array): RecordNumberCipher {
    return recordNumberCipher(this.name, key);
  }

  /** Takes all keys out of all contexts. Whoever goes on gives his again. */
  forget(): void {
    this.sealing.forget();
    this.opening.forget();
  }

  private direction(contexts: ContextPool, key: Uint8Array): Direction {
    if (key.length !== this.keyLength)
      throw new RangeError(`a key of ${this.name} has ${this.keyLength} bytes`);
    return new Direction(this.libcrypto, contexts.take(), ++this.users, new Secret(key));
  }
}

/** One direction under one key, in a context that others use too. */
class Direction {
  readonly libcrypto: Libcrypto;
  readonly context: CipherContext;
  private readonly user: number;
  private readonly key: Secret;

  constructor(libcrypto: Libcrypto, context: CipherContext, user: number, key: Secret) {
    this.libcrypto = libcrypto;
    this.context = context;
    this.user = user;
    this.key = key;
  }

  begin(nonce: Uint8Array): void {
    this.context.begin(this.user, this.key, nonce);
  }
}

class FfiSealer implements Sealer {
  readonly direct: DirectSealer;
  private readonly direction: Direction;

  constructor(direction: Direction, direct: DirectSealer) {
    this.direction = direction;
    this.direct = direct;
  }

  sealInPlace(nonce: Uint8Array, aad: Uint8Array, record: Uint8Array, start: number, end: number): void {
    const { context } = this.direction;
    checkRange(record, start, end - start);
    checkRange(record, end, TAG_LENGTH);
    this.direction.begin(nonce);
    context.aad(aad);
    context.pass(record, start, end - start, record, start);
    this.finish(record, end);
  }

  seal(
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    tail: Uint8Array,
    trailerLength: number,
  ): Uint8Array {
    const { context } = this.direction;
    checkRange(tail, trailerLength, TAG_LENGTH);
    const body = room(plaintext.length);
    this.direction.begin(nonce);
    context.aad(aad);
    context.pass(plaintext, 0, plaintext.length, body, 0);
    context.pass(tail, 0, trailerLength, tail, 0);
    this.finish(tail, trailerLength);
    return body;
  }

  private finish(target: Uint8Array, where: number): void {
    const { context, libcrypto } = this.direction;
    context.finishSealing(libcrypto.base + at.tag);
    for (let i = 0; i < TAG_LENGTH; i++) target[where + i] = libcrypto.memory[at.tag + i] ?? 0;
  }
}

class FfiDirectSealer implements DirectSealer {
  readonly limit: number = SEAL_LIMIT;
  private readonly direction: Direction;

  constructor(direction: Direction) {
    this.direction = direction;
  }

  seal(
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    trailer: number,
    out: Uint8Array,
    where: number,
    _sequence: number,
  ): number {
    const { libcrypto, context } = this.direction;
    const { base, memory } = libcrypto;
    const { length } = plaintext;
    const content = trailer < 0 ? length : length + 1;
    const end = where + content + TAG_LENGTH;
    if (length > SEAL_LIMIT) throw new RangeError('too long for a record');
    checkRange(out, where, content + TAG_LENGTH);
    this.direction.begin(nonce);
    context.aad(aad);
    if (length <= COPIED) {
      const record = base + at.record;
      memory.set(plaintext, at.record);
      if (trailer >= 0) memory[at.record + length] = trailer;
      if (content > 0) context.transform(record, record, content);
      context.finishSealing(record + content);
      out.set(libcrypto.record(content + TAG_LENGTH), where);
      return end;
    }
    const from = libcrypto.address(plaintext);
    const to = libcrypto.address(out) + where;
    context.transform(from, to, length);
    if (trailer >= 0) {
      memory[at.trailer] = trailer;
      context.transform(base + at.trailer, to + length, 1);
    }
    context.finishSealing(to + content);
    held(plaintext, length);
    held(out, end);
    return end;
  }
}

class FfiOpener implements Opener {
  readonly direct: DirectOpener;
  private readonly direction: Direction;

  constructor(direction: Direction, direct: DirectOpener) {
    this.direction = direction;
    this.direct = direct;
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    pieces: readonly Uint8Array[],
    tag: Uint8Array,
  ): Uint8Array[] | undefined {
    if (tag.length !== TAG_LENGTH) return undefined;
    let length = 0;
    for (let i = 0; i < pieces.length; i++) length += pieces[i]?.length ?? 0;
    const { context, libcrypto } = this.direction;
    const plaintext = room(length);
    this.direction.begin(nonce);
    libcrypto.memory.set(tag, at.tag);
    context.expectTag(libcrypto.base + at.tag);
    context.aad(aad);
    let filled = 0;
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i];
      if (piece === undefined) continue;
      context.pass(piece, 0, piece.length, plaintext, filled);
      filled += piece.length;
    }
    if (context.finishOpening()) return length === 0 ? [] : [plaintext];
    plaintext.fill(0);
    return undefined;
  }
}

class FfiDirectOpener implements DirectOpener {
  readonly limit: number = OPEN_LIMIT;
  private readonly direction: Direction;

  constructor(direction: Direction) {
    this.direction = direction;
  }

  /** What data is cut from is no Buffer: `subarray` of one costs three times as much. */
  allocate(bytes: number): Uint8Array {
    return bytes > ZEROED ? Buffer.allocUnsafeSlow(bytes) : new Uint8Array(bytes);
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    chunk: Uint8Array,
    where: number,
    length: number,
    out: Uint8Array,
    outAt: number,
    _sequence: number,
  ): boolean {
    const body = length - TAG_LENGTH;
    if (length > OPEN_LIMIT) throw new RangeError('too long for a record');
    checkRange(chunk, where, length);
    checkRange(out, outAt, body);
    this.direction.begin(nonce);
    const authentic =
      body <= COPIED
        ? this.openCopied(aad, chunk, where, body, out, outAt)
        : this.openThere(aad, chunk, where, body, out, outAt);
    if (!authentic) out.fill(0, outAt, outAt + body);
    return authentic;
  }

  /** Through the memory of libcrypto, where nothing of it stays. */
  private openCopied(
    aad: Uint8Array,
    chunk: Uint8Array,
    where: number,
    body: number,
    out: Uint8Array,
    outAt: number,
  ): boolean {
    const { libcrypto, context } = this.direction;
    const record = libcrypto.base + at.record;
    libcrypto.memory.set(chunk.subarray(where, where + body + TAG_LENGTH), at.record);
    context.expectTag(record + body);
    context.aad(aad);
    if (body > 0) context.transform(record, record, body);
    const authentic = context.finishOpening();
    if (authentic) out.set(libcrypto.record(body), outAt);
    libcrypto.wipe(at.record, body);
    return authentic;
  }

  private openThere(
    aad: Uint8Array,
    chunk: Uint8Array,
    where: number,
    body: number,
    out: Uint8Array,
    outAt: number,
  ): boolean {
    const { libcrypto, context } = this.direction;
    const from = libcrypto.address(chunk) + where;
    const to = libcrypto.address(out) + outAt;
    context.expectTag(from + body);
    context.aad(aad);
    context.transform(from, to, body);
    held(chunk, where + body + TAG_LENGTH);
    held(out, outAt + body);
    return context.finishOpening();
  }
}

/** Memory to write all of; what comes from the pool of Buffers would keep the pool. */
function room(length: number): Uint8Array {
  return length > COPIED ? Buffer.allocUnsafeSlow(length) : new Uint8Array(length);
}
