/**
 * Path validation: RFC 5280 §6.1 in the order, events and reasons of OTP's `public_key:pkix_path_validation/3`
 * (contract §7.2, §7.3).
 *
 * A generator: it yields each event of OTP's `verify_fun` and is told the answer, so that it stays pure and
 * synchronous whoever answers, and whenever. What OTP lacks or has wrong is done by the RFC: policies (RFC 9618),
 * name constraints of every type, CA certificates without basicConstraints, repeated extensions.
 */
import type { CryptoEngine, PublicKey } from '../crypto/engine.js';
import { type Certificate, type Extension, isKnownExtension } from './certificate.js';
import { DerError, DerReader, Tag } from './der.js';
import { encodeElement } from './der-writer.js';
import type { GeneralName } from './extensions/general-name.js';
import { KeyUsageBit } from './extensions/key-usage.js';
import { defaultMinKeySize, weaknessOf } from './key-strength.js';
import { ConstraintSet } from './name-constraints.js';
import { Oid } from './oids.js';
import { importKey, isSignedBy, publicKeyOf } from './parse-cache.js';
import { anyPolicyInputs, PolicyGraph, type PolicyInputs } from './policy-graph.js';
import { Work } from './work.js';

/** R of OTP's `{bad_cert, R}`; atoms are strings. Users' own reasons may be anything. */
export type BadCertReason = unknown;

/** What a `verify_fun` is asked. `index` counts from below the anchor; −1 is the anchor. */
export type PathEvent =
  | {
      readonly type: 'bad_cert';
      readonly reason: BadCertReason;
      readonly certificate: Certificate;
      readonly index: number;
    }
  | {
      readonly type: 'extension';
      readonly extension: Extension;
      readonly certificate: Certificate;
      readonly index: number;
    }
  | { readonly type: 'valid' | 'valid_peer'; readonly certificate: Certificate; readonly index: number };

export type PathAnswer = 'valid' | 'unknown' | { readonly fail: BadCertReason };

export type PathResult =
  | { readonly ok: PublicKey }
  | { readonly bad_cert: BadCertReason; readonly certificate: Certificate; readonly index: number };

export interface PathOptions {
  readonly engine: CryptoEngine;
  /** ms since 1970 */
  readonly now: number;
  /** OTP's `max_path_length`: CA certificates allowed below the anchor; default: any number. */
  readonly maxPathLength?: number;
  readonly policies?: PolicyInputs;
  /**
   * A purpose every certificate with extKeyUsage has to name. Without it the extension is an event, as in OTP's
   * public_key; with it, only a failure is, as in OTP's ssl.
   */
  readonly purpose?: string;
  /** A `KeyUsageBit` that the peer's keyUsage has to have, if it has the extension at all (RFC 8446 §4.4.2.2). */
  readonly peerUsage?: number;
  /** Least size of an RSA or DSA modulus, bits, and of curves as strong; for every key, the anchor's too. */
  readonly minKeySize?: number | undefined;
  /** RFC 5280 takes only name and key of an anchor; `honour` also obeys its extensions (RFC 5937). */
  readonly anchorExtensions?: 'ignore' | 'honour';
  /** Whether common names of a certificate without alternative names are held to DNS constraints. */
  readonly commonNames?: 'ignore' | 'constrain';
  readonly work?: Work;
}

export type PathSteps = Generator<PathEvent, PathResult, PathAnswer>;

/**
 * Validates `chain`, ordered from below the anchor to the peer. Throws `CertificateError` for a malformed extension
 * and `WorkLimitError`.
 */
export function* validatePath(
  anchor: Certificate,
  chain: readonly Certificate[],
  options: PathOptions,
): PathSteps {
  const walk = new Walk(anchor, chain, options);
  try {
    yield* walk.run();
  } catch (error) {
    if (error instanceof PathRejection) {
      return { bad_cert: error.reason, certificate: error.certificate, index: error.index };
    }
    throw error;
  }
  const key = walk.peerKey();
  return key === undefined
    ? {
        bad_cert: 'unsupported_public_key',
        certificate: chain[chain.length - 1] ?? anchor,
        index: chain.length - 1,
      }
    : { ok: key };
}

