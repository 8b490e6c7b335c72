/**
 * Keys of libcrypto in the contexts that they sign or verify in. node:crypto makes such a context for each signature; here
 * it stays with the key, set up for the algorithm it was last used with.
 */
import type { HashFunction, HashName, SignatureAlgorithm } from '../engine.js';
import { at, dataRoom, held, type Libcrypto, signatureRoom } from './libcrypto.js';

/** An EVP_PKEY and what is made of it. Frees itself when it is told to, and not before. */
export interface SignatureContext {
  /** `undefined`: this libcrypto does not do it so. */
  sign(algorithm: SignatureAlgorithm, data: Uint8Array): Uint8Array | undefined;
  verify(algorithm: SignatureAlgorithm, data: Uint8Array, signature: Uint8Array): boolean;
  free(): void;
}

/** A hash, and libcrypto's EVP_MD of it. */
export interface SignatureHash extends Pick<HashFunction, 'digest'> {
  readonly digestType: number;
}

export type SignatureHashes = (name: HashName) => SignatureHash | undefined;

/** RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING */
const PKCS1 = 1;
const PSS = 6;

/** RSA and ECDSA: over a digest. */
export class DigestContext implements SignatureContext {
  private readonly libcrypto: Libcrypto;
  private readonly key: number;
  private readonly hashes: SignatureHashes;
  private context = 0;
  private purpose = '';

  /** The key is this object's from now on. */
  constructor(libcrypto: Libcrypto, key: number, hashes: SignatureHashes) {
    this.libcrypto = libcrypto;
    this.key = key;
    this.hashes = hashes;
  }

  sign(algorithm: SignatureAlgorithm, data: Uint8Array): Uint8Array | undefined {
    const digest = this.prepare('sign', algorithm, data);
    if (digest === undefined) return undefined;
    const { libcrypto } = this;
    const { base, call, memory } = libcrypto;
    memory.set(digest, at.digest);
    libcrypto.putWide(at.length, signatureRoom);
    const done = call.sign(
      this.context,
      base + at.signature,
      base + at.length,
      base + at.digest,
      digest.length,
    );
    const length = libcrypto.wide(at.length);
    if (done !== 1 || length > signatureRoom) libcrypto.fail('EVP_PKEY_sign');
    return memory.slice(at.signature, at.signature + length);
  }

  verify(algorithm: SignatureAlgorithm, data: Uint8Array, signature: Uint8Array): boolean {
    if (signature.length > signatureRoom) return false;
    const digest = this.prepare('verify', algorithm, data);
    if (digest === undefined) return false;
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

  free(): void {
    this.drop();
    this.libcrypto.call.freeKey(this.key);
  }

  /** The digest to be signed, once the context is set up for it. */
  private prepare(
    operation: 'sign' | 'verify',
    algorithm: SignatureAlgorithm,
    data: Uint8Array,
  ): Uint8Array | undefined {
    if (!('hash' in algorithm)) return undefined;
    const hash = this.hashes(algorithm.hash);
    if (hash === undefined) return undefined;
    const purpose = `${operation} ${nameOf(algorithm)}`;
    if (purpose !== this.purpose && !this.setUp(operation, algorithm, hash.digestType, purpose))
      return undefined;
    return hash.digest(data);
  }

  private setUp(
    operation: 'sign' | 'verify',
    algorithm: SignatureAlgorithm,
    digest: number,
    purpose: string,
  ): boolean {
    const { libcrypto, key } = this;
    const { call } = libcrypto;
    this.drop();
    this.context = libcrypto.some(call.newKeyContext(key, 0), 'EVP_PKEY_CTX_new');
    const begun = operation === 'sign' ? call.signInit(this.context) : call.verifyInit(this.context);
    if (begun === 1 && this.choose(algorithm, digest)) {
      this.purpose = purpose;
      return true;
    }
    call.clearErrors();
    this.drop();
    return false;
  }

  private choose(algorithm: SignatureAlgorithm, digest: number): boolean {
    const { context } = this;
    const { call } = this.libcrypto;
    switch (algorithm.type) {
      case 'rsa_pkcs1':
        return call.setRsaPadding(context, PKCS1) === 1 && call.setSignatureDigest(context, digest) === 1;
      case 'rsa_pss':
        // As node:crypto: one hash for both.
        return (
          algorithm.hash === algorithm.mgfHash &&
          call.setRsaPadding(context, PSS) === 1 &&
          call.setSignatureDigest(context, digest) === 1 &&
          call.setPssMask(context, digest) === 1 &&
          call.setPssSaltLength(context, algorithm.saltLength) === 1
        );
      case 'ecdsa':
        return call.setSignatureDigest(context, digest) === 1;
      case 'rsa_md5_sha1':
      case 'dsa':
      case 'ed25519':
      case 'ed448':
        return false;
    }
  }

  private drop(): void {
    if (this.context !== 0) this.libcrypto.call.freeKeyContext(this.context);
    this.context = 0;
    this.purpose = '';
  }
}

function nameOf(algorithm: SignatureAlgorithm): string {
  switch (algorithm.type) {
    case 'rsa_pkcs1':
    case 'ecdsa':
    case 'dsa':
      return `${algorithm.type} ${algorithm.hash}`;
    case 'rsa_pss':
      return `${algorithm.type} ${algorithm.hash} ${algorithm.mgfHash} ${algorithm.saltLength}`;
    case 'rsa_md5_sha1':
    case 'ed25519':
    case 'ed448':
      return algorithm.type;
  }
}

/** bytes */
const ED25519_SIGNATURE = 64;

/** Ed25519 (RFC 8032): over the data itself. */
export class Ed25519Context implements SignatureContext {
  private readonly libcrypto: Libcrypto;
  private readonly key: number;
  /** EVP_MD_CTX */
  private context = 0;
  private operation: 'sign' | 'verify' | undefined = undefined;

