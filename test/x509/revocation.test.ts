import { beforeAll, describe, expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Certificate } from '../../packages/ssl/src/values/x509/certificate.js';
import { type CrlSource, checkByCrls } from '../../packages/ssl/src/values/x509/crl-check.js';
import { encodeElement, encodeSmallInteger } from '../../packages/ssl/src/values/x509/der-writer.js';
import { mustStaple, validateOcsp } from '../../packages/ssl/src/values/x509/ocsp.js';
import type { PeerVerdict } from '../../packages/ssl/src/values/x509/peer-verdict.js';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import { productDefaults } from '../support/product-defaults.js';
import {
  type Authority,
  basicConstraints,
  type CertificateOrder,
  judged,
  type MadeExtension,
  makeCertificate,
  makeCrl,
  makeIntermediate,
  makeKey,
  makeLeaf,
  makeOcsp,
  makeRoot,
  noon,
} from './make.js';

let root: Authority;
let middle: Authority;
let leaf: Uint8Array;

beforeAll(() => {
  root = makeRoot('Root');
  middle = makeIntermediate('Middle', root);
  leaf = makeLeaf('www.example.org', middle, { serial: 77 });
});

describe('crl_check', () => {
  function verify(
    check: true | 'peer' | 'best_effort',
    source: Partial<CrlSource>,
    chain: readonly Uint8Array[] = [leaf, middle.der],
  ): PeerVerdict | Promise<PeerVerdict> {
    const trust = createTrustStore([root.der]);
    return verifyPeer(
      judged(chain, trust, {
        checkRevocation: checkByCrls({
          check,
          trust,
          engine: defaultEngine,
          now: noon,
          source: { lookup: () => 'not_available', select: () => [], ...source },
        }),
      }),
    );
  }
  const reason = (verdict: PeerVerdict): string =>
    'ok' in verdict ? 'ok' : JSON.stringify(verdict.reject.explanation.reason);
  const sources = (lists: readonly (readonly [Authority, Uint8Array])[]): Partial<CrlSource> => ({
    select: (issuer) =>
      lists.filter(([{ der }]) => new Certificate(der).subject.equals(issuer)).map(([, list]) => list),
  });

  it('true wants lists for every certificate, peer for the peer only, best_effort for none', async () => {
    const own = sources([[middle, makeCrl({ issuer: middle })]]);
    expect(reason(await verify('peer', own))).toBe('ok');
    expect(reason(await verify(true, own))).toBe('{"revocation_status_undetermined":"no_relevant_crls"}');
    expect(reason(await verify('best_effort', own))).toBe('ok');
    const both = sources([
      [middle, makeCrl({ issuer: middle })],
      [root, makeCrl({ issuer: root })],
    ]);
    expect(reason(await verify(true, both))).toBe('ok');
  });

  it('a listed certificate is revoked in every mode, with its reason', async () => {
    const listed = sources([
      [middle, makeCrl({ issuer: middle, revoked: [{ serial: 1 }, { serial: 77, reason: 1 }] })],
      [root, makeCrl({ issuer: root })],
    ]);
    for (const check of [true, 'peer', 'best_effort'] as const) {
      expect(reason(await verify(check, listed))).toBe('{"revoked":"keyCompromise"}');
    }
  });

  it('an expired list is asked for again, and counts for nothing when no newer one comes', async () => {
    const old = makeCrl({ issuer: middle, thisUpdate: noon - 9e8, nextUpdate: noon - 1000 });
    const fresh = makeCrl({ issuer: middle, revoked: [{ serial: 77, reason: 4 }] });
    expect(reason(await verify('peer', sources([[middle, old]])))).toMatch(/undetermined/);
    const source = { ...sources([[middle, old]]), freshCrl: async () => fresh };
    expect(reason(await verify('peer', source))).toBe('{"revoked":"superseded"}');
  });

  it("a list that another CA signed in the issuer's name counts for nothing", async () => {
    const impostor = makeIntermediate('Middle', root);
    const forged = makeCrl({ issuer: { ...impostor, name: 'Middle' } });
    expect(reason(await verify('peer', sources([[middle, forged]])))).toMatch(/undetermined/);
  });

  it('a source may answer later', async () => {
    const list = makeCrl({ issuer: middle, revoked: [{ serial: 77 }] });
    const verdict = verify('peer', { select: async () => [list] });
    expect(verdict).toBeInstanceOf(Promise);
    expect(reason(await verdict)).toBe('{"revoked":"unspecified"}');
  });

  it('a source that fails makes the verdict internal_error', async () => {
    const verdict = await verify('peer', { select: () => Promise.reject(new Error('down')) });
    expect('reject' in verdict && verdict.reject.alert).toBe('internal_error');
  });
});

