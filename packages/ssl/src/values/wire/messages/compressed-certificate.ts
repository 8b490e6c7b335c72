/** CompressedCertificate (RFC 8879 §4): a Certificate message's body, compressed. */
import { type Codec, opaque24, struct, uint16, uint24 } from '../codec.js';

export interface CompressedCertificate {
  readonly algorithm: number;
  /** Bytes of the Certificate's body. */
  readonly uncompressedLength: number;
  readonly compressedCertificateMessage: Uint8Array;
}

export const compressedCertificate: Codec<CompressedCertificate> = struct<CompressedCertificate>({
  algorithm: uint16,
  uncompressedLength: uint24,
  compressedCertificateMessage: opaque24(1, 0xffffff),
});
