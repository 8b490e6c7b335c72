import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import { basicConstraints, dnsNames, judged, makeCertificate, makeKey, noon } from './make.js';

const CAS = 6;
const keys = Array.from({ length: CAS }, makeKey);
const peerKey = makeKey();

/** A certificate of one CA by another: who, by whom, and what is wrong with it. */
interface Cross {
  readonly subject: number;
  readonly issuer: number;
  readonly flaw: 'none' | 'expired' | 'no CA' | 'path length 0' | 'wrong signature';
}

const cross: fc.Arbitrary<Cross> = fc.record({
  subject: fc.integer({ min: 1, max: CAS - 1 }),
  issuer: fc.integer({ min: 0, max: CAS - 1 }),
  flaw: fc.constantFrom<Cross['flaw']>(
    'none',
    'none',
    'none',
    'expired',
    'no CA',
    'path length 0',
    'wrong signature',
  ),
});

function make({ flaw, issuer, subject }: Cross, serial: number): Uint8Array {
  const [key, signer, other] = [keys[subject], keys[issuer], peerKey];
  if (key === undefined || signer === undefined) throw new Error('no key');
  return makeCertificate({
    subject: `CA ${subject}`,
    issuer: `CA ${issuer}`,
    key,
    signer: flaw === 'wrong signature' ? other : signer,
    serial,
    ...(flaw === 'expired' ? { notAfter: noon - 1_000_000 } : {}),
    extensions: [
      flaw === 'no CA'
        ? basicConstraints(false)
        : basicConstraints(true, flaw === 'path length 0' ? 0 : undefined),
    ],
  });
}

/** By trying every way up: whether some path without a CA twice leads from `from` to CA 0. */
function leads(from: number, crosses: readonly Cross[], path: readonly number[]): boolean {
  if (from === 0) return true;
  return crosses.some(({ flaw, issuer, subject }) => {
    if (subject !== from || path.includes(issuer) || issuer === subject) return false;
    if (flaw === 'expired' || flaw === 'no CA' || flaw === 'wrong signature') return false;
    // Certificates of CAs that stand below this one.
    if (flaw === 'path length 0' && path.length > 1) return false;
    return leads(issuer, crosses, [...path, issuer]);
  });
}

it('a chain is accepted exactly when some path through what was sent and trusted is good', () => {
  const [rootKey] = keys;
  if (rootKey === undefined) throw new Error('no key');
  const root = makeCertificate({
    subject: 'CA 0',
    issuer: 'CA 0',
    key: rootKey,
    signer: rootKey,
    extensions: [basicConstraints(true)],
  });
  const outcomes = { good: 0, bad: 0 };
  fc.assert(
    fc.property(
      fc.array(cross, { maxLength: 14 }),
      fc.integer({ min: 0, max: CAS - 1 }),
      (crosses, issuer) => {
        const signer = keys[issuer];
        if (signer === undefined) throw new Error('no key');
        const peer = makeCertificate({
          subject: 'peer',
          issuer: `CA ${issuer}`,
          key: peerKey,
          signer,
          extensions: [dnsNames('www.example.org')],
        });
        const verdict = verifyPeer(
          judged([peer, ...crosses.map((each, i) => make(each, i + 2))], createTrustStore([root]), {
            host: { type: 'sni', name: 'www.example.org' },
          }),
        );
        const good = leads(issuer, crosses, [issuer]);
        outcomes[good ? 'good' : 'bad']++;
        expect('ok' in verdict).toBe(good);
      },
    ),
    { numRuns: Number(process.env['ACTOR_TLS_FUZZ_RUNS'] ?? 400) },
  );
  expect(Math.min(outcomes.good, outcomes.bad)).toBeGreaterThan(50);
});
