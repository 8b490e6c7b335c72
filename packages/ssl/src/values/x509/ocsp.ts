/**
 * OCSP responses (RFC 6960) as they come stapled to a certificate (RFC 6066 §8, RFC 8446 §4.4.2.1): reading and
 * checking signer, nonce, times and status, with the reasons of OTP's `pkix_ocsp_validate/5`; must-staple (RFC 7633).
 */
import type { CryptoEngine, HashName } from '../crypto/engine.js';
import { type AllowedSignatures, isAllowedSignature } from './allowed-signatures.js';
import { Certificate, CertificateError, type Extension, readExtensions, sameBytes } from './certificate.js';
import { type CrlReason, crlReasonOf } from './crl.js';
import { DerError, DerReader, decodeAll, explicit, implicit, Tag } from './der.js';
import { encodeElement, encodeOid } from './der-writer.js';
import { KeyUsageBit } from './extensions/key-usage.js';
import { defaultMinKeySize, weaknessOf } from './key-strength.js';
import { Name } from './name.js';
import { Oid } from './oids.js';
import { isSignedBy, publicKeyOf } from './parse-cache.js';
import { hashOfOid, signatureAlgorithmOf } from './signature-algorithm.js';

export type OcspStatus = 'good' | 'unknown' | { readonly revoked: CrlReason };

/** What is said of one certificate. */
export interface SingleResponse {
  readonly hash: HashName | undefined;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  readonly serial: Uint8Array;
  readonly status: OcspStatus;
  /** ms since 1970 */
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  /** singleExtensions */
  readonly extensions: readonly Extension[];
}

export interface OcspResponse {
  /** DER of the signed ResponseData. */
  readonly data: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
  readonly responder: { readonly byName: Name } | { readonly byKey: Uint8Array };
  readonly responses: readonly SingleResponse[];
  /** responseExtensions */
  readonly extensions: readonly Extension[];
  /** Certificates that came along; undecodable ones are left out. */
  readonly certificates: readonly Certificate[];
}

/** Why a response says nothing; OTP's reasons, but `ocsp_response_stale`, `malformed` and `unknown_critical_extension`. */
export type OcspProblem = string | { readonly ocsp_response_type_not_supported: string };

const statuses: readonly (string | undefined)[] = [
  'successful',
  'malformedRequest',
  'internalError',
  'tryLater',
  undefined,
  'sigRequired',
  'unauthorized',
];

/** More answers in one response than this are refused. */
const MAX_RESPONSES = 256;

/** Reads a DER OCSPResponse; throws nothing. */
export function decodeOcspResponse(
  der: Uint8Array,
): { readonly ok: OcspResponse } | { readonly error: OcspProblem } {
  try {
    return decodeAll(der, readResponse);
  } catch (error) {
    if (error instanceof DerError || error instanceof CertificateError) return { error: 'malformed' };
    throw error;
  }
}

function readResponse(reader: DerReader): { readonly ok: OcspResponse } | { readonly error: OcspProblem } {
  const response = reader.open(Tag.sequence);
  const code = response.smallInteger(Tag.enumerated);
  if (code !== 0) return { error: statuses[code] ?? 'unknown_response_status' };
  const wrapped = response.open(explicit(0));
  const bytes = wrapped.open(Tag.sequence);
  wrapped.finish();
  response.finish();
  const type = bytes.oid();
  if (type !== Oid.ocspBasic) return { error: { ocsp_response_type_not_supported: type } };
  return { ok: decodeAll(bytes.content(Tag.octetString), readBasic) };
}

function readBasic(reader: DerReader): OcspResponse {
  const basic = reader.open(Tag.sequence);
  const data = basic.elementOf(Tag.sequence);
  const signatureAlgorithm = basic.elementOf(Tag.sequence);
  const signature = basic.octetsOfBitString();
  const certificates: Certificate[] = [];
  const wrapped = basic.openOptional(explicit(0))?.open(Tag.sequence);
  while (wrapped !== undefined && !wrapped.done) {
    const der = wrapped.element();
    try {
      certificates.push(new Certificate(der));
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
    }
    if (certificates.length > MAX_RESPONSES) wrapped.fail('too many certificates');
  }
  basic.finish();
  return { data, signatureAlgorithm, signature, certificates, ...decodeAll(data, readData) };
}

function readData(reader: DerReader): Pick<OcspResponse, 'responder' | 'responses' | 'extensions'> {
  const data = reader.open(Tag.sequence);
  const version = data.openOptional(explicit(0))?.smallInteger() ?? 0;
  if (version !== 0) data.fail('unknown version of an OCSP response');
  const byName = data.openOptional(explicit(1));
  const responder: OcspResponse['responder'] =
    byName === undefined
      ? { byKey: data.open(explicit(2)).content(Tag.octetString) }
      : { byName: new Name(byName.elementOf(Tag.sequence)) };
  data.time();
  const list = data.open(Tag.sequence);
  const responses: SingleResponse[] = [];
  while (!list.done) {
    responses.push(readSingle(list.open(Tag.sequence)));
    if (responses.length > MAX_RESPONSES) list.fail('too many responses');
  }
  const wrapped = data.openOptional(explicit(1));
  const extensions = wrapped === undefined ? [] : readExtensions(wrapped);
  data.finish();
  return { responder, responses, extensions };
}

