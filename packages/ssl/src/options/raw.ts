/**
 * Options as users write them (`ssl:tls_client_option()`, `ssl:tls_server_option()`): OTP's names in camelCase.
 *
 * An absent option and one that is `undefined` are the same. `docs/options.md` lists what the rows in this folder
 * make of them.
 */

import type { CrlCacheApi } from '@actor-tls/crl-cache';
import type { SuiteMap } from '../values/cipher-suites.js';
import type { SignatureSchemeName } from '../values/registry/schemes.js';
import type { RemoteKey } from '../values/x509/key-material.js';
import type { PacketMode } from './config.js';
import type { Side } from './row.js';
import type { NamesOf, OptionName, Rows } from './rows.js';
import type { IdentityRows } from './rows-identity.js';
import type { SocketRows } from './rows-socket.js';
import type { TransportRows } from './rows-transport.js';

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

/** The `key` option. */
export type KeyWish = DerKey | ExportableKey | RemoteKey | string;

/** `{Hash, Sign}` of TLS 1.2, or a scheme's name. */
export type SignatureWish = SignatureSchemeName | readonly [hash: string, sign: string];

/** Suites by map, RFC name, OpenSSL name, OTP's old tuple, or number in two bytes. */
export type CipherWish = SuiteMap | string | readonly string[] | Uint8Array;

/** One pair of `certs_keys`. */
export type CertKey = { readonly [K in keyof IdentityRows]?: IdentityRows[K]['written'] | undefined };

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

/** What users write, by the rows. */
type Written = { readonly [K in OptionName]?: Rows[K]['written'] | undefined };

/** What they write of the socket's options, and of the transport's. */
type WrittenForSocket = { readonly [K in keyof SocketRows]?: SocketRows[K]['written'] | undefined };
type WrittenForTransport<S extends Side> = {
  readonly [K in keyof TransportRows as TransportRows[K]['side'] extends S ? K : never]?:
    | TransportRows[K]['written']
    | undefined;
};

/**
 * Options of both sides. The parameters are what `mode`, `packet` and `header` say, so that the socket's type can tell
 * what it delivers.
 */
export interface CommonTlsOptions<
  Mode extends 'binary' | 'list' = 'binary' | 'list',
  Packet extends PacketMode = PacketMode,
  Header extends number = number,
> extends Pick<Written, NamesOf<'both'>>,
    WrittenForSocket,
    WrittenForTransport<'both'> {
  readonly mode?: Mode | undefined;
  readonly packet?: Packet | undefined;
  readonly header?: Header | undefined;
}

/** Options of `connect`. */
export interface TlsClientOptions<
  Mode extends 'binary' | 'list' = 'binary' | 'list',
  Packet extends PacketMode = PacketMode,
  Header extends number = number,
> extends CommonTlsOptions<Mode, Packet, Header>,
    Pick<Written, NamesOf<'client'>>,
    WrittenForTransport<'client'> {}

/** Options of `listen`, `handshake` and `handshakeContinue`. */
export interface TlsServerOptions<
  Mode extends 'binary' | 'list' = 'binary' | 'list',
  Packet extends PacketMode = PacketMode,
  Header extends number = number,
> extends CommonTlsOptions<Mode, Packet, Header>,
    Pick<Written, NamesOf<'server'>>,
    WrittenForTransport<'server'> {}

/** Options of either end: of one that goes on after a pause, whichever it is. */
export interface EndOptions
  extends CommonTlsOptions,
    Pick<Written, NamesOf<'client' | 'server'>>,
    WrittenForTransport<'client' | 'server'> {}
