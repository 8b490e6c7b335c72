/** application_layer_protocol_negotiation, RFC 7301. */
import { type Codec, list16, opaque8 } from '../../values/wire/codec.js';
import { DecodeError } from '../../values/wire/reader.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import { AlertError } from '../reasons.js';
import { type Field, field } from './field.js';

const code = 16;
const protocolNameList: Codec<readonly Uint8Array[]> = list16(opaque8(1, 255), 2, 65535);

/** A list that must hold exactly one name (RFC 7301 §3.1). */
const selectedProtocol: Codec<Uint8Array> = {
  decode(reader) {
    const [name, ...others] = protocolNameList.decode(reader);
    if (name === undefined || others.length > 0) throw new DecodeError('not exactly one protocol');
    return name;
  },
  encode: (writer, name) => protocolNameList.encode(writer, [name]),
};

export const alpnOffer: Field<'alpn', readonly Uint8Array[]> = field(code, 'alpn', protocolNameList);
export const alpnSelection: Field<'alpn', Uint8Array> = field(code, 'alpn', selectedProtocol);

/**
 * The server's choice, in the server's order (contract §13.4). No protocol and no failure when only one side has
 * a list; throws `no_application_protocol` without overlap (RFC 7301 §3.2).
 */
export function selectProtocol(
  offered: readonly Uint8Array[] | undefined,
  preferred: readonly Uint8Array[] | undefined,
): Uint8Array | undefined {
  if (offered === undefined || preferred === undefined) return undefined;
  for (const own of preferred) if (contains(offered, own)) return own;
  throw new AlertError('no_application_protocol');
}

/** The client's check of the server's choice. */
export function acceptProtocol(
  selected: Uint8Array | undefined,
  offered: readonly Uint8Array[] | undefined,
): Uint8Array | undefined {
  if (selected === undefined) return undefined;
  if (offered === undefined || !contains(offered, selected))
    throw new AlertError('wrong_application_protocol');
  return Uint8Array.from(selected);
}

function contains(list: readonly Uint8Array[], name: Uint8Array): boolean {
  return list.some((other) => sameBytes(other, name));
}
