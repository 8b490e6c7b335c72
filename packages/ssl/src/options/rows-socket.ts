/** Rows of the options that ssl itself keeps for a socket, emulating those of inet. */
import { between, type SocketOption } from './row.js';

const packetModes = [
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
] as const;

/** Packet modes of `erlang:decode_packet/3` that OTP's ssl takes; `raw` and 0 are one. */
export type PacketMode = (typeof packetModes)[number];

/** A number is added to the running count by delivery. */
export type ActiveMode = boolean | 'once' | number;

const largestPacket = 0x7fff_ffff;
/** Range of the 16-bit counter behind `{active, N}`. */
const activeLimits = { least: -32768, most: 32767 };

export class SocketRows {
  /** `mode` of delivered data: default `'binary'`. */
  readonly mode: SocketOption<'binary' | 'list'> = {
    otp: 'mode',
    side: 'both',
    default: 'binary',
    note: { values: 'binary, list', default: 'binary', source: 'inet:setopts/2, where it is list' },
    parse: (value) => (value === 'binary' || value === 'list' ? value : undefined),
  };

  /** `packet`: default 0. */
  readonly packet: SocketOption<PacketMode> = {
    otp: 'packet',
    side: 'both',
    default: 0,
    needsStream: true,
    note: { values: packetModes.join(', '), default: '0', source: 'erlang:decode_packet/3' },
    parse: (value) => packetModes.find((mode) => mode === value),
  };

  /** `packet_size`: largest packet accepted, bytes; default 0, no limit. */
  readonly packetSize: SocketOption<number> = {
    otp: 'packet_size',
    side: 'both',
    default: 0,
    needsStream: true,
    note: {
      values: '0..2147483647; 0 is no limit',
      default: '0',
      unit: 'bytes',
      source: 'erlang:decode_packet/3',
    },
    parse: (value) => between(value, 0, largestPacket),
  };

  /** `header`: bytes delivered as numbers before the rest; default 0. */
  readonly header: SocketOption<number> = {
    otp: 'header',
    side: 'both',
    default: 0,
    needsStream: true,
    note: { values: 'integer >= 0', default: '0', unit: 'bytes', source: 'erlang:decode_packet/3' },
    parse: (value) => between(value, 0, largestPacket),
  };

  /** `active`: default true; a number from -32768 to 32767 counts messages. */
  readonly active: SocketOption<ActiveMode> = {
    otp: 'active',
    side: 'both',
    default: true,
    note: { values: 'true, false, once, -32768..32767', default: 'true', source: 'inet:setopts/2' },
    parse: (value) =>
      typeof value === 'boolean' || value === 'once'
        ? value
        : between(value, activeLimits.least, activeLimits.most),
  };
}
