/** Own certificates as a handshake needs them. */

import type { SignatureSchemeName } from '../values/registry/schemes.js';
import type { Identity } from '../values/x509/identity.js';
import type { StatusRequest } from './extensions/status-request.js';
import type { Sink } from './sink.js';

/** A certificate whose key lives elsewhere (a token, another process): each signature is asked of the sink. */
export interface RemoteIdentity {
  /** DER, own certificate first. */
  readonly chain: readonly Uint8Array[];
  readonly key: 'remote';
  /** Schemes the key can sign with, strongest first. */
  readonly schemes: readonly SignatureSchemeName[];
  /** As in `Identity`. */
  readonly stapling?: 'ask';
}

/** What is to be stapled to the certificate: nothing unless the client wants it and somebody finds responses for us. */
export function wantedStaple(
  request: StatusRequest | 'unknown' | undefined,
  { stapling }: Pick<OwnIdentity, 'stapling'>,
  { askStaple }: Pick<Sink, 'askStaple'>,
): StatusRequest | undefined {
  return request === 'unknown' || stapling !== 'ask' || askStaple === undefined ? undefined : request;
}

export type OwnIdentity = Identity | RemoteIdentity;
