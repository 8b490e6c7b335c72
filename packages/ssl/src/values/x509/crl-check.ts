/**
 * The `crl_check` option as a revocation check for `verifyPeer` (contract §11): which lists are asked for, and how
 * far an unclear answer counts. Lists come from a source (the CRL cache), at once or later.
 */
import type { CryptoEngine } from '../crypto/engine.js';
import type { AllowedSignatures } from './allowed-signatures.js';
import { type Certificate, CertificateError } from './certificate.js';
import { type RevocationList, revocationListOf } from './crl.js';
import {
  type CrlVerdict,
  issuerPoint,
  type PointAndList,
  type SignerPath,
  validateByLists,
} from './crl-validation.js';
import type { DistributionPoint } from './extensions/distribution-points.js';
import type { Name } from './name.js';
import { Oid } from './oids.js';
import { publicKeyOf } from './parse-cache.js';
import { candidatePaths } from './path-builder.js';
import type { RevocationAnswer, RevocationCheck } from './peer-verification.js';
import type { TrustStore } from './trust-store.js';
import { Work, WorkLimitError } from './work.js';

/** `crl_check`: which certificates must not be revoked, and whether an unclear answer counts. */
export type CrlCheck = boolean | 'peer' | 'best_effort';

type MaybeLater<T> = T | Promise<T>;

/** Where lists come from: OTP's `ssl_crl_cache_api`, in DER. */
export interface CrlSource {
  /** Lists of a distribution point; `not_available`: try the next point. */
  lookup(point: DistributionPoint, issuer: Name): MaybeLater<readonly Uint8Array[] | 'not_available'>;
  /** Lists of an issuer. */
  select(issuer: Name): MaybeLater<readonly Uint8Array[]>;
  /** A newer list in place of one whose nextUpdate has passed, or the same bytes. */
  freshCrl?(point: DistributionPoint, list: Uint8Array): MaybeLater<Uint8Array>;
}

export interface CrlCheckInput {
  readonly check: true | 'peer' | 'best_effort';
  readonly source: CrlSource;
  readonly trust: TrustStore;
  readonly engine: CryptoEngine;
  /** ms since 1970 */
  readonly now: number;
  /** Of lists and of their signers, as of the certificates. */
  readonly signatureAlgs?: AllowedSignatures;
  /** Of the signers' keys, as of the certificates'. */
  readonly minKeySize?: number | undefined;
  /** More certificates that may have signed lists, such as all that the peer sent. */
  readonly others?: readonly Certificate[];
}

export function checkByCrls(input: CrlCheckInput): RevocationCheck {
  return (certificate, path) => {
    const isPeer = certificate === path[path.length - 1];
    if (input.check === 'peer' && !isPeer) return 'valid';
    const points = certificate.decode(Oid.crlDistributionPoints) ?? [];
    return then(judgeByPoints(points, 0, [], certificate, path, input), (answer) => {
      if (answer !== undefined && !isUndetermined(answer)) return answer;
      const own = issuerPoint(certificate);
      return then(input.source.select(certificate.issuer), (ders) =>
        then(judge(certificate, path, pairsOf([own], ders), input), (last) =>
          input.check === 'best_effort' && isUndetermined(last) ? 'valid' : last,
        ),
      );
    });
  };
}

/**
 * Asks point by point until the answer is clear; each list counts for every point, as in OTP. OTP stops at the first
 * point that has lists, and so never learns what lists for the other reasons say.
 */
function judgeByPoints(
  points: readonly DistributionPoint[],
  at: number,
  before: readonly Uint8Array[],
  certificate: Certificate,
  path: readonly Certificate[],
  input: CrlCheckInput,
): MaybeLater<RevocationAnswer | undefined> {
  const point = points[at];
  if (point === undefined || at >= MAX_POINTS) return undefined;
  return then(input.source.lookup(point, certificate.issuer), (found) => {
    const lists =
      found === 'not_available' ? before : [...before, ...found.filter((der) => !before.includes(der))];
    const answer =
      lists.length === before.length ? undefined : judge(certificate, path, pairsOf(points, lists), input);
    return then(answer, (given) => {
      if (given !== undefined && !isUndetermined(given)) return given;
      return then(judgeByPoints(points, at + 1, lists, certificate, path, input), (later) => later ?? given);
    });
  });
}

/** Distribution points asked for one certificate: each may cost a fetch. */
const MAX_POINTS = 8;

/** Undecodable lists are left out. */
function pairsOf(points: readonly DistributionPoint[], ders: readonly Uint8Array[]): PointAndList[] {
  const lists = ders.flatMap((der): RevocationList[] => {
    try {
      return [revocationListOf(der)];
    } catch (error) {
      if (error instanceof CertificateError) return [];
      throw error;
    }
  });
  return points.flatMap((point) => lists.map((list) => ({ point, list })));
}

