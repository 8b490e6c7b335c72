/** ECDHE_ECDSA and ECDHE_RSA (RFC 8422): ephemeral keys of both sides, the server's signed with its certificate's key. */
import type {
  CryptoEngine,
  CurveGroupName,
  DhGroup,
  GroupName,
  KeyShare,
} from '../../../values/crypto/engine.js';
import { groupByCode, groupCode, isTls12Curve } from '../../../values/registry/groups.js';
import { Secret } from '../../../values/secret.js';
import { decodeAll, encodeAll } from '../../../values/wire/codec.js';
import {
  clientEcdhPublic,
  namedCurveType,
  type ServerEcdhParams,
  serverEcdhParams,
} from '../../../values/wire/messages/tls12/key-exchange.js';
import { Reader } from '../../../values/wire/reader.js';
import { AlertError } from '../../reasons.js';
import type { Dependencies } from '../../settings.js';
import type {
  ClientExchange,
  KeyExchange,
  Reading,
  ReadServerExchange,
  ServerExchange,
} from './key-exchange.js';

export const ecdhe: KeyExchange = { serve, read };

function serve(group: DhGroup, dependencies: Dependencies): ServerExchange {
  const share = dependencies.keyShare(group);
  const params: ServerEcdhParams = {
    curveType: namedCurveType,
    namedCurve: groupCode(group.name),
    point: share.publicKey,
  };
  return {
    group: group.name,
    params: encodeAll(serverEcdhParams, params),
    premaster: (exchangeKeys) => premasterSecret(share, decodeAll(clientEcdhPublic, exchangeKeys).point),
  };
}

/** RFC 8422 §5.4 */
function read(exchangeKeys: Uint8Array, { offered, engine, digitallySigned }: Reading): ReadServerExchange {
  const reader = new Reader(exchangeKeys);
  const params = serverEcdhParams.decode(reader);
  const length = exchangeKeys.length - reader.remaining;
  const signed = digitallySigned.decode(reader);
  reader.end();
  const group = acceptGroup(params, offered, engine);
  return {
    exchange: clientExchange(group, params.point),
    params: exchangeKeys.subarray(0, length),
    signed,
  };
}

/** The group that a server chose, if we offered it. Throws `wrong_group`. */
function acceptGroup(
  { curveType, namedCurve }: ServerEcdhParams,
  offered: readonly GroupName[],
  engine: CryptoEngine,
): DhGroup {
  const name = curveType === namedCurveType ? groupByCode(namedCurve) : undefined;
  const own = offered.filter(isCurveGroup).find((candidate) => candidate === name);
  const group = own && curveGroup(own, engine);
  if (group === undefined) throw new AlertError('wrong_group', { group: namedCurve });
  return group;
}

/** A hello with TLS 1.3 among its versions offers groups that TLS 1.2 has not, or not for ECDHE. */
function isCurveGroup(name: GroupName): name is CurveGroupName {
  return isTls12Curve(name);
}

/** A curve of an engine. */
export function curveGroup(name: CurveGroupName, engine: CryptoEngine): DhGroup | undefined {
  const group = engine.group(name);
  return group?.kind === 'dh' ? group : undefined;
}

/** RFC 8422 §5.7 */
function clientExchange(group: DhGroup, point: Uint8Array): ClientExchange {
  return {
    group: group.name,
    answer(dependencies) {
      const share = dependencies.keyShare(group);
      const premaster = premasterSecret(share, point);
      return { exchangeKeys: encodeAll(clientEcdhPublic, { point: share.publicKey }), premaster };
    },
  };
}

/** RFC 8422 §5.10. Throws `bad_key_share`. */
function premasterSecret(share: KeyShare, peerPoint: Uint8Array): Secret {
  const shared = share.sharedSecret(peerPoint);
  if (shared === undefined) throw new AlertError('bad_key_share');
  return new Secret(shared);
}
