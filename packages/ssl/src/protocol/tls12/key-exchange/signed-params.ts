/** ServerKeyExchange with a signature (RFC 5246 §7.4.3), of whatever exchange the parameters are. */
import { type Codec, encodeAll } from '../../../values/wire/codec.js';
import { concat } from '../../../values/wire/join.js';
import type { DigitallySigned } from '../../../values/wire/messages/tls12/key-exchange.js';
import type { Randoms } from '../master-secret.js';

/** The bytes under the server's signature. */
export function signedParams(params: Uint8Array, { client, server }: Randoms): Uint8Array {
  return concat([client, server, params]);
}

/** The body of the message. */
export function encodeSignedParams(
  params: Uint8Array,
  codec: Codec<DigitallySigned>,
  signed: DigitallySigned,
): Uint8Array {
  return concat([params, encodeAll(codec, signed)]);
}
