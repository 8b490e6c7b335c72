/**
 * From options as users write them to a config: parse, don't validate. A config that exists is right.
 *
 * Of several wrong options the one is told that OTP tells: absent options are decided first, then the user's in the
 * order given, each as soon as those it depends on are decided; what had to wait comes in reverse order in the next
 * round (`ssl:handle_options`). Socket options follow, then what is unknown, and last of all a version that nobody
 * has built yet: only when nothing else is wrong is it the reason.
 */
import type { EngineSupport } from '../values/cipher-suites.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import { versionByName } from '../values/registry/versions.js';
import type { Result } from '../values/terms.js';
import { clientConfig, serverConfig } from './build.js';
import type { ClientConfig, Config, ServerConfig, SocketOptions } from './config.js';
import { explained } from './explain.js';
import type { LogLevel } from './log-level.js';
import { badValue, OptionError } from './option-error.js';
import { ownOptions } from './own-options.js';
import type { EndOptions, TlsClientOptions, TlsServerOptions } from './raw.js';
import { Recent } from './recent.js';
import type { At } from './row.js';
import { type Draft, defaults, type OptionRow, optionRows, type Settings } from './rows.js';
import { NegotiationRows } from './rows-negotiation.js';
import { isOptionObject, type ParsedSocket, parseSocketOptions, socketDefaults } from './socket-options.js';

type Raw = Readonly<Record<string, unknown>>;

/** What parsing has to know besides the options. */
export interface ParseContext {
  /** What the engine has decides defaults and which wishes remain. */
  readonly engine: EngineSupport;
  /** `protocol_version` (or `dtls_protocol_version`) of the application's environment. */
  readonly defaultVersions?: readonly ProtocolVersion[] | undefined;
  /** Level of the module `ssl`; default `notice`. */
  readonly logLevel?: LogLevel | undefined;
  /** Upgrade of a plain socket: its own emulated options hold unless said otherwise (`ssl:connect/2`). */
  readonly inheritedSocket?: SocketOptions | undefined;
  /** The options of hosts were judged when they were given, and need not be again. */
  readonly hosts?: 'new' | 'judged' | undefined;
}

/** Options of `connect`. `{ error }` is OTP's term; not an object at all is a `TypeError`. */
export function parseClientOptions(options: TlsClientOptions, context: ParseContext): Result<ClientConfig> {
  const { engine, defaultVersions, logLevel, inheritedSocket } = context;
  if (logLevel !== undefined || inheritedSocket !== undefined)
    return parse(optionObject(options), 'client', context, clientConfig);
  const known = isOptionObject(options) ? recentClients.find(options, engine, defaultVersions) : undefined;
  if (known !== undefined) return { ok: known };
  const raw = optionObject(options);
  const parsed = parse(raw, 'client', context, clientConfig);
  if ('ok' in parsed) recentClients.keep(raw, engine, defaultVersions, parsed.ok);
  return parsed;
}

const recentClients: Recent<ClientConfig> = new Recent();

/**
 * Options of a host (`sniHosts`, `sniFun`) laid over those that a server has otherwise. Where the host names versions,
 * what it inherits and cannot live with those is as good as absent (contract §2.4). Options of a socket are no host's.
 */
export function parseHostOptions(
  inherited: TlsServerOptions,
  host: unknown,
  context: ParseContext,
): Result<ServerConfig> {
  return told(() => hostConfig(inherited, optionObject(host), context));
}

/** A copy of options that shares nothing with their owner; not an object at all is a `TypeError`. */
export function snapshotOptions(options: TlsServerOptions): TlsServerOptions {
  return optionObject(options);
}

/** Options of `listen`, `handshake` (merged over the listener's) and the upgrade of a plain socket. */
export function parseServerOptions(options: TlsServerOptions, context: ParseContext): Result<ServerConfig> {
  return parse(optionObject(options), 'server', context, serverConfig);
}

/**
 * Lays option objects over one another, later ones win (contract §2.4: listen, handshake, handshake_continue).
 * Parse the result: an option is judged in the company it will have.
 */
export function mergeOptions(...layers: readonly EndOptions[]): EndOptions {
  const merged = new Map<string, unknown>();
  for (const layer of layers) {
    const own = optionObject(layer);
    for (const [key, value] of Object.entries(own)) {
      if (value === undefined) continue;
      // An overlaid option takes its place in the later layer's order.
      merged.delete(key);
      for (const other of before.get(key) ?? []) if (own[other] === undefined) merged.delete(other);
      merged.set(key, value);
    }
  }
  return Object.fromEntries(merged);
}

/**
 * Options that go before one when both are given: in a layer below it they are not to hide it. A host's `certfile` is
 * shown whatever the listener's `cert` is, and its `cacertfile` is whom it trusts.
 */
const before: ReadonlyMap<string, readonly string[]> = new Map([
  ['cert', ['certsKeys']],
  ['certfile', ['cert', 'certsKeys']],
  ['key', ['certsKeys']],
  ['keyfile', ['key', 'certsKeys']],
  ['cacertfile', ['cacerts']],
]);

function parse<C extends Config>(
  raw: Raw,
  role: Config['role'],
  context: ParseContext,
  build: (settings: Settings, socket: ParsedSocket) => C,
): Result<C> {
  return told(() => {
    const config = configOf(raw, role, context, build);
    if (context.hosts !== 'judged')
      for (const host of config.settings.sniHosts.values()) hostConfig(raw, host, context);
    return config.built;
  });
}

