import { expect, it } from 'vitest';
import { Certificate, CertificateError } from '../../packages/ssl/src/values/x509/certificate.js';
import {
  httpsMatchFun,
  type ReferenceId,
  verifyHostname,
} from '../../packages/ssl/src/values/x509/hostname.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';

interface Case {
  readonly id: string;
  readonly cert: string;
  readonly references: readonly {
    readonly tuple: readonly [
      { readonly atom: string },
      { readonly str: string } | { readonly tuple: readonly number[] } | readonly [],
    ];
  }[];
  readonly match_fun: 'https' | null;
  readonly result: boolean | { readonly crash: string };
}

/** OTP writes an IPv6 address as eight 16-bit numbers. */
function octets(address: readonly number[]): number[] {
  return address.length === 4 ? [...address] : address.flatMap((group) => [group >> 8, group & 0xff]);
}

/** Where the answer is not OTP's, on purpose. */
const deviations: Readonly<Record<string, string>> = {};

describeWithData("the host name check is OTP's pkix_verify_hostname", 'otp25/pkix_hostname.json.gz', () => {
  const { certs, cases } = readSharedJson('otp25/pkix_hostname.json.gz') as {
    readonly certs: Readonly<Record<string, string>>;
    readonly cases: readonly Case[];
  };
  const counts = { agree: 0, deviateOnPurpose: 0, disagree: 0 };
  for (const test of cases) {
    it(test.id, () => {
      const references = test.references.map(({ tuple: [{ atom }, value] }): ReferenceId => {
        if ('str' in value) return { [atom]: value.str };
        return { [atom]: 'tuple' in value ? octets(value.tuple) : '' };
      });
      let got: boolean | undefined;
      try {
        const certificate = new Certificate(Buffer.from(certs[test.cert] ?? '', 'base64'));
        got = verifyHostname(
          certificate,
          references,
          test.match_fun === null ? {} : { matchFun: httpsMatchFun },
        );
      } catch (error) {
        expect(error).toBeInstanceOf(CertificateError);
      }
      if (test.id in deviations) {
        counts.deviateOnPurpose++;
        expect(got).not.toBe(test.result);
        return;
      }
      counts.disagree++;
      expect(got).toBe(test.result);
      counts.disagree--;
      counts.agree++;
    });
  }
  it('reports', () => report('otp25 pkix_hostname', counts));
});
