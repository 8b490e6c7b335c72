import { expect, test } from 'vitest';
import { defaultEngine } from '../../values/crypto/default-engine.js';
import type { HashName } from '../../values/crypto/engine.js';
import { tls12Prf } from './prf.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

/** As posted to the IETF's TLS list for RFC 5246 in 2009; OpenSSL's and Go's tests use them too. */
const vectors: readonly [HashName, string, string, string][] = [
  [
    'sha256',
    '9bbe436ba940f017b17652849a71db35',
    'a0ba9f936cda311827a6f796ffd5198c',
    'e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af' +
      '0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701' +
      '87347b66',
  ],
];

test.each(vectors)('the PRF with %s gives the published bytes', (name, secret, seed, output) => {
  const hash = defaultEngine.hash(name);
  if (hash === undefined) throw new Error(`no ${name}`);
  const expected = hex(output);
  for (const length of [1, 32, 33, expected.length])
    expect(tls12Prf(hash).expand(hex(secret), 'test label', hex(seed), length)).toEqual(
      expected.slice(0, length),
    );
});
