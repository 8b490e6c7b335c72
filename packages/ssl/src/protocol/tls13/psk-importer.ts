/**
 * The PSK importer (RFC 9258): of a key that was agreed upon beforehand it makes one for each protocol and hash, bound to
 * an identity and a context, so that no key is used with two hashes, nor by the roles of two ends alike (Selfie).
 */
import { dtls13Engine } from '../../values/crypto/dtls13-engine.js';
import type { CryptoEngine, HashName } from '../../values/crypto/engine.js';
import { isDtls13Version, type Tls13Version, versionCode } from '../../values/registry/versions.js';
import { Secret } from '../../values/secret.js';
import { type Codec, decodeAll, encodeAll, opaque16, struct, uint16 } from '../../values/wire/codec.js';
import { DecodeError } from '../../values/wire/reader.js';

/** RFC 9258 §3.1 */
export interface ImportedIdentity {
  readonly externalIdentity: Uint8Array;
  readonly context: Uint8Array;
  readonly targetProtocol: number;
  readonly targetKdf: number;
}

const importedIdentity: Codec<ImportedIdentity> = struct<ImportedIdentity>({
  externalIdentity: opaque16(1, 0xffff),
  context: opaque16(0, 0xffff),
  targetProtocol: uint16,
  targetKdf: uint16,
});

/** The registry of TLS KDF identifiers (RFC 9258 §9): those of the suites of TLS 1.3. */
const kdfs = [
  { hash: 'sha256', code: 1 },
  { hash: 'sha384', code: 2 },
] as const;

/** A key that is to be imported. */
export interface ExternalKey {
  readonly secret: Uint8Array;
  /** The hash that it was agreed upon with. */
  readonly hash: HashName;
}

/** An identity on the wire that names an imported key for TLS 1.3, with its hash; `undefined`: it is of another kind. */
export function readImportedIdentity(
  identity: Uint8Array,
  version: Tls13Version = 'tlsv1.3',
): (ImportedIdentity & { readonly hash: HashName }) | undefined {
  try {
    const read = decodeAll(importedIdentity, identity);
    const kdf = kdfs.find(({ code }) => code === read.targetKdf);
    const fits = kdf !== undefined && read.targetProtocol === versionCode(version);
    return fits ? { ...read, hash: kdf.hash } : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** The identity of an imported key on the wire. Throws `RangeError` for a hash that no suite has. */
export function importedIdentityFor(
  externalIdentity: Uint8Array,
  context: Uint8Array,
  hash: HashName,
  version: Tls13Version = 'tlsv1.3',
): Uint8Array {
  const kdf = kdfs.find((row) => row.hash === hash);
  if (kdf === undefined) throw new RangeError(`no suite with ${hash}`);
  return encodeAll(importedIdentity, {
    externalIdentity,
    context,
    targetProtocol: versionCode(version),
    targetKdf: kdf.code,
  });
}

/** The imported key (RFC 9258 §3.1), for an identity as it stands on the wire and its hash. */
export function importPsk(
  { secret, hash }: ExternalKey,
  identity: Uint8Array,
  target: HashName,
  engine: CryptoEngine,
  version: Tls13Version = 'tlsv1.3',
): Secret {
  // Its labels are those of the protocol (RFC 9147 §5.9).
  const own = (isDtls13Version(version) ? dtls13Engine(engine) : engine).hash(hash);
  const length = engine.hash(target)?.outputLength;
  if (own === undefined || length === undefined) throw new TypeError(`no ${hash} or no ${target}`);
  const extracted = own.hkdfExtract(new Uint8Array(own.outputLength), secret);
  return new Secret(own.labels(extracted).expandLabel('derived psk', own.digest(identity), length));
}
