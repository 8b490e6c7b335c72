/** The engine with other hash functions, which tell or change what a transcript is made of. */
import type { CryptoEngine, HashFunction, HashName } from '../../packages/ssl/src/values/crypto/engine.js';
import { engine } from './two-cores.js';

/** `change`: what is another's of a hash function; the rest is the engine's own. */
export function engineHashing(change: (hash: HashFunction) => Partial<HashFunction>): CryptoEngine {
  const hashes = new Map<HashName, HashFunction>();
  return {
    name: engine.name,
    hash: (name) => {
      const hash = engine.hash(name);
      const known = hashes.get(name);
      if (hash === undefined || known !== undefined) return known;
      const changed: HashFunction = {
        name,
        outputLength: hash.outputLength,
        digest: (data) => hash.digest(data),
        start: () => hash.start(),
        hmac: (key, data) => hash.hmac(key, data),
        recordMac: (key) => hash.recordMac(key),
        hkdfExtract: (salt, input) => hash.hkdfExtract(salt, input),
        hkdfExpand: (key, info, length) => hash.hkdfExpand(key, info, length),
        labels: (secret) => hash.labels(secret),
        ...change(hash),
      };
      hashes.set(name, changed);
      return changed;
    },
    aead: (name) => engine.aead(name),
    cipher: (name) => engine.cipher(name),
    finiteField: (prime, generator) => engine.finiteField(prime, generator),
    kem: (name) => engine.kem(name),
    group: (name) => engine.group(name),
    supportsKey: (algorithm, curve) => engine.supportsKey(algorithm, curve),
    importPublicKey: (spki) => engine.importPublicKey(spki),
    importPrivateKey: (pkcs8) => engine.importPrivateKey(pkcs8),
    equal: (a, b) => engine.equal(a, b),
    randomBytes: (length) => engine.randomBytes(length),
  };
}
