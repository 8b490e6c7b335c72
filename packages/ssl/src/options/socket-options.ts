/**
 * Socket options: those that ssl keeps itself (`mode`, `packet`, `header`, `active`, `packet_size`) and those that go
 * to the transport, for `connect` and `listen` and for `ssl:setopts/2`, `ssl:getopts/2` (contract §2.6).
 *
 * Several `{Key, Value}` pairs of one term are one object here.
 */
import { tupleText } from '../values/address.js';
import type { Result, SslReason } from '../values/terms.js';
import type { ActiveMode, Config, PacketMode, SocketOptions, TransportOptions } from './config.js';
import { OptionError } from './option-error.js';
import type { OptionNote } from './row.js';
import { isInteger, isList } from './row.js';

type Raw = Readonly<Record<string, unknown>>;

/** A row for people and for the parser: `undefined` means that the value is wrong. */
interface EmulatedRow<K extends keyof SocketOptions> {
  readonly otp: string;
  readonly note: OptionNote;
  readonly parse: (value: unknown) => SocketOptions[K] | undefined;
}

const packetModes: readonly PacketMode[] = [
  'raw',
  0,
  1,
  2,
  4,
  'asn1',
  'cdr',
  'sunrm',
  'fcgi',
  'tpkt',
  'line',
  'http',
  'http_bin',
  'httph',
  'httph_bin',
];
const largestPacket = 0x7fff_ffff;
/** Range of the 16-bit counter behind `{active, N}`. */
const activeLimits = { least: -32768, most: 32767 };

export const emulatedRows: { readonly [K in keyof SocketOptions]: EmulatedRow<K> } = {
  mode: {
    otp: 'mode',
    note: { values: 'binary, list', default: 'binary', source: 'inet:setopts/2, where it is list' },
    parse: (value) => (value === 'binary' || value === 'list' ? value : undefined),
  },
  packet: {
    otp: 'packet',
    note: { values: packetModes.join(', '), default: '0', source: 'erlang:decode_packet/3' },
    parse: (value) => packetModes.find((mode) => mode === value),
  },
  packetSize: {
    otp: 'packet_size',
    note: {
      values: '0..2147483647; 0 is no limit',
      default: '0',
      unit: 'bytes',
      source: 'erlang:decode_packet/3',
    },
    parse: (value) => between(value, 0, largestPacket),
  },
  header: {
    otp: 'header',
    note: { values: 'integer >= 0', default: '0', unit: 'bytes', source: 'erlang:decode_packet/3' },
    parse: (value) => between(value, 0, largestPacket),
  },
  active: {
    otp: 'active',
    note: { values: 'true, false, once, -32768..32767', default: 'true', source: 'inet:setopts/2' },
    parse: activeMode,
  },
};

function between(value: unknown, least: number, most: number): number | undefined {
  return isInteger(value) && value >= least && value <= most ? value : undefined;
}

/** A number is added to the running count by delivery; here only its range is looked at. */
function activeMode(value: unknown): ActiveMode | undefined {
  if (typeof value === 'boolean' || value === 'once') return value;
  return between(value, activeLimits.least, activeLimits.most);
}

export const socketDefaults: SocketOptions = Object.freeze({
  mode: 'binary',
  packet: 0,
  packetSize: 0,
  header: 0,
  active: true,
});

type SocketDraft = { -readonly [K in keyof SocketOptions]?: SocketOptions[K] };

function isEmulated(key: string): key is keyof SocketOptions {
  return Object.hasOwn(emulatedRows, key);
}

/** Sets one emulated option; false when its value is wrong. */
function setEmulated<K extends keyof SocketOptions>(draft: SocketDraft, key: K, value: unknown): boolean {
  const row: EmulatedRow<K> = emulatedRows[key];
  const parsed = row.parse(value);
  if (parsed === undefined) return false;
  draft[key] = parsed;
  return true;
}

// --- transport -------------------------------------------------------------------------------------------------

type TransportDraft = { -readonly [K in keyof TransportOptions]: TransportOptions[K] };

interface TransportRow {
  readonly otp: string;
  readonly side: 'both' | 'server';
  readonly note: OptionNote;
  /** Whether the value was taken. */
  readonly set: (draft: TransportDraft, value: unknown, role: Config['role']) => boolean;
}

const inet = 'inet:setopts/2, gen_tcp:listen/2';

