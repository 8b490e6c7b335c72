/** What the handlers of a handshake work with, whatever its version. */

import type { DhParams } from '../values/crypto/dh-parameter.js';
import type { MessageChannel } from './channel.js';
import type { OwnIdentity } from './own-identity.js';
import type { ClientOptions, ClientSettings, Dependencies, ServerSettings } from './settings.js';
import type { Sink } from './sink.js';
import type { Previous } from './tls12/renegotiation.js';

export interface ClientContext {
  readonly config: ClientSettings;
  /** Own certificates, the preferred first; may be empty. */
  readonly identities: readonly OwnIdentity[];
  readonly dependencies: Dependencies;
  readonly channel: MessageChannel;
  readonly sink: Pick<Sink, 'askVerdict' | 'askSignature' | 'askUser' | 'ticket' | 'keyLog'>;
  /** What every hello of the connection says. */
  readonly greeting: Pick<ClientOptions, 'serverName' | 'statusRequest' | 'ownConnectionId'>;
  /** The handshake before this one, on a connection that renegotiates. */
  readonly previous?: Previous | undefined;
}

export interface ServerContext {
  readonly config: ServerSettings;
  /** Own certificates, the preferred first. */
  readonly identities: readonly OwnIdentity[];
  readonly dependencies: Dependencies;
  /** DER names for CertificateRequest's certificate_authorities; empty sends none. */
  readonly certificateAuthorities: readonly Uint8Array[];
  /** The name asked for has led to these options (RFC 6066 §3). */
  readonly nameUsed: boolean;
  /** Bytes of early data that tickets of this server may have allowed. */
  readonly maxEarlyData: number;
  readonly channel: MessageChannel;
  readonly dhParams: DhParams;
  /** What records to us bear, if there are connection IDs. */
  readonly ownConnectionId: () => Uint8Array;
  /** What a client is told to choose an identity by (RFC 4279 §5.2). */
  readonly pskHint: Uint8Array | undefined;
  /** The handshake before this one, on a connection that renegotiates. */
  readonly previous?: Previous | undefined;
  readonly sink: Pick<
    Sink,
    | 'askVerdict'
    | 'askSignature'
    | 'askStaple'
    | 'askPsk'
    | 'askUser'
    | 'askSession'
    | 'askTicket'
    | 'deliverEarly'
    | 'keyLog'
  >;
}
