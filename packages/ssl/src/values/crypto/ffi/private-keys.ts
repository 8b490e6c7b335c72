/**
 * Private keys that sign: RSA, P-256 and Ed25519. µs, Node 20: P-256 42 for 56, Ed25519 50 for 64, RSA of 2048 bits 500 for
 * 535, with PSS 535 for 580. P-384 and P-521 gain 3 % or nothing and stay with node:crypto.
 *
 * A key is imported once for an identity and lasts as long as that: the collector tells when (FinalizationRegistry). A
 * table as for public keys would give up keys that are in use, and their bytes would have to stand beside it, to be decoded
 * anew for 200 µs; and how many there are is the user's choice, not a stranger's.
 */
import type { KeyAlgorithm, PrivateKey, PssRestriction, PublicKey, SignatureAlgorithm } from '../engine.js';
import { decodePkcs8 } from '../key-encoding.js';
import { nodeEngine } from '../node/engine.js';
import { signatureFits } from '../signature-fits.js';
import { at, dataRoom, type Libcrypto } from './libcrypto.js';
import {
  DigestContext,
  Ed25519Context,
  type SignatureContext,
  type SignatureHashes,
} from './signature-context.js';

const LEAST_BITS = 1024;
/** Of a modulus; a signature fills `signatureRoom`. */
const MOST_BITS = 4096;

export class FfiPrivateKeys {
  private readonly libcrypto: Libcrypto;
  private readonly hashes: SignatureHashes;
  private readonly trusted = new Map<KeyAlgorithm, boolean>();
  private readonly living = new Set<SignatureContext>();
  private readonly gone = new FinalizationRegistry<SignatureContext>((context) => this.free(context));

  constructor(libcrypto: Libcrypto, hashes: SignatureHashes) {
    this.libcrypto = libcrypto;
    this.hashes = hashes;
  }

  /** See `CryptoEngine.importPrivateKey`. node:crypto looks at it first, and knows its public half. */
  import(pkcs8: Uint8Array): PrivateKey | undefined {
    const encoded = decodePkcs8(pkcs8);
    if (encoded === undefined || pkcs8.length > dataRoom) return undefined;
    if (!signsHere(encoded.algorithm, encoded.curve?.name)) return undefined;
    const checked = nodeEngine.importPrivateKey(pkcs8);
    if (checked === undefined || !fitsHere(checked)) return checked;
    const context = this.contextOf(encoded.algorithm, pkcs8);
    if (context === undefined) return checked;
    this.living.add(context);
    const key = new FfiPrivateKey(checked, context);
    this.gone.register(key, context);
    return this.isTrusted(key) ? key : checked;
  }

  /** The first key of a kind signs once for node:crypto to verify, before anybody gets one. */
  private isTrusted(key: PrivateKey): boolean {
    const { algorithm } = key;
    const known = this.trusted.get(algorithm);
    if (known !== undefined) return known;
    const trusted = signsRight(key);
    this.trusted.set(algorithm, trusted);
    return trusted;
  }

  /** Frees all of them, for the end of a thread: none signs any more. */
  close(): void {
    for (const context of this.living) this.free(context);
  }

  private contextOf(algorithm: KeyAlgorithm, pkcs8: Uint8Array): SignatureContext | undefined {
    const { libcrypto } = this;
    const { base, call, memory } = libcrypto;
    memory.set(pkcs8, at.data);
    libcrypto.putWide(at.pointer, base + at.data);
    const key = call.decodePrivateKey(0, base + at.pointer, pkcs8.length);
    libcrypto.wipe(at.data, pkcs8.length);
    if (key === 0) {
      call.clearErrors();
      return undefined;
    }
    return algorithm === 'ed25519'
      ? new Ed25519Context(libcrypto, key)
      : new DigestContext(libcrypto, key, this.hashes);
  }

  private free(context: SignatureContext): void {
    if (this.living.delete(context)) context.free();
  }
}

/** Whether keys of this kind are worth it. */
export function signsHere(algorithm: KeyAlgorithm, curve: string | undefined): boolean {
  return algorithm === 'rsa' || algorithm === 'ed25519' || (algorithm === 'ec' && curve === 'secp256r1');
}

function fitsHere({ algorithm, bits }: Pick<PublicKey, 'algorithm' | 'bits'>): boolean {
  return algorithm !== 'rsa' || (bits >= LEAST_BITS && bits <= MOST_BITS);
}

/** What a key of this kind signs in TLS, twice each: the context is used again. */
function signsRight(key: PrivateKey): boolean {
  const verifier = nodeEngine.importPublicKey(key.spki);
  const data = nodeEngine.randomBytes(130);
  const signs = (algorithm: SignatureAlgorithm): boolean =>
    verifier?.verify(algorithm, data, key.sign(algorithm, data)) === true;
  try {
    return trials.every(
      (algorithm) => !signatureFits(key, algorithm) || (signs(algorithm) && signs(algorithm)),
    );
  } catch {
    return false;
  }
}

const trials: readonly SignatureAlgorithm[] = [
  { type: 'rsa_pkcs1', hash: 'sha256' },
  { type: 'rsa_pss', hash: 'sha256', mgfHash: 'sha256', saltLength: 32 },
  { type: 'ecdsa', hash: 'sha256' },
  { type: 'ed25519' },
];

class FfiPrivateKey implements PrivateKey {
  readonly algorithm: KeyAlgorithm;
  readonly curve: string | undefined;
  readonly bits: number;
  readonly pss: PssRestriction | undefined;
  readonly spki: Uint8Array;
  /** The same key. Says what is wrong, and does what libcrypto would not do from here. */
  private readonly node: PrivateKey;
  private readonly context: SignatureContext;

  constructor(node: PrivateKey, context: SignatureContext) {
    this.algorithm = node.algorithm;
    this.curve = node.curve;
    this.bits = node.bits;
    this.pss = node.pss;
    this.spki = node.spki;
    this.node = node;
    this.context = context;
  }

  sign(algorithm: SignatureAlgorithm, data: Uint8Array): Uint8Array {
    const signature = signatureFits(this, algorithm) ? this.context.sign(algorithm, data) : undefined;
    return signature ?? this.node.sign(algorithm, data);
  }

  decipher(ciphertext: Uint8Array): Uint8Array | undefined {
    return this.node.decipher?.(ciphertext);
  }

  agree(point: Uint8Array): Uint8Array | undefined {
    return this.node.agree?.(point);
  }
}
