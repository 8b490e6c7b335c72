/**
 * Options as users write them (`ssl:tls_client_option()`, `ssl:tls_server_option()`): OTP's names in camelCase.
 *
 * An absent option and one that is `undefined` are the same. `docs/options.md` lists what the rows in this folder
 * make of them.
 */

import type { CrlCacheApi } from '@actor-tls/crl-cache';
import type { SuiteMap } from '../values/cipher-suites.js';
import type { CurveName, Tls13GroupName } from '../values/registry/groups.js';
import type { SignatureSchemeName } from '../values/registry/schemes.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import type { CrlCheck } from '../values/x509/crl-check.js';
import type { HostnameCheckHooks } from '../values/x509/hostname.js';
import type { RemoteKey } from '../values/x509/key-material.js';
import type { OcspResponseSource } from '../values/x509/ocsp-response-source.js';
import type { PartialChain, Verify } from '../values/x509/peer-verification.js';
import type { VerifyFun } from '../values/x509/verify-fun.js';
import type { ActiveMode, PacketMode } from './config.js';
import type { LogLevel } from './log-level.js';

/** A private key in DER, by the name of its ASN.1 type, as OTP's `{Type, Der}`. */
export type DerKey =
  | { readonly RSAPrivateKey: Uint8Array }
  | { readonly DSAPrivateKey: Uint8Array }
  | { readonly ECPrivateKey: Uint8Array }
  | { readonly PrivateKeyInfo: Uint8Array }
  | { readonly PFX: Uint8Array }
  | { readonly rsa: Uint8Array }
  | { readonly dsa: Uint8Array }
  | readonly [type: string, der: Uint8Array];

/** The part of node:crypto's `KeyObject` that a private key needs; it is exported as PKCS#8. */
export interface ExportableKey {
  readonly type: string;
  export(options: { format: 'der'; type: 'pkcs8' }): Uint8Array;
}

/** `{Hash, Sign}` of TLS 1.2, or a scheme's name. */
export type SignatureWish = SignatureSchemeName | readonly [hash: string, sign: string];

/** Suites by map, RFC name, OpenSSL name, OTP's old tuple, or number in two bytes. */
export type CipherWish = SuiteMap | string | readonly string[] | Uint8Array;

/** One pair of `certs_keys`. */
export type CertKey = Pick<CommonTlsOptions, 'cert' | 'certfile' | 'key' | 'keyfile' | 'password'> &
  Pick<TlsServerOptions, 'ocspResponse'>;

/**
 * `crl_cache`: a module and what it is told. `ssl_crl_cache` takes `{ http: ms }`, `ssl_crl_hash_dir` takes `{ dir }`; as
 * in OTP these may stand in `[handle, [args]]`. An implementation of the user's is handed `db` as it is.
 */
export type CrlCacheWish =
  | { readonly api: 'ssl_crl_cache' | 'ssl_crl_hash_dir' | CrlCacheApi; readonly db?: unknown }
  | { readonly ssl_crl_cache: { readonly internal: readonly { readonly http: number }[] } }
  | { readonly ssl_crl_hash_dir: { readonly internal: readonly { readonly dir: string }[] } }
  | readonly [api: 'ssl_crl_cache' | 'ssl_crl_hash_dir' | CrlCacheApi, db: unknown];

/** `stapling` of OTP 27. */
export type StaplingWish =
  | 'staple'
  | 'no_staple'
  | {
      /** Default true, as in OTP. */
      readonly ocspNonce?: boolean | undefined;
      /** DER */
      readonly ocspResponderCerts?: readonly Uint8Array[] | undefined;
    };

/**
 * Options of both sides. The parameters are what `mode`, `packet` and `header` say, so that the socket's type can tell
 * what it delivers.
 */
export interface CommonTlsOptions<
  Mode extends 'binary' | 'list' = 'binary' | 'list',
  Packet extends PacketMode = PacketMode,
  Header extends number = number,
