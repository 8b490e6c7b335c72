/** Rows of the running connection: limits, key update, logs. */
import { type LogLevel, logLevels } from './log-level.js';
import {
  asItIs,
  type CoreOption,
  flag,
  integer,
  integerOrInfinity,
  type Option,
  oneOf,
  untold,
} from './row.js';

const manual = 'ssl:common_option()';
/** A delay that node's timers can wait for: 2^31 - 1 ms, 24.8 days. */
const longestDelay = 0x7fff_ffff;

/**
 * A server hears strangers: until a handshake is done nobody has shown who he is, and his certificate (if one is asked
 * for) comes before that. This is the longest hello there can be, each of its lists full, and holds chains of dozens of
 * certificates. A client hears a server that it chose, whose chain may be longer: there OTP's figure stands.
 */
const serverHandshakeSize = 131_396;
const clientHandshakeSize = 262_144;
/**
 * ms. An honest client is done after two or three round trips; 15 s leave room for three lost packets in a row, which
 * are sent again after 1, 2 and 4 s (RFC 6298 §2).
 */
const serverDeadline = 15_000;
const clientDeadline = 60_000;
/** A fourth of a listener's handshakes is one address's share; small listeners are not divided. */
const smallestShare = 16;

export class ConnectionRows {
  /** `max_handshake_size`: bytes, at most 8388607; default 262144, on a server 131396. */
  readonly maxHandshakeSize: CoreOption<'both', number> = {
    otp: 'max_handshake_size',
    side: 'both',
    default: clientHandshakeSize,
    core: true,
    tell: asItIs,
    note: {
      values: '0..8388607, for each handshake message',
      default: '262144, on a server 131396',
      unit: 'bytes',
      source: `${manual}, where it is 262144 for both`,
    },
    parse: integer('maxHandshakeSize', 0, 0x7f_ffff),
    absent: ({ role }) => (role === 'server' ? serverHandshakeSize : clientHandshakeSize),
  };

  /** `key_update_at` (TLS 1.3): bytes sent under one key; default 388736063997. */
  readonly keyUpdateAt: CoreOption<'both', number> = {
    otp: 'key_update_at',
    side: 'both',
    needsVersions: ['tlsv1.3'],
    // OTP's figure for AES-GCM: RFC 8446 §5.5 allows some 2^24.5 full records.
    default: 388_736_063_997,
    core: true,
    tell: asItIs,
    note: {
      values: 'integer > 0, bytes sent under one key; before the limit of records of its suite in any case',
      default: '388736063997',
      unit: 'bytes',
      source: 'RFC 8446 §5.5',
    },
    parse: integer('keyUpdateAt', 1, Number.MAX_SAFE_INTEGER),
  };

  /** `middlebox_comp_mode`: default true. */
  readonly middleboxCompMode: CoreOption<'both', boolean> = {
    otp: 'middlebox_comp_mode',
    side: 'both',
    default: true,
    core: true,
    tell: asItIs,
    note: { values: 'boolean', default: 'true', source: 'RFC 8446 §D.4' },
    parse: flag('middleboxCompMode'),
  };

  /** `log_alert`, deprecated: true is `logLevel: 'notice'`, false `'none'`. */
  readonly logAlert: Option<'both', boolean, boolean | undefined, undefined> = {
    otp: 'log_alert',
    side: 'both',
    default: undefined,
    tell: untold,
    note: {
      values: 'boolean; true is logLevel notice, false none; ignored beside logLevel',
      default: 'none',
      source: 'ssl:common_option(), deprecated',
    },
    parse: flag('logAlert'),
  };

  /** `log_level`: default: the application's, else `notice`. */
  readonly logLevel: Option<'both', LogLevel> = {
    otp: 'log_level',
    side: 'both',
    after: ['versions', 'logAlert'],
    default: 'notice',
    tell: asItIs,
    note: {
      values: logLevels.join(', '),
      default: "the application's, else notice",
      source: manual,
    },
    parse: oneOf('logLevel', ...logLevels),
    absent: ({ logLevel, settings: { logAlert } }) =>
      logAlert === undefined ? logLevel : logAlert ? 'notice' : 'none',
  };

  /** `hibernate_after`: ms; default `'infinity'`. */
  readonly hibernateAfter: Option<'both', number | 'infinity'> = {
    otp: 'hibernate_after',
    side: 'both',
    default: 'infinity',
    tell: asItIs,
    note: {
      values: 'integer >= 0, infinity; taken and told, without effect: all processes share a heap',
      default: 'infinity',
      unit: 'ms',
      source: manual,
    },
    parse: integerOrInfinity('hibernateAfter', 0, longestDelay),
  };

  /** Ours: ms for the whole handshake, without connecting the transport; default 60000, on a server 15000. */
  readonly handshakeDeadline: Option<'both', number | 'infinity'> = {
    otp: undefined,
    side: 'both',
    default: clientDeadline,
    tell: asItIs,
    note: {
      values: 'integer > 0, infinity; the whole handshake',
      default: '60000, on a server 15000',
      unit: 'ms',
      source: 'ours',
    },
    parse: integerOrInfinity('handshakeDeadline', 1, longestDelay),
    absent: ({ role }) => (role === 'server' ? serverDeadline : clientDeadline),
  };

  /** Ours: connections of this listener between accept and established; default 4096. */
  readonly maxHandshakes: Option<'server', number> = {
    otp: undefined,
    side: 'server',
    elsewhere: 'refused',
    default: 4096,
    tell: asItIs,
    note: { values: 'integer > 0; unfinished handshakes of a listener', default: '4096', source: 'ours' },
    parse: integer('maxHandshakes', 1, Number.MAX_SAFE_INTEGER),
  };

  /** Ours: how many of them may come from one IPv4 address or IPv6 /64; default a quarter, at least 16. */
  readonly maxHandshakesPerAddress: Option<'server', number | 'infinity'> = {
    otp: undefined,
    side: 'server',
    elsewhere: 'refused',
    after: ['versions', 'maxHandshakes'],
    default: 1024,
    tell: asItIs,
    note: {
      values: 'integer > 0, infinity; how many of them may come from one IPv4 address or IPv6 /64',
      default: 'a quarter of maxHandshakes, at least 16',
      source: 'ours',
    },
    parse: integerOrInfinity('maxHandshakesPerAddress', 1, Number.MAX_SAFE_INTEGER),
    absent: ({ settings: { maxHandshakes } }) => Math.max(Math.ceil(maxHandshakes / 4), smallestShare),
  };

  /** Ours: bytes that they may hold together; default 16777216. */
  readonly maxHandshakeBytes: Option<'server', number | 'infinity'> = {
    otp: undefined,
    side: 'server',
    elsewhere: 'refused',
    default: 16_777_216,
    tell: asItIs,
    note: {
      values: 'integer > 0, infinity; what they may hold together of what their peers have sent',
      default: '16777216',
      unit: 'bytes',
      source: 'ours',
    },
    parse: integerOrInfinity('maxHandshakeBytes', 1, Number.MAX_SAFE_INTEGER),
  };
}
