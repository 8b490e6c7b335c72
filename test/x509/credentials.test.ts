/** Own certificates, keys and trust as files have them: what is taken, what is told, and what is watched. */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNode, type Logger, type Node, systemClock } from '@actor-tls/runtime';
import { createCa, type IssuedCertificate } from '@actor-tls/ssl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../packages/ssl/src/options/config.js';
import { parseServerOptions } from '../../packages/ssl/src/options/parse.js';
import type { TlsServerOptions } from '../../packages/ssl/src/options/raw.js';
import { settingsOf } from '../../packages/ssl/src/processes/environment.js';
import { type Credentials, credentialsFrom } from '../../packages/ssl/src/processes/material/credentials.js';
import { sweepPemCache } from '../../packages/ssl/src/processes/material/pem-cache.js';
import {
  openPemSource,
  type PemFiles,
  pemCacheName,
} from '../../packages/ssl/src/processes/material/pem-source.js';
import { systemTrust } from '../../packages/ssl/src/processes/material/system-trust.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { nobleEngine } from '../../packages/ssl/src/values/crypto/noble/engine.js';
import { formatError } from '../../packages/ssl/src/values/format-error.js';
import { SslError } from '../../packages/ssl/src/values/ssl-error.js';
import type { Result, SslReason } from '../../packages/ssl/src/values/terms.js';
import { Certificate } from '../../packages/ssl/src/values/x509/certificate.js';
import { decodePem } from '../../packages/ssl/src/values/x509/pem.js';
import { privateKeyInfoFromPem } from '../../packages/ssl/src/values/x509/private-key.js';
import { stillHeld } from '../support/collected.js';

const day = 86_400_000;
const now = Date.UTC(2026, 0, 1);
const ca = createCa({
  subject: 'credentials',
  notBefore: new Date(now - 400 * day),
  notAfter: new Date(now + 900 * day),
});
const issue = (subject: string, from = now - day, until = now + 365 * day): IssuedCertificate =>
  ca.issue({ subject, notBefore: new Date(from), notAfter: new Date(until) });
const [one, two] = [issue('one'), issue('two')];

let directory: string;
let node: Node;
let files: PemFiles;
let load: (options: TlsServerOptions) => Promise<Result<Credentials>>;
const lines: { readonly level: string; readonly text: string; readonly fields: object }[] = [];
const log = (level: string) => (fields: object, text: string) => void lines.push({ level, fields, text });
const logger: Logger = { error: log('error'), warn: log('warn'), info: log('info'), debug: log('debug') };
const told = (level: string): readonly string[] =>
  lines.filter((line) => line.level === level).map(({ text }) => text);
const path = (name: string): string => join(directory, name);

/** A name changes its content at once, and its time of change for certain. */
let changes = 0;
function write(name: string, content: string | Uint8Array): void {
  writeFileSync(path('new'), content);
  changes += 1;
  utimesSync(path('new'), new Date(), new Date(now + changes * 1000));
  renameSync(path('new'), path(name));
}

async function open(mode: 'keep' | 'bypass'): Promise<void> {
  files = openPemSource(node);
  const settings = { ...settingsOf(node), bypassPemCache: mode === 'bypass' };
  await files.start(node.shell(), settings, { name: pemCacheName });
  const configs = new Map<string, Config>();
  const credentials = credentialsFrom(files, {
    engine: defaultEngine,
    logger,
    clock: systemClock,
    wallClock: () => now,
  });
  load = async (options) => {
    const key = JSON.stringify(options);
    const config = configs.get(key) ?? configOf(options);
    configs.set(key, config);
    return credentials(config);
  };
}

function configOf(options: TlsServerOptions): Config {
  const parsed = parseServerOptions(options, { engine: defaultEngine });
  if ('error' in parsed) throw new Error(JSON.stringify(parsed.error));
  return parsed.ok;
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'credentials-'));
  lines.length = 0;
  node = createNode({ logger });
  await open('keep');
});
afterEach(() => {
  node.stop();
  rmSync(directory, { recursive: true });
});

