/**
 * Throw-away certificates: a CA, intermediates, leaves and CRLs, made in memory (RFC 5280 §4, §5).
 *
 * Defaults give a chain that every peer accepts; each field can be bent, and `extensions` takes raw ones, so that
 * tests can build what no CA would issue. Keys and serial numbers are random: for tests and demonstrations only.
 */
import { isIPv4, isIPv6 } from 'node:net';
import type { HashName, SignatureAlgorithm } from '../values/crypto/engine.js';
import { type GeneratedKey, generateKey, type KeyKind } from '../values/crypto/key-generation.js';
import {
  bitString,
  bool,
  enumerated,
  explicit,
  ia5String,
  implicit,
  integer,
  namedBits,
  nullValue,
  octetString,
  oid,
  pem,
  printableString,
  sequence,
  setOf,
  time,
  tlv,
  utf8String,
} from './der-writer.js';

export type { GeneratedKey, KeyKind } from '../values/crypto/key-generation.js';
export { generateKey } from '../values/crypto/key-generation.js';

/** RFC 5280 §4.2.1.3, in bit order. */
export type KeyUsage =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly';

/** A GeneralName (RFC 5280 §4.2.1.6); a bare string is an IP address when it looks like one, else a DNS name. */
export type GeneralName =
  | string
  | { readonly dns: string }
  | { readonly ip: string }
  | { readonly email: string }
  | { readonly uri: string }
  | { readonly directory: DistinguishedName };

/** A common name, or attributes in order: `[['C', 'SE'], ['CN', 'host']]`; a key may be a dotted OID. */
export type DistinguishedName = string | readonly (readonly [attribute: string, value: string])[];

export interface RawExtension {
  /** dotted */
  readonly oid: string;
  readonly critical?: boolean;
  /** DER of the extension's own type. */
  readonly value: Uint8Array;
}

export interface CertificateOptions {
  /** Subject; default: the first name, or `actor-tls throw-away …`. */
  readonly subject?: DistinguishedName;
  /** subjectAltName; default for a leaf `localhost, 127.0.0.1, ::1`, for a CA none. */
  readonly names?: readonly GeneralName[];
  /** Kind of key to generate, or a key to use; default `ec`. */
  readonly key?: KeyKind | GeneratedKey;
  /** default: a day ago */
  readonly notBefore?: Date;
  /** default: in 30 days (leaf), in 10 years (CA) */
  readonly notAfter?: Date;
  /** default: 64 random bits */
  readonly serial?: bigint | number;
  /** Hash of the issuer's signature; default by the issuer's key. */
  readonly signatureHash?: HashName;
  /** Whether an RSA issuer signs with PKCS#1 v1.5 (default) or PSS. */
  readonly signaturePadding?: 'pkcs1' | 'pss';
  /** default: false for `issue`, true for `createCa` and `intermediate` */
  readonly ca?: boolean;
  readonly pathLength?: number;
  /** `'none'` leaves the extension out; default by `ca` and kind of key */
  readonly keyUsage?: readonly KeyUsage[] | 'none';
  /** `serverAuth`, `clientAuth`, `OCSPSigning`, `any`, or dotted OIDs; default for a leaf: server and client. */
  readonly extendedKeyUsage?: readonly string[] | 'none';
  readonly crlDistributionPoints?: readonly string[];
  readonly ocspResponders?: readonly string[];
  readonly caIssuers?: readonly string[];
  readonly permittedSubtrees?: readonly GeneralName[];
  readonly excludedSubtrees?: readonly GeneralName[];
  /** dotted policy OIDs */
  readonly policies?: readonly string[];
  readonly extensions?: readonly RawExtension[];
}

