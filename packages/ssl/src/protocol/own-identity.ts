/** Own certificates as a handshake needs them. */

import type { SignatureSchemeName } from '../values/registry/schemes.js';
import type { Identity } from '../values/x509/identity.js';

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

export type OwnIdentity = Identity | RemoteIdentity;
