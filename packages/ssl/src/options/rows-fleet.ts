/** Rows of what servers with one name share: keys of stateless tickets, and what early data was seen. All of it is ours. */
import type { ReplayStore, TicketKeyStore } from '@actor-tls/session-store';
import { badValue, OptionError } from './option-error.js';
import { asItIs, between, type Option, untold } from './row.js';
import type { OptionName } from './rows.js';
import { isStateless } from './rows-resumption.js';
import { isOptionObject } from './socket-options.js';

/** What a fleet shares; each part may be left out. */
export interface Fleet {
  /** Where the keys of stateless tickets stand. Not together with `statelessTicketsSeed`. */
  readonly ticketKeyStore?: TicketKeyStore | undefined;
  /** Who remembers which early data was seen; needs `antiReplay`. */
  readonly replayStore?: ReplayStore | undefined;
  /** By how many seconds the clocks may differ; default 60. */
  readonly clockTolerance?: number | undefined;
  /** ms that a call to a store may take; default 250 */
  readonly storeDeadline?: number | undefined;
}

const leastSeed = 16;
const longestLife = 604_800;

export class FleetRows {
  /** Ours (TLS 1.3): for how many seconds a key of stateless tickets seals, before the next one does; default 3600. */
  readonly ticketKeyLifetime: Option<'server', number> = {
    otp: undefined,
    side: 'server',
    elsewhere: 'refused',
    needsVersions: ['tlsv1.3'],
    default: 3600,
    tell: asItIs,
    note: {
      values:
        'integer of 1..604800 seconds, in which a key of stateless tickets seals; it opens as long as they live',
      default: '3600',
      source: 'ours',
    },
    parse: (value) => between(value, 1, longestLife) ?? badValue('ticketKeyLifetime', value),
  };

  /** Ours (TLS 1.3): stores that several servers share, so that one takes the tickets of another. */
  readonly fleet: Option<'server', Fleet, Fleet, undefined> = {
    otp: undefined,
    side: 'server',
    elsewhere: 'refused',
    needsVersions: ['tlsv1.3'],
    after: ['versions', 'sessionTickets', 'antiReplay', 'statelessTicketsSeed'],
    default: {},
    kept: 'live',
    tell: untold,
    note: {
      values:
        '{ ticketKeyStore, replayStore, clockTolerance, storeDeadline }; needs stateless sessionTickets, replayStore antiReplay too',
      default: 'nothing is shared',
      source: 'ours, docs/fleet.md',
    },
    parse(value, { settings: { sessionTickets, antiReplay, statelessTicketsSeed } }) {
      if (!isStateless(sessionTickets)) throw needs('fleet', { sessionTickets: ['stateless'] });
      const fleet = fleetOf(value);
      if (fleet.replayStore !== undefined && antiReplay === undefined) throw needs('fleet', 'antiReplay');
      if (fleet.ticketKeyStore !== undefined && statelessTicketsSeed !== undefined)
        throw new OptionError({ options: ['incompatible', 'fleet', 'statelessTicketsSeed'] });
      return fleet;
    },
  };

  /** Ours (TLS 1.3): encrypts the keys in a fleet's `ticketKeyStore`; the same on all servers. */
  readonly fleetSeed: Option<'server', Uint8Array, Uint8Array | undefined, undefined> = {
    otp: undefined,
    side: 'server',
    elsewhere: 'refused',
    needsVersions: ['tlsv1.3'],
    after: ['versions', 'fleet'],
    default: undefined,
    kept: 'secret',
    tell: untold,
    note: {
      values: `at least ${leastSeed} bytes, as secret as a key; needs fleet with a ticketKeyStore`,
      default: 'none: keys stand in the store as they are',
      source: 'ours, docs/fleet.md',
    },
    parse(value, { settings: { fleet } }) {
      if (fleet.ticketKeyStore === undefined) throw needs('fleetSeed', 'fleet');
      if (!(value instanceof Uint8Array)) return badValue('fleetSeed', typeof value);
      // The term tells no byte of it.
      return value.length < leastSeed ? badValue('fleetSeed', { too_short: value.length }) : value;
    },
  };
}

function fleetOf(value: unknown): Fleet {
  if (!isOptionObject(value)) return badValue('fleet', typeof value);
  const { ticketKeyStore, replayStore, clockTolerance, storeDeadline, ...unknown } = value;
  const [strange] = Object.keys(unknown);
  if (strange !== undefined) return badValue('fleet', strange);
  if (!isAbsentOr(isKeyStore, ticketKeyStore)) return badValue('fleet', 'ticketKeyStore');
  if (!isAbsentOr(isReplayStore, replayStore)) return badValue('fleet', 'replayStore');
  if (!isAbsentOr(isSeconds, clockTolerance)) return badValue('fleet', 'clockTolerance');
  if (!isAbsentOr(isDeadline, storeDeadline)) return badValue('fleet', 'storeDeadline');
  return { ticketKeyStore, replayStore, clockTolerance, storeDeadline };
}

function isAbsentOr<T>(is: (value: unknown) => value is T, value: unknown): value is T | undefined {
  return value === undefined || is(value);
}

function isKeyStore(value: unknown): value is TicketKeyStore {
  return hasFunction(value, 'read') && hasFunction(value, 'replace');
}

function isReplayStore(value: unknown): value is ReplayStore {
  return hasFunction(value, 'claim');
}

function hasFunction(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function';
}

function isSeconds(value: unknown): value is number {
  return between(value, 0, 3600) !== undefined;
}

function isDeadline(value: unknown): value is number {
  return between(value, 1, 60_000) !== undefined;
}

/** `{options, dependency, {Key, What}}` */
function needs(key: OptionName, what: unknown): OptionError {
  return new OptionError({ options: ['dependency', { [key]: what }] });
}
