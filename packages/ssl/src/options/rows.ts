/**
 * The table of options. The order is that in which OTP looks at absent ones, as far as it shows: it decides which
 * of several wrong options is told (`parse.ts`).
 */
import type { ProtocolVersion } from '../values/registry/versions.js';
import { OptionError } from './option-error.js';
import type { At, Option, OptionNote, Side } from './row.js';
import { AuthenticationRows } from './rows-authentication.js';
import { ConnectionRows } from './rows-connection.js';
import { DtlsRows } from './rows-dtls.js';
import { ExtensionRows } from './rows-extensions.js';
import { FleetRows } from './rows-fleet.js';
import { HostRows, PauseRows } from './rows-hosts.js';
import { CertsKeysRows, IdentityRows } from './rows-identity.js';
import { NegotiationRows, VersionsRows } from './rows-negotiation.js';
import { NextProtocolRows } from './rows-next-protocols.js';
import { OlderRows } from './rows-older.js';
import { RenegotiationRows } from './rows-renegotiation.js';
import { ResumptionRows } from './rows-resumption.js';
import { RevocationRows } from './rows-revocation.js';
import { SecretsRows } from './rows-secrets.js';
import { SessionRows } from './rows-sessions.js';
import { TrustRows, VerifyRows } from './rows-trust.js';

/** Every option of ssl by name, with its types. Rows are fields of classes, where a type and its value are one declaration. */
export interface Rows
  extends IdentityRows,
    CertsKeysRows,
    VerifyRows,
    VersionsRows,
    TrustRows,
    RevocationRows,
    NegotiationRows,
    NextProtocolRows,
    SessionRows,
    ResumptionRows,
    OlderRows,
    DtlsRows,
    PauseRows,
    HostRows,
    AuthenticationRows,
    SecretsRows,
    FleetRows,
    RenegotiationRows,
    ConnectionRows,
    ExtensionRows {}

export type OptionName = keyof Rows;

/** All options of both sides, parsed; configs are made of them. */
export type Settings = { readonly [K in OptionName]: Rows[K]['default'] };

/** Names of the options of these sides. */
export type NamesOf<S extends Side> = {
  readonly [K in OptionName]: Rows[K]['side'] extends S ? K : never;
}[OptionName];

const rows: Rows = {
  ...new IdentityRows(),
  ...new CertsKeysRows(),
  ...new VerifyRows(),
  ...new VersionsRows(),
  ...new TrustRows(),
  ...new RevocationRows(),
  ...new NegotiationRows(),
  ...new NextProtocolRows(),
  ...new SessionRows(),
  ...new ResumptionRows(),
  ...new OlderRows(),
  ...new DtlsRows(),
  ...new PauseRows(),
  ...new HostRows(),
  ...new AuthenticationRows(),
  ...new SecretsRows(),
  ...new FleetRows(),
  ...new RenegotiationRows(),
  ...new ConnectionRows(),
  ...new ExtensionRows(),
};

const byName: { readonly [K in OptionName]: Option<Side, unknown, Settings[K], unknown> } = rows;

/** Settings while they are decided. */
export type Draft = { -readonly [K in OptionName]: Settings[K] };

/** One option as the parser takes it, whatever its types. */
export interface OptionRow {
  readonly name: OptionName;
  readonly otp: string | undefined;
  readonly side: Side;
  readonly elsewhere: 'ignored' | 'refused';
  readonly needsVersions: readonly ProtocolVersion[];
  readonly after: readonly OptionName[];
  readonly kept: Option<Side, unknown>['kept'] | undefined;
  readonly core: boolean;
  readonly note: OptionNote;
  /** Decides the setting from what was given; throws `OptionError`. */
  decide(draft: Draft, given: unknown, at: At): void;
  /** What `connection_information` says of it; `undefined`: nothing. */
  tell(settings: Partial<Settings>): unknown;
}

const names: readonly OptionName[] = Object.keys(rows).filter(isOptionName);

function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(rows, name);
}

export const optionRows: readonly OptionRow[] = names.map(optionRow);

/** What an absent option is; those that depend on others are decided by their rows. */
export const defaults: Settings = allDefaults();

function allDefaults(): Settings {
  const values = Object.fromEntries(names.map((name) => [name, rows[name].default]));
  if (hasAll(values, names)) return values;
  throw new Error('an option has no default');
}

/** Names of the options of these sides, in the table's order. */
export function namesOf<S extends Side>(...sides: readonly S[]): readonly NamesOf<S>[] {
  return names.filter((name): name is NamesOf<S> => sides.some((side) => side === rows[name].side));
}

/** Whether an object has the settings of these names, which are then of their types. */
export function hasAll<K extends OptionName>(
  values: object,
  wanted: readonly K[],
): values is { readonly [P in K]: Settings[P] } {
  return wanted.every((name) => Object.hasOwn(values, name));
}

/** Checks run in OTP's order: version, then side for `cookie`-like ones, then the value. */
function optionRow<K extends OptionName>(name: K): OptionRow {
  const row = byName[name];
  const { absent, elsewhere = 'ignored', needsVersions = [], side } = row;
  return {
    name,
    otp: row.otp,
    side,
    elsewhere,
    needsVersions,
    after: row.after ?? ['versions'],
    kept: row.kept,
    core: row.core === true,
    note: row.note,
    decide(draft, given, at) {
      if (given === undefined) {
        if (absent !== undefined) draft[name] = absent(at);
        return;
      }
      checkVersions(name, needsVersions, at);
      if (elsewhere === 'refused' && side !== 'both' && side !== at.role)
        throw new OptionError({ option: [`${side}_only`, name] });
      draft[name] = row.parse(given, at);
    },
    tell(settings) {
      // What means nothing in its versions could not be given again.
      if (
        needsVersions.length > 0 &&
        settings.versions?.some((version) => needsVersions.includes(version)) === false
      )
        return undefined;
      const value = settings[name];
      return value === undefined ? undefined : row.tell(value);
    },
  };
}

/** `{options, dependency, {Key, {versions, Vs}}}`; OTP does not ask this for DTLS. */
function checkVersions(name: OptionName, needs: readonly ProtocolVersion[], at: At): void {
  if (needs.length === 0 || at.settings.protocol === 'dtls') return;
  if (!at.settings.versions.some((version) => needs.includes(version)))
    throw new OptionError({ options: ['dependency', { [name]: { versions: needs } }] });
}
