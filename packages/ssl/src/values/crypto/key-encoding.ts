/**
 * The envelopes of keys: SubjectPublicKeyInfo (RFC 5280 §4.1) and PrivateKeyInfo (RFC 5208 §5), taken apart as far
 * as an engine needs to choose what to do.
 */

import { fromHex, hex } from '../hex.js';
import { DerError, type DerReader, decodeAll, Tag } from '../x509/der.js';
import { encodeElement } from '../x509/der-writer.js';
import { readPssParameters } from '../x509/signature-algorithm.js';
import { type Curve, curveByOid } from './curves.js';
import type { KeyAlgorithm, PssRestriction } from './engine.js';

/** AlgorithmIdentifier of a key. */
export interface KeyIdentifier {
  readonly algorithm: KeyAlgorithm;
  /** The named curve of an `ec` key. */
  readonly curve: Curve | undefined;
  /** Size of modulus (dsa) or field where the identifier says it, else 0. */
  readonly bits: number;
  /** Of an `rsa_pss` key whose identifier carries parameters. */
  readonly pss?: PssRestriction;
}

export interface EncodedKey extends KeyIdentifier {
  /** Content of subjectPublicKey, or of privateKey. A view. */
  readonly key: Uint8Array;
}

/** The algorithms' object identifiers: content octets, hexadecimal. */
const algorithms: ReadonlyMap<string, KeyAlgorithm> = new Map<string, KeyAlgorithm>([
  ['2a864886f70d010101', 'rsa'],
  ['2a864886f70d01010a', 'rsa_pss'],
  ['2a8648ce3d0201', 'ec'],
  ['2a8648ce380401', 'dsa'],
  ['2b656e', 'x25519'],
  ['2b656f', 'x448'],
  ['2b6570', 'ed25519'],
  ['2b6571', 'ed448'],
]);

/** `undefined`: an algorithm or a curve nobody here knows. Throws `TypeError` when it is malformed. */
export function decodeSpki(spki: Uint8Array): EncodedKey | undefined {
  return strictly(() =>
    decodeAll(spki, (outer) => {
      const info = outer.open(Tag.sequence);
      const identifier = keyIdentifier(info.open(Tag.sequence));
      const key = info.octetsOfBitString();
      info.finish();
      return identifier && { ...identifier, key };
    }),
  );
}

/** Same answers as `decodeSpki`. */
export function decodePkcs8(pkcs8: Uint8Array): EncodedKey | undefined {
  return strictly(() =>
    decodeAll(pkcs8, (outer) => {
      const info = outer.open(Tag.sequence);
      // Version 1 (RFC 5958) may be followed by the public key, attributes by either.
      if (info.smallInteger() > 1) info.fail('unknown version of a private key');
      const identifier = keyIdentifier(info.open(Tag.sequence));
      const key = info.content(Tag.octetString);
      return identifier && { ...identifier, key };
    }),
  );
}

/** RSAPublicKey (RFC 8017 A.1.1): modulus and exponent without leading zeros. */
export function decodeRsaPublicKey(der: Uint8Array): { readonly n: Uint8Array; readonly e: Uint8Array } {
  return strictly(() =>
    decodeAll(der, (outer) => {
      const numbers = outer.open(Tag.sequence);
      const n = positive(numbers);
      const e = positive(numbers);
      numbers.finish();
      return { n, e };
    }),
  );
}

/** The scalar of an ECPrivateKey (RFC 5915 §3). */
export function decodeEcPrivateKey(der: Uint8Array): Uint8Array {
  return strictly(() =>
    decodeAll(der, (outer) => {
      const key = outer.open(Tag.sequence);
      if (key.smallInteger() !== 1) key.fail('unknown version of an EC private key');
      return key.content(Tag.octetString);
    }),
  );
}

/** CurvePrivateKey, the octet string inside a PrivateKeyInfo's (RFC 8410 §7). */
export function decodeCurvePrivateKey(der: Uint8Array): Uint8Array {
  return strictly(() => decodeAll(der, (outer) => outer.content(Tag.octetString)));
}

