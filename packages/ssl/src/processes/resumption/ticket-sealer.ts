/**
 * Sealing of stateless tickets (RFC 5077 §4, RFC 8446 §4.6.1): AES-256-GCM, a key of its own for each ticket, derived from
 * the sealer's and 32 random bytes that travel along. So no pair of key and nonce comes twice, however many servers seal
 * under one seed and however long.
 */
import type { TicketSealer } from '@actor-tls/session-store';
import type { CryptoEngine, HashFunction } from '../../values/crypto/engine.js';
import { Secret } from '../../values/secret.js';
import { concat } from '../../values/wire/join.js';

/** bytes */
const keyLength = 32;
const saltLength = 32;
const nonceLength = 12;
const tagLength = 16;

/** A fresh key, which goes with its process. */
export function freshTicketKey(engine: CryptoEngine): Secret {
  return new Secret(engine.randomBytes(keyLength));
}

/** The key of all servers that share a seed (`stateless_tickets_seed`). */
export function seededTicketKey(seed: Uint8Array, engine: CryptoEngine): Secret {
  return new Secret(sha256Of(engine).hkdfExtract(label('actor-tls stateless tickets'), seed));
}

/** Seals and opens under a key of 32 bytes. Throws `TypeError` when the engine lacks AES-256-GCM or SHA-256. */
export function ticketSealer(key: Secret, engine: CryptoEngine): TicketSealer {
  const sha256 = sha256Of(engine);
  const aead = engine.aead('aes_256_gcm');
  if (aead === undefined) throw new TypeError('no AES-256-GCM');
  return {
    seal(content) {
      const salt = engine.randomBytes(saltLength);
      const { own, nonce } = keysOf(key, salt, sha256);
      const tag = new Uint8Array(tagLength);
      const plaintext = new Uint8Array(content.expose());
      const ciphertext = aead.sealer(own).seal(nonce, aad, plaintext, tag, 0);
      return concat([salt, ciphertext, tag]);
    },
    open(ticket) {
      const end = ticket.length - tagLength;
      if (end <= saltLength) return undefined;
      const { own, nonce } = keysOf(key, ticket.subarray(0, saltLength), sha256);
      const pieces = aead
        .opener(own)
        .open(nonce, aad, [ticket.subarray(saltLength, end)], ticket.subarray(end));
      return pieces && new Secret(concat(pieces));
    },
  };
}

const aad = label('ticket');
const info = label('actor-tls ticket key');

/** The nonce is derived too: neither is ever used with another. */
function keysOf(
  key: Secret,
  salt: Uint8Array,
  sha256: HashFunction,
): { readonly own: Uint8Array; readonly nonce: Uint8Array } {
  const extracted = sha256.hkdfExtract(salt, key.expose());
  const derived = sha256.hkdfExpand(extracted, info, keyLength + nonceLength);
  return { own: derived.subarray(0, keyLength), nonce: derived.subarray(keyLength) };
}

function sha256Of(engine: CryptoEngine): HashFunction {
  const sha256 = engine.hash('sha256');
  if (sha256 === undefined) throw new TypeError('no SHA-256');
  return sha256;
}

function label(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