/** OTP's `?DEFAULT_VERIFYFUN`. */
export function defaultAnswer(event: PathEvent): PathAnswer {
  switch (event.type) {
    case 'bad_cert':
      return { fail: event.reason };
    case 'extension':
      return 'unknown';
    case 'valid':
    case 'valid_peer':
      return 'valid';
  }
}

/** Thrown inside one walk only: a verify_fun said fail. No Error: its stack trace would cost more than the check. */
class PathRejection {
  readonly reason: BadCertReason;
  readonly certificate: Certificate;
  readonly index: number;
  constructor(reason: BadCertReason, certificate: Certificate, index: number) {
    this.reason = reason;
    this.certificate = certificate;
    this.index = index;
  }
}

type Ask = Generator<PathEvent, void, PathAnswer>;

class Walk {
  readonly #anchor: Certificate;
  readonly #chain: readonly Certificate[];
  readonly #options: PathOptions;
  readonly #work: Work;
  readonly #policies: PolicyGraph;
  /** Whose key signs next, and the key itself when it had to inherit parameters. */
  #issuer: Certificate;
  #issuerKey: PublicKey | undefined;
  #pathLength: number;
  #constraints: ConstraintSet = ConstraintSet.none;

  constructor(anchor: Certificate, chain: readonly Certificate[], options: PathOptions) {
    this.#anchor = anchor;
    this.#chain = chain;
    this.#options = options;
    this.#work = options.work ?? new Work();
    this.#issuer = anchor;
    this.#issuerKey = publicKeyOf(anchor, options.engine);
    this.#pathLength = options.maxPathLength ?? chain.length;
    this.#policies = new PolicyGraph(options.policies ?? anyPolicyInputs, chain.length);
  }

  peerKey(): PublicKey | undefined {
    return this.#issuerKey;
  }

