/**
 * RSA and the RSA half of RSA_PSK (RFC 5246 §7.4.7.1): the client enciphers the secret for the key in the server's certificate.
 * No forward secrecy, and an oracle for whoever can tell a wrong padding from a right one (Bleichenbacher 1998, ROBOT): so
 * a server goes on with random bytes, chosen before, whatever may be wrong, and the handshake fails at Finished.
 */
import type { PublicKey } from '../../../values/crypto/engine.js';
import { Secret } from '../../../values/secret.js';
import { encodeAll } from '../../../values/wire/codec.js';
import { encryptedPremaster } from '../../../values/wire/messages/tls12/key-exchange.js';
import type { Reader } from '../../../values/wire/reader.js';
import { AlertError } from '../../reasons.js';
import type {
  Agreement,
  ClientAgreement,
  ClientMeans,
  ServerAgreement,
  ServerMeans,
} from './key-exchange.js';

export const rsa: Agreement = {
  announced: false,
  user: 'none',
  curve: false,
  isSupported: (engine) => engine.supportsKey('rsa'),
  serve,
  read,
};

const premasterLength = 48;

function serve({ identity, clientVersion, dependencies }: ServerMeans): ServerAgreement {
  return {
    group: undefined,
    params: new Uint8Array(0),
    secret(reader) {
      const { encrypted } = encryptedPremaster.decode(reader);
      const instead = dependencies.random(premasterLength);
      const key = identity?.key;
      if (key === undefined || key === 'remote') throw new TypeError('the key must be at hand');
      const block = key.decipher?.(encrypted) ?? new Uint8Array(256);
      return new Secret(unpadded(block, clientVersion, instead));
    },
  };
}

/**
 * The 48 bytes at the end of a block `0, 2, padding without zeros, 0, version, 46 bytes` (RFC 8017 §7.2.2), or `instead`: which
 * of them does not show in what is done.
 */
function unpadded(block: Uint8Array, version: number, instead: Uint8Array): Uint8Array {
  const begin = block.length - premasterLength;
  let wrong = (block[0] ?? 1) | ((block[1] ?? 0) ^ 2) | (block[begin - 1] ?? 1);
  for (let i = 2; i < begin - 1; i++) wrong |= isZero(block[i] ?? 0);
  wrong |= (block[begin] ?? 0) ^ (version >> 8);
  wrong |= (block[begin + 1] ?? 0) ^ (version & 0xff);
  const good = isZero(wrong);
  const premaster = new Uint8Array(premasterLength);
  for (let i = 0; i < premasterLength; i++)
    premaster[i] = ((block[begin + i] ?? 0) & good) | ((instead[i] ?? 0) & ~good);
  block.fill(0);
  return premaster;
}

/** -1 when a is 0. */
function isZero(a: number): number {
  return ~((a | -a) >> 31);
}

function read(_reader: Reader, { peer, clientVersion }: ClientMeans): ClientAgreement {
  if (peer === undefined) throw new TypeError('no certificate was shown');
  return {
    group: undefined,
    answer({ random }) {
      const premaster = random(premasterLength);
      premaster[0] = clientVersion >> 8;
      premaster[1] = clientVersion;
      const keys = encodeAll(encryptedPremaster, { encrypted: encrypted(peer, premaster) });
      return { keys, secret: new Secret(premaster) };
    },
  };
}

function encrypted(peer: PublicKey, premaster: Uint8Array): Uint8Array {
  const bytes = peer.encipher?.(premaster);
  if (bytes === undefined) throw new AlertError('wrong_certificate_type');
  return bytes;
}
