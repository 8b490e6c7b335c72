/**
 * Socket options, for `connect` and `listen` and for `ssl:setopts/2`, `ssl:getopts/2` (contract §2.6): those that ssl keeps
 * itself, one row each in `rows-socket.ts`, and those that go to the transport, in `rows-transport.ts`.
 *
 * Several `{Key, Value}` pairs of one term are one object here.
 */
import type { Result, SslReason } from '../values/terms.js';
import type { Config, SocketOptions, TransportOptions } from './config.js';
import { OptionError } from './option-error.js';
import { isList, type Side, type SocketOption, type TransportAt, type TransportOption } from './row.js';
import { SocketRows } from './rows-socket.js';
import { TransportRows } from './rows-transport.js';

type Raw = Readonly<Record<string, unknown>>;
type SocketName = keyof SocketRows;
type TransportName = keyof TransportRows;

export const emulatedRows: { readonly [K in SocketName]: SocketOption<SocketOptions[K]> } = new SocketRows();
const emulatedNames: readonly SocketName[] = Object.keys(emulatedRows).filter(isEmulated);

export const socketDefaults: SocketOptions = Object.freeze(allDefaults());

function allDefaults(): SocketOptions {
  const values = Object.fromEntries(emulatedNames.map((name) => [name, emulatedRows[name].default]));
  if (hasAll(values)) return values;
  throw new Error('an option has no default');
}

function hasAll(values: object): values is SocketOptions {
  return emulatedNames.every((name) => Object.hasOwn(values, name));
}

type SocketDraft = { -readonly [K in SocketName]?: SocketOptions[K] };

function isEmulated(key: string): key is SocketName {
  return Object.hasOwn(emulatedRows, key);
}

/** Sets one emulated option; false when its value is wrong. */
function setEmulated<K extends SocketName>(draft: SocketDraft, key: K, value: unknown): boolean {
  const row: SocketOption<SocketOptions[K]> = emulatedRows[key];
  const parsed = row.parse(value);
  if (parsed === undefined) return false;
  draft[key] = parsed;
  return true;
}

type FieldOf<K extends TransportName> = TransportRows[K]['field'];
type TransportDraft = { -readonly [F in keyof TransportOptions]: TransportOptions[F] };
type ValueOf<F extends keyof TransportOptions> = Exclude<TransportOptions[F], undefined>;

/** Rows of the transport, whatever their types of values. */
export const transportRows: {
  readonly [K in TransportName]: TransportOption<
    Side,
    'always' | 'atStart',
    FieldOf<K>,
    unknown,
    ValueOf<FieldOf<K>>
  >;
} = new TransportRows();

function isTransport(key: string): key is TransportName {
  return Object.hasOwn(transportRows, key);
}

function isFirst(key: string): boolean {
  return isTransport(key) && transportRows[key].first === true;
}

/** Sets one option of the transport; false when its value is wrong, or the other side's. */
function setTransport<K extends TransportName>(
  draft: TransportDraft,
  key: K,
  value: unknown,
  { role, protocol }: Pick<TransportAt, 'role' | 'protocol'>,
): boolean {
  const row = transportRows[key];
  if (row.elsewhere === 'refused' && row.side !== 'both' && row.side !== role) return false;
  const parsed = row.parse(value, { role, protocol, family: draft.family });
  if (parsed === undefined) return false;
  draft[row.field] = parsed;
  return true;
}

/** What the socket options of a call become. */
export interface ParsedSocket {
  readonly socket: SocketOptions;
  readonly transport: TransportOptions;
}

/**
 * The socket options of `connect`, `listen` and `handshake`, from all options but those of ssl. Emulated ones come
 * first, in the user's order; then whatever the transport does not take is told at once, keys unknown to anybody
 * included. Throws `OptionError`.
 */
export function parseSocketOptions(
  raw: Raw,
  role: Config['role'],
  protocol: Config['protocol'],
  inherited: SocketOptions,
): ParsedSocket {
  const draft: SocketDraft = {};
  for (const [key, value] of Object.entries(raw)) {
    if (value === undefined || !isEmulated(key)) continue;
    if (protocol === 'dtls' && emulatedRows[key].needsStream === true)
      throw new OptionError({ options: { not_supported: { [key]: value } } });
    if (!setEmulated(draft, key, value)) throw new OptionError({ options: { [key]: value } });
  }
  return {
    socket: Object.freeze({ ...inherited, ...draft }),
    transport: parseTransport(raw, { role, protocol }),
  };
}

