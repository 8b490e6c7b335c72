/**
 * Client authentication: the server may want to see a certificate of the client, which may have none to show (RFC 8446
 * §4.4.2.3, RFC 5246 §7.4.6).
 */
import type { Guard } from './arrows.js';
import type { CertificateChoice } from './hello/choose.js';
import type { OwnIdentity } from './own-identity.js';

/** What a client shows to the server. */
export type ClientAuthentication =
  /** Nothing: it was not asked. */
  | { readonly kind: 'none' }
  /** A Certificate without certificates: none fits what the server asks for. */
  | { readonly kind: 'empty' }
  | ({ readonly kind: 'certificate' } & CertificateChoice);

export const notAsked: ClientAuthentication = { kind: 'none' };

/** The answer to a CertificateRequest. `choice`: the certificate that fits it. */
export function answerTo(choice: CertificateChoice | undefined): ClientAuthentication {
  return choice === undefined ? { kind: 'empty' } : { kind: 'certificate', ...choice };
}

/** The certificates of the client's Certificate. */
export function shownChain(shown: Exclude<ClientAuthentication, { kind: 'none' }>): readonly Uint8Array[] {
  return shown.kind === 'certificate' ? shown.identity.chain : [];
}

/** The one of ours that they are of; `undefined`: none. */
export function shownIdentity(shown: ClientAuthentication): OwnIdentity | undefined {
  return shown.kind === 'certificate' ? shown.identity : undefined;
}

/** On the client's arrows. */
export const clientSignsElsewhere: Guard<{ readonly own: ClientAuthentication }, unknown> = {
  name: 'remote key?',
  holds: ({ own }) => own.kind === 'certificate' && own.identity.key === 'remote',
};

/** On the server's. */
export const isEmptyCertificate: Guard<
  unknown,
  { readonly body: { readonly certificateList: readonly unknown[] } }
> = {
  name: 'empty certificate?',
  holds: (_from, { body }) => body.certificateList.length === 0,
};
