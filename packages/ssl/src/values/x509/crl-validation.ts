/**
 * What revocation lists say about a certificate: RFC 5280 §6.3 with the verdicts of OTP's
 * `public_key:pkix_crls_validate/3` (contract §11).
 *
 * Where OTP is loose the RFC decides: distribution point names have to be the same (OTP compares hosts of URIs),
 * and an entry of an indirect list counts only for the issuer it names.
 */
import type { CryptoEngine } from '../crypto/engine.js';
import { hex } from '../hex.js';
import { type AllowedSignatures, isAllowedSignature } from './allowed-signatures.js';
import { type Certificate, CertificateError } from './certificate.js';
import type { CrlReason, RevocationList } from './crl.js';
import { DerError, Tag } from './der.js';
import { encodeElement } from './der-writer.js';
import {
  type DistributionPoint,
  type DistributionPointName,
  type IssuingDistributionPoint,
  ReasonBit,
} from './extensions/distribution-points.js';
import type { GeneralName } from './extensions/general-name.js';
import { KeyUsageBit } from './extensions/key-usage.js';
import type { Name } from './name.js';
import { Oid } from './oids.js';
import { defaultAnswer, type PathAnswer, type PathEvent, validatePath } from './path.js';
import type { Work } from './work.js';

/** A list and the distribution point it was got for. */
export interface PointAndList {
  readonly point: DistributionPoint;
  readonly list: RevocationList;
}

/** Where the signer of a list hangs: an anchor and the path below it, down to the signer. */
export interface SignerPath {
  readonly anchor: Certificate;
  readonly path: readonly Certificate[];
}

export interface CrlOptions {
  readonly engine: CryptoEngine;
  /** ms since 1970 */
  readonly now: number;
  /** OTP's issuer_fun. */
  readonly findSigner: (point: DistributionPoint, list: RevocationList) => SignerPath | undefined;
  /** OTP's update_crl: a newer list in place of one whose nextUpdate has passed, or the same. */
  readonly update?: (point: DistributionPoint, list: RevocationList) => RevocationList;
  readonly work?: Work;
  /** What may have signed a list, and the certificates of its signer; `undefined`: anything. */
  readonly signatureAlgs?: AllowedSignatures;
  /** Least size of the signers' keys, bits. */
  readonly minKeySize?: number | undefined;
}

/** Why a list was of no use; OTP's `{bad_crl, R}`. */
export interface CrlProblem {
  readonly bad_crl:
    | 'no_issuer_cert_chain'
    | 'invalid_issuer'
    | 'scope_error'
    | 'mask_error'
    | 'invalid_signature'
    | 'malformed';
  readonly list: RevocationList;
}

export type CrlVerdict =
  | 'valid'
  | { readonly revoked: CrlReason }
  /** Newest problem first, as OTP lists them. */
  | { readonly undetermined: readonly CrlProblem[] };

/** All reasons but `unspecified`, which OTP does not insist on. */
const allReasons: number =
  Object.values(ReasonBit).reduce((mask, bit) => mask | bit, 0) & ~ReasonBit.unspecified;

interface Triple {
  readonly point: DistributionPoint;
  readonly list: RevocationList;
  readonly delta: RevocationList | undefined;
}

/** Judges by complete lists, each with the delta list that goes with it. */
export function validateByLists(
  certificate: Certificate,
  lists: readonly PointAndList[],
  options: CrlOptions,
): CrlVerdict {
  return judge(certificate, combine(lists, options), options);
}

/** Pairs each complete list with the newest delta list that applies to it (§5.2.4). */
function combine(lists: readonly PointAndList[], options: CrlOptions): Triple[] {
  const points = [...new Set(lists.map(({ point }) => point))];
  return points.flatMap((point) => {
    const here = lists.filter((entry) => entry.point === point).map(({ list }) => list);
    const deltas = here.filter((list) => list.isDelta);
    return here
      .filter((list) => !list.isDelta)
      .map((list) => {
        const fitting = deltas.filter((delta) => combines(list, delta));
        const newest = fitting.reduce<RevocationList | undefined>(
          (best, delta) => (best === undefined || delta.thisUpdate > best.thisUpdate ? delta : best),
          undefined,
        );
        const delta = newest === undefined ? undefined : fresh(point, newest, options);
        return { point, list, delta };
      });
  });
}

function combines(list: RevocationList, delta: RevocationList): boolean {
  const { crlNumber } = list;
  const { baseCrlNumber, crlNumber: deltaNumber } = delta;
  if (crlNumber === undefined || baseCrlNumber === undefined || deltaNumber === undefined) return false;
  if (crlNumber < baseCrlNumber || crlNumber >= deltaNumber) return false;
  const same = (oid: string): boolean => {
    const [a, b] = [list.extension(oid), delta.extension(oid)];
    return a === undefined || b === undefined ? a === b : hex(a) === hex(b);
  };
  return (
    list.issuer.equals(delta.issuer) && same(Oid.issuingDistributionPoint) && same(Oid.authorityKeyIdentifier)
  );
}

