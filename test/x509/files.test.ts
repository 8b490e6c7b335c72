import { expect, it } from 'vitest';
import {
  Certificate,
  CertificateError,
  isKnownExtension,
} from '../../packages/ssl/src/values/x509/certificate.js';
import { RevocationList } from '../../packages/ssl/src/values/x509/crl.js';
import { decodeOcspResponse } from '../../packages/ssl/src/values/x509/ocsp.js';
import { decodePem } from '../../packages/ssl/src/values/x509/pem.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';

interface File {
  readonly kind: string;
  readonly form: 'PEM' | 'DER';
  readonly data: string;
  readonly openssl: 'reads' | 'refuses';
  readonly facts?: Readonly<Record<string, string>>;
}

/** What OpenSSL reads and we refuse, by what our error says: why. */
const refused: readonly { readonly says: RegExp; readonly why: string }[] = [
  {
    says: /malformed CRL entry: tag 30 expected/,
    why: 'an entry whose certificateIssuer is no GeneralNames',
  },
  { says: /unknown CRL reason/, why: 'a reason code that RFC 5280 §5.3.1 does not have' },
  { says: /malformed extension 2\.5\.29\.37: .*end found/, why: 'RFC 5280 §4.2.1.12: at least one purpose' },
  {
    says: /malformed extension/,
    why: 'OpenSSL reads extensions when they are printed or used; OTP refuses too',
  },
  {
    says: /unknown certificate version|unknown CRL version/,
    why: 'RFC 5280 §4.1.2.1, §5.1.2.1: there are no such versions',
  },
  {
    says: /time is not DER/,
    why: 'RFC 5280 §4.1.2.5, §5.1.2.4: one form of each time; OpenSSL prints it as bad',
  },
  { says: /bit string of whole octets/, why: 'a signature of bits left over verifies nowhere' },
];

describeWithData('real and odd certificates, CRLs and OCSP responses', 'x509/x509-files-dev.json.gz', () => {
  const { files } = readSharedJson('x509/x509-files-dev.json.gz') as {
    readonly files: Readonly<Record<string, File>>;
  };
  const counts = { agree: 0, refusedOnPurpose: 0, wrongAccept: 0, wrongReject: 0, skipped: 0 };
  for (const [name, file] of Object.entries(files)) {
    if (file.kind === 'csr' || file.kind === 'ocsp-request') {
      counts.skipped++;
      continue;
    }
    it(`${name}: OpenSSL ${file.openssl} it`, () => {
      const data = Buffer.from(file.data, 'base64');
      const der = file.form === 'PEM' ? (decodePem(data)[0]?.der ?? data) : data;
      const facts = read(file.kind, der);
      if (file.openssl === 'refuses') {
        counts[typeof facts === 'string' ? 'agree' : 'wrongAccept']++;
        expect(facts).toBeTypeOf('string');
        return;
      }
      if (typeof facts === 'string' && refused.some(({ says }) => says.test(facts))) {
        counts.refusedOnPurpose++;
        return;
      }
      counts.wrongReject++;
      expect(facts).toBeTypeOf('object');
      for (const [key, value] of Object.entries(facts)) {
        const wanted = file.facts?.[key];
        if (wanted !== undefined) expect(normal(key, value), key).toBe(normal(key, wanted));
      }
      counts.wrongReject--;
      counts.agree++;
    });
  }
  it('reports', () => report('x509-files', counts));
});

/** Facts as OpenSSL prints them, or the text of the typed error. */
function read(kind: string, der: Uint8Array): Readonly<Record<string, string>> | string {
  try {
    if (kind === 'ocsp-response') {
      const answer = decodeOcspResponse(der);
      return 'error' in answer && (answer.error === 'malformed' || answer.error === 'unknown_response_status')
        ? answer.error
        : {};
    }
    if (kind === 'crl') {
      const list = new RevocationList(der);
      for (const entry of list.entries()) expect(entry.serial.length).toBeGreaterThan(0);
      return { issuer: String(list.issuer), lastUpdate: date(list.thisUpdate) };
    }
    const certificate = new Certificate(der);
    for (const { oid } of certificate.extensions) if (isKnownExtension(oid)) certificate.decode(oid);
    const { subject, issuer, serialHex, notBefore, notAfter } = certificate;
    return {
      subject: String(subject),
      issuer: String(issuer),
      serial: serialHex,
      notBefore: date(notBefore),
      notAfter: date(notAfter),
    };
  } catch (error) {
    if (error instanceof CertificateError) return error.message;
    throw error;
  }
}

function date(ms: number): string {
  return new Date(ms).toISOString();
}

function normal(key: string, value: string): string {
  if (key === 'serial' && value.startsWith('-')) {
    // OpenSSL prints a number, we the octets of its two's complement.
    const digits = value.slice(1);
    return BigInt.asUintN(digits.length * 4, -BigInt(`0x${digits}`)).toString(16);
  }
  if (key === 'serial') return value.replace(/^(00)+(?=.)/, '').toLowerCase();
  if (/Before|After|Update/.test(key)) return new Date(value).toISOString();
  // OpenSSL escapes what is not ASCII, knows more attribute names and writes hex in capitals.
  return value
    .replace(/(\\[0-9A-F]{2})+/g, (run) => Buffer.from(run.replaceAll('\\', ''), 'hex').toString('utf8'))
    .replace('INN=', '1.2.643.3.131.1.1=')
    .replace('OGRN=', '1.2.643.100.1=')
    .replace('jurisdictionL=', '1.3.6.1.4.1.311.60.2.1.1=')
    .replace('jurisdictionST=', '1.3.6.1.4.1.311.60.2.1.2=')
    .replace('jurisdictionC=', '1.3.6.1.4.1.311.60.2.1.3=')
    .replace('x500UniqueIdentifier=', '2.5.4.45=')
    .replace(/=#[0-9A-F]+/gi, (text) => text.toLowerCase());
}
