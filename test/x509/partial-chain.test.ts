import { expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import {
  type Authority,
  basicConstraints,
  makeCertificate,
  makeIntermediate,
  makeLeaf,
  makeRoot,
  noon,
} from './make.js';

/** `subject` certified by `issuer`, with the subject's own key. */
function crossSign(subject: Authority, issuer: Authority): Uint8Array {
  return makeCertificate({
    subject: subject.name,
    issuer: issuer.name,
    key: subject.key,
    signer: issuer.key,
    extensions: [basicConstraints(true)],
  });
}

it('a trusted CA that is no root is shown to partial_chain though the peer sent cross-certificates of it', () => {
  const hidden = makeRoot('Nobody has this root');
  const a = makeIntermediate('A', hidden);
  const b = makeRoot('B');
  const c = makeRoot('C');
  const middle = makeIntermediate('A1', a);
  const sent = [
    makeLeaf('www.example.org', middle),
    middle.der,
    crossSign(a, b),
    crossSign(a, c),
    crossSign(b, a),
    crossSign(b, c),
    crossSign(c, a),
    crossSign(c, b),
  ];
  const shown: string[] = [];
  const judge = (answer: 'unknown_ca' | { trusted_ca: Uint8Array }): string => {
    const verdict = verifyPeer({
      chain: sent,
      trust: createTrustStore([a.der]),
      engine: defaultEngine,
      role: 'client',
      verify: 'verify_peer',
      host: { type: 'sni', name: 'www.example.org' },
      depth: 10,
      now: noon,
      signatureAlgs: undefined,
      checkRevocation: undefined,
      partialChain: (chain) => {
        shown.push(chain.some((der) => Buffer.compare(der, a.der) === 0) ? 'with A' : 'without');
        return answer;
      },
    });
    if (verdict instanceof Promise) throw new Error('nothing here is asynchronous');
    return 'ok' in verdict ? 'ok' : verdict.reject.alert;
  };
  expect(judge({ trusted_ca: a.der })).toBe('ok');
  expect(shown).toEqual(['with A']);
  expect(judge('unknown_ca')).toBe('unknown_ca');
});