  *run(): Ask {
    const anchor = this.#anchor;
    yield* this.#checkTime(anchor, -1);
    // An anchor is believed without a signature, but it is its key that signs what is below.
    yield* this.#checkKey(this.#issuerKey, anchor, -1);
    if (this.#chain.length === 0) yield* this.#checkPeerUsage(anchor, -1);
    if (this.#options.anchorExtensions === 'honour' && this.#chain.length > 0) yield* this.#obeyAnchor();
    for (const [index, certificate] of this.#chain.entries()) {
      if (this.#pathLength < 0) {
        yield* this.#bad('max_path_length_reached', certificate, index);
        this.#pathLength = 0;
      }
      yield* this.#step(certificate, index, index === this.#chain.length - 1);
    }
  }

  /** One certificate, in OTP's order: extensions, dates, issuer, names, signature; then ours, then the verdict. */
  *#step(certificate: Certificate, index: number, last: boolean): Ask {
    const constraints = this.#constraints;
    yield* this.#checkExtensions(certificate, index, last);
    yield* this.#checkTime(certificate, index);
    // §4.1.2.4: an issuer has a name.
    if (certificate.issuer.isEmpty || !certificate.issuer.equals(this.#issuer.subject)) {
      yield* this.#bad('invalid_issuer', certificate, index);
    }
    // §6.1.3 b: a self-issued certificate is free of the constraints unless it is the last.
    const free = certificate.selfIssued && !last;
    const commonNames = last && this.#options.commonNames === 'constrain';
    if (!free && !constraints.permits(certificate, commonNames, this.#work)) {
      yield* this.#bad('name_not_permitted', certificate, index);
    }
    if (!this.#isSigned(certificate)) yield* this.#bad('invalid_signature', certificate, index);
    if (!this.#policies.step(certificate, last)) {
      yield* this.#bad('policy_requirement_not_met', certificate, index);
    }
    const key = keyBelow(certificate, this.#issuerKey, this.#options.engine);
    yield* this.#checkKey(key, certificate, index);
    const answer = yield { type: last ? 'valid_peer' : 'valid', certificate, index };
    if (typeof answer === 'object') throw new PathRejection(answer.fail, certificate, index);
    this.#issuerKey = key;
    this.#issuer = certificate;
  }

  *#checkExtensions(certificate: Certificate, index: number, last: boolean): Ask {
    const seen = new Set<string>();
    let saysCa = false;
    let limit = certificate.selfIssued ? this.#pathLength : this.#pathLength - 1;
    // RFC 5280 §4.1.2.9: only version 3 has extensions. OTP does not see those of version 1, not even critical ones.
    if (certificate.version !== 3 && certificate.extensions.length > 0) {
      yield* this.#bad('extensions_before_version_3', certificate, index);
    }
    for (const extension of certificate.extensions) {
      const { oid } = extension;
      // §4.2: an extension must not stand twice; which one would count is anybody's guess.
      if (seen.has(oid)) yield* this.#bad('duplicate_extension', certificate, index);
      seen.add(oid);
      if (isKnownExtension(oid)) certificate.decode(oid);
      switch (oid) {
        case Oid.basicConstraints: {
          const constraints = certificate.basicConstraints;
          if (constraints?.ca !== true) break;
          saysCa = true;
          limit = Math.min(limit, constraints.pathLength ?? Number.POSITIVE_INFINITY);
          break;
        }
        case Oid.keyUsage:
          if (last) yield* this.#checkPeerUsage(certificate, index);
          else if (!hasUsage(certificate, KeyUsageBit.keyCertSign)) {
            yield* this.#bad('invalid_key_usage', certificate, index);
          }
          break;
        case Oid.subjectAltName:
          if (!extension.critical || !certificate.subjectAltName?.some(isUsableName)) {
            yield* this.#extension(extension, certificate, index);
          }
          break;
        case Oid.nameConstraints: {
          const constraints = certificate.decode(Oid.nameConstraints);
          if (constraints !== undefined) this.#constraints = this.#constraints.with(constraints);
          break;
        }
        case Oid.policyConstraints:
          if (extension.critical) yield* this.#extension(extension, certificate, index);
          break;
        case Oid.extKeyUsage:
          if (this.#options.purpose === undefined) yield* this.#extension(extension, certificate, index);
          else if (!hasPurpose(certificate, this.#options.purpose, last)) {
            yield* this.#bad('invalid_ext_key_usage', certificate, index);
          }
          break;
        default:
          yield* this.#extension(extension, certificate, index);
      }
    }
    // OTP lets anything without keyUsage issue; only CAs may (contract §7.2 †). A key usage that forbids issuing
    // was an event already.
    const forbidden = certificate.keyUsage !== undefined && !hasUsage(certificate, KeyUsageBit.keyCertSign);
    if (!last && !saysCa && !forbidden) yield* this.#bad('missing_basic_constraint', certificate, index);
    this.#pathLength = limit;
  }

  /** RFC 8446 §4.4.2.2: the peer's key signs, and its keyUsage, when there, has to say that it may. */
  *#checkPeerUsage(certificate: Certificate, index: number): Ask {
    const { peerUsage } = this.#options;
    if (peerUsage === undefined || certificate.keyUsage === undefined) return;
    if (!hasUsage(certificate, peerUsage)) yield* this.#bad('invalid_key_usage', certificate, index);
  }

  *#checkKey(key: PublicKey | undefined, certificate: Certificate, index: number): Ask {
    const weakness = key && weaknessOf(key, this.#options.minKeySize ?? defaultMinKeySize);
    if (weakness !== undefined) yield* this.#bad({ weak_key: weakness }, certificate, index);
  }

  *#checkTime(certificate: Certificate, index: number): Ask {
    const { now } = this.#options;
    // Certificates count in seconds, up to and including the last one.
    if (now < certificate.notBefore || now >= certificate.notAfter + 1000) {
      yield* this.#bad('cert_expired', certificate, index);
    }
  }

  /** RFC 5937: the anchor's own constraints, as if it stood in the path. */
  *#obeyAnchor(): Ask {
    const anchor = this.#anchor;
    for (const { oid, critical } of anchor.extensions) {
      if (isKnownExtension(oid)) anchor.decode(oid);
      if (critical && !obeyed.has(oid)) yield* this.#bad('unknown_critical_extension', anchor, -1);
    }
    if (anchor.version === 3 && !anchor.isCa) yield* this.#bad('missing_basic_constraint', anchor, -1);
    if (anchor.keyUsage !== undefined && !hasUsage(anchor, KeyUsageBit.keyCertSign)) {
      yield* this.#bad('invalid_key_usage', anchor, -1);
    }
    this.#pathLength = Math.min(
      this.#pathLength,
      anchor.basicConstraints?.pathLength ?? Number.POSITIVE_INFINITY,
    );
    const constraints = anchor.decode(Oid.nameConstraints);
    if (constraints !== undefined) this.#constraints = this.#constraints.with(constraints);
    const { purpose } = this.#options;
    if (purpose !== undefined && !hasPurpose(anchor, purpose, false)) {
      yield* this.#bad('invalid_ext_key_usage', anchor, -1);
    }
  }

  #isSigned(certificate: Certificate): boolean {
    const key = this.#issuerKey;
    return key !== undefined && isSignedBy(certificate, key, () => this.#work.spend('signatures'));
  }

  *#bad(reason: BadCertReason, certificate: Certificate, index: number): Ask {
    const answer = yield { type: 'bad_cert', reason, certificate, index };
    if (typeof answer === 'object') throw new PathRejection(answer.fail, certificate, index);
  }

  *#extension(extension: Extension, certificate: Certificate, index: number): Ask {
    const answer = yield { type: 'extension', extension, certificate, index };
    if (typeof answer === 'object') throw new PathRejection(answer.fail, certificate, index);
    if (answer === 'unknown' && extension.critical && !processedHere.has(extension.oid)) {
      throw new PathRejection('unknown_critical_extension', certificate, index);
    }
  }
}

