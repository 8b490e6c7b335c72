/**
 * ServerKeyExchange and ClientKeyExchange (RFC 5246 §7.4.3, §7.4.7). What is inside depends on the key exchange of
 * the suite; on the wire they are bytes, and each key exchange has its own shapes for them.
 */
import { type Codec, opaque8, opaque16, rest, struct, uint8, uint16 } from '../../codec.js';

export interface KeyExchangeBytes {
  readonly exchangeKeys: Uint8Array;
}

export const keyExchangeBytes: Codec<KeyExchangeBytes> = struct<KeyExchangeBytes>({ exchangeKeys: rest });

/** `ECCurveType.named_curve` (RFC 8422 §5.4), the only kind there is. */
export const namedCurveType = 3;

/** ServerECDHParams (RFC 8422 §5.4). */
export interface ServerEcdhParams {
  readonly curveType: number;
  /** NamedCurve */
  readonly namedCurve: number;
  /** The server's public key. */
  readonly point: Uint8Array;
}

export const serverEcdhParams: Codec<ServerEcdhParams> = struct<ServerEcdhParams>({
  curveType: uint8,
  namedCurve: uint16,
  point: opaque8(1, 255),
});

/** DigitallySigned (RFC 5246 §4.7). */
export interface DigitallySigned {
  /** SignatureScheme; `undefined` before TLS 1.2, where the key alone decides (RFC 4346 §4.7). */
  readonly algorithm: number | undefined;
  readonly signature: Uint8Array;
}

const signature = opaque16(0, 65535);

export const digitallySigned: Codec<DigitallySigned> = {
  encode(writer, { algorithm, signature: bytes }) {
    if (algorithm === undefined) throw new TypeError('a signature of TLS 1.2 names its scheme');
    uint16.encode(writer, algorithm);
    signature.encode(writer, bytes);
  },
  decode: (reader) => ({ algorithm: uint16.decode(reader), signature: signature.decode(reader) }),
};

/** The same before TLS 1.2. */
export const signedByKey: Codec<DigitallySigned> = {
  encode: (writer, { signature: bytes }) => signature.encode(writer, bytes),
  decode: (reader) => ({ algorithm: undefined, signature: signature.decode(reader) }),
};

/** ClientKeyExchange of the elliptic-curve exchanges: the client's public key (RFC 8422 §5.7). */
export interface ClientEcdhPublic {
  readonly point: Uint8Array;
}

export const clientEcdhPublic: Codec<ClientEcdhPublic> = struct<ClientEcdhPublic>({ point: opaque8(1, 255) });

/** ServerDHParams (RFC 5246 §7.4.3): numbers, big endian. */
export interface ServerDhParams {
  readonly prime: Uint8Array;
  readonly generator: Uint8Array;
  readonly publicKey: Uint8Array;
}

export const serverDhParams: Codec<ServerDhParams> = struct<ServerDhParams>({
  prime: opaque16(1, 65535),
  generator: opaque16(1, 65535),
  publicKey: opaque16(1, 65535),
});

/** ClientDiffieHellmanPublic, explicit (RFC 5246 §7.4.7.2). */
export const clientDhPublic: Codec<{ readonly publicKey: Uint8Array }> = struct<{
  readonly publicKey: Uint8Array;
}>({ publicKey: opaque16(1, 65535) });

/** EncryptedPreMasterSecret (RFC 5246 §7.4.7.1). */
export const encryptedPremaster: Codec<{ readonly encrypted: Uint8Array }> = struct<{
  readonly encrypted: Uint8Array;
}>({ encrypted: opaque16(1, 65535) });

/** psk_identity_hint and psk_identity (RFC 4279 §2). */
export const pskName: Codec<{ readonly name: Uint8Array }> = struct<{ readonly name: Uint8Array }>({
  name: opaque16(0, 65535),
});

/** ServerSRPParams (RFC 5054 §2.8.2). */
export interface ServerSrpParams extends ServerDhParams {
  readonly salt: Uint8Array;
}

export const serverSrpParams: Codec<ServerSrpParams> = struct<ServerSrpParams>({
  prime: opaque16(1, 65535),
  generator: opaque16(1, 65535),
  salt: opaque8(1, 255),
  publicKey: opaque16(1, 65535),
});

/** ClientSRPPublic (RFC 5054 §2.8.3). */
export const clientSrpPublic: Codec<{ readonly publicKey: Uint8Array }> = struct<{
  readonly publicKey: Uint8Array;
}>({ publicKey: opaque16(1, 65535) });
