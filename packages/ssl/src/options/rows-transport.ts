/** Rows of the options that go to the transport, which has them in node:net's terms. */
import { tupleText } from '../values/address.js';
import { between, isList, type TransportAt, type TransportOption } from './row.js';

const inet = 'inet:setopts/2, gen_tcp:listen/2';
const longestQueue = 0x7fff_ffff;
/** ms */
const longestTimeout = 0x7fff_ffff;

export class TransportRows {
  /** `ip` of the own end: text, numbers, `'any'` or `'loopback'`. */
  readonly ip: TransportOption<'both', 'atStart', 'ip', string | readonly number[], string> = {
    otp: 'ip',
    side: 'both',
    field: 'ip',
    settable: 'atStart',
    note: { values: 'text, [numbers], any, loopback', default: 'any', source: inet },
    parse: (value, { family }) => address(value, family),
  };

  /** `inet`: IPv4. */
  readonly inet: TransportOption<'both', 'atStart', 'family', true, 4> = {
    otp: 'inet',
    side: 'both',
    field: 'family',
    settable: 'atStart',
    first: true,
    note: { values: 'true', default: 'as the host', source: inet },
    parse: (value) => (value === true ? 4 : undefined),
  };

  /** `inet6`: IPv6. */
  readonly inet6: TransportOption<'both', 'atStart', 'family', true, 6> = {
    otp: 'inet6',
    side: 'both',
    field: 'family',
    settable: 'atStart',
    first: true,
    note: { values: 'true', default: 'as the host', source: inet },
    parse: (value) => (value === true ? 6 : undefined),
  };

  /** `nodelay` of TCP. */
  readonly nodelay: TransportOption<'both', 'always', 'nodelay', boolean> = {
    otp: 'nodelay',
    side: 'both',
    field: 'nodelay',
    settable: 'always',
    note: { values: 'boolean', default: "the transport's", source: inet },
    parse: flag,
  };

  /** `keepalive` of TCP. */
  readonly keepalive: TransportOption<'both', 'always', 'keepalive', boolean> = {
    otp: 'keepalive',
    side: 'both',
    field: 'keepalive',
    settable: 'always',
    note: { values: 'boolean', default: "the transport's", source: inet },
    parse: flag,
  };

  /** `reuseaddr`: a listening socket always has it, so `false` is refused on a server. */
  readonly reuseaddr: TransportOption<'both', 'atStart', 'reuseaddr', boolean> = {
    otp: 'reuseaddr',
    side: 'both',
    field: 'reuseaddr',
    settable: 'atStart',
    note: { values: 'true; a client also false', default: 'true on a server', source: inet },
    // libuv sets SO_REUSEADDR on every listening socket of TCP.
    parse: (value, { role, protocol }) =>
      value === true || (value === false && (role === 'client' || protocol === 'dtls')) ? value : undefined,
  };

  /** `backlog` of the listening socket. */
  readonly backlog: TransportOption<'server', 'atStart', 'backlog', number> = {
    otp: 'backlog',
    side: 'server',
    elsewhere: 'refused',
    field: 'backlog',
    settable: 'atStart',
    note: { values: 'integer >= 0', default: "the transport's", source: inet },
    parse: (value) => between(value, 0, longestQueue),
  };

  /** `recbuf`: what the system may keep of datagrams that nobody has read; node has no such thing for TCP. */
  readonly recbuf: TransportOption<'both', 'atStart', 'recbuf', number> = {
    otp: 'recbuf',
    side: 'both',
    field: 'recbuf',
    settable: 'atStart',
    note: { values: 'integer > 0, DTLS only', default: "the system's", unit: 'bytes', source: inet },
    parse: ofDatagrams,
  };

  /** `sndbuf`: what the system may keep of datagrams that it has not sent. */
  readonly sndbuf: TransportOption<'both', 'atStart', 'sndbuf', number> = {
    otp: 'sndbuf',
    side: 'both',
    field: 'sndbuf',
    settable: 'atStart',
    note: { values: 'integer > 0, DTLS only', default: "the system's", unit: 'bytes', source: inet },
    parse: ofDatagrams,
  };

  /** `send_timeout`: ms a `send` may wait for the transport; default `'infinity'`. */
  readonly sendTimeout: TransportOption<'both', 'atStart', 'sendTimeout', number | 'infinity'> = {
    otp: 'send_timeout',
    side: 'both',
    field: 'sendTimeout',
    settable: 'atStart',
    note: { values: 'integer >= 0, infinity', default: 'infinity', unit: 'ms', source: inet },
    parse: (value) => (value === 'infinity' ? value : between(value, 0, longestTimeout)),
  };
}

function ofDatagrams(value: unknown, { protocol }: TransportAt): number | undefined {
  return protocol === 'dtls' ? between(value, 1, longestQueue) : undefined;
}

function flag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

/** An address as node:net takes it, from text or OTP's tuple. Whether text is an address is the transport's say. */
function address(value: unknown, version: 4 | 6 | undefined): string | undefined {
  if (value === 'any') return version === 6 ? '::' : '0.0.0.0';
  if (value === 'loopback') return version === 6 ? '::1' : '127.0.0.1';
  if (typeof value === 'string')
    return /^[0-9a-fA-F:.%\w]+$/.test(value) && /[.:]/.test(value) ? value : undefined;
  return isList(value) ? tupleText(value) : undefined;
}
