/**
 * Certificate revocation lists (RFC 5280 §5): reading. What they say about a certificate is `crl-validation.ts`.
 *
 * Lists reach many megabytes: entries are walked over, never collected.
 */
import type { PublicKey } from '../crypto/engine.js';
import { CertificateError, type Extension, readExtensions, sameBytes } from './certificate.js';
import { DerError, DerReader, decodeAll, explicit, Tag } from './der.js';
import {
  type IssuingDistributionPoint,
  type ReasonBit,
  readIssuingDistributionPoint,
} from './extensions/distribution-points.js';
import { type GeneralName, readGeneralNames } from './extensions/general-name.js';
import { type AuthorityKeyIdentifier, readAuthorityKeyIdentifier } from './extensions/key-identifier.js';
import { Name } from './name.js';
import { Oid } from './oids.js';
import { signatureAlgorithmOf } from './signature-algorithm.js';

/** CRLReason (RFC 5280 §5.3.1) in OTP's atoms. */
export type CrlReason = keyof typeof ReasonBit | 'removeFromCRL';

const reasons: readonly (CrlReason | undefined)[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
];

/** One line of a list. */
export interface RevokedEntry {
  readonly serial: Uint8Array;
  readonly reason: CrlReason;
  /** The entry's own certificateIssuer (§5.3.3); it holds for the entries after it too. */
  readonly certificateIssuer: readonly GeneralName[] | undefined;
}

/** Extensions that may be critical in a list or an entry, as OTP has them. */
const understood: ReadonlySet<string> = new Set([
  Oid.authorityKeyIdentifier,
  Oid.issuerAltName,
  Oid.crlNumber,
  Oid.certificateIssuer,
  Oid.deltaCrlIndicator,
  Oid.issuingDistributionPoint,
  Oid.freshestCrl,
]);

export class RevocationList {
  readonly der: Uint8Array;
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
  readonly algorithmMismatch: boolean;
  readonly signature: Uint8Array;
  readonly issuer: Name;
  /** ms since 1970 */
  readonly thisUpdate: number;
  /** ms since 1970 */
  readonly nextUpdate: number | undefined;
  readonly extensions: readonly Extension[];
  /** Content of revokedCertificates, or `undefined` when the list is empty. */
  readonly #revoked: DerReader | undefined;
  #understood: boolean | undefined;

  /** Throws `CertificateError`. The bytes are kept, not copied. */
  constructor(der: Uint8Array) {
    this.der = der;
    try {
      const outer = new DerReader(der);
      const list = outer.open(Tag.sequence);
      outer.finish();
      this.tbs = list.elementOf(Tag.sequence);
      this.signatureAlgorithm = list.elementOf(Tag.sequence);
      this.signature = list.octetsOfBitString();
      list.finish();
      const tbs = new DerReader(this.tbs).open(Tag.sequence);
      const version = tbs.peek() === Tag.integer ? tbs.smallInteger() : 0;
      if (version > 1) tbs.fail('unknown CRL version');
      this.algorithmMismatch = !sameBytes(tbs.elementOf(Tag.sequence), this.signatureAlgorithm);
      this.issuer = new Name(tbs.elementOf(Tag.sequence));
      this.thisUpdate = tbs.time();
      this.nextUpdate =
        tbs.peek() === Tag.utcTime || tbs.peek() === Tag.generalizedTime ? tbs.time() : undefined;
      this.#revoked = tbs.openOptional(Tag.sequence);
      const wrapped = tbs.openOptional(explicit(0));
      this.extensions = wrapped === undefined ? [] : readExtensions(wrapped);
      tbs.finish();
      // Names decode when asked for; whoever holds a list shall not meet a malformed one later.
      this.issuer.key;
    } catch (error) {
      throw wrapped(error, 'not a CRL');
    }
  }

