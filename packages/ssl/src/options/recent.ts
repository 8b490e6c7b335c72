/**
 * The configs made last. A client that connects again and again gives the same options each time: to compare them
 * costs a tenth of parsing them anew, which is a twentieth of a handshake.
 */
import type { EngineSupport } from '../values/cipher-suites.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import { optionRows } from './rows.js';

type Raw = Readonly<Record<string, unknown>>;

interface Entry<C> {
  readonly keys: readonly string[];
  /** Arrays are copies: the user's own may have changed when they come again. */
  readonly values: readonly unknown[];
  readonly engine: EngineSupport;
  readonly defaultVersions: readonly ProtocolVersion[] | undefined;
  readonly config: C;
}

const remembered = 8;
const secret = optionRows.filter(({ kept }) => kept === 'secret').map(({ name }) => name);

/** A few configs by what they were parsed from. */
export class Recent<C> {
  readonly #entries: Entry<C>[] = [];
  #next = 0;

  /** The config of the very same options, if it is one of the last. */
  find(
    raw: Raw,
    engine: EngineSupport,
    defaultVersions: readonly ProtocolVersion[] | undefined,
  ): C | undefined {
    for (const entry of this.#entries)
      if (entry.engine === engine && entry.defaultVersions === defaultVersions && sameOptions(entry, raw))
        return entry.config;
    return undefined;
  }

  /**
   * Does nothing when a value is more than a scalar, a function or a list of such: its inside may change unseen. Nor when
   * there is a key or a password among them: those must not outlive their config.
   */
  keep(
    raw: Raw,
    engine: EngineSupport,
    defaultVersions: readonly ProtocolVersion[] | undefined,
    config: C,
  ): void {
    if (secret.some((name) => raw[name] !== undefined)) return;
    const values: unknown[] = [];
    for (const value of Object.values(raw)) {
      if (!Array.isArray(value) ? !isPlain(value) : !value.every(isPlain)) return;
      values.push(Array.isArray(value) ? [...value] : value);
    }
    this.#entries[this.#next] = { keys: Object.keys(raw), values, engine, defaultVersions, config };
    this.#next = (this.#next + 1) % remembered;
  }
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

/** The order counts too: of several wrong options it decides which is told, and of the given ones which comes first. */
function sameOptions({ keys, values }: Entry<unknown>, raw: Raw): boolean {
  const given = Object.keys(raw);
  if (given.length !== keys.length) return false;
  for (let at = 0; at < given.length; at += 1) {
    const key = given[at] ?? '';
    if (keys[at] !== key || !sameValue(values[at], raw[key])) return false;
  }
  return true;
}

function sameValue(kept: unknown, given: unknown): boolean {
  if (!Array.isArray(kept) || !Array.isArray(given)) return Object.is(kept, given);
  return kept.length === given.length && kept.every((value, at) => Object.is(value, given[at]));
}
