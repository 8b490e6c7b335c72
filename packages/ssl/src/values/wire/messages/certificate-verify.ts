/** CertificateVerify (RFC 8446 §4.4.3). */
import { type Codec, opaque16, struct, uint16 } from '../codec.js';

export interface CertificateVerify {
  /** SignatureScheme */
  readonly algorithm: number;
  readonly signature: Uint8Array;
}

export const certificateVerify: Codec<CertificateVerify> = struct<CertificateVerify>({
  algorithm: uint16,
  signature: opaque16(0, 65535),
});
