/** Where the path validation is not OTP's, on purpose: each a rule over the first difference of the two event lists. */
import { type Certificate, CertificateError } from '../../packages/ssl/src/values/x509/certificate.js';
import { Tag } from '../../packages/ssl/src/values/x509/der.js';
import { Oid } from '../../packages/ssl/src/values/x509/oids.js';
import { signatureAlgorithmOf } from '../../packages/ssl/src/values/x509/signature-algorithm.js';

/** The first place where the lists differ; a list ends with `= verdict`. */
export interface Difference {
  readonly before: string | undefined;
  readonly ours: string | undefined;
  readonly otps: string | undefined;
  readonly chain: readonly Certificate[];
}

export interface Deviation {
  readonly why: string;
  /** Found by random chains beside OTP; the recording need not have a case of it. */
  readonly rare?: true;
  readonly applies: (difference: Difference) => boolean;
}

const policyExtension = /^extension:2\.5\.29\.(32|33|36|54):critical/;

/** The certificate an event is about; without a place in the event, any of the chain. */
function about(event: string | undefined, chain: readonly Certificate[]): readonly Certificate[] {
  const place = /@(\d+)$/.exec(event ?? '')?.[1];
  const certificate = place === undefined ? undefined : chain[Number(place)];
  return certificate === undefined ? chain : [certificate];
}

const is = (event: string | undefined, name: string): boolean => event?.startsWith(name) === true;

export const pkixDeviations: readonly Deviation[] = [
  {
    why: 'OTP lets a certificate without keyUsage issue; only CAs may (RFC 5280 §4.2.1.9)',
    applies: ({ chain, ours }) =>
      is(ours, 'bad_cert:missing_basic_constraint') && about(ours, chain).some((each) => !each.isCa),
  },
  {
    why: 'RFC 5280 §4.2: an extension must not stand twice',
    applies: ({ chain, ours }) =>
      is(ours, 'bad_cert:duplicate_extension') && about(ours, chain).some(repeatsItself),
  },
  {
    why: 'RFC 5280 §4.1.2.9: only version 3 has extensions; OTP takes those of version 2 and does not see those of version 1',
    applies: ({ chain, ours }) =>
      is(ours, 'bad_cert:extensions_before_version_3') &&
      about(ours, chain).some((each) => each.version !== 3 && each.extensions.length > 0),
  },
  {
    why: 'OTP has no policies and fails on critical policy extensions; we process them (RFC 5280 §6.1, RFC 9618)',
    applies: ({ before, otps }) =>
      policyExtension.test(before ?? '') && otps === '= unknown_critical_extension',
  },
  {
    why: 'OTP has no policies: a required policy that is not there passes',
    applies: ({ ours }) => is(ours, 'bad_cert:policy_requirement_not_met'),
  },
  {
    why: 'RFC 5280 §4.2.1.10: what excluded bases with a leading dot, wildcards, empty bases, mailboxes, URIs without a host and subtrees of several CAs mean',
    applies: ({ chain, otps, ours }) =>
      (is(ours, 'bad_cert:name_not_permitted') || is(otps, 'bad_cert:name_not_permitted')) &&
      chain.some((certificate) => certificate.find(Oid.nameConstraints) !== undefined),
  },
  {
    why: 'RFC 5280 §4.1.1.2: the inner and the outer signature algorithm have to be the same',
    applies: ({ chain, ours }) =>
      is(ours, 'bad_cert:invalid_signature') && about(ours, chain).some((each) => each.algorithmMismatch),
  },
  {
    why: "RFC 5280 §4.1.1.2: the signature algorithm is that of the issuer's key; OTP takes nothing but its hash",
    applies: ({ chain, ours }) =>
      is(ours, 'bad_cert:invalid_signature') &&
      about(ours, chain).some(
        (each) =>
          signatureAlgorithmOf(each.signatureAlgorithm)?.type === 'rsa_pkcs1' &&
          each.signature[0] === Tag.sequence,
      ),
  },
  {
    why: 'RSASSA-PSS with SHA-384 and SHA-512: OTP verifies with the parameters of the key, not of the signature',
    applies: ({ chain, otps }) =>
      is(otps, 'bad_cert:invalid_signature') &&
      about(otps, chain).some((each) => {
        const used = signatureAlgorithmOf(each.signatureAlgorithm);
        return used?.type === 'rsa_pss' && (used.hash === 'sha384' || used.hash === 'sha512');
      }),
  },
  {
    why: 'a critical subjectAltName is understood for its addresses too',
    applies: ({ chain, otps }) =>
      is(otps, 'extension:2.5.29.17:critical') &&
      about(otps, chain).some((each) => namesOf(each).includes('iPAddress')),
  },
  {
    why: 'RFC 5280 §7.1: country names are compared without case, as other names are; OTP compares their octets',
    rare: true,
    applies: ({ chain, otps }) =>
      is(otps, 'bad_cert:invalid_issuer') &&
      [...about(otps, chain).map(({ issuer }) => issuer), ...chain.map(({ subject }) => subject)].some(
        (name) => /[a-z]/.test(countryOf(name)),
      ),
  },
  {
    why: 'RFC 5280 §6.1.4 l: every certificate counts for the path length; OTP does not count one that is no CA',
    rare: true,
    applies: ({ chain, ours }) =>
      is(ours, 'bad_cert:max_path_length_reached') && chain.slice(0, -1).some((each) => !each.isCa),
  },
  {
    why: 'RFC 5280 §7.1: teletex strings are compared by their text, as OpenSSL does',
    applies: ({ chain, otps }) =>
      is(otps, 'bad_cert:invalid_issuer') &&
      about(otps, chain).some((each) => each.issuer.rdns.flat().some(({ tag }) => tag === Tag.teletexString)),
  },
];

function repeatsItself({ extensions }: Certificate): boolean {
  return new Set(extensions.map(({ oid }) => oid)).size < extensions.length;
}

function countryOf(name: Certificate['subject']): string {
  return name
    .valuesOf('2.5.4.6')
    .map(({ text }) => text)
    .join();
}

function namesOf(certificate: Certificate): string[] {
  try {
    return (certificate.subjectAltName ?? []).map(({ type }) => type);
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}
