/**
 * Own certificates and trust of a config, read, parsed and matched.
 *
 * Files are read when a handshake needs them (`ssl:listen/2` does not), through the PEM cache. What was made of a
 * config is kept as long as the config lives and the cache has not dropped a file since: parsing a key costs as much
 * as a handshake. When changed files make no good pair, the old one stays.
 */
import type { Config, Identity, IdentityMaterial, KeyMaterial, RemoteKey } from '../options/config.js';
import type { OwnIdentity } from '../protocol/identity.js';
import type { CryptoEngine, KeyAlgorithm, PrivateKey } from '../values/crypto/engine.js';
import { localCause, withCause } from '../values/failure-cause.js';
import type { Result, SslReason } from '../values/terms.js';
import { completeChain, loadIdentity, matchRemoteKey } from '../values/x509/identity.js';
import { KeyError } from '../values/x509/key-error.js';
import { mustStaple } from '../values/x509/ocsp.js';
import { certificateOf } from '../values/x509/parse-cache.js';
import type { PemEntry } from '../values/x509/pem.js';
import {
  decodePkcs12,
  loadPkcs12Structure,
  type Pkcs12Content,
  type Pkcs12Structure,
} from '../values/x509/pkcs12.js';
import {
  isPrivateKeyEntry,
  type Password,
  parsePrivateKey,
  privateKeyInfo,
} from '../values/x509/private-key.js';
import { createTrustStore, type TrustStore } from '../values/x509/trust-store.js';
import { Stapler, type StaplerSurroundings } from './stapler.js';

export interface Credentials {
  /** The preferred first; may be empty. */
  readonly identities: readonly OwnIdentity[];
  readonly trust: TrustStore;
  /** DER names for CertificateRequest; empty sends none. */
  readonly certificateAuthorities: readonly Uint8Array[];
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
  /** Trusted certificates of the system, or those that come with the runtime. */
  trusted(which: 'system' | 'bundled'): Promise<readonly Uint8Array[]>;
}

type Loaded = Result<Credentials>;

interface Kept {
  readonly credentials: Credentials;
  /** Of the files that they were made of, or that were refused since. */
  readonly generation: number;
}

interface Loading {
  readonly generation: number;
  readonly promise: Promise<Loaded>;
}