/** ms by which clocks may differ. */
const SKEW = 5 * 60_000;

/** The list, or its successor, if it is still current. */
function fresh(
  point: DistributionPoint,
  list: RevocationList,
  options: CrlOptions,
): RevocationList | undefined {
  // A list of the future is not current yet; OTP does not look.
  if (list.thisUpdate > options.now + SKEW) return undefined;
  let current = list;
  // Each round has to bring another list.
  for (let round = 0; round < 4; round++) {
    if (current.nextUpdate === undefined || options.now < current.nextUpdate) return current;
    const next = options.update?.(point, current) ?? current;
    if (next === current) return undefined;
    current = next;
  }
  return undefined;
}

interface State {
  /** Reasons covered so far. */
  mask: number;
  problems: CrlProblem[];
}

function judge(certificate: Certificate, triples: readonly Triple[], options: CrlOptions): CrlVerdict {
  const state: State = { mask: 0, problems: [] };
  for (const triple of triples) {
    const list = fresh(triple.point, triple.list, options);
    if (list === undefined) continue;
    const others = triples.filter((other) => other !== triple);
    const status = applyList(certificate, { ...triple, list }, others, state, options);
    if (status !== undefined) return { revoked: status };
    // Entries are read only of lists whose signature was good.
    if ((state.mask & allReasons) === allReasons && list.isUnderstood) return 'valid';
  }
  return { undetermined: state.problems };
}

/** One list: the reason if it revokes; else what it covers goes into the state, or why it is of no use. */
function applyList(
  certificate: Certificate,
  triple: Triple,
  others: readonly Triple[],
  state: State,
  options: CrlOptions,
): CrlReason | undefined {
  const { point, list, delta } = triple;
  const problem = (bad_crl: CrlProblem['bad_crl']): undefined => {
    state.problems.unshift({ bad_crl, list });
    return undefined;
  };
  try {
    const idp = list.issuingDistributionPoint;
    const scope = checkIssuerAndScope(certificate, point, list, idp);
    if (scope !== undefined) return problem(scope);
    const signer = options.findSigner(point, list);
    if (signer === undefined) return problem('no_issuer_cert_chain');
    const covered =
      (point.reasons ?? ~0) & (idp?.onlySomeReasons ?? ~0) & (allReasons | ReasonBit.unspecified);
    if ((covered & ~state.mask) === 0) return problem('mask_error');
    if (!isSigned(triple, signer, idp, others, options)) return problem('invalid_signature');
    state.mask |= covered;
    const status = delta === undefined ? undefined : statusIn(delta, certificate);
    const final = status ?? statusIn(list, certificate);
    return final === 'removeFromCRL' ? undefined : final;
  } catch (error) {
    if (error instanceof CertificateError || error instanceof DerError) return problem('malformed');
    throw error;
  }
}

/** §6.3.3 b: the list's issuer, its scope, and the name of the distribution point. */
function checkIssuerAndScope(
  certificate: Certificate,
  point: DistributionPoint,
  list: RevocationList,
  idp: IssuingDistributionPoint | undefined,
): CrlProblem['bad_crl'] | undefined {
  const named = point.cRLIssuer?.some(
    (name) => name.type === 'directoryName' && name.name.equals(list.issuer),
  );
  const indirect = named === true && idp?.indirectCRL === true;
  if (!indirect && !certificate.issuer.equals(list.issuer)) return 'invalid_issuer';
  if (idp === undefined) return undefined;
  // A list of the certificate's own issuer stands for itself, whatever the point says of another (as in OTP).
  const issuerNames = indirect ? point.cRLIssuer : undefined;
  const own = point.cRLIssuer !== undefined && !indirect;
  const pointNames = own
    ? [directoryName(certificate.issuer)]
    : fullNames(point.distributionPoint, issuerNames, certificate.issuer);
  const idpNames = fullNames(idp.distributionPoint, issuerNames, certificate.issuer);
  const wanted = pointNames ?? issuerNames;
  if (pointNames === undefined && issuerNames === undefined) return 'scope_error';
  if (idpNames !== undefined && !wanted?.some((name) => idpNames.some((other) => sameName(name, other)))) {
    return 'scope_error';
  }
  const { isCa } = certificate;
  if (
    idp.onlyContainsAttributeCerts ||
    (idp.onlyContainsUserCerts && isCa) ||
    (idp.onlyContainsCACerts && !isCa)
  ) {
    return 'scope_error';
  }
  return undefined;
}

/** Whether a list is meant for a point that names the list's issuer (§6.3.3 b 2): what a cache asks of a find. */
export function coversPoint(list: RevocationList, point: DistributionPoint): boolean {
  const idpNames = fullNames(list.issuingDistributionPoint?.distributionPoint, point.cRLIssuer, list.issuer);
  const pointNames = fullNames(point.distributionPoint, point.cRLIssuer, list.issuer) ?? point.cRLIssuer;
  if (idpNames === undefined || pointNames === undefined) return true;
  return pointNames.some((name) => idpNames.some((other) => sameName(name, other)));
}

