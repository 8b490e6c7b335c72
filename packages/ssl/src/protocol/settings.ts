/**
 * What of a config and of its surroundings the protocol looks at. Every `ClientConfig` and `ServerConfig` fits;
 * embedders write just these fields.
 */
import type { ClientConfig, ServerConfig } from '../options/config.js';
import type { Compressors } from '../values/compression/compressor.js';
import type { ConnectionIdTerms } from '../values/connection-id.js';
import type { DhParams } from '../values/crypto/dh-parameter.js';
import type { CryptoEngine, Group, KeyShare } from '../values/crypto/engine.js';
import type { SrtpTerms } from '../values/srtp.js';
import type { Channel } from './channel.js';
import type { StatusRequest } from './extensions/status-request.js';
import type { OwnIdentity } from './own-identity.js';
import type { Budget } from './record/turn-budget.js';
import type { Sink } from './sink.js';
import type { ChannelSettings } from './stream-channel.js';
import type { SrpIdentity } from './tls12/key-exchange/srp.js';
import type { ClientSessions } from './tls12/session.js';
import type { ClientResumption } from './tls13/psk.js';

type CommonSettings =
  | 'versions'
  | 'ciphers'
  | 'supportedGroups'
  | 'eccs'
  | 'signatureAlgs'
  | 'signatureAlgsCert'
  | 'maxHandshakeSize'
  | 'keyUpdateAt'
  | 'middleboxCompMode'
  | 'keepSecrets'
  | 'beastMitigation'
  | 'paddingCheck';

/** Of DTLS. */
interface DatagramSettings {
  /** Largest datagram, bytes of UDP's payload; unset: as large as is safe, and smaller when nothing arrives. */
  readonly mtu?: number | undefined;
  /** ms: how long an answer is waited for at first; unset: a second, until the path is known better. */
  readonly flightTimeout?: number | undefined;
  /** SRTP, if media are to be protected by it. */
  readonly useSrtp?: SrtpTerms | undefined;
  /** Connection IDs, if there are to be any. */
  readonly connectionId?: ConnectionIdTerms | undefined;
}

/** Absent: as the option's default, or not wished for. */
type CommonWishes =
  | 'recordSizeLimit'
  | 'certificateCompression'
  | 'postHandshakeAuth'
  | 'secureRenegotiate'
  | 'renegotiateIdentity';

export interface ClientSettings
  extends DatagramSettings,
    Pick<ClientConfig, CommonSettings | 'alpnAdvertisedProtocols' | 'keyShares'>,
    Partial<
      Pick<ClientConfig, CommonWishes | 'maxFragmentLength' | 'fallback' | 'clientPreferredNextProtocols'>
    > {
  /** Who to be for servers with SRP. */
  readonly srpIdentity?: SrpIdentity | undefined;
  /** Least size of what a server chooses for finite fields, bits; default 2048. */
  readonly minKeySize?: number | undefined;
}

export type ServerSettings = DatagramSettings &
  Pick<
    ServerConfig,
    | CommonSettings
    | 'alpnPreferredProtocols'
    | 'verify'
    | 'failIfNoPeerCert'
    | 'honorCipherOrder'
    | 'honorEccOrder'
  > &
  Partial<
    Pick<
      ServerConfig,
      CommonWishes | 'certificateAuthorities' | 'clientRenegotiation' | 'nextProtocolsAdvertised'
    >
  >;

/** What the protocol takes from outside: cryptography and chance. */
export interface Dependencies {
  readonly engine: CryptoEngine;
  /** Fresh random bytes. */
  random(length: number): Uint8Array;
  /** A fresh share of a group: a client's of any, a server's of one of Diffie-Hellman. */
  keyShare(group: Group): KeyShare;
  /** ms of a clock that only goes forwards: over datagrams, to learn how long the path takes. */
  readonly now: (() => number) | undefined;
  /** For certificates; what is not there is not offered. */
  readonly compressors: Compressors;
  /** Of a server that keeps nothing between the hellos of a retry; without it, it keeps what it needs. */
  readonly cookies: CookieSealer | undefined;
}

