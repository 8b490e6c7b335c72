/** server_name, RFC 6066 §3. */

import { hostOf } from '../../values/host.js';
import { hostName as canonicalName, type HostName } from '../../values/host-name.js';
import { type Codec, empty, list16, opaque16, struct, uint8 } from '../../values/wire/codec.js';
import { latin1 } from '../../values/wire/latin1.js';
import { AlertError } from '../reasons.js';
import { type Field, field } from './field.js';

const code = 0;
const hostNameType = 0;

export interface ServerName {
  readonly nameType: number;
  /** ASCII; internationalised names as A-labels. */
  readonly name: Uint8Array;
}

/** HostName may not be empty, but that has an alert of its own (`hostName`). */
const serverName: Codec<ServerName> = struct<ServerName>({ nameType: uint8, name: opaque16(0, 65535) });

export const serverNameOffer: Field<'serverName', readonly ServerName[]> = field(
  code,
  'serverName',
  list16(serverName, 1, 65535),
);
/** "I used the name." */
export const serverNameUsed: Field<'serverName', true> = field(code, 'serverName', empty);

/** What of a host may be sent: a name, in its one form. Addresses may not (RFC 6066 §3), and else there is nothing. */
export function nameToSend(host: string | undefined): HostName | undefined {
  const found = host === undefined ? undefined : hostOf(host);
  return found?.type === 'name' ? found.name : undefined;
}

/** The extension's value for one host name. */
export function offerHostName(name: string): readonly ServerName[] {
  return [{ nameType: hostNameType, name: new TextEncoder().encode(name) }];
}

/**
 * The host name asked for, in its one form; an address or what else is no host name counts as no name at all
 * (RFC 6066 §3: a server may go on without it). Throws when there is more than one of a type (RFC 6066 §3), or when it is empty or ends
 * in a dot, which OTP refuses.
 */
export function hostName(names: readonly ServerName[] | undefined): HostName | undefined {
  if (names === undefined) return undefined;
  const [first, ...others] = names;
  if (first === undefined || others.length > 0 || first.nameType !== hostNameType) {
    throw new AlertError('malformed_extension', { server_name: 'one host_name' });
  }
  const name = latin1(first.name);
  if (name === '' || name.endsWith('.')) throw new AlertError('unrecognized_name');
  if (name.includes('\0')) throw new AlertError('malformed_extension', { server_name: 'NUL' });
  return canonicalName(name);
}
