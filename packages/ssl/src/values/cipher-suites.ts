/**
 * OTP's functions on cipher suites, curves and groups (contract §1.5): `ssl:cipher_suites/2,3`,
 * `filter_`, `prepend_`, `append_cipher_suites/2`, `suite_to_str/1`, `suite_to_openssl_str/1`, `str_to_suite/1`,
 * `eccs/0,1`, `groups/0,1`.
 *
 * A suite is a plain object with the fields of OTP's `erl_cipher_suite()` map. What a wrong argument raises in
 * Erlang (`function_clause`) is a `TypeError` here.
 */
import type { AeadName, Cipher, CryptoEngine, HashName } from './crypto/engine.js';
import type { CurveName, Tls13GroupName } from './registry/groups.js';
import { defaultTls13Groups, eccCurves, tls13Groups } from './registry/groups.js';
import type { CipherName, CipherSuite, KeyExchange, MacName, PrfName } from './registry/suites.js';
import {
  allSuites,
  anonymousSuites,
  desSuites,
  ephemeralSuites10,
  ephemeralSuites12,
  rc4Suites,
  rsaPskSuites,
  rsaSuites10,
  rsaSuites12,
  srpSuites,
  suiteByName,
  tls13Suites,
} from './registry/suites.js';
import type { ProtocolVersion, TlsVersion } from './registry/versions.js';
import { versionByName } from './registry/versions.js';
import type { Failed } from './terms.js';

/** OTP's `erl_cipher_suite()`. The signalling value TLS_EMPTY_RENEGOTIATION_INFO_SCSV is four times `'null'`. */
export interface SuiteMap {
  readonly keyExchange: KeyExchange | 'null';
  readonly cipher: CipherName;
  readonly mac: MacName | 'null';
  readonly prf: PrfName | 'null';
}

export type SuiteDescription = 'default' | 'all' | 'exclusive' | 'anonymous' | 'exclusive_anonymous';
export type SuiteNaming = 'rfc' | 'openssl';

/** Predicates on the parts of a suite; a suite passes when every given one answers true. */
export interface SuiteFilters {
  readonly keyExchange?: (value: SuiteMap['keyExchange']) => boolean;
  readonly cipher?: (value: SuiteMap['cipher']) => boolean;
  readonly mac?: (value: SuiteMap['mac']) => boolean;
  readonly prf?: (value: SuiteMap['prf']) => boolean;
}

/** What the cryptographic library can do, in the terms that suites need (`crypto:supports/0`). */
export interface SuiteSupport {
  cipher(name: CipherName): boolean;
  hash(name: HashName): boolean;
  publicKey(name: 'rsa' | 'dss' | 'ecdsa' | 'ecdh' | 'dh' | 'srp'): boolean;
}

/** The part of an engine that says what exists. */
export type EngineSupport = Pick<CryptoEngine, 'hash' | 'aead' | 'cipher' | 'group' | 'supportsKey'>;

/** Reads an engine's answers as `SuiteSupport`. */
export function engineSuiteSupport(engine: EngineSupport): SuiteSupport {
  return {
    cipher: (name) =>
      isAead(name) ? engine.aead(name) !== undefined : isCipher(name) && engine.cipher(name) !== undefined,
    hash: (name) => engine.hash(name) !== undefined,
    publicKey: (name) => {
      switch (name) {
        case 'rsa':
          return engine.supportsKey('rsa');
        case 'dss':
          return engine.supportsKey('dsa');
        case 'ecdsa':
          return engine.supportsKey('ec', 'secp256r1');
        case 'ecdh':
          return engine.group('secp256r1') !== undefined;
        case 'dh':
        case 'srp':
          // Who has one finite field has all.
          return engine.group('ffdhe2048') !== undefined;
      }
    },
  };
}