describe('a stapled OCSP response', () => {
  const check = (
    response: Uint8Array,
    nonce?: Uint8Array,
    signatureAlgs = productDefaults.signatureAlgs,
  ): string =>
    JSON.stringify(
      validateOcsp({
        signatureAlgs,
        response,
        certificate: new Certificate(leaf),
        issuer: new Certificate(middle.der),
        engine: defaultEngine,
        now: noon,
        nonce,
      }),
    );
  const undetermined = (why: string): string => `{"bad_cert":{"revocation_status_undetermined":"${why}"}}`;

  it('of the issuer says good, unknown or revoked', () => {
    expect(check(makeOcsp({ certificate: leaf, issuer: middle }))).toBe('"valid"');
    expect(check(makeOcsp({ certificate: leaf, issuer: middle, status: 'unknown' }))).toBe(
      undetermined('unknown'),
    );
    expect(check(makeOcsp({ certificate: leaf, issuer: middle, status: 1 }))).toBe(
      '{"bad_cert":{"revoked":"keyCompromise"}}',
    );
  });

  it('has to bear the nonce that was sent', () => {
    const nonce = Uint8Array.of(1, 2, 3);
    expect(check(makeOcsp({ certificate: leaf, issuer: middle, nonce }), nonce)).toBe('"valid"');
    expect(check(makeOcsp({ certificate: leaf, issuer: middle }), nonce)).toBe(
      undetermined('nonce_mismatch'),
    );
    expect(check(makeOcsp({ certificate: leaf, issuer: middle, nonce }), Uint8Array.of(9))).toBe(
      undetermined('nonce_mismatch'),
    );
  });

  it('has to be current', () => {
    const stale = undetermined('ocsp_response_stale');
    expect(check(makeOcsp({ certificate: leaf, issuer: middle, nextUpdate: noon - 3_600_000 }))).toBe(stale);
    expect(check(makeOcsp({ certificate: leaf, issuer: middle, thisUpdate: noon + 3_600_000 }))).toBe(stale);
    expect(check(makeOcsp({ certificate: leaf, issuer: middle, nextUpdate: undefined }))).toBe('"valid"');
    const days = { thisUpdate: noon - 3 * 86_400_000, nextUpdate: undefined };
    expect(check(makeOcsp({ certificate: leaf, issuer: middle, ...days }))).toBe(stale);
  });

  it('has to be about the certificate, and signed by somebody entitled', () => {
    const other = makeLeaf('other.example', middle, { serial: 78 });
    expect(check(makeOcsp({ certificate: other, issuer: middle }))).toBe(undetermined('no_matched_response'));
    const responder = { name: 'Responder', key: makeKey(), der: new Uint8Array() };
    const order = { subject: 'Responder', issuer: 'Middle', key: responder.key, signer: middle.key };
    const signing = {
      oid: '2.5.29.37',
      value: encodeElement(0x30, Uint8Array.of(6, 8, 43, 6, 1, 5, 5, 7, 3, 9)),
    };
    const entitled = makeCertificate({ ...order, extensions: [signing] });
    const plain = makeCertificate({ ...order, extensions: [basicConstraints(false)] });
    const response = (certificates: Uint8Array[]): Uint8Array =>
      makeOcsp({ certificate: leaf, issuer: middle, responder, certificates });
    expect(check(response([entitled]))).toBe('"valid"');
    expect(check(response([plain]))).toBe(undetermined('ocsp_responder_cert_not_found'));
    expect(check(response([]))).toBe(undetermined('ocsp_responder_cert_not_found'));
    const forged = makeOcsp({ certificate: leaf, issuer: middle, responder: { ...middle, key: makeKey() } });
    expect(check(forged)).toBe(undetermined('ocsp_response_bad_signature'));
  });

  it('with a critical extension that nobody knows says nothing, of the response or of the certificate (RFC 6960 §4.4)', () => {
    const order = { certificate: leaf, issuer: middle };
    const unknown = { oid: '1.3.6.1.5.5.7.48.1.99', value: Uint8Array.of(5, 0) };
    const critical = { ...unknown, critical: true };
    const refused = undetermined('unknown_critical_extension');
    for (const where of ['responseExtensions', 'singleExtensions'] as const) {
      expect(check(makeOcsp({ ...order, [where]: [unknown] }))).toBe('"valid"');
      expect(check(makeOcsp({ ...order, [where]: [critical] }))).toBe(refused);
      // Also when it would say that the certificate is revoked: nothing of it is understood.
      expect(check(makeOcsp({ ...order, status: 1, [where]: [critical] }))).toBe(refused);
      expect(check(makeOcsp({ ...order, [where]: [unknown, unknown] }))).toBe(refused);
    }
    // A nonce is understood in the response, and nowhere else.
    const nonce = { oid: '1.3.6.1.5.5.7.48.1.2', value: Uint8Array.of(4, 1, 7), critical: true };
    expect(check(makeOcsp({ ...order, responseExtensions: [nonce] }))).toBe('"valid"');
    expect(check(makeOcsp({ ...order, singleExtensions: [nonce] }))).toBe(refused);
  });

  it('of a delegated responder counts only when its certificate is understood and may sign', () => {
    const responder = { name: 'Responder', key: makeKey(), der: new Uint8Array() };
    const signing = {
      oid: '2.5.29.37',
      value: encodeElement(0x30, Uint8Array.of(6, 8, 43, 6, 1, 5, 5, 7, 3, 9)),
    };
    const keyUsage = (bits: number): MadeExtension => ({
      oid: '2.5.29.15',
      critical: true,
      value: Uint8Array.of(3, 2, 0, bits),
    });
    const answerOf = (order: Partial<CertificateOrder>): string => {
      const names = { subject: 'Responder', issuer: 'Middle', key: responder.key, signer: middle.key };
      const certificates = [makeCertificate({ ...names, ...order })];
      return check(makeOcsp({ certificate: leaf, issuer: middle, responder, certificates }));
    };
    const nobody = undetermined('ocsp_responder_cert_not_found');
    const unknown = { oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) };
    expect(answerOf({ extensions: [signing, keyUsage(0x80)] })).toBe('"valid"');
    expect(answerOf({ extensions: [signing, keyUsage(0x20)] })).toBe(nobody);
    expect(answerOf({ extensions: [signing, unknown] })).toBe(nobody);
    expect(answerOf({ extensions: [signing], version: 1 })).toBe(nobody);
    expect(answerOf({ extensions: [signing], hash: 'sha1' })).toBe(nobody);
  });

  it('is signed by an algorithm that the certificate could be signed by', () => {
    const weak = makeOcsp({ certificate: leaf, issuer: middle, hash: 'sha1' });
    expect(check(weak)).toBe(undetermined('ocsp_response_bad_signature'));
    expect(check(weak, undefined, ['ecdsa_sha1'])).toBe('"valid"');
  });

  it('is demanded by a must-staple certificate', () => {
    const staple = { oid: '1.3.6.1.5.5.7.1.24', value: encodeElement(0x30, encodeSmallInteger(5)) };
    expect(mustStaple(new Certificate(makeLeaf('a', middle, { extensions: [staple] })))).toBe(true);
    expect(mustStaple(new Certificate(leaf))).toBe(false);
  });
});
