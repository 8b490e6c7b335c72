/**
 * Settings for a core without processes, made from options as `connect` and `listen` take them and with the same
 * defaults. Of the options there are those that the protocol and `judge` act on: nobody is here to read a file, to
 * count time or to fetch a list, so that an option which wants this is an error and not silently without effect.
 */
import type { ClientConfig, ServerConfig } from '../options/config.js';
import { parseClientOptions, parseServerOptions } from '../options/parse.js';
import type { TlsClientOptions, TlsServerOptions } from '../options/raw.js';
import type { CryptoEngine } from '../values/crypto/engine.js';
import { unwrap } from '../values/ssl-error.js';

type Common =
  | 'versions'
  | 'verify'
  | 'verifyFun'
  | 'partialChain'
  | 'depth'
  | 'minKeySize'
  | 'ciphers'
  | 'supportedGroups'
  | 'eccs'
  | 'signatureAlgs'
  | 'signatureAlgsCert'
  | 'maxHandshakeSize'
  | 'keyUpdateAt'
  | 'middleboxCompMode'
  | 'keepSecrets';

/** Trusted certificates: PEM, DER, or some of either. There is no system store here. */
export interface Trusting {
  readonly cacerts?: string | readonly (Uint8Array | string)[] | undefined;
}

/** Options of `connect` that mean something without processes. */
export type CoreClientOptions = Trusting &
  Pick<TlsClientOptions, Common | 'customizeHostnameCheck' | 'alpnAdvertisedProtocols'>;

/** Options of `listen` that mean something without processes. */
export type CoreServerOptions = Trusting &
  Pick<
    TlsServerOptions,
    Common | 'failIfNoPeerCert' | 'alpnPreferredProtocols' | 'honorCipherOrder' | 'honorEccOrder'
  >;

const common: Readonly<Record<Common | 'cacerts', true>> = {
  versions: true,
  verify: true,
  cacerts: true,
  verifyFun: true,
  partialChain: true,
  depth: true,
  minKeySize: true,
  ciphers: true,
  supportedGroups: true,
  eccs: true,
  signatureAlgs: true,
  signatureAlgsCert: true,
  maxHandshakeSize: true,
  keyUpdateAt: true,
  middleboxCompMode: true,
  keepSecrets: true,
};
const ofClient: Readonly<Record<keyof CoreClientOptions, true>> = {
  ...common,
  customizeHostnameCheck: true,
  alpnAdvertisedProtocols: true,
};
const ofServer: Readonly<Record<keyof CoreServerOptions, true>> = {
  ...common,
  failIfNoPeerCert: true,
  alpnPreferredProtocols: true,
  honorCipherOrder: true,
  honorEccOrder: true,
};

/**
 * The settings of a client. Throws an `SslError` for a wrong option, and a `TypeError` for one that the core does not
 * have, or when a client that verifies its peer (the default) is told no `cacerts`.
 */
export function clientSettings(options: CoreClientOptions, engine: CryptoEngine): ClientConfig {
  checkNames(options, ofClient);
  const config = unwrap(parseClientOptions(options, { engine }));
  checkTrust(config);
  return config;
}

/** The settings of a server; throws as `clientSettings` does. */
export function serverSettings(options: CoreServerOptions, engine: CryptoEngine): ServerConfig {
  checkNames(options, ofServer);
  const config = unwrap(parseServerOptions(options, { engine }));
  checkTrust(config);
  return config;
}

function checkNames(options: object, known: Readonly<Record<string, true>>): void {
  const other = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (other !== undefined) throw new TypeError(`the core has no option ${other}`);
}

function checkTrust({ cacerts, verify }: ClientConfig | ServerConfig): void {
  if (verify === 'verify_peer' && typeof cacerts === 'string')
    throw new TypeError('the core reads no store of certificates: name those you trust in cacerts');
}
