/**
 * Signature keys of @noble/curves.
 */

import { ed448, x448 } from '@noble/curves/ed448.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { brainpoolP256r1, brainpoolP384r1, brainpoolP512r1 } from '@noble/curves/misc.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { Curve } from '../curves.js';
import type {
  HashFunction,
  HashName,
  KeyAlgorithm,
  PrivateKey,
  PublicKey,
  SignatureAlgorithm,
} from '../engine.js';
import {
  decodeCurvePrivateKey,
  decodeEcPrivateKey,
  decodePkcs8,
  decodeSpki,
  type EncodedKey,
  encodeSpki,
} from '../key-encoding.js';

type Hashes = Readonly<Record<HashName, HashFunction>>;
type Ecdsa = typeof p256;

const ecdsaCurves: ReadonlyMap<string, Ecdsa> = new Map<string, Ecdsa>([
  ['secp256r1', p256],
  ['secp384r1', p384],
  ['secp521r1', p521],
  ['secp256k1', secp256k1],
  ['brainpoolP256r1', brainpoolP256r1],
  ['brainpoolP384r1', brainpoolP384r1],
  ['brainpoolP512r1', brainpoolP512r1],
]);

/** See `CryptoEngine.supportsKey`. */
export function supportsNobleKey(algorithm: KeyAlgorithm, curve?: string): boolean {
  switch (algorithm) {
    case 'ec':
      return curve === undefined || ecdsaCurves.has(curve);
    case 'ed25519':
    case 'ed448':
    case 'x25519':
    case 'x448':
      return true;
    case 'rsa':
    case 'rsa_pss':
    case 'dsa':
      return false;
  }
}

/** See `CryptoEngine.importPublicKey`. */
export function importNoblePublicKey(hashes: Hashes, spki: Uint8Array): PublicKey | undefined {
  const encoded = decodeSpki(spki);
  return encoded && publicKey(hashes, encoded, new Uint8Array(spki));
}

/** See `CryptoEngine.importPrivateKey`. */
export function importNoblePrivateKey(hashes: Hashes, pkcs8: Uint8Array): PrivateKey | undefined {
  const encoded = decodePkcs8(pkcs8);
  return encoded && privateKey(hashes, encoded);
}

function publicKey(
  hashes: Hashes,
  { algorithm, curve, bits, key }: EncodedKey,
  spki: Uint8Array,
): PublicKey | undefined {
  const common = { algorithm, curve: curve?.name, bits, spki };
  switch (algorithm) {
    case 'ec': {
      const ecdsa = ecdsaCurves.get(curve?.name ?? '');
      if (ecdsa === undefined) return undefined;
      const point = malformed(() => ecdsa.Point.fromBytes(key).toBytes(false));
      return {
        ...common,
        verify: (signature, data, bytes) =>
          signature.type === 'ecdsa' &&
          accepts(() => ecdsa.verify(bytes, hashes[signature.hash].digest(data), point, ECDSA_OPTIONS)),
      };
    }
    case 'ed25519': {
      const own = checked(key, 32, () => ed25519.Point.fromBytes(key, false));
      return {
        ...common,
        verify: (signature, data, bytes) =>
          signature.type === 'ed25519' && accepts(() => ed25519.verify(bytes, data, own, STRICT_EDDSA)),
      };
    }
    case 'ed448': {
      const own = checked(key, 57, () => ed448.Point.fromBytes(key, false));
      return {
        ...common,
        verify: (signature, data, bytes) =>
          signature.type === 'ed448' && accepts(() => ed448.verify(bytes, data, own, STRICT_EDDSA)),
      };
    }
    case 'x25519':
    case 'x448':
      checked(key, algorithm === 'x25519' ? 32 : 56);
      return { ...common, verify: () => false };
    case 'rsa':
    case 'rsa_pss':
    case 'dsa':
      return undefined;
  }
}

function privateKey(hashes: Hashes, { algorithm, curve, bits, key }: EncodedKey): PrivateKey | undefined {
  switch (algorithm) {
    case 'ec': {
      const ecdsa = ecdsaCurves.get(curve?.name ?? '');
      if (ecdsa === undefined || curve === undefined) return undefined;
      const scalar = malformed(() => decodeEcPrivateKey(key).slice());
      const point = malformed(() => ecdsa.getPublicKey(scalar, false));
      return {
        ...described(algorithm, curve, bits, point),
        sign: (signature, data) => {
          if (signature.type !== 'ecdsa') throw misfit(algorithm, signature);
          return ecdsa.sign(hashes[signature.hash].digest(data), scalar, ECDSA_OPTIONS);
        },
      };
    }
    case 'ed25519':
    case 'ed448': {
      const eddsa = algorithm === 'ed25519' ? ed25519 : ed448;
      const seed = malformed(() => decodeCurvePrivateKey(key).slice());
      const point = malformed(() => eddsa.getPublicKey(seed));
      return {
        ...described(algorithm, undefined, bits, point),
        sign: (signature, data) => {
          if (signature.type !== algorithm) throw misfit(algorithm, signature);
          return eddsa.sign(data, seed);
        },
      };
    }
    case 'x25519':
    case 'x448': {
      const montgomery = algorithm === 'x25519' ? x25519 : x448;
      const point = malformed(() => montgomery.getPublicKey(decodeCurvePrivateKey(key)));
      return {
        ...described(algorithm, undefined, bits, point),
        sign: (signature) => {
          throw misfit(algorithm, signature);
        },
      };
    }
    case 'rsa':
    case 'rsa_pss':
    case 'dsa':
      return undefined;
  }
}

/** We hash; DER out and in; s may be in the upper half of the order, as everybody's in TLS. */
const ECDSA_OPTIONS: { readonly prehash: false; readonly lowS: false; readonly format: 'der' } = {
  prehash: false,
  lowS: false,
  format: 'der',
};
/** RFC 8032 §5.1.7 to the letter: no encoding of a point but the canonical one. */
const STRICT_EDDSA: { readonly zip215: false } = { zip215: false };

function described(
  algorithm: 'ec' | 'ed25519' | 'ed448' | 'x25519' | 'x448',
  curve: Curve | undefined,
  bits: number,
  point: Uint8Array,
): Pick<PrivateKey, 'algorithm' | 'curve' | 'bits' | 'spki'> {
  return { algorithm, curve: curve?.name, bits, spki: encodeSpki(algorithm, curve, point) };
}

function misfit(key: KeyAlgorithm, signature: SignatureAlgorithm): TypeError {
  return new TypeError(`a key of kind ${key} does not sign ${signature.type}`);
}

function checked(key: Uint8Array, length: number, decode?: () => unknown): Uint8Array {
  if (key.length !== length) throw new TypeError('malformed key: wrong length');
  if (decode !== undefined) malformed(decode);
  return key.slice();
}

function accepts(verify: () => boolean): boolean {
  try {
    return verify();
  } catch {
    return false;
  }
}

function malformed<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new TypeError('malformed key', { cause });
  }
}
