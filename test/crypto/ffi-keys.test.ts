/**
 * Keys of the engine through FFI: they sign, verify and agree as node:crypto does; strangers' stand in a table of fixed
 * size, an identity's goes with the identity; what is no key or no signature costs no call.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { generateKey } from '@actor-tls/ssl/testing';
import { afterEach, expect, it, vi } from 'vitest';
import type { Group, PublicKey } from '../../packages/ssl/src/values/crypto/engine.js';
import { FfiEcGroup } from '../../packages/ssl/src/values/crypto/ffi/ec-group.js';
import { FfiHash } from '../../packages/ssl/src/values/crypto/ffi/hash.js';
import { Libcrypto } from '../../packages/ssl/src/values/crypto/ffi/libcrypto.js';
import { FfiPrivateKeys } from '../../packages/ssl/src/values/crypto/ffi/private-keys.js';
import { FfiPublicKeys } from '../../packages/ssl/src/values/crypto/ffi/public-keys.js';
import { FfiX25519 } from '../../packages/ssl/src/values/crypto/ffi/x25519.js';
import { decodeSpki } from '../../packages/ssl/src/values/crypto/key-encoding.js';
import { nodeEngine } from '../../packages/ssl/src/values/crypto/node/engine.js';
import { noFfi, presentFfi } from '../support/ffi.js';
import { describeUnless } from '../support/report.js';

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the engine lacks it');
  return value;
}

const ecdsa = { type: 'ecdsa', hash: 'sha256' } as const;
const ed25519 = { type: 'ed25519' } as const;
const pkcs1 = { type: 'rsa_pkcs1', hash: 'sha256' } as const;
const pss = { type: 'rsa_pss', hash: 'sha256', mgfHash: 'sha256', saltLength: 32 } as const;
const kinds = [
  ['ec', [ecdsa]],
  ['ed25519', [ed25519]],
  ['rsa', [pkcs1, pss, { ...pkcs1, hash: 'sha512' }]],
] as const;

/** Parts of an engine whose calls can be counted and made to fail. */
function parts() {
  const libcrypto = new Libcrypto();
  const sha256 = present(FfiHash.of(libcrypto, 'sha256', 'SHA256', 32, 64));
  const hashes = (name: string) => (name === 'sha256' ? sha256 : undefined);
  const publicKeys = new FfiPublicKeys(libcrypto, hashes);
  const importPublic = (spki: Uint8Array): PublicKey =>
    present(publicKeys.import(present(decodeSpki(spki)), spki));
  return { libcrypto, publicKeys, importPublic, privateKeys: new FfiPrivateKeys(libcrypto, hashes) };
}

/** Counts calls into libcrypto from now on. */
function counted(libcrypto: Libcrypto): { calls: number } {
  const count = { calls: 0 };
  for (const [name, call] of Object.entries(libcrypto.call)) {
    const counting = (...args: number[]): number => {
      count.calls++;
      return Reflect.apply(call, undefined, args);
    };
    Object.defineProperty(libcrypto.call, name, { value: counting });
  }
  return count;
}

