/**
 * Own certificates and trust of a config, read, parsed and matched.
 *
 * Files are read when a handshake needs them (`ssl:listen/2` does not), through the PEM cache. What was made of a
 * config is kept as long as the config lives and the cache has not dropped a file since: parsing a key costs as much
 * as a handshake. When changed files make no good pair, the old one stays.
 */
import type { Config, IdentityMaterial } from '../../options/config.js';
import { dhGroup } from '../../options/rows-older.js';
import { speaksOlder } from '../../protocol/hello/version.js';
import type { OwnIdentity } from '../../protocol/own-identity.js';
import type { DhParams } from '../../values/crypto/dh-parameter.js';
import type { CryptoEngine, KeyAlgorithm, PrivateKey } from '../../values/crypto/engine.js';
import { localCause, withCause } from '../../values/failure-cause.js';
import { hex } from '../../values/hex.js';
import { notation } from '../../values/notation.js';
import { schemeByName } from '../../values/registry/schemes.js';
import type { Result, SslReason } from '../../values/terms.js';
import { kindOfEntries } from '../../values/x509/file-kind.js';
import type { Identity } from '../../values/x509/identity.js';
import { completeChain, loadIdentity, matchRemoteKey, ownFirst } from '../../values/x509/identity.js';
import { KeyError } from '../../values/x509/key-error.js';
import type { KeyMaterial, RemoteKey } from '../../values/x509/key-material.js';
import { mustStaple } from '../../values/x509/ocsp.js';
import { certificateOf } from '../../values/x509/parse-cache.js';
import type { PemEntry } from '../../values/x509/pem.js';
import {
  decodePkcs12,
  loadPkcs12Structure,
  type Pkcs12Content,
  type Pkcs12Structure,
} from '../../values/x509/pkcs12.js';
import {
  isPrivateKeyEntry,
  type Password,
  parsePrivateKey,
  privateKeyInfo,
} from '../../values/x509/private-key.js';
import { createTrustStore, type TrustStore } from '../../values/x509/trust-store.js';
import { readTrustedCertificate } from '../../values/x509/trusted-certificate.js';
import { tellLoaded } from './credentials-log.js';
import { Stapler, type StaplerSurroundings } from './stapler.js';
import type { TrustedResult } from './system-trust.js';

export interface Credentials {
  /** The preferred first; may be empty. */
  readonly identities: readonly OwnIdentity[];
  readonly trust: TrustStore;
  /** DER names for CertificateRequest and a client's hello; empty sends none. */
  readonly certificateAuthorities: readonly Uint8Array[];
  /** Of `dh` or `dhfile`. */
  readonly dhParams: DhParams | undefined;
  /** Who signs for identities whose key lives elsewhere. */
  readonly remoteKeys: ReadonlyMap<OwnIdentity, RemoteKey>;
  /** Who has OCSP responses, for identities that staple. */
  readonly staplers: ReadonlyMap<OwnIdentity, Stapler>;
}

/** Where files come from. */
export interface PemSource {
  /** Entries of a PEM file; an error is a posix name, or what the decoder says. */
  read(path: string): Promise<Result<readonly PemEntry[]>>;
  /** Goes up whenever a file that was read may have changed. */
  readonly generation: number;
  /** Trusted certificates of the system, or those that come with the runtime; an error names what cannot be read. */
  trusted(which: 'system' | 'bundled'): Promise<TrustedResult>;
}

type LoadResult = Result<Credentials>;

interface CredentialsEntry {
  readonly credentials: Credentials;
  /** Of the files that they were made of, or that were refused since; `unknown`: a file is missing, look again. */
  readonly generation: number | 'unknown';
  /** Why newer files were refused, when they were. */
  readonly refused: SslReason | undefined;
}

interface PendingLoad {
  readonly generation: number;
  readonly promise: Promise<LoadResult>;
}

