/**
 * Hashes, HMAC (RFC 2104) and HKDF (RFC 5869) of libcrypto.
 */
import { Secret } from '../../secret.js';
import type { HashFunction, HashName, RunningHash } from '../engine.js';
import { HmacHash, type MacKey } from '../hkdf.js';
import { nodeEngine } from '../node/engine.js';
import { at, dataRoom, held, type Libcrypto, UTF8_STRING } from './libcrypto.js';

export class FfiHash extends HmacHash implements HashFunction {
  readonly name: HashName;
  readonly outputLength: number;
  private readonly blockLength: number;
  /** EVP_MD */
  readonly digestType: number;
  private readonly libcrypto: Libcrypto;
  private readonly macs: MacContext;

  private constructor(
    libcrypto: Libcrypto,
    name: HashName,
    digestType: number,
    macs: MacContext,
    outputLength: number,
    blockLength: number,
  ) {
    super();
    this.name = name;
    this.outputLength = outputLength;
    this.blockLength = blockLength;
    this.libcrypto = libcrypto;
    this.digestType = digestType;
    this.macs = macs;
  }

  /** `digest` is OpenSSL's name; lengths in bytes. `undefined` where its configuration has it not. */
  static of(
    libcrypto: Libcrypto,
    name: HashName,
    digest: string,
    outputLength: number,
    blockLength: number,
  ): FfiHash | undefined {
    const { call } = libcrypto;
    const type = libcrypto.fetch(call.fetchDigest, digest);
    const hmac = libcrypto.fetch(call.fetchMac, 'HMAC');
    if (type === 0 || hmac === 0) return undefined;
    const macs = new MacContext(libcrypto, hmac, digest, outputLength);
    return new FfiHash(libcrypto, name, type, macs, outputLength, blockLength);
  }

  digest(data: Uint8Array): Uint8Array {
    const { libcrypto } = this;
    const { length } = data;
    if (length <= dataRoom) {
      libcrypto.memory.set(data, at.data);
      return this.digestFrom(libcrypto.base + at.data, length);
    }
    const digest = this.digestFrom(libcrypto.address(data), length);
    held(data, length);
    return digest;
  }

  /** Of pieces that have `length` bytes together, `dataRoom` at most. */
  digestOf(pieces: readonly Uint8Array[], length: number): Uint8Array {
    const { libcrypto } = this;
    let filled = 0;
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i];
      if (piece === undefined) continue;
      if (filled + piece.length > dataRoom) throw new RangeError('more than was counted');
      libcrypto.memory.set(piece, at.data + filled);
      filled += piece.length;
    }
    if (filled !== length) throw new RangeError('other than was counted');
    return this.digestFrom(libcrypto.base + at.data, filled);
  }

  start(): RunningHash {
    return new FfiRunningHash(this);
  }

  /** Frees what it holds of a key, overwritten. */
  forget(): void {
    this.macs.forget();
  }

  /** RFC 2104 §2: a key longer than a block is hashed first. */
  protected macKey(key: Uint8Array): MacKey {
    if (key.length <= this.blockLength) return new FfiMacKey(this.macs, key);
    const short = this.digest(key);
    this.libcrypto.wipe(at.digest, short.length);
    this.libcrypto.wipe(at.data, dataRoom);
    return new FfiMacKey(this.macs, short);
  }

  private digestFrom(address: number, length: number): Uint8Array {
    const { libcrypto, outputLength } = this;
    const { base, call, memory } = libcrypto;
    const done = call.digest(address, length, base + at.digest, base + at.length, this.digestType, 0);
    if (done !== 1 || libcrypto.int(at.length) !== outputLength) libcrypto.fail('EVP_Digest');
    return memory.slice(at.digest, at.digest + outputLength);
  }
}

/** HMAC with one hash; remembers whose key it holds, since the labels of one secret are asked for in a row. */
class MacContext {
  users = 0;
  private readonly libcrypto: Libcrypto;
  private readonly hmac: number;
  private readonly digest: string;
  private readonly outputLength: number;
  private context = 0;
  private user = 0;

  constructor(libcrypto: Libcrypto, hmac: number, digest: string, outputLength: number) {
    this.libcrypto = libcrypto;
    this.hmac = hmac;
    this.digest = digest;
    this.outputLength = outputLength;
  }

