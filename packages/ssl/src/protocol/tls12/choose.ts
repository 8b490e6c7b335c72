/**
 * What a TLS 1.2 handshake chooses. Suite, curve and certificate hang together: a suite names the kind of key, a
 * curve must be one that the client can read (RFC 5246 §7.4.2, RFC 8422 §5.1, §5.3).
 */
import type { CryptoEngine, Group, KeyAlgorithm } from '../../values/crypto/engine.js';
import { groupByCode, groupCode } from '../../values/registry/groups.js';
import {
  type SignatureScheme,
  type SignatureSchemeName,
  schemeByCode,
  schemeByName,
} from '../../values/registry/schemes.js';
import type { CertificateRequest12 } from '../../values/wire/messages/tls12/certificate-request.js';
import type { ClientHelloExtensions } from '../extensions/table.js';
import { preferredCertificate } from '../hello/certificate-preference.js';
import { type CertificateChoice, chooseSuite } from '../hello/choose.js';
import { type Suite12, tls12Suite } from '../hello/suite.js';
import type { OwnIdentity } from '../own-identity.js';
import type { ServerSettings } from '../settings.js';

/** A server's choice. */
export interface Tls12Choice {
  readonly suite: Suite12;
  readonly group: Group;
  readonly certificate: CertificateChoice;
}

/** A client that names no groups can do this one (RFC 8422 §4, as OTP reads it). */
const groupOfSilence = [groupCode('secp256r1')];
/** What a client without signature_algorithms means (RFC 5246 §7.4.1.4.1). */
const schemesOfSilence = [schemeByName('ecdsa_sha1').code, schemeByName('rsa_pkcs1_sha1').code];

/** The first suite for which there is a certificate and a curve. Throws `no_suitable_cipher`. */
export function chooseTls12(
  offered: readonly number[],
  {
    certificateAuthorities,
    supportedGroups = groupOfSilence,
    signatureAlgorithms = schemesOfSilence,
    signatureAlgorithmsCert = signatureAlgorithms,
  }: ClientHelloExtensions,
  config: ServerSettings,
  identities: readonly OwnIdentity[],
  engine: CryptoEngine,
): Tls12Choice {
  const group = chooseGroup12(supportedGroups, config, engine);
  const preference = config.honorCipherOrder ? 'server' : 'client';
  // Both once: the lists may be as long as a hello, and must not be walked for each suite.
  const curves: ReadonlySet<string | undefined> = new Set(supportedGroups.map(groupByCode));
  const schemes = commonSchemes(signatureAlgorithms, config.signatureAlgs);
  return chooseSuite(offered, config.ciphers, preference, (row) => {
    const suite = tls12Suite(row, engine);
    if (suite === undefined || group === undefined) return undefined;
    const certificate = chooseCertificate12(
      identities.filter((identity) => servesSuite(identity, suite, curves)),
      schemes,
      signatureAlgorithmsCert,
      certificateAuthorities,
    );
    return certificate && { suite, group, certificate };
  });
}

/** The client's order, or with `honorEccOrder` ours. `undefined`: none in common. */
function chooseGroup12(
  offered: readonly number[],
  { eccs, honorEccOrder }: ServerSettings,
  engine: CryptoEngine,
): Group | undefined {
  const common = eccs.filter((name) => offered.includes(groupCode(name)));
  if (!honorEccOrder) common.sort((a, b) => offered.indexOf(groupCode(a)) - offered.indexOf(groupCode(b)));
  const [first] = common;
  return first && engine.group(first);
}

/** The peer's schemes that we allow too, in its order, each once. */
function commonSchemes(
  offered: readonly number[],
  own: readonly SignatureSchemeName[],
): readonly SignatureScheme[] {
  const known = new Set(offered.flatMap((code) => schemeByCode(code) ?? []));
  return [...known].filter(({ name }) => own.includes(name));
}

