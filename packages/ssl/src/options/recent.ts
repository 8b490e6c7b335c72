/**
 * The configs made last. A client that connects again and again gives the same options each time: to compare them
 * costs a tenth of parsing them anew, which is a twentieth of a handshake.
 */
import type { EngineSupport } from '../values/cipher-suites.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import { optionRows } from './rows.js';
import { sameOptions } from './same-options.js';

type Raw = Readonly<Record<string, unknown>>;

interface Entry<C> {
  readonly options: Raw;
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
      if (
        entry.engine === engine &&
        entry.defaultVersions === defaultVersions &&
        sameOptions(entry.options, raw)
      )
        return entry.config;
    return undefined;
  }

  /**
   * `options`: a copy, since the user's own may have changed when they come again. Does nothing when a value is more than a
   * scalar, a function or a list of such: it may change unseen. Nor when there is a key or a password among them: those must
   * not outlive their config.
   */
  keep(
    options: Raw,
    engine: EngineSupport,
    defaultVersions: readonly ProtocolVersion[] | undefined,
    config: C,
  ): void {
    if (secret.some((name) => options[name] !== undefined)) return;
    for (const value of Object.values(options))
      if (!(Array.isArray(value) ? value : [value]).every(isPlain)) return;
    this.#entries[this.#next] = { options, engine, defaultVersions, config };
    this.#next = (this.#next + 1) % remembered;
  }
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}
