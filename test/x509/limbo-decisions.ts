/**
 * What we accept although limbo wants a failure: rules, each a decision with its reason. A rule is asked only about
 * a case that was accepted; when its example no longer needs it, the suite fails.
 */
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { type Certificate, sameBytes } from '../../packages/ssl/src/values/x509/certificate.js';
import type { RevocationList } from '../../packages/ssl/src/values/x509/crl.js';
import { KeyUsageBit } from '../../packages/ssl/src/values/x509/extensions/key-usage.js';
import { AttributeType } from '../../packages/ssl/src/values/x509/name.js';
import { Oid } from '../../packages/ssl/src/values/x509/oids.js';
import { publicKeyOf } from '../../packages/ssl/src/values/x509/parse-cache.js';

/** What a case hands over. */
export interface Material {
  readonly peer: Certificate;
  readonly intermediates: readonly Certificate[];
  readonly roots: readonly Certificate[];
  readonly lists: readonly RevocationList[];
}

export interface Decision {
  readonly why: string;
  /** A case of limbo that needs the rule. */
  readonly example: string;
  readonly applies: (material: Material) => boolean;
}

const all = ({ intermediates, peer, roots }: Material): Certificate[] => [peer, ...intermediates, ...roots];
const issuers = ({ intermediates, roots }: Material): Certificate[] => [...intermediates, ...roots];
const dnsNames = ({ peer }: Material): string[] =>
  (peer.subjectAltName ?? []).flatMap((name) => (name.type === 'dNSName' ? [name.text] : []));

/** Alternative names as a common name would spell them. */
function spelt({ peer }: Material): string[] {
  return (peer.subjectAltName ?? []).flatMap((name) => {
    if (name.type === 'dNSName') return [name.text];
    if (name.type !== 'iPAddress') return [];
    if (name.address.length === 4) return [name.address.join('.')];
    const groups = Buffer.from(name.address).toString('hex').match(/.{4}/g) ?? [];
    return [new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)];
  });
}

const binds = (section: string, what: string): string => `RFC 5280 §${section} binds the CA; ${what}`;
const profile = (what: string): string => `CA/Browser Forum profile; ${what}`;