const pair = (): TlsServerOptions => ({ certfile: path('cert.pem'), keyfile: path('key.pem') });
function put({ certPem, keyPem }: IssuedCertificate): void {
  write('cert.pem', certPem);
  write('key.pem', keyPem);
}
function remove(): void {
  rmSync(path('cert.pem'));
  rmSync(path('key.pem'));
}
async function serving(): Promise<string | undefined> {
  const loaded = await load(pair());
  if ('error' in loaded) return JSON.stringify(loaded.error);
  const own = loaded.ok.identities[0]?.chain[0];
  return own === undefined ? 'none' : new Certificate(own).subject.toString();
}
const sweep = (): Promise<void> => sweepPemCache(node, pemCacheName);

describe('files that were gone and are there again', () => {
  it('are seen after two looks of the cache', async () => {
    put(one);
    const first = await serving();
    remove();
    await sweep();
    await sweep();
    expect(await serving()).toBe(first);
    put(two);
    const second = await serving();
    expect(second).not.toBe(first);
    put(one);
    await sweep();
    expect(await serving()).toBe(first);
  });

  it('are seen when the cache was cleared while they were gone', async () => {
    put(one);
    const first = await serving();
    remove();
    await files.clear();
    for (let i = 0; i < 3; i += 1) expect(await serving()).toBe(first);
    put(two);
    expect(await serving()).not.toBe(first);
    expect(told('warn')).toEqual(['changed certificate, key or CA file refused, the old ones stay']);
  });

  it('are seen without a cache', async () => {
    node.stop();
    node = createNode({ logger });
    await open('bypass');
    put(one);
    const first = await serving();
    remove();
    expect(await serving()).toBe(first);
    put(two);
    expect(await serving()).not.toBe(first);
  });

  it('one of two that do not belong together is not the end either', async () => {
    put(one);
    const first = await serving();
    write('cert.pem', two.certPem);
    await sweep();
    expect(await serving()).toBe(first);
    write('key.pem', two.keyPem);
    await sweep();
    expect(await serving()).not.toBe(first);
  });
});

describe('what the log says of own certificates', () => {
  it('a rotation is told at info, with certificate and dates', async () => {
    put(one);
    await serving();
    expect(told('info')).toEqual([]);
    put(two);
    await sweep();
    await serving();
    expect(told('info')).toEqual([
      'changed PEM file read',
      'changed PEM file read',
      'changed certificate and key files are in force',
    ]);
    expect(lines.at(-1)?.fields).toMatchObject({
      role: 'server',
      subject: 'CN=two',
      notAfter: '2027-01-01T00:00:00.000Z',
    });
    expect(told('warn')).toEqual([]);
  });

  it.each([
    ['has expired', now - 300 * day, now - day],
    ['expires soon', now - 300 * day, now + 13 * day],
    ['expires soon', now - 0.95 * day, now + 0.05 * day],
    ['is not valid yet', now + day, now + 300 * day],
  ])('one that %s is told at warning', async (what, from, until) => {
    put(one);
    await serving();
    put(issue('three', from, until));
    await sweep();
    await serving();
    expect(told('warn')).toEqual([`own certificate ${what}`]);
  });

  it('one of a day is not old in its first hours', async () => {
    put(issue('short', now - day / 2, now + day / 2));
    await serving();
    expect(told('warn')).toEqual([]);
  });
});