/** A name relative to the CRL issuer is that issuer's name with one more RDN. */
function fullNames(
  point: DistributionPointName | undefined,
  issuerNames: readonly GeneralName[] | undefined,
  certificateIssuer: Name,
): readonly GeneralName[] | undefined {
  if (point === undefined) return undefined;
  if ('fullName' in point) return point.fullName;
  const base = issuerNames?.find((name) => name.type === 'directoryName')?.name ?? certificateIssuer;
  const last = encodeElement(Tag.set, ...point.nameRelativeToCRLIssuer.map(({ encoded }) => encoded));
  return [directoryName(base.with(last))];
}

function directoryName(name: Name): GeneralName {
  return { type: 'directoryName', name };
}

function sameName(a: GeneralName, b: GeneralName): boolean {
  switch (a.type) {
    case 'directoryName':
      return b.type === a.type && a.name.equals(b.name);
    case 'rfc822Name':
    case 'dNSName':
      return b.type === a.type && a.text.toLowerCase() === b.text.toLowerCase();
    case 'uniformResourceIdentifier':
      return b.type === a.type && a.text === b.text;
    case 'iPAddress':
      return b.type === a.type && hex(a.address) === hex(b.address);
    case 'registeredID':
      return b.type === a.type && a.oid === b.oid;
    case 'otherName':
      return b.type === a.type && a.oid === b.oid && hex(a.value) === hex(b.value);
    case 'x400Address':
    case 'ediPartyName':
      return b.type === a.type && hex(a.raw) === hex(b.raw);
  }
}

/** §6.3.3 f, g: the signer's path, its cRLSign bit, its own revocation, and the signatures. */
function isSigned(
  triple: Triple,
  signer: SignerPath,
  idp: IssuingDistributionPoint | undefined,
  others: readonly Triple[],
  options: CrlOptions,
): boolean {
  const { engine, minKeySize, now, signatureAlgs, work } = options;
  const lists = triple.delta === undefined ? [triple.list] : [triple.list, triple.delta];
  if (!lists.every((list) => isAllowedSignature(list.signatureAlgorithm, signatureAlgs))) return false;
  const answer = (event: PathEvent): PathAnswer => {
    const { certificate } = event;
    const isVerdict = event.type === 'valid' || event.type === 'valid_peer';
    if (
      isVerdict &&
      certificate !== signer.anchor &&
      !isAllowedSignature(certificate.signatureAlgorithm, signatureAlgs)
    )
      return { fail: 'invalid_signature' };
    if (event.type !== 'valid_peer') return defaultAnswer(event);
    if (!mayUse(certificate, KeyUsageBit.cRLSign)) return { fail: 'crl_sign_bit_not_set' };
    // A signer that is no CA is looked up in the other lists; a CA was, on the certificate's own path.
    const needsCheck =
      !mayUse(certificate, KeyUsageBit.keyCertSign) && idp?.indirectCRL !== true && !certificate.selfIssued;
    if (!needsCheck || others.length === 0) return 'valid';
    return judge(certificate, others, options) === 'valid' ? 'valid' : { fail: 'crl_signer_revoked' };
  };
  const pathOptions = {
    engine,
    now,
    ...(minKeySize === undefined ? {} : { minKeySize }),
    ...(work === undefined ? {} : { work }),
  };
  const steps = validatePath(signer.anchor, signer.path, pathOptions);
  let step = steps.next();
  while (!step.done) step = steps.next(answer(step.value));
  const result = step.value;
  if (!('ok' in result)) return false;
  work?.spend('signatures', lists.length);
  return lists.every((list) => list.isSignedBy(result.ok));
}

/** Absent key usage allows everything (§4.2.1.3). */
function mayUse(certificate: Certificate, bit: number): boolean {
  const { keyUsage } = certificate;
  return keyUsage === undefined || (keyUsage & bit) !== 0;
}

/** §6.3.3 i, j: the entry of this serial number and, in an indirect list, of this issuer. */
function statusIn(list: RevocationList, certificate: Certificate): CrlReason | undefined {
  const indirect = list.issuingDistributionPoint?.indirectCRL === true;
  for (const entry of list.findAll(certificate.serial)) {
    const issuers = entry.issuer ?? [directoryName(list.issuer)];
    const names = [directoryName(certificate.issuer)];
    if (!indirect || issuers.some((issuer) => names.some((name) => sameName(issuer, name))))
      return entry.reason;
  }
  return undefined;
}

/** OTP's `pkix_dist_point/1`: where a certificate's own issuer would publish, named by nothing but the issuer. */
export function issuerPoint(certificate: Certificate): DistributionPoint {
  const alternative = certificate.decode(Oid.issuerAltName) ?? [];
  return {
    distributionPoint: { fullName: [directoryName(certificate.issuer), ...alternative] },
    reasons: undefined,
    cRLIssuer: undefined,
  };
}