/** DER SubjectPublicKeyInfo around a public key. `curve` for `ec` only. */
export function encodeSpki(
  algorithm: 'ec' | 'ed25519' | 'ed448' | 'x25519' | 'x448',
  curve: Curve | undefined,
  key: Uint8Array,
): Uint8Array {
  return encodeElement(
    Tag.sequence,
    encodeElement(Tag.sequence, ...identifierOctets(algorithm, curve)),
    encodeElement(Tag.bitString, Uint8Array.of(0), key),
  );
}

/** DER PrivateKeyInfo of an x25519 or x448 key (RFC 8410 §7). */
export function encodeCurvePkcs8(algorithm: 'x25519' | 'x448', privateKey: Uint8Array): Uint8Array {
  return encodeElement(
    Tag.sequence,
    encodeElement(Tag.integer, Uint8Array.of(0)),
    encodeElement(Tag.sequence, ...identifierOctets(algorithm, undefined)),
    encodeElement(Tag.octetString, encodeElement(Tag.octetString, privateKey)),
  );
}

/** Bits of a big-endian number without leading zero bytes. */
export function bitLength(number: Uint8Array): number {
  return number.length === 0 ? 0 : number.length * 8 - Math.clz32(number[0] ?? 0) + 24;
}

function keyIdentifier(identifier: DerReader): KeyIdentifier | undefined {
  const algorithm = algorithms.get(hex(identifier.content(Tag.oid)));
  if (algorithm === undefined) return undefined;
  switch (algorithm) {
    case 'ec': {
      // Curves spelt out in full are as good as unknown: nobody may trust their generator (CVE-2020-0601).
      if (identifier.peek() !== Tag.oid) return undefined;
      const curve = curveByOid(hex(identifier.content(Tag.oid)));
      identifier.finish();
      return curve && { algorithm, curve, bits: curve.bits };
    }
    case 'dsa': {
      // Parameters may be inherited from the issuer (RFC 3279 §2.3.2); that is not supported.
      if (identifier.done) return undefined;
      return { algorithm, curve: undefined, bits: bitLength(positive(identifier.open(Tag.sequence))) };
    }
    case 'ed25519':
    case 'x25519':
      identifier.finish();
      return { algorithm, curve: undefined, bits: 255 };
    case 'ed448':
    case 'x448':
      identifier.finish();
      return { algorithm, curve: undefined, bits: 448 };
    case 'rsa':
      return { algorithm, curve: undefined, bits: 0 };
    case 'rsa_pss':
      return pssIdentifier(identifier);
  }
}

/** RFC 4055 §1.2: without parameters the key goes with any; hashes that we do not know go with nothing we have. */
function pssIdentifier(identifier: DerReader): KeyIdentifier | undefined {
  const plain: KeyIdentifier = { algorithm: 'rsa_pss', curve: undefined, bits: 0 };
  if (identifier.done) return plain;
  const parameters = readPssParameters(identifier.open(Tag.sequence));
  identifier.finish();
  if (parameters === undefined) return undefined;
  const { hash, mgfHash, saltLength } = parameters;
  return { ...plain, pss: { hash, mgfHash, leastSaltLength: saltLength } };
}

function identifierOctets(algorithm: KeyAlgorithm, curve: Curve | undefined): Uint8Array[] {
  const octets: Uint8Array[] = [];
  for (const [oid, name] of algorithms) {
    if (name === algorithm) octets.push(encodeElement(Tag.oid, fromHex(oid)));
  }
  if (curve !== undefined) octets.push(encodeElement(Tag.oid, fromHex(curve.oid)));
  return octets;
}

function positive(reader: DerReader): Uint8Array {
  const bytes = reader.integerBytes();
  if ((bytes[0] ?? 0) > 0x7f || (bytes.length === 1 && bytes[0] === 0))
    reader.fail('positive number expected');
  return bytes[0] === 0 ? bytes.subarray(1) : bytes;
}

function strictly<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DerError) throw new TypeError(`malformed key: ${error.message}`, { cause: error });
    throw error;
  }
}
