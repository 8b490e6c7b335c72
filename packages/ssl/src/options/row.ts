/**
 * What a row of the option tables is: the rules of one option of OTP's ssl in one place.
 *
 * To add an option: a field in `config.ts`, a default in `defaults` (`rows.ts`), its row, and its type in `raw.ts`.
 */
import type { EngineSupport } from '../values/cipher-suites.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import type { ClientConfig, Config, IdentityMaterial, ServerConfig } from './config.js';
import type { LogLevel } from './log-level.js';
import { badValue, OptionError } from './option-error.js';

type Elsewhere = 'role' | 'identity' | 'socket' | 'transport';
/** All options of both sides, parsed; configs are made of them. */
export type Settings = Omit<ClientConfig, Elsewhere> & Omit<ServerConfig, Elsewhere> & IdentityMaterial;
export type OptionName = keyof Settings;
type Draft = { -readonly [K in OptionName]: Settings[K] };

/** What a row may look at. Settings it did not ask for in `after` may still be defaults. */
export interface At {
  readonly role: Config['role'];
  readonly engine: EngineSupport;
  readonly settings: Readonly<Settings>;
  readonly logLevel: LogLevel;
  /** Versions of the application's environment (`protocol_version`), newest first; else the contract's. */
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

interface Spec<K extends OptionName> {
  /** OTP's name; `undefined`: ours. */
  readonly otp: string | undefined;
  readonly side: 'both' | 'client' | 'server';
  /** What the other side does with it: OTP refuses a few by name and looks at the value of the rest only. */
  readonly elsewhere?: 'refused';
  /** Only meaningful in one of these versions. */
  readonly needsVersions?: readonly ProtocolVersion[];
  /** Decided before this one. Every option waits for `versions`, which waits for `protocol`. */
  readonly after?: readonly OptionName[];
  readonly note: OptionNote;
  readonly parse: (value: unknown, at: At) => Settings[K];
  /** The value of an absent option when it is not simply the default. */
  readonly absent?: (at: At) => Settings[K];
}

/** One option. */
export interface OptionRow {
  readonly name: OptionName;
  readonly otp: string | undefined;
  readonly side: 'both' | 'client' | 'server';
  readonly elsewhere: 'ignored' | 'refused';
  readonly needsVersions: readonly ProtocolVersion[];
  readonly after: readonly OptionName[];
  readonly note: OptionNote;
  /** Decides the setting from what was given; throws `OptionError`. */
  decide(draft: Draft, given: unknown, at: At): void;
}

/** Makes a row. Checks run in OTP's order: version, then side for `cookie`-like ones, then the value. */
export function option<K extends OptionName>(name: K, spec: Spec<K>): OptionRow {
  const { needsVersions = [], elsewhere = 'ignored' } = spec;
  return {
    name,
    otp: spec.otp,
    side: spec.side,
    elsewhere,
    needsVersions,
    after: spec.after ?? ['versions'],
    note: spec.note,
    decide(draft, given, at) {
      if (given === undefined) {
        if (spec.absent !== undefined) draft[name] = spec.absent(at);
        return;
      }
      if (elsewhere === 'refused' && spec.side !== 'both' && spec.side !== at.role)
        throw new OptionError({ option: [`${spec.side}_only`, name] });
      checkVersions(name, needsVersions, at);
      draft[name] = spec.parse(given, at);
    },
  };
}

/** `{options, dependency, {Key, {versions, Vs}}}`; OTP does not ask this for DTLS. */
function checkVersions(name: OptionName, needs: readonly ProtocolVersion[], at: At): void {
  if (needs.length === 0 || at.settings.protocol === 'dtls') return;
  if (!at.settings.versions.some((version) => needs.includes(version)))
    throw new OptionError({ options: ['dependency', { [name]: { versions: needs } }] });
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
  return (value) => (isInteger(value) && value >= least && value <= most ? value : badValue(name, value));
}

export function integerOrInfinity(
  name: OptionName,
  least: number,
  most: number,
): (value: unknown) => number | 'infinity' {
  const parse = integer(name, least, most);
  return (value) => (value === 'infinity' ? 'infinity' : parse(value));
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