/** Ciphers that an engine may have; the compiler asks for each. */
const aeads: Readonly<Record<AeadName, true>> = {
  aes_128_gcm: true,
  aes_256_gcm: true,
  chacha20_poly1305: true,
  aes_128_ccm: true,
  aes_256_ccm: true,
  aes_128_ccm_8: true,
  aes_256_ccm_8: true,
};

/** Whether an engine can be asked for a cipher. */
export function isAead(name: CipherName): name is AeadName {
  return Object.hasOwn(aeads, name);
}

/** Those that are none; the compiler asks for each. */
const ciphers: Readonly<Record<Cipher['name'], true>> = {
  aes_128_cbc: true,
  aes_256_cbc: true,
  '3des_ede_cbc': true,
  des_cbc: true,
  rc4_128: true,
};

export function isCipher(name: CipherName): name is Cipher['name'] {
  return Object.hasOwn(ciphers, name);
}

/** Whether the library has all that a suite needs. */
export function isSupportedSuite(suite: SuiteMap, support: SuiteSupport): boolean {
  return (
    hasKeyExchange(suite.keyExchange, support) &&
    (suite.cipher === 'null' || support.cipher(suite.cipher)) &&
    (suite.mac === 'aead' || suite.mac === 'null' || support.hash(suite.mac)) &&
    (suite.prf === 'default_prf' || suite.prf === 'null' || support.hash(suite.prf))
  );
}

const keyExchangeNeeds: Readonly<
  Record<KeyExchange | 'null', readonly Parameters<SuiteSupport['publicKey']>[0][] | 'never'>
> = {
  any: [],
  null: [],
  psk: [],
  dh_anon: ['dh'],
  dhe_psk: ['dh'],
  dhe_dss: ['dh', 'dss'],
  dhe_rsa: ['dh', 'rsa'],
  ecdh_anon: ['ecdh'],
  ecdhe_psk: ['ecdh'],
  ecdh_ecdsa: ['ecdh', 'ecdsa'],
  ecdhe_ecdsa: ['ecdh', 'ecdsa'],
  ecdh_rsa: ['ecdh', 'rsa'],
  ecdhe_rsa: ['ecdh', 'rsa'],
  rsa: ['rsa'],
  rsa_psk: ['rsa'],
  srp_anon: ['srp'],
  srp_dss: ['srp', 'dss'],
  srp_rsa: ['srp', 'rsa'],
  // Certificates with static DH keys: known by name only, in OTP too.
  dh_rsa: 'never',
  dh_dss: 'never',
};

function hasKeyExchange(name: KeyExchange | 'null', support: SuiteSupport): boolean {
  const needs = keyExchangeNeeds[name];
  return needs !== 'never' && needs.every((key) => support.publicKey(key));
}

/** The four fields of a row, as OTP users see a suite. */
export function suiteMap(suite: CipherSuite): SuiteMap {
  return { keyExchange: suite.keyExchange, cipher: suite.cipher, mac: suite.mac, prf: suite.prf };
}

/** The row of a map, or `undefined`. */
export function suiteOfMap(map: SuiteMap): CipherSuite | undefined {
  return allSuites.find((suite) => isSame(suite, map));
}

function isSame(a: SuiteMap, b: SuiteMap): boolean {
  return a.keyExchange === b.keyExchange && a.cipher === b.cipher && a.mac === b.mac && a.prf === b.prf;
}

// --- lists -----------------------------------------------------------------------------------------------------

/** `ssl:cipher_suites/2`: strongest first, whether or not the library has them. */
export function cipherSuites(description: SuiteDescription, version: ProtocolVersion): SuiteMap[];
/** `ssl:cipher_suites/3`: the names. */
export function cipherSuites(
  description: SuiteDescription,
  version: ProtocolVersion,
  naming: SuiteNaming,
): string[];
export function cipherSuites(
  description: SuiteDescription,
  version: ProtocolVersion,
  naming?: SuiteNaming,
): SuiteMap[] | string[] {
  const rows = suiteRows(description, version);
  switch (naming) {
    case undefined:
      return rows.map(suiteMap);
    case 'rfc':
      return rows.map((row) => row.name);
    case 'openssl':
      return rows.map((row) => row.opensslName);
    default:
      throw new TypeError(`naming is 'rfc' or 'openssl', not ${String(naming)}`);
  }
}

