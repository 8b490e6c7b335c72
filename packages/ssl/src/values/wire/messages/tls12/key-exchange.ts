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

/** DigitallySigned of TLS 1.2 (RFC 5246 §4.7). */
export interface DigitallySigned {
  /** SignatureScheme */
  readonly algorithm: number;
  readonly signature: Uint8Array;
}

export const digitallySigned: Codec<DigitallySigned> = struct<DigitallySigned>({
  algorithm: uint16,
  signature: opaque16(0, 65535),
});

/** ClientKeyExchange of the elliptic-curve exchanges: the client's public key (RFC 8422 §5.7). */
export interface ClientEcdhPublic {
  readonly point: Uint8Array;
}

export const clientEcdhPublic: Codec<ClientEcdhPublic> = struct<ClientEcdhPublic>({ point: opaque8(1, 255) });