/** A function that answers for a config: at once when it has been asked before. */
export function credentialsFrom(
  source: PemSource,
  surroundings: StaplerSurroundings,
): (config: Config) => LoadResult | Promise<LoadResult> {
  const kept = new WeakMap<Config, CredentialsEntry>();
  const loading = new WeakMap<Config, PendingLoad>();
  const load = async (config: Config, generation: number): Promise<LoadResult> => {
    const read = await readAll(config, source);
    const loaded = assemble(config, read, surroundings);
    const known = kept.get(config);
    if ('ok' in loaded) {
      kept.set(config, { credentials: loaded.ok, generation, refused: undefined });
      tellLoaded(loaded.ok, known?.credentials, config, surroundings);
      return loaded;
    }
    if (known === undefined) return loaded;
    // A rotation in progress, or a bad one: what was good stays until something better can be read. The cache does not
    // watch what it could not read, so that it is asked again each time.
    const refused = loaded.error;
    kept.set(config, {
      credentials: known.credentials,
      generation: isComplete(read) ? generation : 'unknown',
      refused,
    });
    tellRefused(refused, known.refused, surroundings);
    return { ok: known.credentials };
  };
  return (config) => {
    const known = kept.get(config);
    const { generation } = source;
    if (known !== undefined && (known.generation === generation || !readsFiles(config)))
      return { ok: known.credentials };
    if (!readsFiles(config) && !hasPkcs12(config)) {
      const made = assemble(config, nothingRead, surroundings);
      if ('error' in made) return made;
      kept.set(config, { credentials: made.ok, generation, refused: undefined });
      tellLoaded(made.ok, undefined, config, surroundings);
      return made;
    }
    const underWay = loading.get(config);
    if (underWay?.generation === generation) return underWay.promise;
    const promise = load(config, generation);
    loading.set(config, { generation, promise });
    const forget = (): void => {
      if (loading.get(config)?.promise === promise) loading.delete(config);
    };
    promise.then(forget, forget);
    return promise;
  };
}

