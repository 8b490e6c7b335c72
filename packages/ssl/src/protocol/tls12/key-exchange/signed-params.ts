/** What the signature of a ServerKeyExchange is about (RFC 5246 §7.4.3), of whatever exchange the parameters are. */
import { concat } from '../../../values/wire/join.js';
import type { Randoms } from '../master-secret.js';

/** The bytes under the server's signature. */
export function signedParams(params: Uint8Array, { client, server }: Randoms): Uint8Array {
  return concat([client, server, params]);
}
