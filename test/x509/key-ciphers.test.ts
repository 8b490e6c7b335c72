import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  getCiphers,
  type KeyObject,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyError } from '../../packages/ssl/src/values/x509/key-error.js';
import { privateKeyInfoFromPem } from '../../packages/ssl/src/values/x509/private-key.js';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
const publicHalf = (key: KeyObject): string =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('hex');
const load = (pem: string | Buffer, password?: string): string =>
  publicHalf(
    createPrivateKey({
      key: Buffer.from(privateKeyInfoFromPem(pem, password)),
      format: 'der',
      type: 'pkcs8',
    }),
  );
const passphrase = 'pässwörd';

const families = ['aes', 'camellia', 'aria'].flatMap((name) =>
  [128, 192, 256].map((bits) => `${name}-${bits}`),
);
const modes = ['cbc', 'cfb', 'ofb'];
const ciphers = [...families, 'sm4', 'des-ede3'].flatMap((family) =>
  modes.map((mode) => `${family}-${mode}`),
);
const present = new Set(getCiphers());
/** Written only with headers: no OID, or no parameters that OpenSSL would write. */
const headersOnly = ['aes-128-ctr', 'aes-256-cfb8', 'aes-192-cfb1', 'des-ede-cbc', 'des-ede-ofb'];
const noOid = new Set(['des-ede3-cfb', 'des-ede3-ofb']);

describe('an encrypted key opens whatever cipher OpenSSL wrote it with', () => {
  for (const cipher of ciphers.filter((name) => present.has(name) && !noOid.has(name))) {
    it(`PKCS#8, ${cipher}`, () => {
      const pem = privateKey.export({ format: 'pem', type: 'pkcs8', cipher, passphrase });
      expect(load(pem, passphrase)).toBe(publicHalf(privateKey));
      expect(() => load(pem, 'password')).toThrow(KeyError);
    });
  }
  for (const cipher of [...ciphers, ...headersOnly].filter((name) => present.has(name))) {
    it(`DEK-Info, ${cipher}`, () => {
      const pem = privateKey.export({ format: 'pem', type: 'pkcs1', cipher, passphrase });
      expect(load(pem, passphrase)).toBe(publicHalf(privateKey));
      expect(() => load(pem, 'password')).toThrow(KeyError);
    });
  }
});

it('a byte order mark in front of the armour is no part of it', () => {
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  expect(load(`\ufeff${pem}`)).toBe(publicHalf(privateKey));
  expect(load(Buffer.from(`\ufeff${pem}`))).toBe(publicHalf(privateKey));
});
