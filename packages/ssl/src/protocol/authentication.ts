/** How the sides of a connection prove who they are: by a certificate, by a key both had before, or not at all. */
import type { SignatureSchemeName } from '../values/registry/schemes.js';

/** A chain that was judged, and the proof that its key is the peer's. */
export interface CertificateAuthentication {
  readonly kind: 'certificate';
  /** DER, the own certificate first; never empty. */
  readonly chain: readonly Uint8Array[];
  /** Of the signature; `undefined` where the key was proved without one (RSA key exchange of TLS 1.2). */
  readonly scheme: SignatureSchemeName | undefined;
}

/** A key that both had before the handshake; it speaks for both sides at once. */
export interface PskAuthentication {
  readonly kind: 'psk';
  /** From an earlier connection (a ticket), or agreed upon some other way (RFC 8446 §2.2), by an importer (RFC 9258) or not. */
  readonly origin: 'resumption' | 'external' | 'imported';
  /** What the side had shown on the earlier connection, as far as it was kept. */
  readonly chain: readonly Uint8Array[];
}

/** One side's proof. */
export type Authentication = CertificateAuthentication | PskAuthentication | { readonly kind: 'none' };

/** A side that has proved nothing. */
export const unauthenticated: Authentication = { kind: 'none' };

/** The certificates of a side, DER, its own first; empty when it showed none. */
export function chainOf(authentication: Authentication): readonly Uint8Array[] {
  return authentication.kind === 'none' ? [] : authentication.chain;
}

/** The scheme by which a side has signed; `undefined` when it has not. */
export function schemeOf(authentication: Authentication): SignatureSchemeName | undefined {
  return authentication.kind === 'certificate' ? authentication.scheme : undefined;
}
