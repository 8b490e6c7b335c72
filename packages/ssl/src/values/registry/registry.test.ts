import { describe, expect, it } from 'vitest';
import { alertByCode, alertCode, alertTitle, knownAlerts } from './alerts.js';
import { eccCurves, groupByCode, groupCode, isTls13Group, tls13Groups } from './groups.js';
import { findScheme, schemeByCode, schemeOfPair, signatureSchemes } from './schemes.js';
import { allSuites, suiteById, suiteByName } from './suites.js';
import { versionByCode, versionByName, versionCode, versionRows } from './versions.js';

const distinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

describe('registry rows', () => {
  it('every number and every name stands once, and leads back to its row', () => {
    expect(distinct(allSuites.map((row) => row.id))).toBe(true);
    expect(distinct(allSuites.map((row) => row.name))).toBe(true);
    expect(distinct(signatureSchemes.map((row) => row.code))).toBe(true);
    expect(distinct(knownAlerts.map(alertCode))).toBe(true);
    for (const suite of allSuites) {
      expect(suiteById(suite.id)).toBe(suite);
      expect(suiteByName(suite.name)).toBe(suite);
      expect(suiteByName(suite.opensslName)).toBe(suite);
    }
    for (const scheme of signatureSchemes) {
      expect(schemeByCode(scheme.code)).toBe(scheme);
      expect(findScheme(scheme.name)).toBe(scheme);
    }
    for (const alert of knownAlerts) expect(alertByCode(alertCode(alert))).toBe(alert);
    for (const group of [...tls13Groups, ...eccCurves]) expect(groupByCode(groupCode(group))).toBe(group);
    for (const version of versionRows) {
      expect(versionByName(version.name)).toBe(version);
      expect(versionByCode(versionCode(version.name))).toBe(version);
    }
  });

  it('unknown and GREASE numbers have no row, an unknown alert has a name', () => {
    expect(suiteById(0x0a0a)).toBeUndefined();
    expect(schemeByCode(0x0a0a)).toBeUndefined();
    expect(groupByCode(0x0a0a)).toBeUndefined();
    expect(versionByCode(0x0a0a)).toBeUndefined();
    expect(alertByCode(99)).toBe('unsupported/unknown_alert');
    expect(alertTitle('unsupported/unknown_alert', 99)).toBe('unsupported/unknown alert: 99');
    for (const name of ['toString', '__proto__', 7]) {
      expect(versionByName(name)).toBeUndefined();
      expect(findScheme(name)).toBeUndefined();
      expect(isTls13Group(name)).toBe(false);
    }
  });

  it('TLS 1.3 suites stand in TLS 1.3 only, AEADs not below 1.2, stream ciphers not in DTLS', () => {
    for (const { keyExchange, mac, cipher, versions } of allSuites) {
      expect(versions.includes('tlsv1.3')).toBe(keyExchange === 'any');
      if (mac === 'aead') expect(versions).not.toContain('tlsv1.1');
      if (cipher === 'rc4_128') expect(versions).not.toContain('dtlsv1.2');
    }
  });

  it('a pair of TLS 1.2 means the scheme of the same two bytes (RFC 8446 §4.2.3)', () => {
    expect(schemeOfPair('sha256', 'rsa')?.name).toBe('rsa_pkcs1_sha256');
    expect(schemeOfPair('sha512', 'ecdsa')?.name).toBe('ecdsa_secp521r1_sha512');
    expect(schemeOfPair('sha', 'dsa')?.name).toBe('dsa_sha1');
    expect(schemeOfPair('sha3', 'rsa')).toBeUndefined();
    expect(schemeOfPair('constructor', 'rsa')).toBeUndefined();
    expect(schemeOfPair(4, 1)).toBeUndefined();
  });

  it('no scheme that signs a TLS 1.3 handshake uses SHA-1, MD5 or PKCS#1 v1.5 (RFC 8446 §4.4.3)', () => {
    for (const { tls13, algorithm } of signatureSchemes) {
      if (tls13 !== 'handshake') continue;
      expect(algorithm.type).not.toBe('rsa_pkcs1');
      if ('hash' in algorithm) expect(['sha', 'md5', 'sha224']).not.toContain(algorithm.hash);
    }
  });
});
