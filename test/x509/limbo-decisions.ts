/**
 * Where we answer otherwise than limbo wants, each a decision with its reason, bound to the cases that it is about: no
 * other case may hide behind it, and a case that does not need it any more fails the suite.
 */

export interface Decision {
  readonly why: string;
  readonly we: 'accept' | 'refuse';
  /** Ids of limbo; the part of the suite that is in our data need not have them all. */
  readonly cases: readonly string[];
}

const binds = (section: string, what: string): string => `RFC 5280 §${section} binds the CA; ${what}`;
const profile = (what: string): string => `CA/Browser Forum profile; ${what}`;
const below = (namespace: string, ...names: readonly string[]): readonly string[] =>
  names.map((name) => `${namespace}::${name}`);

export const decisions: readonly Decision[] = [
  {
    we: 'accept',
    why: binds('4.2.1.1', 'without the identifier a path is found by name and signature'),
    cases: below(
      'rfc5280::aki',
      'leaf-missing-aki',
      'intermediate-missing-aki',
      'cross-signed-root-missing-aki',
    ),
  },
  {
    we: 'accept',
    why: binds('4.2.1.2', 'without the identifier a path is found by name and signature'),
    cases: below('rfc5280::ski', 'root-missing-ski', 'intermediate-missing-ski'),
  },
  {
    we: 'accept',
    why: binds('4.2.1.9', 'constraints that are not critical are obeyed all the same'),
    cases: ['rfc5280::root-non-critical-basic-constraints'],
  },
  {
    we: 'accept',
    why: binds('4.2.1.10', 'constraints that are not critical are obeyed all the same'),
    cases: ['rfc5280::nc::permitted-dns-match-noncritical'],
  },
  {
    we: 'accept',
    why: binds('4.2.1.10', 'constraints in the last certificate constrain nothing'),
    cases: below('rfc5280::nc', 'not-allowed-in-ee-noncritical', 'not-allowed-in-ee-critical'),
  },
  {
    we: 'accept',
    why: binds('4.2.1.11', 'constraints that are not critical are obeyed all the same'),
    cases: ['rfc5280::pc::ica-noncritical-pc'],
  },
  {
    we: 'accept',
    why: binds('4.2.1.9', 'a certificate that is no CA signs nothing, whatever its key usage says'),
    cases: ['rfc5280::leaf-ku-keycertsign'],
  },
  {
    we: 'accept',
    why: binds('4.2.1.6', 'alternative names count whether critical or not'),
    cases: [
      'rfc5280::san::noncritical-with-empty-subject',
      'webpki::san::san-critical-with-nonempty-subject',
    ],
  },
  {
    we: 'accept',
    why: 'such host names are in use, and equality with the name asked for is what counts',
    cases: ['rfc5280::san::underscore-dns'],
  },
  {
    we: 'accept',
    why: binds(
      '4.1.2.2',
      'serial numbers out of its range are to be handled gracefully; they are compared, no more',
    ),
    cases: below('rfc5280::serial', 'zero', 'too-long'),
  },
  {
    we: 'accept',
    why: binds('5.2.3', 'the number orders lists and is needed for delta lists only'),
    cases: below('crl', 'crlnumber-missing', 'crlnumber-critical'),
  },
  {
    we: 'accept',
    why: profile("a root's own identifiers are not used"),
    cases: below(
      'webpki::aki',
      'root-with-aki-missing-keyidentifier',
      'root-with-aki-authoritycertissuer',
      'root-with-aki-authoritycertserialnumber',
      'root-with-aki-all-fields',
      'root-with-aki-ski-mismatch',
    ),
  },
  {
    we: 'accept',
    why: profile('the purpose asked for is named, or none is (RFC 5280 §4.2.1.12)'),
    cases: below('webpki::eku', 'ee-anyeku', 'ee-critical-eku', 'ee-without-eku'),
  },
  {
    we: 'accept',
    why: profile("a root's extKeyUsage is obeyed and allows the purpose"),
    cases: ['webpki::eku::root-has-eku'],
  },
  {
    we: 'accept',
    why: 'needs a list of public suffixes; neither OTP nor we have one',
    cases: below(
      'webpki::san',
      'public-suffix-multi-label-wildcard-san',
      'public-suffix-private-namespace-wildcard-san',
    ),
  },
  {
    we: 'accept',
    why: 'OTP falls back to the common name where there is no alternative name',
    cases: ['webpki::san::no-san'],
  },
  {
    we: 'accept',
    why: 'version 1 without extensions is a certificate (RFC 5280 §4.1.2.1); only its common name can be looked at',
    cases: ['webpki::v1-cert'],
  },
  {
    we: 'accept',
    why: profile('a common name beside alternative names is not looked at'),
    cases: below(
      'webpki::cn',
      'ipv4-hex-mismatch',
      'ipv4-leading-zeros-mismatch',
      'ipv6-uppercase-mismatch',
      'ipv6-uncompressed-mismatch',
      'ipv6-non-rfc5952-mismatch',
      'punycode-not-in-san',
      'utf8-vs-punycode-mismatch',
      'not-in-san',
      'case-mismatch',
    ),
  },
  {
    we: 'accept',
    why: profile('a modulus of odd length is as strong as its bits'),
    cases: below(
      'webpki',
      'forbidden-rsa-not-divisible-by-8-in-root',
      'forbidden-rsa-key-not-divisible-by-8-in-leaf',
    ),
  },
  {
    we: 'accept',
    why: 'a DSA key of enough bits is no danger: no scheme of TLS 1.3 lets it sign, so the handshake fails at CertificateVerify',
    cases: ['webpki::forbidden-dsa-leaf'],
  },
  {
    we: 'accept',
    why: profile('RFC 5280 lets a CA have a server certificate, and this one may sign handshakes'),
    cases: ['webpki::ee-basicconstraints-ca'],
  },
  {
    we: 'refuse',
    why: "limbo asks RFC 5280 only: RFC 8446 §4.4.2.2 wants digitalSignature of a peer's key, which these CAs' key usage lacks",
    cases: ['rfc5280::ca-as-leaf', 'pathlen::validation-ignores-pathlen-in-leaf'],
  },
];

/** The reason for an answer that limbo does not want; `undefined`: it is wrong. */
export function decisionOn(id: string, accepted: boolean): string | undefined {
  const we = accepted ? 'accept' : 'refuse';
  return decisions.find((decision) => decision.we === we && decision.cases.includes(id))?.why;
}