/** The rows behind `cipherSuites`. DTLS takes those of its TLS version that are let in over datagrams. */
export function suiteRows(description: SuiteDescription, version: ProtocolVersion): readonly CipherSuite[] {
  const row = versionByName(version);
  if (row === undefined) throw new TypeError(`no protocol version ${String(version)}`);
  const suites = listOf(description, row.tls);
  return row.protocol === 'tls' ? suites : suites.filter(isForDatagrams);
}

/** Not stream ciphers, nor tags that are guessed too soon where what is wrong ends nothing (RFC 9147 §4.5.3). */
function isForDatagrams({ versions }: CipherSuite): boolean {
  return versions.some((version) => versionByName(version)?.protocol === 'dtls');
}

function listOf(description: SuiteDescription, version: TlsVersion): readonly CipherSuite[] {
  switch (description) {
    case 'default':
      return defaults[version];
    case 'all':
      return all[version];
    case 'exclusive':
      return exclusive[version];
    case 'anonymous':
      return anonymous[version];
    case 'exclusive_anonymous':
      return exclusiveAnonymous[version];
    default:
      throw new TypeError(`no list of cipher suites is called ${String(description)}`);
  }
}

type Lists = Readonly<Record<TlsVersion, readonly CipherSuite[]>>;

const exclusive: Lists = {
  'tlsv1.3': tls13Suites,
  'tlsv1.2': ephemeralSuites12,
  'tlsv1.1': [],
  tlsv1: ephemeralSuites10,
};

const defaults: Lists = {
  'tlsv1.3': [...tls13Suites, ...ephemeralSuites12, ...ephemeralSuites10],
  'tlsv1.2': [...ephemeralSuites12, ...ephemeralSuites10],
  'tlsv1.1': ephemeralSuites10,
  tlsv1: ephemeralSuites10,
};

const weakest: readonly CipherSuite[] = [...desSuites, ...rc4Suites];
const without3des = (suites: readonly CipherSuite[]): readonly CipherSuite[] =>
  suites.filter((suite) => suite.cipher !== '3des_ede_cbc');
const onRequest12: readonly CipherSuite[] = [
  ...without3des(rsaPskSuites),
  ...without3des(srpSuites),
  ...rsaSuites12,
  ...rsaSuites10,
  ...weakest,
];

const all: Lists = {
  'tlsv1.3': [...defaults['tlsv1.3'], ...onRequest12],
  'tlsv1.2': [...defaults['tlsv1.2'], ...onRequest12],
  // OTP lists the RSA-PSK suites under 1.0 and 1.2 only.
  'tlsv1.1': [...defaults['tlsv1.1'], ...srpSuites, ...rsaSuites10, ...weakest],
  tlsv1: [...defaults.tlsv1, ...rsaPskSuites, ...srpSuites, ...rsaSuites10, ...weakest],
};

