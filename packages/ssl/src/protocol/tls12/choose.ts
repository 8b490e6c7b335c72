/**
 * What a TLS 1.2 handshake chooses. Suite, curve and certificate hang together: a suite names the kind of key, a
 * curve must be one that the client can read (RFC 5246 §7.4.2, RFC 8422 §5.1, §5.3).
 */
import type { CryptoEngine, DhGroup, KeyAlgorithm } from '../../values/crypto/engine.js';
import { groupByCode, groupCode } from '../../values/registry/groups.js';
import {
  findScheme,
  type SignatureScheme,
  type SignatureSchemeName,
  schemeByCode,
  schemeByName,
  schemeOfKey,
} from '../../values/registry/schemes.js';
import type { Authentication } from '../../values/registry/suites.js';
import type { CertificateRequest12 } from '../../values/wire/messages/tls12/certificate-request.js';
import type { KeyUse } from '../../values/x509/key-use.js';
import type { ClientHelloExtensions } from '../extensions/table.js';
import { preferAuthorities, preferredCertificate } from '../hello/certificate-preference.js';
import { type CertificateChoice, chooseSuite } from '../hello/choose.js';
import { type Suite12, tls12Suite } from '../hello/suite.js';
import type { OwnIdentity } from '../own-identity.js';
import type { ServerSettings } from '../settings.js';
import { curveGroup } from './key-exchange/ecdhe.js';
import type { OlderVersion } from './older-version.js';

/** A server's choice. */
export interface Tls12Choice {
  readonly suite: Suite12;
  /** Where the agreement is on a curve. */
  readonly group: DhGroup | undefined;
  /** Where the suite has the server show a certificate. */
  readonly identity: OwnIdentity | undefined;
  /** Where it signs with that. */
  readonly scheme: SignatureScheme | undefined;
}

/** A client that names no groups can do this one (RFC 8422 §4, as OTP reads it). */
const groupOfSilence = [groupCode('secp256r1')];
/** What a client without signature_algorithms means (RFC 5246 §7.4.1.4.1). */
const schemesOfSilence = ['ecdsa_sha1', 'rsa_pkcs1_sha1', 'dsa_sha1'].map(
  (name) => findScheme(name)?.code ?? 0,
);

/** What a choice is made with, besides the hello. */
export interface Chooser {
  readonly version: OlderVersion;
  readonly config: ServerSettings;
  readonly identities: readonly OwnIdentity[];
  readonly engine: CryptoEngine;
  /** Whether somebody can be asked for the keys of users: without, PSK and SRP are not chosen. */
  readonly knowsUsers: boolean;
}

/** The first suite for which there is all that it takes. Throws `no_suitable_cipher`. */
export function chooseTls12(
  offered: readonly number[],
  {
    certificateAuthorities,
    srpUser,
    supportedGroups = groupOfSilence,
    signatureAlgorithms = schemesOfSilence,
    signatureAlgorithmsCert = signatureAlgorithms,
  }: ClientHelloExtensions,
  { version, config, identities, engine, knowsUsers }: Chooser,
): Tls12Choice {
  const group = chooseGroup12(supportedGroups, config, engine);
  const preference = config.honorCipherOrder ? 'server' : 'client';
  // Both once: the lists may be as long as a hello, and must not be walked for each suite.
  const curves: ReadonlySet<string | undefined> = new Set(supportedGroups.map(groupByCode));
  const schemes = version.signatures === 'named' && commonSchemes(signatureAlgorithms, config.signatureAlgs);
  return chooseSuite(offered, config.ciphers, preference, (row) => {
    const suite = tls12Suite(row, engine, version.name);
    if (suite === undefined) return undefined;
    const { certificate, signed, agreement, psk } = suite.keyExchange;
    if (agreement?.curve === true && group === undefined) return undefined;
    if (psk && !knowsUsers) return undefined;
    // RFC 5054 §2.5.1.2: without a name in the hello there is no user.
    if (agreement?.user === 'srp' && (srpUser === undefined || !knowsUsers)) return undefined;
    const curve = agreement?.curve === true ? group : undefined;
    if (certificate === undefined) return { suite, group: curve, identity: undefined, scheme: undefined };
    const serving = identities.filter((identity) => servesSuite(identity, certificate, curves));
    if (!signed) {
      // Whose key is elsewhere can sign and nothing else.
      const [identity] = serving.filter(({ key }) => key !== 'remote');
      return identity && { suite, group: curve, identity, scheme: undefined };
    }
    const choice = schemes
      ? chooseCertificate12(serving, schemes, signatureAlgorithmsCert, certificateAuthorities)
      : chooseByKey(serving, certificateAuthorities);
    return choice && { suite, group: curve, ...choice };
  });
}

/** The client's order, or with `honorEccOrder` ours. `undefined`: none in common. */
function chooseGroup12(
  offered: readonly number[],
  { eccs, honorEccOrder }: ServerSettings,
  engine: CryptoEngine,
): DhGroup | undefined {
  const common = eccs.filter((name) => offered.includes(groupCode(name)));
  if (!honorEccOrder) common.sort((a, b) => offered.indexOf(groupCode(a)) - offered.indexOf(groupCode(b)));
  const [first] = common;
  return first && curveGroup(first, engine);
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

/** The same before TLS 1.2, where the key decides how it signs (RFC 4346 §4.7). */
function chooseByKey(
  identities: readonly OwnIdentity[],
  authorities: readonly Uint8Array[] | undefined,
): CertificateChoice | undefined {
  const fitting = identities.flatMap((identity) => {
    const algorithm = keyAlgorithmOf(identity);
    const scheme = algorithm && schemeOfKey(algorithm);
    return scheme === undefined ? [] : [{ identity, scheme }];
  });
  return preferAuthorities(fitting, authorities);
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
  if (supportedSignatureAlgorithms === undefined) return chooseByKey(wanted, certificateAuthorities);
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
  certificate: Authentication,
  curves: ReadonlySet<string | undefined>,
): boolean {
  const algorithm = keyAlgorithmOf(identity);
  if (algorithm === undefined || !authenticates(algorithm, certificate)) return false;
  const curve = curveOf(identity);
  return curve === undefined || curves.has(curve);
}

/** Whether a certificate with such a key may stand in a handshake with a suite (RFC 8422 §2, RFC 8446 §4.2.3). */
export function authenticates(algorithm: KeyAlgorithm, certificate: Authentication): boolean {
  switch (certificate) {
    case 'ecdsa':
      return algorithm === 'ec' || algorithm === 'ed25519' || algorithm === 'ed448';
    case 'rsa':
      return algorithm === 'rsa' || algorithm === 'rsa_pss';
    case 'dss':
      return algorithm === 'dsa';
    case 'ecdh':
      return algorithm === 'ec';
    case 'rsa_cipher':
      return algorithm === 'rsa';
  }
}

/** What the key of such a certificate does in a handshake (RFC 5280 §4.2.1.3). */
export function useOf(certificate: Authentication): KeyUse {
  switch (certificate) {
    case 'ecdsa':
    case 'rsa':
    case 'dss':
      return 'signature';
    case 'ecdh':
      return 'agreement';
    case 'rsa_cipher':
      return 'encipherment';
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
