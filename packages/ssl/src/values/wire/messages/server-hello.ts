/** ServerHello, and HelloRetryRequest, which is one with a fixed random (RFC 8446 §4.1.3, §4.1.4). */
import { type Codec, fixed, opaque8 } from '../codec.js';
import { type RawExtension, rawExtensions } from './extension.js';

export interface ServerHello {
  readonly legacyVersion: number;
  /** 32 bytes */
  readonly random: Uint8Array;
  readonly legacySessionIdEcho: Uint8Array;
  readonly cipherSuite: number;
  readonly legacyCompressionMethod: number;
  /** Empty when the block is absent, which TLS 1.2 and before allow. */
  readonly extensions: readonly RawExtension[];
}

const random = fixed(32);
const sessionId = opaque8(0, 32);

/** By hand, since the whole block of extensions may be missing (RFC 5246 §7.4.1.3). */
export const serverHello: Codec<ServerHello> = {
  decode: (reader) => ({
    legacyVersion: reader.uint16(),
    random: random.decode(reader),
    legacySessionIdEcho: sessionId.decode(reader),
    cipherSuite: reader.uint16(),
    legacyCompressionMethod: reader.uint8(),
    extensions: reader.remaining === 0 ? [] : rawExtensions.decode(reader),
  }),
  encode(writer, hello) {
    writer.uint16(hello.legacyVersion);
    random.encode(writer, hello.random);
    sessionId.encode(writer, hello.legacySessionIdEcho);
    writer.uint16(hello.cipherSuite);
    writer.uint8(hello.legacyCompressionMethod);
    if (hello.extensions.length > 0) rawExtensions.encode(writer, hello.extensions);
  },
};

/** SHA-256 of "HelloRetryRequest": the random that makes a ServerHello a HelloRetryRequest (RFC 8446 §4.1.3). */
export const helloRetryRequestRandom: Uint8Array = Uint8Array.from([
  0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2,
  0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
]);

/** Whether a ServerHello asks for another ClientHello. */
export function isHelloRetryRequest(hello: ServerHello): boolean {
  return hello.random.every((byte, index) => byte === helloRetryRequestRandom[index]);
}
