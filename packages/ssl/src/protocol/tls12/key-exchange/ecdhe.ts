/** ECDHE and ECDH_anon (RFC 8422): ephemeral keys of both sides on a named curve. */
import type {
  CryptoEngine,
  CurveGroupName,
  DhGroup,
  GroupName,
  KeyShare,
} from '../../../values/crypto/engine.js';
import { groupByCode, groupCode, isTls12Curve } from '../../../values/registry/groups.js';
import { Secret } from '../../../values/secret.js';
import { encodeAll } from '../../../values/wire/codec.js';
import {
  clientEcdhPublic,
  namedCurveType,
  type ServerEcdhParams,
  serverEcdhParams,
} from '../../../values/wire/messages/tls12/key-exchange.js';
import type { Reader } from '../../../values/wire/reader.js';
import { AlertError } from '../../reasons.js';
import type {
  Agreement,
  ClientAgreement,
  ClientMeans,
  ServerAgreement,
  ServerMeans,
} from './key-exchange.js';

export const ecdhe: Agreement = {
  announced: true,
  user: 'none',
  curve: true,
  isSupported: (engine) => engine.group('secp256r1') !== undefined,
  serve,
  read,
};

function serve({ group, dependencies }: ServerMeans): ServerAgreement {
  if (group === undefined) throw new TypeError('no curve was chosen');
  const share = dependencies.keyShare(group);
  const params: ServerEcdhParams = {
    curveType: namedCurveType,
    namedCurve: groupCode(group.name),
    point: share.publicKey,
  };
  return {
    group: group.name,
    params: encodeAll(serverEcdhParams, params),
    secret: (reader) => sharedSecret(share, clientEcdhPublic.decode(reader).point),
  };
}

/** RFC 8422 §5.4 */
function read(reader: Reader, { offered, engine }: ClientMeans): ClientAgreement {
  const params = serverEcdhParams.decode(reader);
  return agreementWith(acceptGroup(params, offered, engine), params.point);
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

/** RFC 8422 §5.7: our fresh key for a point of the server's, ephemeral or in its certificate. */
export function agreementWith(group: DhGroup, point: Uint8Array): ClientAgreement {
  return {
    group: group.name,
    answer(dependencies) {
      const share = dependencies.keyShare(group);
      const secret = sharedSecret(share, point);
      return { keys: encodeAll(clientEcdhPublic, { point: share.publicKey }), secret };
    },
  };
}

/** RFC 8422 §5.10. Throws `bad_key_share`. */
function sharedSecret(share: KeyShare, peerPoint: Uint8Array): Secret {
  const shared = share.sharedSecret(peerPoint);
  if (shared === undefined) throw new AlertError('bad_key_share');
  return new Secret(shared);
}
