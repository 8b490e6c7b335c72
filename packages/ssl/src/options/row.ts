/**
 * What an option is: one row that says all there is to know of it. Made of the rows are the types of what users write
 * (`raw.ts`), of configs (`config.ts`) and of what `connection_information` tells (`told.ts`), the builder of configs, the
 * options that the core takes, and `docs/options.md`.
 *
 * To add an option: write its row, in the `rows-*.ts` of its subject; those of sockets are in `rows-socket.ts` and
 * `rows-transport.ts`, and `socket-options.ts` is made of them.
 */
import type { EngineSupport } from '../values/cipher-suites.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import type { LogLevel } from './log-level.js';
import { badValue } from './option-error.js';
import type { OptionName, Settings } from './rows.js';

/** Whose option it is. */
export type Side = 'both' | 'client' | 'server';

/** What a row may look at. Settings it did not ask for in `after` may still be defaults. */
export interface At {
  readonly role: 'client' | 'server';
  readonly engine: EngineSupport;
  readonly settings: Readonly<Settings>;
  readonly logLevel: LogLevel;
  /** Versions of the application's environment (`protocol_version`), newest first; else ours. */
  readonly defaultVersions: readonly ProtocolVersion[] | undefined;
}

/** For people: `docs/options.md` is made of these. */
export interface OptionNote {
  /** What a user may write, in words. */
  readonly values: string;
  readonly default: string;
  readonly unit?: 'bytes' | 'ms';
  /** Where its meaning is fixed. */
  readonly source: string;
}

/** What the row of every option says: of those of ssl, of the socket and of the transport. `Written` is for users. */
interface Row<S extends Side, Written> {
  /** Never there: it carries the type of what users write to `raw.ts`. */
  readonly written?: Written;
  /** OTP's name; `undefined`: ours. */
  readonly otp: string | undefined;
  readonly side: S;
  /** What the other side does with it: OTP refuses a few by name and looks at the value of the rest only. */
  readonly elsewhere?: 'refused';
  readonly note: OptionNote;
}

/**
 * The row of an option of ssl: `Written` by users, `Value` in a config, `Told` by `connection_information`. A `Told` of
 * `undefined` is not told.
 */
export interface Option<S extends Side, Written, Value = Written, Told = Value> extends Row<S, Written> {
  /** Only meaningful in one of these versions. */
  readonly needsVersions?: readonly ProtocolVersion[];
  /** Decided before this one. Every option waits for `versions`, which waits for `protocol`. */
  readonly after?: readonly OptionName[];
  /** The value of an absent option, and of one that is not decided yet. */
  readonly default: Value;
  /** The value of an absent option where it depends on others or on the side. */
  readonly absent?: (at: At) => Value;
  /** Throws `OptionError` for a wrong value. */
  readonly parse: (value: unknown, at: At) => Value;
  /** What `connection_information` says of it: `asItIs`, `untold`, or another form. */
  tell(value: Value): Told;
  /**
   * `secret`: must not outlive its config. `live`: what is inside stays the user's own object. `hosts`: options by host,
   * each kept as its own row says.
   */
  readonly kept?: 'secret' | 'live' | 'hosts';
  /** Set when it means something to a core without processes, files and time. */
  readonly core?: true;
}

/** An option that a core without processes, files and time acts on too. */
export interface CoreOption<S extends Side, Written, Value = Written, Told = Value>
  extends Option<S, Written, Value, Told> {
  readonly core: true;
}

/**
 * The row of an option that ssl keeps for a socket. `setopts` changes it and `getopts` tells it at any time;
 * `connection_information` does not.
 */
export interface SocketOption<Value> extends Row<'both', Value> {
  readonly otp: string;
  readonly default: Value;
  /** `undefined`: the value is wrong. */
  readonly parse: (value: unknown) => Value | undefined;
  /** It cuts a stream: datagrams have none. */
  readonly needsStream?: true;
}

/** What the row of an option of the transport may look at. */
export interface TransportAt {
  readonly role: 'client' | 'server';
  readonly protocol: 'tls' | 'dtls';
  /** IP version, once an option has said it. */
  readonly family: 4 | 6 | undefined;
}

/**
 * The row of an option that goes to the transport: `Value` in the `Field` of a config's `transport`. It has no default:
 * what is absent is the transport's to decide. `connection_information` does not tell it.
 */
export interface TransportOption<
  S extends Side,
  Settable extends 'always' | 'atStart',
  Field extends string,
  Written,
  Value = Written,
> extends Row<S, Written> {
  readonly otp: string;
  readonly field: Field;
  /** `always`: `setopts` and `getopts` have it on transports that can. `atStart`: only who opens the socket sets it. */
  readonly settable: Settable;
  /** Parsed before options that look at it. */
  readonly first?: true;
  /** `undefined`: the value is wrong. */
  readonly parse: (value: unknown, at: TransportAt) => Value | undefined;
}

/** `connection_information` tells the value of the config. */
export function asItIs<Value>(value: Value): Value {
  return value;
}

/** `connection_information` does not tell it. */
export function untold(): undefined {
  return undefined;
}

// --- parsers of plain kinds -----------------------------------------------------------------------------------

export function flag(name: OptionName): (value: unknown) => boolean {
  return (value) => (typeof value === 'boolean' ? value : badValue(name, value));
}

export function oneOf<const T extends string>(
  name: OptionName,
  ...allowed: readonly T[]
): (value: unknown) => T {
  return (value) => allowed.find((one) => one === value) ?? badValue(name, value);
}

export function integer(name: OptionName, least: number, most: number): (value: unknown) => number {
  return (value) => between(value, least, most) ?? badValue(name, value);
}

export function integerOrInfinity(
  name: OptionName,
  least: number,
  most: number,
): (value: unknown) => number | 'infinity' {
  const parse = integer(name, least, most);
  return (value) => (value === 'infinity' ? 'infinity' : parse(value));
}

/** A whole number in these limits, or `undefined`. */
export function between(value: unknown, least: number, most: number): number | undefined {
  return isInteger(value) && value >= least && value <= most ? value : undefined;
}

export function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** A list, whatever is in it. */
export function listOf(name: OptionName, value: unknown): readonly unknown[] {
  return isList(value) ? value : badValue(name, value);
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** A file's name: text, or the bytes of one. The empty name is no file. */
export function fileName(name: OptionName, value: unknown): string {
  const text = value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
  return typeof text === 'string' && text !== '' && !text.includes('\0') ? text : badValue(name, value);
}