function judge(
  certificate: Certificate,
  path: readonly Certificate[],
  pairs: readonly PointAndList[],
  input: CrlCheckInput,
): MaybeLater<RevocationAnswer> {
  const work = new Work();
  return then(refresh(pairs, input), (fresh) =>
    then(withoutRevokedSigners(fresh, path, input, work), (usable) => {
      const verdict = validate(certificate, path, usable, input, work);
      if (verdict === 'valid') return 'valid';
      if ('revoked' in verdict) return { bad_cert: { revoked: verdict.revoked } };
      const bad_crls = verdict.undetermined.map(({ bad_crl, list }) => ({
        bad_crl,
        issuer: list.issuer.toString(),
      }));
      const details = pairs.length === 0 ? 'no_relevant_crls' : { bad_crls };
      return { bad_cert: { revocation_status_undetermined: details } };
    }),
  );
}

function validate(
  certificate: Certificate,
  path: readonly Certificate[],
  pairs: readonly PointAndList[],
  input: CrlCheckInput,
  work: Work,
): CrlVerdict {
  return validateByLists(certificate, pairs, {
    engine: input.engine,
    now: input.now,
    signatureAlgs: input.signatureAlgs,
    ...(input.minKeySize === undefined ? {} : { minKeySize: input.minKeySize }),
    work,
    findSigner: (_, list) => findSigner(list, path, input, work),
  });
}

/**
 * A signer that does not stand on the certificate's path was not checked by anybody yet (RFC 5280 §6.3.3 f): its own
 * issuer's lists are asked. One round only: a signer of those lists that is again apart counts as unrevoked.
 */
function withoutRevokedSigners(
  pairs: readonly PointAndList[],
  path: readonly Certificate[],
  input: CrlCheckInput,
  work: Work,
): MaybeLater<readonly PointAndList[]> {
  let kept: MaybeLater<readonly PointAndList[]> = [];
  for (const pair of pairs) {
    const signer = findSigner(pair.list, path, input, work)?.path.at(-1);
    const apart = signer !== undefined && !path.includes(signer) && !signer.selfIssued;
    kept = then(kept, (before) => {
      if (!apart) return [...before, pair];
      return then(input.source.select(signer.issuer), (ders) => {
        const verdict = validate(signer, path, pairsOf([issuerPoint(signer)], ders), input, work);
        return verdict !== 'valid' && 'revoked' in verdict ? before : [...before, pair];
      });
    });
  }
  return kept;
}

/** Asks for a newer list in place of each that has run out. */
function refresh(
  pairs: readonly PointAndList[],
  { source, now }: CrlCheckInput,
): MaybeLater<readonly PointAndList[]> {
  const renewed = pairs.map(({ point, list }): MaybeLater<PointAndList> => {
    if (source.freshCrl === undefined || list.nextUpdate === undefined || now < list.nextUpdate)
      return { point, list };
    return then(source.freshCrl(point, list.der), (der) =>
      der === list.der ? { point, list } : (pairsOf([point], [der])[0] ?? { point, list }),
    );
  });
  return renewed.some((item) => item instanceof Promise)
    ? Promise.all(renewed)
    : renewed.filter((item): item is PointAndList => !(item instanceof Promise));
}

function isUndetermined(answer: RevocationAnswer): boolean {
  return (
    answer !== 'valid' &&
    typeof answer.bad_cert === 'object' &&
    answer.bad_cert !== null &&
    'revocation_status_undetermined' in answer.bad_cert
  );
}

/** OTP's `ssl_crl:trusted_cert_and_path/4`: who signed the list, by name and signature, and how it is trusted. */
function findSigner(
  list: RevocationList,
  path: readonly Certificate[],
  { trust, engine, others = [] }: CrlCheckInput,
  work: Work,
): SignerPath | undefined {
  const known = [...path].reverse().concat(others);
  const candidates = [...known, ...trust.withSubject(list.issuer)];
  try {
    for (const signer of candidates) {
      if (!signer.subject.equals(list.issuer)) continue;
      const key = publicKeyOf(signer, engine);
      work.spend('signatures');
      // No key: it may inherit parameters (DSA) on its path, where the signature is checked again.
      if (key !== undefined && !list.isSignedBy(key)) continue;
      if (signer.selfIssued && trust.find(signer) !== undefined) return { anchor: signer, path: [signer] };
      for (const { anchor, chain } of candidatePaths({ sent: [signer, ...known], trust, engine, work })) {
        if (typeof anchor !== 'string') return { anchor, path: chain };
      }
    }
  } catch (error) {
    // A list that costs too much to check is a list we do not have.
    if (!(error instanceof WorkLimitError)) throw error;
  }
  return undefined;
}

/** Goes on at once when the value is there: a handshake stays synchronous as long as the cache answers at once. */
function then<T, U>(value: MaybeLater<T>, next: (value: T) => MaybeLater<U>): MaybeLater<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