/** A certificate with its private key. */
export interface IssuedCertificate {
  /** DER */
  readonly cert: Uint8Array;
  /** DER PKCS#8 */
  readonly key: Uint8Array;
  readonly certPem: string;
  readonly keyPem: string;
  /** This certificate and the intermediates above it, DER, the root left out. */
  readonly chain: readonly Uint8Array[];
  readonly chainPem: string;
  readonly keyPair: GeneratedKey;
  readonly serial: bigint;
  /** DER Name */
  readonly subject: Uint8Array;
}

export interface RevokedEntry {
  readonly serial: bigint | number;
  /** default: now */
  readonly date?: Date;
  /** CRLReason's number (RFC 5280 §5.3.1) */
  readonly reason?: number;
}

export interface CrlOptions {
  readonly revoked?: readonly RevokedEntry[];
  readonly number?: bigint | number;
  readonly thisUpdate?: Date;
  /** default: in 7 days; `'none'` leaves it out */
  readonly nextUpdate?: Date | 'none';
  readonly extensions?: readonly RawExtension[];
}

export interface CertificateAuthority extends IssuedCertificate {
  issue(options?: CertificateOptions): IssuedCertificate;
  /** A CA below this one. */
  intermediate(options?: CertificateOptions): CertificateAuthority;
  /** A signed CRL, DER. */
  crl(options?: CrlOptions): Uint8Array;
}

/** A self-signed CA. */
export function createCa(options: CertificateOptions = {}): CertificateAuthority {
  const whole = { subject: 'actor-tls throw-away CA', ca: true, ...options };
  const keyPair = keyOf(options.key);
  return authority(certificate(whole, keyPair, undefined), 'root');
}

/** A certificate that signs itself and is no CA unless asked. */
export function selfSigned(options: CertificateOptions = {}): IssuedCertificate {
  return certificate(options, keyOf(options.key), undefined);
}

interface Issuer {
  readonly keyPair: GeneratedKey;
  readonly subject: Uint8Array;
  readonly chain: readonly Uint8Array[];
}

function authority(own: IssuedCertificate, place: 'root' | 'intermediate'): CertificateAuthority {
  const issuer: Issuer = { ...own, chain: place === 'root' ? [] : own.chain };
  return {
    ...own,
    issue: (options = {}) => certificate(options, keyOf(options.key), issuer),
    intermediate: (options = {}) =>
      authority(
        certificate(
          { subject: 'actor-tls throw-away intermediate', ca: true, ...options },
          keyOf(options.key),
          issuer,
        ),
        'intermediate',
      ),
    crl: (options = {}) => revocationList(options, own),
  };
}

const day = 86_400_000;

function keyOf(key: KeyKind | GeneratedKey | undefined): GeneratedKey {
  if (key === undefined) return generateKey('ec');
  return typeof key === 'object' && 'pkcs8' in key ? key : generateKey(key);
}

function certificate(
  options: CertificateOptions,
  keyPair: GeneratedKey,
  issuer: Issuer | undefined,
): IssuedCertificate {
  const isCa = options.ca ?? false;
  const names = options.names ?? (isCa ? [] : ['localhost', '127.0.0.1', '::1']);
  const subject = distinguishedName(options.subject ?? commonNameFrom(names));
  const signer = issuer ?? { keyPair, subject, chain: [] };
  const serial = BigInt(options.serial ?? randomSerial());
  const signature = signatureAlgorithm(signer.keyPair, options.signatureHash, options.signaturePadding);
  const now = Date.now();
  // RFC 5280 §4.1
  const toBeSigned = sequence(
    explicit(0, integer(2)),
    integer(serial),
    signature.identifier,
    signer.subject,
    sequence(
      time(options.notBefore ?? new Date(now - day)),
      time(options.notAfter ?? new Date(now + (isCa ? 3650 : 30) * day)),
    ),
    subject,
    keyPair.spki,
    explicit(3, sequence(...extensionsOf(options, isCa, names, keyPair, signer.keyPair))),
  );
  const cert = sequence(
    toBeSigned,
    signature.identifier,
    bitString(signer.keyPair.sign(signature.algorithm, toBeSigned)),
  );
  const chain = [cert, ...signer.chain];
  return {
    cert,
    key: keyPair.pkcs8,
    certPem: pem('CERTIFICATE', cert),
    keyPem: pem('PRIVATE KEY', keyPair.pkcs8),
    chain,
    chainPem: chain.map((der) => pem('CERTIFICATE', der)).join(''),
    keyPair,
    serial,
    subject,
  };
}