  /** Every entry in order. Throws `CertificateError` when one is malformed. */
  *entries(): Generator<RevokedEntry, void, void> {
    for (const { serial, extensions } of this.#walk()) yield readEntry(serial, extensions);
  }

  /** The entry of a serial number, with the certificate issuer that holds at that place. */
  find(
    serial: Uint8Array,
  ): (RevokedEntry & { readonly issuer: readonly GeneralName[] | undefined }) | undefined {
    for (const entry of this.findAll(serial)) return entry;
    return undefined;
  }

  /** All entries of a serial number: an indirect list may have it once per issuer. */
  *findAll(
    serial: Uint8Array,
  ): Generator<RevokedEntry & { readonly issuer: readonly GeneralName[] | undefined }, void, void> {
    const indirect = this.issuingDistributionPoint?.indirectCRL === true;
    let issuer: readonly GeneralName[] | undefined;
    for (const line of this.#walk()) {
      const here = sameBytes(line.serial, serial);
      // Only indirect lists name issuers; for the others nothing but the serial number is looked at.
      if (!indirect && !here) continue;
      const entry = readEntry(line.serial, line.extensions);
      issuer = entry.certificateIssuer ?? issuer;
      if (here) yield { ...entry, issuer };
    }
  }

  /** Whether no critical extension, of the list or of any entry, is unknown (§5.2, §5.3). */
  get isUnderstood(): boolean {
    this.#understood ??= this.#checkUnderstood();
    return this.#understood;
  }

  extension(oid: string): Uint8Array | undefined {
    return this.extensions.find((extension) => extension.oid === oid)?.value;
  }

  get issuingDistributionPoint(): IssuingDistributionPoint | undefined {
    return this.#decode(Oid.issuingDistributionPoint, readIssuingDistributionPoint);
  }

  get authorityKeyIdentifier(): AuthorityKeyIdentifier | undefined {
    return this.#decode(Oid.authorityKeyIdentifier, readAuthorityKeyIdentifier);
  }

  get crlNumber(): bigint | undefined {
    return this.#decode(Oid.crlNumber, (reader) => reader.integer());
  }

  /** Number of the base that a delta list goes with; `undefined` for a complete list. */
  get baseCrlNumber(): bigint | undefined {
    return this.#decode(Oid.deltaCrlIndicator, (reader) => reader.integer());
  }

  get isDelta(): boolean {
    return this.extension(Oid.deltaCrlIndicator) !== undefined;
  }

  /** Whether that key signed the list. */
  isSignedBy(key: PublicKey): boolean {
    const algorithm = this.algorithmMismatch ? undefined : signatureAlgorithmOf(this.signatureAlgorithm);
    return algorithm !== undefined && key.verify(algorithm, this.tbs, this.signature);
  }

  #decode<T>(oid: string, read: (reader: DerReader) => T): T | undefined {
    const value = this.extension(oid);
    if (value === undefined) return undefined;
    try {
      return decodeAll(value, read);
    } catch (error) {
      throw wrapped(error, `malformed extension ${oid}`);
    }
  }

  *#walk(): Generator<
    { readonly serial: Uint8Array; readonly extensions: readonly Extension[] },
    void,
    void
  > {
    const revoked = this.#revoked;
    if (revoked === undefined) return;
    const reader = new DerReader(revoked.bytes, revoked.position, revoked.end);
    try {
      while (!reader.done) {
        const entry = reader.open(Tag.sequence);
        const serial = entry.integerBytes();
        entry.skip();
        const extensions = entry.done ? noExtensions : readExtensions(entry);
        yield { serial, extensions };
      }
    } catch (error) {
      throw wrapped(error, 'malformed CRL entry');
    }
  }

  #checkUnderstood(): boolean {
    const isKnown = ({ critical, oid }: Extension): boolean => !critical || understood.has(oid);
    if (!this.extensions.every(isKnown)) return false;
    for (const { extensions } of this.#walk()) if (!extensions.every(isKnown)) return false;
    return true;
  }
}

const noExtensions: readonly Extension[] = [];

function readEntry(serial: Uint8Array, extensions: readonly Extension[]): RevokedEntry {
  try {
    return decodeEntry(serial, extensions);
  } catch (error) {
    throw wrapped(error, 'malformed CRL entry');
  }
}

function decodeEntry(serial: Uint8Array, extensions: readonly Extension[]): RevokedEntry {
  let reason: CrlReason = 'unspecified';
  let certificateIssuer: readonly GeneralName[] | undefined;
  for (const { oid, value } of extensions) {
    if (oid === Oid.crlReason) reason = decodeAll(value, (reader) => crlReasonOf(reader));
    if (oid === Oid.certificateIssuer) {
      certificateIssuer = decodeAll(value, (reader) => readGeneralNames(reader.open(Tag.sequence)));
    }
  }
  return { serial, reason, certificateIssuer };
}

/** Reads a CRLReason. Throws `DerError`. */
export function crlReasonOf(reader: DerReader): CrlReason {
  return reasons[reader.smallInteger(Tag.enumerated)] ?? reader.fail('unknown CRL reason');
}

function wrapped(error: unknown, what: string): unknown {
  return error instanceof DerError
    ? new CertificateError(`${what}: ${error.message}`, { cause: error })
    : error;
}

const lists = new WeakMap<Uint8Array, RevocationList>();

/** The list of these very bytes (by identity, they are large); parsed once. Throws `CertificateError`. */
export function revocationListOf(der: Uint8Array): RevocationList {
  const known = lists.get(der);
  if (known !== undefined) return known;
  const list = new RevocationList(der);
  lists.set(der, list);
  return list;
}
