/**
 * Erlang's `ssl_crl_cache`: CRLs put into the running application's cache, for `crlCheck` with `crlCache` as it is by
 * default. They stay until they are deleted or replaced; a restart of the cache begins empty.
 */
import {
  type CrlCacheAnswer,
  type CrlCacheInfo,
  type CrlSource,
  crlCacheInfo,
  deleteCrls,
  insertCrls,
} from '@actor-tls/crl-cache';
import { defaultNode, type Node } from '@actor-tls/runtime';
import { crlCacheName } from './processes/material/judgement.js';

export type { CrlCacheAnswer, CrlCacheInfo, CrlSource };

/**
 * Puts CRLs in: `{ file }`, `{ der: [...] }` or `{ pem }`. With a URI (http) they stand for that distribution point,
 * without they are found by their issuer. All or nothing. Errors: a posix name (`enoent`), `bad_crl`,
 * `{ only_http_distribution_points_supported: uri }`, `noproc` when the application does not run.
 * `ssl_crl_cache:insert/1,2`
 */
export function insert(source: CrlSource, node?: Node): Promise<CrlCacheAnswer>;
export function insert(uri: string, source: CrlSource, node?: Node): Promise<CrlCacheAnswer>;
export function insert(
  first: string | CrlSource,
  second?: CrlSource | Node,
  third?: Node,
): Promise<CrlCacheAnswer> {
  if (typeof first !== 'string') return insertCrls(nodeOf(second), crlCacheName, first);
  if (!isSource(second)) throw new TypeError('a URI without CRLs');
  return insertCrls(third ?? defaultNode(), crlCacheName, second, first);
}

/** Takes CRLs out: what stands at a URI, or the very CRLs of a source. Errors as `insert`. `ssl_crl_cache:delete/1` */
function remove(what: string | CrlSource, node: Node = defaultNode()): Promise<CrlCacheAnswer> {
  return deleteCrls(node, crlCacheName, what);
}

export { remove as delete };

/** What the cache holds and did: CRLs, bytes, fetches, failures by kind. Ours. */
export function info(node: Node = defaultNode()): Promise<CrlCacheInfo> {
  return crlCacheInfo(node, crlCacheName);
}

function isSource(value: CrlSource | Node | undefined): value is CrlSource {
  return value !== undefined && ('file' in value || 'der' in value || 'pem' in value);
}

function nodeOf(value: CrlSource | Node | undefined): Node {
  return value === undefined || isSource(value) ? defaultNode() : value;
}
