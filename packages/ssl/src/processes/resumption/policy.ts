/**
 * By what a peer was judged, as a digest: what was judged under one policy is never resumed under another (RFC 8446
 * §4.6.1, §8.1 leave it to us; "Virtual host confusion", "Triple handshakes" are what comes of neglect). In it are trusted
 * certificates, own certificates, and every option that a judgement looks at. A certificate or CA that changed is
 * another policy, and so is a function that is not the very same: what a function of the user's lets pass nobody can tell.
 */
import type { ClientConfig, Config, ServerConfig } from '../../options/config.js';
import type { CryptoEngine } from '../../values/crypto/engine.js';
import { hex } from '../../values/hex.js';
import { concat } from '../../values/wire/join.js';
import type { HostReference } from '../../values/x509/peer-verification.js';
import type { TrustStore } from '../../values/x509/trust-store.js';
import type { Equipment } from '../connection/handshake-means.js';
import type { Credentials } from '../material/credentials.js';

/** 32 bytes. `host`: whom a client takes the server for. */
export function policyOf(
  { config, credentials }: Equipment,
  host: HostReference | undefined,
  engine: CryptoEngine,
): Uint8Array {
  const own = configPolicy(config, credentials, engine);
  if (host === undefined) return own;
  const name = host.type === 'address' ? hex(host.address) : host.name;
  return digest(engine, [own, text(`${host.type} ${name}`)]);
}

/** Credentials are made anew when a file has changed: what is known of them goes with them. */
const known = new WeakMap<Credentials, { readonly config: Config; readonly policy: Uint8Array }>();

function configPolicy(config: Config, credentials: Credentials, engine: CryptoEngine): Uint8Array {
  const before = known.get(credentials);
  if (before?.config === config) return before.policy;
  const policy = digest(engine, [
    text(JSON.stringify(judgedBy(config, engine))),
    trustDigest(credentials.trust, engine),
    ...credentials.identities.map(({ chain }) => digest(engine, chain)),
  ]);
  known.set(credentials, { config, policy });
  return policy;
}

/** Every option that says what a peer must show. */
function judgedBy(config: Config, engine: CryptoEngine): unknown {
  const { role, verify, depth, minKeySize, crlCheck, crlCache, signatureAlgs, signatureAlgsCert } = config;
  const name = (value: unknown): unknown => nameOf(value, engine);
  const { verifyFun, partialChain } = config;
  return [
    role,
    // What was agreed over datagrams is of no use over a stream, and the other way round (RFC 9147 §5.9).
    ...(config.protocol === 'dtls' ? ['dtls'] : []),
    [verify, depth, minKeySize, crlCheck, signatureAlgs, signatureAlgsCert ?? null],
    Object.values(crlCache).map(name),
    [name(verifyFun?.fun), name(verifyFun?.state), name(partialChain)],
    config.role === 'server'
      ? demandOf(config)
      : [staplingOf(config, engine), hooks(config.customizeHostnameCheck).map(name)],
  ];
}

function demandOf({ failIfNoPeerCert }: ServerConfig): boolean {
  return failIfNoPeerCert;
}

function staplingOf({ stapling }: ClientConfig, engine: CryptoEngine): unknown {
  return stapling && [stapling.ocspNonce, hex(digest(engine, stapling.ocspResponderCerts))];
}

function hooks(functions: object | undefined): readonly unknown[] {
  return functions === undefined ? [] : Object.entries(functions).flat();
}

/** Names of things that are the same only when they are the very same: of this process, and unknown to any other. */
const names = new WeakMap<object, string>();

function nameOf(value: unknown, engine: CryptoEngine): unknown {
  if (value === undefined) return null;
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return value;
  const before = names.get(value);
  if (before !== undefined) return before;
  const name = hex(engine.randomBytes(16));
  names.set(value, name);
  return name;
}

/** Stores of the same content are one. */
const trusted = new WeakMap<TrustStore, Uint8Array>();

function trustDigest(trust: TrustStore, engine: CryptoEngine): Uint8Array {
  const before = trusted.get(trust);
  if (before !== undefined) return before;
  const found = digest(
    engine,
    trust.certificates.map(({ der }) => der),
  );
  trusted.set(trust, found);
  return found;
}

/** Over the digests of the parts: none can pass for two. */
function digest(engine: CryptoEngine, parts: readonly Uint8Array[]): Uint8Array {
  const sha256 = engine.hash('sha256');
  if (sha256 === undefined) throw new TypeError('no SHA-256');
  const digests = parts.map((part) => sha256.digest(part));
  return sha256.digest(concat(digests));
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
