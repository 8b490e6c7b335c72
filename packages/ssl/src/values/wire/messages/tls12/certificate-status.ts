/** CertificateStatus (RFC 6066 §8): the stapled OCSP response as a message of its own. */
import type { Codec } from '../../codec.js';
import { opaque24, struct, uint8 } from '../../codec.js';

export interface CertificateStatus {
  /** CertificateStatusType; 1 is ocsp. */
  readonly statusType: number;
  /** DER OCSPResponse */
  readonly response: Uint8Array;
}

export const certificateStatus12: Codec<CertificateStatus> = struct<CertificateStatus>({
  statusType: uint8,
  response: opaque24(1, 0xffffff),
});
