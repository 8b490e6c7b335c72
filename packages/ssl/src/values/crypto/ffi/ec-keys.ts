/**
 * Public keys on P-256 and P-384 (RFC 5480), for ECDSA. One key of libcrypto per curve takes each point in turn: that
 * costs 1.2 µs, where an import into node:crypto costs 91 (P-256).
 */
import type { HashFunction, HashName, PublicKey, SignatureAlgorithm } from '../engine.js';
import type { EncodedKey } from '../key-encoding.js';
import { copied } from '../node/platform.js';
import { signatureFits } from '../signature-fits.js';
import { at, dataRoom, type Libcrypto, signatureRoom } from './libcrypto.js';

const UNCOMPRESSED = 4;

/** Curves by OTP's name, and the bytes of a point. */
const pointLengths: ReadonlyMap<string, number> = new Map([
  ['secp256r1', 65],
  ['secp384r1', 97],
]);

export class FfiEcKeys {
  private readonly libcrypto: Libcrypto;
  private readonly hash: (name: HashName) => HashFunction | undefined;
  private readonly curves = new Map<string, CurveKey>();

  constructor(libcrypto: Libcrypto, hash: (name: HashName) => HashFunction | undefined) {
    this.libcrypto = libcrypto;
    this.hash = hash;
  }

  /** See `CryptoEngine.importPublicKey`. Compressed points too are for others (RFC 5480 §2.2). */
  import({ curve: named, bits, key }: EncodedKey, spki: Uint8Array): PublicKey | undefined {
    if (named === undefined) return undefined;
    const { name } = named;
    if (key.length !== pointLengths.get(name) || key[0] !== UNCOMPRESSED) return undefined;
    const curve = this.curves.get(name) ?? new CurveKey(this.libcrypto, spki);
    this.curves.set(name, curve);
    const point = copied(key);
    if (!curve.take(point)) throw new TypeError('malformed key: not on the curve');
    return new FfiEcPublicKey(curve, this.hash, name, bits, copied(spki), point);
  }
}

/** The one key of a curve. */
class CurveKey {
  private readonly libcrypto: Libcrypto;
  private readonly key: number;
  private readonly context: number;
  private point: Uint8Array | undefined = undefined;

  /** Of the curve that a key is on. Throws `TypeError` when that key is malformed. */
  constructor(libcrypto: Libcrypto, spki: Uint8Array) {
    const { base, call, memory } = libcrypto;
    this.libcrypto = libcrypto;
    if (spki.length > dataRoom) throw new TypeError('malformed key: too long');
    memory.set(spki, at.data);
    libcrypto.putWide(at.pointer, base + at.data);
    this.key = call.decodePublicKey(0, base + at.pointer, spki.length);
    if (this.key === 0) {
      call.clearErrors();
      throw new TypeError('malformed key: not on the curve');
    }
    this.context = libcrypto.some(call.newKeyContext(this.key, 0), 'EVP_PKEY_CTX_new');
    libcrypto.done(call.verifyInit(this.context), 'EVP_PKEY_verify_init');
  }

  /** Becomes the key with this point, which is kept to know it again. False: it is not on the curve. */
  take(point: Uint8Array): boolean {
    if (this.point === point) return true;
    const { base, call, memory } = this.libcrypto;
    this.point = undefined;
    memory.set(point, at.point);
    if (call.setEncodedPublicKey(this.key, base + at.point, point.length) !== 1) {
      call.clearErrors();
      return false;
    }
    this.point = point;
    return true;
  }

  verify(point: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
    if (signature.length > signatureRoom || !this.take(point)) return false;
    const { base, call, memory } = this.libcrypto;
    memory.set(digest, at.digest);
    memory.set(signature, at.signature);
    const result = call.verify(
      this.context,
      base + at.signature,
      signature.length,
      base + at.digest,
      digest.length,
    );
    if (result !== 1) call.clearErrors();
    return result === 1;
  }
}

class FfiEcPublicKey implements PublicKey {
  readonly algorithm = 'ec';
  readonly curve: string;
  readonly bits: number;
  readonly spki: Uint8Array;
  private readonly curveKey: CurveKey;
  private readonly hash: (name: HashName) => HashFunction | undefined;
  private readonly point: Uint8Array;

  constructor(
    curveKey: CurveKey,
    hash: (name: HashName) => HashFunction | undefined,
    curve: string,
    bits: number,
    spki: Uint8Array,
    point: Uint8Array,
  ) {
    this.curve = curve;
    this.bits = bits;
    this.spki = spki;
    this.curveKey = curveKey;
    this.hash = hash;
    this.point = point;
  }

  verify(algorithm: SignatureAlgorithm, data: Uint8Array, signature: Uint8Array): boolean {
    if (algorithm.type !== 'ecdsa' || !signatureFits(this, algorithm)) return false;
    const digest = this.hash(algorithm.hash)?.digest(data);
    return digest !== undefined && this.curveKey.verify(this.point, digest, signature);
  }
}
