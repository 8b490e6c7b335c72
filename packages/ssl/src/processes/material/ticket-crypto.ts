/** The cryptography of stateless tickets and of wrapped stores (`packages/session-store`), made of an engine. */
import type { TicketCrypto } from '@actor-tls/session-store';
import type { CryptoEngine } from '../../values/crypto/engine.js';
import { concat } from '../../values/wire/join.js';

/** HKDF with SHA-256 (RFC 5869) and AES-256-GCM (RFC 5116 §5.2). Throws `TypeError` when the engine lacks one. */
export function ticketCrypto(engine: CryptoEngine): TicketCrypto {
  const sha256 = engine.hash('sha256');
  const aes = engine.aead('aes_256_gcm');
  if (sha256 === undefined || aes === undefined) throw new TypeError('no SHA-256, or no AES-256-GCM');
  return {
    randomBytes: (length) => engine.randomBytes(length),
    extract: (salt, inputKeyMaterial) => sha256.hkdfExtract(salt, inputKeyMaterial),
    expand: (pseudoRandomKey, info, length) => sha256.hkdfExpand(pseudoRandomKey, info, length),
    seal(key, nonce, aad, plaintext) {
      const sealed = new Uint8Array(plaintext.length + aes.tagLength);
      sealed.set(plaintext);
      aes.sealer(key).sealInPlace(nonce, aad, sealed, 0, plaintext.length);
      return sealed;
    },
    open(key, nonce, aad, sealed) {
      const end = sealed.length - aes.tagLength;
      if (end < 0) return undefined;
      const ciphertext = end === 0 ? [] : [sealed.subarray(0, end)];
      const pieces = aes.opener(key).open(nonce, aad, ciphertext, sealed.subarray(end));
      return pieces && concat(pieces);
    },
  };
}