function extensionsOf(
  options: CertificateOptions,
  isCa: boolean,
  names: readonly GeneralName[],
  keyPair: GeneratedKey,
  signerKey: GeneratedKey,
): Uint8Array[] {
  const list: Uint8Array[] = [];
  const add = (id: string, critical: boolean, value: Uint8Array): void => {
    list.push(extension({ oid: id, critical, value }));
  };
  if (isCa) {
    const pathLength = options.pathLength === undefined ? [] : [integer(options.pathLength)];
    add('2.5.29.19', true, sequence(bool(true), ...pathLength));
  }
  const usage = options.keyUsage ?? defaultKeyUsage(isCa, keyPair);
  if (usage !== 'none') add('2.5.29.15', true, namedBits(usage.map((bit) => keyUsageBits.indexOf(bit))));
  const purposes = options.extendedKeyUsage ?? (isCa ? 'none' : ['serverAuth', 'clientAuth']);
  if (purposes !== 'none') {
    add('2.5.29.37', false, sequence(...purposes.map((purpose) => oid(purposeOids[purpose] ?? purpose))));
  }
  if (names.length > 0) add('2.5.29.17', false, sequence(...names.map(generalName)));
  add('2.5.29.14', false, octetString(keyIdentifier(keyPair)));
  add('2.5.29.35', false, sequence(implicit(0, keyIdentifier(signerKey))));
  if (options.crlDistributionPoints !== undefined) {
    const points = options.crlDistributionPoints.map((uri) =>
      sequence(explicit(0, explicit(0, generalName({ uri })))),
    );
    add('2.5.29.31', false, sequence(...points));
  }
  if (options.ocspResponders !== undefined || options.caIssuers !== undefined) {
    const access = (method: string) => (uri: string) => sequence(oid(method), generalName({ uri }));
    add(
      '1.3.6.1.5.5.7.1.1',
      false,
      sequence(
        ...(options.ocspResponders ?? []).map(access('1.3.6.1.5.5.7.48.1')),
        ...(options.caIssuers ?? []).map(access('1.3.6.1.5.5.7.48.2')),
      ),
    );
  }
  if (options.permittedSubtrees !== undefined || options.excludedSubtrees !== undefined) {
    add(
      '2.5.29.30',
      true,
      sequence(...subtrees(0, options.permittedSubtrees), ...subtrees(1, options.excludedSubtrees)),
    );
  }
  if (options.policies !== undefined) {
    add('2.5.29.32', false, sequence(...options.policies.map((policy) => sequence(oid(policy)))));
  }
  return [...list, ...(options.extensions ?? []).map(extension)];
}

function extension({ oid: id, critical = false, value }: RawExtension): Uint8Array {
  return sequence(oid(id), ...(critical ? [bool(true)] : []), octetString(value));
}

const keyUsageBits: readonly KeyUsage[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

function defaultKeyUsage(isCa: boolean, key: GeneratedKey): readonly KeyUsage[] {
  if (isCa) return ['keyCertSign', 'cRLSign'];
  return key.algorithm === 'rsa' ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature'];
}

const purposeOids: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  OCSPSigning: '1.3.6.1.5.5.7.3.9',
};

/**
 * RFC 5280 §4.2.1.2 suggests SHA-1 of the key; any value that is the same for the same key serves. The first 20
 * bytes of an EC point or the tail of other keys are as unique and need no hash here.
 */
function keyIdentifier(key: GeneratedKey): Uint8Array {
  return key.spki.slice(-20);
}

