import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createCa, type KeyKind, selfSigned } from './certificates.js';
import { integer, oid, tlv } from './der-writer.js';

const kinds: readonly KeyKind[] = [
  'ec',
  { ec: 'secp384r1' },
  { ec: 'secp521r1' },
  { ec: 'brainpoolP256r1' },
  'rsa',
  'rsa_pss',
  'ed25519',
  'ed448',
  { dsa: 1024 },
];

describe('throw-away certificates', () => {
  it.each(kinds)('a leaf of a CA with a %j key verifies and matches its private key', (kind) => {
    const ca = createCa({ key: kind });
    const leaf = ca.issue({ names: ['example.test', '192.0.2.1', '2001:db8::1'], key: kind });
    const parsed = new X509Certificate(leaf.certPem);
    expect(parsed.verify(new X509Certificate(ca.cert).publicKey)).toBe(true);
    expect(parsed.checkHost('example.test')).toBe('example.test');
    expect(parsed.checkIP('192.0.2.1')).toBe('192.0.2.1');
    expect(parsed.subjectAltName).toContain('IP Address:2001:DB8:0:0:0:0:0:1');
    expect(parsed.issuer).toBe('CN=actor-tls throw-away CA');
    expect(parsed.ca).toBe(false);
    expect(leaf.chain).toHaveLength(1);
  });

  it('a leaf below an intermediate carries the chain without the root', () => {
    const ca = createCa();
    const middle = ca.intermediate({ pathLength: 0 });
    const leaf = middle.issue();
    expect(leaf.chain).toEqual([leaf.cert, middle.cert]);
    expect(new X509Certificate(middle.cert).ca).toBe(true);
    expect(new X509Certificate(leaf.cert).checkIssued(new X509Certificate(middle.cert))).toBe(true);
  });

  it('an RSA CA can sign with PSS and with an old hash', () => {
    const ca = createCa({ key: 'rsa' });
    const authorityKey = new X509Certificate(ca.cert).publicKey;
    for (const options of [{ signaturePadding: 'pss' }, { signatureHash: 'sha' }] as const) {
      expect(new X509Certificate(ca.issue(options).cert).verify(authorityKey)).toBe(true);
    }
  });

  it('dates, serial and subject are taken as given', () => {
    const leaf = selfSigned({
      subject: [
        ['C', 'SE'],
        ['O', 'Example'],
      ],
      serial: 0xff01,
      notBefore: new Date('2000-01-01T00:00:00Z'),
      notAfter: new Date('2060-01-01T00:00:00Z'),
    });
    const parsed = new X509Certificate(leaf.cert);
    expect(parsed.subject).toBe('C=SE\nO=Example');
    expect(parsed.serialNumber).toBe('FF01');
    expect(parsed.validTo).toBe('Jan  1 00:00:00 2060 GMT');
  });
});

describe('DER writing', () => {
  it.each([
    [0, '020100'],
    [127, '02017f'],
    [128, '02020080'],
    [-1, '0201ff'],
    [-128, '020180'],
    [-129, '0202ff7f'],
    [65536, '0203010000'],
  ])("integer %i is minimal two's complement", (value, hex) => {
    expect(Buffer.from(integer(value)).toString('hex')).toBe(hex);
  });

  it('long lengths and large arcs take several bytes', () => {
    expect(
      Buffer.from(tlv(4, new Uint8Array(300)))
        .subarray(0, 4)
        .toString('hex'),
    ).toBe('0482012c');
    expect(Buffer.from(oid('1.2.840.113549')).toString('hex')).toBe('06062a864886f70d');
  });
});