/** Once per reason: with a file missing every handshake meets it anew. */
function tellRefused(
  reason: SslReason,
  before: SslReason | undefined,
  { logger }: StaplerSurroundings,
): void {
  if (before !== undefined && notation(before) === notation(reason)) return;
  logger.warn({ reason }, 'changed certificate, key or CA file refused, the old ones stay');
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────

/** All that a config wants from outside. */
interface Sources {
  readonly files: ReadonlyMap<string, Result<readonly PemEntry[]>>;
  readonly trusted: TrustedResult;
  /** Loaded when there is a PKCS#12 file to open. */
  readonly pkcs12: Pkcs12Structure | undefined;
}

const nothingRead: Sources = { files: new Map(), trusted: { ok: [] }, pkcs12: undefined };

function isComplete({ files, trusted }: Sources): boolean {
  return 'ok' in trusted && [...files.values()].every((file) => 'ok' in file);
}

function readsFiles(config: Config): boolean {
  return filesOf(config).length > 0 || typeof config.cacerts === 'string';
}

function hasPkcs12(config: Config): boolean {
  return materials(config).some(({ key }) => key?.type === 'pfx');
}

function filesOf(config: Config): readonly string[] {
  const { cacerts, cacertfile } = config;
  const files = materials(config).flatMap(({ cert, certfile, key, keyfile }) => [
    ...(cert === undefined && certfile !== undefined ? [certfile] : []),
    ...(key === undefined && keyfile !== undefined ? [keyfile] : []),
  ]);
  const dhfile = dhfileOf(config);
  return [
    ...files,
    ...(cacerts === undefined && cacertfile !== undefined ? [cacertfile] : []),
    ...(dhfile === undefined ? [] : [dhfile]),
  ];
}

/** `dh` goes before it. */
function dhfileOf(config: Config): string | undefined {
  return config.role === 'server' && config.dh === undefined ? config.dhfile : undefined;
}

async function readAll(config: Config, source: PemSource): Promise<Sources> {
  const files = new Map<string, Result<readonly PemEntry[]>>();
  for (const file of filesOf(config)) if (!files.has(file)) files.set(file, await source.read(file));
  const { cacerts } = config;
  const trusted = typeof cacerts === 'string' ? await source.trusted(cacerts) : nothingRead.trusted;
  const opens = hasPkcs12(config) || [...files.values()].some(holdsPkcs12);
  return { files, trusted, pkcs12: opens ? await loadPkcs12Structure() : undefined };
}

function holdsPkcs12(file: Result<readonly PemEntry[]>): boolean {
  return 'ok' in file && file.ok.some(({ type }) => type === 'PFX');
}

/** `certs_keys`, or the one pair of `cert`, `key` and their files. */
function materials({ certsKeys, identity }: Config): readonly IdentityMaterial[] {
  return certsKeys ?? [identity];
}

// ── Making ──────────────────────────────────────────────────────────────────────────────────────────────

/** A pair that fits. */
interface Pair {
  readonly identity: OwnIdentity;
  readonly algorithm: KeyAlgorithm;
  readonly bits: number;
  readonly remote: RemoteKey | undefined;
  readonly stapler: Stapler | undefined;
}

function assemble(config: Config, read: Sources, surroundings: StaplerSurroundings): LoadResult {
  try {
    const found = materials(config).flatMap((material) => {
      const chain = chainOf(material, read, surroundings);
      const key = chain.length === 0 ? undefined : keyOf(material, read, surroundings);
      return key === undefined ? [] : [{ material, chain, key }];
    });
    const trust = trustOf(config, read, surroundings);
    tellSkipped(trust, surroundings);
    const pairs = found.map(({ material, chain, key }) =>
      pairOf(material, chain, key, config, trust, surroundings),
    );
    const preferred = byPreference(pairs);
    const names = namesAuthorities(config);
    return {
      ok: {
        identities: preferred.map(({ identity }) => identity),
        trust,
        certificateAuthorities: names ? trust.subjects() : [],
        dhParams: dhParamsOf(config, read),
        remoteKeys: new Map(
          preferred.flatMap(({ identity, remote }) => (remote ? [[identity, remote]] : [])),
        ),
        staplers: new Map(
          preferred.flatMap(({ identity, stapler }) => (stapler ? [[identity, stapler]] : [])),
        ),
      },
    };
  } catch (error) {
    if (error instanceof MaterialError) return { error: error.reason };
    throw error;
  }
}

function dhParamsOf(config: Config, read: Sources): DhParams | undefined {
  const file = dhfileOf(config);
  if (file === undefined) return config.role === 'server' ? config.dh : undefined;
  const entries = entriesOf('dhfile', file, read);
  const entry = entries.find(({ type }) => type === 'DHParameter');
  if (entry === undefined) throw nothingIn('dhfile', file, entries);
  const params = dhGroup(entry.der);
  if (params === undefined)
    throw materialError('dhfile', file, 'no group of Diffie-Hellman that may be used');
  return params;
}

/** Whether the peer is told whom we trust: by a server that asks for a certificate, and a client that wants it to know. */
function namesAuthorities(config: Config): boolean {
  return config.role === 'server' ? config.verify === 'verify_peer' : config.certificateAuthorities;
}

/** OTP's order of pairs (contract §13.4): by kind of key, the larger first within a kind. Of EdDSA 25519 goes first. */
const kinds: readonly KeyAlgorithm[] = ['ed25519', 'ed448', 'ec', 'rsa_pss', 'rsa', 'dsa'];

function byPreference(pairs: readonly Pair[]): readonly Pair[] {
  return [...pairs].sort(
    (a, b) => kinds.indexOf(a.algorithm) - kinds.indexOf(b.algorithm) || b.bits - a.bits,
  );
}

/** Own certificates, own first; empty when the material has none. PKCS#12 holds both key and certificates. */
function chainOf(
  material: IdentityMaterial,
  read: Sources,
  around: StaplerSurroundings,
): readonly Uint8Array[] {
  const { cert, certfile, key, keyfile } = material;
  if (cert !== undefined) return cert;
  if (certfile !== undefined) return certificatesIn('certfile', certfile, read, material, around);
  if (key?.type === 'pfx')
    return attempt('key', undefined, () => pkcs12(key, material, read, around).certificates);
  if (key !== undefined || keyfile === undefined) return [];
  const entry = entriesOf('keyfile', keyfile, read).find(({ type }) => type === 'PFX');
  return entry === undefined ? [] : certificatesIn('keyfile', keyfile, read, material, around);
}

function certificatesIn(
  option: string,
  file: string,
  read: Sources,
  material: IdentityMaterial,
  surroundings: StaplerSurroundings,
): readonly Uint8Array[] {
  const ders = entriesOf(option, file, read).flatMap((entry) => {
    if (entry.type === 'PFX')
      return attempt(option, file, () => pkcs12(entry, material, read, surroundings).certificates);
    if (entry.type === 'TrustedCertificate') return [readTrustedCertificate(entry.der).certificate];
    return entry.type === 'Certificate' ? [entry.der] : [];
  });
  if (ders.length === 0) throw nothingIn(option, file, entriesOf(option, file, read));
  return ders;
}

type OwnKey = PrivateKey | Extract<KeyMaterial, { readonly type: 'remote' }>;

function keyOf(
  material: IdentityMaterial,
  read: Sources,
  surroundings: StaplerSurroundings,
): OwnKey | undefined {
  const { key, keyfile: file } = material;
  if (key?.type === 'remote') return key;
  if (key !== undefined)
    return attempt('key', undefined, () =>
      key.type === 'pfx'
        ? keyIn(pkcs12(key, material, read, surroundings))
        : parsePrivateKey(key, passwordOf(material), surroundings.engine),
    );
  if (file === undefined) return undefined;
  const entries = entriesOf('keyfile', file, read);
  const entry = entries.find(({ type }) => type === 'PFX') ?? entries.find(isPrivateKeyEntry);
  if (entry === undefined) throw nothingIn('keyfile', file, entries);
  return attempt('keyfile', file, () => keyInEntry(entry, material, read, surroundings));
}

/** Keys of file entries, imported once: the PEM cache gives everybody the same entry. */
const importedKeys = new WeakMap<PemEntry, { readonly opener: string; readonly key: PrivateKey }>();

function keyInEntry(
  entry: PemEntry,
  material: IdentityMaterial,
  read: Sources,
  surroundings: StaplerSurroundings,
): PrivateKey {
  const { engine } = surroundings;
  if (entry.type === 'PFX') return keyIn(pkcs12(entry, material, read, surroundings));
  const password = passwordOf(material);
  const opener = openerOf(password, engine);
  const known = importedKeys.get(entry);
  if (known?.opener === opener) return known.key;
  const key = imported(privateKeyInfo(entry, password), engine);
  importedKeys.set(entry, { opener, key });
  return key;
}

function imported(der: Uint8Array, engine: CryptoEngine): PrivateKey {
  return parsePrivateKey({ type: 'der', format: 'PrivateKeyInfo', der }, undefined, engine);
}

/** A PKCS#12 file once it was opened: the key itself is in the engine's hands. */
interface OpenedPkcs12 {
  readonly certificates: readonly Uint8Array[];
  readonly key: PrivateKey | KeyError;
}

/** By file: making a key of the password takes its time. */
const contents = new WeakMap<object, { readonly opener: string; readonly opened: OpenedPkcs12 }>();

function pkcs12(
  file: { readonly der: Uint8Array },
  material: IdentityMaterial,
  read: Sources,
  { engine, logger }: StaplerSurroundings,
): OpenedPkcs12 {
  const password = passwordOf(material);
  const opener = openerOf(password, engine);
  const known = contents.get(file);
  if (known?.opener === opener) return known.opened;
  if (read.pkcs12 === undefined) throw new Error('a PKCS#12 file that was not seen when files were read');
  const content = decodePkcs12(file.der, password, read.pkcs12);
  const { certificates, integrity } = content;
  if (integrity === 'none')
    logger.warn({}, 'a PKCS#12 file without a MAC: nothing shows that its content was not changed');
  const opened = { certificates, key: importedFrom(content, engine) };
  contents.set(file, { opener, opened });
  return opened;
}

function importedFrom({ privateKey }: Pkcs12Content, engine: CryptoEngine): PrivateKey | KeyError {
  if (privateKey === undefined) return new KeyError('no_key', 'no private key in the PKCS#12 file');
  try {
    return imported(privateKey, engine);
  } catch (error) {
    if (error instanceof KeyError) return error;
    throw error;
  }
}

function keyIn({ key }: OpenedPkcs12): PrivateKey {
  if (key instanceof KeyError) throw key;
  return key;
}

/** Of this thread alone. */
let pepper: Uint8Array | undefined;

/** Tells whether a password is the one that opened a file, without keeping it: a file is kept longer than its users. */
function openerOf(password: Password, engine: CryptoEngine): string {
  if (password === undefined) return 'none';
  pepper ??= engine.randomBytes(32);
  const bytes = typeof password === 'string' ? new TextEncoder().encode(password) : password;
  const sha256 = engine.hash('sha256');
  if (sha256 === undefined) throw new TypeError('no SHA-256');
  return hex(sha256.hmac(pepper, bytes));
}

function passwordOf({ password }: IdentityMaterial): Password {
  return typeof password === 'function' ? password() : password;
}

function pairOf(
  material: IdentityMaterial,
  given: readonly Uint8Array[],
  key: OwnKey,
  config: Config,
  trust: TrustStore,
  surroundings: StaplerSurroundings,
): Pair {
  const { engine } = surroundings;
  const { ocspResponse } = material;
  const stapling = ocspResponse === undefined ? {} : { stapling: 'ask' as const };
  const make = (): Pair => {
    const sorted = inOrder(given, key, surroundings);
    const [own] = sorted;
    const chain = sorted.length === 1 && own !== undefined ? completeChain(own, trust, engine) : sorted;
    if (ocspResponse === undefined && own !== undefined) tellMustStaple(own, config, surroundings);
    const stapler = ocspResponse && new Stapler(ocspResponse, chain, surroundings);
    if (!('type' in key)) {
      const identity: Identity = { ...loadIdentity(chain, key, engine), ...stapling };
      checkSigns(identity, key, config);
      return { identity, algorithm: key.algorithm, bits: key.bits, remote: undefined, stapler };
    }
    const { algorithm, bits, schemes } = matchRemoteKey(chain, key.key, engine);
    const identity: OwnIdentity = { chain, key: 'remote', schemes, ...stapling };
    return { identity, algorithm, bits, remote: key.key, stapler };
  };
  try {
    return make();
  } catch (error) {
    throw blamed(error, material);
  }
}

/** DSA signs in TLS 1.2 and before alone, and so do keys on curves that TLS 1.3 has not. */
function checkSigns(
  { chain: [own], schemes }: Identity,
  { algorithm, bits }: PrivateKey,
  { versions }: Config,
): void {
  if (speaksOlder(versions) || schemes.some((name) => schemeByName(name).tls13 === 'handshake')) return;
  const subject = own === undefined ? '' : certificateOf(own).subject.toString();
  const text = `the key of certificate "${subject}" (${algorithm}, ${bits} bits) fits no signature scheme of TLS 1.3`;
  throw new KeyError('unsupported', text);
}

/** The key tells which certificate is its own; an intermediate before it is told, and put behind. */
function inOrder(
  given: readonly Uint8Array[],
  key: OwnKey,
  { logger }: StaplerSurroundings,
): readonly Uint8Array[] {
  const spki = 'type' in key ? key.key.spki : key.spki;
  const sorted = spki === undefined ? given : ownFirst(given, spki);
  const [own] = sorted;
  if (own !== undefined && own !== given[0]) {
    const subject = certificateOf(own).subject.toString();
    logger.warn(
      { subject },
      'the own certificate is not the first in its chain: it is sent first all the same',
    );
  }
  return sorted;
}

/** A pair that does not fit is the key's fault, everything else the certificate's; the option is the one that was used. */
function blamed(error: unknown, { cert, certfile, key, keyfile }: IdentityMaterial): MaterialError {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof KeyError && error.kind === 'mismatch')
    return key === undefined
      ? materialError('keyfile', keyfile, text)
      : materialError('key', undefined, text);
  return cert === undefined
    ? materialError('certfile', certfile, text)
    : materialError('cert', undefined, text);
}

