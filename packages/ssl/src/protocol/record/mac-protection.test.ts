/**
 * Records under ciphers that are no AEADs, beside node:crypto used directly as RFC 5246 §6.2.3.1, §6.2.3.2, RFC 4346, RFC 2246
 * and RFC 7366 have it: `fragmentOf` is written from the RFCs and shares nothing with the code under test.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CipherName, CryptoEngine } from '../../values/crypto/engine.js';
import { nobleEngine } from '../../values/crypto/noble/engine.js';
import { nodeEngine } from '../../values/crypto/node/engine.js';
import { MacReadProtection, type MacScheme, MacWriteProtection } from './mac-protection.js';
import type { WriteKey } from './write-key.js';

interface Case {
  readonly cipher: CipherName;
  readonly openssl: string;
  readonly hash: 'md5' | 'sha' | 'sha256' | 'sha384';
  readonly version: number;
  readonly encryptThenMac: boolean;
}

const cases: readonly Case[] = (
  [
    ['aes_128_cbc', 'aes-128-cbc', 'sha'],
    ['aes_128_cbc', 'aes-128-cbc', 'sha256'],
    ['aes_256_cbc', 'aes-256-cbc', 'sha384'],
    ['3des_ede_cbc', 'des-ede3-cbc', 'sha'],
    ['des_cbc', 'des-ede3-cbc', 'sha'],
  ] as const
).flatMap(([cipher, openssl, hash]) =>
  [0x0303, 0x0302, 0x0301].flatMap((version) =>
    [false, true].map((encryptThenMac) => ({ cipher, openssl, hash, version, encryptThenMac })),
  ),
);

function schemeOf(
  { cipher: name, hash: hashName, version, encryptThenMac }: Case,
  engine: CryptoEngine,
): MacScheme | undefined {
  const cipher = engine.cipher(name);
  const hash = engine.hash(hashName);
  if (cipher === undefined || hash === undefined) return undefined;
  return { cipher, hash, version, explicitIv: version > 0x0301, encryptThenMac };
}

function keysOf({ cipher, hash }: MacScheme): WriteKey {
  const counting = (length: number, from: number) => Uint8Array.from({ length }, (_, i) => from + i * 3);
  return {
    mac: counting(hash.outputLength, 7),
    key: counting(cipher.keyLength, 1),
    iv: counting(cipher.blockLength, 5),
  };
}

const openSslHash = { md5: 'md5', sha: 'sha1', sha256: 'sha256', sha384: 'sha384' } as const;

function macOf({ hash, version }: Case, key: Uint8Array, sequence: number, type: number, bytes: Uint8Array) {
  const head = Buffer.alloc(13);
  head.writeBigUInt64BE(BigInt(sequence), 0);
  head.writeUInt8(type, 8);
  head.writeUInt16BE(version, 9);
  head.writeUInt16BE(bytes.length, 11);
  return createHmac(openSslHash[hash], key).update(head).update(bytes).digest();
}

/** How a record may be wrong. */
interface Forgery {
  readonly padding?: (padding: Buffer) => Buffer;
  readonly mac?: (mac: Buffer) => Buffer;
}

/** A record's fragment; `iv`: what the first block is chained to. */
function fragmentOf(
  test: Case,
  scheme: MacScheme,
  { sequence, type, content, iv }: { sequence: number; type: number; content: Uint8Array; iv: Uint8Array },
  { padding: pad = (bytes) => bytes, mac: bend = (bytes) => bytes }: Forgery = {},
): Buffer {
  const { key, mac: macKey } = keysOf(scheme);
  const { blockLength } = scheme.cipher;
  const inside = test.encryptThenMac ? 0 : scheme.hash.outputLength;
  const length = blockLength - ((content.length + inside) % blockLength);
  const padding = pad(Buffer.alloc(length, length - 1));
  const mac = test.encryptThenMac ? Buffer.alloc(0) : bend(macOf(test, macKey, sequence, type, content));
  const wide = test.cipher === 'des_cbc' ? Buffer.concat([key, key, key]) : key;
  const cipher = createCipheriv(test.openssl, wide, iv).setAutoPadding(false);
  const body = Buffer.concat([cipher.update(Buffer.concat([content, mac, padding])), cipher.final()]);
  const ciphertext = scheme.explicitIv ? Buffer.concat([iv, body]) : body;
  if (!test.encryptThenMac) return ciphertext;
  return Buffer.concat([ciphertext, bend(macOf(test, macKey, sequence, type, ciphertext))]);
}

const contents = [0, 1, 13, 16, 27, 64, 255, 256, 300, 4000].map((length) =>
  Uint8Array.from({ length }, (_, index) => index * 11),
);
const none = new Uint8Array(0);
const nameOf = ({ cipher, hash, version, encryptThenMac }: Case): string =>
  `${cipher} with ${hash}, 0x0${version.toString(16)}${encryptThenMac ? ', encrypt-then-MAC' : ''}`;

