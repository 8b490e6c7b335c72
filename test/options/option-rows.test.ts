/**
 * Every option: valid values and what they become, the edges, the wrong types, the other side, and what it cannot
 * stand beside. A row without its cases fails the suite.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createCa } from '@actor-tls/ssl/testing';
import { describe, expect, it } from 'vitest';
import {
  type ParseContext,
  parseClientOptions,
  parseServerOptions,
} from '../../packages/ssl/src/options/parse.js';
import { optionRows } from '../../packages/ssl/src/options/rows.js';
import { emulatedRows, transportRows } from '../../packages/ssl/src/options/socket-options.js';
import type { EngineSupport, SuiteMap } from '../../packages/ssl/src/values/cipher-suites.js';
import { nobleEngine } from '../../packages/ssl/src/values/crypto/noble/engine.js';
import { nodeEngine } from '../../packages/ssl/src/values/crypto/node/engine.js';
import { routeEngines } from '../../packages/ssl/src/values/crypto/router.js';
import { notation } from '../../packages/ssl/src/values/notation.js';
import type { Tls13GroupName } from '../../packages/ssl/src/values/registry/groups.js';
import { suiteByName } from '../../packages/ssl/src/values/registry/suites.js';
import { Secret } from '../../packages/ssl/src/values/secret.js';
import { Tag } from '../../packages/ssl/src/values/x509/der.js';
import { encodeElement } from '../../packages/ssl/src/values/x509/der-writer.js';
import { someDer } from './erlang-options.js';
import { emptyEngine, engineWithoutRsa, fakeEngine } from './fake-engine.js';

type Raw = Readonly<Record<string, unknown>>;
type Side = 'client' | 'server';

interface RowCases {
  readonly side?: Side;
  /** Given and what the config says then. */
  readonly valid: readonly (readonly [given: unknown, parsed: unknown])[];
  /** Just right and just wrong; an option without a scale has none. */
  readonly edges?: { readonly in: readonly unknown[]; readonly out: readonly unknown[] };
  /** Refused with `{ options: { [name]: value } }`, or the given term. */
  readonly wrong: readonly unknown[];
  readonly wrongTerm?: (value: unknown) => unknown;
  /** Options that cannot stand together, and the term. */
  readonly conflicts?: readonly (readonly [options: Raw, error: unknown])[];
  /** Options that make the values acceptable. */
  readonly beside?: Raw;
  /** What it needs the other side does not have: there it is refused, whatever its value. */
  readonly impossibleElsewhere?: true;
}