function parseTransport(raw: Raw, at: Pick<TransportAt, 'role' | 'protocol'>): TransportOptions {
  const draft: TransportDraft = {};
  // Pairs, since assigning to a key `__proto__` would set no key.
  const refused: (readonly [string, unknown])[] = [];
  const keys = Object.keys(raw);
  const inOrder = keys.some(isFirst)
    ? [...keys.filter(isFirst), ...keys.filter((key) => !isFirst(key))]
    : keys;
  for (const key of inOrder) {
    const value = raw[key];
    if (value === undefined || isEmulated(key)) continue;
    if (!isTransport(key) || !setTransport(draft, key, value, at)) refused.push([key, value]);
  }
  if (refused.length > 0) throw new OptionError({ options: { socket_options: Object.fromEntries(refused) } });
  return Object.freeze(draft);
}

// --- setopts, getopts ------------------------------------------------------------------------------------------

type LiveTransport = {
  readonly [K in TransportName as TransportRows[K]['settable'] extends 'always' ? K : never]: ValueOf<
    FieldOf<K>
  >;
};

/** All that `getopts` can tell: what ssl keeps, and what transports that have it can change while they live. */
export interface OptionValues extends SocketOptions, LiveTransport {}

/** What a call of `setopts` does, in this order: `socket` is set, then `transport` is tried, or `error` told. */
export interface SetoptsPlan {
  /** Emulated options to set; with an error those before the wrong one. */
  readonly socket: Partial<SocketOptions>;
  /** For one call of the transport; `undefined`: nothing to do there. */
  readonly transport: Raw | undefined;
  readonly error: SslReason | undefined;
}

/** `ssl:setopts/2` on a connection or listener: what to set, and what to answer. */
export function planSetopts(raw: unknown, protocol: Config['protocol'] = 'tls'): SetoptsPlan {
  if (!isOptionObject(raw))
    return { socket: {}, transport: undefined, error: { options: { not_a_proplist: raw } } };
  const socket: SocketDraft = {};
  const others: (readonly [string, unknown])[] = [];
  for (const [key, value] of Object.entries(raw)) {
    if (!isEmulated(key)) others.push([key, value]);
    else if (protocol === 'dtls' && emulatedRows[key].needsStream === true)
      return { socket, transport: undefined, error: { options: { not_supported: { [key]: value } } } };
    else if (!setEmulated(socket, key, value))
      return { socket, transport: undefined, error: { options: { socket_options: { [key]: value } } } };
  }
  return { socket, transport: others.length > 0 ? Object.fromEntries(others) : undefined, error: undefined };
}

/** The answer when a number for `active` does not fit on top of the running count. */
export function activeOutOfRange(active: number): SslReason {
  return { options: { socket_options: { active } } };
}

/** The answer when the transport refuses its part of `setopts`. */
export function transportRefused(others: Raw): SslReason {
  return { options: { socket_options: [others, 'einval'] } };
}

/**
 * `ssl:getopts/2`: the named options, in reverse of the asked order as OTP answers. `transport` gives an option of
 * the transport, or `undefined` when it has none of that name.
 */
export function readOptions(
  names: unknown,
  socket: SocketOptions,
  transport: (name: string) => unknown,
): Result<Raw> {
  if (!isList(names)) return { error: { options: { socket_options: names } } };
  const found: (readonly [string, unknown])[] = [];
  for (const name of names) {
    const value = typeof name !== 'string' ? undefined : isEmulated(name) ? socket[name] : transport(name);
    if (typeof name !== 'string' || value === undefined)
      return { error: { options: { socket_options: [name, 'einval'] } } };
    found.push([name, value]);
  }
  return { ok: Object.fromEntries(found.reverse()) };
}

/** An object that holds options: not a list, not bytes, not a function. */
export function isOptionObject(value: unknown): value is Raw {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    !(value instanceof Map)
  );
}
