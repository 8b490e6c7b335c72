/**
 * (EC)DHE of libcrypto. Private keys are bytes of ours, made into a key for one call and freed in it: a share that is
 * given up leaves nothing behind, and nothing has to be freed when a stranger goes.
 */
import { Secret } from '../../secret.js';
import type { DhGroup, DhGroupName, KeyShare } from '../engine.js';
import { at, type Libcrypto } from './libcrypto.js';

/** EVP_PKEY_KEYPAIR */
const KEYPAIR = 0x87;

export abstract class FfiGroup implements DhGroup {
  readonly kind = 'dh';
  abstract readonly name: DhGroupName;
  abstract readonly publicKeyLength: number;
  protected readonly libcrypto: Libcrypto;
  /** Of a private key and of the secret, bytes. */
  protected abstract readonly secretLength: number;
  /** A key that takes each peer's public one in turn: 0.1 to 2 µs, where to make one takes from 4 up. */
  protected abstract readonly peer: number;
  /** Makes keys out of OSSL_PARAMs. */
  private readonly maker: number;

  /** `kind` of key, by OpenSSL's name. */
  constructor(libcrypto: Libcrypto, kind: string) {
    this.libcrypto = libcrypto;
    this.maker = newKeyContext(libcrypto, kind);
    libcrypto.done(libcrypto.call.fromDataInit(this.maker), 'EVP_PKEY_fromdata_init');
  }

  abstract generate(): KeyShare;

  abstract fromPrivateKey(privateKey: Uint8Array): KeyShare;

  /** Writes the OSSL_PARAMs of a key whose halves stand at `key` and `point`. */
  protected abstract describe(): void;

  /** Whether it is the right length and form; what it says is for libcrypto. */
  protected abstract isPublicKey(bytes: Uint8Array): boolean;

  /** `privateKey` as `describe` wants it; it is given up. */
  protected share(privateKey: Uint8Array, publicKey: Uint8Array): KeyShare {
    return new FfiKeyShare(this, new Secret(privateKey), publicKey);
  }

  /** Whether what was derived is one. */
  protected abstract isSecret(bytes: Uint8Array): boolean;

  /** See `KeyShare.sharedSecret`. RFC 8446 §4.2.8.2: a point is on the curve, which is seen as the peer's key takes it. */
  agree(privateKey: Secret, publicKey: Uint8Array, peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (!this.isPublicKey(peerPublicKey)) return undefined;
    const { libcrypto, peer, secretLength } = this;
    const { base, call, memory } = libcrypto;
    memory.set(peerPublicKey, at.point);
    if (call.setEncodedPublicKey(peer, base + at.point, peerPublicKey.length) !== 1) {
      call.clearErrors();
      return undefined;
    }
    const key = this.make(privateKey, publicKey);
    const context = call.newKeyContext(key, 0);
    libcrypto.putWide(at.length, secretLength);
    // Not validated as it is set: a point is on the curve by now, every 32 bytes are a key of X25519 (RFC 7748 §5), and
    // that check costs 6 µs for X25519 and a multiplication for a curve.
    const derived =
      context !== 0 &&
      call.deriveInit(context) === 1 &&
      call.derivePeer(context, peer, 0) === 1 &&
      call.derive(context, base + at.key, base + at.length) === 1 &&
      libcrypto.wide(at.length) === secretLength;
    call.freeKeyContext(context);
    call.freeKey(key);
    const secret = derived ? memory.slice(at.key, at.key + secretLength) : undefined;
    libcrypto.wipe(at.key, secretLength);
    if (secret === undefined) call.clearErrors();
    return secret !== undefined && this.isSecret(secret) ? secret : undefined;
  }

  /** With its public half, which would cost a multiplication to find again. */
  private make(privateKey: Secret, publicKey: Uint8Array): number {
    const { libcrypto, secretLength } = this;
    const { base, call, memory } = libcrypto;
    memory.set(privateKey.expose(), at.key);
    memory.set(publicKey, at.point);
    this.describe();
    libcrypto.putWide(at.pointer, 0);
    const done = call.fromData(this.maker, base + at.pointer, KEYPAIR, base + at.parameters);
    libcrypto.wipe(at.key, secretLength);
    libcrypto.done(done, 'EVP_PKEY_fromdata');
    return libcrypto.some(libcrypto.wide(at.pointer), 'EVP_PKEY_fromdata');
  }
}

class FfiKeyShare implements KeyShare {
  readonly publicKey: Uint8Array;
  private readonly group: FfiGroup;
  private readonly privateKey: Secret;

  constructor(group: FfiGroup, privateKey: Secret, publicKey: Uint8Array) {
    this.group = group;
    this.privateKey = privateKey;
    this.publicKey = publicKey;
  }

  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined {
    return this.group.agree(this.privateKey, this.publicKey, peerPublicKey);
  }
}

/** An EVP_PKEY_CTX for keys of a kind, by OpenSSL's name. */
export function newKeyContext(libcrypto: Libcrypto, kind: string): number {
  const name = libcrypto.name(kind, at.names);
  return libcrypto.some(libcrypto.call.newKeyContextByName(0, name, 0), 'EVP_PKEY_CTX_new_from_name');
}
