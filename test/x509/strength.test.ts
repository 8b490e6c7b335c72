/** What a certificate's signature, key, version and key usage have to be before anything else of it counts. */
import { createCa, type KeyKind, type KeyUsage, selfSigned } from '@actor-tls/ssl/testing';
import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { type CrlSource, checkByCrls } from '../../packages/ssl/src/values/x509/crl-check.js';
import { encodeElement, encodeOid } from '../../packages/ssl/src/values/x509/der-writer.js';
import { weaknessOf } from '../../packages/ssl/src/values/x509/key-strength.js';
import { importKey } from '../../packages/ssl/src/values/x509/parse-cache.js';
import { explain } from '../../packages/ssl/src/values/x509/peer-verdict.js';
import type { PeerVerification } from '../../packages/ssl/src/values/x509/peer-verification.js';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import { testWithKey } from '../support/engine.js';
import { productDefaults } from '../support/product-defaults.js';
import {
  basicConstraints,
  dnsNames,
  judged,
  makeCertificate,
  makeCrl,
  makeIntermediate,
  makeKey,
  makeLeaf,
  makeRoot,
  noon,
} from './make.js';

/** `ok`, or the explanation. */
function outcome(input: PeerVerification): string {
  const verdict = verifyPeer(input);
  if (verdict instanceof Promise) throw new Error('a promise where nobody asked for one');
  return 'ok' in verdict ? 'ok' : explain(verdict.reject.explanation);
}

const root = makeRoot('Root');
const middle = makeIntermediate('Middle', root);
const trust = createTrustStore([root.der]);
const sha1Named = [...(productDefaults.signatureAlgs ?? []), 'ecdsa_sha1'] as const;

describe('SHA-1 in certificates', () => {
  const leaf = makeLeaf('a.example', middle, { hash: 'sha1' });
  const weakMiddle = makeCertificate({
    subject: 'Middle',
    issuer: 'Root',
    key: middle.key,
    signer: root.key,
    hash: 'sha1',
    extensions: [basicConstraints(true)],
  });

  it('is refused by default, of the peer and of a CA below the root', () => {
    expect(outcome(judged([leaf, middle.der], trust))).toMatch(/^peer certificate .*signature_algs_cert/);
    expect(outcome(judged([makeLeaf('a.example', middle), weakMiddle], trust))).toMatch(
      /^CA certificate 1 above .*signature_algs_cert/,
    );
  });

  it('is taken when its scheme is named', () => {
    expect(outcome(judged([leaf, middle.der], trust, { signatureAlgs: sha1Named }))).toBe('ok');
  });

  it('of a root is nobody’s business: its own signature is not looked at (RFC 8446 §4.2.3)', () => {
    const key = makeKey();
    const der = makeCertificate({
      subject: 'Old',
      issuer: 'Old',
      key,
      signer: key,
      hash: 'sha1',
      extensions: [basicConstraints(true)],
    });
    const peer = makeLeaf('a.example', { name: 'Old', key, der });
    expect(outcome(judged([peer, der], createTrustStore([der])))).toBe('ok');
    // Nor when it is the peer itself that is trusted, whoever is asked besides.
    const pinned = { partialChain: () => ({ trusted_ca: der }), checkRevocation: (): 'valid' => 'valid' };
    expect(outcome(judged([der], createTrustStore([]), pinned))).toBe('ok');
  });

  it('in a CRL makes the list count for nothing, until it is named', () => {
    const list = makeCrl({ issuer: middle, hash: 'sha1' });
    const source: CrlSource = { lookup: () => 'not_available', select: () => [list] };
    const by = (signatureAlgs: PeerVerification['signatureAlgs']): Partial<PeerVerification> => ({
      checkRevocation: checkByCrls({
        check: 'peer',
        source,
        trust,
        engine: defaultEngine,
        now: noon,
        signatureAlgs,
      }),
    });
    const chain = [makeLeaf('a.example', middle), middle.der];
    expect(outcome(judged(chain, trust, by(productDefaults.signatureAlgs)))).toMatch(/revocation status/);
    expect(outcome(judged(chain, trust, by(sha1Named)))).toBe('ok');
  });
});

