/** Certificates, keys and options of one connection, as its flags ask for them. */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type ClientOptions,
  defaultEngine as engine,
  type OwnIdentity,
  overDatagrams,
  type PrivateKey,
  type ServerOptions,
  suiteByName,
} from '@actor-tls/ssl/core';
import type { Credential, Flags } from './bogo-flags.js';
import { offeredKeys } from './bogo-imported.js';
import { asksPeer } from './bogo-judge.js';
import { type Memory, maxEarlyData } from './bogo-memory.js';
import {
  defaultSigningPrefs,
  defaultVerifyPrefs,
  isCurve,
  olderSuites,
  type Scheme,
  schemeName,
  srtpProfiles,
  suites13,
  type Wishes,
} from './bogo-terms.js';

/** Something is asked for that we do not have. */
export class Unimplemented extends Error {}

/** Throws `Unimplemented` for a scheme that we do not have. */
function schemesOf(codes: readonly number[]): Scheme[] {
  return codes.map((code) => {
    const name = schemeName(code);
    if (name === undefined) throw new Unimplemented(`signature scheme ${code}`);
    return name;
  });
}

/** The certificates of a PEM file. */
export function pemBlocks(file: string): Uint8Array[] {
  const text = readFileSync(file, 'latin1');
  return [...text.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END/g)].map(([, body]) =>
    Buffer.from(body ?? '', 'base64'),
  );
}

/** Whether a key can sign with a scheme. */
function fits(scheme: Scheme, { algorithm, curve, bits }: PrivateKey): boolean {
  if (scheme.startsWith('ecdsa_secp')) return algorithm === 'ec' && scheme.includes(curve ?? '?');
  if (scheme.startsWith('ecdsa')) return algorithm === 'ec';
  if (scheme.startsWith('eddsa')) return scheme.endsWith(algorithm);
  // RFC 8017 §9.1.1: the modulus has to hold hash, salt and two octets.
  const hash = Number(scheme.slice(-3));
  return algorithm === 'rsa' && (!scheme.startsWith('rsa_pss') || bits >= 2 * hash + 16);
}

/** Throws `Unimplemented` for a kind of key that we do not have. */
function privateKey(file: string): PrivateKey {
  const key = readKey(file);
  if (key === undefined) throw new Unimplemented(`key ${file}`);
  return key;
}

function readKey(file: string): PrivateKey | undefined {
  try {
    const pkcs8 = createPrivateKey(readFileSync(file)).export({ type: 'pkcs8', format: 'der' });
    return engine.importPrivateKey(pkcs8);
  } catch {
    return undefined;
  }
}

export interface Owned {
  readonly identity: OwnIdentity;
  readonly staple: Uint8Array | undefined;
}

function load({ certFile, keyFile, signingPrefs, ocspResponse }: Credential, flags: Flags): Owned[] {
  if (certFile === undefined || keyFile === undefined) return [];
  const key = privateKey(keyFile);
  const codes = signingPrefs.length > 0 ? signingPrefs : defaultSigningPrefs;
  const schemes = schemesOf(codes).filter((scheme) => fits(scheme, key));
  // A staple that a callback is to set is none before.
  const asks = ocspResponse !== undefined || flags.has('use-ocsp-callback');
  const identity = { chain: pemBlocks(certFile), key, schemes, ...(asks && { stapling: 'ask' as const }) };
  return [{ identity, staple: ocspResponse }];
}

/** What a core of either role is made with. */
export interface Material {
  readonly owned: readonly Owned[];
  readonly client: ClientOptions;
  readonly server: ServerOptions;
}

