/**
 * Signature schemes (RFC 8446 §4.2.3): number, algorithm, the key that signs, and where the scheme may stand.
 *
 * Names are OTP's atoms (`ssl:signature_algs()`). Below them stand the {Hash, Sign} pairs of TLS 1.2 that have no
 * atom there (SHA-224 and DSA, RFC 5246 §7.4.1.4.1); OTP users write such a pair, which `schemeOfPair` translates.
 */
import type { HashName, KeyAlgorithm, PublicKey, SignatureAlgorithm } from '../crypto/engine.js';
import { signatureFits } from '../crypto/signature-fits.js';

export type Tls13SchemeName =
  | 'eddsa_ed25519'
  | 'eddsa_ed448'
  | 'ecdsa_secp521r1_sha512'
  | 'ecdsa_secp384r1_sha384'
  | 'ecdsa_secp256r1_sha256'
  | 'rsa_pss_pss_sha512'
  | 'rsa_pss_pss_sha384'
  | 'rsa_pss_pss_sha256'
  | 'rsa_pss_rsae_sha512'
  | 'rsa_pss_rsae_sha384'
  | 'rsa_pss_rsae_sha256'
  | 'rsa_pkcs1_sha512'
  | 'rsa_pkcs1_sha384'
  | 'rsa_pkcs1_sha256'
  | 'ecdsa_sha1'
  | 'rsa_pkcs1_sha1';
export type LegacySchemeName =
  | 'ecdsa_sha224'
  | 'rsa_pkcs1_sha224'
  | 'dsa_sha512'
  | 'dsa_sha384'
  | 'dsa_sha256'
  | 'dsa_sha224'
  | 'dsa_sha1'
  | 'ecdsa_md5'
  | 'rsa_pkcs1_md5'
  | 'dsa_md5'
  | 'rsa_md5_sha1';
export type SignatureSchemeName = Tls13SchemeName | LegacySchemeName;

/**
 * Where TLS 1.3 lets a scheme stand: in CertificateVerify and certificates, in certificates only, or nowhere.
 * The legacy RSASSA-PKCS1 and SHA-1 schemes may sign certificates only (RFC 8446 §4.2.3).
 */
export type Tls13Use = 'handshake' | 'certificate' | 'never';

export interface SignatureScheme {
  readonly name: SignatureSchemeName;
  /** Two bytes on the wire. */
  readonly code: number;
  readonly algorithm: SignatureAlgorithm;
  readonly keyAlgorithm: KeyAlgorithm;
  /** The curve TLS 1.3 ties the scheme to; in TLS 1.2 any curve will do (RFC 8446 §4.2.3). */
  readonly curve: string | undefined;
  readonly tls13: Tls13Use;
}

const pkcs1 = (hash: HashName): SignatureAlgorithm => ({ type: 'rsa_pkcs1', hash });
const ecdsa = (hash: HashName): SignatureAlgorithm => ({ type: 'ecdsa', hash });
const dsa = (hash: HashName): SignatureAlgorithm => ({ type: 'dsa', hash });
/** Salt as long as the hash, MGF1 with the same hash (RFC 8446 §4.2.3). */
const pss = (hash: HashName, saltLength: number): SignatureAlgorithm => ({
  type: 'rsa_pss',
  hash,
  mgfHash: hash,
  saltLength,
});

function row(
  name: SignatureSchemeName,
  code: number,
  algorithm: SignatureAlgorithm,
  keyAlgorithm: KeyAlgorithm,
  curve: string | undefined,
  tls13: Tls13Use,
): SignatureScheme {
  return Object.freeze({ name, code, algorithm, keyAlgorithm, curve, tls13 });
}

