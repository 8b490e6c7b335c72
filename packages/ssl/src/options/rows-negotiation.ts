/** Rows of what both sides agree on: versions, suites, groups, signatures, application protocol (contract §13.3). */

import { type EngineSupport, type SuiteMap, suiteMap, suiteRows } from '../values/cipher-suites.js';
import type { CurveGroupName, GroupName } from '../values/crypto/engine.js';
import { hostOf } from '../values/host.js';
import {
  type CurveName,
  defaultCurves,
  defaultTls13Groups,
  isTls12Curve,
  isTls13Group,
  type Tls13CurveName,
  type Tls13GroupName,
} from '../values/registry/groups.js';
import type { SignatureScheme, SignatureSchemeName } from '../values/registry/schemes.js';
import { findScheme, schemeOfPair } from '../values/registry/schemes.js';
import type { CipherSuite } from '../values/registry/suites.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import { isTls13Version, versionByName, versionRows } from '../values/registry/versions.js';
import { defaultKeyShares, keyShares } from './key-shares.js';
import {
  findSuiteWish,
  usableCurves,
  usableGroups,
  usableSchemes,
  usableSuites,
} from './negotiation-wishes.js';
import { badValue, OptionError, pair } from './option-error.js';
import type { CipherWish, SignatureWish } from './raw.js';
import { type At, asItIs, type CoreOption, flag, isList, listOf, type Option, oneOf, untold } from './row.js';
import type { OptionName } from './rows.js';
import { defaultSignatureSchemes } from './signature-defaults.js';

const manual = 'ssl:common_option()';

export class VersionsRows {
  /** `protocol`: default `'tls'`. */
  readonly protocol: Option<'both', 'tls' | 'dtls', 'tls' | 'dtls', undefined> = {
    otp: 'protocol',
    side: 'both',
    after: [],
    default: 'tls',
    tell: untold,
    note: { values: 'tls, dtls', default: 'tls', source: manual },
    parse: oneOf('protocol', 'tls', 'dtls'),
  };

  /** `versions`: any order, told newest first; default: 1.3 and 1.2, of DTLS those of them that `ciphers` has suites for. */
  readonly versions: CoreOption<'both', readonly ProtocolVersion[]> = {
    otp: 'versions',
    side: 'both',
    after: ['protocol'],
    default: [],
    core: true,
    tell: asItIs,
    note: {
      values: '[version]',
      default: 'tlsv1.3, tlsv1.2; over datagrams those of dtlsv1.3, dtlsv1.2 that ciphers has suites for',
      source: manual,
    },
    parse: versions,
    absent: (at) => {
      const { protocol } = at.settings;
      const named = at.defaultVersions?.filter((version) => versionByName(version)?.protocol === protocol);
      const usual: readonly ProtocolVersion[] =
        protocol === 'tls' ? ['tlsv1.3', 'tlsv1.2'] : ['dtlsv1.3', 'dtlsv1.2'];
      const wanted = named !== undefined && named.length > 0 ? named : usual;
      const built = wanted.filter((version) => versionByName(version)?.built === true);
      return newestFirst(built.length > 0 ? built : wanted);
    },
  };
}

function versions(value: unknown, at: At): readonly ProtocolVersion[] {
  const list = listOf('versions', value);
  const rows = list.map((version) => versionByName(version) ?? unknownVersion(version, list));
  const first = rows[0];
  if (first === undefined) return badValue('versions', value);
  rows.forEach((row, index) => {
    if (row.protocol !== first.protocol) unknownVersion(list[index], list);
  });
  const names = rows.map((row) => row.name);
  // RFC 8446 §4.1.3: a gap below 1.3 would trip the downgrade marks of an honest server.
  if (names.length > 1 && names.includes('tlsv1.3') && !names.includes('tlsv1.2'))
    throw new OptionError({ options: ['missing_version', { 'tlsv1.2': { versions: list } }] });
  if (names.length > 1 && names.includes('dtlsv1.3') && !names.includes('dtlsv1.2'))
    throw new OptionError({ options: ['missing_version', { 'dtlsv1.2': { versions: list } }] });
  if (first.protocol !== at.settings.protocol) return badValue('versions', value);
  return newestFirst(names);
}

