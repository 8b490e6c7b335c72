/**
 * X25519 (RFC 7748) of libcrypto.
 */
import { randomFillSync } from 'node:crypto';
import type { KeyShare } from '../engine.js';
import { copied } from '../node/platform.js';
import { RandomPool } from '../node/random-pool.js';
import { FfiGroup } from './key-exchange.js';
import { at, type Libcrypto, OCTET_STRING } from './libcrypto.js';

const LENGTH = 32;
/** EVP_PKEY_X25519 */
const X25519 = 1034;

const random = new RandomPool(randomFillSync);

export class FfiX25519 extends FfiGroup {
  readonly name = 'x25519';
  readonly publicKeyLength: number = LENGTH;
  protected readonly secretLength: number = LENGTH;
  protected readonly peer: number;

  constructor(libcrypto: Libcrypto) {
    super(libcrypto, 'X25519');
    const { base, call, memory } = libcrypto;
    memory.fill(9, at.point, at.point + LENGTH);
    this.peer = libcrypto.some(
      call.newPublicKey(X25519, 0, base + at.point, LENGTH),
      'EVP_PKEY_new_raw_public_key',
    );
  }

  generate(): KeyShare {
    return this.shareOf(random.take(LENGTH));
  }

  fromPrivateKey(privateKey: Uint8Array): KeyShare {
    if (privateKey.length !== LENGTH) throw new RangeError(`a private key has ${LENGTH} bytes`);
    return this.shareOf(copied(privateKey));
  }

  protected describe(): void {
    const { libcrypto } = this;
    const { base } = libcrypto;
    libcrypto.parameter(0, libcrypto.name('priv', at.names), OCTET_STRING, base + at.key, LENGTH);
    libcrypto.parameter(1, libcrypto.name('pub', at.names + 16), OCTET_STRING, base + at.point, LENGTH);
    libcrypto.endParameters(2);
  }

  protected isPublicKey(bytes: Uint8Array): boolean {
    return bytes.length === LENGTH;
  }

  /** RFC 8446 §7.4.2: not all zeros; OpenSSL refuses them, and so do we. */
  protected isSecret(bytes: Uint8Array): boolean {
    return bytes.some((byte) => byte !== 0);
  }

  private shareOf(privateKey: Uint8Array): KeyShare {
    const { libcrypto } = this;
    const { base, call, memory } = libcrypto;
    memory.set(privateKey, at.key);
    const key = call.newPrivateKey(X25519, 0, base + at.key, LENGTH);
    libcrypto.wipe(at.key, LENGTH);
    libcrypto.some(key, 'EVP_PKEY_new_raw_private_key');
    libcrypto.putWide(at.length, LENGTH);
    const done = call.rawPublicKey(key, base + at.point, base + at.length);
    call.freeKey(key);
    if (done !== 1 || libcrypto.wide(at.length) !== LENGTH) libcrypto.fail('EVP_PKEY_get_raw_public_key');
    return this.share(privateKey, memory.slice(at.point, at.point + LENGTH));
  }
}
