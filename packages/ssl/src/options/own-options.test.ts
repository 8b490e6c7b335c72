import { expect, test } from 'vitest';
import { defaultEngine } from '../values/crypto/default-engine.js';
import { ownOptions } from './own-options.js';
import { mergeOptions, parseClientOptions, parseServerOptions, snapshotOptions } from './parse.js';

const context = { engine: defaultEngine };

test('what the owner of options does to their bytes, lists and objects afterwards changes neither config nor copy', () => {
  const der = Buffer.from([0x30, 0]);
  const pair = { cert: [der], key: { PrivateKeyInfo: der } };
  const options = { certsKeys: [pair], cacerts: [der], versions: ['tlsv1.3' as const], password: der };
  const copy = snapshotOptions(options);
  const parsed = parseServerOptions(options, context);
  der.fill(0xff);
  options.certsKeys.length = 0;
  options.versions.length = 0;
  Object.assign(pair, { cert: [], key: undefined });
  const bytes = Uint8Array.of(0x30, 0);
  const key = { type: 'der', format: 'PrivateKeyInfo', der: bytes };
  expect(parsed).toMatchObject({
    ok: {
      certsKeys: [{ cert: [bytes], key }],
      cacerts: [bytes],
      versions: ['tlsv1.3'],
      identity: { password: bytes },
    },
  });
  expect(copy).toMatchObject({
    certsKeys: [{ cert: [bytes], key: { PrivateKeyInfo: bytes } }],
    cacerts: [bytes],
    versions: ['tlsv1.3'],
    password: bytes,
  });
  expect(parseServerOptions(mergeOptions(copy, {}), context)).toEqual(parsed);
});

test('functions, objects of a class, the handle of a CRL cache and the state of a function stay what they are', () => {
  class Token {
    readonly algorithm = 'ec';
  }
  const [key, db, state, fun] = [new Token(), { table: [1] }, { count: 0 }, (): string => 'x'];
  const own = ownOptions({ key, password: fun, crlCache: [{ lookup: fun }, db], verifyFun: [fun, state] });
  expect(own['key']).toBe(key);
  expect(own['password']).toBe(fun);
  const { crlCache, verifyFun } = own;
  if (!Array.isArray(crlCache) || !Array.isArray(verifyFun)) throw new Error('no lists');
  expect(crlCache[1]).toBe(db);
  expect(verifyFun[1]).toBe(state);
});

test('what a polluted Object.prototype says is no wish inside an option either', () => {
  const options = { stapling: {}, crlCache: { api: 'ssl_crl_cache' as const } };
  const pair = { certsKeys: [{ certfile: 'own.pem' }] };
  const clean = [parseClientOptions(options, context), parseServerOptions(pair, context)];
  const polluted = { ocspNonce: false, db: {}, http: 1, keyfile: 'other.pem' };
  for (const [name, value] of Object.entries(polluted))
    Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
  try {
    expect([parseClientOptions(options, context), parseServerOptions(pair, context)]).toEqual(clean);
  } finally {
    for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name);
  }
});

test('a list that holds itself is copied as far as options go', () => {
  const ring: unknown[] = [];
  ring.push(ring);
  expect(ownOptions({ ring })['ring']).toBeInstanceOf(Array);
});

test('options by host are copied each as options are, and hosts inside of them are left alone', () => {
  const state = { live: 1 };
  const bytes = Uint8Array.of(1, 2);
  const a: Record<string, unknown> = {
    certsKeys: [{ cert: [bytes], key: { PrivateKeyInfo: bytes } }],
    verifyFun: [() => 1, state],
  };
  a['sniHosts'] = { a };
  const own = Object(ownOptions({ sniHosts: { 'a.example': a } })['sniHosts'])['a.example'];
  bytes.fill(9);
  const copy = Uint8Array.of(1, 2);
  expect(own.certsKeys).toEqual([{ cert: [copy], key: { PrivateKeyInfo: copy } }]);
  expect(own.verifyFun[1]).toBe(state);
  expect(own.sniHosts).toBe(a['sniHosts']);
});

test('options by host that are none stay what they are, for the row to refuse', () => {
  for (const sniHosts of [1, [], null, { a: 1 }])
    expect(ownOptions({ sniHosts })['sniHosts']).toEqual(sniHosts);
});
