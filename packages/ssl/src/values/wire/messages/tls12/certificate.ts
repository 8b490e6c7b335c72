/** Certificate of TLS 1.2 and before (RFC 5246 §7.4.2): certificates and nothing beside them. */
import { type Codec, list24, opaque24, struct } from '../../codec.js';

export interface Certificate12 {
  /** DER, sender's own first; empty when a client has none to show. */
  readonly certificateList: readonly Uint8Array[];
}

export const certificate12: Codec<Certificate12> = struct<Certificate12>({
  certificateList: list24(opaque24(1, 0xffffff), 0, 0xffffff),
});
