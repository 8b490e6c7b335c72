/** HelloVerifyRequest (RFC 6347 §4.2.1): prove that you are where you say. */
import { type Codec, opaque8 } from '../codec.js';

export interface HelloVerifyRequest {
  /** Says nothing about the version to come. */
  readonly serverVersion: number;
  readonly cookie: Uint8Array;
}

/** HandshakeType's byte. */
export const helloVerifyRequestCode = 3;

const cookie = opaque8(0, 255);

export const helloVerifyRequest: Codec<HelloVerifyRequest> = {
  decode: (reader) => ({ serverVersion: reader.uint16(), cookie: cookie.decode(reader) }),
  encode(writer, { serverVersion, cookie: value }) {
    writer.uint16(serverVersion);
    cookie.encode(writer, value);
  },
};