/** In OTP's order of preference for TLS 1.3, then what only TLS 1.2 knows. */
export const signatureSchemes: readonly SignatureScheme[] = [
  row('eddsa_ed25519', 0x0807, { type: 'ed25519' }, 'ed25519', undefined, 'handshake'),
  row('eddsa_ed448', 0x0808, { type: 'ed448' }, 'ed448', undefined, 'handshake'),
  row('ecdsa_secp521r1_sha512', 0x0603, ecdsa('sha512'), 'ec', 'secp521r1', 'handshake'),
  row('ecdsa_secp384r1_sha384', 0x0503, ecdsa('sha384'), 'ec', 'secp384r1', 'handshake'),
  row('ecdsa_secp256r1_sha256', 0x0403, ecdsa('sha256'), 'ec', 'secp256r1', 'handshake'),
  row('rsa_pss_pss_sha512', 0x080b, pss('sha512', 64), 'rsa_pss', undefined, 'handshake'),
  row('rsa_pss_pss_sha384', 0x080a, pss('sha384', 48), 'rsa_pss', undefined, 'handshake'),
  row('rsa_pss_pss_sha256', 0x0809, pss('sha256', 32), 'rsa_pss', undefined, 'handshake'),
  row('rsa_pss_rsae_sha512', 0x0806, pss('sha512', 64), 'rsa', undefined, 'handshake'),
  row('rsa_pss_rsae_sha384', 0x0805, pss('sha384', 48), 'rsa', undefined, 'handshake'),
  row('rsa_pss_rsae_sha256', 0x0804, pss('sha256', 32), 'rsa', undefined, 'handshake'),
  row('rsa_pkcs1_sha512', 0x0601, pkcs1('sha512'), 'rsa', undefined, 'certificate'),
  row('rsa_pkcs1_sha384', 0x0501, pkcs1('sha384'), 'rsa', undefined, 'certificate'),
  row('rsa_pkcs1_sha256', 0x0401, pkcs1('sha256'), 'rsa', undefined, 'certificate'),
  row('ecdsa_sha1', 0x0203, ecdsa('sha'), 'ec', undefined, 'certificate'),
  row('rsa_pkcs1_sha1', 0x0201, pkcs1('sha'), 'rsa', undefined, 'certificate'),
  row('ecdsa_sha224', 0x0303, ecdsa('sha224'), 'ec', undefined, 'never'),
  row('rsa_pkcs1_sha224', 0x0301, pkcs1('sha224'), 'rsa', undefined, 'never'),
  row('dsa_sha512', 0x0602, dsa('sha512'), 'dsa', undefined, 'never'),
  row('dsa_sha384', 0x0502, dsa('sha384'), 'dsa', undefined, 'never'),
  row('dsa_sha256', 0x0402, dsa('sha256'), 'dsa', undefined, 'never'),
  row('dsa_sha224', 0x0302, dsa('sha224'), 'dsa', undefined, 'never'),
  row('dsa_sha1', 0x0202, dsa('sha'), 'dsa', undefined, 'never'),
  row('ecdsa_md5', 0x0103, ecdsa('md5'), 'ec', undefined, 'never'),
  row('rsa_pkcs1_md5', 0x0101, pkcs1('md5'), 'rsa', undefined, 'never'),
  row('dsa_md5', 0x0102, dsa('md5'), 'dsa', undefined, 'never'),
];

/**
 * How a key signs where signatures name no scheme, in TLS 1.1 and 1.0 (RFC 4346 §4.7, RFC 4492 §5.4): RSA with both hashes, a
 * row that no list has, the others with SHA-1.
 */
export function schemeOfKey(key: KeyAlgorithm): SignatureScheme | undefined {
  switch (key) {
    case 'rsa':
      return rsaMd5Sha1;
    case 'ec':
      return schemeByName('ecdsa_sha1');
    case 'dsa':
      return schemeByName('dsa_sha1');
    default:
      return undefined;
  }
}

const rsaMd5Sha1 = row('rsa_md5_sha1', -1, { type: 'rsa_md5_sha1' }, 'rsa', undefined, 'never');

const byCode: ReadonlyMap<number, SignatureScheme> = new Map(
  signatureSchemes.map((scheme) => [scheme.code, scheme]),
);
const byName: ReadonlyMap<string, SignatureScheme> = new Map(
  signatureSchemes.map((scheme) => [scheme.name, scheme]),
);

/** The scheme with this number; `undefined` for GREASE and unknown ones. */
export function schemeByCode(code: number): SignatureScheme | undefined {
  return byCode.get(code);
}

/** The row of a scheme. */
export function schemeByName(name: SignatureSchemeName): SignatureScheme {
  const scheme = byName.get(name);
  if (scheme === undefined) throw new TypeError(`no signature scheme ${name}`);
  return scheme;
}

/** The row of a name that may be none. */
export function findScheme(name: unknown): SignatureScheme | undefined {
  return typeof name === 'string' ? byName.get(name) : undefined;
}

/** Whether a key, public or private, can be used with a scheme: its kind, its curve and its own restrictions. */
export function schemeFits(
  { algorithm, curve, keyAlgorithm }: SignatureScheme,
  key: Pick<PublicKey, 'algorithm' | 'curve' | 'bits' | 'pss'>,
): boolean {
  return (
    keyAlgorithm === key.algorithm &&
    (curve === undefined || curve === key.curve) &&
    signatureFits(key, algorithm)
  );
}

const hashBytes: Readonly<Record<string, number>> = {
  md5: 1,
  sha: 2,
  sha224: 3,
  sha256: 4,
  sha384: 5,
  sha512: 6,
};
const signBytes: Readonly<Record<string, number>> = { rsa: 1, dsa: 2, ecdsa: 3 };

/** The scheme of a TLS 1.2 pair such as `{sha256, rsa}` (RFC 5246 §7.4.1.4.1: one byte each). */
export function schemeOfPair(hash: unknown, sign: unknown): SignatureScheme | undefined {
  if (typeof hash !== 'string' || typeof sign !== 'string') return undefined;
  const high = Object.hasOwn(hashBytes, hash) ? hashBytes[hash] : undefined;
  const low = Object.hasOwn(signBytes, sign) ? signBytes[sign] : undefined;
  return high === undefined || low === undefined ? undefined : byCode.get((high << 8) | low);
}