/** OTP's anonymous lists name some suites twice; the order and the doubles are kept. */
const exclusiveAnonymous: Lists = {
  'tlsv1.3': [],
  'tlsv1.2': named(
    'DHE_PSK_WITH_AES_256_GCM_SHA384',
    'PSK_WITH_AES_256_GCM_SHA384',
    'DHE_PSK_WITH_AES_256_CCM',
    'DHE_PSK_WITH_AES_256_CCM_8',
    'PSK_WITH_AES_256_CCM',
    'PSK_WITH_AES_256_CCM_8',
    'ECDHE_PSK_WITH_AES_128_GCM_SHA256',
    'ECDHE_PSK_WITH_AES_128_CCM_SHA256',
    'ECDHE_PSK_WITH_AES_128_CCM_8_SHA256',
    'DHE_PSK_WITH_AES_128_GCM_SHA256',
    'PSK_WITH_AES_128_GCM_SHA256',
    'ECDHE_PSK_WITH_AES_128_GCM_SHA256',
    'ECDHE_PSK_WITH_AES_128_CCM_8_SHA256',
    'DHE_PSK_WITH_AES_128_CCM',
    'DHE_PSK_WITH_AES_128_CCM_8',
    'PSK_WITH_AES_128_CCM',
    'PSK_WITH_AES_128_CCM_8',
    'DH_anon_WITH_AES_128_GCM_SHA256',
    'DH_anon_WITH_AES_256_GCM_SHA384',
    'DH_anon_WITH_AES_128_CBC_SHA256',
    'DH_anon_WITH_AES_256_CBC_SHA256',
    'ECDH_anon_WITH_AES_128_CBC_SHA',
    'ECDH_anon_WITH_AES_256_CBC_SHA',
    'ECDH_anon_WITH_3DES_EDE_CBC_SHA',
    'DH_anon_WITH_RC4_128_MD5',
  ),
  'tlsv1.1': named(
    'ECDH_anon_WITH_AES_128_CBC_SHA',
    'ECDH_anon_WITH_AES_256_CBC_SHA',
    'ECDH_anon_WITH_3DES_EDE_CBC_SHA',
    'DH_anon_WITH_DES_CBC_SHA',
    'DH_anon_WITH_RC4_128_MD5',
  ),
  tlsv1: named(
    'ECDHE_PSK_WITH_AES_256_CBC_SHA384',
    'DHE_PSK_WITH_AES_256_CBC_SHA384',
    'PSK_WITH_AES_256_CBC_SHA384',
    'ECDHE_PSK_WITH_AES_128_CBC_SHA256',
    'DHE_PSK_WITH_AES_128_CBC_SHA256',
    'PSK_WITH_AES_128_CBC_SHA256',
    'ECDHE_PSK_WITH_RC4_128_SHA',
    'DHE_PSK_WITH_AES_256_CBC_SHA',
    'PSK_WITH_AES_256_CBC_SHA',
    'ECDHE_PSK_WITH_AES_128_CBC_SHA',
    'DHE_PSK_WITH_AES_128_CBC_SHA',
    'PSK_WITH_AES_128_CBC_SHA',
    'ECDHE_PSK_WITH_3DES_EDE_CBC_SHA',
    'DHE_PSK_WITH_3DES_EDE_CBC_SHA',
    'PSK_WITH_3DES_EDE_CBC_SHA',
    'ECDHE_PSK_WITH_RC4_128_SHA',
    'DHE_PSK_WITH_RC4_128_SHA',
    'PSK_WITH_RC4_128_SHA',
    'DH_anon_WITH_RC4_128_MD5',
    'DH_anon_WITH_3DES_EDE_CBC_SHA',
    'DH_anon_WITH_DES_CBC_SHA',
    'SRP_SHA_WITH_AES_128_CBC_SHA',
    'SRP_SHA_WITH_AES_256_CBC_SHA',
    'SRP_SHA_WITH_3DES_EDE_CBC_SHA',
  ),
};

const anonymous: Lists = {
  'tlsv1.3': [],
  'tlsv1.2': [
    ...exclusiveAnonymous['tlsv1.2'],
    ...exclusiveAnonymous['tlsv1.1'],
    ...exclusiveAnonymous.tlsv1,
  ],
  'tlsv1.1': [...exclusiveAnonymous['tlsv1.1'], ...exclusiveAnonymous.tlsv1],
  tlsv1: exclusiveAnonymous.tlsv1,
};

