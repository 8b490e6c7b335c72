/** From what a user wishes to what versions and engine allow: suites, groups, signature schemes. */

import {
  type EngineSupport,
  engineSuiteSupport,
  findSuite,
  isSupportedSuite,
  type SuiteMap,
  suiteOfMap,
} from '../values/cipher-suites.js';
import type { CurveGroupName, GroupName } from '../values/crypto/engine.js';
import type { CurveName, Tls13CurveName, Tls13GroupName } from '../values/registry/groups.js';
import type { SignatureScheme } from '../values/registry/schemes.js';
import type { CipherSuite } from '../values/registry/suites.js';
import { allSuites, suiteById } from '../values/registry/suites.js';
import { isTls13Version } from '../values/registry/versions.js';
import type { At } from './row.js';
import { isList } from './row.js';

/** The suite that an item of `ciphers` means: a map, a name, OTP's old tuple, or two bytes. */
export function findSuiteWish(wish: unknown): CipherSuite | undefined {
  if (typeof wish === 'string') return findSuite(wish);
  if (wish instanceof Uint8Array)
    return wish.length === 2 ? suiteById((wish[0] ?? 0) * 256 + (wish[1] ?? 0)) : undefined;
  if (isList(wish)) return suiteOfTuple(wish);
  return isSuiteMap(wish) ? suiteOfMap(wish) : undefined;
}

/** `{Kx, Cipher, Mac}` and `{Kx, Cipher, Mac, Prf}`; of AEAD suites OTP once wrote the hash for the MAC. */
function suiteOfTuple(parts: readonly unknown[]): CipherSuite | undefined {
  const [keyExchange, cipher, mac, prf = 'default_prf'] = parts;
  if (parts.length !== 3 && parts.length !== 4) return undefined;
  return allSuites.find(
    (suite) =>
      suite.keyExchange === keyExchange &&
      suite.cipher === cipher &&
      suite.prf === prf &&
      (suite.mac === mac || (parts.length === 4 && suite.mac === 'aead')),
  );
}

function isSuiteMap(value: unknown): value is SuiteMap {
  return (
    typeof value === 'object' &&
    value !== null &&
    'keyExchange' in value &&
    'cipher' in value &&
    'mac' in value &&
    'prf' in value
  );
}

/** Those that one of the versions knows, that are built and that the engine can do, each once. */
export function usableSuites(suites: readonly CipherSuite[], at: At): readonly CipherSuite[] {
  const support = engineSuiteSupport(at.engine);
  const usable = suites.filter(
    (suite) =>
      suite.versions.some((version) => at.settings.versions.includes(version)) &&
      // Nothing is ever sent in the clear.
      suite.cipher !== 'null' &&
      isSupportedSuite(suite, support),
  );
  return [...new Set(usable)];
}

/** Groups of TLS 1.3 that the engine has, each once. */
export function usableGroups(names: readonly Tls13GroupName[], engine: EngineSupport): readonly GroupName[] {
  return [...new Set(names.filter((name) => engine.group(name) !== undefined))];
}

/** Curves of TLS 1.2 that the engine has, each once. */
export function usableCurves(
  names: readonly (Tls13CurveName | CurveName)[],
  engine: EngineSupport,
): readonly CurveGroupName[] {
  return [...new Set(names.filter((name) => engine.group(name) !== undefined))];
}

/** Those the engine can sign and verify with; what only TLS 1.2 knows goes when it is not among the versions. */
export function usableSchemes(schemes: readonly SignatureScheme[], at: At): readonly SignatureScheme[] {
  const only13 = at.settings.versions.every(isTls13Version);
  return schemes.filter(
    ({ tls13, keyAlgorithm, curve, algorithm }) =>
      !(only13 && tls13 === 'never') &&
      at.engine.supportsKey(keyAlgorithm, curve) &&
      (!('hash' in algorithm) || at.engine.hash(algorithm.hash) !== undefined),
  );
}
