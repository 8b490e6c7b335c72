/**
 * Whether a signature in a certificate, a CRL or an OCSP response was made by an algorithm that we said we accept:
 * `signature_algs_cert`, else `signature_algs` (RFC 8446 §4.2.3).
 *
 * The RFC binds certificates only. What says that a certificate is not revoked is worth as much as the certificate, so
 * the same list holds for it: a hash whose collisions can be bought forges the one like the other.
 */
import type { SignatureAlgorithm } from '../crypto/engine.js';
import { type SignatureSchemeName, schemeByName, signatureSchemes } from '../registry/schemes.js';
import { signatureAlgorithmOf } from './signature-algorithm.js';

/** `undefined`: nothing was said (TLS before 1.2), everything goes. */
export type AllowedSignatures = readonly SignatureSchemeName[] | undefined;

/**
 * What a config lets certificates be signed by. Below TLS 1.2, which has no such extension, it says nothing: then all but MD5
 * and SHA-1 may.
 */
export function allowedSignatures(
  signatureAlgs: readonly SignatureSchemeName[],
  signatureAlgsCert: readonly SignatureSchemeName[] | undefined,
): AllowedSignatures {
  return signatureAlgsCert ?? (signatureAlgs.length > 0 ? signatureAlgs : strong);
}

const strong: readonly SignatureSchemeName[] = signatureSchemes
  .filter(({ algorithm }) => !('hash' in algorithm) || (algorithm.hash !== 'md5' && algorithm.hash !== 'sha'))
  .map(({ name }) => name);

/** `identifier`: DER AlgorithmIdentifier of the signature. */
export function isAllowedSignature(identifier: Uint8Array, allowed: AllowedSignatures): boolean {
  if (allowed === undefined) return true;
  const used = signatureAlgorithmOf(identifier);
  return used !== undefined && allowed.some((name) => sameAlgorithm(schemeByName(name).algorithm, used));
}

function sameAlgorithm(allowed: SignatureAlgorithm, used: SignatureAlgorithm): boolean {
  if (allowed.type !== used.type) return false;
  if (allowed.type === 'ed25519' || allowed.type === 'ed448') return true;
  return 'hash' in used && 'hash' in allowed && allowed.hash === used.hash;
}