> {
  /** `protocol`: default `'tls'`. */
  readonly protocol?: 'tls' | 'dtls' | undefined;
  /** `versions`: any order; default: those built of TLS 1.3 and 1.2. */
  readonly versions?: readonly ProtocolVersion[] | undefined;

  /** `cert`: own certificate, then its chain, in DER or one PEM text; goes before `certfile`. */
  readonly cert?: Uint8Array | readonly Uint8Array[] | string | undefined;
  /** `certfile`: path of a PEM file with the own certificate first, or of a PKCS#12 file. */
  readonly certfile?: string | Uint8Array | undefined;
  /** `key`: goes before `keyfile`. A PEM text may be encrypted (`password`); `{ PFX }` is a PKCS#12 file. */
  readonly key?: DerKey | ExportableKey | RemoteKey | string | undefined;
  /** `keyfile`: path of a PEM or PKCS#12 file; default: `certfile`. */
  readonly keyfile?: string | Uint8Array | undefined;
  /** `password` of an encrypted key; a function is asked when the key is read. */
  readonly password?: string | Uint8Array | (() => string | Uint8Array) | undefined;

  /** `certs_keys`: several pairs, in place of the five above; the first that fits the peer is used. */
  readonly certsKeys?: readonly CertKey[] | undefined;

  /** `cacerts`: trusted certificates in DER; goes before `cacertfile`. `'system'`, `'bundled'` and PEM are ours. */
  readonly cacerts?: readonly (Uint8Array | string)[] | string | undefined;
  /** `cacertfile`: path of a PEM file of trusted certificates. */
  readonly cacertfile?: string | Uint8Array | undefined;
  /** `verify`: default `verify_peer` on a client, `verify_none` on a server. */
  readonly verify?: Verify | undefined;
  /** `verify_fun`: a function, or it and its first state. */
  readonly verifyFun?: VerifyFun | readonly [fun: VerifyFun, state: unknown] | undefined;
  /** `partial_chain`: may trust a certificate inside the chain; gets it root first, in DER. */
  readonly partialChain?: PartialChain | undefined;
  /** `depth`: most intermediate certificates between the peer's and the trusted one, 0 to 255; default 10. */
  readonly depth?: number | undefined;
  /** Ours: least bits of RSA and DSA keys in the peer's chain, 1024 to 16384, and curves as strong; default 2048. */
  readonly minKeySize?: number | undefined;
  /** `crl_check`: default false. */
  readonly crlCheck?: CrlCheck | undefined;
  /** `crl_cache`: default the application's cache, without fetching. */
  readonly crlCache?: CrlCacheWish | undefined;

  /** `ciphers`: in order of preference, or OpenSSL names joined by `:`. */
  readonly ciphers?: readonly CipherWish[] | string | undefined;
  /** `supported_groups` (TLS 1.3): in order of preference; unknown names are dropped. */
  readonly supportedGroups?: readonly Tls13GroupName[] | undefined;
  /** `eccs` (TLS 1.2 and before): curves in order of preference; unknown names are dropped. */
  readonly eccs?: readonly (CurveName | Tls13GroupName)[] | undefined;
  /** `signature_algs`: in order of preference. */
  readonly signatureAlgs?: readonly SignatureWish[] | undefined;
  /** `signature_algs_cert`: for signatures in certificates; default: not sent. */
  readonly signatureAlgsCert?: readonly SignatureWish[] | undefined;
  /** `max_handshake_size`: bytes, at most 8388607; default 262144, on a server 65536. */
  readonly maxHandshakeSize?: number | undefined;
  /** `key_update_at` (TLS 1.3): bytes sent under one key; default 388736063997. */
  readonly keyUpdateAt?: number | undefined;
  /** `middlebox_comp_mode`: default true. */
  readonly middleboxCompMode?: boolean | undefined;
  /** `keep_secrets`: whether `connectionInformation` can give the key log; default false. */
  readonly keepSecrets?: boolean | undefined;
  /** `log_alert`, deprecated: true is `logLevel: 'notice'`, false `'none'`. */
  readonly logAlert?: boolean | undefined;
  /** `log_level`: default: the application's, else `notice`. */
  readonly logLevel?: LogLevel | undefined;
  /** `hibernate_after`: ms; default `'infinity'`. */
  readonly hibernateAfter?: number | 'infinity' | undefined;
  /** Ours: ms for the whole handshake; default 60000, on a server 15000. */
  readonly handshakeDeadline?: number | 'infinity' | undefined;

  /** `mode` of delivered data: default `'binary'`. */
  readonly mode?: Mode | undefined;
  /** `packet`: default 0. */
  readonly packet?: Packet | undefined;
  /** `packet_size`: largest packet, bytes; default 0, no limit. */
  readonly packetSize?: number | undefined;
  /** `header`: bytes delivered as numbers before the rest; default 0. */
  readonly header?: Header | undefined;
  /** `active`: default true; a number from -32768 to 32767 counts messages. */
  readonly active?: ActiveMode | undefined;

  /** `ip` of the own end: text, numbers, `'any'` or `'loopback'`. */
  readonly ip?: string | readonly number[] | undefined;
  /** `inet`: IPv4. */
  readonly inet?: true | undefined;
  /** `inet6`: IPv6. */
  readonly inet6?: true | undefined;
  /** `nodelay` of TCP. */
  readonly nodelay?: boolean | undefined;
  /** `keepalive` of TCP. */
  readonly keepalive?: boolean | undefined;
  /** `reuseaddr`: a listening socket always has it, so `false` is refused on a server. */
  readonly reuseaddr?: boolean | undefined;
  /** `send_timeout`: ms a `send` may wait for the transport; default `'infinity'`. */
  readonly sendTimeout?: number | 'infinity' | undefined;
}