/** Critical extensions that are events, as in OTP, but are obeyed here whatever the answer. */
const processedHere: ReadonlySet<string> = new Set([
  Oid.certificatePolicies,
  Oid.policyMappings,
  Oid.policyConstraints,
  Oid.inhibitAnyPolicy,
]);

/** What an anchor may mark critical. */
const obeyed: ReadonlySet<string> = new Set([
  ...processedHere,
  Oid.basicConstraints,
  Oid.keyUsage,
  Oid.nameConstraints,
  Oid.extKeyUsage,
  Oid.subjectAltName,
]);

function hasUsage(certificate: Certificate, bit: number): boolean {
  return ((certificate.keyUsage ?? 0) & bit) !== 0;
}

/** Without the extension every purpose is allowed. Any-purpose counts for CAs only, as OTP and the Web PKI have it. */
function hasPurpose(certificate: Certificate, purpose: string, last: boolean): boolean {
  const purposes = certificate.decode(Oid.extKeyUsage);
  return (
    purposes === undefined ||
    purposes.includes(purpose) ||
    (!last && purposes.includes(Oid.anyExtendedKeyUsage))
  );
}

/** OTP is content with a critical subjectAltName when one of its names is of a kind and form it knows. */
function isUsableName(name: GeneralName): boolean {
  switch (name.type) {
    case 'rfc822Name':
    case 'dNSName':
      return name.text !== '';
    case 'uniformResourceIdentifier':
      return /^[a-z][a-z0-9+.-]*:/i.test(name.text);
    case 'iPAddress':
      return name.address.length > 0;
    case 'directoryName':
      return true;
    case 'otherName':
    case 'registeredID':
    case 'x400Address':
    case 'ediPartyName':
      return false;
  }
}

/** The certificate's key; a DSA key without parameters has its issuer's (RFC 5280 §6.1.4 f). */
function keyBelow(
  certificate: Certificate,
  issuerKey: PublicKey | undefined,
  engine: CryptoEngine,
): PublicKey | undefined {
  const inherited =
    issuerKey?.algorithm === 'dsa' ? withParameters(certificate.spki, issuerKey.spki) : undefined;
  return inherited === undefined ? publicKeyOf(certificate, engine) : importKey(inherited, engine);
}

function withParameters(spki: Uint8Array, issuerSpki: Uint8Array): Uint8Array | undefined {
  try {
    const own = new DerReader(spki).open(Tag.sequence);
    const algorithm = own.open(Tag.sequence);
    if (algorithm.oid() !== Oid.dsa || (!algorithm.done && algorithm.peek() !== Tag.null)) return undefined;
    const issuer = new DerReader(issuerSpki).open(Tag.sequence);
    return encodeElement(Tag.sequence, issuer.element(), own.element());
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
