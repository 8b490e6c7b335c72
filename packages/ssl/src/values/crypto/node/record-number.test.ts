import { createCipheriv, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { recordNumberCipher } from './record-number.js';

it.each([
  ['aes_128_gcm', 16, 'aes-128-ecb'],
  ['aes_256_gcm', 32, 'aes-256-ecb'],
] as const)(
  '%s: as many directions as may come, each has its own masks, of every record',
  (aead, length, name) => {
    // More than keep a cipher, in turns.
    const directions = Array.from({ length: 2300 }, () => {
      const key = randomBytes(length);
      return { key, numbers: recordNumberCipher(aead, key) };
    });
    let wrong = 0;
    for (let round = 0; round < 8; round += 1)
      for (const { key, numbers } of directions) {
        const sample = randomBytes(16);
        const mask = createCipheriv(name, key, null).update(sample);
        if (!mask.equals(numbers.mask(sample))) wrong += 1;
      }
    expect(wrong).toBe(0);
  },
);

it('takes the first sixteen bytes of a longer sample, again and again', () => {
  const key = randomBytes(16);
  const numbers = recordNumberCipher('aes_128_gcm', key);
  const sample = randomBytes(40);
  const first = createCipheriv('aes-128-ecb', key, null).update(sample.subarray(0, 16));
  for (let n = 0; n < 100; n += 1) expect(numbers.mask(sample)).toEqual(first);
});
