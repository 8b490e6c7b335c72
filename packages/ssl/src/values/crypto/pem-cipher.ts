/**
 * Ciphers and key derivations of encrypted key files (RFC 1421, PKCS#5, PKCS#12, RFC 7914).
 *
 * Old ones, here only to read files that exist: node:crypto does what OpenSSL 3 still has, single DES runs as
 * triple DES with one key three times. RC2 (RFC 2268) and RC4 are in neither node:crypto nor noble, so that they
 * are written out, for decryption only; nothing in the protocol reaches them.
 */
import { createDecipheriv, createHash, createHmac, pbkdf2Sync, scryptSync } from 'node:crypto';

/** `cfb` feeds back whole blocks, `cfb1` and `cfb8` that many bits. Default: `cbc`. */
export type FileMode = 'cbc' | 'cfb' | 'cfb1' | 'cfb8' | 'ofb' | 'ctr' | 'ecb';

export type FileCipher =
  | { readonly name: 'aes' | 'camellia' | 'aria'; readonly keyLength: 16 | 24 | 32; readonly mode?: FileMode }
  | { readonly name: 'sm4'; readonly keyLength: 16; readonly mode?: FileMode }
  | { readonly name: 'des' | 'des2' | 'des3'; readonly mode?: FileMode }
  /** `effectiveBits` is RC2's own limit on the key. */
  | { readonly name: 'rc2'; readonly keyLength: number; readonly effectiveBits: number }
  | { readonly name: 'rc4'; readonly keyLength: number };

export type FileHash =
  | 'md5'
  | 'sha1'
  | 'sha224'
  | 'sha256'
  | 'sha384'
  | 'sha512'
  | 'sha512-224'
  | 'sha512-256';

export function keyLengthOf(cipher: FileCipher): number {
  switch (cipher.name) {
    case 'des':
      return 8;
    case 'des2':
      return 16;
    case 'des3':
      return 24;
    case 'aes':
    case 'camellia':
    case 'aria':
    case 'sm4':
    case 'rc2':
    case 'rc4':
      return cipher.keyLength;
  }
}

/** bytes; 0 for a stream cipher */
export function ivLengthOf(cipher: FileCipher): number {
  switch (cipher.name) {
    case 'rc4':
      return 0;
    case 'aes':
    case 'camellia':
    case 'aria':
    case 'sm4':
      return 16;
    case 'des':
    case 'des2':
    case 'des3':
    case 'rc2':
      return 8;
  }
}

/** Block modes with PKCS#7 padding, or the stream. `undefined`: the padding is wrong, as after a wrong password. */
export function decryptFile(
  cipher: FileCipher,
  key: Uint8Array,
  iv: Uint8Array,
  data: Uint8Array,
): Uint8Array | undefined {
  switch (cipher.name) {
    case 'rc4':
      return rc4(key, data);
    case 'rc2':
      return unpad(rc2Cbc(key, cipher.effectiveBits, iv, data));
    case 'des':
      return byNode('des-ede3', cipher, Buffer.concat([key, key, key]), iv, data);
    case 'des2':
      return byNode('des-ede3', cipher, Buffer.concat([key, key.subarray(0, 8)]), iv, data);
    case 'des3':
      return byNode('des-ede3', cipher, key, iv, data);
    case 'sm4':
      return byNode('sm4', cipher, key, iv, data);
    case 'aes':
    case 'camellia':
    case 'aria':
      return byNode(`${cipher.name}-${cipher.keyLength * 8}`, cipher, key, iv, data);
  }
}

