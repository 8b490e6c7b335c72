/**
 * node:crypto and noble against each other, and the engine through FFI against node:crypto, on inputs nobody chose.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  AeadName,
  CryptoEngine,
  GroupName,
  HashName,
  SignatureAlgorithm,
} from '../../packages/ssl/src/values/crypto/engine.js';
import { generateKey, type KeyKind } from '../../packages/ssl/src/values/crypto/key-generation.js';
import { nobleEngine } from '../../packages/ssl/src/values/crypto/noble/engine.js';
import { nodeEngine } from '../../packages/ssl/src/values/crypto/node/engine.js';
import { ffi } from '../support/ffi.js';

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
const octets = (maxLength: number, minLength = 0): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the engine lacks it');
  return value;
}

const hashNames: readonly HashName[] = ['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'];

const kinds: readonly (readonly [string, KeyKind, SignatureAlgorithm])[] = [
  ['secp256r1', { ec: 'secp256r1' }, { type: 'ecdsa', hash: 'sha256' }],
  ['secp384r1', { ec: 'secp384r1' }, { type: 'ecdsa', hash: 'sha384' }],
  ['secp521r1', { ec: 'secp521r1' }, { type: 'ecdsa', hash: 'sha512' }],
  ['secp256k1', { ec: 'secp256k1' }, { type: 'ecdsa', hash: 'sha256' }],
  ['brainpoolP256r1', { ec: 'brainpoolP256r1' }, { type: 'ecdsa', hash: 'sha256' }],
  ['brainpoolP384r1', { ec: 'brainpoolP384r1' }, { type: 'ecdsa', hash: 'sha384' }],
  ['brainpoolP512r1', { ec: 'brainpoolP512r1' }, { type: 'ecdsa', hash: 'sha512' }],
  ['ed25519', 'ed25519', { type: 'ed25519' }],
  ['ed448', 'ed448', { type: 'ed448' }],
];

const pairs: readonly (readonly [string, CryptoEngine, CryptoEngine])[] = [
  ['node:crypto and noble', nodeEngine, nobleEngine],
  ...(ffi === undefined ? [] : [['FFI and node:crypto', ffi, nodeEngine] as const]),
];

describe.each(pairs)('%s', (_names, one, other) => {
  describe.each(hashNames)('%s', (name) => {
    const first = present(one.hash(name));
    const second = present(other.hash(name));

    it('gives one digest, however the input is fed and whenever it is asked', () => {
      fc.assert(
        fc.property(fc.array(octets(200), { maxLength: 5 }), octets(50), (parts, more) => {
          const [a, b] = [first.start(), second.start()];
          for (const part of parts) {
            a.update(part);
            b.update(part);
            expect(hex(a.digest())).toBe(hex(b.digest()));
          }
          const fork = a.fork();
          fork.update(more);
          const whole = Buffer.concat(parts);
          expect(hex(a.digest())).toBe(hex(first.digest(whole)));
          expect(hex(b.digest())).toBe(hex(second.digest(whole)));
          expect(hex(fork.digest())).toBe(hex(second.digest(Buffer.concat([whole, more]))));
        }),
        { numRuns: 50 },
      );
    });

    it('gives one HMAC, one HKDF and one label expansion', () => {
      fc.assert(
        fc.property(octets(200), octets(200), octets(64), fc.nat(300), (key, data, context, length) => {
          expect(hex(first.hmac(key, data))).toBe(hex(second.hmac(key, data)));
          expect(hex(first.hkdfExtract(key, data))).toBe(hex(second.hkdfExtract(key, data)));
          expect(hex(first.hkdfExpand(key, data, length))).toBe(hex(second.hkdfExpand(key, data, length)));
          const label = first.labels(key).expandLabel('some label', context, length);
          expect(hex(label)).toBe(hex(second.labels(key).expandLabel('some label', context, length)));
          const info = [
            length >> 8,
            length & 255,
            16,
            ...Buffer.from('tls13 some label'),
            context.length,
            ...context,
          ];
          expect(hex(label)).toBe(hex(first.hkdfExpand(key, Uint8Array.from(info), length)));
        }),
        { numRuns: 50 },
      );
    });
  });

  describe.each<AeadName>(['aes_128_gcm', 'aes_256_gcm', 'chacha20_poly1305'])('%s', (name) => {
    const first = present(one.aead(name));
    const second = present(other.aead(name));

    it('one engine opens what the other seals, in any pieces, and neither opens a changed bit', () => {
      const key = octets(first.keyLength, first.keyLength);
      const nonce = octets(12, 12);
      fc.assert(
        fc.property(
          key,
          nonce,
          octets(20),
          octets(300),
          octets(3),
          fc.infiniteStream(fc.nat(40)),
          fc.nat(),
          (...given) => {
            const [k, n, aad, plaintext, trailer, cuts, flip] = given;
            for (const [from, to] of [[first, second] as const, [second, first] as const]) {
              const tail = new Uint8Array(trailer.length + 16);
              tail.set(trailer);
              const body = from.sealer(k).seal(n, aad, plaintext, tail, trailer.length);
              const sealed = Buffer.concat([body, tail]);
              const inPlace = new Uint8Array(sealed.length);
              inPlace.set(plaintext);
              inPlace.set(trailer, plaintext.length);
              to.sealer(k).sealInPlace(n, aad, inPlace, 0, plaintext.length + trailer.length);
              expect(hex(inPlace)).toBe(hex(sealed));
              const pieces: Uint8Array[] = [];
              for (let at = 0; at < sealed.length - 16; ) {
                const end = Math.min(at + 1 + present(cuts.next().value), sealed.length - 16);
                pieces.push(sealed.subarray(at, end));
                at = end;
              }
              const opened = present(to.opener(k).open(n, aad, pieces, sealed.subarray(-16)));
              expect(hex(Buffer.concat(opened))).toBe(hex(Buffer.concat([plaintext, trailer])));
              const bit = flip % (sealed.length * 8);
              sealed[bit >> 3] = present(sealed[bit >> 3]) ^ (1 << (bit & 7));
              expect(to.opener(k).open(n, aad, pieces, sealed.subarray(-16))).toBeUndefined();
              expect(from.opener(k).open(n, aad, pieces, sealed.subarray(-16))).toBeUndefined();
            }
          },
        ),
        { numRuns: 60 },
      );
    });
  });

  describe.each<GroupName>([
    'x25519',
    'x448',
    'secp256r1',
    'secp384r1',
    'secp521r1',
    'brainpoolP256r1tls13',
    'brainpoolP384r1tls13',
    'brainpoolP512r1tls13',
  ])('%s', (name) => {
    const first = present(one.group(name));
    const second = present(other.group(name));

    it('both ends agree across engines', () => {
      for (let i = 0; i < 3; i++) {
        const [a, b] = [first.generate(), second.generate()];
        expect(a.publicKey.length).toBe(first.publicKeyLength);
        expect(b.publicKey.length).toBe(second.publicKeyLength);
        const secret = present(a.sharedSecret(b.publicKey));
        expect(hex(present(b.sharedSecret(a.publicKey)))).toBe(hex(secret));
      }
    });

    it('keys of a wrong length, of another form or off the curve give no secret', () => {
      const bad = [
        new Uint8Array(0),
        new Uint8Array(first.publicKeyLength - 1),
        new Uint8Array(first.publicKeyLength + 1),
      ];
      bad.push(new Uint8Array(first.publicKeyLength));
      if (!name.startsWith('x')) {
        const peer = first.generate().publicKey;
        const offCurve = peer.slice();
        offCurve[offCurve.length - 1] = present(offCurve[offCurve.length - 1]) ^ 1;
        const hybrid = peer.slice();
        hybrid[0] = 6 | (present(peer[peer.length - 1]) & 1);
        bad.push(offCurve, hybrid, Uint8Array.of(2, ...peer.subarray(1, (peer.length + 1) / 2)));
      }
      for (const engine of [first, second]) {
        const share = engine.generate();
        for (const key of bad) expect(share.sharedSecret(key)).toBeUndefined();
      }
    });
  });

  describe.each<GroupName>(['x25519mlkem768', 'secp256r1mlkem768', 'secp384r1mlkem1024'])('%s', (name) => {
    // Node 20 has no ML-KEM of its own.
    it.skipIf(one.group(name) === undefined || other.group(name) === undefined)(
      'one engine answers the other, and one private key is one share in both',
      () => {
        for (const [asks, answers] of [
          [one, other],
          [other, one],
        ] as const) {
          const [client, server] = [present(asks.group(name)), present(answers.group(name))];
          const seed = client.generate().publicKey.subarray(-(64 + (name.startsWith('secp384') ? 48 : 32)));
          expect(hex(client.fromPrivateKey(seed).publicKey)).toBe(hex(server.fromPrivateKey(seed).publicKey));
          const share = client.generate();
          if (server.kind !== 'kem') throw new Error('not of the kind');
          const answer = present(server.respond(share.publicKey));
          expect(hex(present(share.sharedSecret(answer.publicKey)))).toBe(hex(answer.secret));
        }
      },
    );
  });

  describe.each(kinds)('signatures with %s', (_name, kind, algorithm) => {
    it('made by one engine are accepted by the other, for these data only', () => {
      const { pkcs8, spki } = generateKey(kind);
      const data = Uint8Array.of(1, 2, 3);
      const [firstKey, secondKey] = [one, other].map((engine) => present(engine.importPrivateKey(pkcs8)));
      const [firstPublic, secondPublic] = [one, other].map((engine) => present(engine.importPublicKey(spki)));
      for (const key of [firstKey, secondKey, firstPublic, secondPublic]) {
        expect(hex(present(key).spki)).toBe(hex(spki));
        expect(present(key).bits).toBe(present(firstKey).bits);
        expect(present(key).curve).toBe(present(firstKey).curve);
      }
      for (const [signer, verifier] of [
        [firstKey, secondPublic] as const,
        [secondKey, firstPublic] as const,
      ]) {
        const signature = present(signer).sign(algorithm, data);
        expect(present(verifier).verify(algorithm, data, signature)).toBe(true);
        expect(present(verifier).verify(algorithm, Uint8Array.of(1, 2, 4), signature)).toBe(false);
        expect(present(verifier).verify({ type: 'rsa_pkcs1', hash: 'sha256' }, data, signature)).toBe(false);
        expect(present(verifier).verify(algorithm, data, new Uint8Array(0))).toBe(false);
      }
    });
  });
});
