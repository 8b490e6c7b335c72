/**
 * The options of the host that a client asks for (`sni_hosts`, `sni_fun`, RFC 6066 §3), laid over those that the server
 * has otherwise (contract §2.4). A function of the user's may take its time, throw or answer nonsense: that is the end of
 * this one handshake.
 *
 * What a host's options were parsed to is kept, and with it certificates and keys, as long as the options say the same.
 */
import { isThenable } from '@actor-tls/runtime';
import type { Config, ServerConfig } from '../../options/config.js';
import { ownOptions } from '../../options/own-options.js';
import { parseHostOptions } from '../../options/parse.js';
import { sameOptions } from '../../options/same-options.js';
import { isOptionObject } from '../../options/socket-options.js';
import { requestedName } from '../../protocol/hello/hello-extensions.js';
import type { HostName } from '../../values/host-name.js';
import type { Result } from '../../values/terms.js';
import type { Environment } from '../environment.js';
import { writtenOf } from '../listener/listener-options.js';
import { wordsOf } from '../user-function.js';
import type { AfterHello, Equipment } from './handshake-means.js';

type Raw = Readonly<Record<string, unknown>>;

/** What a server goes on with by the name that the client asks for; without options by name that is what it has. */
export const equipmentByName: AfterHello = (hello, equipment, environment) => {
  const { config } = equipment;
  if (config.role !== 'server' || hello.type !== 'client_hello') return { ok: equipment };
  const { sniFun, sniHosts } = config;
  if (sniFun === undefined && sniHosts.size === 0) return { ok: equipment };
  const host = requestedName(hello.body);
  if (host === undefined) return { ok: equipment };
  if (sniFun !== undefined) return askFunction(sniFun, host, equipment, environment);
  const options = sniHosts.get(host);
  return options === undefined
    ? { ok: equipment }
    : equip(hostsOf(config).listed(options, environment), environment);
};

function askFunction(
  sniFun: (host: string) => unknown,
  host: HostName,
  equipment: Equipment,
  environment: Environment,
): Result<Equipment> | Promise<Result<Equipment>> {
  try {
    const answer = sniFun(host);
    return isThenable(answer)
      ? awaitFunction(answer, host, equipment, environment)
      : heard(answer, host, equipment, environment);
  } catch (error) {
    return thrown(error);
  }
}

async function awaitFunction(
  answer: PromiseLike<unknown>,
  host: HostName,
  equipment: Equipment,
  environment: Environment,
): Promise<Result<Equipment>> {
  try {
    return await heard(await answer, host, equipment, environment);
  } catch (error) {
    return thrown(error);
  }
}

function heard(
  answer: unknown,
  host: HostName,
  equipment: Equipment,
  environment: Environment,
): Result<Equipment> | Promise<Result<Equipment>> {
  if (answer === undefined) return { ok: equipment };
  // The value is not told: it may hold a key.
  if (!isOptionObject(answer)) return { error: { options: { sniFun: typeof answer } } };
  return equip(hostsOf(equipment.config).given(host, answer, environment), environment);
}

/** What a function has thrown is the user's own, and told in words. */
function thrown(error: unknown): Result<Equipment> {
  return { error: { sni_fun: wordsOf(error) } };
}

function equip(
  parsed: Result<ServerConfig>,
  environment: Environment,
): Result<Equipment> | Promise<Result<Equipment>> {
  if ('error' in parsed) return parsed;
  const config = parsed.ok;
  const loaded = environment.credentials(config);
  const equipped = (result: Awaited<typeof loaded>): Result<Equipment> =>
    'error' in result ? result : { ok: { config, credentials: result.ok, nameUsed: true } };
  return loaded instanceof Promise ? loaded.then(equipped) : equipped(loaded);
}

// ── What was parsed ─────────────────────────────────────────────────────────────────────────────────────

/** Options that a function has given for a host, as they were, and what they are. */
interface Known {
  readonly options: Raw;
  readonly parsed: Result<ServerConfig>;
}

/** Hosts of a function that are remembered: clients choose the names, and memory is not theirs to fill. */
const mostHosts = 1000;

/** The hosts of one config. */
class Hosts {
  readonly #inherited: Raw;
  /** By the config's own copies, which nobody changes. */
  readonly #listed: WeakMap<Raw, Result<ServerConfig>> = new WeakMap();
  /** By the function's own objects: many names may be given the same. */
  readonly #given: WeakMap<Raw, Known> = new WeakMap();
  /** For functions that make their options anew each time; the longest unasked first. */
  readonly #byName: Map<HostName, Known> = new Map();

  constructor(inherited: Raw) {
    this.#inherited = inherited;
  }

  listed(options: Raw, environment: Environment): Result<ServerConfig> {
    const known = this.#listed.get(options);
    if (known !== undefined) return known;
    const parsed = this.#parse(options, environment);
    this.#listed.set(options, parsed);
    return parsed;
  }

  given(host: HostName, options: Raw, environment: Environment): Result<ServerConfig> {
    const known = [this.#given.get(options), this.#byName.get(host)].find(
      (one) => one !== undefined && sameOptions(one.options, options),
    );
    const found = known ?? this.#learn(options, environment);
    this.#given.set(options, found);
    this.#byName.delete(host);
    this.#byName.set(host, found);
    if (this.#byName.size > mostHosts) this.#forgetOne();
    return found.parsed;
  }

  /** Of its own copy, so that the two are the same whatever getters say. */
  #learn(options: Raw, environment: Environment): Known {
    const own = ownOptions(options);
    return { options: own, parsed: this.#parse(own, environment) };
  }

  #forgetOne(): void {
    for (const host of this.#byName.keys()) {
      this.#byName.delete(host);
      return;
    }
  }

  #parse(options: Raw, { engine, settings }: Environment): Result<ServerConfig> {
    return parseHostOptions(this.#inherited, options, { engine, defaultVersions: settings.protocolVersions });
  }
}

const hosts = new WeakMap<Config, Hosts>();

function hostsOf(config: Config): Hosts {
  const known = hosts.get(config);
  if (known !== undefined) return known;
  const made = new Hosts({ ...writtenOf(config) });
  hosts.set(config, made);
  return made;
}
