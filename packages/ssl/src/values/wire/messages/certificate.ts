/** Certificate (RFC 8446 §4.4.2). */
import { type Codec, list24, opaque8, opaque24, struct } from '../codec.js';
import { type RawExtension, rawExtensions } from './extension.js';

export interface CertificateEntry {
  /** DER of an X.509 certificate; what is inside is nothing to the wire. */
  readonly certData: Uint8Array;
  readonly extensions: readonly RawExtension[];
}

export interface Certificate {
  /** Empty from a server; from a client the context of the CertificateRequest. */
  readonly certificateRequestContext: Uint8Array;
  /** Sender's own certificate first; empty when a client has none to show. */
  readonly certificateList: readonly CertificateEntry[];
}

const certificateEntry: Codec<CertificateEntry> = struct<CertificateEntry>({
  certData: opaque24(1, 0xffffff),
  extensions: rawExtensions,
});

export const certificate: Codec<Certificate> = struct<Certificate>({
  certificateRequestContext: opaque8(0, 255),
  certificateList: list24(certificateEntry, 0, 0xffffff),
});
