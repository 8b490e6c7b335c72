/** An own certificate and its key, from PEM text. */

import type { CryptoEngine, PrivateKey } from '../values/crypto/engine.js';
import type { Identity } from '../values/x509/identity.js';
import { loadIdentity } from '../values/x509/identity.js';
import { KeyError } from '../values/x509/key-error.js';
import { decodePem, type PemEntry } from '../values/x509/pem.js';

/**
 * The certificates (own first, then its chain) and the private key that stand in a PEM text. The key has to be plain
 * PKCS#8, `BEGIN PRIVATE KEY`, and of a kind that the engine has. Throws `KeyError`, or `PemError` for broken PEM.
 */
export function identityFromPem(pem: string, engine: CryptoEngine): Identity {
  const entries = decodePem(pem);
  const chain = entries.filter(({ type }) => type === 'Certificate').map(({ der }) => der);
  return loadIdentity(chain, importKey(entries, engine), engine);
}

function importKey(entries: readonly PemEntry[], engine: CryptoEngine): PrivateKey {
  const entry = entries.find(({ type }) => type === 'PrivateKeyInfo');
  if (entry === undefined)
    throw new KeyError(
      'no_key',
      'no BEGIN PRIVATE KEY (openssl pkcs8 -topk8 -nocrypt makes one of other forms)',
    );
  const key = decode(entry.der, engine);
  if (key === undefined) throw new KeyError('unsupported', `engine ${engine.name} has no keys of this kind`);
  return key;
}

function decode(der: Uint8Array, engine: CryptoEngine): PrivateKey | undefined {
  try {
    return engine.importPrivateKey(der);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new KeyError('malformed', `the private key is not usable: ${error.message}`, { cause: error });
  }
}
