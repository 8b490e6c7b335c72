/**
 * X25519 (RFC 7748) of libcrypto. Private keys are bytes of ours, made into a key for one call and freed in it: a share
 * that is given up leaves nothing behind.
 */
import { randomFillSync } from 'node:crypto';
import { Secret } from '../../secret.js';
import type { DhGroup, KeyShare } from '../engine.js';
import { copied } from '../node/platform.js';
import { RandomPool } from '../node/random-pool.js';
import { at, type Libcrypto, OCTET_STRING } from './libcrypto.js';

const LENGTH = 32;
/** EVP_PKEY_X25519 */
const X25519 = 1034;
/** EVP_PKEY_KEYPAIR */
const KEYPAIR = 0x87;

const random = new RandomPool(randomFillSync);

export class FfiX25519 implements DhGroup {
  readonly kind = 'dh';
  readonly name = 'x25519';
  readonly publicKeyLength: number = LENGTH;
  private readonly libcrypto: Libcrypto;
  /** A key that takes each peer's public one in turn: 0.1 µs, where to make one takes 4. */
  private readonly peer: number;
  /** Makes keys out of two OSSL_PARAMs. */
  private readonly maker: number;

  constructor(libcrypto: Libcrypto) {
    const { base, call, memory } = libcrypto;
    this.libcrypto = libcrypto;
    memory.fill(9, at.point, at.point + LENGTH);
    this.peer = libcrypto.some(
      call.newPublicKey(X25519, 0, base + at.point, LENGTH),
      'EVP_PKEY_new_raw_public_key',
    );
    this.maker = libcrypto.some(
      call.newKeyContextByName(0, libcrypto.name('X25519', at.names), 0),
      'EVP_PKEY_CTX_new_from_name',
    );
    libcrypto.done(call.fromDataInit(this.maker), 'EVP_PKEY_fromdata_init');
  }

  generate(): KeyShare {
    return this.share(random.take(LENGTH));
  }

  fromPrivateKey(privateKey: Uint8Array): KeyShare {
    if (privateKey.length !== LENGTH) throw new RangeError(`a private key has ${LENGTH} bytes`);
    return this.share(copied(privateKey));
  }

  private share(privateKey: Uint8Array): KeyShare {
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
    return new FfiX25519Share(this, privateKey, memory.slice(at.point, at.point + LENGTH));
  }

  /** RFC 8446 §7.4.2: all zeros are no secret; OpenSSL refuses them, and so do we. All three have 32 bytes. */
  agree(privateKey: Uint8Array, publicKey: Uint8Array, peerPublicKey: Uint8Array): Uint8Array | undefined {
    const { libcrypto, peer } = this;
    const { base, call, memory } = libcrypto;
    memory.set(peerPublicKey, at.point);
    if (call.setEncodedPublicKey(peer, base + at.point, LENGTH) !== 1) {
      call.clearErrors();
      return undefined;
    }
    const key = this.make(privateKey, publicKey);
    const context = call.newKeyContext(key, 0);
    libcrypto.putWide(at.length, LENGTH);
    // Not validated as it is set: every 32 bytes are a public key (RFC 7748 §5), and that check costs 6 µs.
    const derived =
      context !== 0 &&
      call.deriveInit(context) === 1 &&
      call.derivePeer(context, peer, 0) === 1 &&
      call.derive(context, base + at.key, base + at.length) === 1 &&
      libcrypto.wide(at.length) === LENGTH;
    call.freeKeyContext(context);
    call.freeKey(key);
    const secret = derived ? memory.slice(at.key, at.key + LENGTH) : undefined;
    libcrypto.wipe(at.key, LENGTH);
    if (secret === undefined) call.clearErrors();
    return secret?.some((byte) => byte !== 0) ? secret : undefined;
  }

  /** With its public half, which would cost a multiplication to find again. */
  private make(privateKey: Uint8Array, publicKey: Uint8Array): number {
    const { libcrypto } = this;
    const { base, call, memory } = libcrypto;
    memory.set(privateKey, at.key);
    memory.set(publicKey, at.point);
    libcrypto.parameter(0, libcrypto.name('priv', at.names), OCTET_STRING, base + at.key, LENGTH);
    libcrypto.parameter(1, libcrypto.name('pub', at.names + 16), OCTET_STRING, base + at.point, LENGTH);
    libcrypto.endParameters(2);
    libcrypto.putWide(at.pointer, 0);
    const done = call.fromData(this.maker, base + at.pointer, KEYPAIR, base + at.parameters);
    libcrypto.wipe(at.key, LENGTH);
    libcrypto.done(done, 'EVP_PKEY_fromdata');
    return libcrypto.some(libcrypto.wide(at.pointer), 'EVP_PKEY_fromdata');
  }
}

class FfiX25519Share implements KeyShare {
  readonly publicKey: Uint8Array;
  private readonly group: FfiX25519;
  private readonly privateKey: Secret;

  constructor(group: FfiX25519, privateKey: Uint8Array, publicKey: Uint8Array) {
    this.group = group;
    this.privateKey = new Secret(privateKey);
    this.publicKey = publicKey;
  }

  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (peerPublicKey.length !== LENGTH) return undefined;
    return this.group.agree(this.privateKey.expose(), this.publicKey, peerPublicKey);
  }
}
