/** A server's `reuse_session` (contract §2.3): the last word on a session that could be resumed. */
import type { SuiteMap } from './cipher-suites.js';

/**
 * `suggestedId`: the client's; it has no meaning beside a ticket. `peerCertificate`: DER, of a client that had shown one.
 * `compression` is 0 always. Anything but true, thrown errors too, means a full handshake.
 */
export type ReuseSessionFun = (
  suggestedId: Uint8Array,
  peerCertificate: Uint8Array | undefined,
  compression: 0,
  suite: SuiteMap,
) => boolean | Promise<boolean>;
