import { expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Certificate } from '../../packages/ssl/src/values/x509/certificate.js';
import { RevocationList } from '../../packages/ssl/src/values/x509/crl.js';
import {
  issuerPoint,
  type PointAndList,
  type SignerPath,
  validateByLists,
} from '../../packages/ssl/src/values/x509/crl-validation.js';
import { Oid } from '../../packages/ssl/src/values/x509/oids.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import type { Term } from '../support/terms.js';

interface Case {
  readonly id: string;
  readonly cert: string;
  readonly cas: readonly string[];
  readonly crls: readonly string[];
  readonly dps: 'same_issuer' | 'cert_dps';
  readonly result: Term | { readonly crash: string };
  readonly details?: Term;
}

const now = Date.UTC(2026, 10, 1);

/**
 * RFC 5280 §6.3.3 b 2: the names of the distribution point and of the list have to be the same; OTP compares the
 * hosts of URIs, and so applies lists of other scopes.
 */
function comparesHostsOnly(test: Case, ours: string): boolean {
  return test.dps === 'cert_dps' && /^undetermined (scope_error@\d+ ?)+$/.test(ours);
}

describeWithData("CRL validation is OTP's pkix_crls_validate/3", 'otp25/crl.json.gz', () => {
  const { certs, crls, cases } = readSharedJson('otp25/crl.json.gz') as {
    readonly certs: Readonly<Record<string, string>>;
    readonly crls: Readonly<Record<string, string>>;
    readonly cases: readonly Case[];
  };
  const counts = { agree: 0, deviateOnPurpose: 0, otpCrashed: 0, disagree: 0 };
  const certificate = (id: string): Certificate => new Certificate(Buffer.from(certs[id] ?? '', 'base64'));

  function verdict(test: Case): string {
    const subject = certificate(test.cert);
    const cas = test.cas.map(certificate);
    const lists = test.crls.map((id) => new RevocationList(Buffer.from(crls[id] ?? '', 'base64')));
    const points =
      test.dps === 'same_issuer'
        ? [issuerPoint(subject)]
        : [...(subject.decode(Oid.crlDistributionPoints) ?? [])].reverse();
    const pairs = points.flatMap((point) => lists.map((list): PointAndList => ({ point, list })));
    const answer = validateByLists(subject, pairs, {
      engine: defaultEngine,
      now,
      findSigner: (_, list): SignerPath | undefined => {
        const signer = cas.find((ca) => ca.subject.equals(list.issuer));
        if (signer === undefined) return undefined;
        const path = [signer];
        for (;;) {
          const top = path[0];
          if (top === undefined || top.selfIssued) break;
          const issuer = cas.find((ca) => ca.subject.equals(top.issuer));
          if (issuer === undefined) return undefined;
          path.unshift(issuer);
        }
        const [anchor] = path;
        if (anchor === undefined) return undefined;
        return { anchor, path: path.length > 1 ? path.slice(1) : path };
      },
    });
    if (answer === 'valid') return 'valid';
    if ('revoked' in answer) return `revoked ${answer.revoked}`;
    return `undetermined ${answer.undetermined.map(({ bad_crl, list }) => `${bad_crl}@${lists.indexOf(list)}`).join(' ')}`;
  }

  /** The recording's answer in the same words. */
  function recorded(test: Case): string {
    const text = JSON.stringify(test.result);
    if (text === '{"atom":"valid"}') return 'valid';
    const reason = /"revoked"\},\{"atom":"(\w+)"/.exec(text)?.[1];
    if (reason !== undefined) return `revoked ${reason}`;
    const details = [
      ...JSON.stringify(test.details ?? []).matchAll(/"bad_crl"\},\{"atom":"(\w+)"\}\]\},(-?\d+)/g),
    ];
    return `undetermined ${details.map(([, bad, at]) => `${bad}@${at}`).join(' ')}`;
  }

  for (const test of cases) {
    it(test.id, () => {
      const got = verdict(test);
      if (typeof test.result === 'object' && 'crash' in test.result) {
        counts.otpCrashed++;
        return;
      }
      if (got !== recorded(test) && comparesHostsOnly(test, got)) {
        counts.deviateOnPurpose++;
        return;
      }
      counts.disagree++;
      expect(got).toBe(recorded(test));
      counts.disagree--;
      counts.agree++;
    });
  }
  it('reports', () => report('otp25 crl', counts));
});