function readSingle(single: DerReader): SingleResponse {
  const id = single.open(Tag.sequence);
  const hash = hashOfOid(id.open(Tag.sequence).oid());
  const issuerNameHash = id.content(Tag.octetString);
  const issuerKeyHash = id.content(Tag.octetString);
  const serial = id.integerBytes();
  id.finish();
  const status = readStatus(single);
  const thisUpdate = single.time();
  const nextUpdate = single.openOptional(explicit(0))?.time();
  const wrapped = single.openOptional(explicit(1));
  const extensions = wrapped === undefined ? [] : readExtensions(wrapped);
  single.finish();
  return { hash, issuerNameHash, issuerKeyHash, serial, status, thisUpdate, nextUpdate, extensions };
}

function readStatus(single: DerReader): OcspStatus {
  switch (single.peek()) {
    case implicit(0):
      single.skip();
      return 'good';
    case implicit(2):
      single.skip();
      return 'unknown';
    default: {
      const revoked = single.open(explicit(1));
      revoked.time();
      const reason = revoked.openOptional(explicit(0));
      return { revoked: reason === undefined ? 'unspecified' : crlReasonOf(reason) };
    }
  }
}

export interface OcspCheck {
  /** DER OCSPResponse. */
  readonly response: Uint8Array;
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly engine: CryptoEngine;
  /** ms since 1970 */
  readonly now: number;
  /** What may have signed the response, and the certificate of a delegated responder; `undefined`: anything. */
  readonly signatureAlgs?: AllowedSignatures;
  /** Least size of the signer's key, bits; default 2048. */
  readonly minKeySize?: number | undefined;
  /** Responders trusted besides the issuer and whom it delegates to (OTP's `ocsp_responder_certs`). */
  readonly responders?: readonly Certificate[];
  /** The nonce that was sent; the response has to bear it. */
  readonly nonce?: Uint8Array | undefined;
}

export type OcspVerdict =
  | 'valid'
  | {
      readonly bad_cert:
        | { readonly revoked: CrlReason }
        | { readonly revocation_status_undetermined: OcspProblem };
    };

/** ms by which clocks may differ. */
const SKEW = 5 * 60_000;
/** ms for which a response without nextUpdate counts. */
const MAX_AGE = 24 * 3_600_000;

export function validateOcsp(check: OcspCheck): OcspVerdict {
  try {
    return validate(check);
  } catch (error) {
    // A malformed certificate or name inside.
    if (error instanceof CertificateError || error instanceof DerError) return undetermined('malformed');
    throw error;
  }
}

function undetermined(problem: OcspProblem): OcspVerdict {
  return { bad_cert: { revocation_status_undetermined: problem } };
}

function validate(check: OcspCheck): OcspVerdict {
  const decoded = decodeOcspResponse(check.response);
  if ('error' in decoded) return undetermined(decoded.error);
  const response = decoded.ok;
  const signer = findSigner(response, check);
  if (signer === undefined) return undetermined('ocsp_responder_cert_not_found');
  if (!isSigned(response, signer, check)) return undetermined('ocsp_response_bad_signature');
  if (!isUnderstood(response.extensions, responseExtensions))
    return undetermined('unknown_critical_extension');
  if (!hasNonce(response, check.nonce)) return undetermined('nonce_mismatch');
  const single = response.responses.find((candidate) => isAbout(candidate, check));
  if (single === undefined) return undetermined('no_matched_response');
  if (!isUnderstood(single.extensions, noneKnown)) return undetermined('unknown_critical_extension');
  const until = single.nextUpdate ?? single.thisUpdate + MAX_AGE;
  if (check.now < single.thisUpdate - SKEW || check.now > until + SKEW)
    return undetermined('ocsp_response_stale');
  if (single.status === 'good') return 'valid';
  return single.status === 'unknown'
    ? undetermined('unknown')
    : { bad_cert: { revoked: single.status.revoked } };
}

/** RFC 6960 §3.2, item 2; by an algorithm and a key that the peer's certificates could have too. */
function isSigned(response: OcspResponse, signer: Certificate, check: OcspCheck): boolean {
  const { engine, minKeySize = defaultMinKeySize, signatureAlgs } = check;
  const key = publicKeyOf(signer, engine);
  const algorithm = signatureAlgorithmOf(response.signatureAlgorithm);
  if (key === undefined || algorithm === undefined) return false;
  if (!isAllowedSignature(response.signatureAlgorithm, signatureAlgs)) return false;
  if (weaknessOf(key, minKeySize) !== undefined) return false;
  return key.verify(algorithm, response.data, response.signature);
}

