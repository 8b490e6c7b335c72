/**
 * An X.509 certificate, read strictly and lazily (RFC 5280 §4).
 *
 * Construction walks the outer structure once and checks it; names, times and extensions are decoded when asked
 * for. A certificate is immutable and shared: parse through `parse-cache.ts`.
 */

import { hex } from '../hex.js';
import { sameBytes } from '../wire/same-bytes.js';
import { DerError, DerReader, decodeAll, explicit, implicit, Tag } from './der.js';
import { type AccessDescription, readAuthorityInfoAccess } from './extensions/authority-info-access.js';
import { type BasicConstraints, readBasicConstraints } from './extensions/basic-constraints.js';
import {
  type PolicyConstraints,
  type PolicyMapping,
  readCertificatePolicies,
  readInhibitAnyPolicy,
  readPolicyConstraints,
  readPolicyMappings,
} from './extensions/certificate-policies.js';
import { type DistributionPoint, readDistributionPoints } from './extensions/distribution-points.js';
import { readExtKeyUsage } from './extensions/ext-key-usage.js';
import type { GeneralName } from './extensions/general-name.js';
import {
  type AuthorityKeyIdentifier,
  readAuthorityKeyIdentifier,
  readSubjectKeyIdentifier,
} from './extensions/key-identifier.js';
import { type KeyUsage, readKeyUsage } from './extensions/key-usage.js';
import { type NameConstraints, readNameConstraints } from './extensions/name-constraints.js';
import { readAltNames } from './extensions/subject-alt-name.js';
import { readTlsFeature } from './extensions/tls-feature.js';
import { Name } from './name.js';
import { Oid } from './oids.js';

export { sameBytes };

/** One extension as it stands in a certificate or CRL. */
export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of extnValue: DER of the extension's own type. */
  readonly value: Uint8Array;
}

/** More extensions than this in one certificate are refused. */
const MAX_EXTENSIONS = 128;

/** Not a certificate; `cause` is the `DerError`. */
export class CertificateError extends Error {
  readonly code = 'asn1';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CertificateError';
  }
}

export class Certificate {
  readonly der: Uint8Array;
  /** The signed bytes. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Content octets of the serial number's INTEGER, two's complement. */
  readonly serial: Uint8Array;
  /** DER AlgorithmIdentifier, the outer one; the inner is checked to be the same unless `algorithmMismatch`. */
  readonly signatureAlgorithm: Uint8Array;
  /** RFC 5280 §4.1.1.2: both must be the same; OTP does not look, `path.ts` refuses. */
  readonly algorithmMismatch: boolean;
  readonly issuer: Name;
  readonly subject: Name;
  /** ms since 1970 */
  readonly notBefore: number;
  /** ms since 1970 */
  readonly notAfter: number;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** The signature's octets. */
  readonly signature: Uint8Array;
  readonly extensions: readonly Extension[];
  #decoded: { -readonly [K in keyof KnownExtensions]?: KnownExtensions[K] } | undefined;
  #selfIssued: boolean | undefined;

  /** Throws `CertificateError`. The bytes are kept, not copied. */
  constructor(der: Uint8Array) {
    this.der = der;
    try {
      const outer = new DerReader(der);
      const certificate = outer.open(Tag.sequence);
      outer.finish();
      this.tbs = certificate.elementOf(Tag.sequence);
      this.signatureAlgorithm = certificate.elementOf(Tag.sequence);
      this.signature = certificate.octetsOfBitString();
      certificate.finish();

      const tbs = new DerReader(this.tbs).open(Tag.sequence);
      const version = tbs.openOptional(explicit(0))?.smallInteger() ?? 0;
      if (version > 2) tbs.fail('unknown certificate version');
      this.version = version === 0 ? 1 : version === 1 ? 2 : 3;
      this.serial = tbs.integerBytes();
      this.algorithmMismatch = !sameBytes(tbs.elementOf(Tag.sequence), this.signatureAlgorithm);
      this.issuer = new Name(tbs.elementOf(Tag.sequence));
      const validity = tbs.open(Tag.sequence);
      this.notBefore = validity.time();
      this.notAfter = validity.time();
      validity.finish();
      const subject = new Name(tbs.elementOf(Tag.sequence));
      // A self-signed certificate decodes its one name once.
      this.subject = sameBytes(subject.raw, this.issuer.raw) ? this.issuer : subject;
      this.spki = tbs.elementOf(Tag.sequence);
      // Unique identifiers: never used, never forbidden (PKITS 4.3.6).
      if (tbs.peek() === implicit(1)) tbs.skip();
      if (tbs.peek() === implicit(2)) tbs.skip();
      const wrapped = tbs.openOptional(explicit(3));
      this.extensions = wrapped === undefined ? [] : readExtensions(wrapped);
      tbs.finish();
    } catch (error) {
      if (error instanceof DerError)
        throw new CertificateError(`not a certificate: ${error.message}`, { cause: error });
      throw error;
    }
  }

