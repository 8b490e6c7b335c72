/**
 * Which of several own certificates a peer would like best (RFC 8446 §4.2.3, §4.2.4, §4.4.2.2): one whose chain is
 * signed as the peer can verify, of those one below a CA that it names.
 */

import type { SignatureSchemeName } from '../../values/registry/schemes.js';
import { schemeByCode } from '../../values/registry/schemes.js';
import { isAllowedSignature } from '../../values/x509/allowed-signatures.js';
import { authorityKeys, isIssuedByOneOf } from '../../values/x509/authorities.js';
import { CertificateError } from '../../values/x509/certificate.js';
import { certificateOf } from '../../values/x509/parse-cache.js';
import type { CertificateChoice } from './choose.js';

/**
 * `fitting` can sign the handshake, the preferred first. A certificate that the peer would like better goes before the
 * others, which do as well when there is none: that it cannot verify a chain is for the peer to say (§4.4.2.2).
 * `signatures`: codes of the schemes that it can verify in certificates.
 */
export function preferredCertificate(
  fitting: readonly CertificateChoice[],
  signatures: readonly number[],
  authorities: readonly Uint8Array[] | undefined,
): CertificateChoice | undefined {
  if (fitting.length < 2) return fitting[0];
  const allowed = schemesOf(signatures);
  const verifiable = fitting.filter(({ identity }) => isSignedByOneOf(identity.chain, allowed));
  const left = verifiable.length > 0 ? verifiable : fitting;
  return preferAuthorities(left, authorities);
}

/** Of certificates whose signatures nobody has spoken of. */
export function preferAuthorities(
  fitting: readonly CertificateChoice[],
  authorities: readonly Uint8Array[] | undefined,
): CertificateChoice | undefined {
  const [first] = fitting;
  if (authorities === undefined || authorities.length === 0 || fitting.length < 2) return first;
  const keys = authorityKeys(authorities);
  return fitting.find(({ identity }) => isIssuedByOneOf(identity.chain, keys)) ?? first;
}

/** Each once: the list may be as long as a hello. */
function schemesOf(codes: readonly number[]): readonly SignatureSchemeName[] {
  return [...new Set(codes.flatMap((code) => schemeByCode(code)?.name ?? []))];
}

/** A certificate that has signed itself is believed, or not, for other reasons than its signature (§4.4.2.2). */
function isSignedByOneOf(chain: readonly Uint8Array[], allowed: readonly SignatureSchemeName[]): boolean {
  return chain.every((der) => {
    const certificate = readable(der);
    if (certificate === undefined || certificate.selfIssued) return certificate !== undefined;
    return isAllowedSignature(certificate.signatureAlgorithm, allowed);
  });
}

function readable(der: Uint8Array): ReturnType<typeof certificateOf> | undefined {
  try {
    return certificateOf(der);
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}
