/**
 * Whether a signature in a certificate, a CRL or an OCSP response was made by an algorithm that we said we accept:
 * `signature_algs_cert`, else `signature_algs` (RFC 8446 §4.2.3).
 *
 * The RFC binds certificates only. What says that a certificate is not revoked is worth as much as the certificate, so
 * the same list holds for it: a hash whose collisions can be bought forges the one like the other.
 */
import type { SignatureAlgorithm } from '../crypto/engine.js';
import { type SignatureSchemeName, schemeByName } from '../registry/schemes.js';
import { signatureAlgorithmOf } from './signature-algorithm.js';

/** `undefined`: nothing was said (TLS before 1.2), everything goes. */
export type AllowedSignatures = readonly SignatureSchemeName[] | undefined;

/** `identifier`: DER AlgorithmIdentifier of the signature. */
export function isAllowedSignature(identifier: Uint8Array, allowed: AllowedSignatures): boolean {
  if (allowed === undefined) return true;
  const used = signatureAlgorithmOf(identifier);
  return used !== undefined && allowed.some((name) => sameAlgorithm(schemeByName(name).algorithm, used));
}

function sameAlgorithm(allowed: SignatureAlgorithm, used: SignatureAlgorithm): boolean {
  if (allowed.type !== used.type) return false;
  if (allowed.type === 'ed25519' || allowed.type === 'ed448') return true;
  return 'hash' in used && allowed.hash === used.hash;
}
