/**
 * What the options of OTP's ssl become: plain, immutable data that every storey may read.
 *
 * A config that exists is right: `parse.ts` checked it. Each field bears its option's name in camelCase and is
 * read in one place. `files` and keys are not read here; `processes/material/credentials.ts` turns the material fields into
 * `Credentials` when a handshake needs them (`ssl:listen/2` does not read files).
 */
import type { CrlCacheApi } from '@actor-tls/crl-cache';
import type { GroupName, KeyAlgorithm, PrivateKey } from '../values/crypto/engine.js';
import type { SignatureSchemeName } from '../values/registry/schemes.js';
import type { CipherSuite } from '../values/registry/suites.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import type { HostnameCheckHooks } from '../values/x509/hostname.js';

/** Emulated socket options (`ssl:setopts/2`), kept by ssl and not by the transport. */
export interface SocketOptions {
  readonly mode: 'binary' | 'list';
  readonly packet: PacketMode;
  /** Largest packet accepted, bytes; 0 = no limit. */
  readonly packetSize: number;
  readonly header: number;
  readonly active: ActiveMode;
}

/** Packet modes of `erlang:decode_packet/3` that OTP's ssl takes; `raw` and 0 are one. */
export type PacketMode =
  | 'raw'
  | 0
  | 1
  | 2
  | 4
  | 'asn1'
  | 'cdr'
  | 'sunrm'
  | 'fcgi'
  | 'tpkt'
  | 'line'
  | 'http'
  | 'http_bin'
  | 'httph'
  | 'httph_bin';
export type ActiveMode = boolean | 'once' | number;

/** Where own certificates and keys come from (`ssl:common_option()`), before they are read. */
export interface IdentityMaterial {
  /** DER, own certificate first. */
  readonly cert: readonly Uint8Array[] | undefined;
  readonly certfile: string | undefined;
  readonly key: KeyMaterial | undefined;
  readonly keyfile: string | undefined;
  readonly password: string | Uint8Array | (() => string | Uint8Array) | undefined;
  /** Servers only, and ours: what is stapled to the certificate when the client asks for it. */
  readonly ocspResponse: OcspResponseSource | undefined;
}

/** A DER OCSPResponse, or a function that has a current one; `undefined` staples nothing. */
export type OcspResponseSource =
  | Uint8Array
  | ((request: OcspStapleRequest) => Uint8Array | undefined | Promise<Uint8Array | undefined>);

/** What a client's status_request is about. */
export interface OcspStapleRequest {
  /** DER of the own certificate. */
  readonly certificate: Uint8Array;
  /** DER of the certificate above it, if it is part of the chain. */
  readonly issuer: Uint8Array | undefined;
  readonly serverName: string | undefined;
  /** DER of the request's OCSP Extensions (a nonce, RFC 8954), empty when there are none. */
  readonly requestExtensions: Uint8Array;
}

