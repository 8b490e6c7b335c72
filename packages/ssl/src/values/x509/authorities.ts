/**
 * Which own chain a peer would like, by the names in its certificate_authorities (RFC 8446 §4.2.4): one in which a
 * certificate was issued by one of the named CAs (§4.4.2.2, §4.4.2.3).
 */
import { CertificateError } from './certificate.js';
import { DerError } from './der.js';
import { Name } from './name.js';
import { certificateOf } from './parse-cache.js';

/**
 * Names that are read at most. Those of all CAs that a browser trusts are less than two hundred; a hello has room for
 * twenty thousand that are none, and finding that out takes as long as a hundred signatures.
 */
const mostNames = 1024;

/**
 * Names in DER as keys that are equal for the same name (RFC 5280 §7.1); what is no name names nobody, and neither does
 * what stands behind more names than anybody has.
 */
export function authorityKeys(names: readonly Uint8Array[]): ReadonlySet<string> {
  return new Set(names.slice(0, mostNames).flatMap((der) => readable(() => new Name(der).key) ?? []));
}

/** `chain`: DER, own certificate first. */
export function isIssuedByOneOf(chain: readonly Uint8Array[], authorities: ReadonlySet<string>): boolean {
  return chain.some((der) => {
    const issuer = readable(() => certificateOf(der).issuer.key);
    return issuer !== undefined && authorities.has(issuer);
  });
}

function readable(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError || error instanceof CertificateError) return undefined;
    throw error;
  }
}
