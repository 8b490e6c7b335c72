/**
 * Certificate revocation lists (RFC 5280 §5): reading. What they say about a certificate is `crl-validation.ts`.
 *
 * Lists reach many megabytes: entries are walked over, never collected.
 */
import type { PublicKey } from '../crypto/engine.js';
import { hex } from '../hex.js';
import { CertificateError, type Extension, readExtensions, sameBytes } from './certificate.js';
import { DerError, DerReader, decodeAll, explicit, Tag } from './der.js';
import {
  type IssuingDistributionPoint,
  type ReasonBit,
  readIssuingDistributionPoint,
} from './extensions/distribution-points.js';
import { type GeneralName, readGeneralNames } from './extensions/general-name.js';
import { type AuthorityKeyIdentifier, readAuthorityKeyIdentifier } from './extensions/key-identifier.js';
import { Generations } from './generations.js';
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
  readonly #signedBy: WeakMap<PublicKey, boolean> = new WeakMap();
  #scanned: Scan | undefined;

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

  /**
   * All entries of a serial number, each with the issuer that holds at its place. An indirect list may have it once
   * per issuer and is walked; of another list the first entry counts, found by an index.
   */
  *findAll(
    serial: Uint8Array,
  ): Generator<RevokedEntry & { readonly issuer: readonly GeneralName[] | undefined }, void, void> {
    if (this.issuingDistributionPoint?.indirectCRL !== true) {
      const line = this.#lookup(serial);
      if (line !== undefined) yield { ...readEntry(line.serial, line.extensions), issuer: undefined };
      return;
    }
    let issuer: readonly GeneralName[] | undefined;
    for (const line of this.#walk()) {
      const entry = readEntry(line.serial, line.extensions);
      issuer = entry.certificateIssuer ?? issuer;
      if (sameBytes(line.serial, serial)) yield { ...entry, issuer };
    }
  }

  /** Whether no critical extension, of the list or of any entry, is unknown (§5.2, §5.3). */
  get isUnderstood(): boolean {
    return this.#scan().understood;
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

  /** Whether that key signed the list; found out once, hashing megabytes takes long. */
  isSignedBy(key: PublicKey): boolean {
    const known = this.#signedBy.get(key);
    if (known !== undefined) return known;
    const algorithm = this.algorithmMismatch ? undefined : signatureAlgorithmOf(this.signatureAlgorithm);
    const answer = algorithm !== undefined && key.verify(algorithm, this.tbs, this.signature);
    this.#signedBy.set(key, answer);
    return answer;
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

  *#walk(): Generator<Line, void, void> {
    const revoked = this.#revoked;
    if (revoked === undefined) return;
    const reader = new DerReader(revoked.bytes, revoked.position, revoked.end);
    while (!reader.done) yield readLine(reader);
  }

  #lookup(serial: Uint8Array): Line | undefined {
    const revoked = this.#revoked;
    const { slots } = this.#scan();
    if (revoked === undefined || slots.length === 0) return undefined;
    const mask = slots.length - 1;
    for (let slot = hashOf(serial) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const line = readLine(new DerReader(revoked.bytes, slots[slot], revoked.end));
      if (sameBytes(line.serial, serial)) return line;
    }
    return undefined;
  }

  /** One pass over all entries: their places in a hash table, 8 to 16 bytes an entry, and whether all are understood. */
  #scan(): Scan {
    if (this.#scanned !== undefined) return this.#scanned;
    const isKnown = ({ critical, oid }: Extension): boolean => !critical || understood.has(oid);
    let all = this.extensions.every(isKnown);
    const positions: number[] = [];
    const hashes: number[] = [];
    const revoked = this.#revoked;
    if (revoked !== undefined) {
      const reader = new DerReader(revoked.bytes, revoked.position, revoked.end);
      while (!reader.done) {
        const position = reader.position;
        positions.push(position);
        const critical = scanLine(reader, hashes);
        // Critical extensions of entries are rare: those entries are read in full.
        if (critical && all) all = readLine(new DerReader(reader.bytes, position)).extensions.every(isKnown);
      }
    }
    const slots = new Int32Array(
      positions.length === 0 ? 0 : 2 ** Math.ceil(Math.log2(positions.length * 2 + 1)),
    );
    const mask = slots.length - 1;
    for (const [i, position] of positions.entries()) {
      let slot = (hashes[i] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = position;
    }
    this.#scanned = { understood: all, slots };
    return this.#scanned;
  }
}

interface Line {
  readonly serial: Uint8Array;
  readonly extensions: readonly Extension[];
}

interface Scan {
  readonly understood: boolean;
  /** Offsets of entries, 0 for a free slot; open addressing. */
  readonly slots: Int32Array;
}

function readLine(reader: DerReader): Line {
  try {
    const entry = reader.open(Tag.sequence);
    const serial = entry.integerBytes();
    entry.skip();
    return { serial, extensions: entry.done ? noExtensions : readExtensions(entry) };
  } catch (error) {
    throw wrapped(error, 'malformed CRL entry');
  }
}

/** Steps over an entry, notes the hash of its serial number, and answers whether it has a critical extension. */
function scanLine(reader: DerReader, hashes: number[]): boolean {
  try {
    const entry = reader.open(Tag.sequence);
    hashes.push(hashOf(entry.integerBytes()));
    entry.skip();
    if (entry.done) return false;
    const extensions = entry.open(Tag.sequence);
    let critical = false;
    while (!extensions.done) {
      const extension = extensions.open(Tag.sequence);
      extension.skip();
      if (extension.peek() === Tag.boolean) critical = true;
    }
    return critical;
  } catch (error) {
    throw wrapped(error, 'malformed CRL entry');
  }
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const octet of bytes) hash = Math.imul(hash ^ octet, 0x01000193);
  return hash >>> 0;
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

/** Lists by the identity of their bytes, as a cache in memory gives them out. */
const lists = new WeakMap<Uint8Array, RevocationList>();
/** A few by content: a directory is read again for each handshake. */
const recent = new Generations<string, RevocationList>(4);
/** bytes; larger lists are not kept by content */
const MAX_RECENT = 8 * 1024 * 1024;

/** The list of these bytes, parsed once. Throws `CertificateError`. */
export function revocationListOf(der: Uint8Array): RevocationList {
  const known = lists.get(der);
  if (known !== undefined) return known;
  const key = `${der.length}:${hex(der.subarray(-16))}`;
  const alike = recent.get(key);
  const list = alike !== undefined && sameBytes(alike.der, der) ? alike : new RevocationList(der);
  lists.set(der, list);
  if (der.length <= MAX_RECENT) recent.set(key, list);
  return list;
}
