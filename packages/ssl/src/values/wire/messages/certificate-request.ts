/** CertificateRequest (RFC 8446 §4.3.2). */
import { type Codec, list16, opaque8, struct } from '../codec.js';
import { type RawExtension, rawExtension } from './extension.js';

export interface CertificateRequest {
  /** Empty in a handshake; otherwise unique within the connection. */
  readonly certificateRequestContext: Uint8Array;
  readonly extensions: readonly RawExtension[];
}

export const certificateRequest: Codec<CertificateRequest> = struct<CertificateRequest>({
  certificateRequestContext: opaque8(0, 255),
  extensions: list16(rawExtension, 2, 65535),
});