/** RFC 5280 §4.2.1.10: an IP constraint is address and mask, `10.0.0.0/255.0.0.0`. */
function subtrees(tag: number, names: readonly GeneralName[] | undefined): Uint8Array[] {
  if (names === undefined) return [];
  return [explicit(tag, ...names.map((name) => sequence(generalName(name))))];
}

function generalName(name: GeneralName): Uint8Array {
  if (typeof name === 'string') {
    return isIPv4(name) || isIPv6(name) ? generalName({ ip: name }) : generalName({ dns: name });
  }
  if ('email' in name) return implicit(1, text(name.email));
  if ('dns' in name) return implicit(2, text(name.dns));
  if ('directory' in name) return explicit(4, distinguishedName(name.directory));
  if ('uri' in name) return implicit(6, text(name.uri));
  return implicit(7, Uint8Array.from(name.ip.split('/').flatMap(addressBytes)));
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function addressBytes(address: string): number[] {
  if (isIPv4(address)) return address.split('.').map(Number);
  const [head = '', tail] = address.split('::');
  const groups = (part: string): number[] =>
    part === ''
      ? []
      : part.split(':').flatMap((group) => {
          const value = Number.parseInt(group, 16);
          return [value >> 8, value & 0xff];
        });
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  return [...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back];
}

function commonNameFrom(names: readonly GeneralName[]): string {
  const first = names.find((name) => typeof name === 'string');
  return first ?? 'actor-tls throw-away certificate';
}

const attributeOids: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  serialNumber: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  emailAddress: '1.2.840.113549.1.9.1',
  DC: '0.9.2342.19200300.100.1.25',
};

function distinguishedName(name: DistinguishedName): Uint8Array {
  const attributes = typeof name === 'string' ? [['CN', name] as const] : name;
  return sequence(
    ...attributes.map(([attribute, value]) =>
      setOf(sequence(oid(attributeOids[attribute] ?? attribute), attributeValue(attribute, value))),
    ),
  );
}

/** The string types that RFC 5280 appendix A prescribes. */
function attributeValue(attribute: string, value: string): Uint8Array {
  switch (attribute) {
    case 'C':
    case 'serialNumber':
      return printableString(value);
    case 'emailAddress':
    case 'DC':
      return ia5String(value);
    default:
      return utf8String(value);
  }
}

/** 63 bits, never zero: positive and far below the 20 octets of RFC 5280 §4.1.2.2. */
function randomSerial(): bigint {
  return (
    BigInt(1 + Math.floor(Math.random() * 0x7fff_fffe)) * 0x1_0000_0000n + BigInt(Date.now() % 0xffff_ffff)
  );
}

function signatureAlgorithm(
  key: GeneratedKey,
  chosenHash: HashName | undefined,
  padding: 'pkcs1' | 'pss' | undefined,
): { algorithm: SignatureAlgorithm; identifier: Uint8Array } {
  switch (key.algorithm) {
    case 'ed25519':
      return { algorithm: { type: 'ed25519' }, identifier: sequence(oid('1.3.101.112')) };
    case 'ed448':
      return { algorithm: { type: 'ed448' }, identifier: sequence(oid('1.3.101.113')) };
    case 'ec': {
      const hash = chosenHash ?? ecHash(key.curve);
      return { algorithm: { type: 'ecdsa', hash }, identifier: sequence(oid(ecdsaOids[hash])) };
    }
    case 'dsa': {
      const hash = chosenHash ?? 'sha256';
      return { algorithm: { type: 'dsa', hash }, identifier: sequence(oid(dsaOids[hash])) };
    }
    case 'rsa':
    case 'rsa_pss': {
      const hash = chosenHash ?? 'sha256';
      if (key.algorithm === 'rsa' && padding !== 'pss') {
        return {
          algorithm: { type: 'rsa_pkcs1', hash },
          identifier: sequence(oid(rsaOids[hash]), nullValue),
        };
      }
      return {
        algorithm: { type: 'rsa_pss', hash, mgfHash: hash, saltLength: hashLengths[hash] },
        identifier: pssIdentifier(hash),
      };
    }
  }
}