/** RFC 7633 §4.2.3.2: clients will refuse such a certificate without a response. */
function tellMustStaple(own: Uint8Array, { role }: Config, { logger }: StaplerSurroundings): void {
  const certificate = certificateOf(own);
  if (role !== 'server' || !mustStaple(certificate)) return;
  const subject = certificate.subject.toString();
  logger.warn({ subject }, 'the certificate says that it is always stapled, and there is no ocspResponse');
}

function trustOf(config: Config, read: Sources, surroundings: StaplerSurroundings): TrustStore {
  const { cacerts, cacertfile } = config;
  if (typeof cacerts === 'string') return createTrustStore(systemStore(read.trusted));
  if (cacerts !== undefined) return createTrustStore(cacerts);
  if (cacertfile === undefined) return createTrustStore(noTrust);
  const entries = entriesOf('cacertfile', cacertfile, read);
  const known = trustedEntries.get(entries);
  const ders = known ?? entries.filter(({ type }) => type === 'Certificate').map(({ der }) => der);
  if (ders.length === 0) throw nothingIn('cacertfile', cacertfile, entries);
  if (known === undefined) tellLeftOut(cacertfile, entries, surroundings);
  trustedEntries.set(entries, ders);
  return createTrustStore(ders);
}

/** A store that cannot be read is as a CA file that cannot: nobody is trusted in its place. */
function systemStore(trusted: TrustedResult): readonly Uint8Array[] {
  if ('ok' in trusted) return trusted.ok;
  const { path, reason } = trusted.error;
  throw materialError('cacertfile', path, typeof reason === 'string' ? { error: reason } : reason);
}

