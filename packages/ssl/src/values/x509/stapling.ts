/** A stapled OCSP response as a revocation check for `verifyPeer`: OTP's `stapling` option, and must-staple (RFC 7633). */
import type { CryptoEngine } from '../crypto/engine.js';
import type { AllowedSignatures } from './allowed-signatures.js';
import type { Certificate } from './certificate.js';
import { mustStaple, validateOcsp } from './ocsp.js';
import type { RevocationAnswer, RevocationCheck } from './peer-verification.js';

/** `stapling`: the server has to show a response of its OCSP responder. */
export interface Stapling {
  /** Whether the response must bear a fresh nonce of ours; servers that staple for all cannot do that. */
  readonly ocspNonce: boolean;
  /** Responders trusted besides the issuer and whom it delegates to, DER. */
  readonly ocspResponderCerts: readonly Uint8Array[];
}

export interface StapleInput {
  /** DER OCSPResponse that came with the peer's certificate, if one did. */
  readonly response: Uint8Array | undefined;
  /** Whether we asked for one; a certificate cannot insist on what was not asked for. */
  readonly asked: boolean;
  /** `required`: no response is as bad as an unclear one (OTP's `staple`). */
  readonly need: 'required' | 'welcome';
  readonly engine: CryptoEngine;
  /** ms since 1970 */
  readonly now: number;
  /** Of the response and of its signer, as of the certificates. */
  readonly signatureAlgs?: AllowedSignatures;
  /** Of the signer's key, as of the certificates'. */
  readonly minKeySize?: number | undefined;
  readonly nonce?: Uint8Array | undefined;
  readonly responders?: readonly Certificate[];
  /** What else says something about revocation: for CA certificates, and for the peer when no response came. */
  readonly otherwise?: RevocationCheck | undefined;
}

const notStapled: RevocationAnswer = { bad_cert: { revocation_status_undetermined: 'not_stapled' } };

export function checkByStaple(input: StapleInput): RevocationCheck {
  const { asked, need, otherwise, response } = input;
  return (certificate, path) => {
    const isPeer = certificate === path[path.length - 1];
    if (!isPeer) return otherwise?.(certificate, path) ?? 'valid';
    if (response === undefined) {
      if (asked && (need === 'required' || mustStaple(certificate))) return notStapled;
      return otherwise?.(certificate, path) ?? 'valid';
    }
    const issuer = path[path.length - 2];
    if (issuer === undefined) return notStapled;
    const verdict = validateOcsp({ ...input, response, certificate, issuer });
    if (verdict === 'valid' || 'revoked' in verdict.bad_cert) return verdict;
    // A bad response is worse than none where one is needed; elsewhere it says nothing.
    if (need === 'required' || mustStaple(certificate)) return verdict;
    return otherwise?.(certificate, path) ?? 'valid';
  };
}