function unknownVersion(version: unknown, versions: readonly unknown[]): never {
  throw new OptionError({ options: pair(version, { versions }) });
}

function newestFirst(names: readonly ProtocolVersion[]): readonly ProtocolVersion[] {
  return versionRows.filter((row) => names.includes(row.name)).map((row) => row.name);
}

/** Names of ALPN, text or bytes. */
type ProtocolWishes = readonly (Uint8Array | string)[];

export class NegotiationRows {
  /** `ciphers`: in order of preference, or OpenSSL names joined by `:`. */
  readonly ciphers: CoreOption<
    'both',
    readonly CipherWish[] | string,
    readonly CipherSuite[],
    readonly SuiteMap[]
  > = {
    otp: 'ciphers',
    side: 'both',
    default: [],
    core: true,
    tell: (suites) => suites.map(suiteMap),
    note: {
      values: '[map, name, tuple or number], or names joined by ":"',
      default:
        "cipherSuites('default') of the versions, as far as the engine goes, without AES-CCM and static ECDH",
      source: manual,
    },
    parse: ciphers,
    absent: (at) => defaultsOf(at).ciphers,
  };

  /** `supported_groups` (TLS 1.3): in order of preference; unknown names are dropped. */
  readonly supportedGroups: CoreOption<'both', readonly Tls13GroupName[], readonly GroupName[]> = {
    otp: 'supported_groups',
    side: 'both',
    needsVersions: ['tlsv1.3'],
    default: [],
    core: true,
    tell: asItIs,
    note: { values: '[group]', default: defaultTls13Groups.join(', '), source: manual },
    parse: (value, at) => {
      const groups = usableGroups(listOf('supportedGroups', value).filter(isTls13Group), at.engine);
      return groups.length > 0 ? groups : badValue('supportedGroups', value);
    },
    absent: (at) => defaultsOf(at).groups,
  };

  /**
   * Groups that a client sends a share for at once (TLS 1.3): how many of the first of `supportedGroups`, or which of them.
   * A server that wants another asks for it by a HelloRetryRequest, a round trip more.
   */
  readonly keyShares: CoreOption<'client', number | readonly Tls13GroupName[], readonly GroupName[]> = {
    otp: undefined,
    side: 'client',
    needsVersions: ['tlsv1.3'],
    after: ['supportedGroups'],
    default: [],
    core: true,
    tell: asItIs,
    note: {
      values: 'integer ≥ 0 of the first of supportedGroups, or [group] of them',
      default:
        'the first Diffie-Hellman group of supportedGroups, which every server can do and which costs little; beside ' +
        'it a hybrid one that stands first, where compiled code does it: JavaScript takes a millisecond for the key, and ' +
        'the hello no longer fits into one packet; over datagrams never',
      source: 'ours, for RFC 8446 §4.2.8',
    },
    parse: keyShares,
    absent: defaultKeyShares,
  };

  /** `eccs` (TLS 1.2 and before): curves in order of preference; unknown names are dropped. */
  readonly eccs: CoreOption<'both', readonly (CurveName | Tls13CurveName)[], readonly CurveGroupName[]> = {
    otp: 'eccs',
    side: 'both',
    default: [],
    core: true,
    tell: asItIs,
    note: { values: '[curve]', default: defaultCurves.join(', '), source: 'RFC 8422 §5.1.1' },
    parse: (value, at) => {
      const curves = usableCurves(listOf('eccs', value).filter(isTls12Curve), at.engine);
      return curves.length > 0 ? curves : badValue('eccs', value);
    },
    absent: (at) => defaultsOf(at).curves,
  };

  /** `signature_algs`: in order of preference. */
  readonly signatureAlgs: CoreOption<'both', readonly SignatureWish[], readonly SignatureSchemeName[]> = {
    otp: 'signature_algs',
    side: 'both',
    default: [],
    core: true,
    tell: asItIs,
    note: {
      values: '[scheme or [hash, sign]]',
      default: 'by version, none with SHA-1',
      source: 'RFC 8446 §4.2.3',
    },
    parse: (value, at) => {
      const wished = schemes('signatureAlgs', value);
      const usable = usableSchemes(wished, at);
      if (!usable.some((scheme) => signsIn(at.settings.versions, scheme)))
        noScheme('signatureAlgs', value, at);
      // Below TLS 1.2 there is nothing that they could be said in.
      return defaultsOf(at).schemes.length === 0 ? [] : schemeNames(usable);
    },
    absent: (at) => defaultsOf(at).schemes,
  };

