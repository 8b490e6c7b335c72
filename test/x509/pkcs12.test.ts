import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { loadIdentity } from '../../packages/ssl/src/values/x509/identity.js';
import { KeyError } from '../../packages/ssl/src/values/x509/key-error.js';
import { decodePkcs12, isPkcs12, loadPkcs12Structure } from '../../packages/ssl/src/values/x509/pkcs12.js';
import { describeWithPeer } from '../support/report.js';
import { makeIntermediate, makeKey, makeLeaf, makeRoot } from './make.js';
import { makePkcs12, type Pkcs12Order, shroudWithoutPassword } from './make-pkcs12.js';

const structure = await loadPkcs12Structure();
const open = (file: Uint8Array, password: string | undefined): ReturnType<typeof decodePkcs12> =>
  decodePkcs12(file, password, structure);

describe('PKCS#12 files in whatever encoding', () => {
  const root = makeRoot('Root');
  const key = makeKey();
  const leaf = makeLeaf('www.example.org', root, { key });
  const order: Pkcs12Order = {
    password: 'geheim',
    privateKey: key.pkcs8,
    certificates: [leaf, root.der],
    form: 'der',
  };
  const kindOf = (file: Uint8Array, password = 'geheim'): string => {
    try {
      open(file, password);
      return 'none';
    } catch (error) {
      return error instanceof KeyError ? error.kind : String(error);
    }
  };

  it.each(['der', 'ber'] as const)('%s gives key and certificates, and refuses another password', (form) => {
    const { file } = makePkcs12({ ...order, form });
    expect(isPkcs12(file)).toBe(true);
    const { certificates, privateKey } = open(file, 'geheim');
    expect(Buffer.from(privateKey ?? [])).toEqual(Buffer.from(key.pkcs8));
    expect(certificates.map((der) => Buffer.from(der))).toEqual(
      [leaf, root.der].map((der) => Buffer.from(der)),
    );
    expect(kindOf(file, 'falsch')).toBe('wrong_password');
  });

  it('keeps certificates to itself that nobody can read, for whoever uses them to judge', () => {
    const odd = Uint8Array.of(0x30, 0);
    expect(open(makePkcs12({ ...order, certificates: [odd] }).file, 'geheim').certificates).toEqual([odd]);
  });

  it('passes over bags of other kinds', () => {
    const others = [
      ['1.2.840.113549.1.12.10.1.4', root.der],
      ['1.2.840.113549.1.12.10.1.6', Uint8Array.of(0x30, 0)],
      ['1.2.3.4', Uint8Array.of(0x05, 0)],
    ] as const;
    expect(open(makePkcs12({ ...order, others }).file, 'geheim').certificates).toHaveLength(2);
  });

  it('made with no password at all opens with none and with the empty one', () => {
    const none = { ...order, password: undefined, others: [shroudWithoutPassword(key.pkcs8)] };
    expect(open(makePkcs12(none).file, undefined).certificates).toHaveLength(2);
    expect(open(makePkcs12(none).file, '').certificates).toHaveLength(2);
    expect(kindOf(makePkcs12(none).file)).toBe('wrong_password');
  });

  it('opens a file without a MAC and says so, and a wrong password gives no other certificates', () => {
    const { file } = makePkcs12({ ...order, mac: 'absent' });
    expect(open(file, 'geheim')).toMatchObject({ integrity: 'none', certificates: { length: 2 } });
    expect(open(makePkcs12(order).file, 'geheim').integrity).toBe('mac');
    for (let i = 0; i < 600; i += 1)
      expect(kindOf(file, `falsch ${i}`)).toMatch(/^(wrong_password|malformed)$/);
  });

  it.each([0, 2 ** 31 - 1, 2 ** 40])(
    'refuses a MAC of %i iterations before it derives anything',
    (iterations) => {
      expect(kindOf(makePkcs12({ ...order, iterations }).file)).toBe('unsupported');
    },
  );

  it('refuses a changed octet of the content, a cut file and trailing octets', () => {
    const { file, safe } = makePkcs12(order);
    const at = Buffer.from(file).indexOf(Buffer.from(safe)) + safe.length - 1;
    const changed = Uint8Array.from(file);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(kindOf(changed)).toBe('wrong_password');
    expect(kindOf(file.subarray(0, -1))).toBe('malformed');
    expect(kindOf(Buffer.concat([file, Uint8Array.of(0)]))).toBe('malformed');
  });

  it('ends within its limits on deep nesting, a crowd of bags and a file too large', () => {
    const deep = Buffer.concat([Buffer.from('30800201033080', 'hex'), Buffer.alloc(200_000, '3080', 'hex')]);
    expect(kindOf(deep)).toBe('malformed');
    const crowd = Array.from({ length: 1_100 }, () => ['1.2.3', Uint8Array.of(5, 0)] as const);
    expect(kindOf(makePkcs12({ ...order, others: crowd }).file)).toBe('unsupported');
    const host = Array.from({ length: 10_000 }, () => ['1.2.3', Uint8Array.of(5, 0)] as const);
    expect(kindOf(makePkcs12({ ...order, others: host }).file)).toBe('malformed');
    expect(kindOf(new Uint8Array(16 * 1024 * 1024 + 1))).toBe('unsupported');
  });
});

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
    const { certificates, privateKey } = open(file, 'geheim ü');
    expect(certificates.map((der) => Buffer.from(der).toString('hex'))).toEqual(
      [leaf, middle.der, root.der].map((der) => Buffer.from(der).toString('hex')),
    );
    const imported = defaultEngine.importPrivateKey(privateKey ?? new Uint8Array());
    if (imported === undefined) throw new Error('no key');
    expect(loadIdentity(certificates, imported, defaultEngine).schemes).toContain('ecdsa_secp256r1_sha256');
    expect(() => open(file, 'falsch')).toThrow(KeyError);
    expect(() => open(file, undefined)).toThrow(KeyError);
  });

  it('with an empty password', () => {
    expect(open(write(''), '').certificates).toHaveLength(3);
    expect(open(write(''), undefined).certificates).toHaveLength(3);
  });
});
