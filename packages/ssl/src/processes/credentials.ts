/**
 * Own certificates and trust of a config, read, parsed and matched.
 *
 * Files are read when a handshake needs them (`ssl:listen/2` does not), through the PEM cache. What was made of a
 * config is kept as long as the config lives and the cache has not dropped a file since: parsing a key costs as much
 * as a handshake.
 */
import type { Config, Identity, IdentityMaterial } from '../options/config.js';
import type { CryptoEngine, KeyAlgorithm, PrivateKey } from '../values/crypto/engine.js';
import type { Result, SslReason } from '../values/terms.js';
import { loadIdentity } from '../values/x509/identity.js';
import { KeyError } from '../values/x509/key-error.js';
import type { PemEntry } from '../values/x509/pem.js';
import {
  isPrivateKeyEntry,
  type Password,
  parsePrivateKey,
  privateKeyInfo,
} from '../values/x509/private-key.js';
import { createTrustStore, type TrustStore } from '../values/x509/trust-store.js';

export interface Credentials {
  /** The preferred first; may be empty. */
  readonly identities: readonly Identity[];
  readonly trust: TrustStore;
  /** DER names for CertificateRequest; empty sends none. */
  readonly certificateAuthorities: readonly Uint8Array[];
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

interface Kept {
  readonly credentials: Credentials;
  readonly generation: number;
}

const noTrust: readonly Uint8Array[] = [];

/** A function that answers for a config: at once when it has been asked before. */
export function credentialsFrom(
  source: PemSource,
  engine: CryptoEngine,
): (config: Config) => Result<Credentials> | Promise<Result<Credentials>> {
  const kept = new WeakMap<Config, Kept>();
  return (config) => {
    const known = kept.get(config);
    if (known !== undefined && (known.generation === source.generation || !readsFiles(config)))
      return { ok: known.credentials };
    const { generation } = source;
    const keep = (credentials: Credentials): Result<Credentials> => {
      kept.set(config, { credentials, generation });
      return { ok: credentials };
    };
    if (!readsFiles(config)) return withMaterial(config, engine, keep);
    return load(config, source, engine).then((loaded) => {
      if ('ok' in loaded) return keep(loaded.ok);
      // A rotation in progress, or a bad one: what was good stays until something better can be read.
      return known === undefined ? loaded : { ok: known.credentials };
    });
  };
}

function readsFiles(config: Config): boolean {
  const { cacerts, cacertfile } = config;
  return (
    materials(config).some(needsFile) ||
    cacerts === 'system' ||
    cacerts === 'bundled' ||
    (cacerts === undefined && cacertfile !== undefined)
  );
}

/** `certs_keys`, or the one pair of `cert`, `key` and their files. */
function materials({ certsKeys, identity }: Config): readonly IdentityMaterial[] {
  return certsKeys ?? [identity];
}

function needsFile(material: IdentityMaterial): boolean {
  const ownFile = material.cert === undefined && material.certfile !== undefined;
  return ownFile || (material.key === undefined && material.keyfile !== undefined);
}

/** Nothing to read: all in one step. */
function withMaterial(
  config: Config,
  engine: CryptoEngine,
  keep: (credentials: Credentials) => Result<Credentials>,
): Result<Credentials> {
  const { cacerts } = config;
  const trust = createTrustStore(typeof cacerts === 'object' ? cacerts : noTrust);
  const identities: Identity[] = [];
  for (const material of materials(config)) {
    const { cert: chain, key } = material;
    if (chain === undefined || key === undefined) continue;
    const own = attempt('key', undefined, () =>
      loadIdentity(chain, parsePrivateKey(key, passwordOf(material), engine), engine),
    );
    if ('error' in own) return own;
    identities.push(own.ok);
  }
  return keep(credentials(config, identities, trust));
}

async function load(config: Config, source: PemSource, engine: CryptoEngine): Promise<Result<Credentials>> {
  const identities: Identity[] = [];
  for (const material of materials(config)) {
    const own = await ownIdentity(material, source, engine);
    if ('error' in own) return own;
    if (own.ok !== undefined) identities.push(own.ok);
  }
  const trust = await trusted(config, source);
  if ('error' in trust) return trust;
  return { ok: credentials(config, identities, trust.ok) };
}

function credentials(config: Config, identities: readonly Identity[], trust: TrustStore): Credentials {
  const asks = config.role === 'server' && config.verify === 'verify_peer';
  return {
    identities: byPreference(identities),
    trust,
    certificateAuthorities: asks ? trust.subjects() : [],
  };
}

/** OTP's order of pairs (contract §13.4): by kind of key, the larger first within a kind. */
const kinds: readonly KeyAlgorithm[] = ['ed448', 'ed25519', 'ec', 'rsa_pss', 'rsa', 'dsa'];

function byPreference(identities: readonly Identity[]): readonly Identity[] {
  return [...identities].sort(
    (a, b) => kinds.indexOf(a.key.algorithm) - kinds.indexOf(b.key.algorithm) || b.key.bits - a.key.bits,
  );
}

async function ownIdentity(
  identity: IdentityMaterial,
  source: PemSource,
  engine: CryptoEngine,
): Promise<Result<Identity | undefined>> {
  const chain = await certificates(identity.cert, identity.certfile, 'certfile', source);
  if ('error' in chain) return chain;
  if (chain.ok.length === 0) return { ok: undefined };
  const key = await privateKey(identity, source, engine);
  if ('error' in key) return key;
  const found = key.ok;
  if (found === undefined) return { ok: undefined };
  const file = identity.cert === undefined ? identity.certfile : undefined;
  return attempt('certfile', file, () => loadIdentity(chain.ok, found, engine));
}

async function privateKey(
  identity: IdentityMaterial,
  source: PemSource,
  engine: CryptoEngine,
): Promise<Result<PrivateKey | undefined>> {
  const { key } = identity;
  if (key !== undefined)
    return attempt('key', undefined, () => parsePrivateKey(key, passwordOf(identity), engine));
  const file = identity.keyfile ?? identity.certfile;
  if (file === undefined) return { ok: undefined };
  const entries = await source.read(file);
  if ('error' in entries) return fileError('keyfile', file, fileReason(entries.error));
  const entry = entries.ok.find(isPrivateKeyEntry);
  // As OTP's match failure reads: the list of entries that fit is empty.
  if (entry === undefined) return fileError('keyfile', file, []);
  return attempt('keyfile', file, () =>
    parsePrivateKey(
      { type: 'der', format: 'PrivateKeyInfo', der: privateKeyInfo(entry, passwordOf(identity)) },
      undefined,
      engine,
    ),
  );
}

async function trusted(config: Config, source: PemSource): Promise<Result<TrustStore>> {
  const { cacerts, cacertfile } = config;
  if (cacerts === 'system' || cacerts === 'bundled')
    return { ok: createTrustStore(await source.trusted(cacerts)) };
  const found = await certificates(cacerts, cacertfile, 'cacertfile', source);
  return 'ok' in found ? { ok: createTrustStore(found.ok) } : found;
}

async function certificates(
  given: readonly Uint8Array[] | undefined,
  file: string | undefined,
  option: string,
  source: PemSource,
): Promise<Result<readonly Uint8Array[]>> {
  if (given !== undefined) return { ok: given };
  if (file === undefined) return { ok: noTrust };
  const entries = await source.read(file);
  if ('error' in entries) return fileError(option, file, fileReason(entries.error));
  const ders = entries.ok.filter(({ type }) => type === 'Certificate').map(({ der }) => der);
  return ders.length === 0 ? fileError(option, file, []) : { ok: ders };
}

function passwordOf({ password }: IdentityMaterial): Password {
  return typeof password === 'function' ? password() : password;
}

/** `{options, {keyfile, File, R}}`; material that was given and not read from a file has no file in its term. */
function fileError(option: string, file: string | undefined, reason: unknown): { readonly error: SslReason } {
  return { error: { options: { [option]: file === undefined ? reason : [file, reason] } } };
}

/** A posix name is `{error, Posix}` in the term; what the decoder says stands as it is. */
function fileReason(reason: SslReason): unknown {
  return typeof reason === 'string' ? { error: reason } : reason;
}

function attempt<T>(option: string, file: string | undefined, make: () => T): Result<T> {
  try {
    return { ok: make() };
  } catch (error) {
    if (error instanceof KeyError) return fileError(option, file, error.message);
    // A password function of the user's, or DER that the engine refuses.
    return fileError(option, file, error instanceof Error ? error.message : String(error));
  }
}
