import { createHash, createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { HashName } from '../engine.js';
import { nodeEngine } from './engine.js';
import { digestName } from './hash.js';

const names: readonly HashName[] = ['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'];

describe('HMAC of the node engine is that of createHmac', () => {
  test.each(names)('%s, for keys and data of every length around a block', (name) => {
    const hash = nodeEngine.hash(name);
    const keyLengths = [0, 1, 20, 32, 48, 63, 64, 65, 127, 128, 129, 200];
    const dataLengths = [0, 1, 32, 55, 56, 63, 64, 65, 383, 384, 385, 447, 448, 449, 512, 5000];
    for (const keyLength of keyLengths) {
      for (const dataLength of dataLengths) {
        const key = randomBytes(keyLength);
        const data = randomBytes(dataLength);
        const expected = createHmac(digestName(name), key).update(data).digest('hex');
        expect(Buffer.from(hash?.hmac(key, data) ?? []).toString('hex')).toBe(expected);
      }
    }
  });

  test('one MAC leaves nothing behind for the next, whatever their lengths', () => {
    const hash = nodeEngine.hash('sha256');
    const key = new Uint8Array(32).fill(1);
    const short = hash?.hmac(key, Uint8Array.of(1));
    hash?.hmac(new Uint8Array(64).fill(0xff), new Uint8Array(300).fill(0xff));
    expect(hash?.hmac(key, Uint8Array.of(1))).toEqual(short);
  });
});

describe('A running hash', () => {
  /** Pieces of so many bytes each; all of one differ from all of another. */
  const pieces = (...lengths: number[]): Uint8Array[] =>
    lengths.map((length, at) => new Uint8Array(length).fill(at + 1));

  test.each([
    ['few bytes', pieces(10, 0, 200, 1)],
    ['as much as is kept, and a byte more', pieces(4000, 96, 1, 5)],
    ['one piece longer than is kept', pieces(5, 10_000, 7)],
    ['short pieces after the first that was too long', pieces(4000, 200, 3, 3)],
  ])('of %s is at each step the hash of all so far', (_name, parts) => {
    const running = nodeEngine.hash('sha256')?.start();
    const so: Uint8Array[] = [];
    for (const part of parts) {
      running?.update(part);
      so.push(part);
      const expected = createHash('sha256').update(Buffer.concat(so)).digest('hex');
      expect(Buffer.from(running?.digest() ?? []).toString('hex')).toBe(expected);
      expect(Buffer.from(running?.digest() ?? []).toString('hex')).toBe(expected);
    }
  });

  test.each([
    ['short', 100],
    ['long', 9000],
  ])('forks when it is %s, and both go on alone', (_name, length) => {
    const start = new Uint8Array(length).fill(1);
    const running = nodeEngine.hash('sha384')?.start();
    running?.update(start);
    const fork = running?.fork();
    running?.update(Uint8Array.of(2));
    fork?.update(Uint8Array.of(3));
    const hashOf = (last: number): string =>
      createHash('sha384').update(start).update(Uint8Array.of(last)).digest('hex');
    expect(Buffer.from(running?.digest() ?? []).toString('hex')).toBe(hashOf(2));
    expect(Buffer.from(fork?.digest() ?? []).toString('hex')).toBe(hashOf(3));
  });
});
