/** An engine that says what ours have, for tests that only ask what exists. */
import type { EngineSupport } from '../../packages/ssl/src/values/cipher-suites.js';
import type {
  Aead,
  Cipher,
  Group,
  GroupName,
  HashFunction,
} from '../../packages/ssl/src/values/crypto/engine.js';
import { isHybridGroup } from '../../packages/ssl/src/values/crypto/hybrid-groups.js';

const none = (): never => {
  throw new Error('the fake engine computes nothing');
};

function hash(name: HashFunction['name']): HashFunction {
  return {
    name,
    outputLength: 0,
    digest: none,
    start: none,
    hmac: none,
    recordMac: none,
    hkdfExtract: none,
    hkdfExpand: none,
    labels: none,
  };
}

const aead = (name: Aead['name']): Aead => ({
  name,
  keyLength: 0,
  nonceLength: 0,
  tagLength: 0,
  sealer: none,
  opener: none,
  recordNumbers: none,
});
const cipher = (name: Cipher['name']): Cipher => ({
  name,
  keyLength: 0,
  blockLength: 0,
  encryptor: none,
  decryptor: none,
});
const anyGroup = { publicKeyLength: 0, generate: none, fromPrivateKey: none };
const group = (name: GroupName): Group =>
  isHybridGroup(name)
    ? { ...anyGroup, name, kind: 'kem', native: false, respond: none }
    : { ...anyGroup, name, kind: 'dh' };

export const fakeEngine: EngineSupport = { hash, aead, cipher, group, supportsKey: () => true };
/** As noble alone: no RSA. */
export const engineWithoutRsa: EngineSupport = {
  ...fakeEngine,
  supportsKey: (algorithm) => algorithm !== 'rsa' && algorithm !== 'rsa_pss' && algorithm !== 'dsa',
};
/** Has nothing but hashes. */
export const emptyEngine: EngineSupport = {
  hash,
  aead: () => undefined,
  cipher: () => undefined,
  group: () => undefined,
  supportsKey: () => false,
};
