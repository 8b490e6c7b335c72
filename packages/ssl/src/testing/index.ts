/** What tests of TLS need, ours and our users': throw-away certificates. */
export {
  type CertificateAuthority,
  type CertificateOptions,
  type CrlOptions,
  createCa,
  type DistinguishedName,
  type GeneralName,
  type GeneratedKey,
  generateKey,
  type IssuedCertificate,
  type KeyKind,
  type KeyUsage,
  type RawExtension,
  type RevokedEntry,
  selfSigned,
} from './certificates.js';
