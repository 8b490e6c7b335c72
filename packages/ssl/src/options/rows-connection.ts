/** Rows of the running connection: limits, key update, logs. */
import { logLevels } from './config.js';
import { flag, integer, integerOrInfinity, type OptionRow, oneOf, option } from './row.js';

const manual = 'ssl:common_option()';
/** A delay that node's timers can wait for: 2^31 - 1 ms, 24.8 days. */
const longestDelay = 0x7fff_ffff;

export const connectionRows: readonly OptionRow[] = [
  option('maxHandshakeSize', {
    otp: 'max_handshake_size',
    side: 'both',
    note: { values: '0..8388607', default: '262144', unit: 'bytes', source: manual },
    parse: integer('maxHandshakeSize', 0, 0x7f_ffff),
  }),
  option('keyUpdateAt', {
    otp: 'key_update_at',
    side: 'both',
    needsVersions: ['tlsv1.3'],
    note: {
      values: 'integer > 0, bytes sent under one key',
      default: '388736063997',
      unit: 'bytes',
      source: 'RFC 8446 §5.5',
    },
    parse: integer('keyUpdateAt', 1, Number.MAX_SAFE_INTEGER),
  }),
  option('middleboxCompMode', {
    otp: 'middlebox_comp_mode',
    side: 'both',
    note: { values: 'boolean', default: 'true', source: 'RFC 8446 §D.4' },
    parse: flag('middleboxCompMode'),
  }),
  option('keepSecrets', {
    otp: 'keep_secrets',
    side: 'both',
    note: { values: 'boolean', default: 'false', source: manual },
    parse: flag('keepSecrets'),
  }),
  option('logAlert', {
    otp: 'log_alert',
    side: 'both',
    note: {
      values: 'boolean; true is logLevel notice, false none; ignored beside logLevel',
      default: 'none',
      source: 'ssl:common_option(), deprecated',
    },
    parse: flag('logAlert'),
  }),
  option('logLevel', {
    otp: 'log_level',
    side: 'both',
    after: ['versions', 'logAlert'],
    note: {
      values: logLevels.join(', '),
      default: "the application's, else notice",
      source: manual,
    },
    parse: oneOf('logLevel', ...logLevels),
    absent: ({ logLevel, settings: { logAlert } }) =>
      logAlert === undefined ? logLevel : logAlert ? 'notice' : 'none',
  }),
  option('hibernateAfter', {
    otp: 'hibernate_after',
    side: 'both',
    note: {
      values: 'integer >= 0, infinity; taken and told, without effect: all processes share a heap',
      default: 'infinity',
      unit: 'ms',
      source: manual,
    },
    parse: integerOrInfinity('hibernateAfter', 0, longestDelay),
  }),
  option('handshakeDeadline', {
    otp: undefined,
    side: 'both',
    note: { values: 'integer > 0, infinity', default: '60000', unit: 'ms', source: 'ours' },
    parse: integerOrInfinity('handshakeDeadline', 1, longestDelay),
  }),
  option('maxHandshakes', {
    otp: undefined,
    side: 'server',
    elsewhere: 'refused',
    note: { values: 'integer > 0', default: '4096', source: 'ours' },
    parse: integer('maxHandshakes', 1, Number.MAX_SAFE_INTEGER),
  }),
];