describe('keys', () => {
  const at = { now: Date.now() };
  const chainOf = (ca: KeyKind, leaf: KeyKind): readonly [readonly Uint8Array[], Uint8Array] => {
    const top = createCa({ key: ca });
    return [top.issue({ key: leaf }).chain, top.cert];
  };

  testWithKey('rsa')('RSA below 2048 bits is refused, of the peer and of the root whose key signed', () => {
    const [peer, peerRoot] = chainOf('ec', { rsa: 1024 });
    expect(outcome(judged(peer, createTrustStore([peerRoot]), at))).toMatch(
      /^peer certificate .*too weak \(RSA key of 1024 bits, minKeySize is 2048\)$/,
    );
    const [below, weakRoot] = chainOf({ rsa: 1024 }, 'ec');
    expect(outcome(judged(below, createTrustStore([weakRoot]), at))).toMatch(
      /^CA certificate 1 above .*RSA key of 1024 bits/,
    );
    const relaxed = { ...at, minKeySize: 1024 };
    expect(outcome(judged(peer, createTrustStore([peerRoot]), relaxed))).toBe('ok');
    expect(outcome(judged(below, createTrustStore([weakRoot]), relaxed))).toBe('ok');
    // A verdict under one limit says nothing under another.
    expect(outcome(judged(peer, createTrustStore([peerRoot]), at))).toMatch(/too weak/);
  });

  testWithKey('rsa')('P-192 is refused, P-224 taken, until minKeySize asks for more', () => {
    for (const [curve, wanted] of [
      ['secp192r1', /secp192r1 key of 192 bits/],
      ['secp224r1', /^ok$/],
    ] as const) {
      const [chain, top] = chainOf('ec', { ec: curve === 'secp192r1' ? 'prime192v1' : curve });
      expect(outcome(judged(chain, createTrustStore([top]), at))).toMatch(wanted);
      expect(outcome(judged(chain, createTrustStore([top]), { ...at, minKeySize: 3072 }))).toMatch(
        /too weak/,
      );
    }
  });

  it.each([
    [1024, { ok: ['ec', 'ed25519', { ec: 'secp384r1' }], weak: [] }],
    [3072, { ok: ['ec', 'ed25519', 'ed448', { ec: 'secp521r1' }], weak: [] }],
    [7680, { ok: ['ed448', { ec: 'secp384r1' }], weak: ['ec', 'ed25519'] }],
    [15_360, { ok: [{ ec: 'secp521r1' }], weak: ['ed448', { ec: 'secp384r1' }] }],
  ] as const)('curves are held to the strength of a modulus of %d bits', (minKeySize, { ok, weak }) => {
    const weakness = (kind: KeyKind): string | undefined => {
      const key = importKey(selfSigned({ key: kind }).keyPair.spki, defaultEngine);
      if (key === undefined) throw new Error('the engine lacks it');
      return weaknessOf(key, minKeySize);
    };
    for (const kind of ok) expect(weakness(kind)).toBeUndefined();
    for (const kind of weak) expect(weakness(kind)).toContain(`minKeySize is ${minKeySize}`);
  });

  testWithKey('rsa').each([
    [1, 'the exponent 1'],
    [4, 'an even exponent'],
  ])('an RSA exponent of %d is refused whatever the size', (exponent, says) => {
    const modulus = encodeElement(0x02, Uint8Array.of(0, ...new Uint8Array(256).fill(0xab)));
    const rsa = encodeElement(0x30, modulus, encodeElement(0x02, Uint8Array.of(exponent)));
    const algorithm = encodeElement(0x30, encodeOid('1.2.840.113549.1.1.1'), encodeElement(0x05));
    const spki = encodeElement(0x30, algorithm, encodeElement(0x03, Uint8Array.of(0), rsa));
    const chain = [makeLeaf('a.example', middle, { key: { ...makeKey(), spki } }), middle.der];
    expect(outcome(judged(chain, trust, { minKeySize: 1024 }))).toContain(says);
  });
});

