/**
 * Cipher contexts of libcrypto. A fixed number of them serves all connections of the thread: to give one another key
 * costs 0.2 µs, so that no connection owns one and nothing has to be freed. A context remembers whose key it holds.
 */
import type { Secret } from '../../secret.js';
import { aadRoom, at, COPIED, held, type Libcrypto } from './libcrypto.js';

/** bytes */
export const TAG_LENGTH = 16;
/** bytes */
export const NONCE_LENGTH = 12;
/** What is not direct may be longer than a record, as long as an int can say it. */
const LONGEST = 0x3fff_ffff;

/** EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG */
const GET_TAG = 0x10;
const SET_TAG = 0x11;

/** Contexts of one cipher and direction. */
const CONTEXTS = 16;

/** A context, and whose key is in it. Users go by number: to hold one would keep its key in memory. */
export class CipherContext {
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
export class ContextPool {
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

/** Throws `RangeError` unless `length` bytes from `from` on are the array's. */
export function checkRange(bytes: Uint8Array, from: number, length: number): void {
  const good = Number.isInteger(from) && Number.isInteger(length) && from >= 0 && length >= 0;
  if (!good || from + length > bytes.byteLength) throw new RangeError('outside of the bytes that were given');
}
