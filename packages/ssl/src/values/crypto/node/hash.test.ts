import { createHmac, randomBytes } from 'node:crypto';
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
