/**
 * OpenSSL's `TRUSTED CERTIFICATE`: a certificate, and behind it what its owner lets it be trusted for (X509_CERT_AUX:
 * `SEQUENCE { trust SEQUENCE OF OID OPTIONAL, reject [0] SEQUENCE OF OID OPTIONAL, alias, keyid, other }`).
 */
import { DerReader, explicit, Tag } from './der.js';

export interface TrustedCertificate {
  /** DER of the certificate alone. */
  readonly certificate: Uint8Array;
  /** Whether it says what the certificate may, or may not, be trusted for: nothing here obeys that. */
  readonly settings: 'none' | 'some';
}

/** Throws `DerError`. */
export function readTrustedCertificate(der: Uint8Array): TrustedCertificate {
  const reader = new DerReader(der);
  const certificate = reader.elementOf(Tag.sequence);
  if (reader.done) return { certificate, settings: 'none' };
  const more = reader.open(Tag.sequence);
  reader.finish();
  const says = more.peek() === Tag.sequence || more.peek() === explicit(0);
  return { certificate, settings: says ? 'some' : 'none' };
}
