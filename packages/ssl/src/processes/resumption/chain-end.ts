/**
 * Certificates of the peer that go with what a connection is resumed by: until when they are good, since a ticket may
 * outlive what was judged once (RFC 8446 §4.6.1), and how many bytes of them are kept.
 */
import { CertificateError } from '../../values/x509/certificate.js';
import { certificateOf } from '../../values/x509/parse-cache.js';

/** Nothing that ends. */
const endless = 0xffff_ffff_ffff;

/** ms since 1970: the first notAfter among them; 0 when one cannot be read. */
export function endOf(chain: readonly Uint8Array[]): number {
  let end = endless;
  for (const der of chain) end = Math.min(end, endOfOne(der));
  return end;
}

/** `end`: of {@link endOf}. A notAfter counts to the end of its second (RFC 5280 §4.1.2.5). */
export function isGoodAt(end: number, now: number): boolean {
  return now < end + 1000;
}

/** Longest chain of a client that is kept, bytes: a ticket that the client keeps travels in every hello. */
const longestChain = 12_288;

export function isTooLong(chain: readonly Uint8Array[]): boolean {
  return lengthOf(chain) > longestChain;
}

/** bytes */
export function lengthOf(chain: readonly Uint8Array[]): number {
  return chain.reduce((sum, { length }) => sum + length, 0);
}

function endOfOne(der: Uint8Array): number {
  try {
    return certificateOf(der).notAfter;
  } catch (error) {
    if (error instanceof CertificateError) return 0;
    throw error;
  }
}
