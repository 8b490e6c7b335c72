/**
 * NextProtocol (draft-agl-tls-nextprotoneg-04 §3): the application protocol of the client's choice. It travels enciphered, and
 * padded, so that who looks on does not see how long the name is.
 */
import type { Codec } from '../../codec.js';
import { opaque8 } from '../../codec.js';

export interface NextProtocol {
  /** 0 to 255 bytes; none says that the client wants no protocol in particular. */
  readonly selectedProtocol: Uint8Array;
}

/** bytes that a body is filled up to, or to a multiple of */
const unit = 32;
const name: Codec<Uint8Array> = opaque8(0, 255);
const padding: Codec<Uint8Array> = opaque8(0, 255);

export const nextProtocol12: Codec<NextProtocol> = {
  decode(reader) {
    const selectedProtocol = name.decode(reader);
    // What is in it is nobody's business, OpenSSL's and OTP's neither.
    padding.decode(reader);
    return { selectedProtocol };
  },
  encode(writer, { selectedProtocol }) {
    name.encode(writer, selectedProtocol);
    padding.encode(writer, new Uint8Array(unit - ((selectedProtocol.length + 2) % unit)));
  },
};
