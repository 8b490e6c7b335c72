/**
 * Recordings of OTP 25. Its default knows no wildcard in a dNSName, ours does: cases without a match_fun run with the
 * rule that has OTP's default by name (`exact`), those with OTP's https matcher with ours of that name.
 */
import { expect, it } from 'vitest';
import { Certificate, CertificateError } from '../../packages/ssl/src/values/x509/certificate.js';
import {
  exactMatchFun,
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
  { why: 'RFC 9525 §6.3: a wildcard is the whole left-most label', name: /^[^.]+\*|\*[^.]/ },
  { why: 'RFC 9525 §6.3, §7.1: no wildcard directly above a single label', name: /^\*\.[^.]+$/ },
  { why: 'RFC 1034 §3.5: a name with an empty label is no host name', name: /^\.|\.\./ },
  { why: 'RFC 1123 §2.1: an address is no host name', name: /^[0-9.]+$/ },
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
  const needed = new Set<string>();
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
        const matchFun = test.match_fun === null ? exactMatchFun : httpsMatchFun;
        got = verifyHostname(certificate, references, { matchFun });
      } catch (error) {
        expect(error).toBeInstanceOf(CertificateError);
      }
      const stricter = test.result === true && got === false;
      const texts = textsOf(certificate);
      const rule = stricter
        ? deviations.find(({ name }) => texts.some((text) => name.test(text)))
        : undefined;
      if (rule !== undefined) {
        needed.add(rule.why);
        counts.deviateOnPurpose++;
        return;
      }
      counts.disagree++;
      expect(got).toBe(test.result);
      counts.disagree--;
      counts.agree++;
    });
  }
  it('every deviation is still needed', () => {
    expect(deviations.filter(({ why }) => !needed.has(why))).toEqual([]);
  });
  it('reports', () => report('otp25 pkix_hostname', counts));
});
