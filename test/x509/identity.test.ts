import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import type { PrivateKey } from '../../packages/ssl/src/values/crypto/engine.js';
import { nobleEngine } from '../../packages/ssl/src/values/crypto/noble/engine.js';
import { completeChain, loadIdentity, matchRemoteKey } from '../../packages/ssl/src/values/x509/identity.js';
import { KeyError } from '../../packages/ssl/src/values/x509/key-error.js';
import { parsePrivateKey } from '../../packages/ssl/src/values/x509/private-key.js';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import { testWithKey } from '../support/engine.js';
import { makeIntermediate, makeKey, makeLeaf, makeRoot, noon, pssKey } from './make.js';

const root = makeRoot('Root');
const upper = makeIntermediate('Upper', root);
const lower = makeIntermediate('Lower', upper);
const pair = makeKey();
const leaf = makeLeaf('www.example.org', lower, { key: pair });
const key = parsePrivateKey(
  { type: 'der', format: 'PrivateKeyInfo', der: pair.pkcs8 },
  undefined,
  defaultEngine,
);

const kindOf = (act: () => unknown): string | undefined => {
  try {
    act();
  } catch (error) {
    if (error instanceof KeyError) return error.kind;
    throw error;
  }
  return undefined;
};

const imported = (der: Uint8Array): PrivateKey =>
  parsePrivateKey({ type: 'der', format: 'PrivateKeyInfo', der }, undefined, defaultEngine);

/** A certificate "pss" over a fresh RSA-PSS key that is restricted so. */
function pssIdentity(
  hashAlgorithm: string | undefined,
  mgf1HashAlgorithm: string | undefined,
  saltLength: number | undefined,
): { readonly chain: readonly Uint8Array[]; readonly key: PrivateKey } {
  const { pkcs8, spki } = pssKey(hashAlgorithm, mgf1HashAlgorithm, saltLength);
  return { chain: [makeLeaf('pss', lower, { key: { ...pair, spki, pkcs8 } })], key: imported(pkcs8) };
}

describe('an identity', () => {
  it('knows the schemes its key can sign with', () => {
    expect(loadIdentity([leaf, lower.der], key, defaultEngine).schemes).toEqual([
      'ecdsa_secp256r1_sha256',
      'ecdsa_sha1',
      'ecdsa_sha224',
      'ecdsa_md5',
    ]);
  });

  testWithKey('rsa')('of an RSA-PSS key knows the schemes that the key lets itself be used with', () => {
    const schemesWith = (hashAlgorithm: string, saltLength: number): readonly string[] => {
      const { chain, key: own } = pssIdentity(hashAlgorithm, hashAlgorithm, saltLength);
      return loadIdentity(chain, own, defaultEngine).schemes;
    };
    expect(schemesWith('sha256', 32)).toEqual(['rsa_pss_pss_sha256']);
    expect(schemesWith('sha512', 20)).toEqual(['rsa_pss_pss_sha512']);
    const free = pssIdentity(undefined, undefined, undefined);
    expect(loadIdentity(free.chain, free.key, defaultEngine).schemes).toEqual([
      'rsa_pss_pss_sha512',
      'rsa_pss_pss_sha384',
      'rsa_pss_pss_sha256',
    ]);
  });

  testWithKey('rsa')('whose key fits no scheme is refused when it is loaded, by name', () => {
    for (const [hash, mgf, salt, says] of [
      ['sha1', 'sha1', 20, 'restricted to sha, '],
      ['sha384', 'sha1', 20, 'MGF1 with sha, '],
      ['sha256', 'sha256', 33, 'a salt from 33 bytes'],
    ] as const) {
      const { chain, key: own } = pssIdentity(hash, mgf, salt);
      const load = (): unknown => loadIdentity(chain, own, defaultEngine);
      expect(load).toThrow(KeyError);
      expect(load).toThrow(says);
      expect(load).toThrow('CN=pss');
    }
  });

  testWithKey('rsa')('with a key that lives elsewhere has the schemes of its certificate', () => {
    const { chain } = pssIdentity('sha384', 'sha384', 48);
    const remote = { algorithm: 'rsa_pss', sign: () => new Uint8Array() } as const;
    expect(matchRemoteKey(chain, remote, defaultEngine).schemes).toEqual(['rsa_pss_pss_sha384']);
    const { chain: none } = pssIdentity('sha1', 'sha1', 20);
    expect(kindOf(() => matchRemoteKey(none, remote, defaultEngine))).toBe('unsupported');
  });

  it('is refused when key and certificate do not belong together', () => {
    expect(kindOf(() => loadIdentity([makeLeaf('a', lower)], key, defaultEngine))).toBe('mismatch');
    expect(kindOf(() => loadIdentity([], key, defaultEngine))).toBe('bad_certificate');
    expect(kindOf(() => loadIdentity([Uint8Array.of(1)], key, defaultEngine))).toBe('bad_certificate');
    expect(kindOf(() => loadIdentity([leaf, Uint8Array.of(1)], key, defaultEngine))).toBe('bad_certificate');
  });

  it('with only its own certificate is completed from the CA certificates, without the root', () => {
    const trust = createTrustStore([root.der, lower.der, upper.der, makeIntermediate('Lower', upper).der]);
    const hex = (ders: readonly Uint8Array[]): string[] =>
      ders.map((der) => Buffer.from(der).toString('hex'));
    expect(hex(completeChain(leaf, trust, defaultEngine))).toEqual(hex([leaf, lower.der, upper.der]));
    expect(hex(completeChain(root.der, trust, defaultEngine))).toEqual(hex([root.der]));
  });
});

describe('a private key', () => {
  it.each([
    [
      'bytes that are none',
      { type: 'der', format: 'PrivateKeyInfo', der: Uint8Array.of(0x30, 0) } as const,
      'malformed',
    ],
    ['a PEM without a key', { type: 'pem', pem: 'no key in here' } as const, 'no_key'],
    [
      'a PEM that does not end',
      { type: 'pem', pem: '-----BEGIN PRIVATE KEY-----\nAAAA\n' } as const,
      'malformed',
    ],
  ])('%s is a KeyError', (_, material, kind) => {
    expect(kindOf(() => parsePrivateKey(material, undefined, defaultEngine))).toBe(kind);
  });
});

describe('a trust store', () => {
  it('is the same for the same content, and leaves out what is no certificate', () => {
    const store = createTrustStore([root.der, upper.der]);
    expect(createTrustStore([root.der.slice(), upper.der.slice()])).toBe(store);
    expect(createTrustStore([upper.der, root.der])).not.toBe(store);
    const partial = createTrustStore([Uint8Array.of(1), root.der]);
    expect(partial.certificates).toHaveLength(1);
    expect(partial.skipped.map(({ index }) => index)).toEqual([0]);
  });
});

it('the portable engine alone judges chains of the kinds of keys it has', () => {
  const verdict = verifyPeer({
    chain: [leaf, lower.der, upper.der],
    trust: createTrustStore([root.der]),
    engine: nobleEngine,
    role: 'client',
    verify: 'verify_peer',
    host: { type: 'host', name: 'www.example.org' },
    depth: 10,
    now: noon,
    signatureAlgs: undefined,
  });
  expect(verdict).toHaveProperty('ok.algorithm', 'ec');
});
