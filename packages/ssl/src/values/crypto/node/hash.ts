/**
 * Hashes, HMAC and HKDF of node:crypto.
 */
import { createHash, createHmac, type Hash, hash as hashOnce } from 'node:crypto';
import type { HashFunction, HashName, LabelExpander, RunningHash } from '../engine.js';
import { expand, HkdfLabels, type MacKey } from '../hkdf.js';
import { latin1Bytes, type SecretInput, secretInput } from './platform.js';

/** OpenSSL's name of a hash. */
export function digestName(name: HashName): string {
  return name === 'sha' ? 'sha1' : name;
}

export class NodeHash implements HashFunction {
  readonly name: HashName;
  readonly outputLength: number;
  private readonly blockLength: number;
  private readonly digestName: string;

  /** `outputLength`, `blockLength`: bytes. */
  constructor(name: HashName, outputLength: number, blockLength: number) {
    this.name = name;
    this.outputLength = outputLength;
    this.blockLength = blockLength;
    this.digestName = digestName(name);
  }

  digest(data: Uint8Array): Uint8Array {
    return latin1Bytes(hashOnce(this.digestName, data, 'binary'));
  }

  start(): RunningHash {
    return new NodeRunningHash(createHash(this.digestName));
  }

  hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
    return this.macKey(key).mac(data);
  }

  hkdfExtract(salt: Uint8Array, inputKeyMaterial: Uint8Array): Uint8Array {
    return this.macKey(salt).mac(inputKeyMaterial);
  }

  // hkdfSync costs 9.5 where this costs 2.
  hkdfExpand(pseudoRandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array {
    return expand(this.macKey(pseudoRandomKey), this.outputLength, info, length);
  }

  labels(secret: Uint8Array): LabelExpander {
    return new HkdfLabels(this.macKey(secret), this.outputLength);
  }

  private macKey(key: Uint8Array): MacKey {
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

class NodeRunningHash implements RunningHash {
  private readonly hash: Hash;

  constructor(hash: Hash) {
    this.hash = hash;
  }

  update(data: Uint8Array): void {
    this.hash.update(data);
  }

  digest(): Uint8Array {
    return latin1Bytes(this.hash.copy().digest('binary'));
  }

  fork(): RunningHash {
    return new NodeRunningHash(this.hash.copy());
  }
}