  /** `signature_algs_cert`: for signatures in certificates; default: not sent. */
  readonly signatureAlgsCert: CoreOption<
    'both',
    readonly SignatureWish[],
    readonly SignatureSchemeName[] | undefined
  > = {
    otp: 'signature_algs_cert',
    side: 'both',
    default: undefined,
    core: true,
    tell: asItIs,
    note: {
      values: '[scheme or [hash, sign]]',
      default: 'not sent; then signatureAlgs holds for certificates too',
      source: 'RFC 8446 §4.2.3',
    },
    parse: (value, at) => {
      const usable = usableSchemes(schemes('signatureAlgsCert', value), at);
      if (usable.length === 0) noScheme('signatureAlgsCert', value, at);
      return schemeNames(usable);
    },
  };

  /** `honor_cipher_order`: own order of suites, not the client's; default false. */
  readonly honorCipherOrder: CoreOption<'server', boolean> = {
    otp: 'honor_cipher_order',
    side: 'server',
    elsewhere: 'refused',
    default: false,
    core: true,
    tell: asItIs,
    note: { values: 'boolean', default: 'false', source: 'ssl:server_option()' },
    parse: flag('honorCipherOrder'),
  };

  /** `honor_ecc_order`: own order of curves in TLS 1.2 and before, not the client's; default false. */
  readonly honorEccOrder: CoreOption<'server', boolean> = {
    otp: 'honor_ecc_order',
    side: 'server',
    elsewhere: 'refused',
    default: false,
    core: true,
    tell: asItIs,
    note: { values: 'boolean', default: 'false', source: 'ssl:server_option()' },
    parse: flag('honorEccOrder'),
  };

  /**
   * `server_name_indication`: a name to send and check (Unicode too), an address to check, or `'disable'`; default: the
   * host, which is sent if it is a name.
   */
  readonly serverNameIndication: Option<'client', string, string | undefined> = {
    otp: 'server_name_indication',
    side: 'client',
    default: undefined,
    tell: asItIs,
    note: {
      values: 'host name or address, disable',
      default: 'the host, if it is a name',
      source: 'RFC 6066 §3',
    },
    parse: (value) =>
      typeof value === 'string' && hostOf(value) !== undefined
        ? value
        : badValue('serverNameIndication', value),
  };

  /** `alpn_advertised_protocols`: names of 1 to 255 bytes, most wanted first. */
  readonly alpnAdvertisedProtocols: CoreOption<'client', ProtocolWishes, readonly Uint8Array[] | undefined> =
    {
      otp: 'alpn_advertised_protocols',
      side: 'client',
      default: undefined,
      core: true,
      tell: asItIs,
      note: { values: '[name of 1..255 bytes]', default: 'none', source: 'RFC 7301 §3.1' },
      parse: (value) => protocolList('alpnAdvertisedProtocols', value),
    };

  /** `alpn_preferred_protocols`: names of 1 to 255 bytes, most wanted first. */
  readonly alpnPreferredProtocols: CoreOption<'server', ProtocolWishes, readonly Uint8Array[] | undefined> = {
    otp: 'alpn_preferred_protocols',
    side: 'server',
    default: undefined,
    core: true,
    tell: asItIs,
    note: { values: '[name of 1..255 bytes]', default: 'none', source: 'RFC 7301 §3.2' },
    parse: (value) => protocolList('alpnPreferredProtocols', value),
  };
}

interface NegotiationDefaults {
  readonly ciphers: readonly CipherSuite[];
  readonly groups: readonly GroupName[];
  readonly curves: readonly CurveGroupName[];
  readonly schemes: readonly SignatureSchemeName[];
}

/** An engine's answers never change, and every `connect` wants them: asking anew took 80 µs, four fifths of parsing. */
const defaultsByEngine = new WeakMap<EngineSupport, Map<string, NegotiationDefaults>>();

