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
import type { DistributionPoint } from '../../packages/ssl/src/values/x509/extensions/distribution-points.js';
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

interface Difference {
  readonly points: readonly DistributionPoint[];
  readonly lists: readonly RevocationList[];
}

/** Where the answer is not OTP's, on purpose: each a rule over certificate and lists. */
const deviations: readonly {
  readonly why: string;
  readonly applies: (difference: Difference) => boolean;
}[] = [
  {
    why: 'RFC 5280 §6.3.3 b 2: distribution point and list have to bear the same name; OTP compares the hosts of URIs, and so applies lists of other scopes',
    applies: ({ lists, points }) =>
      lists.some((list) =>
        urisOf(list.issuingDistributionPoint?.distributionPoint).some((theirs) =>
          points.some(({ distributionPoint }) =>
            urisOf(distributionPoint).some((own) => own !== theirs && hostOf(own) === hostOf(theirs)),
          ),
        ),
      ),
  },
  {
    why: 'several points are tried in the order of the certificate; OTP tries them in the order of Erlang terms',
    applies: ({ points }) => points.length > 1 && points.some(({ reasons }) => reasons !== undefined),
  },
  {
    why: 'a list of the future is not current yet; OTP does not look at thisUpdate',
    applies: ({ lists }) => lists.some(({ thisUpdate }) => thisUpdate > now),
  },
];

function urisOf(point: DistributionPoint['distributionPoint']): string[] {
  const names = point !== undefined && 'fullName' in point ? point.fullName : [];
  return names.flatMap((name) => (name.type === 'uniformResourceIdentifier' ? [name.text] : []));
}

function hostOf(uri: string): string | undefined {
  return /^[^:]+:\/\/([^/]*)/.exec(uri)?.[1];
}

describeWithData("CRL validation is OTP's pkix_crls_validate/3", 'otp25/crl.json.gz', () => {
  const { certs, crls, cases } = readSharedJson('otp25/crl.json.gz') as {
    readonly certs: Readonly<Record<string, string>>;
    readonly crls: Readonly<Record<string, string>>;
    readonly cases: readonly Case[];
  };
  const counts = { agree: 0, deviateOnPurpose: 0, otpCrashed: 0, disagree: 0 };
  const certificate = (id: string): Certificate => new Certificate(Buffer.from(certs[id] ?? '', 'base64'));

  const listsOf = (test: Case): RevocationList[] =>
    test.crls.map((id) => new RevocationList(Buffer.from(crls[id] ?? '', 'base64')));
  const pointsOf = (test: Case): DistributionPoint[] => {
    const subject = certificate(test.cert);
    return test.dps === 'same_issuer'
      ? [issuerPoint(subject)]
      : [...(subject.decode(Oid.crlDistributionPoints) ?? [])].reverse();
  };

  function verdict(test: Case): string {
    const subject = certificate(test.cert);
    const cas = test.cas.map(certificate);
    const lists = listsOf(test);
    const points = pointsOf(test);
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
      const difference = { points: pointsOf(test), lists: listsOf(test) };
      if (got !== recorded(test) && deviations.some(({ applies }) => applies(difference))) {
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
