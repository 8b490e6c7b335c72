/** What BoGo's numbers and names stand for, as far as we have it; nothing is loaded for this. */
import type { ClientOptions } from '@actor-tls/ssl/core';
import type { Flags } from './bogo-flags.js';

const tls13 = 0x0304;
const tls12 = 0x0303;
const dtls13 = 0xfefc;
const dtls12 = 0xfefd;
const dtls10 = 0xfeff;

type Config = ClientOptions['config'];
type GroupName = Config['supportedGroups'][number];
type CurveName = Config['eccs'][number];
export type Scheme = Config['signatureAlgs'][number];
type VersionName = Config['versions'][number];

const groupNames: Readonly<Record<number, GroupName>> = {
  23: 'secp256r1',
  24: 'secp384r1',
  25: 'secp521r1',
  29: 'x25519',
  4587: 'secp256r1mlkem768',
  4588: 'x25519mlkem768',
  4589: 'secp384r1mlkem1024',
};

const isHybrid = (name: GroupName): boolean => name.includes('mlkem');
export const isCurve = (name: GroupName): name is CurveName => !isHybrid(name);

/** `undefined`: one we do not have. */
export function groupName(code: number): GroupName | undefined {
  return groupNames[code];
}

/** Groups by their numbers; `undefined`: one we do not have. */
function groupList(codes: readonly number[]): GroupName[] | undefined {
  const names = codes.flatMap((code) => groupNames[code] ?? []);
  return names.length < codes.length ? undefined : names;
}

/** Versions by their numbers, newest first; DTLS counts downwards. */
export const versionNames: ReadonlyMap<number, VersionName> = new Map([
  [tls13, 'tlsv1.3'],
  [tls12, 'tlsv1.2'],
  [0x0302, 'tlsv1.1'],
  [0x0301, 'tlsv1'],
  [dtls13, 'dtlsv1.3'],
  [dtls12, 'dtlsv1.2'],
  [dtls10, 'dtlsv1'],
]);

/** Of TLS 1.3, or of DTLS 1.3, which has its handshake. */
export const isOf13 = (version: string): boolean => version === 'tlsv1.3' || version === 'dtlsv1.3';

type Refusal = 'no-tls13' | 'no-tls12' | 'no-tls11' | 'no-tls1';

const refusals: ReadonlyMap<number, Refusal> = new Map<number, Refusal>([
  [tls13, 'no-tls13'],
  [dtls13, 'no-tls13'],
  [tls12, 'no-tls12'],
  [dtls12, 'no-tls12'],
  [0x0302, 'no-tls11'],
  [0x0301, 'no-tls1'],
  // Which is made from TLS 1.1, and is the first one all the same.
  [dtls10, 'no-tls1'],
]);

function versionsOf(flags: Flags): VersionName[] {
  const lowest = age(flags.number('min-version') ?? 0);
  const highest = age(flags.number('max-version') ?? tls13);
  return [...versionNames].flatMap(([code, name]) => {
    const refusal = refusals.get(code);
    const refused = refusal !== undefined && flags.has(refusal);
    const within = age(code) >= lowest && age(code) <= highest;
    return refused || !within || flags.has('dtls') !== isDtls(code) ? [] : [name];
  });
}

const isDtls = (code: number): boolean => code >> 8 === dtls10 >> 8;

/** Greater for a newer version, of TLS and of what DTLS is made from it. */
const age = (code: number): number => (isDtls(code) ? tls12 + dtls12 - code : code);

/** What a connection may agree on. */
export interface Wishes {
  readonly versions: readonly VersionName[];
  readonly supportedGroups: readonly GroupName[];
  readonly keyShares: readonly GroupName[];
}

/** What the flags of a connection ask for; `undefined`: something we do not have. */
export function wishesOf(flags: Flags): Wishes | undefined {
  const versions = versionsOf(flags);
  const named = flags.numbers('curves');
  const supportedGroups = groupList(named.length > 0 ? named : [4588, 29, 23, 24]);
  const shares = groupList(flags.numbers('key-shares'));
  if (versions.length === 0 || supportedGroups === undefined || shares === undefined) return undefined;
  const keyShares = shares.length > 0 ? shares : likeliest(supportedGroups);
  return { versions, supportedGroups, keyShares };
}

