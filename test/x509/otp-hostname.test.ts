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

/** Where the answer is not OTP's, on purpose: OTP's is true, ours false, and a name the certificate has is of that kind. */
const deviations: readonly { readonly why: string; readonly name: RegExp }[] = [
  { why: 'RFC 9525 §6.3: a wildcard that is the whole name belongs to nobody', name: /^\*\.?$/ },
  { why: 'RFC 6125 §6.4.3: no wildcard inside an A-label', name: /^xn--[^.]*\*/i },
];

/** Everything that a reference may be compared with, as text. */
function textsOf(certificate: Certificate | undefined): string[] {
  if (certificate === undefined) return [];
  const alternative = (certificate.subjectAltName ?? []).flatMap((name) =>
    'text' in name ? [name.text] : [],
  );
  const common = certificate.subject
    .valuesOf('2.5.4.3')
    .flatMap(({ text }) => (text === undefined ? [] : [text]));
  return [...alternative, ...common];
}

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
      let certificate: Certificate | undefined;
      try {
        certificate = new Certificate(Buffer.from(certs[test.cert] ?? '', 'base64'));
        got = verifyHostname(
          certificate,
          references,
          test.match_fun === null ? {} : { matchFun: httpsMatchFun },
        );
      } catch (error) {
        expect(error).toBeInstanceOf(CertificateError);
      }
      const stricter = test.result === true && got === false;
      if (stricter && deviations.some(({ name }) => textsOf(certificate).some((text) => name.test(text)))) {
        counts.deviateOnPurpose++;
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