function named(...names: readonly string[]): readonly CipherSuite[] {
  return names.map((name) => {
    const suite = anonymousSuites.find((row) => row.name === `TLS_${name}`);
    if (suite === undefined) throw new TypeError(`no cipher suite TLS_${name}`);
    return suite;
  });
}

// --- picking and ordering --------------------------------------------------------------------------------------

/**
 * `ssl:filter_cipher_suites/2`: the suites that pass the filters and that the library has; without filters only
 * the latter. A name that is no part of a suite is ignored.
 */
export function filterCipherSuites(
  suites: readonly SuiteMap[],
  filters: SuiteFilters,
  support: SuiteSupport,
): SuiteMap[] {
  const { keyExchange, cipher, mac, prf } = filters;
  return suites.filter(
    (suite) =>
      isSupportedSuite(suite, support) &&
      (keyExchange === undefined || keyExchange(suite.keyExchange) === true) &&
      (cipher === undefined || cipher(suite.cipher) === true) &&
      (mac === undefined || mac(suite.mac) === true) &&
      (prf === undefined || prf(suite.prf) === true),
  );
}

/** `ssl:prepend_cipher_suites/2`: the preferred ones first, in the list or not; filters pick them from the list. */
export function prependCipherSuites(
  preferred: readonly SuiteMap[] | SuiteFilters,
  suites: readonly SuiteMap[],
  support: SuiteSupport,
): SuiteMap[] {
  const first = picked(preferred, suites, support);
  return [...first, ...minus(suites, first)];
}

/** `ssl:append_cipher_suites/2`: the deferred ones last. */
export function appendCipherSuites(
  deferred: readonly SuiteMap[] | SuiteFilters,
  suites: readonly SuiteMap[],
  support: SuiteSupport,
): SuiteMap[] {
  const last = picked(deferred, suites, support);
  return [...minus(suites, last), ...last];
}

/** An empty list is an empty list of filters, as in Erlang: all suites that the library has. */
function picked(
  wish: readonly SuiteMap[] | SuiteFilters,
  suites: readonly SuiteMap[],
  support: SuiteSupport,
): readonly SuiteMap[] {
  if (isSuiteList(wish)) return wish.length > 0 ? wish : filterCipherSuites(suites, {}, support);
  return filterCipherSuites(suites, wish, support);
}

function isSuiteList(wish: readonly SuiteMap[] | SuiteFilters): wish is readonly SuiteMap[] {
  return Array.isArray(wish);
}

/** Erlang's `--`: each item on the right takes away its first like on the left. */
function minus(suites: readonly SuiteMap[], taken: readonly SuiteMap[]): readonly SuiteMap[] {
  const left = [...suites];
  for (const suite of taken) {
    const index = left.findIndex((other) => isSame(other, suite));
    if (index >= 0) left.splice(index, 1);
  }
  return left;
}

// --- names -----------------------------------------------------------------------------------------------------

const scsv: SuiteMap = { keyExchange: 'null', cipher: 'null', mac: 'null', prf: 'null' };
const scsvName = 'TLS_EMPTY_RENEGOTIATION_INFO_SCSV';

/** `ssl:suite_to_str/1`: the RFC's name; a combination that is no suite is spelt by rule. */
export function suiteToStr(suite: SuiteMap): string {
  checkMap(suite);
  if (isSame(suite, scsv)) return scsvName;
  const { keyExchange, cipher, mac, prf } = suite;
  const suffix = mac === 'aead' ? (prf === 'default_prf' ? '' : `_${upper(prf)}`) : `_${upper(mac)}`;
  if (keyExchange === 'any' && mac === 'aead') return `TLS_${upper(cipher)}_${upper(prf)}`;
  return `TLS_${rfcKeyExchange(keyExchange)}_WITH_${upper(cipher)}${suffix}`;
}