function byNode(
  name: string,
  { mode = 'cbc' }: { readonly mode?: FileMode },
  key: Uint8Array,
  iv: Uint8Array,
  data: Uint8Array,
): Uint8Array | undefined {
  if (data.length === 0) return undefined;
  const decipher = createDecipheriv(`${name}-${mode}`, key, mode === 'ecb' ? null : iv);
  try {
    return Buffer.concat([decipher.update(data), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** OpenSSL's EVP_BytesToKey with MD5, one round, the IV's first 8 bytes as salt: DEK-Info files. */
export function openSslKey(password: Uint8Array, iv: Uint8Array, length: number): Uint8Array {
  const salt = iv.subarray(0, 8);
  let out = Buffer.alloc(0);
  let last = Buffer.alloc(0);
  while (out.length < length) {
    last = createHash('md5').update(last).update(password).update(salt).digest();
    out = Buffer.concat([out, last]);
  }
  return out.subarray(0, length);
}

/** PBKDF1 (RFC 8018 §5.1). */
export function pbkdf1(
  hash: 'md5' | 'sha1',
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  length: number,
): Uint8Array {
  let digest = createHash(hash).update(password).update(salt).digest();
  for (let i = 1; i < iterations; i++) digest = createHash(hash).update(digest).digest();
  return digest.subarray(0, length);
}

/** PBKDF2 (RFC 8018 §5.2). */
export function pbkdf2(
  hash: FileHash,
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  length: number,
): Uint8Array {
  return pbkdf2Sync(password, salt, iterations, length, hash);
}

/** scrypt (RFC 7914). Throws when it would need more than `maxMemory` bytes. */
export function scrypt(
  password: Uint8Array,
  salt: Uint8Array,
  parameters: { readonly n: number; readonly r: number; readonly p: number },
  length: number,
): Uint8Array {
  const { n, r, p } = parameters;
  const memory = 128 * n * r + 128 * r * p + 256 * r;
  if (memory > MAX_SCRYPT) throw new RangeError(`scrypt would need ${memory} bytes`);
  return scryptSync(password, salt, length, { N: n, r, p, maxmem: MAX_SCRYPT * 2 });
}

const MAX_SCRYPT = 512 * 1024 * 1024;

/** PKCS#12's derivation (RFC 7292 appendix B.2). `password` as UTF-16BE with its final zeros; `id` 1 key, 2 IV, 3 MAC. */
export function pkcs12Key(
  hash: FileHash,
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  id: 1 | 2 | 3,
  length: number,
): Uint8Array {
  const block = hash === 'sha384' || hash.startsWith('sha512') ? 128 : 64;
  const input = Buffer.concat([repeatTo(salt, block), repeatTo(password, block)]);
  const diversifier = Buffer.alloc(block, id);
  const out: Uint8Array[] = [];
  for (let have = 0; have < length; ) {
    let digest = createHash(hash).update(diversifier).update(input).digest();
    for (let i = 1; i < iterations; i++) digest = createHash(hash).update(digest).digest();
    out.push(digest);
    have += digest.length;
    const addend = repeatTo(digest, block).subarray(0, block);
    for (let at = 0; at < input.length; at += block) {
      // Each block of the input grows by the digest plus one, modulo 2^(8 * block).
      let carry = 1;
      for (let i = block - 1; i >= 0; i--) {
        carry += (input[at + i] ?? 0) + (addend[i] ?? 0);
        input[at + i] = carry & 0xff;
        carry >>= 8;
      }
    }
  }
  return Buffer.concat(out).subarray(0, length);
}

/** HMAC over a PKCS#12 file's content. */
export function fileHmac(hash: FileHash, key: Uint8Array, data: Uint8Array): Uint8Array {
  return createHmac(hash, key).update(data).digest();
}

function repeatTo(bytes: Uint8Array, block: number): Buffer {
  const out = Buffer.alloc(bytes.length === 0 ? 0 : Math.ceil(bytes.length / block) * block);
  for (let i = 0; i < out.length; i++) out[i] = bytes[i % bytes.length] ?? 0;
  return out;
}

function unpad(data: Uint8Array | undefined): Uint8Array | undefined {
  const padding = data?.[data.length - 1] ?? 0;
  if (data === undefined || padding < 1 || padding > 8) return undefined;
  for (let i = data.length - padding; i < data.length; i++) if (data[i] !== padding) return undefined;
  return data.subarray(0, data.length - padding);
}

function rc4(key: Uint8Array, data: Uint8Array): Uint8Array {
  const state = Uint8Array.from({ length: 256 }, (_, i) => i);
  const swap = (a: number, b: number): void => {
    const kept = state[a] ?? 0;
    state[a] = state[b] ?? 0;
    state[b] = kept;
  };
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + (state[i] ?? 0) + (key[i % key.length] ?? 0)) & 0xff;
    swap(i, j);
  }
  let i = 0;
  let j = 0;
  return data.map((octet) => {
    i = (i + 1) & 0xff;
    j = (j + (state[i] ?? 0)) & 0xff;
    swap(i, j);
    return octet ^ (state[((state[i] ?? 0) + (state[j] ?? 0)) & 0xff] ?? 0);
  });
}

/** RFC 2268 §2, §4. */
function rc2Cbc(
  key: Uint8Array,
  effectiveBits: number,
  iv: Uint8Array,
  data: Uint8Array,
): Uint8Array | undefined {
  if (data.length === 0 || data.length % 8 !== 0) return undefined;
  const words = rc2Schedule(key, effectiveBits);
  const out = new Uint8Array(data.length);
  let previous = iv;
  for (let at = 0; at < data.length; at += 8) {
    const block = data.subarray(at, at + 8);
    const plain = rc2Decrypt(words, block);
    for (let i = 0; i < 8; i++) out[at + i] = (plain[i] ?? 0) ^ (previous[i] ?? 0);
    previous = block;
  }
  return out;
}

/** Digits of pi, RFC 2268 §2. */
const pi: Uint8Array = Uint8Array.from(
  (
    'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2179a59f587b34f1361456d8d09817d32' +
    'bd8f40eb86b77b0bf09521225c6b4e8254d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626' +
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed708e8eade8052eef784aa72ac354d6a2a' +
    '961ad2715a1549744b9fd05e0418a4ecc2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d30 0e6cfe19ea82c6316013f58e289a90d38341bab33ffb0bb480c5fb9b1cd2e' +
    'c5f3db47e5a59c770aa62068fe7fc1ad'
  )
    .replace(/ /g, '')
    .match(/../g)
    ?.map((pair) => Number.parseInt(pair, 16)) ?? [],
);

function rc2Schedule(key: Uint8Array, effectiveBits: number): Uint16Array {
  const table = (index: number): number => pi[index & 0xff] ?? 0;
  const expanded = new Uint8Array(128);
  expanded.set(key);
  for (let i = key.length; i < 128; i++) {
    expanded[i] = table((expanded[i - 1] ?? 0) + (expanded[i - key.length] ?? 0));
  }
  const bytes = (effectiveBits + 7) >> 3;
  const mask = 0xff >> (8 * bytes - effectiveBits);
  expanded[128 - bytes] = table((expanded[128 - bytes] ?? 0) & mask);
  for (let i = 127 - bytes; i >= 0; i--) {
    expanded[i] = table((expanded[i + 1] ?? 0) ^ (expanded[i + bytes] ?? 0));
  }
  return Uint16Array.from(
    { length: 64 },
    (_, i) => (expanded[2 * i] ?? 0) | ((expanded[2 * i + 1] ?? 0) << 8),
  );
}

function rc2Decrypt(words: Uint16Array, block: Uint8Array): Uint8Array {
  const r = Array.from({ length: 4 }, (_, i) => (block[2 * i] ?? 0) | ((block[2 * i + 1] ?? 0) << 8));
  const shifts = [1, 2, 3, 5];
  const get = (i: number): number => r[i & 3] ?? 0;
  let j = 63;
  for (let round = 15; round >= 0; round--) {
    if (round === 10 || round === 4) {
      for (let i = 3; i >= 0; i--) r[i] = (get(i) - (words[get(i + 3) & 63] ?? 0)) & 0xffff;
    }
    for (let i = 3; i >= 0; i--) {
      const shift = shifts[i] ?? 0;
      const rotated = ((get(i) >> shift) | (get(i) << (16 - shift))) & 0xffff;
      r[i] = (rotated - (words[j--] ?? 0) - (get(i + 3) & get(i + 2)) - (~get(i + 3) & get(i + 1))) & 0xffff;
    }
  }
  return Uint8Array.from({ length: 8 }, (_, i) => ((r[i >> 1] ?? 0) >> (8 * (i & 1))) & 0xff);
}
