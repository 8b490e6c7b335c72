/** Signatures in a TLS 1.2 handshake: ServerKeyExchange and CertificateVerify (RFC 5246 §4.7, §7.4.3, §7.4.8). */
import type { PublicKey } from '../../values/crypto/engine.js';
import { type SignatureSchemeName, schemeByCode } from '../../values/registry/schemes.js';
import type { DigitallySigned } from '../../values/wire/messages/tls12/key-exchange.js';
import { AlertError } from '../reasons.js';

/** Checks the peer's signature; answers its scheme. Throws `wrong_signature_scheme`, `bad_signature`. */
export function checkSignature12(
  { algorithm, signature }: DigitallySigned,
  key: PublicKey,
  offered: readonly SignatureSchemeName[],
  content: Uint8Array,
): SignatureSchemeName {
  const scheme = schemeByCode(algorithm);
  // RFC 8446 §4.2.3: in TLS 1.2 a scheme of ECDSA names no curve.
  if (scheme === undefined || !offered.includes(scheme.name) || scheme.keyAlgorithm !== key.algorithm) {
    throw new AlertError('wrong_signature_scheme', { scheme: scheme?.name ?? algorithm });
  }
  if (!key.verify(scheme.algorithm, content, signature)) throw new AlertError('bad_signature');
  return scheme.name;
}
