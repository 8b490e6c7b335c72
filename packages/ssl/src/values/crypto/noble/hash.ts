/**
 * Hashes, HMAC and HKDF of @noble/hashes.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import type { HashFunction, HashName, RecordMac, RunningHash } from '../engine.js';
import { HmacHash, type MacKey } from '../hkdf.js';

/** What is used of a noble hash function. */
type NobleHashFunction =
  | typeof md5
  | typeof sha1
  | typeof sha224
  | typeof sha256
  | typeof sha384
  | typeof sha512;
type NobleHashState = ReturnType<NobleHashFunction['create']>;

const functions: Readonly<Record<HashName, NobleHashFunction>> = {
  md5,
  sha: sha1,
  sha224,
  sha256,
  sha384,
  sha512,
};

export class NobleHash extends HmacHash implements HashFunction {
  readonly name: HashName;
  readonly outputLength: number;
  private readonly function: NobleHashFunction;

  constructor(name: HashName) {
    super();
    this.name = name;
    this.function = functions[name];
    this.outputLength = this.function.outputLen;
  }

  digest(data: Uint8Array): Uint8Array {
    return this.function(data);
  }

  start(): RunningHash {
    return new NobleRunningHash(this.function.create());
  }

  override recordMac(key: Uint8Array): RecordMac {
    const prepared = hmac.create(this.function, key);
    return { mac: (head, content) => prepared.clone().update(head).update(content).digest() };
  }

  protected macKey(key: Uint8Array): MacKey {
    return new NobleMacKey(this.function, key);
  }
}

/** The two pad states are computed once; a MAC continues from copies. */
class NobleMacKey implements MacKey {
  private readonly prepared: ReturnType<typeof hmac.create>;

  constructor(hash: NobleHashFunction, key: Uint8Array) {
    this.prepared = hmac.create(hash, key);
  }

  mac(data: Uint8Array): Uint8Array {
    return this.prepared.clone().update(data).digest();
  }
}

class NobleRunningHash implements RunningHash {
  private readonly state: NobleHashState;

  constructor(state: NobleHashState) {
    this.state = state;
  }

  update(data: Uint8Array): void {
    this.state.update(data);
  }

  digest(): Uint8Array {
    return this.state.clone().digest();
  }

  fork(): RunningHash {
    return new NobleRunningHash(this.state.clone());
  }
}
