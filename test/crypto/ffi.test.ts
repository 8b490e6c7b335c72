/**
 * The engine through FFI: it does what node:crypto does at every length, refuses what has no room before libcrypto is
 * called, and keeps its promises about keys, threads and machines that cannot have it.
 */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { FfiUnavailable, ffiEngine } from '@actor-tls/ssl/ffi';
import { describe, expect, it, vi } from 'vitest';
import type {
  Aead,
  AeadName,
  DirectOpener,
  DirectSealer,
} from '../../packages/ssl/src/values/crypto/engine.js';
import { FfiAead } from '../../packages/ssl/src/values/crypto/ffi/aead.js';
import { FfiHash } from '../../packages/ssl/src/values/crypto/ffi/hash.js';
import { Libcrypto } from '../../packages/ssl/src/values/crypto/ffi/libcrypto.js';
import { nodeEngine } from '../../packages/ssl/src/values/crypto/node/engine.js';
import { noFfi, presentFfi } from '../support/ffi.js';
import { patience } from '../support/patience.js';
import { describeUnless } from '../support/report.js';

const names: readonly AeadName[] = ['aes_128_gcm', 'aes_256_gcm', 'chacha20_poly1305'];

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the engine lacks it');
  return value;
}

/** What node:crypto makes of it: ciphertext and tag. */
function sealedByNode(
  name: AeadName,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  text: Uint8Array,
): Buffer {
  const tail = new Uint8Array(16);
  const body = present(nodeEngine.aead(name)).sealer(key).seal(nonce, aad, text, tail, 0);
  return Buffer.concat([body, tail]);
}

const sealerOf = (aead: Aead, key: Uint8Array): DirectSealer => present(aead.sealer(key).direct);
const openerOf = (aead: Aead, key: Uint8Array): DirectOpener => present(aead.opener(key).direct);

