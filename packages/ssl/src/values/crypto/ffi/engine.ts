/**
 * An engine that calls the libcrypto of the Node process by its exported symbols, without the objects that node:crypto
 * makes around each call. What it has not is node:crypto's, then noble's.
 *
 * A wrong address would kill the process, with every connection in it. Hence: addresses of fixed memory only, and of
 * bytes that are held while the call runs; lengths checked before; results looked at; each primitive tried against
 * node:crypto before the engine is given away.
 */
import { isMainThread } from 'node:worker_threads';
import type { AeadName, CryptoEngine, Group, GroupName, HashName } from '../engine.js';
import { decodeSpki } from '../key-encoding.js';
import { nobleEngine } from '../noble/engine.js';
import { nodeEngine } from '../node/engine.js';
import { routeEngines } from '../router.js';
import { FfiAead } from './aead.js';
import { FfiEcGroup } from './ec-group.js';
import { FfiEcKeys } from './ec-keys.js';
import { type Bridge, FfiUnavailable } from './foreign.js';
import { FfiHash } from './hash.js';
import { Libcrypto } from './libcrypto.js';
import { FfiPrivateKeys, signsHere } from './private-keys.js';
import { FfiPublicKeys } from './public-keys.js';
import { selfTest } from './self-test.js';
import { FfiX25519 } from './x25519.js';

export interface FfiOptions {
  /** What calls C. The default is koffi where it is installed, else node:ffi where this Node has it switched on. */
  readonly bridge?: Bridge;
}

export interface FfiEngine extends CryptoEngine {
  readonly bridge: Bridge;
  /**
   * Frees all contexts and the keys in them, overwritten: for a process that falls idle. At most 16 keys per cipher and
   * direction are in there; connections that go on put theirs back. An identity's private key stays as long as it is held.
   */
  forget(): void;
}

/**
 * The engine of this thread; a worker makes its own. Throws `FfiUnavailable`, saying what can be done, where there is no
 * way to call, no symbols, another OpenSSL than 3, or where a primitive does not do what node:crypto does.
 */
export function ffiEngine({ bridge }: FfiOptions = {}): FfiEngine {
  const known = engines.get(bridge);
  if (known !== undefined) return known;
  const { engine, close } = tried(() => makeEngine(bridge));
  engines.set(bridge, engine);
  // What a worker holds would stay in the process when it has ended.
  if (!isMainThread) process.once('exit', close);
  return engine;
}

/** Of this thread, by what was asked for: each has memory and contexts of its own. */
const engines = new Map<Bridge | undefined, FfiEngine>();

/** What libcrypto refuses (FIPS has no X25519) is a reason to do without. */
function tried<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof FfiUnavailable) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FfiUnavailable(`${why}: leave the engine out`, { cause });
  }
}

function makeEngine(bridge: Bridge | undefined): { engine: FfiEngine; close: () => void } {
  const libcrypto = new Libcrypto(bridge);
  const hashes: Readonly<Record<HashName, FfiHash | undefined>> = {
    md5: FfiHash.of(libcrypto, 'md5', 'MD5', 16, 64),
    sha: FfiHash.of(libcrypto, 'sha', 'SHA1', 20, 64),
    sha224: FfiHash.of(libcrypto, 'sha224', 'SHA224', 28, 64),
    sha256: FfiHash.of(libcrypto, 'sha256', 'SHA256', 32, 64),
    sha384: FfiHash.of(libcrypto, 'sha384', 'SHA384', 48, 128),
    sha512: FfiHash.of(libcrypto, 'sha512', 'SHA512', 64, 128),
  };
  const aeads: Readonly<Partial<Record<AeadName, FfiAead | undefined>>> = {
    aes_128_gcm: FfiAead.of(libcrypto, 'aes_128_gcm', 'AES-128-GCM', 16),
    aes_256_gcm: FfiAead.of(libcrypto, 'aes_256_gcm', 'AES-256-GCM', 32),
    chacha20_poly1305: FfiAead.of(libcrypto, 'chacha20_poly1305', 'ChaCha20-Poly1305', 32),
  };
  const groups: Readonly<Partial<Record<GroupName, Group>>> = {
    x25519: new FfiX25519(libcrypto),
    secp256r1: new FfiEcGroup(libcrypto, 'secp256r1', 'P-256', 32),
    secp384r1: new FfiEcGroup(libcrypto, 'secp384r1', 'P-384', 48),
  };
  const ecKeys = new FfiEcKeys(libcrypto, (name) => hashes[name] ?? nodeEngine.hash(name));
  const publicKeys = new FfiPublicKeys(libcrypto, (name) => hashes[name]);
  const privateKeys = new FfiPrivateKeys(libcrypto, (name) => hashes[name]);
  const own: CryptoEngine = {
    name: 'ffi',
    hash: (name) => hashes[name],
    aead: (name) => aeads[name],
    cipher: () => undefined,
    kem: () => undefined,
    finiteField: () => undefined,
    group: (name) => groups[name],
    supportsKey: (algorithm, curve) => signsHere(algorithm, curve),
    importPublicKey: (spki) => {
      const encoded = decodeSpki(spki);
      return encoded && (ecKeys.import(encoded, spki) ?? publicKeys.import(encoded, spki));
    },
    importPrivateKey: (pkcs8) => privateKeys.import(pkcs8),
    equal: nodeEngine.equal,
    randomBytes: nodeEngine.randomBytes,
  };
  selfTest(own, nodeEngine);
  const forget = (): void => {
    for (const hash of Object.values(hashes)) hash?.forget();
    for (const aead of Object.values(aeads)) aead?.forget();
    publicKeys.forget();
  };
  const close = (): void => {
    forget();
    privateKeys.close();
  };
  forget();
  const routed = routeEngines([own, nodeEngine, nobleEngine]);
  return { engine: Object.assign(routed, { bridge: libcrypto.bridge, forget }), close };
}