/** `ssl:suite_to_openssl_str/1`: OpenSSL's name; suites of TLS 1.3 bear the RFC's. */
export function suiteToOpensslStr(suite: SuiteMap): string {
  checkMap(suite);
  const row = suiteOfMap(suite);
  if (row !== undefined) return row.opensslName;
  if (isSame(suite, scsv)) return scsvName;
  const { keyExchange, cipher, mac, prf } = suite;
  if (keyExchange === 'any' && mac === 'aead') return suiteToStr(suite);
  const parts = [opensslKeyExchange(keyExchange), opensslCipher(cipher)];
  if (mac !== 'aead') parts.push(upper(mac));
  else if (prf !== 'default_prf') parts.push(upper(prf));
  return parts.filter((part) => part !== '').join('-');
}

/** `ssl:str_to_suite/1`: from either name; like OTP's, the bare map or `{ error: { not_recognized: name } }`. */
export function strToSuite(name: string): SuiteMap | Failed {
  if (name === scsvName) return scsv;
  const suite = typeof name === 'string' ? findSuite(name) : undefined;
  return suite === undefined ? { error: { not_recognized: name } } : suiteMap(suite);
}

/** The row of an RFC or OpenSSL name, OpenSSL's older spelling of DHE included. */
export function findSuite(name: string): CipherSuite | undefined {
  return (
    suiteByName(name) ??
    suiteByName(name.replace(/^DHE-(RSA|DSS)-/, 'EDH-$1-')) ??
    suiteByName(name.replace(/^EDH-(RSA|DSS)-/, 'DHE-$1-'))
  );
}

function checkMap(suite: SuiteMap): void {
  const parts = [suite.keyExchange, suite.cipher, suite.mac, suite.prf];
  if (!parts.every((part) => typeof part === 'string'))
    throw new TypeError('a cipher suite has keyExchange, cipher, mac and prf');
}

function upper(name: string): string {
  return name.toUpperCase();
}

function rfcKeyExchange(name: KeyExchange | 'null'): string {
  switch (name) {
    case 'srp_dss':
      return 'SRP_SHA_DSS';
    case 'srp_rsa':
      return 'SRP_SHA_RSA';
    case 'srp_anon':
      return 'SRP_SHA';
    case 'dh_anon':
      return 'DH_anon';
    case 'ecdh_anon':
      return 'ECDH_anon';
    default:
      return upper(name);
  }
}

function opensslKeyExchange(name: KeyExchange | 'null'): string {
  switch (name) {
    case 'rsa':
      return '';
    case 'dh_anon':
      return 'ADH';
    case 'ecdh_anon':
      return 'AECDH';
    case 'srp_anon':
      return 'SRP';
    default:
      return upper(name).replaceAll('_', '-');
  }
}

function opensslCipher(name: string): string {
  const aes = /^aes_(128|256)_(.*)$/.exec(name);
  if (aes === null) return upper(name).replaceAll('_', '-');
  const [, size = '', kind = ''] = aes;
  if (kind === 'cbc') return `AES${size}`;
  return `AES${size}-${upper(kind).replace('_8', '8')}`;
}

// --- curves and groups -----------------------------------------------------------------------------------------

/** `ssl:eccs/0,1`: curves of TLS 1.2 and before that the library has. TLS 1.3 has groups, and raises. */
export function eccs(hasCurve: (name: CurveName) => boolean, version?: ProtocolVersion): CurveName[] {
  if (version !== undefined) {
    const row = versionByName(version);
    if (row === undefined || !row.curves) throw new TypeError(`no curves for ${String(version)}`);
  }
  return eccCurves.filter(hasCurve);
}

/** `ssl:groups/0,1`: all groups of TLS 1.3 by name, or those offered by default. */
export function groups(which: 'all' | 'default' = 'all'): Tls13GroupName[] {
  switch (which) {
    case 'all':
      return [...tls13Groups];
    case 'default':
      return [...defaultTls13Groups];
    default:
      throw new TypeError(`groups are 'all' or 'default', not ${String(which)}`);
  }
}
