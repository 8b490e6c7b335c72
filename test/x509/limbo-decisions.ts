/**
 * limbo cases that we accept although limbo wants a failure: each a decision, with its reason. An entry that is no
 * longer needed fails the suite.
 */
export const acceptedOnPurpose: Readonly<Record<string, string>> = {
  'rfc5280::aki::leaf-missing-aki':
    'RFC 5280 §4.2.1.1 binds the CA; without the identifier a path is found by name and signature',
  'rfc5280::nc::permitted-dns-match-noncritical':
    'RFC 5280 §4.2.1.10 binds the CA; constraints that are not critical are obeyed all the same',
  'rfc5280::nc::not-allowed-in-ee-noncritical':
    'RFC 5280 §4.2.1.10 binds the CA; constraints in the last certificate constrain nothing',
  'rfc5280::nc::not-allowed-in-ee-critical':
    'RFC 5280 §4.2.1.10 binds the CA; constraints in the last certificate constrain nothing',
  'rfc5280::san::underscore-dns':
    'such host names are in use, and equality with the name asked for is what counts',
  'rfc5280::serial::zero': 'RFC 5280 §4.1.2.2 wants non-conforming serial numbers handled gracefully',
  'webpki::aki::root-with-aki-authoritycertissuer':
    "CA/Browser Forum profile of roots; a root's identifiers are not used",
  'webpki::aki::root-with-aki-authoritycertserialnumber':
    "CA/Browser Forum profile of roots; a root's identifiers are not used",
  'webpki::aki::root-with-aki-ski-mismatch':
    "CA/Browser Forum profile of roots; a root's identifiers are not used",
  'webpki::cn::punycode-not-in-san':
    'CA/Browser Forum profile; a common name beside alternative names is not looked at',
  'webpki::cn::utf8-vs-punycode-mismatch':
    'CA/Browser Forum profile; a common name beside alternative names is not looked at',
  'webpki::cn::case-mismatch':
    'CA/Browser Forum profile; a common name beside alternative names is not looked at',
  'webpki::eku::ee-anyeku': 'CA/Browser Forum profile; the purpose asked for is named too',
  'webpki::eku::root-has-eku':
    "CA/Browser Forum profile of roots; a root's extKeyUsage is obeyed and allows the purpose",
  'webpki::san::public-suffix-multi-label-wildcard-san':
    'needs a list of public suffixes; neither OTP nor we have one',
  'webpki::san::public-suffix-private-namespace-wildcard-san':
    'needs a list of public suffixes; neither OTP nor we have one',
  'webpki::san::no-san': 'contract §10: OTP falls back to the common name where there is no alternative name',
  'webpki::san::san-critical-with-nonempty-subject': 'RFC 5280 §4.2.1.6 says SHOULD, to the CA',
  'webpki::forbidden-p192-root':
    'CA/Browser Forum profile; which curves and sizes to trust is said by the choice of roots',
  'webpki::forbidden-dsa-leaf':
    'CA/Browser Forum profile; TLS 1.3 has no DSA scheme and TLS 1.2 only where signature_algs lists it',
  'webpki::forbidden-rsa-not-divisible-by-8-in-root': 'CA/Browser Forum profile; the signature checks out',
  'webpki::ee-basicconstraints-ca': 'CA/Browser Forum profile; RFC 5280 lets a CA have a server certificate',
  'webpki::ca-as-leaf':
    'CA/Browser Forum profile; RFC 5280 lets a CA have a server certificate (rfc5280::ca-as-leaf)',
};