describe('a trust store that the environment names', () => {
  const certificates = (subject: string): string => createCa({ subject }).certPem;
  const trust = (environment: Readonly<Record<string, string>>) =>
    systemTrust({ environment, read: (file) => files.read(file) });

  it('is all that is trusted, of SSL_CERT_FILE and SSL_CERT_DIR together', async () => {
    write('bundle', certificates('a') + certificates('b'));
    const inside = mkdtempSync(path('dir-'));
    writeFileSync(join(inside, 'c.pem'), certificates('c'));
    writeFileSync(join(inside, 'README'), 'no certificate');
    writeFileSync(join(inside, '00000000.0'), readFileSync(join(inside, 'c.pem')));
    expect(await trust({ SSL_CERT_FILE: path('bundle') })).toMatchObject({ ok: { length: 2 } });
    expect(await trust({ SSL_CERT_DIR: inside })).toMatchObject({ ok: { length: 1 } });
    const both = { SSL_CERT_FILE: path('bundle'), SSL_CERT_DIR: inside };
    expect(await trust(both)).toMatchObject({ ok: { length: 3 } });
  });

  it('and cannot be read is told, and nobody is trusted in its place', async () => {
    write('empty', '');
    const missing = path('missing');
    const enoent = { error: { path: missing, reason: 'enoent' } };
    expect(await trust({ SSL_CERT_FILE: missing })).toEqual(enoent);
    expect(await trust({ SSL_CERT_DIR: missing })).toEqual(enoent);
    expect(await trust({ SSL_CERT_FILE: path('empty') })).toEqual({
      error: { path: path('empty'), reason: { bad_pem: 'the file is empty' } },
    });
    const nothing = mkdtempSync(path('dir-'));
    expect(await trust({ SSL_CERT_DIR: nothing })).toEqual({ error: { path: nothing, reason: [] } });
    const read = async (file: string) => ({ error: file.endsWith('shut.pem') ? 'eacces' : 'eisdir' });
    const list = async () => ['java', 'shut.pem'];
    expect(await systemTrust({ environment: { SSL_CERT_DIR: '/certs' }, read, list })).toEqual({
      error: { path: '/certs/shut.pem', reason: 'eacces' },
    });
    write('good', certificates('a'));
    expect(await trust({ SSL_CERT_FILE: path('good'), SSL_CERT_DIR: missing })).toEqual(enoent);
    const before = process.env['SSL_CERT_FILE'];
    process.env['SSL_CERT_FILE'] = missing;
    try {
      const wanted = { error: { options: { cacertfile: [missing, { error: 'enoent' }] } } };
      expect(await load({ cert: one.cert, key: { PrivateKeyInfo: one.key }, cacerts: 'system' })).toEqual(
        wanted,
      );
    } finally {
      if (before === undefined) Reflect.deleteProperty(process.env, 'SSL_CERT_FILE');
      else process.env['SSL_CERT_FILE'] = before;
    }
  });

  it('a bundle of the distribution that is there and cannot be read is told too', async () => {
    const error = 'eacces';
    const read = async (file: string) => ({ error: file.startsWith('/etc/ssl/certs/') ? 'enoent' : error });
    expect(await systemTrust({ environment: {}, read })).toMatchObject({ error: { reason: error } });
    const without = await systemTrust({ environment: {}, read: async () => ({ error: 'enoent' }) });
    expect(without).toHaveProperty('ok');
  });
});

