/** What a TLS 1.3 handshake chooses, one function per decision, in the order of RFC 8446 §4.1.1. */
import type { CryptoEngine, Group, GroupName } from '../../values/crypto/engine.js';
import { groupCode } from '../../values/registry/groups.js';
import {
  type SignatureScheme,
  type SignatureSchemeName,
  schemeByCode,
} from '../../values/registry/schemes.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import type { ServerContext } from '../contexts.js';
import type { KeyShareEntry } from '../extensions/key-share.js';
import type { ClientHelloExtensions } from '../extensions/table.js';
import { preferredCertificate } from '../hello/certificate-preference.js';
import type { CertificateChoice } from '../hello/choose.js';
import type { Suite } from '../hello/suite.js';
import type { OwnIdentity } from '../own-identity.js';
import { AlertError } from '../reasons.js';
import type { ServerSettings } from '../settings.js';
import type { Transcript } from '../transcript.js';
import type { Negotiated } from './negotiated.js';
import { beforeBinders, type ClaimedPsks, type EarlyDataTerms, pskDheKe } from './psk.js';

/** The group of the key exchange; `retry` when the client must send a share for it first. */
export type GroupChoice = SharedGroup | { readonly kind: 'retry'; readonly group: Group };

/** A group whose share is here. */
export interface SharedGroup {
  readonly kind: 'share';
  readonly group: Group;
  /** The client's. */
  readonly keyExchange: Uint8Array;
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
 * Whether a client says that it cannot use keys in a mode that we have (§4.2.9): tickets are of no use to it then. One
 * that says nothing may have forgotten to: OTP's does so until it has a ticket.
 */
export function refusesPskDheKe({ pskKeyExchangeModes }: ClientHelloExtensions): boolean {
  return pskKeyExchangeModes !== undefined && !pskKeyExchangeModes.includes(pskDheKe);
}

/** Whether a client can use keys in a mode that we have (§4.2.9). */
function usesPskDheKe({ pskKeyExchangeModes }: ClientHelloExtensions): boolean {
  return pskKeyExchangeModes?.includes(pskDheKe) === true;
}

/** How a server may prove who it is: with a certificate, or first of all with a key that the client offers. */
export type Proposal =
  | { readonly kind: 'certificate'; readonly choice: CertificateChoice }
  | ({ readonly kind: 'psk' } & ClaimedPsks);

/** The transcript ends before the hello. Throws when we need a certificate and have none that the client can take. */
export function propose(
  extensions: ClientHelloExtensions,
  raw: Uint8Array,
  transcript: Transcript,
  { config, identities, sink }: ServerContext,
): Proposal {
  const { preSharedKey: offered } = extensions;
  if (sink.askPsk === undefined || offered === undefined || !usesPskDheKe(extensions))
    return { kind: 'certificate', choice: chooseOwnCertificate(identities, extensions, config) };
  const binderHash = transcript.digestWith(beforeBinders(raw, offered.binders));
  return { kind: 'psk', offered, raw, binderHash };
}

/** What a server selects from the hello. */
export interface Selection {
  readonly hello: ClientHello;
  readonly extensions: ClientHelloExtensions;
  readonly suite: Suite;
  readonly proposal: Proposal;
  readonly alpn: Uint8Array | undefined;
  readonly serverName: string | undefined;
}

/**
 * Whether what a client sends early is read (§4.2.10): under the first key that it offers, with the suite and the
 * protocol that the key came into being with, and not before a HelloRetryRequest. `index`: of the key that is used.
 */
export function acceptsEarlyData(
  { extensions, suite, alpn }: Selection,
  hellos: Negotiated['hellos'],
  index: number,
  terms: EarlyDataTerms,
): boolean {
  return (
    extensions.earlyData === true &&
    hellos === 'first' &&
    index === 0 &&
    terms.suite.id === suite.row.id &&
    sameProtocol(terms.alpn, alpn)
  );
}

/** Whether two choices of ALPN are the same, no protocol being one of them. */
export function sameProtocol(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one === undefined || other === undefined ? one === other : sameBytes(one, other);
}

/** Throws `missing_signature_algorithms`, `no_suitable_signature_algorithm`. */
export function chooseOwnCertificate(
  identities: readonly OwnIdentity[],
  extensions: ClientHelloExtensions,
  { signatureAlgs }: ServerSettings,
): CertificateChoice {
  const { signatureAlgorithms } = extensions;
  if (signatureAlgorithms === undefined) throw new AlertError('missing_signature_algorithms');
  const choice = chooseCertificate(identities, signatureAlgorithms, signatureAlgs, extensions);
  if (choice === undefined)
    throw new AlertError('no_suitable_signature_algorithm', 'no_suitable_signature_algorithm');
  return choice;
}

/**
 * The first own certificate that can sign with a scheme of the peer's, in the peer's order, that we allow too, and that
 * the peer prefers. `undefined`: no certificate can sign.
 */
export function chooseCertificate(
  identities: readonly OwnIdentity[],
  offered: readonly number[],
  own: readonly SignatureSchemeName[],
  { certificateAuthorities, signatureAlgorithmsCert }: CertificateWishes,
): CertificateChoice | undefined {
  const fitting: CertificateChoice[] = [];
  for (const identity of identities) {
    const scheme = commonScheme(identity, offered, own);
    if (scheme !== undefined) fitting.push({ identity, scheme });
  }
  return preferredCertificate(fitting, signatureAlgorithmsCert ?? offered, certificateAuthorities);
}

/** What a peer may say of certificates besides: a ClientHello, a CertificateRequest. */
type CertificateWishes = Pick<ClientHelloExtensions, 'certificateAuthorities' | 'signatureAlgorithmsCert'>;

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
