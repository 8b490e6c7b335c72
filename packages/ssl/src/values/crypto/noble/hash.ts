/**
 * Hashes, HMAC and HKDF of @noble/hashes.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import type { HashFunction, HashName, LabelExpander, RunningHash } from '../engine.js';
import { expand, HkdfLabels, type MacKey } from '../hkdf.js';

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

export class NobleHash implements HashFunction {
  readonly name: HashName;
  readonly outputLength: number;
  private readonly function: NobleHashFunction;

  constructor(name: HashName) {
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

  hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
    return hmac(this.function, key, data);
  }

  hkdfExtract(salt: Uint8Array, inputKeyMaterial: Uint8Array): Uint8Array {
    return hmac(this.function, salt, inputKeyMaterial);
  }

  hkdfExpand(pseudoRandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array {
    return expand(new NobleMacKey(this.function, pseudoRandomKey), this.outputLength, info, length);
  }

  labels(secret: Uint8Array): LabelExpander {
    return new HkdfLabels(new NobleMacKey(this.function, secret), this.outputLength);
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