/** Makes cookies of what a server would have to keep (RFC 8446 §4.2.2). */
export interface CookieSealer {
  /** A cookie that nobody else can make. */
  seal(content: Uint8Array): Uint8Array;
  /** What is in a cookie of ours that is not too old; `undefined` for every other. */
  open(cookie: Uint8Array): Uint8Array | undefined;
}

/** Dependencies as the core's users give them: the engine's randomness unless they inject their own (traces, replay). */
export interface GivenDependencies {
  readonly engine: CryptoEngine;
  readonly random?: (length: number) => Uint8Array;
  readonly keyShare?: (group: Group) => KeyShare;
  readonly now?: (() => number) | undefined;
  readonly compressors?: Compressors;
  readonly cookies?: CookieSealer | undefined;
}

/** What a channel tells. */
export type ChannelSink = Pick<Sink, 'write' | 'trace' | 'timer' | 'owes' | 'paths'>;

/** Makes the channel of a connection. */
export type ChannelMaker = (settings: ChannelSettings, recordVersion: number, sink: ChannelSink) => Channel;

/** What a client goes on with once it has read the server's first hello: the answer to `askHello`. */
export interface ClientHelloAnswer {
  readonly config: ClientSettings;
  /** Own certificates, the preferred first; may be empty. */
  readonly identities: readonly OwnIdentity[];
}

/** What a server goes on with once it has read the client's first hello: the answer to `askHello`. */
export interface ServerHelloAnswer {
  readonly config: ServerSettings;
  /** Own certificates, the preferred first. */
  readonly identities: readonly OwnIdentity[];
  /** DER names for CertificateRequest's certificate_authorities; empty sends none. */
  readonly certificateAuthorities: readonly Uint8Array[];
  /** Of finite-field Diffie-Hellman in TLS 1.2 and before; default: group 14 of RFC 3526. */
  readonly dhParams?: DhParams | undefined;
  /** What a client is told to choose its identity by (RFC 4279 §5.2). */
  readonly pskHint?: Uint8Array | undefined;
  /** The name asked for has led to these options: the client is told so (RFC 6066 §3). */
  readonly nameUsed?: boolean | undefined;
}

/** A client as it is made. What its record layer is told of the config stays, whatever `askHello` is answered. */
export interface ClientOptions extends ClientHelloAnswer {
  readonly dependencies: GivenDependencies;
  /** Host for server_name, Unicode too; an address, or what is no host name, is not sent. `undefined` sends none. */
  readonly serverName: string | undefined;
  /** Asks the server for a stapled OCSP response; `askVerdict` is handed what comes. */
  readonly statusRequest?: StatusRequest | undefined;
  /** DER names of CAs for certificate_authorities (RFC 8446 §4.2.4): the server may choose its certificate by them. */
  readonly namedAuthorities?: readonly Uint8Array[] | undefined;
  /** Keys to be recognized by, from whoever keeps them; without this no ticket is asked for. */
  readonly resumption?: ClientResumption | undefined;
  /** Sessions of TLS 1.2 and before; without this none is offered, and no ticket asked for. */
  readonly sessions?: ClientSessions | undefined;
  /** How much input is worked off in one go (`Core.needsRest`); without one, all. */
  readonly budget?: Budget | undefined;
  /** How records travel; over a stream unless given. Of DTLS: `overDatagrams`. */
  readonly channel?: ChannelMaker | undefined;
  /** The connection ID that records to us are to bear, the same at every call; random of the length wished for unless given. */
  readonly ownConnectionId?: (() => Uint8Array) | undefined;
}

/** A server as it is made. What its record layer is told of the config stays, whatever `askHello` is answered. */
export interface ServerOptions extends ServerHelloAnswer {
  readonly dependencies: GivenDependencies;
  /** Bytes of early data that tickets may have allowed; default 16384. What is refused is passed over so far. */
  readonly maxEarlyData?: number | undefined;
  /** How much input is worked off in one go (`Core.needsRest`); without one, all. */
  readonly budget?: Budget | undefined;
  /** How records travel; over a stream unless given. */
  readonly channel?: ChannelMaker | undefined;
  /** Over datagrams: ms that the path takes there and back, as who has checked the client's address has seen it. */
  readonly roundTrip?: number | undefined;
  /** As of a client; asked for when a client wants to know it. */
  readonly ownConnectionId?: (() => Uint8Array) | undefined;
}
