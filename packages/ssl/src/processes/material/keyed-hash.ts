/** Hashes that nobody outside can predict, for tables that attackers may try to fill with collisions. */
import type { ElementHash } from '@actor-tls/session-store';
import type { CryptoEngine } from '../../values/crypto/engine.js';

/** Two independent hashes under fresh keys: 48 bits of an HMAC-SHA-256 each. */
export function keyedHashes(engine: CryptoEngine): readonly [ElementHash, ElementHash] {
  const sha256 = engine.hash('sha256');
  if (sha256 === undefined) throw new TypeError('no SHA-256');
  const one = (): ElementHash => {
    const key = engine.randomBytes(32);
    return (element) => {
      const digest = sha256.hmac(key, element);
      let value = 0;
      for (let i = 0; i < 6; i++) value = value * 256 + (digest[i] ?? 0);
      return value;
    };
  };
  return [one(), one()];
}