/** The first, and the first of the other kind: as BoringSSL guesses. */
function likeliest(groups: readonly GroupName[]): GroupName[] {
  const [first] = groups;
  if (first === undefined) return [];
  const other = groups.find((name) => isHybrid(name) !== isHybrid(first));
  return other === undefined ? [first] : [first, other];
}

const schemeNames: Readonly<Record<number, Scheme>> = {
  513: 'rsa_pkcs1_sha1',
  515: 'ecdsa_sha1',
  1025: 'rsa_pkcs1_sha256',
  1027: 'ecdsa_secp256r1_sha256',
  1281: 'rsa_pkcs1_sha384',
  1283: 'ecdsa_secp384r1_sha384',
  1537: 'rsa_pkcs1_sha512',
  1539: 'ecdsa_secp521r1_sha512',
  2052: 'rsa_pss_rsae_sha256',
  2053: 'rsa_pss_rsae_sha384',
  2054: 'rsa_pss_rsae_sha512',
  2055: 'eddsa_ed25519',
};
export const schemeCodes: ReadonlyMap<string, number> = new Map(
  Object.entries(schemeNames).map(([code, name]) => [name, Number(code)]),
);
/** What BoringSSL accepts unless told otherwise: some tests count on it. */
export const defaultVerifyPrefs = [1027, 2052, 1025, 1283, 2053, 1281, 2054, 1537, 513];
export const defaultSigningPrefs = [2055, 1027, 2052, 1025, 1283, 2053, 1281, 1539, 2054, 1537, 515, 513];

/** `undefined`: one we do not have. */
export function schemeName(code: number): Scheme | undefined {
  return schemeNames[code];
}

/** RFC 5764 §4.1.2, in OpenSSL's words. */
const srtpNames: Readonly<Record<string, Uint8Array>> = {
  SRTP_AES128_CM_SHA1_80: Uint8Array.of(0, 1),
  SRTP_AES128_CM_SHA1_32: Uint8Array.of(0, 2),
};

/** Protection profiles from a list of their names. */
export function srtpProfiles(list: string | undefined): Uint8Array[] | undefined {
  return list?.split(':').flatMap((name) => srtpNames[name] ?? []);
}

/** In BoringSSL's order. */
export const suites13 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const gcm = ['AES_128_GCM_SHA256', 'AES_256_GCM_SHA384'];
const both = (cipher: string): string[] => ['ECDSA', 'RSA'].map((key) => `TLS_ECDHE_${key}_WITH_${cipher}`);
/** Those that have to be asked for by name. */
const outdated = ['TLS_RSA_WITH_3DES_EDE_CBC_SHA', ...both('AES_128_CBC_SHA256')];
const suites12 = [
  ...[...gcm, 'CHACHA20_POLY1305_SHA256'].flatMap(both),
  'TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256',
  ...['AES_128_CBC_SHA', 'AES_256_CBC_SHA'].flatMap((cipher) => [
    ...both(cipher),
    `TLS_ECDHE_PSK_WITH_${cipher}`,
  ]),
  ...gcm.map((cipher) => `TLS_RSA_WITH_${cipher}`),
  ...['AES_128_CBC_SHA', 'AES_256_CBC_SHA'].flatMap((cipher) => [
    `TLS_RSA_WITH_${cipher}`,
    `TLS_PSK_WITH_${cipher}`,
  ]),
];

/** The suites before TLS 1.3 that a list in OpenSSL's notation lets pass; `undefined`: a rule we do not have. */
export function olderSuites(list: string | undefined): string[] | undefined {
  if (list === undefined) return [...suites12, ...outdated.slice(1)];
  let suites: string[] = [];
  for (const rule of list.split(':')) {
    if (rule === 'DEFAULT' || rule === 'ALL') suites = suites12;
    else if (rule === '!AES') suites = suites.filter((name) => !name.includes('AES'));
    else if (rule === '3DES') suites = [...suites, ...outdated.slice(0, 1)];
    else if (suites12.includes(rule) || outdated.includes(rule)) suites = [...suites, rule];
    else return undefined;
  }
  return suites;
}
