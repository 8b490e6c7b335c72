/** The host name check as OTP's `public_key` exports it, for who has a certificate in DER. */
import { Certificate, CertificateError } from './certificate.js';
import {
  exactMatchFun,
  type HostnameCheckHooks,
  httpsMatchFun,
  type MatchFun,
  type ReferenceId,
  rfc9525MatchFun,
  verifyHostname,
} from './hostname.js';

/**
 * Whether a certificate (DER) belongs to any of the references, such as `{ dns_id: 'www.example.org' }` or
 * `{ ip: '192.0.2.1' }`. Only names are compared; nobody looks at chain, dates or name constraints. Bytes that are no
 * certificate raise a `TypeError`. `public_key:pkix_verify_hostname/2,3`
 */
export function pkixVerifyHostname(
  certificate: Uint8Array,
  references: readonly ReferenceId[],
  hooks: HostnameCheckHooks = {},
): boolean {
  try {
    return verifyHostname(new Certificate(certificate), references, hooks);
  } catch (error) {
    if (error instanceof CertificateError) throw new TypeError(error.message, { cause: error });
    throw error;
  }
}

/** Rules by name, for `pkixVerifyHostnameMatchFun`. */
export type MatchRule = 'https' | 'rfc9525' | 'exact';

const matchFuns: Readonly<Record<MatchRule, MatchFun>> = {
  https: httpsMatchFun,
  rfc9525: rfc9525MatchFun,
  exact: exactMatchFun,
};

/**
 * A `matchFun` for `customizeHostnameCheck`. `https`: OTP's name for what is the default here, a `*` that is the whole
 * left-most label; `rfc9525`: likewise, and no common names; `exact`: OTP 25's default, no wildcard in a `dNSName`.
 * Another name raises a `TypeError`. `public_key:pkix_verify_hostname_match_fun/1`
 */
export function pkixVerifyHostnameMatchFun(rule: MatchRule): MatchFun {
  if (!Object.hasOwn(matchFuns, rule))
    throw new TypeError(`${String(rule)} is no rule: https, rfc9525, exact`);
  return matchFuns[rule];
}