describe('own keys and certificates in odd forms', () => {
  const cases = fileURLToPath(new URL('../data/cases/', import.meta.url));
  const text = (name: string): string => readFileSync(join(cases, name), 'utf8');
  const infoOf = (pem: string): Buffer => Buffer.from(privateKeyInfoFromPem(pem, undefined));

  it.each(['ec-explicit.pem', 'ec-named.pem', 'pkcs8-labelled-ec.pem'])(
    '%s fits its certificate',
    async (name) => {
      const options = { certfile: join(cases, 'ec-cert.pem'), keyfile: join(cases, name) };
      expect(await load(options)).toMatchObject({ ok: { identities: [{ key: { curve: 'secp256r1' } }] } });
      for (const engine of [defaultEngine, nobleEngine])
        expect(engine.importPrivateKey(infoOf(text(name)))?.curve).toBe('secp256r1');
    },
  );

  const publicHalf = (key: Buffer): unknown =>
    createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' })).export({
      format: 'der',
      type: 'spki',
    });
  const openssl = (...args: readonly string[]): string =>
    execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });
  it.each([
    ['prime256v1', 'uncompressed'],
    ['prime256v1', 'compressed'],
    ['secp384r1', 'compressed'],
    ['secp521r1', 'uncompressed'],
    ['secp521r1', 'compressed'],
    ['secp224r1', 'uncompressed'],
    ['secp256k1', 'compressed'],
    ['brainpoolP256r1', 'compressed'],
    ['brainpoolP384r1', 'uncompressed'],
    ['brainpoolP512r1', 'compressed'],
  ])('%s written out, %s, is the curve of that name', (curve, form) => {
    const named = openssl('ecparam', '-name', curve, '-genkey', '-noout');
    write('named', named);
    const flags = ['-in', path('named'), '-param_enc', 'explicit', '-conv_form', form];
    const sec1 = openssl('ec', ...flags);
    write('sec1', sec1);
    const pkcs8 = openssl('pkey', '-in', path('sec1'));
    expect(sec1.length).toBeGreaterThan(named.length);
    const wanted = infoOf(openssl('pkey', '-in', path('named')));
    for (const written of [sec1, pkcs8]) {
      const info = infoOf(written);
      expect(publicHalf(info)).toEqual(publicHalf(wanted));
      expect(defaultEngine.importPrivateKey(info)?.curve).toBe(defaultEngine.importPrivateKey(wanted)?.curve);
    }
  });

  it('parameters that differ from a curve of that name by a digit are not taken for it', () => {
    const der = decodePem(text('ec-explicit.pem'))[0]?.der ?? new Uint8Array();
    const changed = Buffer.from(
      Buffer.from(der).toString('hex').replace('5ac635d8aa3a93e7', '5ac635d8aa3a93e8'),
      'hex',
    );
    const pem = `-----BEGIN EC PRIVATE KEY-----\n${changed.toString('base64')}\n-----END EC PRIVATE KEY-----\n`;
    const p256 = '2a8648ce3d030107';
    expect(infoOf(text('ec-explicit.pem')).toString('hex')).toContain(p256);
    expect(infoOf(pem).toString('hex')).not.toContain(p256);
  });

  it('every form of key is read under every label of keys', () => {
    const rsa = openssl('genrsa', '-traditional', '2048');
    write('rsa', rsa);
    const forms = [
      rsa,
      openssl('pkey', '-in', path('rsa')),
      text('ec-named.pem'),
      text('pkcs8-labelled-ec.pem'),
    ];
    for (const pem of forms)
      for (const label of ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'])
        expect(infoOf(pem.replaceAll(/(BEGIN|END) [A-Z ]*PRIVATE KEY/g, `$1 ${label}`))).toEqual(infoOf(pem));
  });

  it('an intermediate before the own certificate goes behind it, and is told', async () => {
    const upper = ca.intermediate({ subject: 'upper' });
    const lower = upper.intermediate({ subject: 'lower' });
    const leaf = lower.issue({
      subject: 'leaf',
      notBefore: new Date(now - day),
      notAfter: new Date(now + 365 * day),
    });
    write('chain.pem', upper.certPem + lower.certPem + leaf.certPem);
    write('key.pem', leaf.keyPem);
    const loaded = await load({ certfile: path('chain.pem'), keyfile: path('key.pem') });
    if ('error' in loaded) throw new Error(JSON.stringify(loaded.error));
    const chain = loaded.ok.identities[0]?.chain.map((der) => Buffer.from(der));
    expect(chain).toEqual([leaf, lower, upper].map(({ cert }) => Buffer.from(cert)));
    expect(told('warn')).toEqual([
      'the own certificate is not the first in its chain: it is sent first all the same',
    ]);
  });

  it('CA certificates with conditions are left out and told, those without are taken', async () => {
    write('plain', ca.certPem);
    const trusted = (...args: readonly string[]): string =>
      openssl('x509', '-in', path('plain'), '-trustout', ...args);
    write('ca.pem', ca.certPem + trusted('-addtrust', 'clientAuth'));
    put(one);
    expect(await load({ ...pair(), cacertfile: path('ca.pem') })).toMatchObject({
      ok: { trust: { certificates: { length: 1 } } },
    });
    expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { file: path('ca.pem'), count: 1 }, text: expect.stringContaining('TRUSTED CERTIFICATE') },
    ]);
    const cacerts = ca.certPem + trusted('-addreject', 'serverAuth');
    expect(parseServerOptions({ cacerts }, { engine: defaultEngine })).toHaveProperty('error');
  });

  it('a PKCS#12 file without a MAC is taken with a warning', async () => {
    put(one);
    const args = [
      '-export',
      '-nomac',
      '-passout',
      'pass:x',
      '-in',
      path('cert.pem'),
      '-inkey',
      path('key.pem'),
    ];
    write('pair.p12', execFileSync('openssl', ['pkcs12', ...args]));
    expect(await load({ certfile: path('pair.p12'), password: 'x' })).toMatchObject({
      ok: { identities: { length: 1 } },
    });
    expect(told('warn')).toEqual([expect.stringContaining('PKCS#12 file without a MAC')]);
  });

  it('a file of another kind is told as what it is', async () => {
    put(one);
    const convert = (...args: readonly string[]): Buffer => execFileSync('openssl', args);
    write('p7b.pem', convert('crl2pkcs7', '-nocrl', '-certfile', path('cert.pem')));
    write('p7b.der', convert('crl2pkcs7', '-nocrl', '-certfile', path('cert.pem'), '-outform', 'der'));
    write('cert.der', one.cert);
    write('key.der', one.key);
    write('utf16.pem', Buffer.from(`\ufeff${one.certPem}`, 'utf16le'));
    write('joined.pem', one.certPem.trimEnd() + one.certPem);
    write('openssh', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n');
    const keyfile = path('key.pem');
    const why = async (options: TlsServerOptions): Promise<string> => JSON.stringify(await load(options));
    expect(await why({ certfile: path('p7b.pem'), keyfile })).toContain('the file holds a PKCS#7 file (p7b)');
    expect(await why({ certfile: path('p7b.der'), keyfile })).toContain(
      'no PEM but DER: a PKCS#7 file (p7b)',
    );
    expect(await why({ certfile: keyfile, keyfile })).toContain(
      'the file holds a private key and no certificate',
    );
    expect(await why({ certfile: path('cert.pem') })).toContain(
      'the file holds a certificate and no private key',
    );
    expect(await why({ certfile: path('cert.der'), keyfile })).toContain('no PEM but DER: a certificate');
    expect(await why({ certfile: path('key.der'), keyfile })).toContain('no PEM but DER: a private key');
    expect(await why({ certfile: path('utf16.pem'), keyfile })).toContain('UTF-16');
    expect(await why({ certfile: path('joined.pem'), keyfile })).toContain('END and BEGIN on one line');
    expect(await why({ certfile: path('openssh'), keyfile })).toContain('OPENSSH PRIVATE KEY');
  });
});

