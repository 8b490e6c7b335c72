/**
 * An engine as DTLS 1.3 needs it: its labels begin with `dtls13` in place of `tls13 ` (RFC 9147 §5.9), and everything else is
 * as it was. So the key schedule of TLS 1.3 is that of DTLS 1.3 too, and keys of the one are of no use in the other.
 */
import type { CryptoEngine, HashFunction } from './engine.js';

const byEngine = new WeakMap<CryptoEngine, CryptoEngine>();
const byHash = new WeakMap<HashFunction, HashFunction>();

/** One for each engine, since what is looked up is kept by it. */
export function dtls13Engine(engine: CryptoEngine): CryptoEngine {
  const known = byEngine.get(engine);
  if (known !== undefined) return known;
  const made: CryptoEngine = {
    name: engine.name,
    hash(name) {
      const hash = engine.hash(name);
      return hash && labelled(hash);
    },
    aead: (name) => engine.aead(name),
    cipher: (name) => engine.cipher(name),
    kem: (name) => engine.kem(name),
    group: (name) => engine.group(name),
    finiteField: (prime, generator) => engine.finiteField(prime, generator),
    supportsKey: (algorithm, curve) => engine.supportsKey(algorithm, curve),
    importPublicKey: (spki) => engine.importPublicKey(spki),
    importPrivateKey: (pkcs8) => engine.importPrivateKey(pkcs8),
    equal: (a, b) => engine.equal(a, b),
    randomBytes: (length) => engine.randomBytes(length),
  };
  byEngine.set(engine, made);
  // Asked for again it stays what it is.
  byEngine.set(made, made);
  return made;
}

function labelled(hash: HashFunction): HashFunction {
  const known = byHash.get(hash);
  if (known !== undefined) return known;
  const made: HashFunction = {
    name: hash.name,
    outputLength: hash.outputLength,
    digest: (data) => hash.digest(data),
    start: () => hash.start(),
    hmac: (key, data) => hash.hmac(key, data),
    recordMac: (key) => hash.recordMac(key),
    hkdfExtract: (salt, inputKeyMaterial) => hash.hkdfExtract(salt, inputKeyMaterial),
    hkdfExpand: (key, info, length) => hash.hkdfExpand(key, info, length),
    labels: (secret) => hash.labels(secret, 'dtls13'),
  };
  byHash.set(hash, made);
  return made;
}
