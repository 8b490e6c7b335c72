/**
 * Public keys of RSA (RFC 8017) and Ed25519 (RFC 8032).
 *
 * Most are strangers', and they decide how many: so keys of libcrypto stand in a table of fixed size, in turn, and what an
 * object here holds is bytes, of which another key is made when its place was given away (RSA 7 µs, Ed25519 4).
 */
import type { KeyAlgorithm, PublicKey, SignatureAlgorithm } from '../engine.js';
import { bitLength, decodeRsaPublicKey, type EncodedKey } from '../key-encoding.js';
import { nodeEngine } from '../node/engine.js';
import { copied } from '../node/platform.js';
import { signatureFits } from '../signature-fits.js';
import { newKeyContext } from './key-exchange.js';
import { at, type Libcrypto, UNSIGNED_INTEGER } from './libcrypto.js';
import {
  DigestContext,
  Ed25519Context,
  type SignatureContext,
  type SignatureHashes,
} from './signature-context.js';

/** Keys in libcrypto at a time, some 3 KB each. */
const PLACES = 64;

/** Moduli, bits; a signature of the longest fills `signatureRoom`. Others are node:crypto's. */
const LEAST_BITS = 1024;
const MOST_BITS = 4096;
/** Of a public exponent, bytes: 65537 has three. */
const LONGEST_EXPONENT = 8;

const ED25519_LENGTH = 32;
/** EVP_PKEY_ED25519 */
const ED25519 = 1087;
/** EVP_PKEY_PUBLIC_KEY */
const PUBLIC_KEY = 0x86;

export class FfiPublicKeys {
  private readonly libcrypto: Libcrypto;
  private readonly hashes: SignatureHashes;
  private readonly table = new KeyTable();
  /** Makes keys of RSA out of OSSL_PARAMs. */
  private readonly rsaMaker: number;

  constructor(libcrypto: Libcrypto, hashes: SignatureHashes) {
    this.libcrypto = libcrypto;
    this.hashes = hashes;
    this.rsaMaker = newKeyContext(libcrypto, 'RSA');
    libcrypto.done(libcrypto.call.fromDataInit(this.rsaMaker), 'EVP_PKEY_fromdata_init');
  }

  /** `undefined`: not of these kinds, or of an uncommon size. Throws `TypeError` as `CryptoEngine.importPublicKey`. */
  import({ algorithm, key }: EncodedKey, spki: Uint8Array): PublicKey | undefined {
    if (algorithm === 'rsa') return this.importRsa(key, spki);
    if (algorithm !== 'ed25519' || key.length !== ED25519_LENGTH) return undefined;
    const point = copied(key);
    return new FfiPublicKey('ed25519', 255, 64, spki, this.table, () => this.makeEd25519(point));
  }

  /** Frees all keys; whoever goes on has his made again. */
  forget(): void {
    this.table.forget();
  }

  private importRsa(key: Uint8Array, spki: Uint8Array): PublicKey | undefined {
    const { n, e } = decodeRsaPublicKey(key);
    const bits = bitLength(n);
    if (bits < LEAST_BITS || bits > MOST_BITS || e.length > LONGEST_EXPONENT) return undefined;
    const modulus = Uint8Array.from(n).reverse();
    const exponent = Uint8Array.from(e).reverse();
    return new FfiPublicKey('rsa', bits, n.length, spki, this.table, () => this.makeRsa(modulus, exponent));
  }

  /** Numbers with their little end first. */
  private makeRsa(modulus: Uint8Array, exponent: Uint8Array): SignatureContext {
    const { libcrypto } = this;
    const { base, call, memory } = libcrypto;
    const second = at.data + modulus.length;
    memory.set(modulus, at.data);
    memory.set(exponent, second);
    const [n, e] = [libcrypto.name('n', at.names), libcrypto.name('e', at.names + 8)];
    libcrypto.parameter(0, n, UNSIGNED_INTEGER, base + at.data, modulus.length);
    libcrypto.parameter(1, e, UNSIGNED_INTEGER, base + second, exponent.length);
    libcrypto.endParameters(2);
    libcrypto.putWide(at.pointer, 0);
    const done = call.fromData(this.rsaMaker, base + at.pointer, PUBLIC_KEY, base + at.parameters);
    libcrypto.done(done, 'EVP_PKEY_fromdata');
    const key = libcrypto.some(libcrypto.wide(at.pointer), 'EVP_PKEY_fromdata');
    return new DigestContext(libcrypto, key, this.hashes);
  }

  private makeEd25519(point: Uint8Array): SignatureContext {
    const { libcrypto } = this;
    const { base, call, memory } = libcrypto;
    memory.set(point, at.point);
    const key = call.newPublicKey(ED25519, 0, base + at.point, ED25519_LENGTH);
    return new Ed25519Context(libcrypto, libcrypto.some(key, 'EVP_PKEY_new_raw_public_key'));
  }
}

/** Keys in turn. Who comes round to a place that is taken frees what stands there. */
class KeyTable {
  private readonly places: (Place | undefined)[] = [];
  private users = 0;

  /** A number of one's own. */
  enter(): number {
    return ++this.users;
  }

  take(user: number, make: () => SignatureContext): SignatureContext {
    const index = user % PLACES;
    const place = this.places[index];
    if (place?.user === user) return place.context;
    this.places[index] = undefined;
    place?.context.free();
    const context = make();
    this.places[index] = { user, context };
    return context;
  }

  forget(): void {
    for (const place of this.places) place?.context.free();
    this.places.length = 0;
  }
}

interface Place {
  readonly user: number;
  readonly context: SignatureContext;
}

class FfiPublicKey implements PublicKey {
  readonly algorithm: KeyAlgorithm;
  readonly curve: undefined = undefined;
  readonly bits: number;
  readonly spki: Uint8Array;
  private readonly signatureLength: number;
  private readonly table: KeyTable;
  private readonly user: number;
  private readonly make: () => SignatureContext;

  constructor(
    algorithm: KeyAlgorithm,
    bits: number,
    signatureLength: number,
    spki: Uint8Array,
    table: KeyTable,
    make: () => SignatureContext,
  ) {
    this.algorithm = algorithm;
    this.bits = bits;
    this.signatureLength = signatureLength;
    this.spki = copied(spki);
    this.table = table;
    this.user = table.enter();
    this.make = make;
  }

  verify(algorithm: SignatureAlgorithm, data: Uint8Array, signature: Uint8Array): boolean {
    if (!signatureFits(this, algorithm) || signature.length !== this.signatureLength) return false;
    // Of TLS 1.1 and before: rare.
    if (algorithm.type === 'rsa_md5_sha1') return this.node()?.verify(algorithm, data, signature) === true;
    try {
      return this.table.take(this.user, this.make).verify(algorithm, data, signature);
    } catch {
      // What libcrypto refuses is not verified.
      return false;
    }
  }

  encipher(data: Uint8Array): Uint8Array {
    const enciphered = this.node()?.encipher?.(data);
    if (enciphered === undefined) throw new TypeError('only RSA enciphers');
    return enciphered;
  }

  /** The same key, for what is not done here. */
  private node(): PublicKey | undefined {
    return nodeEngine.importPublicKey(this.spki);
  }
}
