/** CertificateRequest of TLS 1.2 (RFC 5246 §7.4.4). */
import { type Codec, list8, list16, opaque16, uint8, uint16 } from '../../codec.js';

export interface CertificateRequest12 {
  /** ClientCertificateType */
  readonly certificateTypes: readonly number[];
  /** SignatureScheme numbers; a {Hash, Sign} pair has the same two bytes. `undefined` before TLS 1.2. */
  readonly supportedSignatureAlgorithms: readonly number[] | undefined;
  /** DER names; none: any will do. */
  readonly certificateAuthorities: readonly Uint8Array[];
}

const certificateTypes = list8(uint8, 1, 255);
const signatureAlgorithms = list16(uint16, 2, 65534);
const authorities = list16(opaque16(1, 65535), 0, 65535);

export const certificateRequest12: Codec<CertificateRequest12> = {
  encode(writer, request) {
    certificateTypes.encode(writer, request.certificateTypes);
    signatureAlgorithms.encode(writer, request.supportedSignatureAlgorithms ?? []);
    authorities.encode(writer, request.certificateAuthorities);
  },
  decode: (reader) => ({
    certificateTypes: certificateTypes.decode(reader),
    supportedSignatureAlgorithms: signatureAlgorithms.decode(reader),
    certificateAuthorities: authorities.decode(reader),
  }),
};

/** CertificateRequest before TLS 1.2, without algorithms (RFC 4346 §7.4.4). */
export const certificateRequest10: Codec<CertificateRequest12> = {
  encode(writer, request) {
    certificateTypes.encode(writer, request.certificateTypes);
    authorities.encode(writer, request.certificateAuthorities);
  },
  decode: (reader) => ({
    certificateTypes: certificateTypes.decode(reader),
    supportedSignatureAlgorithms: undefined,
    certificateAuthorities: authorities.decode(reader),
  }),
};
