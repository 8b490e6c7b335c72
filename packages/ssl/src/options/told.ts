/** What `connection_information` tells of options: each row says whether and how. */
import type { Config } from './config.js';
import { type NamesOf, type OptionName, optionRows, type Rows, type Settings } from './rows.js';

type Tells<K extends OptionName> = ReturnType<Rows[K]['tell']>;
type Told = { readonly [K in OptionName]: Exclude<Tells<K>, undefined> };
type Untold = { readonly [K in OptionName]: Tells<K> extends undefined ? K : never }[OptionName];
type MayBeAbsent = { readonly [K in OptionName]: undefined extends Tells<K> ? K : never }[OptionName];
/** Both sides have it, and always a value. */
type Always = Exclude<NamesOf<'both'>, MayBeAbsent>;

/** Options as `connection_information` tells them. */
export interface ToldOptions
  extends Pick<Told, Always>,
    Partial<Omit<Pick<Told, Exclude<OptionName, Untold>>, Always>> {}

/** The named options, or all that are told, in the table's order; what is absent is left out. */
export function toldOptions(
  config: Config,
  names: readonly string[] | undefined,
): Readonly<Record<string, unknown>> {
  const rows = names === undefined ? optionRows : optionRows.filter(({ name }) => names.includes(name));
  if (rows.length === 0) return {};
  const settings: Partial<Settings> = { ...config, ...config.identity };
  const told: Record<string, unknown> = {};
  for (const row of rows) {
    const value = row.tell(settings);
    if (value !== undefined) told[row.name] = value;
  }
  return told;
}
