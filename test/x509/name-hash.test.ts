import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Certificate } from '../../packages/ssl/src/values/x509/certificate.js';
import { encodeElement, encodeOid } from '../../packages/ssl/src/values/x509/der-writer.js';
import { openSslNameHash } from '../../packages/ssl/src/values/x509/name-hash.js';
import { decodePem } from '../../packages/ssl/src/values/x509/pem.js';
import { describeWithPeer } from '../support/report.js';
import { readSharedJson, sharedData } from '../support/shared.js';
import { makeCertificate, makeKey, text } from './make.js';

const attribute = (oid: string, tag: number, value: string): Uint8Array =>
  encodeElement(0x30, encodeOid(oid), text(tag, value));
const set = (...attributes: readonly Uint8Array[]): Uint8Array => encodeElement(0x31, ...attributes);

describeWithPeer("OpenSSL's name hash", 'openssl', () => {
  const openssl = (der: Uint8Array): string =>
    execFileSync('openssl', ['x509', '-inform', 'DER', '-noout', '-hash'], {
      input: der,
      encoding: 'utf8',
    }).trim();

  it.each([
    ['plain', encodeElement(0x30, set(attribute('2.5.4.3', 0x0c, 'Example')))],
    ['case and white space', encodeElement(0x30, set(attribute('2.5.4.3', 0x13, '  EXAMPLE \t CA ')))],
    [
      'two attributes in one RDN',
      encodeElement(0x30, set(attribute('2.5.4.3', 0x0c, 'b'), attribute('2.5.4.10', 0x0c, 'a'))),
    ],
    [
      'letters that are not ASCII keep their case',
      encodeElement(0x30, set(attribute('2.5.4.3', 0x0c, 'ÄÖÜ Größe'))),
    ],
    ['mail address', encodeElement(0x30, set(attribute('1.2.840.113549.1.9.1', 0x16, 'Joe@Example.COM')))],
    ['empty', encodeElement(0x30)],
  ] as const)('%s', (_, name) => {
    const key = makeKey();
    const der = makeCertificate({ subject: name, issuer: 'x', key, signer: key });
    expect(openSslNameHash(name, defaultEngine)).toBe(openssl(der));
  });

  it.skipIf(sharedData('x509/x509-files-dev.json.gz') === undefined)('of published certificates', () => {
    const { files } = readSharedJson('x509/x509-files-dev.json.gz') as {
      readonly files: Readonly<
        Record<string, { readonly kind: string; readonly form: string; readonly data: string }>
      >;
    };
    const pems = Object.values(files).filter(({ form, kind }) => kind === 'certificate' && form === 'PEM');
    for (const { data } of pems.slice(0, 25)) {
      const der = decodePem(Buffer.from(data, 'base64'))[0]?.der ?? new Uint8Array();
      let name: Uint8Array;
      try {
        name = new Certificate(der).subject.raw;
      } catch {
        continue;
      }
      expect(openSslNameHash(name, defaultEngine)).toBe(openssl(der));
    }
  });
});
