/** next_protocol_negotiation (draft-agl-tls-nextprotoneg-04 §3): what was before ALPN, in TLS 1.2 and before. */
import { type Codec, empty, opaque8 } from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

const code = 13_172;
const protocolName = opaque8(1, 255);

/** Names one behind another; their list has no length of its own. */
const protocolNames: Codec<readonly Uint8Array[]> = {
  decode(reader) {
    const names: Uint8Array[] = [];
    while (reader.remaining > 0) names.push(protocolName.decode(reader));
    return names;
  },
  encode(writer, names) {
    for (const name of names) protocolName.encode(writer, name);
  },
};

/** In ClientHello: the client would choose. */
export const nextProtocolWish: Field<'nextProtocolWish', true> = field(code, 'nextProtocolWish', empty);
/** In ServerHello: what there is to choose from. */
export const nextProtocols: Field<'nextProtocols', readonly Uint8Array[]> = field(
  code,
  'nextProtocols',
  protocolNames,
);
