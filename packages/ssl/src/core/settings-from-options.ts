/**
 * Settings for a core without processes, made from options as `connect` and `listen` take them and with the same
 * defaults. Of the options there are those that the protocol and `judge` act on: nobody is here to read a file, to
 * count time or to fetch a list, so that an option which wants this is an error and not silently without effect.
 */
import type { ClientConfig, ServerConfig } from '../options/config.js';
import { parseClientOptions, parseServerOptions } from '../options/parse.js';
import type { TlsClientOptions, TlsServerOptions } from '../options/raw.js';
import type { Side } from '../options/row.js';
import { type NamesOf, namesOf, type OptionName, optionRows, type Rows } from '../options/rows.js';
import type { CryptoEngine } from '../values/crypto/engine.js';
import { unwrap } from '../values/ssl-error.js';

type CoreName = {
  readonly [K in OptionName]: Rows[K] extends { readonly core: true } ? K : never;
}[OptionName];
/** Those of a side, by their rows. `cacerts` is in `Trusting`. */
type CoreOptionsOf<S extends Side> = Pick<
  TlsClientOptions & TlsServerOptions,
  Exclude<Extract<CoreName, NamesOf<S>>, 'cacerts'>
>;

/** Trusted certificates: PEM, DER, or some of either. There is no system store here. */
export interface Trusting {
  readonly cacerts?: string | readonly (Uint8Array | string)[] | undefined;
}

/** Options of `connect` that mean something without processes. */
export interface CoreClientOptions extends Trusting, CoreOptionsOf<'both' | 'client'> {}

/** Options of `listen` that mean something without processes. */
export interface CoreServerOptions extends Trusting, CoreOptionsOf<'both' | 'server'> {}

const coreNames: ReadonlySet<string> = new Set(optionRows.filter(({ core }) => core).map(({ name }) => name));
const ofClient: ReadonlySet<string> = new Set(
  namesOf('both', 'client').filter((name) => coreNames.has(name)),
);
const ofServer: ReadonlySet<string> = new Set(
  namesOf('both', 'server').filter((name) => coreNames.has(name)),
);

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

function checkNames(options: CoreClientOptions | CoreServerOptions, known: ReadonlySet<string>): void {
  const other = Object.keys(options).find((name) => !known.has(name));
  if (other !== undefined) throw new TypeError(`the core has no option ${other}`);
  if (typeof options.keepSecrets === 'object') throw new TypeError('secrets are told to the sink: keyLog');
}

function checkTrust({ cacerts, verify }: ClientConfig | ServerConfig): void {
  if (verify === 'verify_peer' && typeof cacerts === 'string')
    throw new TypeError('the core reads no store of certificates: name those you trust in cacerts');
}
