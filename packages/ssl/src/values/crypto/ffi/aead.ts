/**
 * AEADs of libcrypto: AES-GCM (SP 800-38D), ChaCha20-Poly1305 (RFC 8439).
 *
 * A fixed number of contexts serves all connections of the thread: to give one another key costs 0.2 µs, so that no
 * connection owns one and nothing has to be freed. A context remembers whose key it holds.
 */
import { Secret } from '../../secret.js';
import type { Aead, AeadName, DirectOpener, DirectSealer, Opener, Sealer } from '../engine.js';
import { aadRoom, at, COPIED, held, type Libcrypto } from './libcrypto.js';

const TAG_LENGTH = 16;
const NONCE_LENGTH = 12;
/** RFC 8446 §5.2: 2^14 bytes and the inner content type. */
const SEAL_LIMIT = 16_385;
/** RFC 8446 §5.2: 2^14 + 256, and a tag. */
const OPEN_LIMIT = 16_384 + 256 + TAG_LENGTH;
/** What is not direct may be longer, as long as an int can say it. */
const LONGEST = 0x3fff_ffff;

/** EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG */
const GET_TAG = 0x10;
const SET_TAG = 0x11;

/** Contexts of one cipher and direction. */
const CONTEXTS = 16;

/** A context, and whose key is in it. Users go by number: to hold one would keep its key in memory. */
class CipherContext {
  private readonly libcrypto: Libcrypto;
  private readonly cipher: number;
  private readonly encrypt: 0 | 1;
  private context = 0;
  private user = 0;

  constructor(libcrypto: Libcrypto, cipher: number, encrypt: 0 | 1) {
    this.libcrypto = libcrypto;
    this.cipher = cipher;
    this.encrypt = encrypt;
  }

  /** The nonce, and the key if it is not in there. */
  begin(user: number, key: Secret, nonce: Uint8Array): void {
    const { libcrypto } = this;
    const { base, call, memory } = libcrypto;
    if (nonce.length !== NONCE_LENGTH) throw new RangeError(`a nonce has ${NONCE_LENGTH} bytes`);
    memory.set(nonce, at.nonce);
    if (this.user === user) {
      const done = call.cipherInit(this.context, 0, 0, 0, base + at.nonce, this.encrypt);
      if (done !== 1) this.fail('EVP_CipherInit_ex');
      return;
    }
    this.user = 0;
    const cipher = this.context === 0 ? this.cipher : 0;
    if (cipher !== 0) this.context = libcrypto.some(call.newCipherContext(), 'EVP_CIPHER_CTX_new');
    memory.set(key.expose(), at.key);
    const done = call.cipherInit(this.context, cipher, 0, base + at.key, base + at.nonce, this.encrypt);
    libcrypto.wipe(at.key, key.length);
    if (done !== 1) this.fail('EVP_CipherInit_ex');
    this.user = user;
  }

  aad(aad: Uint8Array): void {
    const { memory } = this.libcrypto;
    if (aad.length <= aadRoom) {
      if (aad.length === 0) return;
      memory.set(aad, at.aad);
      this.takeAad(aad.length);
      return;
    }
    for (let from = 0; from < aad.length; from += aadRoom) {
      const part = aad.subarray(from, from + aadRoom);
      memory.set(part, at.aad);
      this.takeAad(part.length);
    }
  }

  private takeAad(length: number): void {
    const { base, call } = this.libcrypto;
    if (call.cipherUpdate(this.context, 0, base + at.length, base + at.aad, length) !== 1) {
      this.fail('EVP_CipherUpdate');
    }
  }

  /** From address to address, which may be the same. The caller has checked both. */
  transform(from: number, to: number, length: number): void {
    const { libcrypto } = this;
    const { base, call } = libcrypto;
    const done = call.cipherUpdate(this.context, to, base + at.length, from, length);
    if (done !== 1 || libcrypto.int(at.length) !== length) this.fail('EVP_CipherUpdate');
  }