describe('what is wrong with a file', () => {
  const reasonOf = async (options: TlsServerOptions): Promise<SslReason> => {
    const loaded = await load(options);
    if ('ok' in loaded) throw new Error('nothing is wrong');
    return loaded.error;
  };

  it.each(['key.pem', 'cert.pem'])('is told in the words of its term: %s for both', async (file) => {
    put(one);
    const reason = await reasonOf({ certfile: path(file), keyfile: path(file) });
    expect(formatError(reason)).toMatch(new RegExp(`${file}: the file holds a `));
    expect(new SslError(reason).cause).toMatchObject({ rule: 'unusable_material', by: 'self' });
  });

  it('is told when one word says it, as of a function for the password that throws', async () => {
    put(one);
    const out = ['-passout', 'pass:sesame'];
    write('key.pem', execFileSync('openssl', ['pkey', '-in', path('key.pem'), '-aes128', ...out]));
    const password = (): string => {
      throw new Error('forgotten');
    };
    expect(formatError(await reasonOf({ ...pair(), password }))).toMatch(/key\.pem: forgotten$/);
  });
});

describe('passwords', () => {
  it('are let go with their config, while the file that they opened stays in the cache', async () => {
    put(one);
    const out = ['-passout', 'pass:sesame'];
    write('key.pem', execFileSync('openssl', ['pkey', '-in', path('key.pem'), '-aes128', ...out]));
    const args = [
      '-export',
      ...out,
      '-passin',
      'pass:sesame',
      '-in',
      path('cert.pem'),
      '-inkey',
      path('key.pem'),
    ];
    write('pair.p12', execFileSync('openssl', ['pkcs12', ...args]));
    const passwords: [string, WeakRef<object>][] = [];
    const credentials = credentialsFrom(files, {
      engine: defaultEngine,
      logger,
      clock: systemClock,
      wallClock: () => now,
    });
    const use = async (options: TlsServerOptions): Promise<void> => {
      const config = configOf({ ...options, password: Buffer.from('sesame') });
      if (!(config.identity.password instanceof Uint8Array)) throw new Error('no password');
      passwords.push([Object.keys(options).join(), new WeakRef(config.identity.password)]);
      expect(await credentials(config)).toHaveProperty('ok');
    };
    for (const options of [pair(), { certfile: path('pair.p12') }]) await use(options);
    expect(passwords).toHaveLength(2);
    expect(await stillHeld(passwords)).toEqual([]);
  });
});
