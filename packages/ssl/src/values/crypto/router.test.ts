import { describe, expect, it } from 'vitest';
import { defaultEngine } from './default-engine.js';
import type { CryptoEngine } from './engine.js';
import { generateKey } from './key-generation.js';
import { nobleEngine } from './noble/engine.js';
import { nodeEngine } from './node/engine.js';
import { routeEngines } from './router.js';

describe('routeEngines', () => {
  it('takes each primitive from the first engine that has it', () => {
    const both = routeEngines([nobleEngine, nodeEngine]);
    expect(both.hash('sha256')).toBe(nobleEngine.hash('sha256'));
    expect(both.group('x448')).toBe(nobleEngine.group('x448'));
    expect(both.supportsKey('rsa')).toBe(true);
    expect(both.supportsKey('ec', 'sect283k1')).toBe(nodeEngine.supportsKey('ec', 'sect283k1'));
    expect(nobleEngine.supportsKey('rsa')).toBe(false);
    const rsa = generateKey({ rsa: 1024 });
    expect(both.importPublicKey(rsa.spki)?.bits).toBe(1024);
    expect(both.importPrivateKey(rsa.pkcs8)?.algorithm).toBe('rsa');
  });

  it('asks an engine once', () => {
    let asked = 0;
    const counting: CryptoEngine = {
      ...nobleEngine,
      name: 'counting',
      hash: () => {
        asked++;
        return undefined;
      },
    };
    const routed = routeEngines([counting, nodeEngine]);
    expect(routed.hash('sha384')).toBe(nodeEngine.hash('sha384'));
    routed.hash('sha384');
    expect(asked).toBe(1);
    expect(routeEngines([counting]).hash('sha256')).toBeUndefined();
  });

  it('lets a primitive take another way', () => {
    const routed = routeEngines([nodeEngine, nobleEngine], {
      'aead:aes_128_gcm': ['noble'],
      'key:ec': ['noble', 'node'],
      'key:rsa': ['noble'],
    });
    expect(routed.aead('aes_128_gcm')).toBe(nobleEngine.aead('aes_128_gcm'));
    expect(routed.aead('aes_256_gcm')).toBe(nodeEngine.aead('aes_256_gcm'));
    expect(routed.supportsKey('rsa')).toBe(false);
    expect(routed.importPublicKey(generateKey({ rsa: 1024 }).spki)).toBeUndefined();
    const elliptic = generateKey('ec');
    expect(routed.importPublicKey(elliptic.spki)?.constructor).toBe(
      nobleEngine.importPublicKey(elliptic.spki)?.constructor,
    );
    expect(() => routeEngines([nodeEngine], { equal: ['wasm'] })).toThrow(TypeError);
    expect(() => routeEngines([])).toThrow(TypeError);
  });
});

describe.each([nodeEngine, nobleEngine, defaultEngine])('$name', (engine) => {
  it('compares contents and lengths', () => {
    const some = Uint8Array.of(1, 2, 3);
    expect(engine.equal(some, Uint8Array.of(1, 2, 3))).toBe(true);
    expect(engine.equal(some, Uint8Array.of(1, 2, 4))).toBe(false);
    expect(engine.equal(some, Uint8Array.of(1, 2))).toBe(false);
    expect(engine.equal(new Uint8Array(0), new Uint8Array(0))).toBe(true);
  });

  it('gives as many random bytes as are asked for, beyond one call of the platform too', () => {
    const random = engine.randomBytes(70_000);
    expect(random).toHaveLength(70_000);
    expect(new Set(random.subarray(65_536)).size).toBeGreaterThan(100);
    expect(engine.randomBytes(0)).toHaveLength(0);
  });

  it('throws TypeError for malformed keys and answers undefined for kinds nobody knows', () => {
    const { spki, pkcs8 } = generateKey('ec');
    for (let length = 0; length < spki.length; length++) {
      expect(() => engine.importPublicKey(spki.subarray(0, length))).toThrow(TypeError);
    }
    expect(() => engine.importPrivateKey(pkcs8.subarray(0, -1))).toThrow(TypeError);
    expect(() => engine.importPublicKey(Uint8Array.of(...spki, 0))).toThrow(TypeError);
    const offCurve = spki.slice();
    offCurve[offCurve.length - 1] = (offCurve[offCurve.length - 1] ?? 0) ^ 1;
    expect(() => engine.importPublicKey(offCurve)).toThrow(TypeError);
    const unknown = spki.slice();
    // id-ecPublicKey becomes 1.2.840.10045.2.2.
    unknown[12] = 2;
    expect(engine.importPublicKey(unknown)).toBeUndefined();
  });

  it('does not sign what the key does not fit', () => {
    const key = engine.importPrivateKey(generateKey('ed25519').pkcs8);
    expect(() => key?.sign({ type: 'ecdsa', hash: 'sha256' }, new Uint8Array(1))).toThrow(TypeError);
  });
});

describe('node keys', () => {
  it('of kind rsa_pss, rsa and dsa sign and verify what fits them and nothing else', () => {
    const data = Uint8Array.of(1, 2, 3);
    const pss = { type: 'rsa_pss', hash: 'sha256', mgfHash: 'sha256', saltLength: 32 } as const;
    const pkcs1 = { type: 'rsa_pkcs1', hash: 'sha256' } as const;
    const dsa = { type: 'dsa', hash: 'sha256' } as const;
    const kinds = [
      [{ rsa: 2048 }, [pss, pkcs1]],
      [{ rsa_pss: 2048 }, [pss]],
      [{ dsa: 1024 }, [dsa]],
    ] as const;
    for (const [kind, fitting] of kinds) {
      const generated = generateKey(kind);
      const key = nodeEngine.importPrivateKey(generated.pkcs8);
      const peer = nodeEngine.importPublicKey(generated.spki);
      expect(peer?.bits).toBe(Object.values(kind)[0]);
      expect(key?.bits).toBe(peer?.bits);
      for (const algorithm of [pss, pkcs1, dsa]) {
        if (fitting.some((candidate) => candidate === algorithm)) {
          const signature = key?.sign(algorithm, data) ?? new Uint8Array(0);
          expect(peer?.verify(algorithm, data, signature)).toBe(true);
          expect(peer?.verify(algorithm, data.subarray(1), signature)).toBe(false);
        } else {
          expect(() => key?.sign(algorithm, data)).toThrow(TypeError);
          expect(peer?.verify(algorithm, data, new Uint8Array(256))).toBe(false);
        }
      }
    }
  });
});