/** Throws `Unimplemented`. */
export function materialOf(flags: Flags, wishes: Wishes, memory: Memory): Material {
  const owned = [
    ...flags.credentials.flatMap((credential) => load(credential, flags)),
    ...load(flags.fallback, flags),
  ];
  const identities = owned.map(({ identity }) => identity);
  const common = commonOf(flags, wishes, identities);
  const resumption = memory.resumption(flags.has('enable-early-data'));
  const serverName = flags.value('host-name');
  const channel = flags.has('dtls') ? overDatagrams : undefined;
  const version = flags.has('dtls') ? 'dtlsv1.3' : 'tlsv1.3';
  return {
    owned,
    client: {
      config: {
        ...common,
        keyShares: wishes.keyShares,
        alpnAdvertisedProtocols: advertised(flags),
        fallback: flags.has('fallback-scsv'),
        // BoringSSL's word for the one option that lets those do it who cannot bind one handshake to another.
        secureRenegotiate: !flags.has('renegotiate-freely'),
      },
      identities,
      dependencies: { engine },
      channel,
      serverName,
      sessions: memory.older.offer({
        versions: wishes.versions,
        suites: common.ciphers.map(({ id }) => id),
        serverName,
        tickets: flags.has('no-ticket') ? 'unwanted' : 'welcome',
      }),
      resumption: { ...resumption, psks: [...resumption.psks, ...offeredKeys(flags.imported, version)] },
      ...(flags.has('enable-ocsp-stapling') && {
        statusRequest: { responderIds: [], requestExtensions: new Uint8Array(0) },
      }),
    },
    server: {
      config: {
        ...common,
        alpnPreferredProtocols: alpnPreferred(flags),
        verify: asksPeer(flags) ? 'verify_peer' : 'verify_none',
        clientRenegotiation: flags.has('renegotiate-freely'),
        failIfNoPeerCert: flags.has('require-any-client-certificate'),
        // A list of ciphers is an order, too.
        honorCipherOrder: flags.has('server-preference') || flags.has('cipher'),
        honorEccOrder: flags.has('server-preference'),
      },
      identities,
      dependencies: { engine },
      channel,
      certificateAuthorities: certificateAuthorities(flags.value('use-client-ca-list')),
      maxEarlyData,
      nameUsed: flags.has('expect-server-name') && !flags.has('no-server-name-ack'),
      pskHint: rawBytes(flags.value('psk-identity')),
    },
  };
}

function commonOf(
  flags: Flags,
  { versions, supportedGroups }: Wishes,
  identities: readonly OwnIdentity[],
): Omit<ClientOptions['config'], 'keyShares' | 'alpnAdvertisedProtocols'> {
  const verifyPrefs = flags.numbers('verify-prefs');
  const accepted = schemesOf(verifyPrefs.length > 0 ? verifyPrefs : defaultVerifyPrefs);
  const older = olderSuites(flags.value('cipher'));
  if (older === undefined) throw new Unimplemented(`ciphers ${flags.value('cipher')}`);
  const srtp = srtpProfiles(flags.value('srtp-profiles'));
  // Over a stream the option is refused, as OTP's is.
  if (srtp !== undefined && !flags.has('dtls')) throw new Unimplemented('SRTP over a stream');
  return {
    versions,
    mtu: flags.number('mtu'),
    useSrtp: srtp && { protectionProfiles: srtp, mki: new Uint8Array() },
    // BoringSSL's, which the clock of its runner goes by.
    flightTimeout: flags.number('initial-timeout-duration-ms') ?? 400,
    ciphers: [...suites13, ...older].flatMap((name) => {
      const suite = suiteByName(name);
      return suite?.versions.some((version) => versions.includes(version)) === true ? [suite] : [];
    }),
    supportedGroups,
    eccs: supportedGroups.filter(isCurve),
    // One option rules what we accept and what we sign with.
    signatureAlgs: [...new Set([...accepted, ...identities.flatMap(({ schemes }) => schemes)])],
    signatureAlgsCert: undefined,
    maxHandshakeSize: flags.number('max-cert-list') ?? 262_144,
    keyUpdateAt: 388_736_063_997,
    middleboxCompMode: true,
    keepSecrets: flags.has('export-traffic-secrets'),
    beastMitigation: flags.has('cbc-record-splitting') ? 'one_n_minus_one' : 'disabled',
    paddingCheck: true,
  };
}

/** Bytes as BoGo writes them, one for each character. */
export function rawBytes(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'latin1');
}

/** ALPN as it stands in the extension: each name with its length before it. */
function advertised(flags: Flags): Uint8Array[] | undefined {
  const bytes = rawBytes(flags.value('advertise-alpn'));
  if (bytes === undefined) return undefined;
  const names: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 1 + (bytes[at] ?? 0)) {
    names.push(bytes.subarray(at + 1, at + 1 + (bytes[at] ?? 0)));
  }
  return names;
}

/** What a server selects from; BoringSSL asks a function that may as well refuse or keep silent. */
function alpnPreferred(flags: Flags): Uint8Array[] | undefined {
  if (flags.has('decline-alpn')) return undefined;
  if (flags.has('reject-alpn')) return [Buffer.from('no protocol of the client')];
  const selected = rawBytes(flags.value('select-alpn'));
  return selected === undefined ? undefined : [selected];
}

function certificateAuthorities(list: string | undefined): Uint8Array[] {
  if (list === undefined || list === '<EMPTY>' || list === '<NULL>') return [];
  return list.split(',').map((name) => Buffer.from(name, 'hex'));
}
