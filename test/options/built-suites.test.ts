/** Suites and signature schemes of TLS 1.2 in a config: what is built, and nothing that no hello would offer. */
import { cipherSuites, type SuiteMap, suiteToStr } from '@actor-tls/ssl';
import { describe, expect, it } from 'vitest';
import { parseClientOptions, parseServerOptions } from '../../packages/ssl/src/options/parse.js';
import { fakeEngine } from './fake-engine.js';

const at = { engine: fakeEngine };
const staticEcdh = 'TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256';
const ephemeral = 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256';
const inTheClear = 'TLS_PSK_WITH_NULL_SHA256';
/** With a certificate and ephemeral keys. */
const strong: readonly SuiteMap['keyExchange'][] = [
  ...(['any', 'ecdhe_ecdsa', 'ecdhe_rsa', 'dhe_rsa', 'dhe_dss'] as const),
];
const sides = [
  ['client', parseClientOptions],
  ['server', parseServerOptions],
] as const;
const bothVersions = ['tlsv1.3', 'tlsv1.2'] as const;
const everyVersions = [['tlsv1.3'], ['tlsv1.2'], ['tlsv1.1'], ['tlsv1'], bothVersions] as const;
const sinceTls12 = [['tlsv1.3'], ['tlsv1.2'], bothVersions] as const;

for (const [side, parse] of sides) {
  describe(`a ${side}'s config`, () => {
    it('holds no weak suites unless they are named, with whatever versions', () => {
      for (const versions of everyVersions) {
        const parsed = parse({ versions }, at);
        const suites = 'ok' in parsed ? parsed.ok.ciphers : [];
        expect(suites.length).toBeGreaterThan(0);
        expect(suites.filter(({ keyExchange }) => !strong.includes(keyExchange))).toEqual([]);
        expect(suites.filter(({ cipher }) => /des|rc4|null/.test(cipher))).toEqual([]);
      }
    });

    it('drops a suite that is not built beside one that is', () => {
      const parsed = parse({ ciphers: [inTheClear, ephemeral] }, at);
      expect('ok' in parsed && parsed.ok.ciphers.map(({ name }) => name)).toEqual([ephemeral]);
    });

    it('is refused when no suite named is built in one of its versions', () => {
      const refused = { error: { options: { ciphers: [inTheClear] } } };
      expect(parse({ ciphers: [inTheClear] }, at)).toEqual(refused);
      expect(parse({ ciphers: [inTheClear], versions: ['tlsv1.2'] }, at)).toEqual(refused);
      const wrongVersion = parse({ ciphers: [ephemeral], versions: ['tlsv1.3'] }, at);
      expect(wrongVersion).toEqual({ error: { options: { ciphers: [ephemeral] } } });
    });

    it('takes signature schemes of TLS 1.2 alone where TLS 1.2 is among the versions', () => {
      const signatureAlgs = ['rsa_pkcs1_sha256'] as const;
      expect(parse({ signatureAlgs, versions: bothVersions }, at)).toHaveProperty('ok');
      expect(parse({ signatureAlgs, versions: ['tlsv1.2'] }, at)).toHaveProperty('ok');
      expect(parse({ signatureAlgs, versions: ['tlsv1.3'] }, at)).toHaveProperty('error');
    });

    it('knows EdDSA in each version, and SHA-1 in none', () => {
      for (const versions of sinceTls12) {
        const parsed = parse({ versions }, at);
        const schemes: readonly string[] = 'ok' in parsed ? parsed.ok.signatureAlgs : [];
        expect(schemes).toContain('eddsa_ed25519');
        expect(schemes.filter((name) => name.endsWith('_sha1'))).toEqual([]);
      }
    });
  });
}

it("cipherSuites answers OTP's lists, built or not", () => {
  expect(cipherSuites('default', 'tlsv1.2').map(suiteToStr)).toContain(staticEcdh);
  expect(cipherSuites('all', 'tlsv1.2').map(suiteToStr)).toContain('TLS_RSA_WITH_AES_128_CBC_SHA');
});
