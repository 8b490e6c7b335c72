/**
 * The engine under a collector that runs at every chance. On Node 20 a public key exported as JWK could meet the
 * destructor of the job that had made it, on the same thread and under the same lock: the process stood still for
 * ever, once in some ten thousand handshakes.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { patience } from '../support/patience.js';

const engine = fileURLToPath(
  new URL('../../packages/ssl/dist/values/crypto/node/engine.js', import.meta.url),
);

describe('Key exchange while the collector runs', () => {
  test('40,000 shares of x25519 are made, and none waits for ever', () => {
    const program = `
      import { nodeEngine } from ${JSON.stringify(engine)};
      const group = nodeEngine.group('x25519');
      let length = 0;
      for (let i = 0; i < 40_000; i++) length = group.generate().publicKey.length;
      console.log(length);
    `;
    const flags = ['--gc-global', '--max-semi-space-size=1', '--input-type=module', '--eval', program];
    expect(execFileSync(process.execPath, flags, { encoding: 'utf8', timeout: 2 * patience })).toBe('32\n');
  });
});
