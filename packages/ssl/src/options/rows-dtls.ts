/** Rows of what only datagrams have. */

import type { ConnectionIdTerms, PathCheck } from '../values/connection-id.js';
import type { SrtpTerms } from '../values/srtp.js';
import { badValue, OptionError } from './option-error.js';
import { type At, asItIs, between, type CoreOption, integer, isList } from './row.js';

/** Bytes: less holds no record worth sending, more no datagram. */
const leastMtu = 256;
const mostMtu = 65_507;
/** ms: less floods a path before it can have answered; more is what a timer grows to (RFC 6347 §4.2.4.1). */
const leastWait = 50;
const mostWait = 60_000;
/** As many as a hello of one datagram has room for, and far more than there are. */
const mostProfiles = 64;

/** Bytes of a connection ID of ours: enough that nobody guesses one, unless told otherwise. */
const usualIdLength = 8;
const leastIdLength = 4;
const mostIdLength = 32;
const checks: readonly PathCheck[] = ['enhanced', 'basic', 'none'];

/** `connectionId` with more than a length. */
export interface ConnectionIdOption {
  readonly length?: number;
  readonly check?: PathCheck;
}

/** `use_srtp` as users write it. */
export interface UseSrtp {
  readonly protectionProfiles: readonly Uint8Array[];
  readonly mki?: Uint8Array;
}

export class DtlsRows {
  /** Largest datagram that is sent, where the path's is known; DTLS only. */
  readonly mtu: CoreOption<'both', number, number | undefined> = {
    otp: undefined,
    side: 'both',
    default: undefined,
    core: true,
    tell: asItIs,
    note: {
      values: '256..65507, of the payload of UDP; DTLS only',
      default: 'handshakes try 1232, then 548 and 256; data as long as a record',
      unit: 'bytes',
      source: 'RFC 6347 §4.1.1.1',
    },
    parse: integer('mtu', leastMtu, mostMtu),
  };
  /**
   * `use_srtp`: protection profiles of two bytes, the best first, and a master key identifier. Without a profile in common
   * the connection stands all the same. The keys: `exportKeyMaterial` with the label `EXTRACTOR-dtls_srtp` and no context.
   */
  readonly useSrtp: CoreOption<'both', UseSrtp, SrtpTerms | undefined> = {
    otp: 'use_srtp',
    side: 'both',
    default: undefined,
    core: true,
    tell: asItIs,
    note: {
      values: '`{ protectionProfiles: [two bytes, …], mki? }`, `mki` of at most 255 bytes; DTLS only',
      default: 'none',
      source: 'RFC 5764 §4.1.1',
    },
    parse: parseUseSrtp,
  };
  /**
   * Connection IDs: a peer whose address changes keeps its connection. `true` or a length: ours are in what comes to us; 0:
   * we only send with the peer's. `check`: how a new address is made sure of.
   */
  readonly connectionId: CoreOption<
    'both',
    boolean | number | ConnectionIdOption,
    ConnectionIdTerms | undefined
  > = {
    otp: undefined,
    side: 'both',
    default: undefined,
    core: true,
    tell: asItIs,
    note: {
      values:
        "`true` for 8 bytes, 0, 4..32, or `{ length?, check?: 'enhanced' | 'basic' | 'none' }`; DTLS only, of a listener alike for all",
      default: '`false`',
      unit: 'bytes',
      source: 'RFC 9146 §3, RFC 9853 §5',
    },
    parse: parseConnectionId,
  };
  /** How long an answer to a flight is waited for before it goes out again, at first; doubled each time. DTLS only. */
  readonly flightTimeout: CoreOption<'both', number | undefined> = {
    otp: undefined,
    side: 'both',
    default: undefined,
    core: true,
    tell: asItIs,
    note: {
      values: '50..60000; DTLS only',
      default: '1000, once the path is known three of its round trips, 250 at least',
      unit: 'ms',
      source: 'RFC 6347 §4.2.4.1, RFC 9147 §5.8.2',
    },
    parse: integer('flightTimeout', leastWait, mostWait),
  };
}

/** The terms are OTP 26's. */
function parseUseSrtp(value: unknown, { settings }: At): SrtpTerms {
  if (settings.protocol !== 'dtls')
    throw new OptionError({ options: ['incompatible', { protocol: 'tls' }, 'useSrtp'] });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return badValue('useSrtp', value);
  const { protectionProfiles, mki, ...others }: Record<string, unknown> = { ...value };
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return badValue('useSrtp', { unknown_parameters: Object.keys(others) });
  if (!isList(protectionProfiles) || protectionProfiles.length === 0)
    return badValue('useSrtp', { no_protection_profiles: value });
  const profiles = protectionProfiles.filter(isProfile);
  if (profiles.length < protectionProfiles.length || profiles.length > mostProfiles)
    return badValue('useSrtp', { invalid_protection_profiles: protectionProfiles });
  if (mki !== undefined && (!(mki instanceof Uint8Array) || mki.length > 255))
    return badValue('useSrtp', { invalid_mki: mki });
  return {
    protectionProfiles: profiles.map((profile) => Uint8Array.from(profile)),
    mki: Uint8Array.from(mki ?? []),
  };
}

function parseConnectionId(value: unknown, { settings }: At): ConnectionIdTerms | undefined {
  if (settings.protocol !== 'dtls')
    throw new OptionError({ options: ['incompatible', { protocol: 'tls' }, 'connectionId'] });
  if (value === false) return undefined;
  if (value === true) return { length: usualIdLength, check: 'enhanced' };
  if (typeof value === 'number') return { length: idLength(value, value), check: 'enhanced' };
  if (typeof value !== 'object' || value === null || isList(value)) return badValue('connectionId', value);
  const { length = usualIdLength, check = 'enhanced', ...others }: Record<string, unknown> = { ...value };
  const wanted = checks.find((one) => one === check);
  if (Object.keys(others).length > 0 || wanted === undefined) return badValue('connectionId', value);
  return { length: idLength(length, value), check: wanted };
}

function idLength(length: unknown, value: unknown): number {
  return length === 0 ? 0 : (between(length, leastIdLength, mostIdLength) ?? badValue('connectionId', value));
}

function isProfile(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === 2;
}
