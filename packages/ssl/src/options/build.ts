/**
 * From decided settings to the config of a side. A config starts as a copy of one that has every field already: to add
 * the fields one after the other takes several times as long, and every `connect` pays for it.
 */
import type { ClientConfig, IdentityMaterial, ServerConfig } from './config.js';
import { defaults, hasAll, namesOf, type OptionName, type Settings } from './rows.js';
import { IdentityRows } from './rows-identity.js';
import { type ParsedSocket, socketDefaults } from './socket-options.js';

type Draft<T> = { -readonly [K in keyof T]: T[K] };

export function clientConfig(settings: Settings, { socket, transport }: ParsedSocket): ClientConfig {
  const identity = identityOf(settings);
  const config: Draft<ClientConfig> = { ...emptyClient, identity, socket, transport };
  for (const name of clientNames) put(config, settings, name);
  const { cacerts, cacertfile, verify } = settings;
  // A client that names no CA trusts the system's.
  if (verify === 'verify_peer' && cacerts === undefined && cacertfile === undefined)
    config.cacerts = 'system';
  return Object.freeze(config);
}

export function serverConfig(settings: Settings, { socket, transport }: ParsedSocket): ServerConfig {
  const identity = identityOf(settings);
  const config: Draft<ServerConfig> = { ...emptyServer, identity, socket, transport };
  for (const name of serverNames) put(config, settings, name);
  return Object.freeze(config);
}

function identityOf(settings: Settings): IdentityMaterial {
  const identity: Draft<IdentityMaterial> = { ...noIdentity };
  for (const name of identityNames) put(identity, settings, name);
  return Object.freeze(identity);
}

function put<K extends OptionName>(to: { -readonly [P in K]: Settings[P] }, from: Settings, name: K): void {
  to[name] = from[name];
}

const identityRows = new IdentityRows();

function isIdentity(name: string): name is keyof IdentityRows {
  return Object.hasOwn(identityRows, name);
}

function isOutside<K extends string>(name: K): name is Exclude<K, keyof IdentityRows> {
  return !isIdentity(name);
}

const identityNames = namesOf('both', 'client', 'server').filter(isIdentity);
const clientNames = namesOf('both', 'client').filter(isOutside);
const serverNames = namesOf('both', 'server').filter(isOutside);

const noIdentity: IdentityMaterial = defaultsOf(identityNames);
const empty = { identity: noIdentity, socket: socketDefaults, transport: {} };
const emptyClient: ClientConfig = { role: 'client', ...empty, ...defaultsOf(clientNames) };
const emptyServer: ServerConfig = { role: 'server', ...empty, ...defaultsOf(serverNames) };

function defaultsOf<K extends OptionName>(names: readonly K[]): { readonly [P in K]: Settings[P] } {
  const values = Object.fromEntries(names.map((name) => [name, defaults[name]]));
  if (hasAll(values, names)) return values;
  throw new Error('an option has no default');
}