describe('the key usage of a peer, whose key signs (RFC 8446 §4.4.2.2)', () => {
  const ca = createCa();
  const chainWith = (...keyUsage: readonly KeyUsage[]): readonly Uint8Array[] => ca.issue({ keyUsage }).chain;
  const judgement = (chain: readonly Uint8Array[], role: 'client' | 'server'): string =>
    outcome(judged(chain, createTrustStore([ca.cert]), { now: Date.now(), role }));

  it.each(['client', 'server'] as const)('has to have digitalSignature, as judged by a %s', (role) => {
    for (const chain of [
      chainWith('keyEncipherment'),
      chainWith('cRLSign'),
      chainWith('keyCertSign', 'cRLSign'),
      chainWith(),
    ])
      expect(judgement(chain, role)).toMatch(/key usage .*digitalSignature/);
    expect(judgement(chainWith('digitalSignature'), role)).toBe('ok');
    expect(judgement(chainWith('digitalSignature', 'keyEncipherment'), role)).toBe('ok');
    expect(judgement(ca.issue({ keyUsage: 'none' }).chain, role)).toBe('ok');
  });

  it('counts too when the peer itself is what is trusted', () => {
    const self = selfSigned({ keyUsage: ['keyCertSign'] });
    const partialChain = (): { trusted_ca: Uint8Array } => ({ trusted_ca: self.cert });
    const input = judged([self.cert], createTrustStore([]), { now: Date.now(), partialChain });
    expect(outcome(input)).toMatch(/digitalSignature/);
    expect(outcome({ ...input, verify: 'verify_none' })).toBe('ok');
  });

  it('is an event of verify_fun, which may think otherwise', () => {
    const fun = (_: unknown, event: unknown): { valid: undefined } | { fail: unknown } => {
      const bad =
        typeof event === 'object' && event !== null && 'bad_cert' in event ? event.bad_cert : undefined;
      return bad === undefined || bad === 'invalid_key_usage' ? { valid: undefined } : { fail: bad };
    };
    const more = { now: Date.now(), verifyFun: { fun, state: undefined } };
    expect(outcome(judged(chainWith('keyEncipherment'), createTrustStore([ca.cert]), more))).toBe('ok');
  });
});

describe('a certificate of version 1 or 2', () => {
  it.each([1, 2] as const)('that has extensions is refused, version %d (RFC 5280 §4.1.2.9)', (version) => {
    const chain = [makeLeaf('a.example', middle, { version }), middle.der];
    expect(outcome(judged(chain, trust))).toMatch(/^peer certificate .*version 1 or 2/);
    const between = makeCertificate({
      subject: 'Middle',
      issuer: 'Root',
      key: middle.key,
      signer: root.key,
      version,
      extensions: [basicConstraints(true)],
    });
    expect(outcome(judged([makeLeaf('a.example', middle), between], trust))).toMatch(/version 1 or 2/);
  });

  it('has its extensions obeyed when a verify_fun takes it all the same', () => {
    const wrongPurpose = { oid: '2.5.29.37', value: encodeElement(0x30, encodeOid('1.3.6.1.5.5.7.3.4')) };
    const extensions = [dnsNames('a.example'), wrongPurpose];
    const chain = [makeLeaf('a.example', middle, { version: 1, extensions }), middle.der];
    const fun = (_: unknown, event: unknown): { valid: undefined } | { fail: unknown } => {
      const bad =
        typeof event === 'object' && event !== null && 'bad_cert' in event ? event.bad_cert : undefined;
      return bad === undefined || bad === 'extensions_before_version_3'
        ? { valid: undefined }
        : { fail: bad };
    };
    const judgedBy = outcome(judged(chain, trust, { verifyFun: { fun, state: undefined } }));
    expect(judgedBy).toMatch(/extended key usage/);
  });

  it('without extensions is one by its common name', () => {
    const leaf = makeCertificate({
      subject: 'a.example',
      issuer: 'Middle',
      key: makeKey(),
      signer: middle.key,
      version: 1,
    });
    const host = { type: 'sni', name: 'a.example' } as const;
    expect(outcome(judged([leaf, middle.der], trust, { host }))).toBe('ok');
  });
});
