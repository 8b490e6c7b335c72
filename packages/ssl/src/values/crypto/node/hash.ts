/**
 * Hashes, HMAC and HKDF of node:crypto.
 */
import { createHash, createHmac, type Hash, hash as hashOnce } from 'node:crypto';
import { join } from '../../wire/join.js';
import type { HashFunction, HashName, RecordMac, RunningHash } from '../engine.js';
import { HmacHash, type MacKey } from '../hkdf.js';
import { latin1Bytes, type SecretInput, secretInput } from './platform.js';

/** OpenSSL's name of a hash. */
export function digestName(name: HashName): string {
  return name === 'sha' ? 'sha1' : name;
}

export class NodeHash extends HmacHash implements HashFunction {
  readonly name: HashName;
  readonly outputLength: number;
  private readonly blockLength: number;
  private readonly digestName: string;

  /** `outputLength`, `blockLength`: bytes. */
  constructor(name: HashName, outputLength: number, blockLength: number) {
    super();
    this.name = name;
    this.outputLength = outputLength;
    this.blockLength = blockLength;
    this.digestName = digestName(name);
  }

  digest(data: Uint8Array): Uint8Array {
    return latin1Bytes(hashOnce(this.digestName, data, 'binary'));
  }

  start(): RunningHash {
    return new NodeRunningHash(this.digestName);
  }

  /** What the two parts of a record are does not show in how they are hashed: nothing of them is copied. */
  override recordMac(key: Uint8Array): RecordMac {
    const input = secretInput(key);
    return {
      mac: (head, content) =>
        latin1Bytes(createHmac(this.digestName, input).update(head).update(content).digest('binary')),
    };
  }

  protected macKey(key: Uint8Array): MacKey {
    return key.length <= this.blockLength
      ? new ShortMacKey(this.digestName, this.blockLength, this.outputLength, key)
      : new NodeMacKey(this.digestName, secretInput(key));
  }
}

class NodeMacKey implements MacKey {
  private readonly digestName: string;
  private readonly key: SecretInput;

  constructor(name: string, key: SecretInput) {
    this.digestName = name;
    this.key = key;
  }

  mac(data: Uint8Array): Uint8Array {
    return latin1Bytes(createHmac(this.digestName, this.key).update(data).digest('binary'));
  }
}

/**
 * HMAC with a key of one block at most as what it is, two hashes (RFC 2104 §2). An object of `createHmac` is a native
 * one with a handle that the collector visits: the two hashes cost half of it (1.2 for 2.4), and on Node 24 a raw key
 * would cost 16. A handshake makes some forty.
 */
class ShortMacKey implements MacKey {
  private readonly digestName: string;
  private readonly blockLength: number;
  private readonly outputLength: number;
  private readonly key: Uint8Array;

  constructor(name: string, blockLength: number, outputLength: number, key: Uint8Array) {
    this.digestName = name;
    this.blockLength = blockLength;
    this.outputLength = outputLength;
    this.key = key;
  }

  mac(data: Uint8Array): Uint8Array {
    const { blockLength, outputLength, digestName } = this;
    const inner = scratch(innerViews, innerBytes, blockLength + data.length);
    const outer = scratch(outerViews, outerBytes, blockLength + outputLength);
    this.pad(inner, 0x36);
    this.pad(outer, 0x5c);
    inner.set(data, blockLength);
    const innerHash = hashOnce(digestName, inner, 'binary');
    for (let i = 0; i < outputLength; i++) outer[blockLength + i] = innerHash.charCodeAt(i);
    const mac = latin1Bytes(hashOnce(digestName, outer, 'binary'));
    inner.fill(0);
    outer.fill(0);
    return mac;
  }

  private pad(into: Uint8Array, byte: number): void {
    const { key, blockLength } = this;
    for (let i = 0; i < key.length; i++) into[i] = (key[i] ?? 0) ^ byte;
    into.fill(byte, key.length, blockLength);
  }
}

/** Scratch of one call each, and views of the lengths asked for: a view costs as much as a fifth of the hash. */
const innerBytes: Uint8Array = new Uint8Array(512);
const outerBytes: Uint8Array = new Uint8Array(256);
const innerViews: (Uint8Array | undefined)[] = [];
const outerViews: (Uint8Array | undefined)[] = [];

function scratch(views: (Uint8Array | undefined)[], bytes: Uint8Array, length: number): Uint8Array {
  if (length > bytes.length) return new Uint8Array(length);
  const known = views[length];
  if (known !== undefined) return known;
  const view = bytes.subarray(0, length);
  views[length] = view;
  return view;
}

/**
 * While little was fed, as in most handshakes, the pieces are kept and each digest is one call over all of them. An
 * object of `createHash` and a copy of it per digest are native objects that the collector visits: without these
 * eleven a handshake costs 6 % less.
 */
class NodeRunningHash implements RunningHash {
  private readonly digestName: string;
  private pieces: Uint8Array[] = [];
  private length = 0;
  private hash: Hash | undefined = undefined;

  constructor(name: string) {
    this.digestName = name;
  }

  update(data: Uint8Array): void {
    if (this.hash === undefined && this.length + data.length <= transcriptBytes.length) {
      this.pieces.push(data);
      this.length += data.length;
    } else this.running().update(data);
  }

  digest(): Uint8Array {
    if (this.hash !== undefined) return latin1Bytes(this.hash.copy().digest('binary'));
    const fed = join(this.pieces, transcriptBytes).subarray(0, this.length);
    return latin1Bytes(hashOnce(this.digestName, fed, 'binary'));
  }

  fork(): RunningHash {
    const fork = new NodeRunningHash(this.digestName);
    fork.pieces = this.pieces.slice();
    fork.length = this.length;
    fork.hash = this.hash?.copy();
    return fork;
  }

  private running(): Hash {
    if (this.hash === undefined) {
      this.hash = createHash(this.digestName);
      for (const piece of this.pieces) this.hash.update(piece);
      this.pieces = [];
    }
    return this.hash;
  }
}

/** Scratch of one call; to hash more than this again and again would cost what the objects do. */
const transcriptBytes: Uint8Array = new Uint8Array(4096);