/**
 * The first own certificate that can sign with one of the schemes, which are in the peer's order, and that the peer
 * prefers: by the signatures that it can verify in certificates, and the CAs that it names. `undefined`: no certificate
 * can sign.
 */
function chooseCertificate12(
  identities: readonly OwnIdentity[],
  allowed: readonly SignatureScheme[],
  signatures: readonly number[],
  authorities: readonly Uint8Array[] | undefined,
): CertificateChoice | undefined {
  const fitting = identities.flatMap((identity) => {
    const scheme =
      allowed.find(({ name }) => identity.schemes.includes(name)) ??
      allowed.find((candidate) => signsLoosely(identity, candidate));
    return scheme === undefined ? [] : [{ identity, scheme }];
  });
  return preferredCertificate(fitting, signatures, authorities);
}

/** A client's choice among its certificates; `undefined`: none is of a kind that the server asks for. */
export function chooseClientCertificate12(
  identities: readonly OwnIdentity[],
  { certificateTypes, supportedSignatureAlgorithms, certificateAuthorities }: CertificateRequest12,
  own: readonly SignatureSchemeName[],
): CertificateChoice | undefined {
  const wanted = identities.filter((identity) => {
    const algorithm = keyAlgorithmOf(identity);
    const type = algorithm && clientCertificateType(algorithm);
    return type !== undefined && certificateTypes.includes(type);
  });
  const schemes = commonSchemes(supportedSignatureAlgorithms, own);
  return chooseCertificate12(wanted, schemes, supportedSignatureAlgorithms, certificateAuthorities);
}

/** ClientCertificateType of a key (RFC 5246 §7.4.4); ecdsa_sign covers EdDSA (RFC 8422 §5.5). */
function clientCertificateType(algorithm: KeyAlgorithm): number | undefined {
  switch (algorithm) {
    case 'rsa':
    case 'rsa_pss':
      return 1;
    case 'dsa':
      return 2;
    case 'ec':
    case 'ed25519':
    case 'ed448':
      return 64;
    case 'x25519':
    case 'x448':
      return undefined;
  }
}

/** In TLS 1.2 a scheme of ECDSA names the hash and no curve (RFC 8446 §4.2.3); whose curve fits is taken first. */
function signsLoosely(identity: OwnIdentity, { keyAlgorithm }: SignatureScheme): boolean {
  return keyAlgorithm === 'ec' && keyAlgorithmOf(identity) === 'ec';
}

/** RFC 5246 §7.4.2, RFC 8422 §5.3: the suite names the kind of key, and the client must know its curve. */
function servesSuite(
  identity: OwnIdentity,
  suite: Suite12,
  curves: ReadonlySet<string | undefined>,
): boolean {
  const algorithm = keyAlgorithmOf(identity);
  if (algorithm === undefined || !authenticates(algorithm, suite)) return false;
  const curve = curveOf(identity);
  return curve === undefined || curves.has(curve);
}

/** Whether a certificate with such a key may stand in a handshake with the suite (RFC 8422 §2, RFC 8446 §4.2.3). */
export function authenticates(algorithm: KeyAlgorithm, { authentication }: Suite12): boolean {
  switch (authentication) {
    case 'ecdsa':
      return algorithm === 'ec' || algorithm === 'ed25519' || algorithm === 'ed448';
    case 'rsa':
      return algorithm === 'rsa' || algorithm === 'rsa_pss';
  }
}

function keyAlgorithmOf(identity: OwnIdentity): KeyAlgorithm | undefined {
  if (identity.key !== 'remote') return identity.key.algorithm;
  const [first] = identity.schemes;
  return first && schemeByName(first).keyAlgorithm;
}

function curveOf(identity: OwnIdentity): string | undefined {
  if (identity.key !== 'remote') return identity.key.curve;
  return identity.schemes.map((name) => schemeByName(name).curve).find((curve) => curve !== undefined);
}