  /** The key is this object's from now on. */
  constructor(libcrypto: Libcrypto, key: number) {
    this.libcrypto = libcrypto;
    this.key = key;
  }

  sign(algorithm: SignatureAlgorithm, data: Uint8Array): Uint8Array | undefined {
    if (algorithm.type !== 'ed25519') return undefined;
    const { libcrypto } = this;
    const { base, call, memory } = libcrypto;
    this.begin('sign');
    libcrypto.putWide(at.length, ED25519_SIGNATURE);
    const done = this.onData(data, (address, length) =>
      call.digestSign(this.context, base + at.signature, base + at.length, address, length),
    );
    if (done !== 1 || libcrypto.wide(at.length) !== ED25519_SIGNATURE) libcrypto.fail('EVP_DigestSign');
    return memory.slice(at.signature, at.signature + ED25519_SIGNATURE);
  }

  verify(algorithm: SignatureAlgorithm, data: Uint8Array, signature: Uint8Array): boolean {
    if (algorithm.type !== 'ed25519' || signature.length !== ED25519_SIGNATURE) return false;
    const { base, call, memory } = this.libcrypto;
    this.begin('verify');
    memory.set(signature, at.signature);
    const result = this.onData(data, (address, length) =>
      call.digestVerify(this.context, base + at.signature, ED25519_SIGNATURE, address, length),
    );
    if (result !== 1) call.clearErrors();
    return result === 1;
  }

  free(): void {
    this.drop();
    this.libcrypto.call.freeKey(this.key);
  }

  /** A context that has the key already costs 10 µs less than a new one; it has to be begun anew for each signature. */
  private begin(operation: 'sign' | 'verify'): void {
    const { libcrypto } = this;
    const { call } = libcrypto;
    const again = this.operation === operation;
    if (!again) {
      this.drop();
      this.context = libcrypto.some(call.newDigestContext(), 'EVP_MD_CTX_new');
    }
    const init = operation === 'sign' ? call.digestSignInit : call.digestVerifyInit;
    const done = init(this.context, 0, 0, 0, again ? 0 : this.key);
    if (done !== 1) {
      this.drop();
      libcrypto.fail('EVP_DigestSignInit');
    }
    this.operation = operation;
  }

  private onData(data: Uint8Array, call: (address: number, length: number) => number): number {
    const { libcrypto } = this;
    const { length } = data;
    if (length <= dataRoom) {
      libcrypto.memory.set(data, at.data);
      return call(libcrypto.base + at.data, length);
    }
    const result = call(libcrypto.address(data), length);
    held(data, length);
    return result;
  }

  private drop(): void {
    if (this.context !== 0) this.libcrypto.call.freeDigestContext(this.context);
    this.context = 0;
    this.operation = undefined;
  }
}