const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(0x61);
const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(someDer).toString('base64')}\n-----END CERTIFICATE-----\n`;
const keyPem = '-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const fun = (): { valid: undefined } => ({ valid: undefined });
const responder = createCa().cert;
const remote = { algorithm: 'ec', sign: () => bytes(1) };
const cacheApi = { lookup: () => 'not_available', select: () => [], freshCrl: () => [] };
const suite = (name: string) => suiteByName(name);
const hybrids = ['x25519mlkem768', 'secp256r1mlkem768', 'secp384r1mlkem1024'];
const gcm128 = suite('TLS_AES_128_GCM_SHA256');
const chacha = suite('TLS_CHACHA20_POLY1305_SHA256');

const lookup = (): 'error' => 'error';
/** `{Value, What}`: what stands for an atom is the tag. */
const asTuple = (value: unknown, what: unknown): unknown =>
  typeof value === 'string' || typeof value === 'boolean' ? { [String(value)]: what } : [value, what];

/** A number as a DER INTEGER. */
const integer = (value: bigint): Uint8Array => {
  const digits = value.toString(16);
  const even = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return encodeElement(Tag.integer, (even[0] ?? 0) < 0x80 ? even : Buffer.concat([Uint8Array.of(0), even]));
};
/** A DHParameter (PKCS #3 §9) whose prime has so many bits, and is none. */
const dhParameter = (bits: bigint, last = 1n, generator = 2n): Uint8Array =>
  encodeElement(Tag.sequence, integer((1n << (bits - 1n)) | last), integer(generator));
const dhPrime = Uint8Array.from([0x80, ...new Uint8Array(126), 1]);
const dhGroup = {
  der: dhParameter(1024n),
  params: { prime: dhPrime, generator: Uint8Array.of(2) },
};

const files: Pick<RowCases, 'valid' | 'wrong'> = {
  valid: [
    ['a.pem', 'a.pem'],
    [new TextEncoder().encode('/ä.pem'), '/ä.pem'],
  ],
  wrong: [1, true, [], {}, 'a\0b', new Uint8Array(0)],
};
const keyLogFun = (): void => {};
const flags: Pick<RowCases, 'valid' | 'wrong'> = {
  valid: [
    [true, true],
    [false, false],
  ],
  wrong: [1, 0, 'true', [], {}, null],
};

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const names = (...values: readonly string[]): readonly Uint8Array[] => values.map(text);
const olderVersions = ['tlsv1', 'tlsv1.1', 'tlsv1.2'];

const ticketKeyStore = { read: () => undefined, replace: () => undefined };
const replayStore = { claim: () => undefined };

const cases: Readonly<Record<string, RowCases>> = {
  protocol: {
    valid: [['tls', 'tls']],
    wrong: ['TLS', 1, ['tls']],
    conflicts: [[{ protocol: 'dtls', versions: ['tlsv1.3'] }, { options: { versions: ['tlsv1.3'] } }]],
  },
  versions: {
    valid: [
      [['tlsv1.3'], ['tlsv1.3']],
      [['tlsv1.2'], ['tlsv1.2']],
      [
        ['tlsv1.2', 'tlsv1.3'],
        ['tlsv1.3', 'tlsv1.2'],
      ],
    ],
    wrong: [[], 'tlsv1.3', 1, {}, ['dtlsv1.2']],
    conflicts: [
      [
        { versions: ['tlsv1.3', 'tlsv1.3'] },
        { options: ['missing_version', { 'tlsv1.2': { versions: ['tlsv1.3', 'tlsv1.3'] } }] },
      ],
      [
        { versions: ['tlsv1.3', 'tlsv1.1'] },
        { options: ['missing_version', { 'tlsv1.2': { versions: ['tlsv1.3', 'tlsv1.1'] } }] },
      ],
      [{ versions: ['tlsv1.4'] }, { options: { 'tlsv1.4': { versions: ['tlsv1.4'] } } }],
      [{ versions: [3] }, { options: [3, { versions: [3] }] }],
      [
        { versions: ['tlsv1.3', 'dtlsv1.2'] },
        { options: { 'dtlsv1.2': { versions: ['tlsv1.3', 'dtlsv1.2'] } } },
      ],
      [{ protocol: 'dtls', versions: ['dtlsv1'], depth: -1 }, { options: { depth: -1 } }],
    ],
  },
  cert: {
    valid: [
      [someDer, [someDer]],
      [
        [someDer, someDer],
        [someDer, someDer],
      ],
      [pem + pem, [someDer, someDer]],
    ],
    wrong: [[], 'no pem', new Uint8Array(0), bytes(5), [someDer, bytes(5)], 1, {}, null],
  },
  certfile: { ...files, valid: [...files.valid, ['', undefined]] },
  key: {
    valid: [
      [{ ECPrivateKey: someDer }, { type: 'der', format: 'ECPrivateKey', der: someDer }],
      [['PrivateKeyInfo', someDer], { type: 'der', format: 'PrivateKeyInfo', der: someDer }],
      [{ rsa: someDer }, { type: 'der', format: 'RSAPrivateKey', der: someDer }],
      [keyPem, { type: 'pem', pem: keyPem }],
      [
        privateKey,
        { type: 'der', format: 'PrivateKeyInfo', der: privateKey.export({ format: 'der', type: 'pkcs8' }) },
      ],
      [{ PFX: someDer }, { type: 'pfx', der: someDer }],
      [remote, { type: 'remote', key: remote }],
      [
        { ...remote, spki: someDer },
        { type: 'remote', key: { ...remote, spki: someDer } },
      ],
    ],
    wrong: [
      'no pem',
      pem,
      someDer,
      { nosuch: someDer },
      { ECPrivateKey: bytes(4) },
      { ECPrivateKey: someDer, RSAPrivateKey: someDer },
      ['ECPrivateKey'],
      {},
      null,
      1,
      publicKey,
      { toString: someDer },
      { PFX: bytes(4) },
      { algorithm: 'nosuch', sign: fun },
      { algorithm: 'ec', sign: 1 },
      { ...remote, spki: 'x' },
    ],
  },
  keyfile: { ...files, wrong: [...files.wrong, ''] },
  password: {
    valid: [
      ['secret', 'secret'],
      ['', ''],
      [bytes(3), bytes(3)],
      [fun, fun],
    ],
    wrong: [1, (_a: unknown) => '', [], {}, null],
  },
  certsKeys: {
    valid: [
      [
        [
          { cert: someDer, key: { ECPrivateKey: someDer } },
          { certfile: 'a.pem', password: 'x' },
        ],
        [
          {
            cert: [someDer],
            certfile: undefined,
            key: { type: 'der', format: 'ECPrivateKey', der: someDer },
            keyfile: undefined,
            password: undefined,
            ocspResponse: undefined,
          },
          {
            cert: undefined,
            certfile: 'a.pem',
            key: undefined,
            keyfile: 'a.pem',
            password: 'x',
            ocspResponse: undefined,
          },
        ],
      ],
      [
        [{ key: { PFX: someDer }, ocspResponse: someDer }],
        [
          {
            cert: undefined,
            certfile: undefined,
            key: { type: 'pfx', der: someDer },
            keyfile: undefined,
            password: undefined,
            ocspResponse: someDer,
          },
        ],
      ],
      [[], []],
    ],
    wrong: [
      'x',
      { certfile: 'a.pem' },
      ['x'],
      [{}],
      [{ key: { ECPrivateKey: someDer } }],
      [{ certfile: 1 }],
      [{ certfile: 'a.pem', password: 1 }],
      [{ certfile: 'a.pem', ocspResponse: 'x' }],
      [{ certfile: 'a.pem', verify: 'verify_none' }],
      [{ certfile: 'a.pem' }, { cert: bytes(4) }],
    ],
  },
  verify: {
    valid: [
      ['verify_peer', 'verify_peer'],
      ['verify_none', 'verify_none'],
    ],
    wrong: ['peer', true, 1, []],
    beside: { cacerts: [someDer] },
    conflicts: [
      [
        { verify: 'verify_none', failIfNoPeerCert: true },
        { options: ['incompatible', { verify: 'verify_none' }, { failIfNoPeerCert: true }] },
      ],
    ],
  },
  ocspResponse: {
    side: 'server',
    valid: [
      [someDer, someDer],
      [fun, fun],
    ],
    wrong: ['x', bytes(4), 1, {}, [someDer], null],
  },
  logAlert: { ...flags },
  crlCheck: {
    valid: [
      [true, true],
      [false, false],
      ['peer', 'peer'],
      ['best_effort', 'best_effort'],
    ],
    wrong: ['maybe', 1, null, [], {}],
  },
  crlCache: {
    valid: [
      [{ api: 'ssl_crl_cache' }, { cache: 'internal', http: undefined }],
      [
        { api: 'ssl_crl_cache', db: { http: 500 } },
        { cache: 'internal', http: 500 },
      ],
      [['ssl_crl_cache', ['internal', [{ http: 500 }]]], { cache: 'internal', http: 500 }],
      [['ssl_crl_cache', ['internal', []]], { cache: 'internal', http: undefined }],
      [['ssl_crl_cache', { handle: 'internal', args: [{ http: 5 }] }], { cache: 'internal', http: 5 }],
      [
        { api: 'ssl_crl_hash_dir', db: { dir: '/crls' } },
        { cache: 'hash_dir', dir: '/crls' },
      ],
      [{ ssl_crl_cache: { internal: [] } }, { cache: 'internal', http: undefined }],
      [{ ssl_crl_hash_dir: { internal: [{ dir: 'd' }] } }, { cache: 'hash_dir', dir: 'd' }],
      [['ssl_crl_hash_dir', ['internal', [{ dir: 'd' }]]], { cache: 'hash_dir', dir: 'd' }],
      [
        { api: cacheApi, db: 7 },
        { cache: 'own', api: cacheApi, db: 7 },
      ],
      [[cacheApi, ['handle', 'args']], { cache: 'own', api: cacheApi, db: ['handle', 'args'] }],
    ],
    edges: {
      in: [{ api: 'ssl_crl_cache', db: { http: 0 } }],
      out: [
        { api: 'ssl_crl_cache', db: { http: -1 } },
        { api: 'ssl_crl_cache', db: { http: 1.5 } },
      ],
    },
    wrong: [
      'x',
      1,
      {},
      [],
      ['ssl_crl_cache'],
      ['nosuch', ['internal', []]],
      { nosuch: { internal: [] } },
      { ssl_crl_cache: { elsewhere: [] } },
      { api: 'ssl_crl_cache', db: { htpt: 5 } },
      { api: 'ssl_crl_cache', db: 5 },
      { api: 'ssl_crl_cache', dbs: {} },
      { api: 'ssl_crl_hash_dir' },
      { api: 'ssl_crl_hash_dir', db: { dir: '' } },
      { api: { lookup: fun, select: fun } },
    ],
  },
  stapling: {
    valid: [
      ['staple', { ocspNonce: true, ocspResponderCerts: [] }],
      ['no_staple', undefined],
      [{}, { ocspNonce: true, ocspResponderCerts: [] }],
      [{ ocspNonce: false }, { ocspNonce: false, ocspResponderCerts: [] }],
      [{ ocspResponderCerts: [responder] }, { ocspNonce: true, ocspResponderCerts: [responder] }],
    ],
    wrong: [
      true,
      'x',
      1,
      null,
      [],
      { ocspNonce: 1 },
      { nonce: true },
      { ocspResponderCerts: [bytes(4)] },
      { ocspResponderCerts: [someDer] },
    ],
  },
  verifyFun: {
    valid: [
      [fun, { fun, state: undefined }],
      [[fun, 7], { fun, state: 7 }],
    ],
    wrong: [[fun], [fun, 1, 2], [1, fun], {}, 'x', null],
  },
  failIfNoPeerCert: {
    ...flags,
    side: 'server',
    beside: { verify: 'verify_peer', cacerts: [someDer] },
    conflicts: [
      [
        { failIfNoPeerCert: true },
        { options: ['incompatible', { verify: 'verify_none' }, { failIfNoPeerCert: true }] },
      ],
    ],
  },
  cacerts: {
    valid: [
      [[someDer], [someDer]],
      [
        [pem, someDer],
        [someDer, someDer],
      ],
      [pem, [someDer]],
      ['system', 'system'],
      ['bundled', 'bundled'],
    ],
    wrong: [someDer, 'no pem', [1], ['no pem'], {}, true],
    conflicts: [[{ cacerts: [], verify: 'verify_peer' }, { options: { cacertfile: '' } }]],
  },
  cacertfile: {
    ...files,
    wrong: [...files.wrong, ''],
    side: 'server',
    conflicts: [[{ verify: 'verify_peer' }, { options: { cacertfile: '' } }]],
  },
  partialChain: { valid: [[fun, fun]], wrong: ['unknown_ca', 1, [fun], {}, null] },
  customizeHostnameCheck: {
    side: 'client',
    valid: [
      [{ matchFun: fun }, { matchFun: fun }],
      [
        { fqdnFun: fun, failCallback: fun },
        { fqdnFun: fun, failCallback: fun },
      ],
      [{}, {}],
    ],
    wrong: [fun, 'x', [], [fun], { matchFun: 1 }, { match: fun }, null],
  },
  depth: {
    valid: [[3, 3]],
    edges: { in: [0, 255], out: [-1, 256, 1.5] },
    wrong: ['1', true, [], null, Number.NaN],
  },
  minKeySize: {
    valid: [[3072, 3072]],
    edges: { in: [1024, 16_384], out: [1023, 16_385, 2048.5] },
    wrong: ['2048', true, [], null, Number.NaN],
  },
  ciphers: {
    valid: [
      [['TLS_AES_128_GCM_SHA256'], [gcm128]],
      ['TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256', [chacha, gcm128]],
      [[{ keyExchange: 'any', cipher: 'aes_128_gcm', mac: 'aead', prf: 'sha256' }], [gcm128]],
      [
        [['any', 'aes_128_gcm', 'aead', 'sha256'], Uint8Array.of(0x13, 0x03)],
        [gcm128, chacha],
      ],
      // Doubles and suites in the clear go.
      [['TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256', 'PSK-NULL-SHA256'], [gcm128]],
    ],
    wrong: [
      [],
      '',
      'NOSUCH',
      ['TLS_AES_128_GCM_SHA256', 'NOSUCH'],
      [Uint8Array.of(0x13)],
      [{ cipher: 'aes_128_gcm' }],
      [['rsa']],
      1,
      {},
      [null],
    ],
    conflicts: [
      [{ ciphers: ['AES128-SHA'], versions: ['tlsv1.3'] }, { options: { ciphers: ['AES128-SHA'] } }],
    ],
  },
  supportedGroups: {
    valid: [
      [
        ['secp256r1', 'x25519'],
        ['secp256r1', 'x25519'],
      ],
      [
        ['nosuch', 'x25519', 'x25519', 'ffdhe2048'],
        ['x25519', 'ffdhe2048'],
      ],
      [
        ['x25519mlkem768', 'brainpoolP256r1tls13', 'brainpoolP256r1'],
        ['x25519mlkem768', 'brainpoolP256r1tls13'],
      ],
    ],
    wrong: [[], ['nosuch'], ['brainpoolP256r1'], ['secp224r1'], 'x25519', 1, {}],
    conflicts: [
      [
        { supportedGroups: ['x25519'], versions: ['tlsv1.2'] },
        { options: ['dependency', { supportedGroups: { versions: ['tlsv1.3'] } }] },
      ],
    ],
  },
  keyShares: {
    valid: [
      [0, []],
      [2, ['x25519mlkem768', 'secp256r1mlkem768']],
      [1000, [...hybrids, 'x25519', 'x448', 'secp256r1', 'secp384r1']],
      [[], []],
      // In the order of supportedGroups.
      [
        ['x25519', 'x25519mlkem768', 'x25519'],
        ['x25519mlkem768', 'x25519'],
      ],
    ],
    wrong: [-1, 1.5, Number.NaN, '1', 'x25519', null, {}, ['nosuch'], ['secp521r1'], ['x25519', 'ffdhe2048']],
    conflicts: [
      [
        { keyShares: 1, versions: ['tlsv1.2'] },
        { options: ['dependency', { keyShares: { versions: ['tlsv1.3'] } }] },
      ],
      [{ keyShares: ['x25519'], supportedGroups: ['x448'] }, { options: { keyShares: ['x25519'] } }],
    ],
  },
  eccs: {
    valid: [
      [
        ['secp256r1', 'x25519'],
        ['secp256r1', 'x25519'],
      ],
      [
        ['nosuch', 'secp521r1', 'secp521r1', 'sect571r1'],
        ['secp521r1', 'sect571r1'],
      ],
    ],
    wrong: [[], ['nosuch'], 'x25519', 1, {}],
  },
  signatureAlgs: {
    valid: [
      [
        ['rsa_pss_rsae_sha256', 'rsa_pkcs1_sha256'],
        ['rsa_pss_rsae_sha256', 'rsa_pkcs1_sha256'],
      ],
      [
        ['eddsa_ed25519', ['sha256', 'rsa'], { sha384: 'ecdsa' }, ['sha224', 'rsa']],
        ['eddsa_ed25519', 'rsa_pkcs1_sha256', 'ecdsa_secp384r1_sha384', 'rsa_pkcs1_sha224'],
      ],
    ],
    wrong: ['eddsa_ed25519', ['nosuch'], [['sha256', 'nosuch']], [1], {}, 1],
    conflicts: [
      [{ signatureAlgs: [] }, { options: ['no_supported_signature_schemes', { signatureAlgs: [] }] }],
      [
        { signatureAlgs: ['rsa_pkcs1_sha256'], versions: ['tlsv1.3'] },
        { options: ['no_supported_signature_schemes', { signatureAlgs: ['rsa_pkcs1_sha256'] }] },
      ],
      [
        { signatureAlgs: [], versions: ['tlsv1.2'] },
        { options: ['no_supported_algorithms', { signatureAlgs: [] }] },
      ],
    ],
  },
  signatureAlgsCert: {
    valid: [
      [
        ['rsa_pkcs1_sha256', ['sha', 'ecdsa']],
        ['rsa_pkcs1_sha256', 'ecdsa_sha1'],
      ],
    ],
    wrong: ['rsa_pkcs1_sha256', ['nosuch'], {}, 1],
    conflicts: [
      [{ signatureAlgsCert: [] }, { options: ['no_supported_signature_schemes', { signatureAlgsCert: [] }] }],
    ],
  },
  honorCipherOrder: { ...flags, side: 'server' },
  honorEccOrder: { ...flags, side: 'server' },
  maxFragmentLength: {
    side: 'client',
    valid: [512, 1024, 2048, 4096].map((length) => [length, length]),
    wrong: [0, 1, 511, 513, 8192, '512', true, [], {}, null],
  },
  recordSizeLimit: {
    valid: [[1000, 1000]],
    edges: { in: [64, 16_385], out: [63, 16_386, 64.5] },
    wrong: ['512', true, [], {}, null, Number.NaN],
    conflicts: [
      [
        { maxFragmentLength: 512, recordSizeLimit: 600 },
        { options: ['incompatible', { maxFragmentLength: 512 }, { recordSizeLimit: 600 }] },
      ],
    ],
  },
  certificateAuthorities: {
    ...flags,
    conflicts: [
      [
        { certificateAuthorities: true, versions: ['tlsv1.2'] },
        { options: ['dependency', { certificateAuthorities: { versions: ['tlsv1.3'] } }] },
      ],
    ],
  },
  cookie: {
    ...flags,
    side: 'server',
    conflicts: [
      [
        { cookie: true, versions: ['tlsv1.2'] },
        { options: ['dependency', { cookie: { versions: ['tlsv1.3'] } }] },
      ],
    ],
  },
  certificateCompression: {
    valid: [
      [['zlib', 'zstd', 'zlib'], { send: ['zlib', 'zstd'], receive: ['zlib', 'zstd'] }],
      [[], { send: [], receive: [] }],
      [{ receive: ['brotli'] }, { send: ['brotli', 'zlib'], receive: ['brotli'] }],
      [{ send: [] }, { send: [], receive: [] }],
      [{}, { send: ['brotli', 'zlib'], receive: [] }],
    ],
    wrong: [
      'zlib',
      true,
      1,
      null,
      ['gzip'],
      [1],
      { send: 'zlib' },
      { receive: ['gzip'] },
      { both: ['zlib'] },
    ],
    conflicts: [
      [
        { certificateCompression: ['zlib'], versions: ['tlsv1.2'] },
        { options: ['dependency', { certificateCompression: { versions: ['tlsv1.3'] } }] },
      ],
    ],
  },
  handshake: {
    valid: [
      ['full', 'full'],
      ['hello', 'hello'],
    ],
    wrong: [true, '', 'Hello', [], null],
  },
  sniHosts: {
    side: 'server',
    valid: [
      [{ 'A.Example': { certfile: 'a.pem' } }, new Map([['a.example', { certfile: 'a.pem' }]])],
      [{ 'bücher.example': {} }, new Map([['xn--bcher-kva.example', {}]])],
      [{}, new Map()],
      // What it inherits and cannot live with its versions is as good as absent.
      [{ a: { versions: ['tlsv1.2'] } }, new Map([['a', { versions: ['tlsv1.2'] }]])],
    ],
    wrong: [
      ...[1, true, [], [['a', {}]], 'x', new Map(), fun],
      ...[{ a: 1 }, { a: [] }, { a: undefined }, { a: fun }],
      // Names that no client can ask for, and the same one twice.
      ...[
        { '': {} },
        { 'a..b': {} },
        { '*.example': {} },
        { '192.0.2.1': {} },
        { '::1': {} },
        { A: {}, a: {} },
      ],
    ],
    conflicts: [
      [{ sniHosts: { a: {}, b: { verify: 'wrong' } } }, { options: { verify: 'wrong' } }],
      [{ sniHosts: { a: { no_such_option: 1 } } }, { options: { no_such_option: 1 } }],
      // Options of sockets are no host's.
      [{ sniHosts: { a: { active: false } } }, { options: { active: false } }],
      [{ sniHosts: { a: { reuseaddr: true } } }, { options: { reuseaddr: true } }],
      [{ sniHosts: { a: { sniHosts: { b: {} } } } }, { options: { sniHosts: { b: {} } } }],
      [{ sniHosts: { a: { sniFun: fun } } }, { options: { sniFun: fun } }],
      [
        {
          failIfNoPeerCert: true,
          verify: 'verify_peer',
          cacerts: [someDer],
          sniHosts: { a: { verify: 'verify_none' } },
        },
        { options: ['incompatible', { verify: 'verify_none' }, { failIfNoPeerCert: true }] },
      ],
    ],
  },
  sniFun: {
    side: 'server',
    valid: [[fun, fun]],
    wrong: [1, true, [], {}, 'x', null],
    conflicts: [
      [{ sniFun: fun, sniHosts: { a: {} } }, { conflict_options: ['sniFun', 'sniHosts'] }],
      [{ sniHosts: { a: {} }, sniFun: fun }, { conflict_options: ['sniFun', 'sniHosts'] }],
    ],
  },
  serverNameIndication: {
    side: 'client',
    valid: [
      ['a.example', 'a.example'],
      ['disable', 'disable'],
      ['bücher.example', 'bücher.example'],
      ['192.0.2.1', '192.0.2.1'],
      ['[fe80::1%eth0]', '[fe80::1%eth0]'],
    ],
    edges: {
      in: ['a', 'a'.repeat(63), `${'a.'.repeat(126)}a`],
      out: ['', 'a'.repeat(64), `${'a.'.repeat(126)}ab`],
    },
    wrong: [1, true, [], bytes(3), 'a b', 'a\0', 'a..b', '.a', 'a..', '*.a', 'a／b', '1.2.3.256', '[a]'],
  },
  alpnAdvertisedProtocols: {
    side: 'client',
    valid: [
      [
        [Uint8Array.of(0x68, 0x32), 'http/1.1'],
        [Uint8Array.of(0x68, 0x32), new TextEncoder().encode('http/1.1')],
      ],
      [[], undefined],
    ],
    edges: { in: [[bytes(1)], [bytes(255)]], out: [] },
    wrong: ['h2', bytes(2), 1, {}],
    conflicts: [
      [{ alpnAdvertisedProtocols: [''] }, { options: { alpnAdvertisedProtocols: { invalid_protocol: '' } } }],
      [
        { alpnAdvertisedProtocols: [bytes(256)] },
        { options: { alpnAdvertisedProtocols: { invalid_protocol: bytes(256) } } },
      ],
      [{ alpnAdvertisedProtocols: [7] }, { options: { alpnAdvertisedProtocols: { invalid_protocol: 7 } } }],
    ],
  },
  alpnPreferredProtocols: {
    side: 'server',
    valid: [[['h2'], [Uint8Array.of(0x68, 0x32)]]],
    // 256 names of 255 bytes are one byte more than the extension can hold.
    edges: {
      in: [Array.from({ length: 255 }, () => bytes(255))],
      out: [Array.from({ length: 257 }, () => bytes(255))],
    },
    wrong: ['h2', bytes(2), 1, {}],
    conflicts: [
      [{ alpnPreferredProtocols: [''] }, { options: { alpnPreferredProtocols: { invalid_protocol: '' } } }],
    ],
  },
  clientPreferredNextProtocols: {
    side: 'client',
    valid: [
      [
        { precedence: 'server', protocols: ['h2', bytes(255)], default: 'x' },
        { precedence: 'server', protocols: [text('h2'), bytes(255)], default: text('x') },
      ],
      [
        { precedence: 'client', protocols: [] },
        { precedence: 'client', protocols: [], default: undefined },
      ],
      // OTP's tuples.
      [{ client: ['a', 'b'] }, { precedence: 'client', protocols: names('a', 'b'), default: undefined }],
      [{ server: [] }, { precedence: 'server', protocols: [], default: undefined }],
      [
        { server: [['a', 'b'], 'c'] },
        { precedence: 'server', protocols: names('a', 'b'), default: text('c') },
      ],
      [{ client: [[], bytes(1)] }, { precedence: 'client', protocols: [], default: bytes(1) }],
    ],
    wrong: [
      ['client', true, 1, null, {}, ['a'], ['client', ['a']]],
      [{ client: 'a' }, { client: ['a'], server: ['a'] }, { client: [['a'], ''] }, { client: [['a'], 1] }],
      [
        { precedence: 'client' },
        { precedence: 'client', protocols: 'a' },
        { precedence: 'client', protocols: ['a'], default: bytes(256) },
        { precedence: 'client', protocols: ['a'], order: 1 },
      ],
    ].flat(),
    conflicts: [
      ...[{ neither: ['a'] }, { precedence: 'neither', protocols: ['a'] }].map(
        (value) =>
          [
            { clientPreferredNextProtocols: value },
            { options: { clientPreferredNextProtocols: { invalid_precedence: 'neither' } } },
          ] as const,
      ),
      // The names are looked at first.
      [
        { clientPreferredNextProtocols: { neither: [''] } },
        { options: { clientPreferredNextProtocols: { invalid_protocol: '' } } },
      ],
      [
        { clientPreferredNextProtocols: { client: ['a'] }, versions: ['tlsv1.3'] },
        { options: ['dependency', { clientPreferredNextProtocols: { versions: olderVersions } }] },
      ],
    ],
  },
  nextProtocolsAdvertised: {
    side: 'server',
    valid: [
      [
        ['h2', bytes(255)],
        [text('h2'), bytes(255)],
      ],
      [[], []],
    ],
    wrong: ['h2', bytes(2), 1, {}, null, Array.from({ length: 256 }, () => bytes(255))],
    conflicts: [
      [
        { nextProtocolsAdvertised: ['a', ''] },
        { options: { nextProtocolsAdvertised: { invalid_protocol: '' } } },
      ],
      [
        { nextProtocolsAdvertised: ['a'], versions: ['tlsv1.3'] },
        { options: ['dependency', { nextProtocolsAdvertised: { versions: olderVersions } }] },
      ],
    ],
  },
  maxHandshakeSize: {
    valid: [[1024, 1024]],
    edges: { in: [0, 8388607], out: [-1, 8388608] },
    wrong: ['1', 'infinity', 1.5, null],
  },
  dh: {
    side: 'server',
    valid: [[dhGroup.der, dhGroup.params]],
    wrong: [
      ...[new Uint8Array(0), someDer, 'text', 7, {}],
      // Too small, even, no generator, more behind it.
      ...[dhParameter(1023n), dhParameter(1024n, 0n), dhParameter(8193n), dhParameter(1024n, 1n, 1n)],
      Uint8Array.from([...dhGroup.der, 0]),
    ],
  },
  dhfile: { ...files, side: 'server' },
  srpIdentity: {
    side: 'client',
    valid: [
      [
        ['user', 'password'],
        {
          username: new TextEncoder().encode('user'),
          password: new Secret(new TextEncoder().encode('password')),
        },
      ],
    ],
    wrong: [
      ['user'],
      ['user', 'password', 'more'],
      [someDer, someDer],
      ['', 'password'],
      'user',
      { user: 1 },
    ],
    // Nothing of it is told.
    wrongTerm: (value) => ({ options: { srpIdentity: typeof value } }),
    conflicts: [
      [
        { srpIdentity: ['user', 'password'], versions: ['tlsv1.3'] },
        { options: ['dependency', { srpIdentity: { versions: ['tlsv1', 'tlsv1.1', 'tlsv1.2'] } }] },
      ],
    ],
  },
  secureRenegotiate: {
    ...flags,
    conflicts: [
      [
        { secureRenegotiate: true, versions: ['tlsv1.3'] },
        { options: ['dependency', { secureRenegotiate: { versions: ['tlsv1', 'tlsv1.1', 'tlsv1.2'] } }] },
      ],
    ],
  },
  clientRenegotiation: {
    ...flags,
    side: 'server',
    conflicts: [
      [
        { clientRenegotiation: true, versions: ['tlsv1.3'] },
        { options: ['dependency', { clientRenegotiation: { versions: ['tlsv1', 'tlsv1.1', 'tlsv1.2'] } }] },
      ],
    ],
  },
  renegotiateAt: {
    valid: [
      [5, 5],
      [0, 1],
      [-1, 1],
      [2 ** 28 + 1, 2 ** 28],
    ],
    edges: { in: [1, 2 ** 28], out: [] },
    wrong: [1.5, '1', null, 'infinity'],
  },
  renegotiateIdentity: {
    ...flags,
    conflicts: [
      [
        { renegotiateIdentity: true, versions: ['tlsv1.3'] },
        { options: ['dependency', { renegotiateIdentity: { versions: ['tlsv1', 'tlsv1.1', 'tlsv1.2'] } }] },
      ],
    ],
  },
  fallback: { ...flags, side: 'client' },
  paddingCheck: {
    valid: [],
    wrong: [],
    conflicts: [
      [
        { paddingCheck: false, versions: ['tlsv1.2'] },
        { options: ['dependency', { paddingCheck: { versions: ['tlsv1'] } }] },
      ],
      [{ paddingCheck: 0, versions: ['tlsv1'] }, { options: { paddingCheck: 0 } }],
    ],
  },
  beastMitigation: {
    valid: [],
    wrong: [],
    conflicts: [
      [
        { beastMitigation: 'zero_n' },
        { options: ['dependency', { beastMitigation: { versions: ['tlsv1'] } }] },
      ],
      [{ beastMitigation: 'some', versions: ['tlsv1'] }, { options: { beastMitigation: 'some' } }],
    ],
  },
  reuseSessions: {
    beside: { versions: ['tlsv1.2'] },
    valid: [
      [true, true],
      [false, false],
      ['save', 'save'],
    ],
    wrong: ['keep', 1, null],
    conflicts: [
      [
        { reuseSessions: false, versions: ['tlsv1.3'] },
        { options: ['dependency', { reuseSessions: { versions: ['tlsv1', 'tlsv1.1', 'tlsv1.2'] } }] },
      ],
    ],
  },
  reuseSession: {
    beside: { versions: ['tlsv1.2'] },
    valid: [
      [bytes(32), { kind: 'id', id: bytes(32) }],
      [
        { id: bytes(1), data: bytes(2) },
        { kind: 'data', id: bytes(1), data: bytes(2) },
      ],
      [[bytes(1), bytes(2)], { kind: 'data', id: bytes(1), data: bytes(2) }],
    ],
    wrong: ['id', true, 7, [bytes(1)], { id: bytes(1) }, { id: bytes(1), data: 'data' }],
    conflicts: [
      [
        { reuseSession: bytes(4), versions: ['tlsv1.3'] },
        { options: ['dependency', { reuseSession: { versions: ['tlsv1', 'tlsv1.1', 'tlsv1.2'] } }] },
      ],
    ],
  },
  olderSessionTickets: {
    beside: { versions: ['tlsv1.2'] },
    valid: [
      [true, true],
      [false, false],
    ],
    wrong: ['yes', 0, null],
    conflicts: [
      [
        { olderSessionTickets: false, versions: ['tlsv1.3'] },
        { options: ['dependency', { olderSessionTickets: { versions: ['tlsv1', 'tlsv1.1', 'tlsv1.2'] } }] },
      ],
    ],
  },
  keyUpdateAt: {
    valid: [[1000, 1000]],
    edges: { in: [1, Number.MAX_SAFE_INTEGER], out: [0, -1, 2 ** 53] },
    wrong: ['1', true, 1.5, 10n],
    conflicts: [
      [
        { keyUpdateAt: 5, versions: ['tlsv1.2'] },
        { options: ['dependency', { keyUpdateAt: { versions: ['tlsv1.3'] } }] },
      ],
      // OTP asks the versions first.
      [
        { keyUpdateAt: 0, versions: ['tlsv1.2'] },
        { options: ['dependency', { keyUpdateAt: { versions: ['tlsv1.3'] } }] },
      ],
    ],
  },
  sessionTickets: {
    valid: [
      ['disabled', 'disabled'],
      ['manual', 'manual'],
      ['auto', 'auto'],
    ],
    wrong: ['stateless', 'on', true, 1],
    wrongTerm: (value) => ({
      options: ['role', { sessionTickets: asTuple(value, { client: ['disabled', 'manual', 'auto'] }) }],
    }),
    conflicts: [
      [
        { sessionTickets: 'auto', versions: ['tlsv1.2'] },
        { options: ['dependency', { sessionTickets: { versions: ['tlsv1.3'] } }] },
      ],
    ],
  },
  antiReplay: {
    side: 'server',
    beside: { sessionTickets: 'stateless' },
    impossibleElsewhere: true,
    valid: [
      ['10k', { window: 10, hashes: 5, bits: 105_019 }],
      ['100k', { window: 10, hashes: 5, bits: 1_050_011 }],
      [[7, 3, 1000], { window: 7, hashes: 3, bits: 1000 }],
      [
        { windowSize: 7, hashFunctions: 3, bits: 1000 },
        { window: 7, hashes: 3, bits: 1000 },
      ],
    ],
    edges: {
      in: [
        [1, 1, 1],
        [604_800, 32, 2 ** 27],
      ],
      out: [
        [0, 1, 1],
        [604_801, 1, 1],
        [1, 0, 1],
        [1, 33, 1],
        [1, 1, 0],
        [1, 1, 2 ** 27 + 1],
      ],
    },
    wrong: ['1k', true, 10, [1, 2], [1, 2, 3, 4], {}, [1.5, 2, 3]],
    conflicts: [
      [
        { antiReplay: '10k', sessionTickets: 'stateful' },
        { options: ['dependency', { antiReplay: { sessionTickets: ['stateless'] } }] },
      ],
      [
        { antiReplay: '10k', versions: ['tlsv1.2'] },
        { options: ['dependency', { antiReplay: { versions: ['tlsv1.3'] } }] },
      ],
    ],
  },
  useTicket: {
    valid: [
      [[], []],
      [[bytes(5), 'x', 7], []],
    ],
    wrong: ['x', true, bytes(3)],
    conflicts: [
      [
        { useTicket: [], versions: ['tlsv1.2'] },
        { options: ['dependency', { useTicket: { versions: ['tlsv1.3'] } }] },
      ],
    ],
  },
  earlyData: {
    beside: { sessionTickets: 'auto' },
    valid: [[bytes(5), bytes(5)]],
    wrong: ['enabled', true, 1],
    wrongTerm: (value) => ({ options: ['type', { earlyData: asTuple(value, 'not_binary') }] }),
    conflicts: [
      [
        { earlyData: bytes(5) },
        { options: ['dependency', { earlyData: { sessionTickets: ['manual', 'auto'] } }] },
      ],
      [
        { earlyData: bytes(5), sessionTickets: 'manual', useTicket: [] },
        { options: ['dependency', { earlyData: 'useTicket' }] },
      ],
    ],
  },
  statelessTicketsSeed: {
    side: 'server',
    beside: { sessionTickets: 'stateless_with_cert' },
    impossibleElsewhere: true,
    valid: [[bytes(16), bytes(16)]],
    wrong: [bytes(15), 'a seed that is text', 7],
    // Nothing of it is told.
    wrongTerm: (value) => ({
      options: {
        statelessTicketsSeed: value instanceof Uint8Array ? { too_short: value.length } : typeof value,
      },
    }),
    conflicts: [
      [
        { statelessTicketsSeed: bytes(16), sessionTickets: 'stateful' },
        { options: ['dependency', { statelessTicketsSeed: { sessionTickets: ['stateless'] } }] },
      ],
    ],
  },
  ticketKeyLifetime: {
    side: 'server',
    valid: [[10, 10]],
    edges: { in: [1, 604_800], out: [0, 604_801] },
    wrong: ['10', 'infinity', 1.5, true],
    conflicts: [
      [
        { ticketKeyLifetime: 10, versions: ['tlsv1.2'] },
        { options: ['dependency', { ticketKeyLifetime: { versions: ['tlsv1.3'] } }] },
      ],
    ],
  },
  fleet: {
    side: 'server',
    beside: { sessionTickets: 'stateless', antiReplay: '10k' },
    valid: [
      [{}, {}],
      [{ ticketKeyStore }, { ticketKeyStore }],
      [
        { replayStore, clockTolerance: 0, storeDeadline: 1 },
        { replayStore, clockTolerance: 0, storeDeadline: 1 },
      ],
    ],
    wrong: [
      7,
      'redis',
      [ticketKeyStore],
      { ticketKeyStore: replayStore },
      { replayStore: ticketKeyStore },
      { clockTolerance: -1 },
      { clockTolerance: 3601 },
      { storeDeadline: 0 },
      { storeDeadline: 60_001 },
      { seed: bytes(32) },
    ],
    wrongTerm: (value) => ({
      options: {
        fleet:
          typeof value === 'object' && value !== null && !Array.isArray(value)
            ? Object.keys(value)[0]
            : typeof value,
      },
    }),
    conflicts: [
      [
        { fleet: { ticketKeyStore }, sessionTickets: 'stateful' },
        { options: ['dependency', { fleet: { sessionTickets: ['stateless'] } }] },
      ],
      [
        { fleet: { replayStore }, sessionTickets: 'stateless' },
        { options: ['dependency', { fleet: 'antiReplay' }] },
      ],
      [
        { fleet: { ticketKeyStore }, sessionTickets: 'stateless', statelessTicketsSeed: bytes(16) },
        { options: ['incompatible', 'fleet', 'statelessTicketsSeed'] },
      ],
    ],
  },
  fleetSeed: {
    side: 'server',
    beside: { sessionTickets: 'stateless', fleet: { ticketKeyStore } },
    valid: [[bytes(16), bytes(16)]],
    wrong: [bytes(15), 'a seed that is text', 7],
    // Nothing of it is told.
    wrongTerm: (value) => ({
      options: { fleetSeed: value instanceof Uint8Array ? { too_short: value.length } : typeof value },
    }),
    conflicts: [
      [
        { fleetSeed: bytes(16), sessionTickets: 'stateless' },
        { options: ['dependency', { fleetSeed: 'fleet' }] },
      ],
    ],
  },
  pskIdentity: {
    valid: [['tést', 'tést']],
    edges: { in: ['a', 'a'.repeat(65_535)], out: ['', 'ä'.repeat(32_768)] },
    wrong: [1, true, bytes(4), ['a']],
  },
  userLookupFun: {
    valid: [[[lookup, 7], { fun: lookup, state: 7 }]],
    wrong: [lookup, [lookup], [lookup, 1, 2], ['x', 1]],
  },
  middleboxCompMode: flags,
  postHandshakeAuth: {
    ...flags,
    conflicts: [
      [
        { postHandshakeAuth: true, versions: ['tlsv1.2'] },
        { options: ['dependency', { postHandshakeAuth: { versions: ['tlsv1.3'] } }] },
      ],
    ],
  },
  confirm: { ...flags, side: 'client' },
  keepSecrets: {
    valid: [
      [true, true],
      [false, false],
      [{ keylog: keyLogFun }, { keylog: keyLogFun }],
      [{ keylog_hs: keyLogFun }, { keylog_hs: keyLogFun }],
    ],
    wrong: ['true', 1, null, {}, { keylog: true }, { keylog: keyLogFun, keylog_hs: keyLogFun }, keyLogFun],
  },
  sslKeyLogFile: flags,
  logLevel: {
    valid: [
      ['none', 'none'],
      ['debug', 'debug'],
    ],
    wrong: ['loud', 1, true, ['debug']],
  },
  hibernateAfter: {
    valid: [
      ['infinity', 'infinity'],
      [10, 10],
    ],
    edges: { in: [0, 2 ** 31 - 1], out: [-1, 2 ** 31] },
    wrong: ['10', 1.5, true, null],
  },
  handshakeDeadline: {
    valid: [
      ['infinity', 'infinity'],
      [10, 10],
    ],
    edges: { in: [1, 2 ** 31 - 1], out: [0, 2 ** 31] },
    wrong: ['10', 1.5, true, null],
  },
  maxHandshakes: {
    side: 'server',
    valid: [[10, 10]],
    edges: { in: [1], out: [0, -1] },
    wrong: ['10', 'infinity', 1.5],
  },
  maxHandshakesPerAddress: {
    side: 'server',
    valid: [
      [10, 10],
      ['infinity', 'infinity'],
    ],
    edges: { in: [1], out: [0, -1] },
    wrong: ['10', 1.5, true, null],
  },
  maxHandshakeBytes: {
    side: 'server',
    valid: [
      [1024, 1024],
      ['infinity', 'infinity'],
    ],
    edges: { in: [1], out: [0, -1] },
    wrong: ['10', 1.5, true, null],
  },

  mode: {
    valid: [
      ['binary', 'binary'],
      ['list', 'list'],
    ],
    wrong: ['text', 1, true],
  },
  packet: {
    valid: [
      'raw',
      0,
      1,
      2,
      4,
      'asn1',
      'cdr',
      'sunrm',
      'fcgi',
      'tpkt',
      'line',
      'http',
      'http_bin',
      'httph',
      'httph_bin',
    ].map((mode) => [mode, mode] as const),
    wrong: [3, 8, -1, 1.5, '1', 'foo', [], null],
    conflicts: [[{ protocol: 'dtls', packet: 4 }, { options: { not_supported: { packet: 4 } } }]],
  },
  packetSize: {
    valid: [[100, 100]],
    edges: { in: [0, 2 ** 31 - 1], out: [-1, 2 ** 31] },
    wrong: ['1', 1.5, null],
    conflicts: [[{ protocol: 'dtls', packetSize: 1 }, { options: { not_supported: { packetSize: 1 } } }]],
  },
  header: {
    valid: [[4, 4]],
    edges: { in: [0], out: [-1] },
    wrong: ['1', 1.5, null],
    conflicts: [[{ protocol: 'dtls', header: 1 }, { options: { not_supported: { header: 1 } } }]],
  },
  active: {
    valid: [
      [true, true],
      [false, false],
      ['once', 'once'],
      [5, 5],
    ],
    edges: { in: [-32768, 32767], out: [-32769, 32768] },
    wrong: ['always', 1.5, null, []],
  },

  ip: {
    valid: [
      ['127.0.0.1', '127.0.0.1'],
      [[10, 0, 0, 1], '10.0.0.1'],
      [[0, 0, 0, 0, 0, 0xffff, 0x7f00, 1], '0:0:0:0:0:ffff:7f00:1'],
      ['loopback', '127.0.0.1'],
      ['any', '0.0.0.0'],
    ],
    edges: {
      in: [
        [0, 0, 0, 0],
        [255, 255, 255, 255],
      ],
      out: [
        [0, 0, 0, 256],
        [0, 0, 0, -1],
        [1, 2, 3],
      ],
    },
    wrong: ['x', 1, true, [], {}],
    wrongTerm: (value) => ({ options: { socket_options: { ip: value } } }),
  },
  ...Object.fromEntries(
    ['inet', 'inet6'].map((name) => [
      name,
      {
        valid: [[true, true]],
        wrong: [false, 1, 'true'],
        wrongTerm: (value: unknown) => ({ options: { socket_options: { [name]: value } } }),
      },
    ]),
  ),
  nodelay: { ...flags, wrongTerm: (value) => ({ options: { socket_options: { nodelay: value } } }) },
  keepalive: { ...flags, wrongTerm: (value) => ({ options: { socket_options: { keepalive: value } } }) },
  reuseaddr: {
    side: 'server',
    valid: [[true, true]],
    wrong: [false, 1, 'true'],
    wrongTerm: (value) => ({ options: { socket_options: { reuseaddr: value } } }),
  },
  recbuf: {
    beside: { protocol: 'dtls' },
    valid: [[65_536, 65_536]],
    edges: { in: [1, 2 ** 31 - 1], out: [0, 2 ** 31] },
    wrong: ['1', 1.5, null],
    wrongTerm: (value) => ({ options: { socket_options: { recbuf: value } } }),
    conflicts: [[{ recbuf: 4096 }, { options: { socket_options: { recbuf: 4096 } } }]],
  },
  sndbuf: {
    beside: { protocol: 'dtls' },
    valid: [[65_536, 65_536]],
    edges: { in: [1, 2 ** 31 - 1], out: [0, 2 ** 31] },
    wrong: ['1', 1.5, null],
    wrongTerm: (value) => ({ options: { socket_options: { sndbuf: value } } }),
    conflicts: [[{ sndbuf: 4096 }, { options: { socket_options: { sndbuf: 4096 } } }]],
  },
  useSrtp: {
    beside: { protocol: 'dtls' },
    valid: [
      [
        { protectionProfiles: [bytes(2), bytes(2)] },
        { protectionProfiles: [bytes(2), bytes(2)], mki: bytes(0) },
      ],
      [
        { protectionProfiles: [bytes(2)], mki: bytes(255) },
        { protectionProfiles: [bytes(2)], mki: bytes(255) },
      ],
    ],
    wrong: ['SRTP', null, []],
    conflicts: [
      [{ protocol: 'dtls', useSrtp: {} }, { options: { useSrtp: { no_protection_profiles: {} } } }],
      [
        { protocol: 'dtls', useSrtp: { protectionProfiles: [] } },
        { options: { useSrtp: { no_protection_profiles: { protectionProfiles: [] } } } },
      ],
      [
        { protocol: 'dtls', useSrtp: { protectionProfiles: [bytes(3)] } },
        { options: { useSrtp: { invalid_protection_profiles: [bytes(3)] } } },
      ],
      [
        { protocol: 'dtls', useSrtp: { protectionProfiles: [bytes(2)], mki: bytes(256) } },
        { options: { useSrtp: { invalid_mki: bytes(256) } } },
      ],
      [
        { protocol: 'dtls', useSrtp: { protectionProfiles: [bytes(2)], keys: 1 } },
        { options: { useSrtp: { unknown_parameters: ['keys'] } } },
      ],
      [
        { protocol: 'tls', useSrtp: { protectionProfiles: [bytes(2)] } },
        { options: ['incompatible', { protocol: 'tls' }, 'useSrtp'] },
      ],
    ],
  },
  connectionId: {
    beside: { protocol: 'dtls' },
    valid: [
      [false, undefined],
      [true, { length: 8, check: 'enhanced' }],
      [0, { length: 0, check: 'enhanced' }],
      [{}, { length: 8, check: 'enhanced' }],
      [
        { length: 5, check: 'none' },
        { length: 5, check: 'none' },
      ],
    ],
    wrong: ['8', null, [], 1, 3, 33, 4.5],
    conflicts: [
      ...[{ length: 3 }, { length: '8' }, { check: 'maybe' }, { bytes: 8 }].map(
        (connectionId) => [{ protocol: 'dtls', connectionId }, { options: { connectionId } }] as const,
      ),
      [
        { protocol: 'tls', connectionId: true },
        { options: ['incompatible', { protocol: 'tls' }, 'connectionId'] },
      ],
    ],
  },
  flightTimeout: {
    valid: [[300, 300]],
    edges: { in: [50, 60_000], out: [49, 60_001] },
    wrong: ['300', 1.5, null, 'infinity'],
  },
  mtu: {
    valid: [[1400, 1400]],
    edges: { in: [256, 65_507], out: [255, 65_508] },
    wrong: ['1400', 1.5, null, {}],
  },
  backlog: {
    side: 'server',
    valid: [[5, 5]],
    edges: { in: [0], out: [-1] },
    wrong: ['5', 1.5, null],
    wrongTerm: (value) => ({ options: { socket_options: { backlog: value } } }),
  },
  sendTimeout: {
    valid: [
      ['infinity', 'infinity'],
      [100, 100],
    ],
    edges: { in: [0, 2 ** 31 - 1], out: [-1, 2 ** 31] },
    wrong: ['100', 1.5, true, null],
    wrongTerm: (value) => ({ options: { socket_options: { sendTimeout: value } } }),
  },
};

const context: ParseContext = { engine: fakeEngine };

function parse(side: Side, options: Raw, by: ParseContext = context): unknown {
  return side === 'client' ? parseClientOptions(options, by) : parseServerOptions(options, by);
}

/** The value of an option in the parsed config, wherever it stands. */
function read(result: unknown, name: string): unknown {
  const config: unknown = Object(result).ok;
  if (typeof config !== 'object' || config === null) return result;
  if (name === 'inet' || name === 'inet6')
    return Object(config).transport.family === (name === 'inet' ? 4 : 6);
  for (const part of [config, Object(config).identity, Object(config).socket, Object(config).transport])
    if (name in part) return part[name];
  return undefined;
}

const otherSide = (side: Side): Side => (side === 'client' ? 'server' : 'client');

describe('option rows', () => {
  it('every row has its cases, and no case is without its row', () => {
    const rows = [
      ...optionRows.map((row) => row.name),
      ...Object.keys(emulatedRows),
      ...Object.keys(transportRows),
    ];
    expect(Object.keys(cases).sort()).toEqual([...rows].sort());
  });

  it('every row that needs versions, or has to wait for more than them, has a case of conflict', () => {
    for (const row of optionRows)
      if (row.needsVersions.length > 0) expect(cases[row.name]?.conflicts, row.name).toBeDefined();
  });

  it.each(Object.entries(cases))(
    '%s takes what is right',
    (name, { side = 'client', valid, edges, beside }) => {
      for (const [given, parsed] of valid)
        expect(read(parse(side, { ...beside, [name]: given }), name), notation(given)).toEqual(parsed);
      for (const value of edges?.in ?? [])
        expect(parse(side, { ...beside, [name]: value }), notation(value)).toHaveProperty('ok');
      // Absent is absent, however it is written.
      expect(parse(side, { ...beside, [name]: undefined })).toEqual(parse(side, { ...beside }));
    },
  );

  it.each(Object.entries(cases))('%s refuses what is wrong, with the term of the option', (name, row) => {
    const term = row.wrongTerm ?? ((value: unknown) => ({ options: { [name]: value } }));
    for (const value of [...row.wrong, ...(row.edges?.out ?? [])]) {
      const error = term(value);
      expect(parse(row.side ?? 'client', { ...row.beside, [name]: value }), notation(value)).toEqual({
        error,
      });
    }
  });

  it.each(Object.entries(cases).filter(([, { conflicts }]) => conflicts !== undefined))(
    '%s is refused in wrong company',
    (_name, { side = 'client', conflicts = [] }) => {
      for (const [options, error] of conflicts) expect(parse(side, options)).toEqual({ error });
    },
  );

  it.each(optionRows.filter((row) => row.side !== 'both'))('$name on the other side is $elsewhere', (row) => {
    const {
      side = 'client',
      valid,
      wrong,
      beside,
      impossibleElsewhere,
    } = cases[row.name] ?? {
      valid: [],
      wrong: [],
    };
    expect(side).toBe(row.side);
    const [given] = valid[0] ?? [undefined];
    const there = otherSide(side);
    if (impossibleElsewhere) {
      expect(parse(there, { [row.name]: given })).toMatchObject({ error: { options: ['dependency', {}] } });
      return;
    }
    if (row.elsewhere === 'refused')
      expect(parse(there, { cacerts: [someDer], [row.name]: given })).toEqual({
        error: { option: [`${side}_only`, row.name] },
      });
    else {
      expect(parse(there, { cacerts: [someDer], ...beside, [row.name]: given })).toHaveProperty('ok');
      // Its value is looked at all the same, as OTP does.
      expect(parse(there, { ...beside, [row.name]: wrong[0] })).toHaveProperty('error');
    }
  });
});

describe('options as a whole', () => {
  it('no options are good options on either side', () => {
    expect(parseClientOptions({}, context)).toMatchObject({
      ok: {
        role: 'client',
        versions: ['tlsv1.3', 'tlsv1.2'],
        verify: 'verify_peer',
        cacerts: 'system',
        depth: 10,
        minKeySize: 2048,
        supportedGroups: [...hybrids, 'x25519', 'x448', 'secp256r1', 'secp384r1'],
        keyShares: ['x25519'],
        maxHandshakeSize: 262144,
        handshakeDeadline: 60000,
        keyUpdateAt: 388736063997,
        socket: { mode: 'binary', packet: 0, packetSize: 0, header: 0, active: true },
        transport: {},
      },
    });
    expect(parseServerOptions({}, context)).toMatchObject({
      ok: {
        role: 'server',
        verify: 'verify_none',
        cacerts: undefined,
        failIfNoPeerCert: false,
        honorCipherOrder: false,
        honorEccOrder: false,
        eccs: ['x25519', 'x448', 'secp256r1', 'secp384r1', 'secp521r1'],
        maxHandshakeSize: 131396,
        handshakeDeadline: 15000,
        maxHandshakes: 4096,
        maxHandshakesPerAddress: 1024,
        maxHandshakeBytes: 16777216,
      },
    });
  });

  it('an address’s share of the handshakes is a quarter, and small listeners are not divided', () => {
    const shareOf = (maxHandshakes: number): unknown =>
      Object(parse('server', { maxHandshakes })).ok.maxHandshakesPerAddress;
    expect([1, 64, 66, 1000].map(shareOf)).toEqual([16, 16, 17, 250]);
  });

  it('a config cannot be changed', () => {
    const result = parseServerOptions({ active: false }, context);
    if (!('ok' in result)) throw new Error('not parsed');
    expect(
      Object.isFrozen(result.ok) && Object.isFrozen(result.ok.socket) && Object.isFrozen(result.ok.identity),
    ).toBe(true);
  });

  it('defaults are what the engine has', () => {
    const noRsa = parseClientOptions({}, { engine: engineWithoutRsa });
    expect(noRsa).toMatchObject({
      ok: {
        signatureAlgs: [
          'eddsa_ed25519',
          'eddsa_ed448',
          'ecdsa_secp521r1_sha512',
          'ecdsa_secp384r1_sha384',
          'ecdsa_secp256r1_sha256',
          'ecdsa_sha224',
        ],
      },
    });
    expect(parseClientOptions({}, { engine: emptyEngine })).toMatchObject({
      ok: { ciphers: [], supportedGroups: [] },
    });
    expect(parseClientOptions({ supportedGroups: ['x25519'] }, { engine: emptyEngine })).toEqual({
      error: { options: { supportedGroups: ['x25519'] } },
    });
  });

  it('a share of a hybrid group goes out unasked where compiled code makes it, one of Diffie-Hellman beside it', () => {
    const native: EngineSupport = {
      ...fakeEngine,
      group: (name) => {
        const group = fakeEngine.group(name);
        return group?.kind === 'kem' ? { ...group, native: true } : group;
      },
    };
    const sharesOf = (
      supportedGroups: readonly Tls13GroupName[] | undefined,
      engine: EngineSupport,
    ): unknown =>
      Object(parseClientOptions({ ...(supportedGroups && { supportedGroups }) }, { engine })).ok.keyShares;
    expect(sharesOf(undefined, native)).toEqual(['x25519mlkem768', 'x25519']);
    expect(sharesOf(undefined, fakeEngine)).toEqual(['x25519']);
    expect(sharesOf(['secp384r1', 'x25519mlkem768'], native)).toEqual(['secp384r1']);
    expect(sharesOf(['secp256r1mlkem768', 'ffdhe2048'], native)).toEqual(['secp256r1mlkem768', 'ffdhe2048']);
    for (const engine of [native, fakeEngine])
      expect(sharesOf(['secp384r1mlkem1024', 'x25519mlkem768'], engine)).toEqual(['secp384r1mlkem1024']);
  });

  it('AES-CCM is offered to who names it, and to nobody else', () => {
    for (const versions of [['tlsv1.3'], ['tlsv1.2'], ['tlsv1.3', 'tlsv1.2']] as const) {
      const suites = Object(parseServerOptions({ versions }, context)).ok.ciphers;
      expect(suites.filter(({ cipher }: SuiteMap) => cipher.includes('ccm'))).toEqual([]);
    }
    const named = parseClientOptions({ ciphers: 'TLS_AES_128_CCM_8_SHA256:ECDHE-ECDSA-AES256-CCM' }, context);
    expect(Object(named).ok.ciphers.map(({ cipher }: SuiteMap) => cipher)).toEqual([
      'aes_128_ccm_8',
      'aes_256_ccm',
    ]);
  });

  it('node and noble together have every default; noble alone offers neither RSA nor its schemes', () => {
    const all = parseServerOptions({}, { engine: routeEngines([nodeEngine, nobleEngine]) });
    expect(all).toMatchObject({
      ok: { supportedGroups: [...hybrids, 'x25519', 'x448', 'secp256r1', 'secp384r1'] },
    });
    const suites: readonly { readonly name: string }[] = Object(all).ok.ciphers;
    expect(suites.slice(0, 3).map(({ name }) => name)).toEqual([
      'TLS_AES_256_GCM_SHA384',
      'TLS_AES_128_GCM_SHA256',
      'TLS_CHACHA20_POLY1305_SHA256',
    ]);
    const schemes = (result: unknown): readonly string[] => Object(result).ok.signatureAlgs;
    expect(schemes(all)).toHaveLength(16);
    expect(schemes(all).filter((name) => name.endsWith('_sha1'))).toEqual([]);
    const noble = schemes(parseServerOptions({}, { engine: nobleEngine }));
    expect(noble).toContain('ecdsa_secp256r1_sha256');
    expect(noble.filter((name) => name.startsWith('rsa'))).toEqual([]);
  });

  it('an unknown key is told with its value, all of them at once, after everything else', () => {
    const term = { error: { options: { socket_options: { certfiles: 'x', verfy: 1 } } } };
    const options: Raw = { certfiles: 'x', depth: 3, verfy: 1 };
    expect(parse('client', options)).toEqual(term);
    expect(parse('server', options)).toEqual(term);
    expect(parse('client', { ...options, depth: -1 })).toEqual({ error: { options: { depth: -1 } } });
    expect(parse('client', { ...options, active: 'x' })).toEqual({ error: { options: { active: 'x' } } });
  });

  it('names of Object.prototype are unknown keys like others', () => {
    for (const key of ['toString', 'constructor', 'hasOwnProperty'])
      expect(parse('client', { [key]: 1 })).toEqual({ error: { options: { socket_options: { [key]: 1 } } } });
  });

  it('of two wrong options the first is told', () => {
    expect(parse('client', { depth: -1, logLevel: 'x' })).toEqual({ error: { options: { depth: -1 } } });
    expect(parse('client', { logLevel: 'x', depth: -1 })).toEqual({ error: { options: { logLevel: 'x' } } });
  });

  it('what is no object raises', () => {
    for (const value of [undefined, null, [], 'x', 7, () => 0, new Uint8Array(1)])
      expect(() => Reflect.apply(parseClientOptions, undefined, [value, context])).toThrow(TypeError);
  });

  it('log_alert stands for a log level where none is given', () => {
    expect(parseServerOptions({ logAlert: false }, context)).toMatchObject({ ok: { logLevel: 'none' } });
    expect(parseClientOptions({ logAlert: true }, { ...context, logLevel: 'debug' })).toMatchObject({
      ok: { logLevel: 'notice' },
    });
    expect(parseClientOptions({ logAlert: false, logLevel: 'info' }, context)).toMatchObject({
      ok: { logLevel: 'info' },
    });
  });

  it('versions and log level of the application hold where the options say nothing', () => {
    expect(
      parseClientOptions({}, { ...context, defaultVersions: ['tlsv1.2', 'tlsv1.3'], logLevel: 'debug' }),
    ).toMatchObject({
      ok: { versions: ['tlsv1.3', 'tlsv1.2'], logLevel: 'debug' },
    });
    expect(parseClientOptions({}, { ...context, defaultVersions: ['tlsv1.1'] })).toMatchObject({
      ok: { versions: ['tlsv1.1'] },
    });
  });

  it('an upgraded socket keeps its emulated options unless they are given', () => {
    const inherited = { mode: 'list', packet: 4, packetSize: 9, header: 0, active: false } as const;
    expect(parseServerOptions({ packet: 'line' }, { ...context, inheritedSocket: inherited })).toMatchObject({
      ok: { socket: { ...inherited, packet: 'line' } },
    });
  });
});
