/**
 * What the options of OTP's ssl become: plain, immutable data that every storey may read.
 *
 * A config that exists is right: `parse.ts` checked it. Each field bears its option's name in camelCase and is
 * read in one place. `files` and keys are not read here; `processes/material/credentials.ts` turns the material fields into
 * `Credentials` when a handshake needs them (`ssl:listen/2` does not read files).
 */
import type { CrlCacheApi } from '@actor-tls/crl-cache';
import type { GroupName } from '../values/crypto/engine.js';
import type { SignatureSchemeName } from '../values/registry/schemes.js';
import type { CipherSuite } from '../values/registry/suites.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import type { CrlCheck } from '../values/x509/crl-check.js';
import type { HostnameCheckHooks } from '../values/x509/hostname.js';
import type { KeyMaterial } from '../values/x509/key-material.js';
import type { OcspResponseSource } from '../values/x509/ocsp-response-source.js';
import type { PartialChain, Verify } from '../values/x509/peer-verification.js';
import type { Stapling } from '../values/x509/stapling.js';
import type { VerifyFun } from '../values/x509/verify-fun.js';
import type { LogLevel } from './log-level.js';

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

/** `crl_cache`: where CRLs come from. */
export type CrlCacheChoice =
  /** The application's cache; `http`: ms to wait for a fetch from a distribution point, without it nothing is fetched. */
  | { readonly cache: 'internal'; readonly http: number | undefined }
  /** A directory as `openssl rehash` leaves it. */
  | { readonly cache: 'hash_dir'; readonly dir: string }
  | { readonly cache: 'own'; readonly api: CrlCacheApi; readonly db: unknown };

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