/** A function that answers for a config: at once when it has been asked before. */
export function credentialsFrom(
  source: PemSource,
  surroundings: StaplerSurroundings,
): (config: Config) => Loaded | Promise<Loaded> {
  const kept = new WeakMap<Config, Kept>();
  const loading = new WeakMap<Config, Loading>();
  const load = async (config: Config, generation: number): Promise<Loaded> => {
    const loaded = assemble(config, await readAll(config, source), surroundings);
    const known = kept.get(config);
    if ('ok' in loaded || known === undefined) {
      if ('ok' in loaded) kept.set(config, { credentials: loaded.ok, generation });
      return loaded;
    }
    // A rotation in progress, or a bad one: what was good stays until something better can be read.
    kept.set(config, { credentials: known.credentials, generation });
    const reason = loaded.error;
    surroundings.logger.warn({ reason }, 'changed certificate, key or CA file refused, the old ones stay');
    return { ok: known.credentials };
  };
  return (config) => {
    const known = kept.get(config);
    const { generation } = source;
    if (known !== undefined && (known.generation === generation || !readsFiles(config)))
      return { ok: known.credentials };
    if (!readsFiles(config) && !hasPkcs12(config)) {
      const made = assemble(config, nothingRead, surroundings);
      if ('ok' in made) kept.set(config, { credentials: made.ok, generation });
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

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────

/** All that a config wants from outside. */
interface Read {
  readonly files: ReadonlyMap<string, Result<readonly PemEntry[]>>;
  readonly trusted: readonly Uint8Array[];
  /** Loaded when there is a PKCS#12 file to open. */
  readonly pkcs12: Pkcs12Structure | undefined;
}

const nothingRead: Read = { files: new Map(), trusted: [], pkcs12: undefined };

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
  return cacerts === undefined && cacertfile !== undefined ? [...files, cacertfile] : files;
}

async function readAll(config: Config, source: PemSource): Promise<Read> {
  const files = new Map<string, Result<readonly PemEntry[]>>();
  for (const file of filesOf(config)) if (!files.has(file)) files.set(file, await source.read(file));
  const { cacerts } = config;
  const trusted = typeof cacerts === 'string' ? await source.trusted(cacerts) : [];
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

function assemble(config: Config, read: Read, surroundings: StaplerSurroundings): Loaded {
  try {
    const found = materials(config).flatMap((material) => {
      const chain = chainOf(material, read);
      const key = chain.length === 0 ? undefined : keyOf(material, read, surroundings.engine);
      return key === undefined ? [] : [{ material, chain, key }];
    });
    const trust = trustOf(config, read);
    tellSkipped(trust, surroundings);
    const pairs = found.map(({ material, chain, key }) =>
      pairOf(material, chain, key, config, trust, surroundings),
    );
    const preferred = byPreference(pairs);
    const asks = config.role === 'server' && config.verify === 'verify_peer';
    return {
      ok: {
        identities: preferred.map(({ identity }) => identity),
        trust,
        certificateAuthorities: asks ? trust.subjects() : [],
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

/** OTP's order of pairs (contract §13.4): by kind of key, the larger first within a kind. */
const kinds: readonly KeyAlgorithm[] = ['ed448', 'ed25519', 'ec', 'rsa_pss', 'rsa', 'dsa'];

function byPreference(pairs: readonly Pair[]): readonly Pair[] {
  return [...pairs].sort(
    (a, b) => kinds.indexOf(a.algorithm) - kinds.indexOf(b.algorithm) || b.bits - a.bits,
  );
}

/** Own certificates, own first; empty when the material has none. PKCS#12 holds both key and certificates. */
function chainOf(material: IdentityMaterial, read: Read): readonly Uint8Array[] {
  const { cert, certfile, key, keyfile } = material;
  if (cert !== undefined) return cert;
  if (certfile !== undefined) return certificatesIn('certfile', certfile, read, material);
  if (key?.type === 'pfx') return attempt('key', undefined, () => pkcs12(key, material, read).certificates);
  if (key !== undefined || keyfile === undefined) return [];
  const entry = entriesOf('keyfile', keyfile, read).find(({ type }) => type === 'PFX');
  return entry === undefined ? [] : certificatesIn('keyfile', keyfile, read, material);
}

function certificatesIn(
  option: string,
  file: string,
  read: Read,
  material: IdentityMaterial,
): readonly Uint8Array[] {
  const ders = entriesOf(option, file, read).flatMap((entry) => {
    if (entry.type === 'PFX') return attempt(option, file, () => pkcs12(entry, material, read).certificates);
    return entry.type === 'Certificate' ? [entry.der] : [];
  });
  // As OTP's match failure reads: the list of entries that fit is empty.
  if (ders.length === 0) throw materialError(option, file, []);
  return ders;
}

type OwnKey = PrivateKey | Extract<KeyMaterial, { readonly type: 'remote' }>;

function keyOf(material: IdentityMaterial, read: Read, engine: CryptoEngine): OwnKey | undefined {
  const { key, keyfile: file } = material;
  if (key?.type === 'remote') return key;
  if (key !== undefined)
    return attempt('key', undefined, () =>
      key.type === 'pfx'
        ? imported(privateKeyIn(pkcs12(key, material, read)), engine)
        : parsePrivateKey(key, passwordOf(material), engine),
    );
  if (file === undefined) return undefined;
  const entries = entriesOf('keyfile', file, read);
  const entry = entries.find(({ type }) => type === 'PFX') ?? entries.find(isPrivateKeyEntry);
  if (entry === undefined) throw materialError('keyfile', file, []);
  return attempt('keyfile', file, () => keyInEntry(entry, material, read, engine));
}

/** Keys of file entries, imported once: the PEM cache gives everybody the same entry. */
const importedKeys = new WeakMap<PemEntry, { readonly password: Password; readonly key: PrivateKey }>();

function keyInEntry(
  entry: PemEntry,
  material: IdentityMaterial,
  read: Read,
  engine: CryptoEngine,
): PrivateKey {
  const password = passwordOf(material);
  const known = importedKeys.get(entry);
  if (known !== undefined && known.password === password && typeof password !== 'object') return known.key;
  const key = imported(
    entry.type === 'PFX' ? privateKeyIn(pkcs12(entry, material, read)) : privateKeyInfo(entry, password),
    engine,
  );
  importedKeys.set(entry, { password, key });
  return key;
}

function imported(der: Uint8Array, engine: CryptoEngine): PrivateKey {
  return parsePrivateKey({ type: 'der', format: 'PrivateKeyInfo', der }, undefined, engine);
}

/** Contents of PKCS#12 files: making a key of the password takes its time. */
const contents = new WeakMap<object, { readonly password: Password; readonly content: Pkcs12Content }>();

function pkcs12(file: { readonly der: Uint8Array }, material: IdentityMaterial, read: Read): Pkcs12Content {
  const password = passwordOf(material);
  const known = contents.get(file);
  if (known !== undefined && known.password === password) return known.content;
  if (read.pkcs12 === undefined) throw new Error('a PKCS#12 file that was not seen when files were read');
  const content = decodePkcs12(file.der, password, read.pkcs12);
  contents.set(file, { password, content });
  return content;
}

function privateKeyIn({ privateKey }: Pkcs12Content): Uint8Array {
  if (privateKey === undefined) throw new KeyError('no_key', 'no private key in the PKCS#12 file');
  return privateKey;
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
    const [own] = given;
    const chain = given.length === 1 && own !== undefined ? completeChain(own, trust, engine) : given;
    if (ocspResponse === undefined && own !== undefined) tellMustStaple(own, config, surroundings);
    const stapler = ocspResponse && new Stapler(ocspResponse, chain, surroundings);
    if (!('type' in key)) {
      const identity: Identity = { ...loadIdentity(chain, key, engine), ...stapling };
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

function trustOf(config: Config, read: Read): TrustStore {
  const { cacerts, cacertfile } = config;
  if (typeof cacerts === 'string') return createTrustStore(read.trusted);
  if (cacerts !== undefined) return createTrustStore(cacerts);
  if (cacertfile === undefined) return createTrustStore(noTrust);
  const entries = entriesOf('cacertfile', cacertfile, read);
  const known = trustedEntries.get(entries);
  const ders = known ?? entries.filter(({ type }) => type === 'Certificate').map(({ der }) => der);
  if (ders.length === 0) throw materialError('cacertfile', cacertfile, []);
  trustedEntries.set(entries, ders);
  return createTrustStore(ders);
}

/** Stores whose unreadable entries were told: contract §12, a notice. */
const told = new WeakSet<TrustStore>();

function tellSkipped(trust: TrustStore, { logger }: StaplerSurroundings): void {
  if (trust.skipped.length === 0 || told.has(trust)) return;
  told.add(trust);
  const skipped = trust.skipped.map(({ index, error }) => ({ index, reason: error.message }));
  logger.info({ level: 'notice', skipped }, 'CA certificates that cannot be read are left out');
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
  // A value of `key` is shown in no text, so what is wrong with it has to be said beside it.
  const plain = file === undefined && typeof reason === 'string';
  return new MaterialError(plain ? withCause(term, localCause('unusable_material', reason)) : term);
}

function entriesOf(option: string, file: string, read: Read): readonly PemEntry[] {
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
