/**
 * Default signature schemes by version, before asking what the engine has: OTP 25's (`tls_v1:default_signature_algs/1`)
 * without SHA-1, which OTP gave up in 26. Collisions of SHA-1 can be bought, and RFC 8446 §4.2.3 lets it be offered for
 * peers of old only; who has such peers names it in `signature_algs` or `signature_algs_cert`.
 *
 * Where OTP writes a {Hash, Sign} pair, the scheme with the same number stands; so a scheme may come twice in
 * OTP's list for 1.3 and 1.2 together. Here doubles are kept; the parser drops them.
 */
import type { SignatureSchemeName } from '../values/registry/schemes.js';
import { signatureSchemes } from '../values/registry/schemes.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import { versionByName } from '../values/registry/versions.js';

const handshake: readonly SignatureSchemeName[] = signatureSchemes
  .filter((scheme) => scheme.tls13 === 'handshake')
  .map((scheme) => scheme.name);
const certificateOnly: readonly SignatureSchemeName[] = signatureSchemes
  .filter(
    ({ tls13, algorithm }) => tls13 === 'certificate' && 'hash' in algorithm && algorithm.hash !== 'sha',
  )
  .map((scheme) => scheme.name);

const sha224: readonly SignatureSchemeName[] = ['ecdsa_sha224', 'rsa_pkcs1_sha224'];
const pairs12: readonly SignatureSchemeName[] = [
  'ecdsa_secp521r1_sha512',
  'rsa_pkcs1_sha512',
  'ecdsa_secp384r1_sha384',
  'rsa_pkcs1_sha384',
  'ecdsa_secp256r1_sha256',
  'rsa_pkcs1_sha256',
  ...sha224,
];
/** OTP 25 has EdDSA in TLS 1.3 only; RFC 8422 §5.1.3 brings it to TLS 1.2, where who has such a certificate needs it. */
const only12: readonly SignatureSchemeName[] = [
  'eddsa_ed25519',
  'eddsa_ed448',
  'ecdsa_secp521r1_sha512',
  'rsa_pss_pss_sha512',
  'rsa_pss_rsae_sha512',
  'rsa_pkcs1_sha512',
  'ecdsa_secp384r1_sha384',
  'rsa_pss_pss_sha384',
  'rsa_pss_rsae_sha384',
  'rsa_pkcs1_sha384',
  'ecdsa_secp256r1_sha256',
  'rsa_pss_pss_sha256',
  'rsa_pss_rsae_sha256',
  'rsa_pkcs1_sha256',
  ...sha224,
];

/** The list for these versions; `undefined` below TLS 1.2, which has no such extension. */
export function defaultSignatureSchemes(
  versions: readonly ProtocolVersion[],
): readonly SignatureSchemeName[] | undefined {
  const tls = versions.map((version) => versionByName(version)?.tls);
  if (tls.includes('tlsv1.3'))
    return tls.includes('tlsv1.2') ? [...handshake, ...pairs12] : [...handshake, ...certificateOnly];
  return tls.includes('tlsv1.2') ? only12 : undefined;
}