function told<C>(make: () => C): Result<C> {
  try {
    return { ok: make() };
  } catch (error) {
    if (error instanceof OptionError) return { error: explained(error.reason) };
    throw error;
  }
}

function configOf<C extends Config>(
  raw: Raw,
  role: Config['role'],
  context: ParseContext,
  build: (settings: Settings, socket: ParsedSocket) => C,
  droppable: ReadonlySet<string> = none,
): { readonly built: C; readonly settings: Settings } {
  const settings = speakable(decide(raw, role, context, droppable), raw['versions']);
  const socket = parseSocketOptions(
    withoutRows(raw),
    role,
    settings.protocol,
    context.inheritedSocket ?? socketDefaults,
  );
  checkBuilt(settings.versions, raw['versions']);
  return { built: build(settings, socket), settings };
}

/**
 * Who names suites of DTLS 1.2 alone and no versions wants that: DTLS 1.3 came later than such programs (OTP has none), and
 * could agree on nothing. In TLS it is an error of the handshake, as in OTP.
 */
function speakable(settings: Settings, given: unknown): Settings {
  const { protocol, versions, ciphers } = settings;
  if (protocol === 'tls' || given !== undefined) return settings;
  const spoken = versions.filter((version) => ciphers.some((suite) => suite.versions.includes(version)));
  return spoken.length === 0 ? settings : { ...settings, versions: spoken };
}

const none: ReadonlySet<string> = new Set();

/** Each option of a host in the company that it will have. */
function hostConfig(inherited: object, host: Raw, context: ParseContext): ServerConfig {
  for (const [key, value] of Object.entries(host))
    if (value !== undefined && (isOfHosts(key) || !stepsByName.has(key))) badValue(key, value);
  const base = Object.entries<unknown>({ ...inherited }).filter(
    ([key]) => !isOfHosts(key) && host[key] === undefined,
  );
  const given = base.map(([key]) => key).filter((key) => ofVersions.has(key));
  const droppable = host['versions'] === undefined ? none : new Set(given);
  const merged = mergeOptions(Object.fromEntries(base), host);
  return configOf({ ...merged }, 'server', context, serverConfig, droppable).built;
}

/** Options whose values go with versions. Those of trust are none of them: they are never dropped. */
const ofVersions: ReadonlySet<string> = new Set([
  ...optionRows.filter(({ needsVersions }) => needsVersions.length > 0).map(({ name }) => name),
  ...Object.keys(new NegotiationRows()),
]);

/** They say what a host's options are, and are none themselves. */
function isOfHosts(key: string): boolean {
  return key === 'sniHosts' || key === 'sniFun';
}

function optionObject(options: unknown): Raw {
  if (!isOptionObject(options))
    throw new TypeError('options are one object, such as { verify: "verify_none" }');
  return ownOptions(options);
}

/** Rounds of deciding, as the header tells. */
function decide(
  raw: Raw,
  role: Config['role'],
  context: ParseContext,
  droppable: ReadonlySet<string>,
): Settings {
  const draft = { ...defaults };
  const at: At = {
    role,
    engine: context.engine,
    settings: draft,
    logLevel: context.logLevel ?? 'notice',
    defaultVersions: context.defaultVersions,
  };
  const given: unknown[] = new Array(steps.length).fill(undefined);
  const decided = new Uint8Array(steps.length);
  let open = inOrder(raw, given);
  while (open.length > 0) {
    const waiting: Step[] = [];
    for (const step of open) {
      if (step.after.every((index) => decided[index] === 1)) {
        decideOne(step, draft, given[step.index], at, droppable);
        decided[step.index] = 1;
      } else {
        waiting.push(step);
      }
    }
    if (waiting.length === open.length) throw new Error('option rows wait for one another in a ring');
    open = waiting.reverse();
  }
  return draft;
}

/** What may be dropped and is wrong is decided as an absent option. */
function decideOne(
  { row }: Step,
  draft: Draft,
  given: unknown,
  at: At,
  droppable: ReadonlySet<string>,
): void {
  if (!droppable.has(row.name)) {
    row.decide(draft, given, at);
    return;
  }
  try {
    row.decide(draft, given, at);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    row.decide(draft, undefined, at);
  }
}

/** A row and its number in the table: every `connect` goes through all rows, and numbers are found faster than names. */
interface Step {
  readonly row: OptionRow;
  readonly index: number;
  /** Steps that come before this one. */
  readonly after: readonly number[];
}

const steps: readonly Step[] = optionRows.map((row, index) => ({
  row,
  index,
  after: row.after.map((name) => optionRows.findIndex((other) => other.name === name)),
}));
const stepsByName: ReadonlyMap<string, Step> = new Map(steps.map((step) => [step.row.name, step]));

/** Absent options, then the user's, whose values go into `given`. */
function inOrder(raw: Raw, given: unknown[]): readonly Step[] {
  const users: Step[] = [];
  for (const key of Object.keys(raw)) {
    const step = stepsByName.get(key);
    if (step === undefined || raw[key] === undefined) continue;
    given[step.index] = raw[key];
    users.push(step);
  }
  return [...steps.filter(({ index }) => given[index] === undefined), ...users];
}

function withoutRows(raw: Raw): Raw {
  return Object.fromEntries(Object.entries(raw).filter(([key]) => !stepsByName.has(key)));
}

function checkBuilt(versions: readonly ProtocolVersion[], asGiven: unknown): void {
  const missing = versions.find((version) => versionByName(version)?.built !== true);
  if (missing !== undefined)
    throw new OptionError({
      options: { insufficient_crypto_support: { [missing]: { versions: asGiven ?? versions } } },
    });
}
