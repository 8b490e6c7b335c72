/**
 * Until when certificates are good: what was judged once is looked at again when a connection is resumed, since a ticket
 * may outlive it (RFC 8446 §4.6.1).
 */
import { CertificateError } from '../../values/x509/certificate.js';
import { certificateOf } from '../../values/x509/parse-cache.js';

/** Nothing that ends. */
export const endless = 0xffff_ffff_ffff;

/** ms since 1970: the first notAfter among them; 0 when one cannot be read. */
export function endOf(chain: readonly Uint8Array[]): number {
  let end = endless;
  for (const der of chain) end = Math.min(end, endOfOne(der));
  return end;
}

function endOfOne(der: Uint8Array): number {
  try {
    return certificateOf(der).notAfter;
  } catch (error) {
    if (error instanceof CertificateError) return 0;
    throw error;
  }
}