for (const [engineName, engine] of [
  ['node', nodeEngine],
  ['noble', nobleEngine],
] as const) {
  describe.each(
    cases.filter((test) => schemeOf(test, engine) !== undefined).map((test) => [nameOf(test), test] as const),
  )(`${engineName}: %s`, (_name, test) => {
    const scheme = schemeOf(test, engine);
    if (scheme === undefined) throw new Error('filtered before');
    const { blockLength } = scheme.cipher;
    const keys = keysOf(scheme);
    const lastBlock = (fragment: Buffer): Uint8Array =>
      fragment
        .subarray(0, fragment.length - (test.encryptThenMac ? scheme.hash.outputLength : 0))
        .subarray(-blockLength);

    /** Fragments of records in a row, each chained as its version has it. */
    function fragments(forge: Forgery = {}): Buffer[] {
      let iv: Uint8Array = keys.iv;
      return contents.map((content, sequence) => {
        if (scheme?.explicitIv === true) iv = Buffer.alloc(blockLength, sequence + 1);
        const fragment = fragmentOf(test, scheme as MacScheme, { sequence, type: 23, content, iv }, forge);
        iv = lastBlock(fragment);
        return fragment;
      });
    }

    it('opens what the RFC makes, one record after the other', () => {
      const read = new MacReadProtection(scheme, keys, true);
      for (const [index, fragment] of fragments().entries()) {
        const opened = read.open(23, test.version, none, [fragment], none, fragment.length);
        expect(opened?.length).toBe(contents[index]?.length);
        expect(Buffer.concat(opened?.pieces ?? [])).toEqual(Buffer.from(contents[index] ?? none));
      }
    });

    it('seals records that the RFC can open, and never under one IV twice', () => {
      let chance = 0;
      const random = (length: number) =>
        Uint8Array.from({ length }, () => (chance = (chance * 5 + 77) & 255));
      const write = new MacWriteProtection(scheme, keys, random, undefined);
      const wide = test.cipher === 'des_cbc' ? Buffer.concat([keys.key, keys.key, keys.key]) : keys.key;
      let iv: Uint8Array = keys.iv;
      const ivs = new Set<string>();
      contents
        .filter(({ length }) => length > 0)
        .forEach((content, sequence) => {
          const record = Buffer.from(write.sealShort(23, content));
          const fragment = record.subarray(5);
          expect([...record.subarray(0, 5)]).toEqual([
            ...[23, test.version >> 8, test.version & 255, fragment.length >> 8, fragment.length & 255],
          ]);
          const macLength = test.encryptThenMac ? scheme.hash.outputLength : 0;
          const sealed = fragment.subarray(0, fragment.length - macLength);
          if (scheme.explicitIv) iv = sealed.subarray(0, blockLength);
          ivs.add(Buffer.from(iv).toString('hex'));
          const decipher = createDecipheriv(test.openssl, wide, iv).setAutoPadding(false);
          const plain = Buffer.concat([
            decipher.update(scheme.explicitIv ? sealed.subarray(blockLength) : sealed),
            decipher.final(),
          ]);
          iv = sealed.subarray(-blockLength);
          const padding = (plain.at(-1) ?? 0) + 1;
          expect(plain.subarray(-padding).every((byte) => byte === padding - 1)).toBe(true);
          const inside = plain.subarray(0, plain.length - padding);
          if (test.encryptThenMac) {
            expect(inside).toEqual(Buffer.from(content));
            expect(fragment.subarray(-macLength)).toEqual(macOf(test, keys.mac, sequence, 23, sealed));
          } else {
            expect(inside).toEqual(Buffer.concat([content, macOf(test, keys.mac, sequence, 23, content)]));
          }
        });
      expect(ivs.size).toBe(contents.length - 1);
    });

    it('takes paddings of every length up to 255', () => {
      const content = Uint8Array.of(1, 2, 3);
      const inside = test.encryptThenMac ? 0 : scheme.hash.outputLength;
      const least = blockLength - ((content.length + inside) % blockLength);
      const read = new MacReadProtection(scheme, keys, true);
      let iv: Uint8Array = keys.iv;
      for (let length = least, sequence = 0; length <= 256; length += blockLength, sequence++) {
        const padding = () => Buffer.alloc(length, length - 1);
        const fragment = fragmentOf(test, scheme, { sequence, type: 23, content, iv }, { padding });
        iv = scheme.explicitIv ? keys.iv : lastBlock(fragment);
        const opened = read.open(23, test.version, none, [fragment], none, fragment.length);
        expect(Buffer.concat(opened?.pieces ?? [])).toEqual(Buffer.from(content));
      }
    });

    it.each<[string, Forgery]>([
      [
        'a wrong MAC',
        { mac: (mac) => Buffer.concat([mac.subarray(0, -1), Buffer.of((mac.at(-1) ?? 0) ^ 1)]) },
      ],
      [
        'a wrong first byte of the MAC',
        { mac: (mac) => Buffer.concat([Buffer.of((mac[0] ?? 0) ^ 128), mac.subarray(1)]) },
      ],
      [
        'a padding longer than the record',
        { padding: (padding) => Buffer.concat([padding.subarray(0, -1), Buffer.of(255)]) },
      ],
      [
        'a padding one too short',
        {
          padding: (padding) =>
            Buffer.concat([padding.subarray(0, -1), Buffer.of((padding.at(-1) ?? 0) ^ 1)]),
        },
      ],
    ])('refuses %s, in every length', (_what, forge) => {
      for (const content of contents.slice(0, -1)) {
        const fragment = fragmentOf(test, scheme, { sequence: 0, type: 23, content, iv: keys.iv }, forge);
        const read = new MacReadProtection(scheme, keys, true);
        expect(read.open(23, test.version, none, [fragment], none, fragment.length)).toBeUndefined();
      }
    });

    it('refuses another type, version, number, length, and what is too short or no whole block', () => {
      const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = fragments().slice(4);
      const opens = (type: number, version: number, fragment: Uint8Array): boolean =>
        new MacReadProtection(scheme, keys, true).open(
          type,
          version,
          none,
          [fragment],
          none,
          fragment.length,
        ) !== undefined;
      expect(opens(22, test.version, first)).toBe(false);
      expect(opens(23, test.version ^ 1, first)).toBe(false);
      expect(opens(23, test.version, second)).toBe(false);
      for (let length = 0; length < first.length; length++)
        expect(opens(23, test.version, first.subarray(0, length))).toBe(false);
    });
  });
}