function ecHash(curve: string | undefined): HashName {
  switch (curve) {
    case 'secp384r1':
    case 'brainpoolP384r1':
      return 'sha384';
    case 'secp521r1':
    case 'brainpoolP512r1':
      return 'sha512';
    default:
      return 'sha256';
  }
}

/** RFC 4055 §3.1: hash, MGF1 with the same hash, salt as long as the hash. */
function pssIdentifier(hash: HashName): Uint8Array {
  const hashIdentifier = sequence(oid(hashOids[hash]), nullValue);
  return sequence(
    oid('1.2.840.113549.1.1.10'),
    sequence(
      explicit(0, hashIdentifier),
      explicit(1, sequence(oid('1.2.840.113549.1.1.8'), hashIdentifier)),
      explicit(2, integer(hashLengths[hash])),
    ),
  );
}

type PerHash<T> = Readonly<Record<HashName, T>>;
const hashLengths: PerHash<number> = { md5: 16, sha: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 };
const hashOids: PerHash<string> = {
  md5: '1.2.840.113549.2.5',
  sha: '1.3.14.3.2.26',
  sha224: '2.16.840.1.101.3.4.2.4',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
const rsaOids: PerHash<string> = {
  md5: '1.2.840.113549.1.1.4',
  sha: '1.2.840.113549.1.1.5',
  sha224: '1.2.840.113549.1.1.14',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
};
/** MD5 has no ECDSA or DSA identifier; SHA-1's stands in so that the table is whole. */
const ecdsaOids: PerHash<string> = {
  md5: '1.2.840.10045.4.1',
  sha: '1.2.840.10045.4.1',
  sha224: '1.2.840.10045.4.3.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
};
const dsaOids: PerHash<string> = {
  md5: '1.2.840.10040.4.3',
  sha: '1.2.840.10040.4.3',
  sha224: '2.16.840.1.101.3.4.3.1',
  sha256: '2.16.840.1.101.3.4.3.2',
  sha384: '2.16.840.1.101.3.4.3.3',
  sha512: '2.16.840.1.101.3.4.3.4',
};

/** RFC 5280 §5.1 */
function revocationList(options: CrlOptions, issuer: IssuedCertificate): Uint8Array {
  const signature = signatureAlgorithm(issuer.keyPair, undefined, undefined);
  const now = Date.now();
  const nextUpdate = options.nextUpdate ?? new Date(now + 7 * day);
  const revoked = (options.revoked ?? []).map((entry) =>
    sequence(
      integer(entry.serial),
      time(entry.date ?? new Date(now)),
      ...(entry.reason === undefined
        ? []
        : [sequence(extension({ oid: '2.5.29.21', value: enumerated(entry.reason) }))]),
    ),
  );
  const extensions = [
    extension({ oid: '2.5.29.35', value: sequence(implicit(0, keyIdentifier(issuer.keyPair))) }),
    extension({ oid: '2.5.29.20', value: integer(options.number ?? 1) }),
    ...(options.extensions ?? []).map(extension),
  ];
  const toBeSigned = sequence(
    integer(1),
    signature.identifier,
    issuer.subject,
    time(options.thisUpdate ?? new Date(now - day)),
    ...(nextUpdate === 'none' ? [] : [time(nextUpdate)]),
    // One piece: a hundred thousand arguments are too many for a call.
    ...(revoked.length === 0 ? [] : [sequence(Buffer.concat(revoked))]),
    explicit(0, sequence(...extensions)),
  );
  return sequence(
    toBeSigned,
    signature.identifier,
    tlv(0x03, Uint8Array.of(0), issuer.keyPair.sign(signature.algorithm, toBeSigned)),
  );
}
