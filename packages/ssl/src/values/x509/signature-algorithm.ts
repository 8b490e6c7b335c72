/** AlgorithmIdentifier of signatures → the engine's `SignatureAlgorithm` (RFC 3279, 4055, 5758, 8410). */
import type { HashName, SignatureAlgorithm } from '../crypto/engine.js';
import { DerError, type DerReader, decodeAll, explicit, Tag } from './der.js';
import { Oid } from './oids.js';

const plain: Readonly<Record<string, SignatureAlgorithm>> = {
  '1.2.840.113549.1.1.4': { type: 'rsa_pkcs1', hash: 'md5' },
  '1.2.840.113549.1.1.5': { type: 'rsa_pkcs1', hash: 'sha' },
  '1.3.14.3.2.29': { type: 'rsa_pkcs1', hash: 'sha' },
  '1.2.840.113549.1.1.14': { type: 'rsa_pkcs1', hash: 'sha224' },
  '1.2.840.113549.1.1.11': { type: 'rsa_pkcs1', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { type: 'rsa_pkcs1', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { type: 'rsa_pkcs1', hash: 'sha512' },
  '1.2.840.10045.4.1': { type: 'ecdsa', hash: 'sha' },
  '1.2.840.10045.4.3.1': { type: 'ecdsa', hash: 'sha224' },
  '1.2.840.10045.4.3.2': { type: 'ecdsa', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { type: 'ecdsa', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { type: 'ecdsa', hash: 'sha512' },
  '1.2.840.10040.4.3': { type: 'dsa', hash: 'sha' },
  '1.3.14.3.2.27': { type: 'dsa', hash: 'sha' },
  '2.16.840.1.101.3.4.3.1': { type: 'dsa', hash: 'sha224' },
  '2.16.840.1.101.3.4.3.2': { type: 'dsa', hash: 'sha256' },
  '2.16.840.1.101.3.4.3.3': { type: 'dsa', hash: 'sha384' },
  '2.16.840.1.101.3.4.3.4': { type: 'dsa', hash: 'sha512' },
  '1.3.101.112': { type: 'ed25519' },
  '1.3.101.113': { type: 'ed448' },
};

const hashes: Readonly<Record<string, HashName>> = {
  '1.2.840.113549.2.5': 'md5',
  '1.3.14.3.2.26': 'sha',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** The hash of an AlgorithmIdentifier's OID. */
export function hashOfOid(oid: string): HashName | undefined {
  return Object.hasOwn(hashes, oid) ? hashes[oid] : undefined;
}

/**
 * `undefined` for what is unknown, malformed or unusable. Parameters of ECDSA identifiers, which RFC 5758 wants
 * absent, are ignored: OTP's own test certificates carry the curve there.
 */
export function signatureAlgorithmOf(identifier: Uint8Array): SignatureAlgorithm | undefined {
  try {
    return decodeAll(identifier, readAlgorithm);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function readAlgorithm(reader: DerReader): SignatureAlgorithm | undefined {
  const sequence = reader.open(Tag.sequence);
  const oid = sequence.oid();
  if (oid === Oid.rsassaPss) return readPssParameters(sequence.open(Tag.sequence));
  const algorithm = Object.hasOwn(plain, oid) ? plain[oid] : undefined;
  if (algorithm?.type === 'rsa_pkcs1' && !sequence.done) sequence.null();
  if ((algorithm?.type === 'ed25519' || algorithm?.type === 'ed448') && !sequence.done) return undefined;
  return algorithm;
}

/**
 * The content of RSASSA-PSS-params (RFC 4055 §3.1), of a signature or of a key; everything defaults to SHA-1.
 * `undefined`: hashes or a trailer that nobody here knows.
 */
export function readPssParameters(
  params: DerReader,
): Extract<SignatureAlgorithm, { readonly type: 'rsa_pss' }> | undefined {
  const hashIdentifier = params.openOptional(explicit(0));
  const hash = hashIdentifier === undefined ? 'sha' : readHash(hashIdentifier);
  const mgf = params.openOptional(explicit(1));
  let mgfHash: HashName | undefined = 'sha';
  if (mgf !== undefined) {
    const identifier = mgf.open(Tag.sequence);
    if (identifier.oid() !== '1.2.840.113549.1.1.8') return undefined;
    mgfHash = readHash(identifier);
  }
  const salt = params.openOptional(explicit(2));
  const saltLength = salt === undefined ? 20 : salt.smallInteger();
  const trailer = params.openOptional(explicit(3));
  if (trailer !== undefined && trailer.smallInteger() !== 1) return undefined;
  params.finish();
  if (hash === undefined || mgfHash === undefined) return undefined;
  return { type: 'rsa_pss', hash, mgfHash, saltLength };
}

function readHash(reader: DerReader): HashName | undefined {
  const identifier = reader.open(Tag.sequence);
  const oid = identifier.oid();
  if (!identifier.done) identifier.null();
  identifier.finish();
  return hashOfOid(oid);
}
