/** What a TLS 1.3 handshake chooses, one function per decision, in the order of RFC 8446 §4.1.1. */
import type { CryptoEngine, Group, GroupName } from '../../values/crypto/engine.js';
import { groupCode } from '../../values/registry/groups.js';
import {
  type SignatureScheme,
  type SignatureSchemeName,
  schemeByCode,
} from '../../values/registry/schemes.js';
import type { KeyShareEntry } from '../extensions/key-share.js';
import { type CertificateChoice, preferAuthorities } from '../hello/choose.js';
import type { OwnIdentity } from '../own-identity.js';
import { AlertError } from '../reasons.js';

/** The group of the key exchange; `retry` when the client must send a share for it first. */
export type GroupChoice =
  | { readonly kind: 'share'; readonly group: Group; readonly keyExchange: Uint8Array }
  | { readonly kind: 'retry'; readonly group: Group };

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
 * The first own certificate that can sign with a scheme of the peer's, in the peer's order, that we allow too.
 * `authorities`: CAs that the peer names. `undefined`: no certificate can sign.
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
  return preferAuthorities(fitting, authorities);
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
