/**
 * Certificates, keys and signature checks that were met before: the same bytes are parsed, imported and verified
 * once. All of it is pure, so that the cache changes nothing but time; it is bounded, and what hangs on a
 * certificate goes with it.
 */
import type { CryptoEngine, PublicKey } from '../crypto/engine.js';
import { Certificate, sameBytes } from './certificate.js';
import { Generations } from './generations.js';
import { signatureAlgorithmOf } from './signature-algorithm.js';

/** Certificates kept per generation; larger ones than `MAX_KEPT` are parsed each time. */
const LIMIT = 512;
/** bytes */
const MAX_KEPT = 8_192;

const certificates = new Generations<string, Certificate>(LIMIT);

/** A parsed certificate, shared by all who ask for the same bytes. Throws `CertificateError`. */
export function certificateOf(der: Uint8Array): Certificate {
  const key = fingerprint(der);
  const known = certificates.get(key);
  if (known !== undefined && sameBytes(known.der, der)) return known;
  // A copy: the caller's bytes may be a view into a receive buffer. A Buffer's own `slice` would be a view again.
  const certificate = new Certificate(new Uint8Array(der));
  if (der.length <= MAX_KEPT) certificates.set(key, certificate);
  return certificate;
}

/**
 * Forgets all certificates, and with them what was found out about them: for benchmarks of the cold case.
 * @public
 */
export function clearParseCache(): void {
  certificates.clear();
}

/**
 * The length and the last bytes, which lie in the signature and so differ between certificates. A colliding one
 * (somebody can make one) displaces the other; equality is always checked.
 */
function fingerprint(der: Uint8Array): string {
  let text = String(der.length);
  for (let at = Math.max(0, der.length - 16); at < der.length; at++)
    text += String.fromCharCode(der[at] ?? 0);
  return text;
}

interface ImportedKey {
  readonly engine: CryptoEngine;
  readonly key: PublicKey | undefined;
}

const keys = new WeakMap<Certificate, ImportedKey>();

/** The certificate's public key; `undefined` when the engine lacks it or it is malformed. */
export function publicKeyOf(certificate: Certificate, engine: CryptoEngine): PublicKey | undefined {
  const known = keys.get(certificate);
  if (known?.engine === engine) return known.key;
  const key = importKey(certificate.spki, engine);
  keys.set(certificate, { engine, key });
  return key;
}

/** Like `publicKeyOf` for a bare SubjectPublicKeyInfo; not kept. */
export function importKey(spki: Uint8Array, engine: CryptoEngine): PublicKey | undefined {
  try {
    return engine.importPublicKey(spki);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

const checked = new WeakMap<Certificate, WeakMap<PublicKey, boolean>>();

/** Whether `key` made the certificate's signature. `spend` is told before a check that was not made before. */
export function isSignedBy(certificate: Certificate, key: PublicKey, spend: () => void): boolean {
  let answers = checked.get(certificate);
  const known = answers?.get(key);
  if (known !== undefined) return known;
  spend();
  const algorithm = certificate.algorithmMismatch
    ? undefined
    : signatureAlgorithmOf(certificate.signatureAlgorithm);
  const answer = algorithm !== undefined && key.verify(algorithm, certificate.tbs, certificate.signature);
  if (answers === undefined) {
    answers = new WeakMap();
    checked.set(certificate, answers);
  }
  answers.set(key, answer);
  return answer;
}