  /** Transforms bytes of one array into another, which may be the same bytes; throws `RangeError` beyond either. */
  pass(source: Uint8Array, from: number, length: number, target: Uint8Array, to: number): void {
    if (length === 0) return;
    const { libcrypto } = this;
    const { base, memory } = libcrypto;
    checkRange(source, from, length);
    checkRange(target, to, length);
    if (length > COPIED) {
      if (length > LONGEST) throw new RangeError('too long');
      this.transform(libcrypto.address(source) + from, libcrypto.address(target) + to, length);
      held(source, from + length);
      held(target, to + length);
      return;
    }
    memory.set(source.subarray(from, from + length), at.record);
    this.transform(base + at.record, base + at.record, length);
    target.set(memory.subarray(at.record, at.record + length), to);
    if (this.encrypt === 0) libcrypto.wipe(at.record, length);
  }

  /** The tag of all that was passed, to an address that has room for it. */
  finishSealing(tag: number): void {
    const { base, call } = this.libcrypto;
    if (call.cipherFinal(this.context, base + at.tag, base + at.length) !== 1)
      this.fail('EVP_CipherFinal_ex');
    if (call.cipherControl(this.context, GET_TAG, TAG_LENGTH, tag) !== 1) this.fail('EVP_CIPHER_CTX_ctrl');
  }

  /** From an address. */
  expectTag(tag: number): void {
    const { call } = this.libcrypto;
    if (call.cipherControl(this.context, SET_TAG, TAG_LENGTH, tag) !== 1) this.fail('EVP_CIPHER_CTX_ctrl');
  }

  /** Whether all that was passed is authentic. */
  finishOpening(): boolean {
    const { base, call } = this.libcrypto;
    if (call.cipherFinal(this.context, base + at.tag, base + at.length) === 1) return true;
    call.clearErrors();
    return false;
  }

  /** Frees what it holds of a key, overwritten. */
  forget(): void {
    if (this.context !== 0) this.libcrypto.call.freeCipherContext(this.context);
    this.context = 0;
    this.user = 0;
  }

  private fail(what: string): never {
    this.forget();
    this.libcrypto.wipe(at.record, at.aad - at.record);
    this.libcrypto.fail(what);
  }
}

/** Contexts in turn, made when they are first asked for. */
class ContextPool {
  private readonly contexts: CipherContext[] = [];
  private readonly make: () => CipherContext;
  private taken = 0;

  constructor(make: () => CipherContext) {
    this.make = make;
  }

  take(): CipherContext {
    const slot = this.taken++ % CONTEXTS;
    const known = this.contexts[slot];
    if (known !== undefined) return known;
    const made = this.make();
    this.contexts[slot] = made;
    return made;
  }

  forget(): void {
    for (const context of this.contexts) context.forget();
  }
}

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
    return new FfiSealer(this.libcrypto, this.sealing.take(), ++this.users, this.checked(key));
  }

  opener(key: Uint8Array): Opener {
    return new FfiOpener(this.libcrypto, this.opening.take(), ++this.users, this.checked(key));
  }

  /** Takes all keys out of all contexts. Whoever goes on gives his again. */
  forget(): void {
    this.sealing.forget();
    this.opening.forget();
  }

  private checked(key: Uint8Array): Secret {
    if (key.length !== this.keyLength)
      throw new RangeError(`a key of ${this.name} has ${this.keyLength} bytes`);
    return new Secret(key);
  }
}

class FfiSealer implements Sealer {
  readonly direct: DirectSealer;
  private readonly libcrypto: Libcrypto;
  private readonly context: CipherContext;
  private readonly user: number;
  private readonly key: Secret;

  constructor(libcrypto: Libcrypto, context: CipherContext, user: number, key: Secret) {
    this.direct = new FfiDirectSealer(libcrypto, context, user, key);
    this.libcrypto = libcrypto;
    this.context = context;
    this.user = user;
    this.key = key;
  }

  sealInPlace(nonce: Uint8Array, aad: Uint8Array, record: Uint8Array, start: number, end: number): void {
    checkRange(record, start, end - start);
    checkRange(record, end, TAG_LENGTH);
    this.context.begin(this.user, this.key, nonce);
    this.context.aad(aad);
    this.context.pass(record, start, end - start, record, start);
    this.finish(record, end);
  }

