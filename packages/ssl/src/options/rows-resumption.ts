/** Rows of what a connection is recognized by: tickets, early data, keys agreed upon beforehand (contract §2.1–2.3, §6). */
import { type AntiReplayWindow, antiReplayWindows } from '../values/anti-replay.js';
import { SessionTicket } from '../values/session-ticket.js';
import type { UserLookupFun } from '../values/user-lookup.js';
import { badValue, OptionError, pair } from './option-error.js';
import { type At, asItIs, between, isInteger, isList, type Option, untold } from './row.js';
import type { OptionName, Settings } from './rows.js';
import { isOptionObject } from './socket-options.js';

const manual = 'ssl:common_option()';

/** What a client does with tickets. */
type ClientTickets = 'disabled' | 'manual' | 'auto';
/** What a server does; the kinds that keep the client's certificate are OTP 28's. */
type ServerTickets = 'disabled' | 'stateful' | 'stateless' | 'stateful_with_cert' | 'stateless_with_cert';

const clientTickets: readonly ClientTickets[] = ['disabled', 'manual', 'auto'];
/** As OTP 25 tells them. */
const toldServerTickets: readonly ServerTickets[] = ['disabled', 'stateful', 'stateless'];
const serverTickets: readonly ServerTickets[] = [
  ...toldServerTickets,
  'stateful_with_cert',
  'stateless_with_cert',
];

/** `{WindowSize, K, M}`, by our names or as OTP's tuple. */
type AntiReplayWish =
  | '10k'
  | '100k'
  | { readonly windowSize: number; readonly hashFunctions: number; readonly bits: number }
  | readonly [windowSize: number, hashFunctions: number, bits: number];

/** Bits of a filter: 32 MB for both its halves. */
const mostBits = 2 ** 27;
const leastSeed = 16;

export class ResumptionRows {
  /** `session_tickets` (TLS 1.3): a client's `auto` or `manual`, a server's `stateful` or `stateless`; default `disabled`. */
  readonly sessionTickets: Option<'both', ClientTickets | ServerTickets> = {
    otp: 'session_tickets',
    side: 'both',
    needsVersions: ['tlsv1.3'],
    default: 'disabled',
    tell: asItIs,
    note: {
      values:
        'client disabled, manual, auto; server disabled, stateful, stateless, stateful_with_cert, stateless_with_cert',
      default: 'disabled',
      source: `${manual}, RFC 8446 §4.6.1; with_cert as in OTP 28`,
    },
    parse: (value, { role }) => {
      const known: readonly (ClientTickets | ServerTickets)[] =
        role === 'client' ? clientTickets : serverTickets;
      const told = role === 'client' ? clientTickets : toldServerTickets;
      return known.find((one) => one === value) ?? wrongRole('sessionTickets', value, role, told);
    },
  };

  /** `anti_replay` (TLS 1.3): remembers which tickets were used lately; without it no early data under stateless tickets. */
  readonly antiReplay: Option<'server', AntiReplayWish, AntiReplayWindow | undefined, unknown> = {
    otp: 'anti_replay',
    side: 'server',
    needsVersions: ['tlsv1.3'],
    after: ['versions', 'sessionTickets'],
    default: undefined,
    tell: (value) => value && [value.window, value.hashes, value.bits],
    note: {
      values:
        '10k, 100k, { windowSize, hashFunctions, bits } or [seconds, hashes, bits]; needs stateless sessionTickets',
      default: 'none',
      source: 'ssl:server_option(), RFC 8446 §8.2',
    },
    parse(value, { settings: { sessionTickets } }) {
      if (!isStateless(sessionTickets)) throw needs('antiReplay', { sessionTickets: ['stateless'] });
      return antiReplay(value) ?? badValue('antiReplay', value);
    },
  };

  /** `use_ticket` (TLS 1.3): tickets that `manual` has handed out; what is none is passed over. */
  readonly useTicket: Option<
    'client',
    readonly (SessionTicket | Uint8Array)[],
    readonly SessionTicket[],
    undefined
  > = {
    otp: 'use_ticket',
    side: 'client',
    needsVersions: ['tlsv1.3'],
    default: [],
    kept: 'secret',
    tell: untold,
    note: {
      values: '[SessionTicket, or its bytes], for sessionTickets manual; the first 8 are offered',
      default: 'none',
      source: 'ssl:client_option()',
    },
    parse: (value) =>
      isList(value) ? value.flatMap((one) => SessionTicket.from(one) ?? []) : badValue('useTicket', value),
  };

  /** `early_data` (TLS 1.3): of a client the bytes to send with its hello, of a server whether it takes such; default `disabled`. */
  readonly earlyData: Option<
    'both',
    Uint8Array | 'enabled' | 'disabled',
    Uint8Array | 'enabled' | 'disabled',
    'enabled' | undefined
  > = {
    otp: 'early_data',
    side: 'both',
    needsVersions: ['tlsv1.3'],
    after: ['versions', 'sessionTickets', 'useTicket'],
    default: 'disabled',
    kept: 'secret',
    tell: (value) => (value === 'enabled' ? value : undefined),
    note: {
      values:
        'client bytes, needs sessionTickets auto, or manual and useTicket; server disabled, enabled, needs sessionTickets',
      default: 'server disabled, client none',
      source: 'ssl:client_option(), ssl:server_option(), RFC 8446 §2.3',
    },
    parse: (value, at) => (at.role === 'client' ? clientEarlyData(value, at) : serverEarlyData(value, at)),
  };

