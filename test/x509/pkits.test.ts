import { expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Certificate, CertificateError } from '../../packages/ssl/src/values/x509/certificate.js';
import { RevocationList } from '../../packages/ssl/src/values/x509/crl.js';
import { checkByCrls } from '../../packages/ssl/src/values/x509/crl-check.js';
import type { Name } from '../../packages/ssl/src/values/x509/name.js';
import { explain } from '../../packages/ssl/src/values/x509/peer-verdict.js';
import type { PeerVerification } from '../../packages/ssl/src/values/x509/peer-verification.js';
import { createTrustStore } from '../../packages/ssl/src/values/x509/trust-store.js';
import { verifyPeer } from '../../packages/ssl/src/values/x509/verify-peer.js';
import { productDefaults } from '../support/product-defaults.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { judged } from './make.js';

interface Case {
  readonly id: string;
  readonly name: string;
  readonly anchor: string;
  readonly path: readonly string[];
  readonly helpers: readonly string[];
  readonly crls: readonly string[];
  readonly policies: readonly string[];
  readonly explicitPolicy: boolean;
  readonly inhibitMapping: boolean;
  readonly inhibitAnyPolicy: boolean;
  readonly expected: 'valid' | 'invalid';
}

/** Valid paths that we refuse, by case, and the settings with which they are valid for us too. */
const refused: Readonly<Record<string, { readonly why: string; readonly but: Partial<PeerVerification> }>> = {
  '4.1.4': dsa(),
  '4.1.5': dsa(),
};

function dsa(): (typeof refused)[string] {
  const why = 'no scheme of TLS 1.3 signs with DSA, and these keys have 1024 bits';
  return { why, but: { signatureAlgs: undefined, minKeySize: 1024 } };
}

/** Two certificates of the suite have signatures that are no whole octets. */
function tryDecode(der: Uint8Array): Certificate[] {
  try {
    return [new Certificate(der)];
  } catch (error) {
    expect(error).toBeInstanceOf(CertificateError);
    return [];
  }
}

describeWithData('NIST PKITS', 'x509/pkits-dev.json.gz', () => {
  const suite = readSharedJson('x509/pkits-dev.json.gz') as {
    readonly time: string;
    readonly cases: readonly Case[];
    readonly certs: Readonly<Record<string, string>>;
    readonly crls: Readonly<Record<string, string>>;
  };
  const now = Date.parse(suite.time);
  const counts = { agree: 0, refusedOnPurpose: 0, wrongAccept: 0, wrongReject: 0, skipped: 0, timedOut: 0 };
  const certificate = (name: string): Uint8Array => Buffer.from(suite.certs[name] ?? '', 'base64');

  /** Path and helpers unordered, the target first; every list given counts for its issuer. */
  function run(test: Case, more: Partial<PeerVerification> = {}): string {
    const trust = createTrustStore([certificate(test.anchor)]);
    const [target = '', ...rest] = [...test.path].reverse();
    const chain = [certificate(target), ...[...test.helpers, ...rest].sort().map(certificate)];
    const lists = test.crls.flatMap((name) => {
      try {
        return [new RevocationList(Buffer.from(suite.crls[name] ?? '', 'base64'))];
      } catch {
        return [];
      }
    });
    const select = (issuer: Name): Uint8Array[] =>
      lists.filter((list) => list.issuer.equals(issuer)).map((list) => list.der);
    const verdict = verifyPeer(
      judged(chain, trust, {
        now,
        policies: {
          initialPolicies: test.policies.length === 0 ? undefined : new Set(test.policies),
          requireExplicitPolicy: test.explicitPolicy,
          inhibitPolicyMapping: test.inhibitMapping,
          inhibitAnyPolicy: test.inhibitAnyPolicy,
        },
        ...more,
        checkRevocation: checkByCrls({
          ...productDefaults,
          ...more,
          check: true,
          // A cache that has every list there is: an indirect one comes from another issuer.
          source: { lookup: () => lists.map((list) => list.der), select },
          trust,
          engine: defaultEngine,
          now,
          others: chain.flatMap(tryDecode),
        }),
      }),
    );
    if (verdict instanceof Promise) throw new Error('nothing here is asynchronous');
    return 'ok' in verdict ? 'valid' : `invalid: ${explain(verdict.reject.explanation)}`;
  }

  for (const test of suite.cases) {
    it(`${test.id} ${test.name}: ${test.expected}`, () => {
      const decision = refused[test.id];
      if (decision !== undefined) {
        counts.refusedOnPurpose++;
        expect(run(test)).toMatch(/^invalid/);
        expect(run(test, decision.but)).toBe('valid');
        return;
      }
      const outcome = run(test);
      const accepted = outcome === 'valid';
      if (accepted === (test.expected === 'valid')) counts.agree++;
      else counts[accepted ? 'wrongAccept' : 'wrongReject']++;
      expect(outcome).toMatch(test.expected === 'valid' ? /^valid$/ : /^invalid/);
    });
  }
  it('reports', () => report('PKITS', counts));
});
