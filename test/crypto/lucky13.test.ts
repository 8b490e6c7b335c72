/**
 * Whether the time of a refused CBC record tells what was wrong with it (Vaudenay 2002, Lucky 13): `npm run timing`, over a
 * million records. Classes of forgeries take turns; of each the quick measurements are compared, since what else runs on
 * the machine only adds.
 */
import { createCipheriv } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { MacReadProtection } from '../../packages/ssl/src/protocol/record/mac-protection.js';
import { nodeEngine } from '../../packages/ssl/src/values/crypto/node/engine.js';

const timed = process.env['ACTOR_TLS_TIMING'] !== undefined;
const records = Number(process.env['ACTOR_TLS_TIMING_RECORDS'] ?? 1_000_000);
const none = new Uint8Array(0);

/** The end of a record whose padding is this; -1: none that could be one. */
const paddings: Readonly<Record<string, number>> = {
  'no padding at all': -1,
  'padding 0': 0,
  'padding 1': 1,
  'padding 12': 12,
  'padding 60': 60,
  'padding 124': 124,
  'padding 255': 255,
};

function plaintext(length: number, padding: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 89 + 41) & 255;
  if (padding < 0) bytes[length - 1] = 200;
  else bytes.fill(padding, length - padding - 1);
  return bytes;
}

describe('Time of a refused CBC record', () => {
  test.runIf(timed).each([
    ['aes_128_cbc', 'aes-128-cbc', 'sha', 16, 20],
    ['aes_128_cbc', 'aes-128-cbc', 'sha256', 16, 32],
    ['aes_256_cbc', 'aes-256-cbc', 'sha384', 32, 48],
  ] as const)(
    'with %s, %s and %s does not tell padding from MAC',
    (name, openssl, hashName, keyLength, macLength) => {
      const cipher = nodeEngine.cipher(name);
      const hash = nodeEngine.hash(hashName);
      if (cipher === undefined || hash === undefined) throw new Error('no such suite');
      const scheme = { cipher, hash, version: 0x0303, explicitIv: true, encryptThenMac: false };
      const keys = { mac: new Uint8Array(macLength), key: new Uint8Array(keyLength), iv: none };
      const length = 512;
      const classes = Object.entries(paddings).map(([what, padding]) => {
        const iv = Buffer.alloc(16, 7);
        const seal = createCipheriv(openssl, keys.key, iv).setAutoPadding(false);
        return { what, fragment: Buffer.concat([iv, seal.update(plaintext(length, padding))]), took: [0] };
      });
      const read = new MacReadProtection(scheme, keys, true);
      const batch = 20;
      const rounds = Math.ceil(records / 3 / (classes.length * batch));
      for (let round = 0; round < rounds; round++) {
        for (const { fragment, took } of classes) {
          const start = process.hrtime.bigint();
          for (let i = 0; i < batch; i++)
            if (read.open(23, 0x0303, none, [fragment], none, fragment.length) !== undefined)
              throw new Error('a forgery was taken');
          took.push(Number(process.hrtime.bigint() - start) / batch);
        }
      }
      const quick = classes.map(({ what, took }) => {
        const sorted = took.slice(took.length >> 2).sort((a, b) => a - b);
        return { what, ns: sorted[Math.floor(sorted.length / 10)] ?? 0 };
      });
      console.log(`${hashName}: ${quick.map(({ what, ns }) => `${what} ${ns.toFixed(0)} ns`).join(', ')}`);
      const all = quick.map(({ ns }) => ns);
      // One compression of SHA-1 is some 100 ns: what Lucky 13 measured. A hundredth of a record is less.
      expect(Math.max(...all) - Math.min(...all)).toBeLessThan(Math.max(60, Math.min(...all) * 0.01));
    },
    600_000,
  );
});