describe('TLS 1.0', () => {
  const test: Case = { ...cases[0], version: 0x0301, encryptThenMac: false } as Case;
  const scheme = schemeOf(test, nodeEngine) as MacScheme;
  const keys = keysOf(scheme);

  it('with padding_check off takes a padding by its length alone, not without its MAC', () => {
    const padding = (bytes: Buffer) => Buffer.concat([Buffer.alloc(bytes.length - 1, 9), bytes.subarray(-1)]);
    const content = Uint8Array.of(1);
    const fragment = fragmentOf(test, scheme, { sequence: 0, type: 23, content, iv: keys.iv }, { padding });
    const opens = (checks: boolean) =>
      new MacReadProtection(scheme, keys, checks).open(23, 0x0301, none, [fragment], none, fragment.length);
    expect(opens(true)).toBeUndefined();
    expect(opens(false)?.length).toBe(1);
  });

  it.each([
    ['one byte', 1, [1, 99]],
    ['none', 0, [0, 100]],
    ['all that fits', undefined, [100]],
  ] as const)(
    'begins a send with a record of %s where it should, and a handshake message never',
    (_what, firstLength, lengths) => {
      const write = new MacWriteProtection(scheme, keys, () => none, firstLength);
      const read = new MacReadProtection(scheme, keys, true);
      const opened = (bytes: Uint8Array, type: number): number[] => {
        const found: number[] = [];
        for (let at = 0; at < bytes.length; ) {
          const length = ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0);
          const fragment = bytes.subarray(at + 5, at + 5 + length);
          found.push(read.open(type, 0x0301, none, [fragment], none, length)?.length ?? -1);
          at += 5 + length;
        }
        return found;
      };
      expect(opened(write.sealShort(23, new Uint8Array(100)), 23)).toEqual(lengths);
      expect(opened(write.sealShort(22, new Uint8Array(100)), 22)).toEqual([100]);
    },
  );
});

describe('RC4', () => {
  /** RFC 6229 §2, key of 128 bits, offset 0. */
  it('gives the published stream', () => {
    const key = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex');
    const stream = nodeEngine.cipher('rc4_128')?.encryptor(key, none);
    const first = Buffer.from(stream?.update(new Uint8Array(1024)) ?? none);
    expect(first.subarray(0, 32).toString('hex')).toBe(
      '9ac7cc9a609d1ef7b2932899cde41b975248c4959014126a6e8a84f11d1a9e1c',
    );
  });

  it('protects records in a row, and refuses one with a flipped bit', () => {
    const cipher = nodeEngine.cipher('rc4_128');
    const hash = nodeEngine.hash('md5');
    if (cipher === undefined || hash === undefined) throw new Error('no RC4');
    const scheme = { cipher, hash, version: 0x0303, explicitIv: true, encryptThenMac: true };
    const keys = keysOf(scheme);
    const write = new MacWriteProtection(scheme, keys, () => none, undefined);
    const read = new MacReadProtection(scheme, keys, true);
    for (const content of contents.slice(1)) {
      const fragment = write.sealShort(23, content).subarray(5);
      expect(fragment.length).toBe(content.length + 16);
      const opened = read.open(23, 0x0303, none, [fragment], none, fragment.length);
      expect(Buffer.concat(opened?.pieces ?? [])).toEqual(Buffer.from(content));
    }
    const fragment = Uint8Array.from(write.sealShort(23, Uint8Array.of(1)).subarray(5));
    fragment[0] = (fragment[0] ?? 0) ^ 1;
    expect(read.open(23, 0x0303, none, [fragment], none, fragment.length)).toBeUndefined();
  });
});
