/** Own certificate chain and private key, matched. */
import type { CryptoEngine, KeyAlgorithm, PrivateKey, PssRestriction, PublicKey } from '../crypto/engine.js';
import { type SignatureSchemeName, schemeFits, signatureSchemes } from '../registry/schemes.js';
import { Certificate, CertificateError, sameBytes } from './certificate.js';
import { DerReader, Tag } from './der.js';
import { KeyError } from './key-error.js';
import type { RemoteKey } from './key-material.js';
import { isSignedBy, publicKeyOf } from './parse-cache.js';
import type { TrustStore } from './trust-store.js';
import { Work } from './work.js';

/** Own certificate chain and key, read, parsed and matched. */
export interface Identity {
  /** DER, own certificate first. */
  readonly chain: readonly Uint8Array[];
  readonly key: PrivateKey;
  /** Schemes this key can sign with, strongest first. */
  readonly schemes: readonly SignatureSchemeName[];
  /** When the client asks for a stapled OCSP response the sink is asked for one (`askStaple`). */
  readonly stapling?: 'ask';
}

/**
 * `chain` is DER, own certificate first. Throws `KeyError`: a certificate that cannot be read, or one that is not
 * the key's. Dates are not looked at: OTP serves what it is given.
 */
export function loadIdentity(chain: readonly Uint8Array[], key: PrivateKey, engine: CryptoEngine): Identity {
  const certificates = chain.map((der, i) => readCertificate(der, i));
  const [own] = certificates;
  if (own === undefined) throw new KeyError('bad_certificate', 'no certificate');
  const publicKey = publicKeyIn(own, engine);
  if (!sameBytes(publicBits(own.spki), publicBits(key.spki))) {
    throw new KeyError(
      'mismatch',
      `the private key (${key.algorithm}) is not that of certificate "${own.subject}"`,
    );
  }
  return { chain, key, schemes: schemesOf(own, publicKey, key.pss) };
}

/** What is known of a key that lives elsewhere, from its certificate. */
export interface RemotePair {
  readonly algorithm: KeyAlgorithm;
  readonly bits: number;
  /** Schemes it can sign with, strongest first. */
  readonly schemes: readonly SignatureSchemeName[];
}

/** Throws `KeyError` like `loadIdentity`. */
export function matchRemoteKey(
  chain: readonly Uint8Array[],
  remote: RemoteKey,
  engine: CryptoEngine,
): RemotePair {
  const [own] = chain.map((der, i) => readCertificate(der, i));
  if (own === undefined) throw new KeyError('bad_certificate', 'no certificate');
  const key = publicKeyIn(own, engine);
  const { algorithm, bits } = key;
  const other = remote.spki !== undefined && !sameBytes(publicBits(own.spki), publicBits(remote.spki));
  if (other || algorithm !== remote.algorithm) {
    throw new KeyError(
      'mismatch',
      `the key that lives elsewhere (${remote.algorithm}) is not that of certificate "${own.subject}"`,
    );
  }
  return { algorithm, bits, schemes: schemesOf(own, key) };
}

/**
 * A chain to send, when only the own certificate was given: OTP completes it from the CA certificates. The root is
 * left out, the peer has to have it.
 */
export function completeChain(
  own: Uint8Array,
  trust: TrustStore,
  engine: CryptoEngine,
): readonly Uint8Array[] {
  const chain = [readCertificate(own, 0)];
  const work = new Work();
  for (;;) {
    const top = chain[chain.length - 1];
    if (top === undefined || top.selfIssued || chain.length > 16) break;
    const issuer = trust.withSubject(top.issuer).find((candidate) => {
      const key =
        candidate.selfIssued || chain.includes(candidate) ? undefined : publicKeyOf(candidate, engine);
      return key !== undefined && isSignedBy(top, key, () => work.spend('signatures'));
    });
    if (issuer === undefined) break;
    chain.push(issuer);
  }
  return chain.map(({ der }) => der);
}

/**
 * The chain with the key's own certificate first and each issuer behind what it issued (RFC 8446 §4.4.2), when it was
 * given with another first; a chain that begins with its own, or has none of the key's, stays as it is. `spki` is the
 * key's. Throws `KeyError` for what is no certificate.
 */
export function ownFirst(chain: readonly Uint8Array[], spki: Uint8Array): readonly Uint8Array[] {
  const bits = publicBits(spki);
  const rest = chain.map((der, i) => readCertificate(der, i));
  const at = rest.findIndex((certificate) => sameBytes(publicBits(certificate.spki), bits));
  if (at <= 0) return chain;
  const ordered: Certificate[] = [];
  for (let next = at; next >= 0; ) {
    const top = rest[next];
    if (top === undefined) break;
    rest.splice(next, 1);
    ordered.push(top);
    next = rest.findIndex(({ subject }) => subject.equals(top.issuer));
  }
  return [...ordered, ...rest].map(({ der }) => der);
}

function readCertificate(der: Uint8Array, index: number): Certificate {
  try {
    return new Certificate(der);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new KeyError('bad_certificate', `certificate ${index + 1}: ${error.message}`, { cause: error });
  }
}

function publicKeyIn(own: Certificate, engine: CryptoEngine): PublicKey {
  try {
    const key = engine.importPublicKey(own.spki);
    if (key !== undefined) return key;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new KeyError('bad_certificate', `the certificate's public key is malformed: ${error.message}`, {
      cause: error,
    });
  }
  throw new KeyError(
    'unsupported',
    `the public key of certificate "${own.subject}" is of a kind that is not supported`,
  );
}

/** The key itself, without the parameters that two encodings of one key may write differently. */
function publicBits(spki: Uint8Array): Uint8Array {
  const sequence = new DerReader(spki).open(Tag.sequence);
  sequence.skip();
  return sequence.octetsOfBitString();
}

type Key = Pick<PublicKey, 'algorithm' | 'curve' | 'bits' | 'pss'>;

/**
 * Schemes in the registry's order, which is OTP's preference. A key that can sign no handshake is refused.
 *
 * `more`: restrictions of the private key that the certificate may not tell; its kind is the certificate's, which is
 * what the peer sees.
 */
function schemesOf(own: Certificate, key: Key, more?: PssRestriction): readonly SignatureSchemeName[] {
  const { algorithm, bits, curve, pss } = key;
  const kept: Key = { algorithm, bits, curve, pss: more ?? pss };
  const fitting = signatureSchemes.filter((scheme) => schemeFits(scheme, key) && schemeFits(scheme, kept));
  if (fitting.length === 0) {
    const text = `the key of certificate "${own.subject}" (${describe(kept)}) fits no signature scheme`;
    throw new KeyError('unsupported', text);
  }
  return fitting.map(({ name }) => name);
}

/** Kind, size and restrictions of a key, for people. */
function describe({ algorithm, bits, curve, pss }: Key): string {
  const kind = curve ?? `${algorithm}, ${bits} bits`;
  if (pss === undefined) return kind;
  const { hash, leastSaltLength, mgfHash } = pss;
  return `${kind}, restricted to ${hash}, MGF1 with ${mgfHash}, a salt from ${leastSaltLength} bytes`;
}
