/** ECDH_ECDSA and ECDH_RSA (RFC 4492 §2.1, §2.3): the server's point stands in its certificate. No forward secrecy. */
import { decodeSpki } from '../../../values/crypto/key-encoding.js';
import { isTls12Curve } from '../../../values/registry/groups.js';
import { Secret } from '../../../values/secret.js';
import { clientEcdhPublic } from '../../../values/wire/messages/tls12/key-exchange.js';
import type { Reader } from '../../../values/wire/reader.js';
import { AlertError } from '../../reasons.js';
import { agreementWith } from './ecdhe.js';
import type {
  Agreement,
  ClientAgreement,
  ClientMeans,
  ServerAgreement,
  ServerMeans,
} from './key-exchange.js';

export const staticEcdh: Agreement = {
  announced: false,
  user: 'none',
  curve: false,
  isSupported: (engine) => engine.group('secp256r1') !== undefined,
  serve,
  read,
};

function serve({ identity }: ServerMeans): ServerAgreement {
  return {
    group: undefined,
    params: new Uint8Array(0),
    secret(reader) {
      const { point } = clientEcdhPublic.decode(reader);
      const key = identity?.key;
      if (key === undefined || key === 'remote') throw new TypeError('the key must be at hand');
      const shared = key.agree?.(point);
      if (shared === undefined) throw new AlertError('bad_key_share');
      return new Secret(shared);
    },
  };
}

/** The curve is that of the certificate, which must be one of ours. Throws `wrong_group`. */
function read(_reader: Reader, { peer, offered, engine }: ClientMeans): ClientAgreement {
  const name = peer?.curve;
  const own = offered.find((candidate) => candidate === name && isTls12Curve(candidate));
  const group = own && engine.group(own);
  const point = peer && decodeSpki(peer.spki)?.key;
  if (group?.kind !== 'dh' || point === undefined) throw new AlertError('wrong_group', { group: name });
  return agreementWith(group, new Uint8Array(point));
}
