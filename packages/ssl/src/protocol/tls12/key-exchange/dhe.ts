/** DHE and DH_anon (RFC 5246 §7.4.3, §8.1.2): ephemeral keys of both sides in a finite field. */
import type { DhParams } from '../../../values/crypto/dh-parameter.js';
import type { FiniteField } from '../../../values/crypto/engine.js';
import { exponentLength } from '../../../values/crypto/exponent-length.js';
import { Secret } from '../../../values/secret.js';
import { encodeAll } from '../../../values/wire/codec.js';
import { clientDhPublic, serverDhParams } from '../../../values/wire/messages/tls12/key-exchange.js';
import type { Reader } from '../../../values/wire/reader.js';
import { AlertError } from '../../reasons.js';
import type { Dependencies } from '../../settings.js';
import { acceptField, isBetween, withoutZeros } from './dh-params.js';
import type {
  Agreement,
  ClientAgreement,
  ClientMeans,
  ServerAgreement,
  ServerMeans,
} from './key-exchange.js';

export const dhe: Agreement = {
  announced: true,
  user: 'none',
  curve: false,
  // Who has one finite field has all.
  isSupported: (engine) => engine.group('ffdhe2048') !== undefined,
  serve,
  read,
};

function serve({ dhParams, dependencies }: ServerMeans): ServerAgreement {
  const { prime, generator } = dhParams;
  const field = dependencies.engine.finiteField(prime, generator);
  if (field === undefined) throw new TypeError('the engine has no finite fields');
  const own = keysIn(field, dhParams, dependencies);
  return {
    group: undefined,
    params: encodeAll(serverDhParams, { prime, generator, publicKey: own.publicKey }),
    secret: (reader) => secretOf(own, clientDhPublic.decode(reader).publicKey),
  };
}

/** RFC 5246 §7.4.3 */
function read(reader: Reader, { engine, minKeySize }: ClientMeans): ClientAgreement {
  const { prime, generator, publicKey } = serverDhParams.decode(reader);
  const params: DhParams = { prime: withoutZeros(prime), generator: withoutZeros(generator) };
  const field = acceptField(params, minKeySize, engine);
  return {
    group: undefined,
    answer(dependencies) {
      const own = keysIn(field, params, dependencies);
      const secret = secretOf(own, publicKey);
      return { keys: encodeAll(clientDhPublic, { publicKey: own.publicKey }), secret };
    },
  };
}

interface OwnKeys {
  readonly field: FiniteField;
  readonly prime: Uint8Array;
  readonly exponent: Uint8Array;
  readonly publicKey: Uint8Array;
}

function keysIn(field: FiniteField, { prime, generator }: DhParams, { random }: Dependencies): OwnKeys {
  const exponent = random(exponentLength(prime.length));
  const publicKey = field.power(generator, exponent);
  if (publicKey === undefined) throw new AlertError('weak_dh', { bits: prime.length * 8 });
  return { field, prime, exponent, publicKey };
}

/** Throws `bad_key_share`. */
function secretOf({ field, prime, exponent }: OwnKeys, peer: Uint8Array): Secret {
  const shared = isBetween(peer, prime) ? field.power(peer, exponent) : undefined;
  exponent.fill(0);
  if (shared === undefined) throw new AlertError('bad_key_share');
  const secret = new Secret(withoutZeros(shared).slice());
  shared.fill(0);
  return secret;
}
