/** ECDHE_ECDSA and ECDHE_RSA (RFC 8422): ephemeral keys of both sides, the server's signed with its certificate's key. */
import type { CryptoEngine, Group, GroupName, KeyShare } from '../../../values/crypto/engine.js';
import { groupByCode, groupCode } from '../../../values/registry/groups.js';
import { Secret } from '../../../values/secret.js';
import { type Codec, decodeAll, encodeAll } from '../../../values/wire/codec.js';
import { concat } from '../../../values/wire/join.js';
import {
  clientEcdhPublic,
  type DigitallySigned,
  digitallySigned,
  namedCurveType,
  type ServerEcdhParams,
  serverEcdhParams,
} from '../../../values/wire/messages/tls12/key-exchange.js';
import { AlertError } from '../../reasons.js';
import type { Randoms } from '../master-secret.js';

/** ServerKeyExchange: the parameters, and what is signed of them. */
export interface SignedEcdhParams {
  readonly params: ServerEcdhParams;
  readonly signed: DigitallySigned;
}

const signedEcdhParams: Codec<SignedEcdhParams> = {
  decode: (reader) => ({ params: serverEcdhParams.decode(reader), signed: digitallySigned.decode(reader) }),
  encode(writer, { params, signed }) {
    serverEcdhParams.encode(writer, params);
    digitallySigned.encode(writer, signed);
  },
};

/** The bytes under the server's signature (RFC 8422 §5.4). */
export function signedParams(params: ServerEcdhParams, { client, server }: Randoms): Uint8Array {
  return concat([client, server, encodeAll(serverEcdhParams, params)]);
}

/** What a server says of its ephemeral key. */
export function paramsOf(group: Group, share: KeyShare): ServerEcdhParams {
  return { curveType: namedCurveType, namedCurve: groupCode(group.name), point: share.publicKey };
}

/** The body of a ServerKeyExchange. */
export function encodeServerKeyExchange(signed: SignedEcdhParams): Uint8Array {
  return encodeAll(signedEcdhParams, signed);
}

/** Reads a ServerKeyExchange. Throws `DecodeError`. */
export function decodeServerKeyExchange(exchangeKeys: Uint8Array): SignedEcdhParams {
  return decodeAll(signedEcdhParams, exchangeKeys);
}

/** The group that a server chose, if we offered it. Throws `wrong_group`. */
export function acceptGroup(
  { curveType, namedCurve }: ServerEcdhParams,
  offered: readonly GroupName[],
  engine: CryptoEngine,
): Group {
  const name = curveType === namedCurveType ? groupByCode(namedCurve) : undefined;
  const own = offered.find((candidate) => candidate === name);
  const group = own && engine.group(own);
  if (group === undefined) throw new AlertError('wrong_group', { group: namedCurve });
  return group;
}

/** The body of a ClientKeyExchange. */
export function encodeClientKeyExchange(share: KeyShare): Uint8Array {
  return encodeAll(clientEcdhPublic, { point: share.publicKey });
}

/** The client's public key. Throws `DecodeError`. */
export function decodeClientKeyExchange(exchangeKeys: Uint8Array): Uint8Array {
  return decodeAll(clientEcdhPublic, exchangeKeys).point;
}

/** The premaster secret (RFC 8422 §5.10). Throws `bad_key_share`. */
export function premasterSecret(share: KeyShare, peerPoint: Uint8Array): Secret {
  const shared = share.sharedSecret(peerPoint);
  if (shared === undefined) throw new AlertError('bad_key_share');
  return new Secret(shared);
}
