/**
 * What a CRL cache must answer: OTP's behaviour `ssl_crl_cache_api`. Users may implement it (a directory, a
 * database, a cloud's store); `crl-cache.ts` and `hash-directory.ts` are two implementations.
 */

/** A DistributionPoint (RFC 5280 §4.2.1.13), with what caches want to know of it read out. */
export interface DistributionPoint {
  /** The URIs of its full name, in order; empty when it has another kind of name. */
  readonly uris: readonly string[];
  /** DER Names under cRLIssuer, if the CRLs come from another than the certificate's issuer. */
  readonly crlIssuers: readonly Uint8Array[];
  /** DER of the whole DistributionPoint. */
  readonly der: Uint8Array;
}

/** A report for the connection's logger that comes with an answer: `{logger, {Level, Report, Meta}, Answer}`. */
export interface CrlReport {
  readonly level: 'error' | 'warning' | 'notice' | 'info' | 'debug';
  readonly report: Readonly<Record<string, unknown>>;
}

/** CRLs in DER, plain or with a report. */
export type CrlAnswer =
  | readonly Uint8Array[]
  | { readonly logger: CrlReport; readonly crls: readonly Uint8Array[] };

/** `Db` is what the user put beside the implementation in `crl_cache: { api, db }`. */
export interface CrlCacheApi<Db = unknown> {
  /** The CRLs of a certificate's distribution point; the certificate's issuer as a DER Name. */
  lookup(
    point: DistributionPoint,
    issuer: Uint8Array,
    db: Db,
  ): 'not_available' | CrlAnswer | Promise<'not_available' | CrlAnswer>;
  /** CRLs that were issued by one of these DER Names, for certificates without a useful distribution point. */
  select(issuers: readonly Uint8Array[], db: Db): CrlAnswer | Promise<CrlAnswer>;
  /** A newer CRL in place of one whose nextUpdate has passed; the same one when there is none. */
  freshCrl(point: DistributionPoint, crl: Uint8Array, db: Db): CrlAnswer | Promise<CrlAnswer>;
}

/**
 * What the caches must know of a CRL and cannot read themselves. Passed in by whoever can decode one.
 */
export interface CrlReader {
  /** `undefined` when the bytes are no CRL. */
  describe(der: Uint8Array): CrlDescription | undefined;
  /** A DER Name as a text that is equal for names that RFC 5280 §7.1 calls equal. */
  nameKey(name: Uint8Array): string;
}

export interface CrlDescription {
  /** `nameKey` of its issuer. */
  readonly issuer: string;
  /** ms since 1970 */
  readonly thisUpdate: number;
  /** ms since 1970 */
  readonly nextUpdate: number | undefined;
}

/** The CRLs of an answer, without its report. */
export function crlsOf(answer: 'not_available' | CrlAnswer): readonly Uint8Array[] {
  if (answer === 'not_available') return [];
  return 'crls' in answer ? answer.crls : answer;
}
