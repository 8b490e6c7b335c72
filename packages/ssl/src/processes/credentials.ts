/** Own certificates and trust of a config, read, parsed and matched. */
import type { Identity } from '../options/config.js';
import type { TrustStore } from '../values/x509/trust-store.js';

export interface Credentials {
  /** The preferred first; may be empty. */
  readonly identities: readonly Identity[];
  readonly trust: TrustStore;
  /** DER names for CertificateRequest; empty sends none. */
  readonly certificateAuthorities: readonly Uint8Array[];
}