describeUnless('An engine through FFI', noFfi, () => {
  describe.each(names)('%s', (name) => {
    const aead = (): Aead => present(presentFfi().aead(name));

    it('seals and opens every length as node:crypto does, and nothing that was changed', () => {
      const key = randomBytes(aead().keyLength);
      const nonce = randomBytes(12);
      const aad = randomBytes(13);
      const seal = sealerOf(aead(), key);
      const open = openerOf(aead(), key);
      const opener = aead().opener(key);
      const lengths = [...Array(1100).keys(), 4096, 8191, 16_383, 16_384, 16_385];
      const all = randomBytes(16_385);
      for (const length of lengths) {
        const content = all.subarray(0, length);
        const expected = sealedByNode(name, key, nonce, aad, content);
        const out = Buffer.alloc(length + 16 + 7, 0xaa);
        expect(seal.seal(nonce, aad, content, -1, out, 3, 0)).toBe(3 + length + 16);
        // Equal beside what was not to be touched.
        const around = Buffer.concat([Buffer.alloc(3, 0xaa), expected, Buffer.alloc(4, 0xaa)]);
        expect(out.equals(around), `${length}`).toBe(true);
        if (length > 0) {
          const last = content[length - 1] ?? 0;
          out.fill(0);
          seal.seal(nonce, aad, content.subarray(0, length - 1), last, out, 3, 0);
          expect(out.subarray(3, 3 + length + 16).equals(expected), `${length}`).toBe(true);
        }
        const plain = Buffer.alloc(length + 5, 0xbb);
        expect(open.open(nonce, aad, out, 3, length + 16, plain, 2, 0)).toBe(true);
        const plainAround = Buffer.concat([Buffer.alloc(2, 0xbb), content, Buffer.alloc(3, 0xbb)]);
        expect(plain.equals(plainAround), `${length}`).toBe(true);
        const bit = (length * 7919) % ((length + 16) * 8);
        const byte = 3 + (bit >> 3);
        out[byte] = (out[byte] ?? 0) ^ (1 << (bit & 7));
        expect(open.open(nonce, aad, out, 3, length + 16, plain, 2, 0)).toBe(false);
        const zeros = Buffer.concat([Buffer.alloc(2, 0xbb), Buffer.alloc(length), Buffer.alloc(3, 0xbb)]);
        expect(plain.equals(zeros), `${length}`).toBe(true);
        const pieces = length === 0 ? [] : [out.subarray(3, 3 + length)];
        expect(opener.open(nonce, aad, pieces, out.subarray(3 + length, 3 + length + 16))).toBeUndefined();
      }
    });

    it('keeps apart what shares a context: forty keys in turn', () => {
      const keys = Array.from({ length: 40 }, () => randomBytes(aead().keyLength));
      const sealers = keys.map((key) => sealerOf(aead(), key));
      const openers = keys.map((key) => openerOf(aead(), key));
      const text = randomBytes(600);
      for (let round = 0; round < 200; round++) {
        const i = (round * 17) % 40;
        const content = text.subarray(0, (round * 31) % 600);
        const nonce = randomBytes(12);
        const out = Buffer.alloc(content.length + 16);
        present(sealers[i]).seal(nonce, text, content, -1, out, 0, 0);
        const key = present(keys[i]);
        expect(out.equals(sealedByNode(name, key, nonce, text, content))).toBe(true);
        const plain = Buffer.alloc(content.length);
        const opens = (k: number): boolean =>
          present(openers[k]).open(nonce, text, out, 0, out.length, plain, 0, 0);
        expect(opens((i + 16) % 40)).toBe(false);
        expect(opens(i)).toBe(true);
        expect(plain.equals(content)).toBe(true);
        if (round % 50 === 0) presentFfi().forget();
      }
    });

    it('takes memory of any kind: slices, shared, short and detached', () => {
      const key = randomBytes(aead().keyLength);
      const nonce = randomBytes(12);
      const aad = new Uint8Array(5);
      const text = randomBytes(2000);
      const expected = sealedByNode(name, key, nonce, aad, text);
      const shared = new Uint8Array(new SharedArrayBuffer(4000), 100, 2016);
      sealerOf(aead(), key).seal(nonce, aad, text, -1, shared, 0, 0);
      expect(Buffer.from(shared).equals(expected)).toBe(true);
      const gone = new Uint8Array(2016);
      structuredClone(gone, { transfer: [gone.buffer] });
      const sealer = sealerOf(aead(), key);
      expect(() => sealer.seal(nonce, aad, text, -1, gone, 0, 0)).toThrow(RangeError);
      const opener = openerOf(aead(), key);
      expect(() => opener.open(nonce, aad, shared, 0, 2016, gone, 0, 0)).toThrow(RangeError);
      expect(() => opener.open(nonce, aad, gone, 0, 2016, text, 0, 0)).toThrow(RangeError);
    });
  });

  it('says no to what has no room, before libcrypto is called', () => {
    const libcrypto = new Libcrypto();
    const aead = present(FfiAead.of(libcrypto, 'aes_128_gcm', 'AES-128-GCM', 16));
    let calls = 0;
    const functions = Object.entries(libcrypto.call);
    for (const [name, call] of functions) {
      const counted = (...args: number[]): number => {
        calls++;
        return Reflect.apply(call, undefined, args);
      };
      Object.defineProperty(libcrypto.call, name, { value: counted });
    }
    expect(functions.length).toBeGreaterThan(20);
    const [nonce, aad] = [new Uint8Array(12), new Uint8Array(5)];
    const sealer = aead.sealer(new Uint8Array(16));
    const opener = aead.opener(new Uint8Array(16));
    const { direct: seal } = sealer;
    const { direct: open } = opener;
    if (seal === undefined || open === undefined) throw new Error('not direct');
    const bytes = (length: number): Uint8Array => new Uint8Array(length);
    const wrong: readonly (() => unknown)[] = [
      ...[10, 600].flatMap((length) => [
        ...[-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32, 2 ** 53, 3].flatMap((where) => [
          () => seal.seal(nonce, aad, bytes(length), -1, bytes(length + 18), where, 0),
          () => open.open(nonce, aad, bytes(length + 18), where, length + 16, bytes(length), 0, 0),
          () => open.open(nonce, aad, bytes(length + 16), 0, length + 16, bytes(length + 2), where, 0),
        ]),
        () => seal.seal(nonce, aad, bytes(length), 23, bytes(length + 16), 0, 0),
        () => seal.seal(bytes(11), aad, bytes(length), 23, bytes(length + 17), 0, 0),
        () => seal.seal(bytes(13), aad, bytes(length), 23, bytes(length + 17), 0, 0),
        () => open.open(bytes(8), aad, bytes(length + 16), 0, length + 16, bytes(length), 0, 0),
        () => open.open(nonce, aad, bytes(length + 16), 0, length + 16, bytes(length - 1), 0, 0),
        () => open.open(nonce, aad, bytes(length + 16), 0, length + 17, bytes(length + 1), 0, 0),
        () => sealer.sealInPlace(nonce, aad, bytes(length + 15), 0, length),
        () => sealer.sealInPlace(nonce, aad, bytes(length + 16), -1, length),
        () => sealer.sealInPlace(nonce, aad, bytes(length + 16), 2, 1),
        () => sealer.sealInPlace(nonce, aad, bytes(length + 16), 0.5, length),
        () => sealer.sealInPlace(nonce, aad, bytes(length + 16), 0, Number.NaN),
        () => sealer.seal(nonce, aad, bytes(length), bytes(16), 1),
        () => sealer.seal(nonce, aad, bytes(length), bytes(16), -1),
        () => sealer.seal(nonce, aad, bytes(length), bytes(17), 0.5),
      ]),
      ...[-1, 0, 15, 15.5, Number.NaN].map(
        (length) => () => open.open(nonce, aad, bytes(100), 0, length, bytes(100), 0, 0),
      ),
      () => seal.seal(nonce, aad, bytes(seal.limit + 1), -1, bytes(20_000), 0, 0),
      () => open.open(nonce, aad, bytes(20_000), 0, open.limit + 1, bytes(20_000), 0, 0),
      () => aead.sealer(bytes(15)),
      () => aead.opener(bytes(17)),
    ];
    for (const call of wrong) {
      expect(call, String(call)).toThrow(RangeError);
      expect(calls, String(call)).toBe(0);
    }
    seal.seal(nonce, aad, bytes(10), 23, bytes(27), 0, 0);
    expect(calls).toBeGreaterThan(3);
  });

  it('does short records without libcrypto once they come, as node:crypto does, and longer ones between them', () => {
    for (const name of ['aes_128_gcm', 'aes_256_gcm'] as const) {
      const libcrypto = new Libcrypto();
      const keyLength = name === 'aes_128_gcm' ? 16 : 32;
      const aead = present(FfiAead.of(libcrypto, name, `AES-${keyLength * 8}-GCM`, keyLength));
      const [key, iv, aad] = [randomBytes(keyLength), randomBytes(12), randomBytes(5)];
      const [seal, open] = [sealerOf(aead, key), openerOf(aead, key)];
      const calls = vi.spyOn(libcrypto.call, 'cipherFinal');
      const all = randomBytes(700);
      let without = 0;
      for (let sequence = 0; sequence < 600; sequence++) {
        const nonce = Buffer.from(iv);
        nonce.writeInt32BE(nonce.readInt32BE(8) ^ sequence, 8);
        const content = all.subarray(0, sequence % 7 === 0 ? sequence : sequence % 140);
        const expected = sealedByNode(name, key, nonce, aad, Buffer.concat([content, Uint8Array.of(23)]));
        const out = Buffer.alloc(expected.length + 3, 0xaa);
        calls.mockClear();
        expect(seal.seal(nonce, aad, content, 23, out, 1, sequence)).toBe(1 + expected.length);
        expect(out.subarray(1, -2).equals(expected), `${sequence}`).toBe(true);
        const plain = Buffer.alloc(content.length + 4, 0xbb);
        const opens = (): boolean => open.open(nonce, aad, out, 1, expected.length, plain, 2, sequence);
        expect(opens(), `${sequence}`).toBe(true);
        expect(plain.subarray(2, -2).equals(content), `${sequence}`).toBe(true);
        if (calls.mock.calls.length === 0) without++;
        if (sequence % 50 !== 49) continue;
        out[1 + (sequence % expected.length)] = ~(out[1 + (sequence % expected.length)] ?? 0);
        expect(opens()).toBe(false);
        expect(plain.subarray(2, -1).every((byte) => byte === 0)).toBe(true);
        expect([plain[1], plain.at(-1)]).toEqual([0xbb, 0xbb]);
      }
      expect(without).toBeGreaterThan(400);
      // Nor is what has no room taken on this way.
      for (const where of [-1, 0.5, Number.NaN, 2, 2 ** 32]) {
        const short = new Uint8Array(10);
        expect(() => seal.seal(iv, aad, short, 23, new Uint8Array(28), where, 600)).toThrow(RangeError);
        expect(() => open.open(iv, aad, new Uint8Array(27), where, 27, short, 0, 600)).toThrow(RangeError);
        expect(() => open.open(iv, aad, new Uint8Array(27), 0, 27, new Uint8Array(12), where, 600)).toThrow(
          RangeError,
        );
      }
      for (const length of [-1, 0, 15, 15.5, Number.NaN])
        expect(() => open.open(iv, aad, all, 0, length, all, 0, 600)).toThrow(RangeError);
    }
  });

  it('tells a failed call, takes the key out of the context, and goes on', () => {
    const libcrypto = new Libcrypto();
    const aead = present(FfiAead.of(libcrypto, 'aes_128_gcm', 'AES-128-GCM', 16));
    const key = randomBytes(16);
    const nonce = randomBytes(12);
    const aad = new Uint8Array(5);
    const sealer = sealerOf(aead, key);
    for (const length of [200, 600]) {
      const text = randomBytes(length);
      const out = Buffer.alloc(length + 16);
      for (const name of ['cipherInit', 'cipherUpdate', 'cipherFinal', 'cipherControl'] as const) {
        const cleared = vi.spyOn(libcrypto.call, 'clearErrors');
        const freed = vi.spyOn(libcrypto.call, 'freeCipherContext');
        vi.spyOn(libcrypto.call, name).mockReturnValueOnce(0);
        expect(() => sealer.seal(nonce, aad, text, -1, out, 0, 0)).toThrow(/^libcrypto: EVP_\w+ failed$/);
        expect(cleared).toHaveBeenCalledOnce();
        expect(freed).toHaveBeenCalledOnce();
        vi.restoreAllMocks();
        expect(sealer.seal(nonce, aad, text, -1, out, 0, 0)).toBe(out.length);
        expect(out.equals(sealedByNode('aes_128_gcm', key, nonce, aad, text))).toBe(true);
      }
    }
  });

  it('leaves no key and no plaintext in the memory that it shares with libcrypto', () => {
    const libcrypto = new Libcrypto();
    const aead = present(FfiAead.of(libcrypto, 'aes_256_gcm', 'AES-256-GCM', 32));
    const hash = present(FfiHash.of(libcrypto, 'sha256', 'SHA256', 32, 64));
    const key = randomBytes(32);
    const nonce = randomBytes(12);
    const text = randomBytes(300);
    const memory = Buffer.from(libcrypto.memory.buffer);
    const sealed = Buffer.alloc(316);
    sealerOf(aead, key).seal(nonce, nonce, text, -1, sealed, 0, 0);
    const opened = Buffer.alloc(300);
    expect(openerOf(aead, key).open(nonce, nonce, sealed, 0, 316, opened, 0, 0)).toBe(true);
    const mac = hash.hmac(key, text);
    for (const secret of [key, text.subarray(0, 16), text.subarray(-16), Buffer.from(mac)]) {
      expect(memory.includes(secret)).toBe(false);
    }
  });

  it('hashes and authenticates every length as node:crypto does', () => {
    for (const name of ['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'] as const) {
      const ours = present(presentFfi().hash(name));
      const right = present(nodeEngine.hash(name));
      const data = randomBytes(9000);
      for (let length = 0; length < 9000; length += length < 300 ? 1 : 487) {
        const part = data.subarray(0, length);
        expect(ours.digest(part)).toEqual(right.digest(part));
        const key = data.subarray(length % 150, length % 301);
        expect(ours.hmac(key, part)).toEqual(right.hmac(key, part));
      }
      // A transcript that grows beyond the memory.
      const [a, b] = [ours.start(), right.start()];
      for (let i = 0; i < 20; i++) {
        a.update(data.subarray(i, 700));
        b.update(data.subarray(i, 700));
        expect(a.digest()).toEqual(b.digest());
        const [c, d] = [a.fork(), b.fork()];
        c.update(data);
        d.update(data);
        expect(c.digest()).toEqual(d.digest());
      }
    }
  });

  it('keeps public keys and private ones as they were given, whatever becomes of the bytes', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    const right = new Uint8Array(spki);
    const key = present(presentFfi().importPublicKey(spki));
    // The curve's one key has to be given this point again.
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    presentFfi().importPublicKey(other.export({ format: 'der', type: 'spki' }));
    spki.fill(0);
    expect(key.spki).toEqual(right);
    expect(key.verify({ type: 'ecdsa', hash: 'sha256' }, right, sign('sha256', right, privateKey))).toBe(
      true,
    );
    const scalar = randomBytes(32);
    const share = present(presentFfi().group('x25519')).fromPrivateKey(scalar);
    const expected = present(nodeEngine.group('x25519')).fromPrivateKey(scalar);
    scalar.fill(0);
    const peer = present(nodeEngine.group('x25519')).generate().publicKey;
    expect(share.sharedSecret(peer)).toEqual(expected.sharedSecret(peer));
  });

  it('serves threads that work at once, and one that is killed at it', async () => {
    const program = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { createCipheriv, randomBytes } = require('node:crypto');
      import(workerData.path).then(({ ffiEngine }) => {
        const aead = ffiEngine().aead('aes_128_gcm');
        parentPort.postMessage('started');
        for (let i = 0; i < workerData.records; i++) {
          const key = randomBytes(16), nonce = randomBytes(12), text = randomBytes((i * 37) % 3000);
          const out = Buffer.alloc(text.length + 16);
          aead.sealer(key).direct.seal(nonce, nonce, text, -1, out, 0, 0);
          const cipher = createCipheriv('aes-128-gcm', key, nonce).setAAD(nonce);
          const right = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
          if (!right.equals(out)) throw new Error('record ' + i + ' differs');
        }
        parentPort.postMessage('done');
      });
    `;
    const path = built;
    const start = (records: number): Worker =>
      new Worker(program, { eval: true, workerData: { path, records } });
    const finished = (worker: Worker): Promise<string[]> =>
      new Promise((resolve, reject) => {
        const said: string[] = [];
        worker.on('message', (word: string) => said.push(word));
        worker.on('error', reject);
        worker.on('exit', () => resolve(said));
      });
    const workers = [3000, 3000, 3000].map((records) => finished(start(records)));
    const endless = start(Number.MAX_SAFE_INTEGER);
    const killed = finished(endless);
    await new Promise((resolve) => endless.once('message', resolve));
    await endless.terminate();
    expect(await killed).toEqual(['started']);
    expect(await Promise.all(workers)).toEqual(workers.map(() => ['started', 'done']));
  });

  it('shows no key to who prints it', () => {
    const key = randomBytes(16);
    const aead = present(presentFfi().aead('aes_128_gcm'));
    const labels = present(presentFfi().hash('sha256')).labels(key);
    aead.sealer(key).sealInPlace(new Uint8Array(12), key, new Uint8Array(40), 0, 20);
    const bytes = [...key].join(', ');
    for (const holder of [aead.sealer(key), aead.opener(key), labels]) {
      const printed = inspect(holder, {
        depth: 9,
        maxArrayLength: 100_000,
        breakLength: Number.POSITIVE_INFINITY,
      });
      expect(printed).toContain('[secret]');
      expect(printed).not.toContain(bytes);
    }
  });

  it('is one per thread and bridge', () => {
    expect(ffiEngine()).toBe(ffiEngine());
    expect(['koffi', 'node:ffi']).toContain(presentFfi().bridge);
    expect(presentFfi().name).toBe('ffi+node+noble');
  });
});

const built = fileURLToPath(new URL('../../packages/ssl/dist/ffi.js', import.meta.url));

describe('Where there can be no engine through FFI', () => {
  it('the error says what to do: a bridge that is not there', () => {
    if (typeof process.getBuiltinModule('node:ffi') === 'object') return;
    expect(() => ffiEngine({ bridge: 'node:ffi' })).toThrow(FfiUnavailable);
    expect(() => ffiEngine({ bridge: 'node:ffi' })).toThrow(/26\.9 and later/);
  });

  it('the error says what to do: the permission model', () => {
    const [major = 0] = process.versions.node.split('.').map(Number);
    const permission = major < 22 ? '--experimental-permission' : '--permission';
    const program = `
      import { ffiEngine } from ${JSON.stringify(built)};
      try { ffiEngine({ bridge: 'koffi' }); } catch (error) { console.log(error.code, error.message); }
    `;
    const flags = [
      permission,
      '--allow-fs-read=*',
      '--no-warnings',
      '--input-type=module',
      '--eval',
      program,
    ];
    const said = execFileSync(process.execPath, flags, { encoding: 'utf8', timeout: patience });
    expect(said).toMatch(
      /ERR_FFI_UNAVAILABLE no way to call libcrypto\. koffi: .*(--allow-addons|not installed)/,
    );
  });
});
