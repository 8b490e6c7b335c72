/** Between the CRL caches, which know bytes, and the CRL check, which knows names: OTP's `ssl_crl_cache_api` adapted. */
import {
  type DistributionPoint as CachePoint,
  type CrlAnswer,
  type CrlCacheApi,
  type CrlReport,
  crlsOf,
  type HashDirectoryReader,
} from '@actor-tls/crl-cache';
import type { CryptoEngine } from '../../values/crypto/engine.js';
import { CertificateError } from '../../values/x509/certificate.js';
import { revocationListOf } from '../../values/x509/crl.js';
import type { CrlSource } from '../../values/x509/crl-check.js';
import { coversPoint } from '../../values/x509/crl-validation.js';
import { DerError, decodeAll, Tag } from '../../values/x509/der.js';
import { encodeElement } from '../../values/x509/der-writer.js';
import {
  type DistributionPoint,
  readDistributionPoints,
} from '../../values/x509/extensions/distribution-points.js';
import { openSslNameHash } from '../../values/x509/name-hash.js';

/** A cache as a source of lists; reports that come with an answer go to `report`. */
export function crlSourceOf<Db>(
  api: CrlCacheApi<Db>,
  db: Db,
  report: (report: CrlReport) => void,
): CrlSource {
  const take = (answer: CrlAnswer): readonly Uint8Array[] => {
    if ('logger' in answer) report(answer.logger);
    return crlsOf(answer);
  };
  return {
    lookup(point, issuer) {
      const answer = api.lookup(cachePoint(point), issuer.raw, db);
      const settle = (found: 'not_available' | CrlAnswer): readonly Uint8Array[] | 'not_available' =>
        found === 'not_available' ? found : take(found);
      return answer instanceof Promise ? answer.then(settle) : settle(answer);
    },
    select(issuer) {
      const answer = api.select([issuer.raw], db);
      return answer instanceof Promise ? answer.then(take) : take(answer);
    },
    freshCrl(point, list) {
      const answer = api.freshCrl(cachePoint(point), list, db);
      const first = (found: CrlAnswer): Uint8Array => take(found)[0] ?? list;
      return answer instanceof Promise ? answer.then(first) : first(answer);
    },
  };
}

/** What a hash directory wants to know. */
export function hashDirectoryReader(engine: CryptoEngine): HashDirectoryReader {
  return {
    nameHash: (name) => openSslNameHash(name, engine),
    isCrl: (der) => tryRead(() => revocationListOf(der)) !== undefined,
    coversPoint(der, point) {
      const list = tryRead(() => revocationListOf(der));
      const [own] =
        tryRead(() => decodeAll(encodeElement(Tag.sequence, point.der), readDistributionPoints)) ?? [];
      return list !== undefined && own !== undefined && coversPoint(list, own);
    },
  };
}

function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError || error instanceof CertificateError) return undefined;
    throw error;
  }
}

function cachePoint(point: DistributionPoint): CachePoint {
  const { cRLIssuer = [], der, distributionPoint } = point;
  const names =
    distributionPoint !== undefined && 'fullName' in distributionPoint ? distributionPoint.fullName : [];
  return {
    uris: names.flatMap((name) => (name.type === 'uniformResourceIdentifier' ? [name.text] : [])),
    crlIssuers: cRLIssuer.flatMap((name) => (name.type === 'directoryName' ? [name.name.raw] : [])),
    der: der ?? new Uint8Array(),
  };
}