  /** A key has at most a block. */
  mac(user: number, key: Secret, data: Uint8Array): Uint8Array {
    const { libcrypto, outputLength } = this;
    const { base, call, memory } = libcrypto;
    this.begin(user, key);
    const { context } = this;
    const { length } = data;
    if (length > dataRoom) {
      if (call.macUpdate(context, libcrypto.address(data), length) !== 1) this.fail('EVP_MAC_update');
      held(data, length);
    } else if (length > 0) {
      memory.set(data, at.data);
      if (call.macUpdate(context, base + at.data, length) !== 1) this.fail('EVP_MAC_update');
      libcrypto.wipe(at.data, length);
    }
    const done = call.macFinal(context, base + at.digest, base + at.length, outputLength);
    if (done !== 1 || libcrypto.wide(at.length) !== outputLength) this.fail('EVP_MAC_final');
    const mac = memory.slice(at.digest, at.digest + outputLength);
    libcrypto.wipe(at.digest, outputLength);
    return mac;
  }

  forget(): void {
    if (this.context !== 0) this.libcrypto.call.freeMacContext(this.context);
    this.context = 0;
    this.user = 0;
  }

  private begin(user: number, key: Secret): void {
    const { libcrypto } = this;
    const { base, call, memory } = libcrypto;
    if (this.user === user) {
      if (call.macInit(this.context, 0, 0, 0) !== 1) this.fail('EVP_MAC_init');
      return;
    }
    if (this.context === 0) this.make();
    this.user = 0;
    memory.set(key.expose(), at.key);
    const done = call.macInit(this.context, base + at.key, key.length, 0);
    libcrypto.wipe(at.key, key.length);
    if (done !== 1) this.fail('EVP_MAC_init');
    this.user = user;
  }

  private make(): void {
    const { libcrypto, digest } = this;
    const { base, call } = libcrypto;
    const context = libcrypto.some(call.newMacContext(this.hmac), 'EVP_MAC_CTX_new');
    const name = libcrypto.name('digest', at.names);
    libcrypto.parameter(0, name, UTF8_STRING, libcrypto.name(digest, at.names + 32), digest.length);
    libcrypto.endParameters(1);
    libcrypto.done(call.setMacParameters(context, base + at.parameters), 'EVP_MAC_CTX_set_params');
    this.context = context;
  }

  private fail(what: string): never {
    this.forget();
    this.libcrypto.fail(what);
  }
}

class FfiMacKey implements MacKey {
  private readonly macs: MacContext;
  private readonly user: number;
  private readonly key: Secret;

  constructor(macs: MacContext, key: Uint8Array) {
    this.macs = macs;
    this.user = ++macs.users;
    this.key = new Secret(key);
  }

  mac(data: Uint8Array): Uint8Array {
    return this.macs.mac(this.user, this.key, data);
  }
}

/** While what was fed is short, as in most handshakes, each digest is one call over all of it; else node:crypto's. */
class FfiRunningHash implements RunningHash {
  private readonly hash: FfiHash;
  private pieces: Uint8Array[] = [];
  private length = 0;
  private long: RunningHash | undefined = undefined;

  constructor(hash: FfiHash) {
    this.hash = hash;
  }

  update(data: Uint8Array): void {
    if (this.long === undefined && this.length + data.length <= dataRoom) {
      this.pieces.push(data);
      this.length += data.length;
    } else this.running().update(data);
  }

  digest(): Uint8Array {
    return this.long?.digest() ?? this.hash.digestOf(this.pieces, this.length);
  }

  fork(): RunningHash {
    const fork = new FfiRunningHash(this.hash);
    fork.pieces = this.pieces.slice();
    fork.length = this.length;
    fork.long = this.long?.fork();
    return fork;
  }

  private running(): RunningHash {
    if (this.long === undefined) {
      this.long = nodeHash(this.hash.name).start();
      for (const piece of this.pieces) this.long.update(piece);
      this.pieces = [];
    }
    return this.long;
  }
}

function nodeHash(name: HashName): HashFunction {
  const hash = nodeEngine.hash(name);
  if (hash === undefined) throw new Error(`node:crypto has no ${name}`);
  return hash;
}
