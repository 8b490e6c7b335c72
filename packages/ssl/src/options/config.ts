/**
 * What the options of OTP's ssl become: plain, immutable data that every storey may read.
 *
 * A config that exists is right: `parse.ts` checked it. Each field bears its option's name in camelCase, has
 * the type that the option's row gives it, and is read in one place. `files` and keys are not read here; `processes/material/credentials.ts` turns the material fields into
 * `Credentials` when a handshake needs them (`ssl:listen/2` does not read files).
 */

import type { NamesOf, Settings } from './rows.js';
import type { IdentityRows } from './rows-identity.js';
import type { SocketRows } from './rows-socket.js';
import type { TransportRows } from './rows-transport.js';

export type { ActiveMode, PacketMode } from './rows-socket.js';

type SocketValues = { readonly [K in keyof SocketRows]: SocketRows[K]['default'] };

/** Emulated socket options (`ssl:setopts/2`), kept by ssl and not by the transport. */
export interface SocketOptions extends SocketValues {}

/** Where own certificates and keys come from (`ssl:common_option()`), before they are read. */
export interface IdentityMaterial extends Pick<Settings, keyof IdentityRows> {}

/** The options of a side, but for those that stand in `identity`. */
type FieldsOf<S extends 'both' | 'client' | 'server'> = Omit<Pick<Settings, NamesOf<S>>, keyof IdentityRows>;

interface CommonConfig extends FieldsOf<'both'> {
  /** Without it (or `certsKeys`) there is no own certificate. */
  readonly identity: IdentityMaterial;
  readonly socket: SocketOptions;
  readonly transport: TransportOptions;
}

type TransportValues = {
  readonly [K in keyof TransportRows as TransportRows[K]['field']]?: Exclude<
    ReturnType<TransportRows[K]['parse']>,
    undefined
  >;
};

/** Options for the transport itself, already in node:net's terms. */
export interface TransportOptions extends TransportValues {}

export interface ClientConfig extends CommonConfig, FieldsOf<'client'> {
  readonly role: 'client';
}

export interface ServerConfig extends CommonConfig, FieldsOf<'server'> {
  readonly role: 'server';
}

export type Config = ClientConfig | ServerConfig;
