/** CertificateRequest of TLS 1.2 (RFC 5246 §7.4.4). */
import { type Codec, list8, list16, opaque16, struct, uint8, uint16 } from '../../codec.js';

export interface CertificateRequest12 {
  /** ClientCertificateType */
  readonly certificateTypes: readonly number[];
  /** SignatureScheme numbers; a {Hash, Sign} pair has the same two bytes. */
  readonly supportedSignatureAlgorithms: readonly number[];
  /** DER names; none: any will do. */
  readonly certificateAuthorities: readonly Uint8Array[];
}

export const certificateRequest12: Codec<CertificateRequest12> = struct<CertificateRequest12>({
  certificateTypes: list8(uint8, 1, 255),
  supportedSignatureAlgorithms: list16(uint16, 2, 65534),
  certificateAuthorities: list16(opaque16(1, 65535), 0, 65535),
});
