import { expect, test } from 'vitest';
import type { HashName } from '../../values/crypto/engine.js';
import { nobleEngine } from '../../values/crypto/noble/engine.js';
import { nodeEngine } from '../../values/crypto/node/engine.js';
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
  [
    'sha384',
    'b80b733d6ceefcdc71566ea48e5567df',
    'cd665cf6a8447dd6ff8b27555edb7465',
    '7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c9146a0' +
      'e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425' +
      '9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa3be85e0990703d' +
      '73e56f',
  ],
  [
    'sha512',
    'b0323523c1853599584d88568bbb05eb',
    'd4640e12e4bcdbfb437f03e6ae418ee5',
    '1261f588c798c5c201ff036e7a9cb5edcd7fe3f94c669a122a4638d7d508b283042df6789875c7147e906d868bc75c45' +
      'e20eb40c1cf4a1713b27371f68432592f7dc8ea8ef223e12ea8507841311bf68653d0cfc4056d811f025c45ddfa6e6fe' +
      'c702f054b409d6f28dd0a3233e498da41a3e75c5630eedbe22fe254e33a1b0e9f6b9826675bec7d01a845658dc9c3975' +
      '45401d40b9f46c7a400ee1b8f81ca0a60d1a397a1028bff5d2ef5066126842fb8da4197632bdb54ff6633f86bbc836e6' +
      '40d4d898',
  ],
];

test.each(vectors)('the PRF with %s gives the published bytes', (name, secret, seed, output) => {
  const expected = hex(output);
  for (const engine of [nodeEngine, nobleEngine]) {
    const hash = engine.hash(name);
    if (hash === undefined) throw new Error(`no ${name}`);
    for (let length = 0; length <= expected.length; length += 1)
      expect(tls12Prf(hash).expand(hex(secret), 'test label', hex(seed), length)).toEqual(
        expected.slice(0, length),
      );
  }
});
