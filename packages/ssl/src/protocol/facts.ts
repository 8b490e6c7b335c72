/**
 * What a connection learned that its users may ask for (contract §1.4). Made once, when the handshake is complete,
 * and replaced as a whole when a side has shown later who it is: `connection_information` and its kin read only this.
 */

import type { GroupName } from '../values/crypto/engine.js';
import type { CipherSuite } from '../values/registry/suites.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import type { AgreedSrtp } from '../values/srtp.js';
import type { Authentication } from './authentication.js';
import type { KeyExporter } from './key-exporter.js';
import type { MasterSecret12 } from './tls12/master-secret.js';
import type { SessionTerms } from './tls12/session.js';
import type { ProvedUser } from './tls12/user.js';

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
  /** Where early data was accepted. */
  readonly clientEarlyTraffic: Uint8Array | undefined;
  readonly clientHandshakeTraffic: Uint8Array;
  readonly serverHandshakeTraffic: Uint8Array;
  readonly clientTraffic0: Uint8Array;
  readonly serverTraffic0: Uint8Array;
}

export interface Facts {
  readonly role: 'client' | 'server';
  readonly protocol: ProtocolVersion;
  readonly cipherSuite: CipherSuite;
  /** Group of the key exchange; `undefined` where it has none: RSA and PSK of TLS 1.2. */
  readonly group: GroupName | undefined;
  /** The protocol agreed by ALPN (RFC 7301), or by NPN before TLS 1.3. */
  readonly alpn: Uint8Array | undefined;
  /** Of DTLS: how media are protected (RFC 5764). */
  readonly srtp?: AgreedSrtp | undefined;
  /** The name in server_name: on a client what was sent, on a server what came. */
  readonly serverName: string | undefined;
  /** How the peer has proved who it is. */
  readonly peer: Authentication;
  /** How we have. */
  readonly own: Authentication;
  /** 32 bytes */
  readonly clientRandom: Uint8Array;
  /** 32 bytes */
  readonly serverRandom: Uint8Array;
  /** legacy_session_id in TLS 1.3. */
  readonly sessionId: Uint8Array;
  /** Whether a HelloRetryRequest was needed. */
  readonly retried: boolean;
  /** TLS 1.2 and before: by which name both sides had a key (RFC 4279, RFC 5054). */
  readonly user: ProvedUser | undefined;
  readonly sessionResumption: boolean;
  /** What another connection may resume; `undefined` in TLS 1.3. */
  readonly session: SessionTerms | undefined;
  /** Bytes of content in a record at most, if max_fragment_length was agreed on (RFC 6066 §4). */
  readonly maxFragmentLength: number | undefined;
  /** What became of data sent before the handshake was complete (RFC 8446 §4.2.10). */
  readonly earlyData: 'none' | 'accepted' | 'rejected';
  /** Bytes of it that were accepted: on a server the first that it has got, which may be a replay. */
  readonly earlyBytes: number;
  /** Of a client: the server has asked for a certificate, and what it thinks of the answer is not known yet (TLS 1.3). */
  readonly unconfirmed: boolean;
  readonly secrets: KeptSecrets | undefined;
  /** Key material for others (RFC 8446 §7.5, RFC 5705). */
  readonly exporter: KeyExporter;
  /** The same from before the server's answer, where early data was accepted: whoever replays the hello shares it. */
  readonly earlyExporter: KeyExporter | undefined;
}