export const decisions: readonly Decision[] = [
  {
    why: binds('4.2.1.1', 'without the identifier a path is found by name and signature'),
    example: 'rfc5280::aki::leaf-missing-aki',
    applies: (material) =>
      all(material).some((each) => !each.selfIssued && each.decode(Oid.authorityKeyIdentifier) === undefined),
  },
  {
    why: binds('4.2.1.2', 'without the identifier a path is found by name and signature'),
    example: 'rfc5280::ski::root-missing-ski',
    applies: (material) =>
      issuers(material).some((each) => each.decode(Oid.subjectKeyIdentifier) === undefined),
  },
  {
    why: binds('4.2.1.9', 'constraints that are not critical are obeyed all the same'),
    example: 'rfc5280::root-non-critical-basic-constraints',
    applies: (material) =>
      issuers(material).some((each) => each.find(Oid.basicConstraints)?.critical === false),
  },
  {
    why: binds('4.2.1.10', 'constraints that are not critical are obeyed all the same'),
    example: 'rfc5280::nc::permitted-dns-match-noncritical',
    applies: (material) =>
      issuers(material).some((each) => each.find(Oid.nameConstraints)?.critical === false),
  },
  {
    why: binds('4.2.1.10', 'constraints in the last certificate constrain nothing'),
    example: 'rfc5280::nc::not-allowed-in-ee-critical',
    applies: ({ peer }) => peer.find(Oid.nameConstraints) !== undefined,
  },
  {
    why: binds('4.2.1.11', 'constraints that are not critical are obeyed all the same'),
    example: 'rfc5280::pc::ica-noncritical-pc',
    applies: (material) =>
      issuers(material).some((each) => each.find(Oid.policyConstraints)?.critical === false),
  },
  {
    why: binds('4.2.1.9', 'a certificate that is no CA signs nothing, whatever its key usage says'),
    example: 'rfc5280::leaf-ku-keycertsign',
    applies: ({ peer }) => !peer.isCa && ((peer.keyUsage ?? 0) & KeyUsageBit.keyCertSign) !== 0,
  },
  {
    why: binds('4.2.1.6', 'alternative names count whether critical or not'),
    example: 'rfc5280::san::noncritical-with-empty-subject',
    applies: ({ peer }) => {
      const names = peer.find(Oid.subjectAltName);
      return names !== undefined && names.critical !== peer.subject.isEmpty;
    },
  },
  {
    why: 'such host names are in use, and equality with the name asked for is what counts',
    example: 'rfc5280::san::underscore-dns',
    applies: (material) => dnsNames(material).some((name) => name.includes('_')),
  },
  {
    why: binds(
      '4.1.2.2',
      'serial numbers out of its range are to be handled gracefully; they are compared, no more',
    ),
    example: 'rfc5280::serial::zero',
    applies: (material) =>
      all(material).some(({ serial }) => serial.length > 20 || serial.every((octet) => octet === 0)),
  },
  {
    why: binds('5.2.3', 'the number orders lists and is needed for delta lists only'),
    example: 'crl::crlnumber-missing',
    applies: ({ lists }) =>
      lists.some(({ extensions }) => extensions.find(({ oid }) => oid === Oid.crlNumber)?.critical !== false),
  },
  {
    why: profile("a root's own identifiers are not used"),
    example: 'webpki::aki::root-with-aki-ski-mismatch',
    applies: ({ roots }) => roots.some(hasOddIdentifiers),
  },
  {
    why: profile('the purpose asked for is named, or none is (RFC 5280 §4.2.1.12)'),
    example: 'webpki::eku::ee-anyeku',
    applies: ({ peer }) => {
      const purposes = peer.decode(Oid.extKeyUsage);
      return (
        purposes === undefined ||
        purposes.includes(Oid.anyExtendedKeyUsage) ||
        peer.find(Oid.extKeyUsage)?.critical === true
      );
    },
  },
  {
    why: profile("a root's extKeyUsage is obeyed and allows the purpose"),
    example: 'webpki::eku::root-has-eku',
    applies: ({ roots }) => roots.some((root) => root.find(Oid.extKeyUsage) !== undefined),
  },
  {
    why: 'needs a list of public suffixes; neither OTP nor we have one',
    example: 'webpki::san::public-suffix-multi-label-wildcard-san',
    applies: (material) =>
      dnsNames(material).some((name) => /^\*\.(co\.[a-z]{2}|s3\.amazonaws\.com)$/.test(name)),
  },
  {
    why: 'contract §10: OTP falls back to the common name where there is no alternative name',
    example: 'webpki::san::no-san',
    applies: ({ peer }) => peer.find(Oid.subjectAltName) === undefined,
  },
  {
    why: profile('a common name beside alternative names is not looked at'),
    example: 'webpki::cn::case-mismatch',
    applies: (material) => {
      const { peer } = material;
      const names = spelt(material);
      return (
        names.length > 0 &&
        peer.subject.valuesOf(AttributeType.commonName).some(({ text = '' }) => !names.includes(text))
      );
    },
  },
  {
    why: profile(
      'what keys are for signature_algs(_cert) and the choice of roots to say; only breakable ones are refused',
    ),
    example: 'webpki::forbidden-p192-root',
    applies: (material) => all(material).some(hasForbiddenKey),
  },
  {
    why: profile('RFC 5280 lets a CA have a server certificate (rfc5280::ca-as-leaf)'),
    example: 'webpki::ca-as-leaf',
    applies: ({ peer }) => peer.isCa,
  },
];

/** Anything but the key identifier of its own key. */
function hasOddIdentifiers(root: Certificate): boolean {
  const identifier = root.decode(Oid.authorityKeyIdentifier);
  if (identifier === undefined) return false;
  const { issuer, keyIdentifier, serial } = identifier;
  const own = root.decode(Oid.subjectKeyIdentifier);
  return (
    issuer !== undefined ||
    serial !== undefined ||
    keyIdentifier === undefined ||
    own === undefined ||
    !sameBytes(keyIdentifier, own)
  );
}

/** Baseline Requirements §6.1.5: RSA from 2048 bits in whole octets, P-256, P-384, P-521. */
function hasForbiddenKey(certificate: Certificate): boolean {
  const key = publicKeyOf(certificate, defaultEngine);
  if (key === undefined) return true;
  const { algorithm, bits } = key;
  switch (algorithm) {
    case 'rsa':
    case 'rsa_pss':
      return bits < 2048 || bits % 8 !== 0;
    case 'ec':
      return bits < 256;
    default:
      return true;
  }
}
