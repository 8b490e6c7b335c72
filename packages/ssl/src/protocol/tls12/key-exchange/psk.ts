/** A key that both had before, and how it goes into the secret (RFC 4279 §2, §3, §4; RFC 5489 §2). */
import { Secret } from '../../../values/secret.js';
import { concat } from '../../../values/wire/join.js';

/** `struct { opaque other_secret<0..2^16-1>; opaque psk<0..2^16-1>; }`; without an agreement the former is zeros. */
export function withPsk(other: Secret | undefined, psk: Secret): Secret {
  const key = psk.expose();
  const agreed = other?.expose() ?? new Uint8Array(key.length);
  const premaster = concat([lengthOf(agreed), agreed, lengthOf(key), key]);
  other?.zero();
  return new Secret(premaster);
}

function lengthOf({ length }: Uint8Array): Uint8Array {
  return Uint8Array.of(length >> 8, length);
}