  seal(
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    tail: Uint8Array,
    trailerLength: number,
  ): Uint8Array {
    checkRange(tail, trailerLength, TAG_LENGTH);
    const body = room(plaintext.length);
    this.context.begin(this.user, this.key, nonce);
    this.context.aad(aad);
    this.context.pass(plaintext, 0, plaintext.length, body, 0);
    this.context.pass(tail, 0, trailerLength, tail, 0);
    this.finish(tail, trailerLength);
    return body;
  }

  private finish(target: Uint8Array, where: number): void {
    const { base, memory } = this.libcrypto;
    this.context.finishSealing(base + at.tag);
    for (let i = 0; i < TAG_LENGTH; i++) target[where + i] = memory[at.tag + i] ?? 0;
  }
}

class FfiDirectSealer implements DirectSealer {
  readonly limit: number = SEAL_LIMIT;
  private readonly libcrypto: Libcrypto;
  private readonly context: CipherContext;
  private readonly user: number;
  private readonly key: Secret;

  constructor(libcrypto: Libcrypto, context: CipherContext, user: number, key: Secret) {
    this.libcrypto = libcrypto;
    this.context = context;
    this.user = user;
    this.key = key;
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
    const { libcrypto, context } = this;
    const { base, memory } = libcrypto;
    const { length } = plaintext;
    const content = trailer < 0 ? length : length + 1;
    const end = where + content + TAG_LENGTH;
    if (length > SEAL_LIMIT) throw new RangeError('too long for a record');
    checkRange(out, where, content + TAG_LENGTH);
    context.begin(this.user, this.key, nonce);
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
  private readonly libcrypto: Libcrypto;
  private readonly context: CipherContext;
  private readonly user: number;
  private readonly key: Secret;

  constructor(libcrypto: Libcrypto, context: CipherContext, user: number, key: Secret) {
    this.direct = new FfiDirectOpener(libcrypto, context, user, key);
    this.libcrypto = libcrypto;
    this.context = context;
    this.user = user;
    this.key = key;
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
    const { context, libcrypto } = this;
    const plaintext = room(length);
    context.begin(this.user, this.key, nonce);
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
  private readonly libcrypto: Libcrypto;
  private readonly context: CipherContext;
  private readonly user: number;
  private readonly key: Secret;

  constructor(libcrypto: Libcrypto, context: CipherContext, user: number, key: Secret) {
    this.libcrypto = libcrypto;
    this.context = context;
    this.user = user;
    this.key = key;
  }

  allocate(bytes: number): Uint8Array {
    return Buffer.allocUnsafeSlow(bytes);
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
    const { libcrypto, context } = this;
    const { base, memory } = libcrypto;
    const body = length - TAG_LENGTH;
    if (length > OPEN_LIMIT) throw new RangeError('too long for a record');
    checkRange(chunk, where, length);
    checkRange(out, outAt, body);
    context.begin(this.user, this.key, nonce);
    if (body <= COPIED) {
      const record = base + at.record;
      memory.set(chunk.subarray(where, where + length), at.record);
      context.expectTag(record + body);
      context.aad(aad);
      if (body > 0) context.transform(record, record, body);
      const authentic = context.finishOpening();
      if (authentic) out.set(libcrypto.record(body), outAt);
      else out.fill(0, outAt, outAt + body);
      libcrypto.wipe(at.record, body);
      return authentic;
    }
    const from = libcrypto.address(chunk) + where;
    const to = libcrypto.address(out) + outAt;
    context.expectTag(from + body);
    context.aad(aad);
    context.transform(from, to, body);
    held(chunk, where + length);
    held(out, outAt + body);
    if (context.finishOpening()) return true;
    out.fill(0, outAt, outAt + body);
    return false;
  }
}

/** Throws `RangeError` unless `length` bytes from `from` on are the array's. */
function checkRange(bytes: Uint8Array, from: number, length: number): void {
  const good = Number.isInteger(from) && Number.isInteger(length) && from >= 0 && length >= 0;
  if (!good || from + length > bytes.byteLength) throw new RangeError('outside of the bytes that were given');
}

/** Memory to write all of; what comes from the pool of Buffers would keep the pool. */
function room(length: number): Uint8Array {
  return length > COPIED ? Buffer.allocUnsafeSlow(length) : new Uint8Array(length);
}
