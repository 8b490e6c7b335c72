/** The verifier of a password (RFC 5054 §2.4, `srpVerifier`): all that a server keeps of a user, besides the salt and the group. */
import type { DhParams } from '../../../values/crypto/dh-parameter.js';
import type { CryptoEngine } from '../../../values/crypto/engine.js';
import { Secret } from '../../../values/secret.js';
import { concat } from '../../../values/wire/join.js';

/** x = SHA1(s | SHA1(I | ":" | P)). `username`, `password`: UTF-8. Throws `TypeError` where the engine has no SHA-1. */
export function srpPrivateKey(
  salt: Uint8Array,
  { username, password }: { readonly username: Uint8Array; readonly password: Uint8Array },
  engine: CryptoEngine,
): Uint8Array {
  const sha = engine.hash('sha');
  if (sha === undefined) throw new TypeError('SRP needs SHA-1');
  const inner = sha.digest(concat([username, Uint8Array.of(0x3a), password]));
  return sha.digest(concat([salt, inner]));
}

/** v = g^x % N. Throws `TypeError` where the engine has no finite fields. */
export function verifierOf(
  { prime, generator }: DhParams,
  salt: Uint8Array,
  user: { readonly username: Uint8Array; readonly password: Uint8Array },
  engine: CryptoEngine,
): Secret {
  const verifier = engine.finiteField(prime, generator)?.power(generator, srpPrivateKey(salt, user, engine));
  if (verifier === undefined) throw new TypeError('the engine has no finite fields');
  return new Secret(verifier);
}