  /** `stateless_tickets_seed` of OTP 28 (TLS 1.3): servers with the same one read each other's stateless tickets. */
  readonly statelessTicketsSeed: Option<'server', Uint8Array, Uint8Array | undefined, undefined> = {
    otp: 'stateless_tickets_seed',
    side: 'server',
    needsVersions: ['tlsv1.3'],
    after: ['versions', 'sessionTickets'],
    default: undefined,
    kept: 'secret',
    tell: untold,
    note: {
      values: `at least ${leastSeed} bytes, as secret as a key; needs stateless sessionTickets`,
      default: 'none: keys of its own for each listener',
      source: 'ssl:server_option() of OTP 28',
    },
    parse(value, { settings: { sessionTickets } }) {
      if (!isStateless(sessionTickets))
        throw needs('statelessTicketsSeed', { sessionTickets: ['stateless'] });
      if (!(value instanceof Uint8Array)) return badValue('statelessTicketsSeed', typeof value);
      // The term tells no byte of it.
      return value.length < leastSeed ? badValue('statelessTicketsSeed', { too_short: value.length }) : value;
    },
  };

  /**
   * `psk_identity`: of a client the name of the key that `userLookupFun` gives for it, of a server what its clients are to
   * choose theirs by (TLS 1.2 and before).
   */
  readonly pskIdentity: Option<'both', string, string | undefined> = {
    otp: 'psk_identity',
    side: 'both',
    default: undefined,
    tell: asItIs,
    note: {
      values: 'text of 1..65535 bytes: who a client is, needs userLookupFun; what a server hints at',
      default: 'none',
      source: 'ssl:client_option(), ssl:server_option(), RFC 8446 §4.2.11, RFC 4279 §5',
    },
    parse: (value) =>
      typeof value === 'string' && between(new TextEncoder().encode(value).length, 1, 0xffff) !== undefined
        ? value
        : badValue('pskIdentity', value),
  };

  /** `user_lookup_fun`: a function and its state: the key of an identity, at once or later. */
  readonly userLookupFun: Option<
    'both',
    readonly [fun: UserLookupFun, state: unknown],
    { readonly fun: UserLookupFun; readonly state: unknown } | undefined,
    readonly [fun: UserLookupFun, state: unknown] | undefined
  > = {
    otp: 'user_lookup_fun',
    side: 'both',
    default: undefined,
    kept: 'live',
    tell: (value) => value && ([value.fun, value.state] as const),
    note: {
      values:
        '[function, state]; answers { ok: secret, hash, imported } for psk, { ok: { group, salt, verifier } } for srp, ' +
        "or 'error', at once or later",
      default: 'none',
      source: `${manual}, RFC 8446 §4.2.11, RFC 9258, RFC 4279, RFC 5054`,
    },
    parse(value) {
      if (!isList(value) || value.length !== 2) return badValue('userLookupFun', value);
      const [fun, state] = value;
      return isLookup(fun) ? { fun, state } : badValue('userLookupFun', value);
    },
  };
}

/** Whether tickets carry what they stand for. */
export function isStateless(kind: Settings['sessionTickets']): boolean {
  return kind === 'stateless' || kind === 'stateless_with_cert';
}

/** Whether tickets keep the client's certificates. */
export function keepsCertificates(kind: Settings['sessionTickets']): boolean {
  return kind === 'stateful_with_cert' || kind === 'stateless_with_cert';
}

function isLookup(value: unknown): value is UserLookupFun {
  return typeof value === 'function';
}

function antiReplay(value: unknown): AntiReplayWindow | undefined {
  if (value === '10k' || value === '100k') return antiReplayWindows[value];
  const [window, hashes, bits] = isList(value)
    ? value.length === 3
      ? value
      : []
    : isOptionObject(value)
      ? [value['windowSize'], value['hashFunctions'], value['bits']]
      : [];
  const fits =
    between(window, 1, 604_800) !== undefined &&
    between(hashes, 1, 32) !== undefined &&
    between(bits, 1, mostBits) !== undefined;
  return fits && isInteger(window) && isInteger(hashes) && isInteger(bits)
    ? { window, hashes, bits }
    : undefined;
}

function clientEarlyData(value: unknown, { settings: { sessionTickets, useTicket } }: At): Uint8Array {
  if (sessionTickets !== 'manual' && sessionTickets !== 'auto')
    throw needs('earlyData', { sessionTickets: ['manual', 'auto'] });
  if (sessionTickets === 'manual' && useTicket.length === 0) throw needs('earlyData', 'useTicket');
  if (value instanceof Uint8Array) return value;
  throw new OptionError({ options: ['type', { earlyData: tuple(value, 'not_binary') }] });
}

function serverEarlyData(value: unknown, { settings: { sessionTickets } }: At): 'enabled' | 'disabled' {
  if (sessionTickets === 'disabled') throw needs('earlyData', { sessionTickets: ['stateful', 'stateless'] });
  return value === 'enabled' || value === 'disabled'
    ? value
    : wrongRole('earlyData', value, 'server', ['disabled', 'enabled']);
}

/** `{options, dependency, {Key, What}}` */
function needs(key: OptionName, what: unknown): OptionError {
  return new OptionError({ options: ['dependency', { [key]: what }] });
}

/** `{options, role, {Key, {Value, {Role, Allowed}}}}` */
function wrongRole(key: OptionName, value: unknown, role: At['role'], allowed: readonly string[]): never {
  throw new OptionError({ options: ['role', { [key]: tuple(value, { [role]: allowed }) }] });
}

/** `{Value, What}`; what stands for an atom is the tag. */
function tuple(value: unknown, what: unknown): unknown {
  return pair(typeof value === 'boolean' ? String(value) : value, what);
}
