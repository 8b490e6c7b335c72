/** Rows of what a server decides once it has read the client's hello: the pause, and options by the name asked for. */
import { hostOf } from '../values/host.js';
import type { HostName } from '../values/host-name.js';
import { badValue, OptionError } from './option-error.js';
import type { TlsServerOptions } from './raw.js';
import { asItIs, type Option, oneOf, untold } from './row.js';
import { isOptionObject } from './socket-options.js';

/** Options of a host, as its user writes them. */
export type HostOptions = TlsServerOptions;

/** `sni_fun`: gets the name in its one form (lower case, Unicode as A-labels). `undefined`: no options of its own. */
export type SniFun = (host: string) => HostOptions | undefined | Promise<HostOptions | undefined>;

type Raw = Readonly<Record<string, unknown>>;

/** Options as they were written, by host name in its one form. */
export type SniHosts = ReadonlyMap<HostName, Raw>;

const nobody: SniHosts = new Map();

export class PauseRows {
  /** `handshake`: with `'hello'` the handshake pauses after the peer's hello; default `'full'`. */
  readonly handshake: Option<'both', 'full' | 'hello'> = {
    otp: 'handshake',
    side: 'both',
    default: 'full',
    tell: asItIs,
    note: {
      values: "full; hello: it pauses after the peer's hello, for handshakeContinue or handshakeCancel",
      default: 'full',
      source: 'ssl:common_option()',
    },
    parse: oneOf('handshake', 'full', 'hello'),
  };
}

export class HostRows {
  /** `sni_hosts`: options by the name that a client asks for, laid over those of the listener; not together with `sniFun`. */
  readonly sniHosts: Option<'server', Readonly<Record<string, HostOptions>>, SniHosts, undefined> = {
    otp: 'sni_hosts',
    side: 'server',
    default: nobody,
    tell: untold,
    kept: 'hosts',
    note: {
      values: '{ name: options }; not beside sniFun, and no sniHosts inside',
      default: 'none',
      source: 'ssl:server_option(), RFC 6066 §3',
    },
    parse: sniHosts,
  };

  /** `sni_fun`: the same by a function, at once or later; its time is the handshake's. */
  readonly sniFun: Option<'server', SniFun, SniFun | undefined, undefined> = {
    otp: 'sni_fun',
    side: 'server',
    after: ['versions', 'sniHosts'],
    default: undefined,
    tell: untold,
    note: {
      values: 'function of the name, that gives options or undefined, at once or later; not beside sniHosts',
      default: 'none',
      source: 'ssl:server_option(), RFC 6066 §3',
    },
    parse(value, { settings }) {
      if (!isSniFun(value)) return badValue('sniFun', value);
      if (settings.sniHosts.size > 0) throw new OptionError({ conflict_options: ['sniFun', 'sniHosts'] });
      return value;
    },
  };
}

function isSniFun(value: unknown): value is SniFun {
  return typeof value === 'function';
}

function sniHosts(value: unknown): SniHosts {
  if (!isOptionObject(value)) return badValue('sniHosts', value);
  const hosts = new Map<HostName, Raw>();
  for (const [key, options] of Object.entries(value)) {
    const host = hostOf(key);
    // A key that no client can ask for, or the same name in another spelling, is a mistake.
    if (host?.type !== 'name' || hosts.has(host.name) || !isOptionObject(options))
      return badValue('sniHosts', value);
    hosts.set(host.name, options);
  }
  return hosts;
}
