/** Signatures in a TLS 1.2 handshake: ServerKeyExchange and CertificateVerify (RFC 5246 §4.7, §7.4.3, §7.4.8). */
import type { PublicKey } from '../../values/crypto/engine.js';
import {
  type SignatureScheme,
  type SignatureSchemeName,
  schemeByCode,
  schemeOfKey,
} from '../../values/registry/schemes.js';
import type { DigitallySigned } from '../../values/wire/messages/tls12/key-exchange.js';
import { AlertError } from '../reasons.js';
import type { OlderVersion } from './older-version.js';

/** RFC 8446 §4.2.3: in TLS 1.2 a scheme of ECDSA names no curve. */
function named(code: number, key: PublicKey, offered: readonly SignatureSchemeName[]): SignatureScheme {
  const scheme = schemeByCode(code);
  if (scheme === undefined || !offered.includes(scheme.name) || scheme.keyAlgorithm !== key.algorithm) {
    throw new AlertError('wrong_signature_scheme', { scheme: scheme?.name ?? code });
  }
  return scheme;
}

/** A signature as it travels in a version. */
export function signedBy(
  scheme: SignatureScheme,
  signature: Uint8Array,
  { signatures }: OlderVersion,
): DigitallySigned {
  return { algorithm: signatures === 'named' ? scheme.code : undefined, signature };
}

/** Checks the peer's signature; answers its scheme. Throws `wrong_signature_scheme`, `wrong_certificate_type`, `bad_signature`. */
export function checkSignature12(
  { algorithm, signature }: DigitallySigned,
  key: PublicKey,
  offered: readonly SignatureSchemeName[],
  content: Uint8Array,
): SignatureSchemeName {
  const scheme = algorithm === undefined ? schemeOfKey(key.algorithm) : named(algorithm, key, offered);
  if (scheme === undefined) throw new AlertError('wrong_certificate_type');
  if (!key.verify(scheme.algorithm, content, signature)) throw new AlertError('bad_signature');
  return scheme.name;
}
