import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { loadIdentity } from '../../packages/ssl/src/values/x509/identity.js';
import { KeyError } from '../../packages/ssl/src/values/x509/key-error.js';
import { decodePkcs12 } from '../../packages/ssl/src/values/x509/pkcs12.js';
import { describeWithPeer } from '../support/report.js';
import { makeIntermediate, makeKey, makeLeaf, makeRoot } from './make.js';

describeWithPeer('PKCS#12 files that OpenSSL writes', 'openssl', () => {
  const root = makeRoot('Root');
  const middle = makeIntermediate('Middle', root);
  const key = makeKey();
  const leaf = makeLeaf('www.example.org', middle, { key });
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pkcs12-'));
    const pem = (label: string, der: Uint8Array): string =>
      `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;
    writeFileSync(join(folder, 'key.pem'), pem('PRIVATE KEY', key.pkcs8));
    // The chain first: the key's own certificate is found by its localKeyId.
    writeFileSync(join(folder, 'chain.pem'), pem('CERTIFICATE', middle.der) + pem('CERTIFICATE', root.der));
    writeFileSync(join(folder, 'leaf.pem'), pem('CERTIFICATE', leaf));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function write(password: string, ...options: readonly string[]): Uint8Array {
    const out = join(folder, 'out.p12');
    const at = (name: string): string => join(folder, name);
    execFileSync(
      'openssl',
      [
        'pkcs12',
        '-export',
        '-inkey',
        at('key.pem'),
        '-in',
        at('leaf.pem'),
        '-certfile',
        at('chain.pem'),
      ].concat(['-passout', `pass:${password}`, '-out', out], options),
      { stdio: 'pipe' },
    );
    return readFileSync(out);
  }

  it.each([
    ['as it does by default', []],
    ['in the legacy way (RC2-40, 3DES, SHA-1)', ['-legacy']],
    ['with 3DES for both', ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
    ['with AES-128 and SHA-512', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC', '-macalg', 'sha512']],
    ['with nothing encrypted', ['-keypbe', 'NONE', '-certpbe', 'NONE']],
  ] as const)('%s', (_, options) => {
    const file = write('geheim ü', ...options);
    const { certificates, privateKey } = decodePkcs12(file, 'geheim ü');
    expect(certificates.map((der) => Buffer.from(der).toString('hex'))).toEqual(
      [leaf, middle.der, root.der].map((der) => Buffer.from(der).toString('hex')),
    );
    const imported = defaultEngine.importPrivateKey(privateKey ?? new Uint8Array());
    if (imported === undefined) throw new Error('no key');
    expect(loadIdentity(certificates, imported, defaultEngine).schemes).toContain('ecdsa_secp256r1_sha256');
    expect(() => decodePkcs12(file, 'falsch')).toThrow(KeyError);
    expect(() => decodePkcs12(file, undefined)).toThrow(KeyError);
  });

  it('with an empty password', () => {
    expect(decodePkcs12(write(''), '').certificates).toHaveLength(3);
    expect(decodePkcs12(write(''), undefined).certificates).toHaveLength(3);
  });
});