function defaultsOf(at: At): NegotiationDefaults {
  const { versions } = at.settings;
  const ofEngine = defaultsByEngine.get(at.engine) ?? new Map<string, NegotiationDefaults>();
  defaultsByEngine.set(at.engine, ofEngine);
  const key = versions.join();
  const known = ofEngine.get(key);
  if (known !== undefined) return known;
  const [newest] = versions;
  const names = defaultSignatureSchemes(versions) ?? [];
  const found: NegotiationDefaults = Object.freeze({
    ciphers: Object.freeze(
      newest === undefined ? [] : usableSuites(suiteRows('default', newest).filter(isUnasked), at),
    ),
    groups: Object.freeze(usableGroups(defaultTls13Groups, at.engine)),
    curves: Object.freeze(usableCurves(defaultCurves, at.engine)),
    schemes: Object.freeze(
      schemeNames(
        usableSchemes(
          names.flatMap((name) => findScheme(name) ?? []),
          at,
        ),
      ),
    ),
  });
  ofEngine.set(key, found);
  return found;
}

/**
 * AES-CCM is for who has no room for GCM: half as fast, under a lower limit of records, and CCM_8 with half the tag. Who
 * takes down static ECDH today reads it when the key is stolen. OTP offers both by default; we do when they are named.
 */
function isUnasked({ cipher, keyExchange }: CipherSuite): boolean {
  return !cipher.includes('_ccm') && !keyExchange.startsWith('ecdh_');
}

function ciphers(value: unknown, at: At): readonly CipherSuite[] {
  const wishes = typeof value === 'string' ? value.split(':').filter((name) => name !== '') : value;
  if (!isList(wishes)) return badValue('ciphers', value);
  const suites = wishes.map((wish) => findSuiteWish(wish) ?? badValue('ciphers', value));
  const usable = usableSuites(suites, at);
  // OTP silently takes its default list instead (contract §2.5 †).
  return usable.length > 0 || !at.settings.versions.every(isBuilt) ? usable : badValue('ciphers', value);
}

function isBuilt(version: ProtocolVersion): boolean {
  return versionByName(version)?.built === true;
}

function schemes(name: OptionName, value: unknown): readonly SignatureScheme[] {
  return listOf(name, value).map((wish) => scheme(wish) ?? badValue(name, value));
}

function scheme(wish: unknown): SignatureScheme | undefined {
  if (typeof wish === 'string') return findScheme(wish);
  const [entry] = isList(wish)
    ? [wish]
    : typeof wish === 'object' && wish !== null
      ? Object.entries(wish)
      : [];
  return entry?.length === 2 ? schemeOfPair(entry[0], entry[1]) : undefined;
}

/** Whether a scheme can sign a handshake in one of the versions. */
function signsIn(versions: readonly ProtocolVersion[], { tls13 }: SignatureScheme): boolean {
  return tls13 === 'handshake' || versions.some((version) => !isTls13Version(version));
}

function schemeNames(list: readonly SignatureScheme[]): readonly SignatureSchemeName[] {
  return [...new Set(list.map((row) => row.name))];
}

function noScheme(name: 'signatureAlgs' | 'signatureAlgsCert', value: unknown, at: At): never {
  const older = name === 'signatureAlgs' && !at.settings.versions.some(isTls13Version);
  const tag = older ? 'no_supported_algorithms' : 'no_supported_signature_schemes';
  throw new OptionError({ options: [tag, { [name]: value }] });
}

/** An empty one is as good as none. */
function protocolList(name: OptionName, value: unknown): readonly Uint8Array[] | undefined {
  const protocols = sentProtocolNames(name, value);
  return protocols.length > 0 ? protocols : undefined;
}

/** The list on the wire is at most 65535 bytes long (RFC 7301 §3.1). */
export function sentProtocolNames(name: OptionName, value: unknown): readonly Uint8Array[] {
  const protocols = protocolNames(name, value);
  return protocols.reduce((sum, item) => sum + item.length + 1, 0) > 0xffff
    ? badValue(name, value)
    : protocols;
}

/** Names of 1 to 255 bytes. */
export function protocolNames(name: OptionName, value: unknown): readonly Uint8Array[] {
  return listOf(name, value).map((item) => protocolName(item) ?? badValue(name, { invalid_protocol: item }));
}

export function protocolName(value: unknown): Uint8Array | undefined {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return bytes instanceof Uint8Array && bytes.length >= 1 && bytes.length <= 255 ? bytes : undefined;
}