/** Options of `connect`. */
export interface TlsClientOptions<
  Mode extends 'binary' | 'list' = 'binary' | 'list',
  Packet extends PacketMode = PacketMode,
  Header extends number = number,
> extends CommonTlsOptions<Mode, Packet, Header> {
  /**
   * `server_name_indication`: a name to send and check (Unicode too), an address to check, or `'disable'`; default:
   * the host, which is sent if it is a name.
   */
  readonly serverNameIndication?: string | undefined;
  /** `customize_hostname_check`: `matchFun`, `fqdnFun`, `failCallback`, as in OTP's list of pairs. */
  readonly customizeHostnameCheck?: HostnameCheckHooks | undefined;
  /** `alpn_advertised_protocols`: names of 1 to 255 bytes, most wanted first. */
  readonly alpnAdvertisedProtocols?: readonly (Uint8Array | string)[] | undefined;
  /** `stapling`: whether the server has to show that its certificate is not revoked; default `'no_staple'`. */
  readonly stapling?: StaplingWish | undefined;
}

/** Options of `listen`, `handshake` and `handshakeContinue`. */
export interface TlsServerOptions<
  Mode extends 'binary' | 'list' = 'binary' | 'list',
  Packet extends PacketMode = PacketMode,
  Header extends number = number,
> extends CommonTlsOptions<Mode, Packet, Header> {
  /** `fail_if_no_peer_cert`: default false; needs `verify_peer`. */
  readonly failIfNoPeerCert?: boolean | undefined;
  /** `alpn_preferred_protocols`: names of 1 to 255 bytes, most wanted first. */
  readonly alpnPreferredProtocols?: readonly (Uint8Array | string)[] | undefined;
  /** `honor_cipher_order`: own order of suites, not the client's; default false. */
  readonly honorCipherOrder?: boolean | undefined;
  /** `honor_ecc_order`: own order of curves in TLS 1.2 and before, not the client's; default false. */
  readonly honorEccOrder?: boolean | undefined;
  /** Ours: a DER OCSPResponse for the own certificate, or a function that gives a current one when a client asks. */
  readonly ocspResponse?: OcspResponseSource | undefined;
  /** Ours: connections of this listener between accept and established; default 4096. */
  readonly maxHandshakes?: number | undefined;
  /** Ours: how many of them may come from one IPv4 address or IPv6 /64; default a quarter, at least 16. */
  readonly maxHandshakesPerAddress?: number | 'infinity' | undefined;
  /** Ours: bytes that they may hold together; default 16777216. */
  readonly maxHandshakeBytes?: number | 'infinity' | undefined;
  /** `backlog` of the listening socket. */
  readonly backlog?: number | undefined;
}
