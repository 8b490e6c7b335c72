/** Rows of revocation: CRLs and stapled OCSP responses (contract §2.1, §11, §14). */
import type { CrlCacheApi } from '@actor-tls/crl-cache';
import { Certificate, CertificateError } from '../values/x509/certificate.js';
import type { CrlCheck } from '../values/x509/crl-check.js';
import type { Stapling } from '../values/x509/stapling.js';
import { isDer } from './der-forms.js';
import { badValue } from './option-error.js';
import type { CrlCacheWish, StaplingWish } from './raw.js';
import { asItIs, isInteger, isList, type Option, untold } from './row.js';
import { isOptionObject } from './socket-options.js';

const manual = 'ssl:common_option()';

/** `crl_cache`: where CRLs come from. */
export type CrlCacheChoice =
  /** The application's cache; `http`: ms to wait for a fetch from a distribution point, without it nothing is fetched. */
  | { readonly cache: 'internal'; readonly http: number | undefined }
  /** A directory as `openssl rehash` leaves it. */
  | { readonly cache: 'hash_dir'; readonly dir: string }
  | { readonly cache: 'own'; readonly api: CrlCacheApi; readonly db: unknown };

export class RevocationRows {
  /** `crl_check`: default false. */
  readonly crlCheck: Option<'both', CrlCheck> = {
    otp: 'crl_check',
    side: 'both',
    default: false,
    tell: asItIs,
    note: { values: 'boolean, peer, best_effort', default: 'false', source: manual },
    parse: (value) => (isCrlCheck(value) ? value : badValue('crlCheck', value)),
  };

  /** `crl_cache`: default the application's cache, without fetching. */
  readonly crlCache: Option<'both', CrlCacheWish, CrlCacheChoice, undefined> = {
    otp: 'crl_cache',
    side: 'both',
    default: { cache: 'internal', http: undefined },
    tell: untold,
    kept: 'live',
    note: {
      values:
        '{ api, db } or [api, db]; api: ssl_crl_cache with db { http: ms }, ssl_crl_hash_dir with { dir }, or { lookup, ' +
        'select, freshCrl } with any db; also db as [handle, [args]]',
      default: 'ssl_crl_cache, nothing is fetched',
      source: 'ssl_crl_cache_api',
    },
    parse: (value) => cacheOf(value) ?? badValue('crlCache', value),
  };

  /** `stapling`: whether the server has to show that its certificate is not revoked; default `'no_staple'`. */
  readonly stapling: Option<'client', StaplingWish, Stapling | undefined> = {
    otp: 'stapling',
    side: 'client',
    default: undefined,
    tell: asItIs,
    note: {
      values: 'staple, no_staple, { ocspNonce, ocspResponderCerts }',
      default: 'no_staple; ocspNonce true',
      source: 'ssl:client_option() of OTP 27, RFC 6066 §8',
    },
    parse: stapling,
  };
}

function isCrlCheck(value: unknown): value is CrlCheck {
  return typeof value === 'boolean' || value === 'peer' || value === 'best_effort';
}

/** `undefined`: wrong. */
function cacheOf(value: unknown): CrlCacheChoice | undefined {
  const [api, db, ...more] = isList(value) ? value : isOptionObject(value) ? pairOf(value) : [];
  if (more.length > 0 || (isList(value) && value.length < 2)) return undefined;
  if (isCacheApi(api)) return Object.freeze({ cache: 'own', api, db });
  const given = argsOf(db);
  if (given === undefined) return undefined;
  const args: Readonly<Record<string, unknown>> = { __proto__: null, ...given };
  const keys = Object.keys(args);
  if (api === 'ssl_crl_cache') {
    const { http } = args;
    const known = http === undefined || isTimeout(http);
    return known && keys.every((key) => key === 'http')
      ? Object.freeze({ cache: 'internal', http })
      : undefined;
  }
  const { dir } = args;
  if (api !== 'ssl_crl_hash_dir' || keys.some((key) => key !== 'dir')) return undefined;
  return typeof dir === 'string' && dir !== '' ? Object.freeze({ cache: 'hash_dir', dir }) : undefined;
}

/** `{ api, db }`, or `{ ssl_crl_cache: { internal: args } }` as tuples are written elsewhere. */
function pairOf(value: Readonly<Record<string, unknown>>): readonly unknown[] {
  const keys = Object.keys(value);
  if (keys.every((key) => key === 'api' || key === 'db')) return [value['api'], value['db']];
  const [key = '', ...others] = keys;
  const db = value[key];
  const inner =
    isOptionObject(db) && Object.keys(db).length === 1 && 'internal' in db ? db['internal'] : undefined;
  return others.length > 0 || inner === undefined ? [] : [key, inner];
}

function isTimeout(value: unknown): value is number {
  return isInteger(value) && value >= 0;
}

/** `{ http }`, `[{ http }]`, `[handle, [{ http }]]`, `{ handle, args }`, nothing. */
function argsOf(db: unknown): Readonly<Record<string, unknown>> | undefined {
  if (db === undefined) return {};
  if (isList(db)) {
    const args = db.length === 2 && typeof db[0] === 'string' ? db[1] : db;
    if (!isList(args)) return argsOf(args);
    return args.every(isOptionObject) ? Object.assign({}, ...args) : undefined;
  }
  if (!isOptionObject(db)) return undefined;
  return 'args' in db ? argsOf(db['args']) : db;
}

function isCacheApi(value: unknown): value is CrlCacheApi {
  return (
    isOptionObject(value) &&
    ['lookup', 'select', 'freshCrl'].every((name) => typeof Reflect.get(value, name) === 'function')
  );
}

function isCertificate(value: unknown): value is Uint8Array {
  if (!isDer(value)) return false;
  try {
    new Certificate(value);
    return true;
  } catch (error) {
    if (error instanceof CertificateError) return false;
    throw error;
  }
}

function stapling(value: unknown): Stapling | undefined {
  if (value === 'no_staple') return undefined;
  if (value === 'staple') return Object.freeze({ ocspNonce: true, ocspResponderCerts: [] });
  if (!isOptionObject(value)) return badValue('stapling', value);
  const { ocspNonce = true, ocspResponderCerts = [], ...others } = value;
  if (typeof ocspNonce !== 'boolean' || Object.keys(others).length > 0) return badValue('stapling', value);
  if (!isList(ocspResponderCerts)) return badValue('stapling', value);
  const certificates = ocspResponderCerts.filter(isCertificate);
  if (certificates.length !== ocspResponderCerts.length) return badValue('stapling', value);
  return Object.freeze({ ocspNonce, ocspResponderCerts: certificates });
}
