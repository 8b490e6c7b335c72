/** Rows of what was before ALPN: next protocol negotiation, in TLS 1.2 and before. */
import type { ProtocolVersion } from '../values/registry/versions.js';
import { badValue } from './option-error.js';
import { asItIs, type CoreOption, isList } from './row.js';
import { protocolName, protocolNames, sentProtocolNames } from './rows-negotiation.js';

const older: readonly ProtocolVersion[] = ['tlsv1', 'tlsv1.1', 'tlsv1.2'];

/** A name as users write it: text, or bytes. */
type Name = Uint8Array | string;

/** In words; or as OTP's tuples: `{ client: names }`, `{ client: [names, default] }`. */
type NextProtocolWish =
  | {
      /** Whose order counts. */
      readonly precedence: 'client' | 'server';
      readonly protocols: readonly Name[];
      /** What is spoken when there is nothing in common. */
      readonly default?: Name | undefined;
    }
  | { readonly client: readonly Name[] | readonly [protocols: readonly Name[], otherwise: Name] }
  | { readonly server: readonly Name[] | readonly [protocols: readonly Name[], otherwise: Name] };

interface PreferredNextProtocols {
  readonly precedence: 'client' | 'server';
  readonly protocols: readonly Uint8Array[];
  readonly default: Uint8Array | undefined;
}

export class NextProtocolRows {
  /** `client_preferred_next_protocols`: how a client picks from what the server advertises. */
  readonly clientPreferredNextProtocols: CoreOption<
    'client',
    NextProtocolWish,
    PreferredNextProtocols | undefined
  > = {
    otp: 'client_preferred_next_protocols',
    side: 'client',
    needsVersions: older,
    default: undefined,
    core: true,
    tell: asItIs,
    note: {
      values:
        '{ precedence: client or server, protocols: [name of 1..255 bytes], default?: name }, ' +
        '{ client: names }, { server: [names, default] }',
      default: 'none; without a default inside, nothing in common ends the handshake',
      source: 'ssl:client_option(), draft-agl-tls-nextprotoneg',
    },
    parse: preferredNextProtocols,
  };

  /** `next_protocols_advertised`: what a server has for clients that do not speak ALPN; may be empty. */
  readonly nextProtocolsAdvertised: CoreOption<'server', readonly Name[], readonly Uint8Array[] | undefined> =
    {
      otp: 'next_protocols_advertised',
      side: 'server',
      needsVersions: older,
      default: undefined,
      core: true,
      tell: asItIs,
      note: {
        values: '[name of 1..255 bytes]',
        default: 'none',
        source: 'ssl:server_option(), draft-agl-tls-nextprotoneg',
      },
      parse: (value) => sentProtocolNames('nextProtocolsAdvertised', value),
    };
}

const key = 'clientPreferredNextProtocols';

/** As in OTP the shape is looked at first, then the names, then whose order counts. */
function preferredNextProtocols(value: unknown): PreferredNextProtocols {
  const { precedence, protocols, otherwise } = partsOf(value) ?? badValue(key, value);
  if (!isList(protocols)) return badValue(key, value);
  const byDefault = otherwise === undefined ? undefined : (protocolName(otherwise) ?? badValue(key, value));
  const names = protocolNames(key, protocols);
  if (precedence !== 'client' && precedence !== 'server')
    return badValue(key, { invalid_precedence: precedence });
  return { precedence, protocols: names, default: byDefault };
}

interface Parts {
  readonly precedence: unknown;
  readonly protocols: unknown;
  readonly otherwise: unknown;
}

function partsOf(value: unknown): Parts | undefined {
  if (typeof value !== 'object' || value === null || isList(value)) return undefined;
  const entries = Object.entries(value);
  const [[tag, inside] = []] = entries;
  if (entries.length !== 1) return namedParts(new Map<string, unknown>(entries));
  if (isList(inside) && inside.length === 2 && isList(inside[0]))
    return { precedence: tag, protocols: inside[0], otherwise: inside[1] };
  return { precedence: tag, protocols: inside, otherwise: undefined };
}

const fields: ReadonlySet<string> = new Set(['precedence', 'protocols', 'default']);

function namedParts(parts: ReadonlyMap<string, unknown>): Parts | undefined {
  if ([...parts.keys()].some((name) => !fields.has(name))) return undefined;
  return {
    precedence: parts.get('precedence'),
    protocols: parts.get('protocols'),
    otherwise: parts.get('default'),
  };
}