/** The nonce is compared; what else there is (RFC 6960 §4.4) we do not read. */
const responseExtensions: ReadonlySet<string> = new Set([Oid.ocspNonce]);
const noneKnown: ReadonlySet<string> = new Set();

/** What a delegated responder's certificate may mark critical. */
const responderExtensions: ReadonlySet<string> = new Set([
  Oid.basicConstraints,
  Oid.keyUsage,
  Oid.extKeyUsage,
  Oid.subjectAltName,
  Oid.ocspNoCheck,
]);

/** RFC 6960 §4.4, as RFC 5280 §4.2: nothing critical that is not known, and no extension twice. */
function isUnderstood(extensions: readonly Extension[], known: ReadonlySet<string>): boolean {
  const distinct = new Set(extensions.map(({ oid }) => oid));
  return (
    distinct.size === extensions.length &&
    extensions.every(({ critical, oid }) => !critical || known.has(oid))
  );
}

/** RFC 6960 §4.2.2.2: the issuer, somebody it certified for OCSP, or a responder that we trust ourselves. */
function findSigner(response: OcspResponse, check: OcspCheck): Certificate | undefined {
  const { engine, issuer, responders = [] } = check;
  const is = (candidate: Certificate): boolean =>
    'byName' in response.responder
      ? candidate.subject.equals(response.responder.byName)
      : sameBytes(response.responder.byKey, keyHash(candidate, 'sha', engine) ?? new Uint8Array());
  if (is(issuer)) return issuer;
  const trusted = responders.find(is);
  if (trusted !== undefined) return trusted;
  const issuerKey = publicKeyOf(issuer, engine);
  if (issuerKey === undefined) return undefined;
  let checks = 0;
  return response.certificates.find((candidate) => {
    if (!is(candidate) || !candidate.issuer.equals(issuer.subject) || checks++ >= 4) return false;
    if (!isResponder(candidate, check)) return false;
    return isSignedBy(candidate, issuerKey, () => undefined);
  });
}

/** Whether a certificate of the issuer's says that its key answers for the issuer, now. */
function isResponder(candidate: Certificate, { certificate, now, signatureAlgs }: OcspCheck): boolean {
  const purposes = candidate.decode(Oid.extKeyUsage) ?? [];
  const { keyUsage } = candidate;
  return (
    candidate.version === 3 &&
    purposes.includes(Oid.ocspSigning) &&
    (keyUsage === undefined || (keyUsage & KeyUsageBit.digitalSignature) !== 0) &&
    isUnderstood(candidate.extensions, responderExtensions) &&
    !sameBytes(candidate.der, certificate.der) &&
    now >= candidate.notBefore &&
    now < candidate.notAfter + 1000 &&
    isAllowedSignature(candidate.signatureAlgorithm, signatureAlgs)
  );
}

function hasNonce(response: OcspResponse, wanted: Uint8Array | undefined): boolean {
  if (wanted === undefined) return true;
  const value = response.extensions.find(({ oid }) => oid === Oid.ocspNonce)?.value;
  if (value === undefined) return false;
  // RFC 8954 wraps the nonce in an OCTET STRING; older responders put it there bare.
  if (sameBytes(value, wanted)) return true;
  try {
    return sameBytes(
      decodeAll(value, (reader) => reader.content(Tag.octetString)),
      wanted,
    );
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

function isAbout(single: SingleResponse, { certificate, engine, issuer }: OcspCheck): boolean {
  const { hash } = single;
  if (hash === undefined || !sameBytes(single.serial, certificate.serial)) return false;
  const nameHash = engine.hash(hash)?.digest(issuer.subject.raw);
  const key = keyHash(issuer, hash, engine);
  return (
    nameHash !== undefined &&
    key !== undefined &&
    sameBytes(nameHash, single.issuerNameHash) &&
    sameBytes(key, single.issuerKeyHash)
  );
}

/** Over the bits of subjectPublicKey without tag, length and unused bits (RFC 6960 §4.1.1). */
function keyHash(certificate: Certificate, hash: HashName, engine: CryptoEngine): Uint8Array | undefined {
  const spki = new DerReader(certificate.spki).open(Tag.sequence);
  spki.skip();
  return engine.hash(hash)?.digest(spki.octetsOfBitString());
}

/** Extensions of a request that wants a fresh response: DER, with a nonce (RFC 8954 §2.1). */
export function nonceExtensions(nonce: Uint8Array): Uint8Array {
  const value = encodeElement(Tag.octetString, encodeElement(Tag.octetString, nonce));
  return encodeElement(Tag.sequence, encodeElement(Tag.sequence, encodeOid(Oid.ocspNonce), value));
}

/** Whether the certificate says that its server always staples (RFC 7633: feature 5, status_request). */
export function mustStaple(certificate: Certificate): boolean {
  return certificate.decode(Oid.tlsFeature)?.includes(5) === true;
}
