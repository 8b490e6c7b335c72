import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Certificate, CertificateError } from '../../packages/ssl/src/values/x509/certificate.js';
import { RevocationList } from '../../packages/ssl/src/values/x509/crl.js';
import { KeyError } from '../../packages/ssl/src/values/x509/key-error.js';
import { decodeOcspResponse } from '../../packages/ssl/src/values/x509/ocsp.js';
import { decodePem, PemError } from '../../packages/ssl/src/values/x509/pem.js';
import { privateKeyInfoFromPem } from '../../packages/ssl/src/values/x509/private-key.js';
import {
  basicConstraints,
  dnsNames,
  makeCrl,
  makeIntermediate,
  makeKey,
  makeLeaf,
  makeOcsp,
  makeRoot,
} from './make.js';

const root = makeRoot('Root');
const middle = makeIntermediate('Middle', root);
const leaf = makeLeaf('www.example.org', middle, {
  extensions: [basicConstraints(false), dnsNames('www.example.org')],
});
const crl = makeCrl({ issuer: root, revoked: [{ serial: 5, reason: 1 }, { serial: 6 }] });
const ocsp = makeOcsp({ certificate: leaf, issuer: middle });

const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;

/** Every proper prefix, and the whole with one byte more. */
function* spoilt(whole: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < whole.length; length++) yield whole.subarray(0, length);
  yield Buffer.concat([whole, Uint8Array.of(0)]);
}

describe('every proper prefix and any trailing byte is refused', () => {
  it('of a certificate', () => {
    expect(new Certificate(leaf).subjectAltName).toEqual([{ type: 'dNSName', text: 'www.example.org' }]);
    for (const bytes of spoilt(leaf)) expect(() => new Certificate(bytes)).toThrow(CertificateError);
  });
  it('of a CRL', () => {
    expect([...new RevocationList(crl).entries()].map(({ reason }) => reason)).toEqual([
      'keyCompromise',
      'unspecified',
    ]);
    for (const bytes of spoilt(crl)) expect(() => new RevocationList(bytes)).toThrow(CertificateError);
  });
  it('of an OCSP response', () => {
    expect(decodeOcspResponse(ocsp)).toHaveProperty('ok');
    for (const bytes of spoilt(ocsp)) expect(decodeOcspResponse(bytes)).toEqual({ error: 'malformed' });
  });
  it('of a private key', () => {
    const { pkcs8 } = makeKey();
    const info = privateKeyInfoFromPem(pem('PRIVATE KEY', pkcs8), undefined);
    const [read, made] = [info, pkcs8].map((key) =>
      createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' }),
    );
    expect(made !== undefined && read?.equals(made)).toBe(true);
    for (const bytes of spoilt(pkcs8)) {
      if (bytes.length === 0) continue;
      expect(() => privateKeyInfoFromPem(pem('PRIVATE KEY', bytes), undefined)).toThrow(KeyError);
    }
  });
});

describe('PEM', () => {
  it('entries come in order, whatever stands between them', () => {
    const file = `Bag Attributes: x\n${pem('CERTIFICATE', leaf)}\r\nsubject=…\n${pem('UNKNOWN THING', crl)}${pem('X509 CRL', crl)}`;
    expect(decodePem(file).map(({ type }) => type)).toEqual(['Certificate', 'CertificateList']);
    expect(decodePem(file.replaceAll('\n', '\r\n'))).toHaveLength(2);
    expect(decodePem('')).toEqual([]);
  });
  it.each([
    ['a block without end', '-----BEGIN CERTIFICATE-----\nAAAA\n'],
    ['another end', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END X509 CRL-----\n'],
    ['no base64', '-----BEGIN CERTIFICATE-----\nA*AA\n-----END CERTIFICATE-----\n'],
    ['an empty block', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'],
    [
      'encryption without its parameters',
      '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n',
    ],
  ])('%s is a PemError with its line', (_, file) => {
    expect(() => decodePem(`\n\n${file}`)).toThrow(PemError);
    expect(() => decodePem(`\n\n${file}`)).toThrow(/line 3/);
  });
});
