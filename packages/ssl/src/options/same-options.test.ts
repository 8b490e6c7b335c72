import { describe, expect, it } from 'vitest';
import { ownOptions } from './own-options.js';
import { sameOptions } from './same-options.js';

const fun = (): undefined => undefined;
const keyObject = new (class Key {})();
const options = {
  cert: [Uint8Array.of(1, 2), Uint8Array.of(3)],
  certsKeys: [{ cert: Uint8Array.of(1), key: { PrivateKeyInfo: Uint8Array.of(2) } }],
  key: keyObject,
  verifyFun: fun,
  depth: 3,
  alpnPreferredProtocols: ['h2', Uint8Array.of(0x61)],
};
const again = (): typeof options => ({
  ...options,
  cert: options.cert.map((der) => new Uint8Array(der)),
  certsKeys: [{ cert: Uint8Array.of(1), key: { PrivateKeyInfo: Uint8Array.of(2) } }],
});

describe('options that come again', () => {
  it('are the same when they say the same, whoever made their bytes, lists and objects', () => {
    expect(sameOptions(ownOptions(options), again())).toBe(true);
    expect(sameOptions({}, {})).toBe(true);
  });

  it.each<[what: string, changed: object]>([
    ['a byte of a certificate', { cert: [Uint8Array.of(1, 2), Uint8Array.of(4)] }],
    ['a certificate less', { cert: [Uint8Array.of(1, 2)] }],
    [
      'a byte of a key',
      { certsKeys: [{ cert: Uint8Array.of(1), key: { PrivateKeyInfo: Uint8Array.of(3) } }] },
    ],
    [
      'a key more',
      { certsKeys: [{ cert: Uint8Array.of(1), key: { PrivateKeyInfo: Uint8Array.of(2) }, password: 'x' }] },
    ],
    ['another key object', { key: new (class Key {})() }],
    ['another function', { verifyFun: () => undefined }],
    ['a number', { depth: 4 }],
    ['another name', { alpnPreferredProtocols: ['h3', Uint8Array.of(0x61)] }],
    ['a list in place of bytes', { cert: [[1, 2], [3]] }],
    ['null', { cert: null }],
  ])('are others with %s', (_what, changed) => {
    expect(sameOptions(ownOptions(options), { ...again(), ...changed })).toBe(false);
  });

  it('are others with an option more, one less, or in another order', () => {
    expect(sameOptions(ownOptions(options), { ...again(), versions: undefined })).toBe(false);
    const { depth, ...less } = again();
    expect(sameOptions(ownOptions(options), less)).toBe(false);
    expect(sameOptions(ownOptions(options), { depth, ...less })).toBe(false);
  });

  it('without end in them are compared in a moment: they are the same when the same object is in them', () => {
    const ring: Record<string, unknown> = {};
    ring['inside'] = ring;
    const fresh: Record<string, unknown> = {};
    fresh['inside'] = fresh;
    expect(sameOptions(ownOptions({ certsKeys: ring }), { certsKeys: ring })).toBe(true);
    expect(sameOptions(ownOptions({ certsKeys: ring }), { certsKeys: fresh })).toBe(false);
  });
});
