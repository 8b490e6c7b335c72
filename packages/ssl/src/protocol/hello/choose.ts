/**
 * What is negotiated, one function per decision, in the order of RFC 8446 §4.1.1. Where the RFC leaves the choice,
 * OTP's rules hold (contract §13.3).
 */
import type { Aead, CryptoEngine, Group, GroupName, HashFunction } from '../../values/crypto/engine.js';
import { groupCode } from '../../values/registry/groups.js';
import {
  type SignatureScheme,
  type SignatureSchemeName,
  schemeByCode,
  schemeByName,
} from '../../values/registry/schemes.js';
import type { CipherName, CipherSuite } from '../../values/registry/suites.js';
import { authorityKeys, isIssuedByOneOf } from '../../values/x509/authorities.js';
import type { KeyShareEntry } from '../extensions/key-share.js';
import type { OwnIdentity } from '../identity.js';
import { AlertError } from '../reasons.js';

/** A TLS 1.3 suite with the primitives it stands for. */
export interface Suite {
  readonly row: CipherSuite;
  readonly aead: Aead;
  readonly hash: HashFunction;
}

/** The group of the key exchange; `retry` when the client must send a share for it first. */
export type GroupChoice =
  | { readonly kind: 'share'; readonly group: Group; readonly keyExchange: Uint8Array }
  | { readonly kind: 'retry'; readonly group: Group };

/** Own certificate and the scheme of its signature. */
export interface CertificateChoice {
  readonly identity: OwnIdentity;
  readonly scheme: SignatureScheme;
}

/** The client's order, or with `honorCipherOrder` ours. Throws `no_suitable_cipher`. */
export function chooseSuite(
  offered: readonly number[],
  own: readonly CipherSuite[],
  preference: 'client' | 'server',
  engine: CryptoEngine,
): Suite {
  if (preference === 'server') {
    for (const row of own) {
      const suite = offered.includes(row.id) ? suiteOf(row, engine) : undefined;
      if (suite !== undefined) return suite;
    }
  } else {
    for (const id of offered) {
      const row = own.find((candidate) => candidate.id === id);
      const suite = row === undefined ? undefined : suiteOf(row, engine);
      if (suite !== undefined) return suite;
    }
  }
  throw new AlertError('no_suitable_cipher', 'no_suitable_cipher');
}

/** A suite's primitives; `undefined` when it is not of TLS 1.3 or the engine lacks them. */
export function suiteOf(row: CipherSuite, engine: CryptoEngine): Suite | undefined {
  if (!row.versions.includes('tlsv1.3')) return undefined;
  const aead = isAead(row.cipher) ? engine.aead(row.cipher) : undefined;
  const hash = engine.hash(row.hash);
  return aead === undefined || hash === undefined ? undefined : { row, aead, hash };
}

function isAead(name: CipherName): name is Extract<CipherName, Aead['name']> {
  return name === 'aes_128_gcm' || name === 'aes_256_gcm' || name === 'chacha20_poly1305';
}

/** Always our order; a group whose share is here wins over an earlier one without. Throws `no_suitable_groups`. */
export function chooseGroup(
  offered: readonly number[],
  shares: readonly KeyShareEntry[],
  own: readonly GroupName[],
  engine: CryptoEngine,
): GroupChoice {
  let retry: Group | undefined;
  for (const name of own) {
    const code = groupCode(name);
    const group = offered.includes(code) ? engine.group(name) : undefined;
    if (group === undefined) continue;
    const share = shares.find((entry) => entry.group === code);
    if (share !== undefined) return { kind: 'share', group, keyExchange: share.keyExchange };
    retry ??= group;
  }
  if (retry === undefined) throw new AlertError('no_suitable_groups', 'no_suitable_groups');
  return { kind: 'retry', group: retry };
}

/**
 * The first own certificate that can sign with a scheme of the peer's, in the peer's order, that we allow too; one
 * below a CA that the peer names goes before the others, which do as well when there is none (RFC 8446 §4.4.2.3, and
 * §4.2.4 for a server). `undefined`: no certificate can sign.
 */
export function chooseCertificate(
  identities: readonly OwnIdentity[],
  offered: readonly number[],
  own: readonly SignatureSchemeName[],
  authorities: readonly Uint8Array[] | undefined,
): CertificateChoice | undefined {
  const fitting = identities.flatMap((identity) => {
    const scheme = commonScheme(identity, offered, own);
    return scheme === undefined ? [] : [{ identity, scheme }];
  });
  const [first] = fitting;
  if (authorities === undefined || fitting.length < 2) return first;
  const keys = authorityKeys(authorities);
  return fitting.find(({ identity }) => isIssuedByOneOf(identity.chain, keys)) ?? first;
}

function commonScheme(
  { schemes }: OwnIdentity,
  offered: readonly number[],
  own: readonly SignatureSchemeName[],
): SignatureScheme | undefined {
  for (const code of offered) {
    const scheme = schemeByCode(code);
    if (scheme === undefined || scheme.tls13 !== 'handshake') continue;
    if (own.includes(scheme.name) && schemes.includes(scheme.name)) return scheme;
  }
  return undefined;
}

/** The numbers of schemes as they go on the wire. */
export function schemeCodes(names: readonly SignatureSchemeName[]): readonly number[] {
  return names.map((name) => schemeByName(name).code);
}
