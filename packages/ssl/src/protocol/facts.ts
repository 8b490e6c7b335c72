/**
 * What a connection learned that its users may ask for (contract §1.4). Made once, when the handshake is complete,
 * and never changed: `connection_information` and its kin read only this.
 */
import type { GroupName } from '../values/crypto/engine.js';
import type { SignatureSchemeName } from '../values/registry/schemes.js';
import type { CipherSuite } from '../values/registry/suites.js';
import type { ProtocolVersion } from '../values/registry/versions.js';

import type { MasterSecret12 } from './tls12/master-secret.js';

/** What a connection can still tell of its secrets. */
export type KeptSecrets = TrafficSecrets | MasterSecret;

/** TLS 1.2: `ssl:prf/5` and exporters need it as long as the connection lives. */
export interface MasterSecret {
  readonly kind: 'master';
  readonly masterSecret: MasterSecret12;
}

/** Secrets by their names in the key log (SSLKEYLOGFILE), kept only when the config's `keepSecrets` says so. */
export interface TrafficSecrets {
  readonly kind: 'traffic';
  readonly clientHandshakeTraffic: Uint8Array;
  readonly serverHandshakeTraffic: Uint8Array;
  readonly clientTraffic0: Uint8Array;
  readonly serverTraffic0: Uint8Array;
}

export interface Facts {
  readonly role: 'client' | 'server';
  readonly protocol: ProtocolVersion;
  readonly cipherSuite: CipherSuite;
  /** Group of the key exchange. */
  readonly group: GroupName;
  /** The protocol agreed by ALPN (RFC 7301). */
  readonly alpn: Uint8Array | undefined;
  /** The name in server_name: on a client what was sent, on a server what came. */
  readonly serverName: string | undefined;
  /** The peer's certificates, DER, its own first; empty when it showed none. */
  readonly peerChain: readonly Uint8Array[];
  /** The peer's CertificateVerify; `undefined` without certificate. */
  readonly peerSignatureScheme: SignatureSchemeName | undefined;
  /** Our CertificateVerify; `undefined` without certificate. */
  readonly ownSignatureScheme: SignatureSchemeName | undefined;
  /** 32 bytes */
  readonly clientRandom: Uint8Array;
  /** 32 bytes */
  readonly serverRandom: Uint8Array;
  /** legacy_session_id in TLS 1.3. */
  readonly sessionId: Uint8Array;
  /** Whether a HelloRetryRequest was needed. */
  readonly retried: boolean;
  readonly sessionResumption: boolean;
  readonly secrets: KeptSecrets | undefined;
}
