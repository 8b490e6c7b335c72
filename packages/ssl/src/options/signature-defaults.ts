/**
 * Default signature schemes by version (contract §13.3), before asking what the engine has.
 *
 * Where OTP writes a {Hash, Sign} pair, the scheme with the same number stands; so a scheme may come twice in
 * OTP's list for 1.3 and 1.2 together. Here the list is OTP's, doubles included; the parser drops them.
 */
import type { SignatureSchemeName } from '../values/registry/schemes.js';
import { signatureSchemes } from '../values/registry/schemes.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import { versionByName } from '../values/registry/versions.js';

const handshake: readonly SignatureSchemeName[] = signatureSchemes
  .filter((scheme) => scheme.tls13 === 'handshake')
  .map((scheme) => scheme.name);
const certificateOnly: readonly SignatureSchemeName[] = signatureSchemes
  .filter((scheme) => scheme.tls13 === 'certificate')
  .map((scheme) => scheme.name);

const sha1And224: readonly SignatureSchemeName[] = [
  'ecdsa_sha224',
  'rsa_pkcs1_sha224',
  'ecdsa_sha1',
  'rsa_pkcs1_sha1',
  'dsa_sha1',
];
const pairs12: readonly SignatureSchemeName[] = [
  'ecdsa_secp521r1_sha512',
  'rsa_pkcs1_sha512',
  'ecdsa_secp384r1_sha384',
  'rsa_pkcs1_sha384',
  'ecdsa_secp256r1_sha256',
  'rsa_pkcs1_sha256',
  ...sha1And224,
];
const only12: readonly SignatureSchemeName[] = [
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
  ...sha1And224,
];

/** `tls_v1:default_signature_algs/1`; `undefined` below TLS 1.2, which has no such extension. */
export function defaultSignatureSchemes(
  versions: readonly ProtocolVersion[],
): readonly SignatureSchemeName[] | undefined {
  const tls = versions.map((version) => versionByName(version)?.tls);
  if (tls.includes('tlsv1.3'))
    return tls.includes('tlsv1.2') ? [...handshake, ...pairs12] : [...handshake, ...certificateOnly];
  return tls.includes('tlsv1.2') ? only12 : undefined;
}
