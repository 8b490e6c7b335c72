/** Certificate revocation lists: a cache process, the interface that users can implement, and a hash directory. */
export {
  type CrlCacheAnswer,
  type CrlCacheDb,
  type CrlCacheInfo,
  type CrlCacheOptions,
  type CrlSource,
  crlCacheApi,
  crlCacheInfo,
  deleteCrls,
  insertCrls,
  startCrlCache,
} from './crl-cache.js';
export {
  type CrlAnswer,
  type CrlCacheApi,
  type CrlDescription,
  type CrlReader,
  type CrlReport,
  crlsOf,
  type DistributionPoint,
} from './crl-cache-api.js';
export type { TableLimits } from './crl-table.js';
export {
  defaultFetchPolicy,
  type FetchPolicy,
  type PointCounters,
  type PointError,
} from './distribution-points.js';
export { type HashDirectory, type HashDirectoryReader, hashDirectory } from './hash-directory.js';
export { type Fetch, type FetchError, type FetchLimits, type FetchResult, httpFetch } from './http-fetch.js';
