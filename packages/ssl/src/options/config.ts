/**
 * What the options of OTP's ssl become: plain, immutable data that every storey may read.
 *
 * A config that exists is right: `parse.ts` checked it. Each field bears its option's name in camelCase, has
 * the type that the option's row gives it, and is read in one place. `files` and keys are not read here; `processes/material/credentials.ts` turns the material fields into
 * `Credentials` when a handshake needs them (`ssl:listen/2` does not read files).
 */

import type { NamesOf, Settings } from './rows.js';
import type { IdentityRows } from './rows-identity.js';

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
export interface IdentityMaterial extends Pick<Settings, keyof IdentityRows> {}

/** The options of a side, but for those that stand in `identity`. */
type FieldsOf<S extends 'both' | 'client' | 'server'> = Omit<Pick<Settings, NamesOf<S>>, keyof IdentityRows>;

interface CommonConfig extends FieldsOf<'both'> {
  /** Without it (or `certsKeys`) there is no own certificate. */
  readonly identity: IdentityMaterial;
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

export interface ClientConfig extends CommonConfig, FieldsOf<'client'> {
  readonly role: 'client';
}

export interface ServerConfig extends CommonConfig, FieldsOf<'server'> {
  readonly role: 'server';
}

export type Config = ClientConfig | ServerConfig;