  /** RFC 5280 §6.1: subject and issuer are the same name. OTP calls this self-signed. */
  get selfIssued(): boolean {
    this.#selfIssued ??= this.subject.equals(this.issuer);
    return this.#selfIssued;
  }

  /** Lower-case hex of the serial number's octets. */
  get serialHex(): string {
    return hex(this.serial);
  }

  /** The first extension of that type. */
  find(oid: string): Extension | undefined {
    for (const extension of this.extensions) if (extension.oid === oid) return extension;
    return undefined;
  }

  /**
   * The first extension of a type that this module knows, decoded; `undefined` when absent. Throws
   * `CertificateError` when it is malformed.
   */
  decode<K extends keyof KnownExtensions>(oid: K): KnownExtensions[K] | undefined {
    this.#decoded ??= {};
    const known = this.#decoded[oid];
    if (known !== undefined) return known;
    const extension = this.find(oid);
    if (extension === undefined) return undefined;
    const value = decodeExtension(oid, extension.value);
    this.#decoded[oid] = value;
    return value;
  }

  get basicConstraints(): BasicConstraints | undefined {
    return this.decode(Oid.basicConstraints);
  }

  get keyUsage(): KeyUsage | undefined {
    return this.decode(Oid.keyUsage);
  }

  get subjectAltName(): readonly GeneralName[] | undefined {
    return this.decode(Oid.subjectAltName);
  }

  /** Whether it says that it is a CA; version 1 and 2 certificates cannot. */
  get isCa(): boolean {
    return this.basicConstraints?.ca === true;
  }
}

/** Decoded type of each extension that the stack reads. */
export interface KnownExtensions {
  readonly [Oid.basicConstraints]: BasicConstraints;
  readonly [Oid.keyUsage]: KeyUsage;
  readonly [Oid.extKeyUsage]: readonly string[];
  readonly [Oid.subjectAltName]: readonly GeneralName[];
  readonly [Oid.issuerAltName]: readonly GeneralName[];
  readonly [Oid.nameConstraints]: NameConstraints;
  readonly [Oid.certificatePolicies]: readonly string[];
  readonly [Oid.policyMappings]: readonly PolicyMapping[];
  readonly [Oid.policyConstraints]: PolicyConstraints;
  readonly [Oid.inhibitAnyPolicy]: number;
  readonly [Oid.authorityKeyIdentifier]: AuthorityKeyIdentifier;
  readonly [Oid.subjectKeyIdentifier]: Uint8Array;
  readonly [Oid.crlDistributionPoints]: readonly DistributionPoint[];
  readonly [Oid.freshestCrl]: readonly DistributionPoint[];
  readonly [Oid.authorityInfoAccess]: readonly AccessDescription[];
  readonly [Oid.tlsFeature]: readonly number[];
}

const readers: { readonly [K in keyof KnownExtensions]: (reader: DerReader) => KnownExtensions[K] } = {
  [Oid.basicConstraints]: readBasicConstraints,
  [Oid.keyUsage]: readKeyUsage,
  [Oid.extKeyUsage]: readExtKeyUsage,
  [Oid.subjectAltName]: readAltNames,
  [Oid.issuerAltName]: readAltNames,
  [Oid.nameConstraints]: readNameConstraints,
  [Oid.certificatePolicies]: readCertificatePolicies,
  [Oid.policyMappings]: readPolicyMappings,
  [Oid.policyConstraints]: readPolicyConstraints,
  [Oid.inhibitAnyPolicy]: readInhibitAnyPolicy,
  [Oid.authorityKeyIdentifier]: readAuthorityKeyIdentifier,
  [Oid.subjectKeyIdentifier]: readSubjectKeyIdentifier,
  [Oid.crlDistributionPoints]: readDistributionPoints,
  [Oid.freshestCrl]: readDistributionPoints,
  [Oid.authorityInfoAccess]: readAuthorityInfoAccess,
  [Oid.tlsFeature]: readTlsFeature,
};

export function isKnownExtension(oid: string): oid is keyof KnownExtensions {
  return Object.hasOwn(readers, oid);
}

function decodeExtension<K extends keyof KnownExtensions>(oid: K, value: Uint8Array): KnownExtensions[K] {
  try {
    return decodeAll(value, readers[oid]);
  } catch (error) {
    if (error instanceof DerError) {
      throw new CertificateError(`malformed extension ${oid}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/** Reads `Extensions` under the reader (the content of its explicit tag), of a certificate, a CRL or an entry of one. */
export function readExtensions(reader: DerReader): Extension[] {
  const sequence = reader.open(Tag.sequence);
  reader.finish();
  const extensions: Extension[] = [];
  while (!sequence.done) {
    const extension = sequence.open(Tag.sequence);
    const oid = extension.oid();
    const critical = extension.peek() === Tag.boolean ? extension.boolean() : false;
    const value = extension.content(Tag.octetString);
    extension.finish();
    extensions.push({ oid, critical, value });
    if (extensions.length > MAX_EXTENSIONS) sequence.fail('too many extensions');
  }
  return extensions;
}