/** A private key that lives elsewhere (a token, an HSM, a cloud's KMS): OTP's engine keys. */
export interface RemoteKey {
  readonly algorithm: KeyAlgorithm;
  /**
   * Signs `data`, which is not hashed yet, by the rules of the scheme (OTP's name: `rsa_pss_rsae_sha256`, …). A
   * rejection, a throw or an answer that is no bytes ends the one connection that asked.
   */
  readonly sign: (scheme: SignatureSchemeName, data: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** DER SubjectPublicKeyInfo: when given, the certificate must be of this key. */
  readonly spki?: Uint8Array | undefined;
}

/** The `key` option: OTP's `{Type, Der}`, or forms a Node user has at hand. */
export type KeyMaterial =
  | {
      readonly type: 'der';
      readonly format: 'RSAPrivateKey' | 'DSAPrivateKey' | 'ECPrivateKey' | 'PrivateKeyInfo';
      readonly der: Uint8Array;
    }
  | { readonly type: 'pem'; readonly pem: string }
  /** PKCS#12: the certificates come along, unless `cert` or `certfile` is given. */
  | { readonly type: 'pfx'; readonly der: Uint8Array }
  | { readonly type: 'remote'; readonly key: RemoteKey }
  | { readonly type: 'private_key'; readonly key: PrivateKey };

/** From most to least severe; `none` logs nothing, `all` everything. */
export const logLevels = [
  'none',
  'emergency',
  'alert',
  'critical',
  'error',
  'warning',
  'notice',
  'info',
  'debug',
  'all',
] as const;
export type LogLevel = (typeof logLevels)[number];

/** `crl_check`: which certificates must not be revoked, and whether an unclear answer counts. */
export type CrlCheck = boolean | 'peer' | 'best_effort';

/** `crl_cache`: where CRLs come from. */
export type CrlCacheChoice =
  /** The application's cache; `http`: ms to wait for a fetch from a distribution point, without it nothing is fetched. */
  | { readonly cache: 'internal'; readonly http: number | undefined }
  /** A directory as `openssl rehash` leaves it. */
  | { readonly cache: 'hash_dir'; readonly dir: string }
  | { readonly cache: 'own'; readonly api: CrlCacheApi; readonly db: unknown };

/** `stapling`: the server has to show a response of its OCSP responder. */
export interface Stapling {
  /** Whether the response must bear a fresh nonce of ours; servers that staple for all cannot do that. */
  readonly ocspNonce: boolean;
  /** Responders trusted besides the issuer and whom it delegates to, DER. */
  readonly ocspResponderCerts: readonly Uint8Array[];
}

export type Verify = 'verify_none' | 'verify_peer';

/** Answers of a `verify_fun` (contract §7.3). */
export type VerifyFunAnswer<S> =
  | { readonly valid: S }
  | { readonly valid_peer: S }
  | { readonly fail: unknown }
  | { readonly unknown: S };
export type VerifyFunEvent =
  | { readonly bad_cert: unknown }
  | { readonly extension: { readonly oid: string; readonly critical: boolean; readonly value: Uint8Array } }
  | 'valid'
  | 'valid_peer';
/** `fun/3` and `fun/4` in one: the DER comes last. It may answer a promise. */
export type VerifyFun = (
  certificate: unknown,
  event: VerifyFunEvent,
  state: unknown,
  der: Uint8Array,
) => VerifyFunAnswer<unknown> | Promise<VerifyFunAnswer<unknown>>;

/**
 * The `partial_chain` function: gets the chain from the peer's issuer side, root first, and may name one of its
 * certificates as trusted.
 */
export type PartialChain = (
  chain: readonly Uint8Array[],
) => { readonly trusted_ca: Uint8Array } | 'unknown_ca';

interface CommonConfig {
  readonly protocol: 'tls' | 'dtls';
  /** Newest first. */
  readonly versions: readonly ProtocolVersion[];
  readonly identity: IdentityMaterial;
  /** Several pairs in place of `identity`. */
  readonly certsKeys: readonly IdentityMaterial[] | undefined;
  readonly cacerts: readonly Uint8Array[] | 'system' | 'bundled' | undefined;
  readonly cacertfile: string | undefined;
  readonly verify: Verify;
  readonly verifyFun: { readonly fun: VerifyFun; readonly state: unknown } | undefined;
  readonly partialChain: PartialChain | undefined;
  readonly depth: number;
  /** Least size of RSA and DSA keys in the peer's chain, bits; curves as strong. */
  readonly minKeySize: number;
  readonly crlCheck: CrlCheck;
  readonly crlCache: CrlCacheChoice;
  readonly ciphers: readonly CipherSuite[];
  readonly supportedGroups: readonly GroupName[];
  /** Curves of TLS 1.2 and before. */
  readonly eccs: readonly GroupName[];
  readonly signatureAlgs: readonly SignatureSchemeName[];
  readonly signatureAlgsCert: readonly SignatureSchemeName[] | undefined;
  /** bytes */
  readonly maxHandshakeSize: number;
  /** Bytes sent under one key before a KeyUpdate (AES suites). */
  readonly keyUpdateAt: number;
  readonly middleboxCompMode: boolean;
  /** ms for the whole handshake, transport connect excluded; ours, not OTP's. */
  readonly handshakeDeadline: number | 'infinity';
  readonly logLevel: LogLevel;
  /** `log_alert`, which `logLevel` has taken into account. */
  readonly logAlert: boolean | undefined;
  readonly keepSecrets: boolean;
  readonly hibernateAfter: number | 'infinity';
  readonly socket: SocketOptions;
  /** Options for the transport itself (`nodelay`, `ip`, `backlog`, …), already in node:net's terms. */
  readonly transport: TransportOptions;
}

export interface TransportOptions {
  readonly ip?: string;
  readonly family?: 4 | 6;
  readonly nodelay?: boolean;
  readonly keepalive?: boolean;
  readonly reuseaddr?: boolean;
  readonly backlog?: number;
  /** ms a `send` may wait for the transport; OTP's `send_timeout`. */
  readonly sendTimeout?: number | 'infinity';
}

export interface ClientConfig extends CommonConfig {
  readonly role: 'client';
  /** A name to send and check, `'disable'`, or undefined: take the host argument when it is a name. */
  readonly serverNameIndication: string | 'disable' | undefined;
  readonly customizeHostnameCheck: HostnameCheckHooks | undefined;
  readonly alpnAdvertisedProtocols: readonly Uint8Array[] | undefined;
  readonly stapling: Stapling | undefined;
}

export interface ServerConfig extends CommonConfig {
  readonly role: 'server';
  readonly failIfNoPeerCert: boolean;
  readonly alpnPreferredProtocols: readonly Uint8Array[] | undefined;
  readonly honorCipherOrder: boolean;
  readonly honorEccOrder: boolean;
  /** Connections of one listener that may be between accept and established; ours. */
  readonly maxHandshakes: number;
  /** How many of them may come from one address; ours. */
  readonly maxHandshakesPerAddress: number | 'infinity';
  /** Bytes that they may hold together of what their peers have sent; ours. */
  readonly maxHandshakeBytes: number | 'infinity';
}

export type Config = ClientConfig | ServerConfig;

/** Own certificate chain and key, read, parsed and matched. */
export interface Identity {
  /** DER, own certificate first. */
  readonly chain: readonly Uint8Array[];
  readonly key: PrivateKey;
  /** Schemes this key can sign with, strongest first. */
  readonly schemes: readonly SignatureSchemeName[];
  /** When the client asks for a stapled OCSP response the sink is asked for one (`askStaple`). */
  readonly stapling?: 'ask';
}