describeUnless('Keys of the engine through FFI', noFfi, () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each(kinds)(
    '%s: sign for node:crypto and verify what it signs, data of any length',
    (kind, algorithms) => {
      const { pkcs8, spki } = generateKey(kind);
      const [ours, theirs] = [presentFfi(), nodeEngine].map((engine) => ({
        key: present(engine.importPrivateKey(pkcs8)),
        peer: present(engine.importPublicKey(spki)),
      }));
      expect(ours?.key.constructor).not.toBe(theirs?.key.constructor);
      expect(ours?.peer.constructor).not.toBe(theirs?.peer.constructor);
      expect({ ...ours?.key }).toMatchObject({ spki, bits: theirs?.key.bits, curve: theirs?.key.curve });
      for (const algorithm of algorithms) {
        for (const length of [0, 1, 8191, 8192, 8193, 100_000]) {
          const data = randomBytes(length);
          for (const signer of [ours, theirs]) {
            const signature = present(signer).key.sign(algorithm, data);
            expect(present(ours).peer.verify(algorithm, data, signature)).toBe(true);
            expect(present(theirs).peer.verify(algorithm, data, signature)).toBe(true);
            expect(present(ours).peer.verify(algorithm, randomBytes(length + 1), signature)).toBe(false);
          }
        }
      }
    },
  );

  it('sign nothing that they do not fit, with the error of node:crypto', () => {
    for (const [kind, algorithms] of kinds) {
      const key = present(presentFfi().importPrivateKey(generateKey(kind).pkcs8));
      for (const other of [ecdsa, ed25519, pkcs1, { ...pss, saltLength: 500 }]) {
        if (!('saltLength' in other) && algorithms.some(({ type }) => type === other.type)) continue;
        expect(() => key.sign(other, new Uint8Array(3)), `${kind} ${other.type}`).toThrow(TypeError);
      }
      expect(() => key.sign({ ...pss, mgfHash: 'sha384' }, new Uint8Array(3))).toThrow(TypeError);
    }
  });

  it('of strangers stand in a table: who comes beyond takes a place, and all verify', () => {
    const { libcrypto, publicKeys, importPublic } = parts();
    const freed = vi.spyOn(libcrypto.call, 'freeKey');
    const made = vi.spyOn(libcrypto.call, 'newPublicKey');
    const data = randomBytes(50);
    const users = Array.from({ length: 130 }, () => {
      const { pkcs8, spki } = generateKey('ed25519');
      const signature = present(nodeEngine.importPrivateKey(pkcs8)).sign(ed25519, data);
      return { key: importPublic(spki), signature };
    });
    for (const { key, signature } of [...users, ...users])
      expect(key.verify(ed25519, data, signature)).toBe(true);
    expect(made.mock.calls.length - freed.mock.calls.length).toBe(64);
    const last = present(users.at(-1));
    made.mockClear();
    expect(last.key.verify(ed25519, data, last.signature)).toBe(true);
    expect(made).not.toHaveBeenCalled();
    publicKeys.forget();
    expect(last.key.verify(ed25519, data, last.signature)).toBe(true);
    expect(made).toHaveBeenCalledOnce();
  });

  it('of an identity go with it, and all at the end of the thread', async () => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    if (typeof collect !== 'function') throw new Error('no collector');
    const { libcrypto, privateKeys } = parts();
    const freed = vi.spyOn(libcrypto.call, 'freeKey');
    const { pkcs8 } = generateKey('ec');
    const kept = present(privateKeys.import(pkcs8));
    for (let i = 0; i < 30; i++) privateKeys.import(pkcs8)?.sign(ecdsa, pkcs8);
    // What the last turn of the loop had may still be held.
    await expect
      .poll(() => {
        collect();
        return freed.mock.calls.length;
      })
      .toBeGreaterThanOrEqual(29);
    expect(kept.sign(ecdsa, pkcs8).length).toBeGreaterThan(60);
    privateKeys.close();
    expect(freed).toHaveBeenCalledTimes(31);
    expect(new Set(freed.mock.calls.map(([address]) => address)).size).toBeGreaterThan(1);
  });

  it('refuse signatures of another length, and points that are none, before libcrypto is called', () => {
    const { libcrypto, importPublic } = parts();
    const signers = (['rsa', 'ed25519'] as const).map((kind) => importPublic(generateKey(kind).spki));
    const groups: readonly Group[] = [
      new FfiEcGroup(libcrypto, 'secp256r1', 'P-256', 32),
      new FfiEcGroup(libcrypto, 'secp384r1', 'P-384', 48),
      new FfiX25519(libcrypto),
    ];
    const shares = groups.map((group) => ({ share: group.generate(), length: group.publicKeyLength }));
    const count = counted(libcrypto);
    for (const length of [0, 1, 63, 65, 255, 257, 513, 100_000]) {
      for (const key of signers) {
        for (const algorithm of [pkcs1, pss, ed25519, ecdsa])
          expect(key.verify(algorithm, new Uint8Array(9), new Uint8Array(length))).toBe(false);
      }
    }
    for (const { share, length } of shares) {
      for (const other of [0, 1, length - 1, length + 1, 100_000])
        expect(share.sharedSecret(new Uint8Array(other).fill(4))).toBeUndefined();
      for (const form of length === 32 ? [] : [0, 2, 3, 5, 6, 7])
        expect(share.sharedSecret(new Uint8Array(length).fill(form))).toBeUndefined();
    }
    for (const group of groups) {
      for (const length of [0, 31, 33, 47, 49, 66])
        expect(() => group.fromPrivateKey(new Uint8Array(length).fill(1))).toThrow(RangeError);
    }
    expect(count.calls).toBe(0);
  });

  it('take no scalar that is zero or beyond the order of the curve', () => {
    for (const name of ['secp256r1', 'secp384r1'] as const) {
      const group = present(presentFfi().group(name));
      const length = name === 'secp256r1' ? 32 : 48;
      for (const byte of [0, 255])
        expect(() => group.fromPrivateKey(new Uint8Array(length).fill(byte))).toThrow();
    }
  });

  it('tell a call that fails, and go on', () => {
    const { libcrypto, privateKeys, importPublic } = parts();
    const group = new FfiEcGroup(libcrypto, 'secp256r1', 'P-256', 32);
    const share = group.generate();
    const peer = present(nodeEngine.group('secp256r1')).generate();
    const expected = peer.sharedSecret(share.publicKey);
    for (const name of ['generate', 'keyParameters'] as const) {
      vi.spyOn(libcrypto.call, name).mockReturnValueOnce(0);
      expect(() => group.generate()).toThrow(/^libcrypto: EVP_PKEY_\w+ failed$/);
    }
    for (const name of [
      'setEncodedPublicKey',
      'newKeyContext',
      'deriveInit',
      'derivePeer',
      'derive',
    ] as const) {
      vi.spyOn(libcrypto.call, name).mockReturnValueOnce(0);
      const cleared = vi.spyOn(libcrypto.call, 'clearErrors');
      expect(share.sharedSecret(peer.publicKey)).toBeUndefined();
      expect(cleared).toHaveBeenCalledOnce();
      expect(share.sharedSecret(peer.publicKey)).toEqual(expected);
      cleared.mockRestore();
    }
    const failing = [
      ['ec', ecdsa, ['sign'], ['newKeyContext']],
      ['rsa', pss, ['sign'], ['newKeyContext']],
      ['ed25519', ed25519, ['digestSign', 'digestSignInit'], []],
    ] as const;
    for (const [kind, algorithm, calls, early] of failing) {
      const { pkcs8, spki } = generateKey(kind);
      const data = randomBytes(20);
      const verifies = (signature: Uint8Array): boolean =>
        present(nodeEngine.importPublicKey(spki)).verify(algorithm, data, signature);
      // The first of a kind is tried as it is imported.
      privateKeys.import(pkcs8);
      const key = present(privateKeys.import(pkcs8));
      for (const name of [...early, ...calls]) {
        vi.spyOn(libcrypto.call, name).mockReturnValueOnce(0);
        expect(() => key.sign(algorithm, data), name).toThrow(/^libcrypto: EVP_\w+ failed$/);
        expect(verifies(key.sign(algorithm, data)), name).toBe(true);
      }
    }
    const { pkcs8, spki } = generateKey('rsa');
    const key = importPublic(spki);
    const signature = present(nodeEngine.importPrivateKey(pkcs8)).sign(pss, spki);
    for (const name of [
      'fromData',
      'newKeyContext',
      'verifyInit',
      'setRsaPadding',
      'setSignatureDigest',
      'setPssMask',
      'setPssSaltLength',
      'verify',
    ] as const) {
      vi.spyOn(libcrypto.call, name).mockReturnValueOnce(0);
      expect(key.verify(pss, spki, signature), name).toBe(false);
      expect(key.verify(pss, spki, signature), name).toBe(true);
      // Set up for another, so that the next has all to do again.
      expect(key.verify(pkcs1, spki, signature)).toBe(false);
    }
  });

  it('that libcrypto signs otherwise with than node:crypto are node:crypto’s', () => {
    const { libcrypto, privateKeys } = parts();
    const { pkcs8 } = generateKey('ed25519');
    const sign = vi.spyOn(libcrypto.call, 'digestSign').mockReturnValue(1);
    const key = present(privateKeys.import(pkcs8));
    expect(key.constructor).toBe(present(nodeEngine.importPrivateKey(pkcs8)).constructor);
    sign.mockRestore();
    expect(privateKeys.import(pkcs8)?.constructor).toBe(key.constructor);
  });

  it('of uncommon sizes are node:crypto’s too', () => {
    for (const bits of [1016, 4104]) {
      const pair = generateKeyPairSync('rsa', { modulusLength: bits });
      const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
      const pkcs8 = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
      const [key, peer] = [presentFfi().importPrivateKey(pkcs8), presentFfi().importPublicKey(spki)];
      expect(peer?.constructor).toBe(nodeEngine.importPublicKey(spki)?.constructor);
      expect(key?.constructor).toBe(nodeEngine.importPrivateKey(pkcs8)?.constructor);
      expect(peer?.verify(pkcs1, spki, present(key).sign(pkcs1, spki))).toBe(true);
    }
  });

  it('leave nothing of themselves in the memory that is shared with libcrypto', () => {
    const { libcrypto, privateKeys } = parts();
    const memory = Buffer.from(libcrypto.memory.buffer);
    for (const [name, length] of [
      ['secp256r1', 32],
      ['secp384r1', 48],
    ] as const) {
      const group = new FfiEcGroup(libcrypto, name, name === 'secp256r1' ? 'P-256' : 'P-384', length);
      const scalar = randomBytes(length);
      scalar[0] = 1;
      const peer = present(nodeEngine.group(name)).generate();
      const secret = present(group.fromPrivateKey(scalar).sharedSecret(peer.publicKey));
      for (const bytes of [scalar, Buffer.from(scalar).reverse(), secret])
        expect(memory.includes(Buffer.from(bytes.subarray(0, 16))), name).toBe(false);
      group.generate();
      expect(libcrypto.memory.subarray(928, 928 + 128).every((byte) => byte === 0)).toBe(true);
    }
    for (const kind of ['ec', 'ed25519', 'rsa'] as const) {
      const { pkcs8 } = generateKey(kind);
      privateKeys.import(pkcs8);
      for (const part of [pkcs8.subarray(-16), pkcs8.subarray(36, 48)])
        expect(memory.includes(Buffer.from(part))).toBe(false);
    }
  });
});