export const transportRows: Readonly<Record<string, TransportRow>> = {
  ip: {
    otp: 'ip',
    side: 'both',
    note: { values: 'text, [numbers], any, loopback', default: 'any', source: inet },
    set: (draft, value) => {
      const ip = address(value, draft.family);
      if (ip !== undefined) draft.ip = ip;
      return ip !== undefined;
    },
  },
  inet: {
    otp: 'inet',
    side: 'both',
    note: { values: 'true', default: 'as the host', source: inet },
    set: (draft, value) => family(draft, value, 4),
  },
  inet6: {
    otp: 'inet6',
    side: 'both',
    note: { values: 'true', default: 'as the host', source: inet },
    set: (draft, value) => family(draft, value, 6),
  },
  nodelay: {
    otp: 'nodelay',
    side: 'both',
    note: { values: 'boolean', default: "the transport's", source: inet },
    set: (draft, value) => {
      if (typeof value === 'boolean') draft.nodelay = value;
      return typeof value === 'boolean';
    },
  },
  keepalive: {
    otp: 'keepalive',
    side: 'both',
    note: { values: 'boolean', default: "the transport's", source: inet },
    set: (draft, value) => {
      if (typeof value === 'boolean') draft.keepalive = value;
      return typeof value === 'boolean';
    },
  },
  reuseaddr: {
    otp: 'reuseaddr',
    side: 'both',
    note: { values: 'true; a client also false', default: 'true on a server', source: inet },
    // libuv sets SO_REUSEADDR on every listening socket.
    set: (draft, value, role) => {
      if (value !== true && !(value === false && role === 'client')) return false;
      draft.reuseaddr = value;
      return true;
    },
  },
  backlog: {
    otp: 'backlog',
    side: 'server',
    note: { values: 'integer >= 0', default: "the transport's", source: inet },
    set: (draft, value, role) => {
      const backlog = between(value, 0, largestPacket);
      if (backlog === undefined || role !== 'server') return false;
      draft.backlog = backlog;
      return true;
    },
  },
  sendTimeout: {
    otp: 'send_timeout',
    side: 'both',
    note: { values: 'integer >= 0, infinity', default: 'infinity', unit: 'ms', source: inet },
    set: (draft, value) => {
      const timeout = value === 'infinity' ? value : between(value, 0, 0x7fff_ffff);
      if (timeout !== undefined) draft.sendTimeout = timeout;
      return timeout !== undefined;
    },
  },
};

function family(draft: TransportDraft, value: unknown, version: 4 | 6): boolean {
  if (value !== true) return false;
  draft.family = version;
  return true;
}

/** An address as node:net takes it, from text or OTP's tuple. Whether text is an address is the transport's say. */
function address(value: unknown, version: 4 | 6 | undefined): string | undefined {
  if (value === 'any') return version === 6 ? '::' : '0.0.0.0';
  if (value === 'loopback') return version === 6 ? '::1' : '127.0.0.1';
  if (typeof value === 'string')
    return /^[0-9a-fA-F:.%\w]+$/.test(value) && /[.:]/.test(value) ? value : undefined;
  return isList(value) ? tupleText(value) : undefined;
}

/** `proplists:expand`: the bare atom `binary` or `list` is a mode. Here they can only be keys that are true. */
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
    // Datagrams have no stream to cut into packets.
    if (protocol === 'dtls' && (key === 'packet' || key === 'packetSize' || key === 'header'))
      throw new OptionError({ options: { not_supported: { [key]: value } } });
    if (!setEmulated(draft, key, value)) throw new OptionError({ options: { [key]: value } });
  }
  return { socket: Object.freeze({ ...inherited, ...draft }), transport: parseTransport(raw, role) };
}

function parseTransport(raw: Raw, role: Config['role']): TransportOptions {
  const draft: TransportDraft = {};
  // Pairs, since assigning to a key `__proto__` would set no key.
  const refused: (readonly [string, unknown])[] = [];
  // The family first: `any` and `loopback` depend on it.
  const keys = Object.keys(raw).sort((a, b) => Number(b.startsWith('inet')) - Number(a.startsWith('inet')));
  for (const key of keys) {
    const value = raw[key];
    if (value === undefined || isEmulated(key)) continue;
    const row = Object.hasOwn(transportRows, key) ? transportRows[key] : undefined;
    if (row === undefined || !row.set(draft, value, role)) refused.push([key, value]);
  }
  if (refused.length > 0) throw new OptionError({ options: { socket_options: Object.fromEntries(refused) } });
  return Object.freeze(draft);
}

// --- setopts, getopts ------------------------------------------------------------------------------------------

/** All that `getopts` can tell; `nodelay` and `keepalive` of transports that have them. */
export interface OptionValues extends SocketOptions {
  readonly nodelay: boolean;
  readonly keepalive: boolean;
}

/** What a call of `setopts` does, in this order: `socket` is set, then `transport` is tried, or `error` told. */
export interface SetoptsPlan {
  /** Emulated options to set; with an error those before the wrong one. */
  readonly socket: Partial<SocketOptions>;
  /** For one call of the transport; `undefined`: nothing to do there. */
  readonly transport: Raw | undefined;
  readonly error: SslReason | undefined;
}

/** `ssl:setopts/2` on a connection or listener: what to set, and what to answer. */
export function planSetopts(raw: unknown): SetoptsPlan {
  if (!isOptionObject(raw))
    return { socket: {}, transport: undefined, error: { options: { not_a_proplist: raw } } };
  const socket: SocketDraft = {};
  const others: (readonly [string, unknown])[] = [];
  for (const [key, value] of Object.entries(raw)) {
    if (!isEmulated(key)) others.push([key, value]);
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
