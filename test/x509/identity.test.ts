import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { nobleEngine } from '../../packages/ssl/src/values/crypto/noble/engine.js';
import { completeChain, loadIdentity } from '../../packages/ssl/src/values/x509/identity.js';
import { KeyError } from '../../packages/ssl/src/values/x509/key-error.js';
import { parsePrivateKey } from '../../packages/ssl/src/values/x509/private-key.js';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import { makeIntermediate, makeKey, makeLeaf, makeRoot, noon } from './make.js';

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

describe('an identity', () => {
  it('knows the schemes its key can sign with', () => {
    expect(loadIdentity([leaf, lower.der], key, defaultEngine).schemes).toEqual([
      'ecdsa_secp256r1_sha256',
      'ecdsa_sha1',
      'ecdsa_sha224',
      'ecdsa_md5',
    ]);
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
