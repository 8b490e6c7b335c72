/** ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2). */
import { type Codec, fixed, list16, opaque8, uint16 } from '../codec.js';
import { type RawExtension, rawExtensions } from './extension.js';

export interface ClientHello {
  readonly legacyVersion: number;
  /** 32 bytes */
  readonly random: Uint8Array;
  readonly legacySessionId: Uint8Array;
  /** DTLS only (RFC 6347 §4.2.1); empty in a first hello. */
  readonly cookie?: Uint8Array | undefined;
  readonly cipherSuites: readonly number[];
  readonly legacyCompressionMethods: Uint8Array;
  /** Empty when the block is absent, which TLS 1.2 and before allow. */
  readonly extensions: readonly RawExtension[];
}

const random = fixed(32);
const sessionId = opaque8(0, 32);
const suites = list16(uint16, 2, 65534);
const compressionMethods = opaque8(1, 255);
const cookie = opaque8(0, 255);
const nothing: Uint8Array = new Uint8Array(0);

const noField: Codec<Uint8Array | undefined> = { decode: () => undefined, encode: () => {} };
const cookieField: Codec<Uint8Array | undefined> = {
  decode: (reader) => cookie.decode(reader),
  encode: (writer, value = nothing) => cookie.encode(writer, value),
};

export const clientHello: Codec<ClientHello> = helloCodec(noField);
/** With a cookie behind the session id (RFC 6347 §4.2.1). */
export const dtlsClientHello: Codec<ClientHello> = helloCodec(cookieField);

/** By hand, since the whole block of extensions may be missing (RFC 5246 §7.4.1.2). */
function helloCodec(cookieOf: Codec<Uint8Array | undefined>): Codec<ClientHello> {
  return {
    decode(reader) {
      const legacyVersion = reader.uint16();
      const fields = {
        legacyVersion,
        random: random.decode(reader),
        legacySessionId: sessionId.decode(reader),
      };
      const found = cookieOf.decode(reader);
      return {
        ...fields,
        ...(found === undefined ? {} : { cookie: found }),
        cipherSuites: suites.decode(reader),
        legacyCompressionMethods: compressionMethods.decode(reader),
        extensions: reader.remaining === 0 ? [] : rawExtensions.decode(reader),
      };
    },
    encode(writer, hello) {
      writer.uint16(hello.legacyVersion);
      random.encode(writer, hello.random);
      sessionId.encode(writer, hello.legacySessionId);
      cookieOf.encode(writer, hello.cookie);
      suites.encode(writer, hello.cipherSuites);
      compressionMethods.encode(writer, hello.legacyCompressionMethods);
      if (hello.extensions.length > 0) rawExtensions.encode(writer, hello.extensions);
    },
  };
}