/** Stores whose unreadable entries were told: contract §12, a notice. */
const told = new WeakSet<TrustStore>();

function tellSkipped(trust: TrustStore, { logger }: StaplerSurroundings): void {
  if (trust.skipped.length === 0 || told.has(trust)) return;
  told.add(trust);
  const skipped = trust.skipped.map(({ index, error }) => ({ index, reason: error.message }));
  logger.info({ severity: 'notice', skipped }, 'CA certificates that cannot be read are left out');
}

/** A certificate with conditions is not trusted without them. */
function tellLeftOut(file: string, entries: readonly PemEntry[], { logger }: StaplerSurroundings): void {
  const count = entries.filter(({ type }) => type === 'TrustedCertificate').length;
  const text = 'CA certificates that say what they may be trusted for (TRUSTED CERTIFICATE) are left out';
  if (count > 0) logger.warn({ file, count }, text);
}

const noTrust: readonly Uint8Array[] = [];
/** One list per file's content, so that a store is found by its list. */
const trustedEntries = new WeakMap<readonly PemEntry[], readonly Uint8Array[]>();

// ── Errors ──────────────────────────────────────────────────────────────────────────────────────────────

class MaterialError extends Error {
  readonly reason: SslReason;
  constructor(reason: SslReason) {
    super('certificate or key material');
    this.reason = reason;
  }
}

