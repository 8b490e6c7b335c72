/**
 * Candidate paths from what a peer sent, in whatever order and with whatever more, to the trusted certificates
 * (contract §7.1; RFC 4158 for the ways chains are odd).
 *
 * OTP tries at most 16 orders of the certificates sent. Here a depth-first search follows names, checks each
 * signature once, and gives up when the purse is empty (`work.ts`): cross-signed and cyclic certificates cost what
 * is in the purse and no more.
 */
import type { CryptoEngine } from '../crypto/engine.js';
import { type Certificate, sameBytes } from './certificate.js';
import { Oid } from './oids.js';
import { isSignedBy, publicKeyOf } from './parse-cache.js';
import type { TrustStore } from './trust-store.js';
import type { Work } from './work.js';

/** Why the top of a path is no trust anchor, in OTP's words. */
export type AnchorProblem = 'unknown_ca' | 'selfsigned_peer' | 'invalid_issuer';

export interface CandidatePath {
  /** Ordered from below the anchor to the peer; with a problem, the first is the topmost found. */
  readonly chain: readonly Certificate[];
  readonly anchor: Certificate | AnchorProblem;
}

export interface BuildInput {
  /** As sent, the peer's own first. */
  readonly sent: readonly [Certificate, ...Certificate[]];
  readonly trust: TrustStore;
  readonly engine: CryptoEngine;
  readonly work: Work;
  /** Somebody (`partial_chain`) may take a trusted certificate that is no root for an anchor. */
  readonly partial?: boolean;
}

/** Longest path followed, anchor included; `depth` is checked by the validation. */
const MAX_PATH = 32;

/**
 * Complete paths, most promising first, each signature in them good. Then, if there was none, the one path that
 * shows best what is missing. Throws `WorkLimitError`.
 */
export function* candidatePaths(input: BuildInput): Generator<CandidatePath, void, void> {
  const { sent, trust } = input;
  const [peer] = sent;
  // OTP does not take a lone self-signed certificate, trusted or not.
  if (peer.selfIssued && sent.length === 1) {
    yield { chain: [peer], anchor: 'selfsigned_peer' };
    return;
  }
  if (isRoot(peer, input)) {
    yield { chain: [peer], anchor: trust.find(peer) ?? 'unknown_ca' };
    return;
  }
  let found = false;
  for (const path of climb([peer], new Set(sent.slice(1)), input, 'roots')) {
    found = true;
    yield path;
  }
  if (input.partial === true) {
    for (const path of climb([peer], new Set(sent.slice(1)), input, 'others')) {
      found = true;
      yield path;
    }
  }
  if (!found) yield plainPath(input);
}

/**
 * All ways up from the top (the last) of `path`, to trusted roots or to other trusted certificates. `unused` are
 * certificates sent and not yet in it.
 */
function* climb(
  path: readonly [Certificate, ...Certificate[]],
  unused: ReadonlySet<Certificate>,
  input: BuildInput,
  upTo: 'roots' | 'others',
): Generator<CandidatePath, void, void> {
  const top = path[path.length - 1];
  if (top === undefined || path.length >= MAX_PATH) return;
  const trusted = input.trust.withSubject(top.issuer);
  for (const issuer of byLikelihood(trusted, top)) {
    if (!canIssue(issuer, top, path, input)) continue;
    if (issuer.selfIssued) {
      if (upTo === 'roots') yield { chain: [...path].reverse(), anchor: issuer };
      continue;
    }
    if (upTo === 'others') yield { chain: [issuer, ...[...path].reverse()], anchor: 'unknown_ca' };
    yield* climb([...path, issuer], unused, input, upTo);
  }
  const sentIssuers: Certificate[] = [];
  for (const candidate of unused) {
    input.work.spend('candidates');
    if (candidate.subject.equals(top.issuer)) sentIssuers.push(candidate);
  }
  for (const issuer of byLikelihood(sentIssuers, top)) {
    // A root in the chain is good only if it is trusted, and then it was found above.
    if (isRoot(issuer, input) || !canIssue(issuer, top, path, input)) continue;
    const rest = new Set(unused);
    rest.delete(issuer);
    yield* climb([...path, issuer], rest, input, upTo);
  }
}

/** Self-signed in earnest; a self-issued certificate that another key signed is a key rollover (RFC 4210 §4.4). */
function isRoot(certificate: Certificate, input: BuildInput): boolean {
  if (!certificate.selfIssued) return false;
  const key = publicKeyOf(certificate, input.engine);
  return key !== undefined && isSignedBy(certificate, key, () => input.work.spend('signatures'));
}

function canIssue(
  issuer: Certificate,
  below: Certificate,
  path: readonly Certificate[],
  input: BuildInput,
): boolean {
  input.work.spend('candidates');
  // A name and key twice on one path is a cycle.
  if (path.some((on) => on.subject.equals(issuer.subject) && sameBytes(on.spki, issuer.spki))) return false;
  const key = publicKeyOf(issuer, input.engine);
  if (key === undefined) {
    // It may inherit parameters (DSA), or the engine lacks its kind: the validation will see. The import had its price.
    input.work.spend('signatures');
    return true;
  }
  return isSignedBy(below, key, () => input.work.spend('signatures'));
}

/** Issuers whose key identifier is the one named below first; no identifier says nothing (RFC 4158 §3.5.12). */
function byLikelihood(issuers: readonly Certificate[], below: Certificate): readonly Certificate[] {
  if (issuers.length < 2) return issuers;
  const wanted = tryDecode(() => below.decode(Oid.authorityKeyIdentifier)?.keyIdentifier);
  const rank = (issuer: Certificate): number => {
    const own = tryDecode(() => issuer.decode(Oid.subjectKeyIdentifier));
    const identifier = wanted === undefined || own === undefined ? 1 : sameBytes(wanted, own) ? 0 : 2;
    // Of two like certificates the one that lasts longer: the other may have been replaced by it.
    return identifier * 1e15 - issuer.notAfter / 1e3;
  };
  return issuers
    .map((issuer) => ({ issuer, rank: rank(issuer) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ issuer }) => issuer);
}

/** Ordering must not fail on an extension that the validation will refuse. */
function tryDecode<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

/**
 * The path as OTP would see it when none leads to an anchor: the order sent, as far as each is named as issuer of
 * the one before, and what our own certificates add.
 */
function plainPath(input: BuildInput): CandidatePath {
  const { sent, trust } = input;
  const path: Certificate[] = [sent[0]];
  const unused = new Set(sent.slice(1));
  for (;;) {
    const top = path[path.length - 1] ?? sent[0];
    if (top.selfIssued || path.length >= MAX_PATH) break;
    let next: Certificate | undefined;
    for (const candidate of unused) {
      input.work.spend('candidates');
      if (candidate.subject.equals(top.issuer)) {
        next = candidate;
        break;
      }
    }
    next ??= trust
      .withSubject(top.issuer)
      .find((issuer) => !path.includes(issuer) && canIssue(issuer, top, path, input));
    if (next === undefined) break;
    unused.delete(next);
    path.push(next);
  }
  const top = path[path.length - 1] ?? sent[0];
  if (top.selfIssued && path.length > 1) {
    const root = trust.find(top);
    if (root !== undefined) return { chain: path.slice(0, -1).reverse(), anchor: root };
    const impostor = trust.withSubject(top.subject).some((trusted) => sameBytes(trusted.serial, top.serial));
    return { chain: path.reverse(), anchor: impostor ? 'invalid_issuer' : 'unknown_ca' };
  }
  return { chain: path.reverse(), anchor: 'unknown_ca' };
}
