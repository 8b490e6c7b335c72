/**
 * What has to be known to judge a peer's certificates: the input of `verify-peer.ts`.
 */

import type { CryptoEngine } from '../crypto/engine.js';
import type { SignatureSchemeName } from '../registry/schemes.js';
import type { Certificate } from './certificate.js';
import type { HostnameCheckHooks } from './hostname.js';
import type { KeyUse } from './key-use.js';
import type { BadCertReason } from './path.js';
import type { PolicyInputs } from './policy-graph.js';
import type { TrustStore } from './trust-store.js';
import type { VerifyFun } from './verify-fun.js';
import type { WorkLimits } from './work.js';

/** Which name the certificate must bear (contract §10). */
export type HostReference =
  /** `server_name_indication`, or the host argument in its place. */
  | { readonly type: 'sni'; readonly name: string }
  /** The host argument as text when no SNI was given: a name, then an address. */
  | { readonly type: 'host'; readonly name: string }
  /** An address, 4 or 16 octets. */
  | { readonly type: 'address'; readonly address: Uint8Array };

/** `verify`: whether a peer that cannot show who it is gets a connection. */
export type Verify = 'verify_none' | 'verify_peer';

/** OTP's `partial_chain`: gets the path, root side first, and may trust one of its certificates. */
export type PartialChain = (
  chain: readonly Uint8Array[],
) => { readonly trusted_ca: Uint8Array } | 'unknown_ca';

/** What a revocation check says of one certificate. */
export type RevocationAnswer = 'valid' | { readonly bad_cert: BadCertReason };

/** Asked at each verdict event, with the path from the anchor down to the peer. */
export type RevocationCheck = (
  certificate: Certificate,
  path: readonly Certificate[],
) => RevocationAnswer | Promise<RevocationAnswer>;

export interface PeerVerification {
  /** DER as sent, the peer's own first; at least one. */
  readonly chain: readonly Uint8Array[];
  readonly trust: TrustStore;
  readonly engine: CryptoEngine;
  /** Our own role. */
  readonly role: 'client' | 'server';
  readonly verify: Verify;
  /** `undefined`: no host name check. */
  readonly host: HostReference | undefined;
  readonly customizeHostnameCheck?: HostnameCheckHooks | undefined;
  readonly depth: number;
  /** ms since 1970 */
  readonly now: number;
  /** `signature_algs_cert`, else `signature_algs`; `undefined` below TLS 1.2. */
  readonly signatureAlgs: readonly SignatureSchemeName[] | undefined;
  /** Least size of an RSA or DSA modulus, bits, and of curves as strong; default 2048. */
  readonly minKeySize?: number | undefined;
  /** What the handshake does with the peer's key; default: it signs. */
  readonly keyUse?: KeyUse | undefined;
  readonly verifyFun?: { readonly fun: VerifyFun; readonly state: unknown } | undefined;
  readonly partialChain?: PartialChain | undefined;
  /** Inputs of RFC 5280 §6.1.1; any policy will do by default. */
  readonly policies?: PolicyInputs | undefined;
  readonly checkRevocation?: RevocationCheck | undefined;
  readonly limits?: WorkLimits;
}