/** `{options, {keyfile, File, R}}`; material that was given and not read from a file has no file in its term. */
function materialError(option: string, file: string | undefined, reason: unknown): MaterialError {
  const term = { options: { [option]: file === undefined ? reason : [file, reason] } };
  // Beside the term, since a value of `key` is shown in no text, and one word alone would be read as an atom.
  const words = wordsOf(reason);
  return new MaterialError(
    words === undefined ? term : withCause(term, localCause('unusable_material', words)),
  );
}

/** What is wrong in words of ours; `undefined` for a posix name and for OTP's empty list. */
function wordsOf(reason: unknown): string | undefined {
  const words: unknown =
    typeof reason === 'object' && reason !== null && 'bad_pem' in reason ? reason.bad_pem : reason;
  return typeof words === 'string' ? words : undefined;
}

/** As OTP's match failure reads the list of entries that fit is empty; what has a name of its own is told by it. */
function nothingIn(option: string, file: string, entries: readonly PemEntry[]): MaterialError {
  const kind = kindOfEntries(entries);
  return materialError(option, file, kind === undefined ? [] : `the file holds ${kind}`);
}

function entriesOf(option: string, file: string, read: Sources): readonly PemEntry[] {
  const entries = read.files.get(file) ?? { error: 'enoent' };
  if ('ok' in entries) return entries.ok;
  const { error } = entries;
  // A posix name is `{error, Posix}` in the term; what the decoder says stands as it is.
  throw materialError(option, file, typeof error === 'string' ? { error } : error);
}

function attempt<T>(option: string, file: string | undefined, make: () => T): T {
  try {
    return make();
  } catch (error) {
    // A KeyError, a password function of the user's, or DER that the engine refuses.
    throw materialError(option, file, error instanceof Error ? error.message : String(error));
  }
}
