/**
 * What is chosen from hellos in all versions alike (RFC 8446 §4.1.1, RFC 5246 §7.4.1). Where the RFCs leave the
 * choice, OTP's rules hold. What only TLS 1.3 or only TLS 1.2 chooses is in the folder of each.
 */
import {
  type SignatureScheme,
  type SignatureSchemeName,
  schemeByName,
} from '../../values/registry/schemes.js';
import type { CipherSuite } from '../../values/registry/suites.js';
import type { CertificateAuthentication } from '../authentication.js';
import type { OwnIdentity } from '../own-identity.js';
import { AlertError } from '../reasons.js';

/** Own certificate and the scheme of its signature. */
export interface CertificateChoice {
  readonly identity: OwnIdentity;
  readonly scheme: SignatureScheme;
}

/** What a side has proved by showing a certificate and signing with its key. */
export function shownBy({ identity, scheme }: CertificateChoice): CertificateAuthentication {
  return { kind: 'certificate', chain: identity.chain, scheme: scheme.name };
}

/**
 * The first suite that both have and `accept` takes, in the client's order or in ours; `accept` is asked once for each.
 * Throws `no_suitable_cipher`.
 */
export function chooseSuite<T>(
  offered: readonly number[],
  own: readonly CipherSuite[],
  preference: 'client' | 'server',
  accept: (row: CipherSuite) => T | undefined,
): T {
  if (preference === 'server') {
    for (const row of own) {
      const suite = offered.includes(row.id) ? accept(row) : undefined;
      if (suite !== undefined) return suite;
    }
  } else {
    // A set: a hello has room for ten thousands of suites, and one that stands there again is no other.
    for (const id of new Set(offered)) {
      const row = own.find((candidate) => candidate.id === id);
      const suite = row === undefined ? undefined : accept(row);
      if (suite !== undefined) return suite;
    }
  }
  throw new AlertError('no_suitable_cipher', 'no_suitable_cipher');
}

/** The numbers of schemes as they go on the wire. */
export function schemeCodes(names: readonly SignatureSchemeName[]): readonly number[] {
  return names.map((name) => schemeByName(name).code);
}
